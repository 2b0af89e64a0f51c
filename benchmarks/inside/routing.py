"""Measure how long a request takes in an application of many routes.

    python -m inside.routing FRAMEWORK RULES SECONDS     (prints JSON: microseconds by case)

Whole requests are measured, since frameworks do not find routes in comparable calls; what
is compared is the same request with 5 and with 5 000 rules.
"""

from __future__ import annotations

import json
import sys

from exchange import Request

from inside.call import WSGI, measure
from inside.many_routes import make_app, make_targets


def main() -> None:
    """Measure what the command line names."""
    framework, rules, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    caller = WSGI(make_app(framework, rules))
    results = {}
    for case, (method, path, status) in make_targets(rules).items():
        request = Request(method, path)
        answer = caller.ask(request)
        answer.require(answer.status == status, f"{method} {path} is not {status}")
        results[case] = measure(caller, request, seconds) * 1e6
    print(json.dumps(results))


if __name__ == "__main__":
    main()
