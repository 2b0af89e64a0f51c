"""The start of a server's processes."""

from __future__ import annotations

import shlex

import pytest
from exchange import HOST, fetch, free_port
from programs import PROGRAMS, Program, Running
from proxy import documented

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


@pytest.mark.parametrize(
    "line", [line for block in documented("sh") for line in block.splitlines()]
)
def test_documented_command_serves_the_documented_app(tmp_path, line):
    """The commands in the deployment docs work as written."""
    app, _settings = documented("python")
    (tmp_path / "app.py").write_text(app)
    port = free_port()
    words = shlex.split(line.replace("8000", str(port)))
    variables = dict(word.split("=") for word in words if word.startswith("COSTREL_"))

    running = Running(words[len(variables) :], tmp_path, cwd=tmp_path, **variables)
    try:
        assert running.wait_ready(port).text == "Hello!"
    finally:
        # Killed: if Granian is asked to stop while its second worker starts, it waits forever.
        running.kill()
