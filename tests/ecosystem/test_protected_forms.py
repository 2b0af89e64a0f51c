"""Where Flask-WTF protects an application, its rules hold, and ours do not."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

PROGRAM = pathlib.Path(__file__).with_name("protected_forms.py")


def test_protection_gives_way_to_that_of_flask_wtf() -> None:
    """Its tokens are asked for and accepted, and its exemptions are exempt."""
    env = {**os.environ, "COSTREL_AS_FLASK": "1"}
    env.pop("COSTREL_TEST_INTERFACE", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
    )
    # Without a token; with it; with it from elsewhere, which it does not look at; exempt.
    assert done.stdout.split() == ["400", "200", "200", "200"], done.stderr[-2000:]
