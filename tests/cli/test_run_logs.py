"""What ``costrel run`` logs if the application's log is JSON."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

APP = """
from costrel import Flask
from costrel.logging import configure

app = Flask(__name__)
app.config.update(LOG_FORMAT="json", LOG_LEVEL="INFO")
configure(app)

@app.get("/<name>")
def index(name):
    app.logger.info("Hello, %s", name)
    return name
"""


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_lines_of_requests_and_of_the_application_are_json(
    serve: t.Any, tmp_path: Path, interface: str
) -> None:
    """One in each line, whatever the client asks for."""
    (tmp_path / "app.py").write_text(APP)
    server = serve("run", "--port", "0", "--access-log", "--interface", interface)
    server.wait_ready()
    assert server.get("/a%1B%5B2J%22")[0] == 200
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.seen if line.startswith("{")]
    (ours,) = [line for line in lines if line["logger"] == "app"]
    assert ours["message"] == 'Hello, a\x1b[2J"'
    assert ours["path"] == '/a\x1b[2J"'
    (access,) = [line for line in lines if line["logger"] == "granian.access"]
    assert (access["status"], access["path"]) == (200, "/a%1B%5B2J%22")
