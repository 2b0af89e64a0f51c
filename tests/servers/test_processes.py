"""The start of a server's processes."""

from __future__ import annotations

import pytest
from exchange import HOST, fetch
from programs import PROGRAMS, Program

PRELOADING = Program(
    "gunicorn --preload",
    lambda port, app: ["gunicorn", "--bind", f"{HOST}:{port}", "--preload", "--workers", "2", app],
)


def test_async_view_runs_in_a_worker_forked_from_a_process_with_a_loop(start):
    """A worker gets its own event loop, even if its parent had one before the fork."""
    running, port = start(PRELOADING, "preloaded:app")

    pids = fetch(port, "/").json

    assert pids["loaded by"] == running.process.pid
    assert pids["answered by"] != running.process.pid


@pytest.mark.parametrize("name", ["gunicorn-sync", "waitress", "granian", "costrel-run"])
def test_unchanged_flask_module_is_served_with_the_alias(start, name):
    """A module written for Flask needs only ``COSTREL_AS_FLASK=1``."""
    running, port = start(PROGRAMS[name], "unchanged:app", COSTREL_AS_FLASK="1")

    assert fetch(port, "/").json == {"flask": "costrel.app"}
    assert "Traceback" not in running.log
