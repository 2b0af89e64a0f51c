"""The example of several extensions at once: its own tests, and what it shares with another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_own_tests_of_the_example_pass(interface):
    """They run as the tutorial says, from the folder that the package is in."""
    # From Python 3.13 on, SQLite's connections in the pool warn when they are collected.
    options = [
        "-q",
        "-c",
        os.devnull,
        "-W",
        "error",
        "-W",
        "ignore::ResourceWarning",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "club", *options, "-p", "costrel.compat.pytest"],
        check=False,
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COSTREL_TEST_INTERFACE": interface},
    )
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("name", ["style.css", "logo.svg"])
def test_look_is_shared(name):
    """Examples are copied one by one, so each has the style sheet; all copies are the same."""
    copies = [EXAMPLES / folder / "static" / name for folder in ("hello", "club", "guestbook")]
    assert len({copy.read_bytes() for copy in copies}) == 1
