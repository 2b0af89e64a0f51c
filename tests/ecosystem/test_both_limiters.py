"""Flask-Limiter and the framework's own rate limits each count for themselves."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

BOTH = pathlib.Path(__file__).with_name("both_limiters.py")

# The statuses of four requests, and what either says is left after the last that was let through.
LINES = (
    '/ours 200 200 429 429 | "2/hour";r=0 | -',
    "/theirs 200 200 429 429 | - | 0",
    '/ours-less 200 429 429 429 | "1/hour";r=0 | 2',
    '/theirs-less 200 429 429 429 | "3/hour";r=2 | 0',
    '/loop 200 200 429 429 | "3/hour";r=1 | 0',
    "/free 200 200 200 200 | - | -",
)


def test_both_limit_the_same_application_and_count_once() -> None:
    """On both classes, over both interfaces, and whichever of the two came first."""
    env = {**os.environ, "COSTREL_AS_FLASK": "1"}
    env.pop("COSTREL_TEST_INTERFACE", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(BOTH)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
    )
    assert done.stdout.splitlines() == [*LINES] * 8, done.stderr[-2000:]
