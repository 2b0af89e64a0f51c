"""Ask one peer what a protected application has to refuse, and for what it has to send.

    python -m inside.protected MODULE     (prints JSON: a list of what is wrong)

The application is called as in `inside.call`.
"""

from __future__ import annotations

import importlib
import json
import sys
import typing as t

from exchange import Request

from inside.call import WSGI

EVIL = "https://evil.example"
FORGED = Request(
    "POST",
    "/echo",
    {
        "Content-Type": "application/json",
        "Cookie": "session=stolen",
        "Origin": EVIL,
        "Referer": f"{EVIL}/",
        "Sec-Fetch-Site": "cross-site",
    },
    b"{}",
)
# Whatever the host: the environ has another one, which is replaced.
REBOUND = Request("GET", "/", {"Host": "evil.example"})
PLAIN = Request("GET", "/")
FIELDS = ("x-content-type-options", "x-frame-options", "referrer-policy")


def find_faults(caller: WSGI) -> t.Iterator[str]:
    """Yield what an application does that a protected one must not do."""
    if caller.ask(FORGED).status not in {400, 403}:
        yield "a forged request is accepted"
    if caller.ask(REBOUND).status != 400:
        yield "a request for another host is accepted"
    answer = caller.ask(PLAIN)
    if answer.status != 200:
        yield f"the status of a plain request is {answer.status}"
    yield from (f"{name} is not sent" for name in FIELDS if name not in answer.headers)


def main() -> None:
    """Print what is wrong with the peer that the command line names."""
    caller = WSGI(importlib.import_module(sys.argv[1]).app)
    print(json.dumps(list(find_faults(caller))))


if __name__ == "__main__":
    main()
