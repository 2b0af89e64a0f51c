"""Measure how long an import takes in this, a fresh, interpreter.

    python -m inside.imports "from flask import Flask"     (prints JSON: milliseconds)

What this file itself imports is loaded already, for everyone.
"""

import json
import sys
import time

statement = sys.argv[1]
started = time.perf_counter()
exec(statement)  # noqa: S102 - from the command line of the benchmark itself
took = time.perf_counter() - started
print(json.dumps({"ms": took * 1e3}))
