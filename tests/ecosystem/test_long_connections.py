"""Connections that last for hours hold no database connection for as long."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

POOL = pathlib.Path(__file__).with_name("pool.py")


def test_two_hundred_websockets_share_a_pool_of_five(tmp_path: pathlib.Path) -> None:
    """Each reads `current_user` before it accepts, and the database for its message."""
    done = subprocess.run(
        [sys.executable, str(POOL), str(tmp_path / "members.sqlite")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COSTREL_AS_FLASK": "1"},
    )
    assert done.stdout.split() == ["200", "0", "0"], done.stderr[-2000:]
