"""Connections that last for hours hold no database connection for as long."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

POOL = pathlib.Path(__file__).with_name("pool.py")


@pytest.mark.parametrize("path", ["/chat", "/events", "/sync-events"])
def test_two_hundred_connections_share_a_pool_of_five(tmp_path: pathlib.Path, path: str) -> None:
    """Each reads `current_user` at its beginning, and the database for a message or an event."""
    done = subprocess.run(
        [sys.executable, str(POOL), str(tmp_path / "members.sqlite"), path],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COSTREL_AS_FLASK": "1"},
    )
    assert done.stdout.split() == ["200", "0", "0"], done.stderr[-2000:]
