"""What happens as a server's processes start."""

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
    """A worker gets an event loop of its own, also if its parent had one before the fork."""
    running, port = start(PRELOADING, "preloaded:app")

    pids = fetch(port, "/").json

    assert pids["loaded by"] == running.process.pid
    assert pids["answered by"] != running.process.pid


@pytest.mark.parametrize("name", ["gunicorn-sync", "waitress", "granian", "costrel-run"])
def test_unchanged_flask_module_is_served_with_the_alias(start, name):
    """``COSTREL_AS_FLASK=1`` is all that a module written for Flask needs."""
    running, port = start(PROGRAMS[name], "unchanged:app", COSTREL_AS_FLASK="1")

    assert fetch(port, "/").json == {"flask": "costrel.app"}
    assert "Traceback" not in running.log


@pytest.mark.parametrize(
    "line", [line for block in documented("sh") for line in block.splitlines()]
)
def test_documented_command_serves_the_documented_app(tmp_path, line):
    """What the page on deploying says to type works as it stands."""
    app, _settings = documented("python")
    (tmp_path / "app.py").write_text(app)
    port = free_port()
    words = shlex.split(line.replace("8000", str(port)))
    variables = dict(word.split("=") for word in words if word.startswith("COSTREL_"))

    running = Running(words[len(variables) :], tmp_path, cwd=tmp_path, **variables)
    try:
        assert running.wait_ready(port).text == "Hello!"
    finally:
        # Not asked: Granian, if it is while its second worker starts, waits for that forever.
        running.kill()
