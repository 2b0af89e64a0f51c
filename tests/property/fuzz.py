"""Compare many raw requests on every path and interface with Flask: `make fuzz`.

``python tests/property/fuzz.py --requests 20000`` fails with the smallest requests that it
finds that are answered differently, hang, or leave something behind.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from differential.application import APPS, make_files
from differential.comparing import check
from differential.requests import TOGETHER, examples
from differential.ways import all_ways
from differential.wire import Raw
from hypothesis import HealthCheck, Phase, given, seed, settings


def main() -> None:
    """Send the number of requests given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)  # noqa: T201  it talks to a terminal
    sent, began = 0, time.monotonic()

    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        with all_ways(Path(folder)) as ways:

            @seed(options.seed)
            @settings(
                max_examples=-(-options.requests // (TOGETHER * len(APPS))),
                deadline=None,
                database=None,
                suppress_health_check=[*HealthCheck],
                phases=[Phase.generate, Phase.shrink],
            )
            @given(examples)
            def run(raws: list[Raw]) -> None:
                nonlocal sent
                check(ways, raws)
                sent += len(raws)

            run()
    print(f"{sent} requests agree, in {time.monotonic() - began:.0f} s")  # noqa: T201  as above
    if sent < options.requests:
        sys.exit(f"only {sent} of {options.requests} requests were made")


if __name__ == "__main__":
    main()
