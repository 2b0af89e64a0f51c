"""The example of safe defaults: its own tests, which `test_guestbook_in_browser.py` adds to."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_own_tests_of_the_example_pass(interface):
    """They run as its README says, from the folder that the package is in."""
    options = ["-q", "-c", os.devnull, "-W", "error"]
    plugins = ["-p", "no:cacheprovider", "-p", "costrel.compat.pytest"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "guestbook", *options, *plugins],
        check=False,
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COSTREL_TEST_INTERFACE": interface},
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_readme_adds_a_guest_in_debug_mode(tmp_path):
    """Nothing has to be set for that."""
    readme = (EXAMPLES / "guestbook" / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^costrel (.* --debug add-guest .*)$", readme, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", "costrel", *shlex.split(command), "--password", "correct horse"],
        check=False,
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "APP_DATABASE": str(tmp_path / "guestbook.sqlite")},
    )
    assert done.stdout == "Ada can log in now.\n", done.stderr
