"""Flask-Login goes first: where it is installed on an application, ours steps back."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

BESIDE = pathlib.Path(__file__).with_name("beside.py")


def test_only_one_login_serves_an_application():
    """Ours refuses with what to do; sessions of Flask-Login are valid in ours."""
    env = {**os.environ, "COSTREL_AS_FLASK": "1"}
    env.pop("COSTREL_TEST_INTERFACE", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(BESIDE)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
    )
    lines = done.stdout.splitlines()
    assert 8 == len(lines), done.stderr[-2000:]
    refused, again, theirs, ours, entered, ours_first, later, who = lines
    assert refused == again
    assert "LoginManager already" in refused
    assert "[True, 'ada']" == theirs
    assert "from flask_login" in ours
    assert ours == entered
    assert "True" == ours_first
    assert ours == later
    assert "ada" == who
