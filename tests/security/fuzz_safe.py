"""Send many hostile requests to `Costrel` with everything on: `make fuzz-safe`.

``python tests/security/fuzz_safe.py --requests 100000`` sends each over WSGI and over ASGI. It
fails with the request that gets a 500, takes long, or is answered without protection, and if the
memory grows; the seed that it prints makes the same requests again. With ``--atheris`` the choices
are guided by what they reach in the code; that needs ``pip install atheris``.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
import time
import typing as t
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random

HANGING_S = 300
"""After what time the process ends with a traceback, because a request never ends."""

REPORT_EVERY = 5_000
"""After how many requests the memory is looked at."""


def main() -> None:
    """Send the number of requests given on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    parser.add_argument("--atheris", action="store_true", help="let coverage guide the choices")
    options = parser.parse_args()
    if options.atheris:
        import atheris

        with atheris.instrument_imports(include=["costrel", "werkzeug"]):
            from everything import sending
    else:
        from everything import sending
    from everything.application import make_files

    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder))
        with (
            closing(sending.OverWSGI(Path(folder))) as wsgi,
            closing(sending.OverASGI(Path(folder))) as asgi,
        ):
            run = send_guided if options.atheris else send
            run([wsgi, asgi], options.requests, options.seed)


def send(ways: list[t.Any], requests: int, seed: int) -> None:
    """Send requests that are drawn at random."""
    from everything.hostile import make_together
    from everything.sending import GROWTH_BYTES, memory_bytes

    say(f"seed {seed}")
    random, statuses = Random(seed), Counter[int]()  # noqa: S311  no secrets are drawn
    sent, reported, usual_bytes, began = 0, 0, 0, time.monotonic()
    while sent < requests:
        # Ends the process with a traceback unless it is called again in time.
        faulthandler.dump_traceback_later(HANGING_S, exit=True)
        together = make_together(random)
        for way in ways:
            statuses.update(each.status for each in way.ask_all(together))
        sent += len(together)
        if sent >= reported + REPORT_EVERY or sent >= requests:
            reported, now_bytes = sent, memory_bytes()
            say(f"{sent} requests, {now_bytes >> 20} MB, {time.monotonic() - began:.0f} s")
            # By the first report everything is loaded, and the stores are full.
            usual_bytes = usual_bytes or now_bytes
            if now_bytes - usual_bytes > GROWTH_BYTES:
                sys.exit(f"the memory has grown from {usual_bytes >> 20} MB: seed {seed}")
    faulthandler.cancel_dump_traceback_later()
    say(f"answered with {dict(sorted(statuses.items()))}")
    say(f"{sent} requests over each interface bear it, in {time.monotonic() - began:.0f} s")


def send_guided(ways: list[t.Any], requests: int, seed: int) -> None:
    """Send requests whose choices atheris makes; ends the process."""
    import atheris
    from everything.hostile import TOGETHER, make_together

    def run(data: bytes) -> None:
        together = make_together(Chosen(data))
        for way in ways:
            way.ask_all(together)

    atheris.Setup(
        [sys.argv[0], f"-runs={requests // TOGETHER}", f"-seed={seed}", "-timeout=60"], run
    )
    atheris.Fuzz()


class Chosen(Random):
    """Makes the choices that bytes say; the first one of each when they have ended."""

    def __new__(cls, data: bytes) -> t.Self:
        """Make one without a seed."""
        return super().__new__(cls)

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = iter(data)

    def getrandbits(self, k: int, /) -> int:
        """Read so many bits."""
        raw = bytes(next(self.data, 0) for _ in range((k + 7) // 8))
        return int.from_bytes(raw, "big") & (1 << k) - 1

    def _randbelow(self, n: int) -> int:
        return self.getrandbits(n.bit_length()) % n if n > 1 else 0


def say(text: str) -> None:
    """Write to the terminal."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
