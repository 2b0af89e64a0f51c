"""What ``costrel run`` logs if the application's log is JSON."""

from __future__ import annotations

import json
import re
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
    assert server.get("/a%1B%5B2J%22?b=%20")[0] == 200
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.seen if line.startswith("{")]
    (ours,) = [line for line in lines if line["logger"] == "app"]
    assert ours["message"] == 'Hello, a\x1b[2J"'
    assert ours["path"] == '/a\x1b[2J"'
    (access,) = [line for line in lines if line["logger"] == "costrel.access"]
    assert (access["status"], access["path"], access["query"]) == (200, ours["path"], "b=%20")
    assert access["request_id"] == ours["request_id"]


TRUSTING = """
from costrel import Costrel, request
from costrel.logging import request_id

app = Costrel(__name__)
app.config.update(TRUSTED_PROXIES={"networks": ["127.0.0.1"]}, LOG_FORMAT="json")

@app.get("/")
def index():
    return f"{request.remote_addr} {request_id()}"

@app.get("/later")
async def later():
    return index()
"""
FORWARDED = {"X-Forwarded-For": "203.0.113.7", "X-Request-ID": "of-the-proxy"}


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_access_log_names_the_client_behind_a_trusted_proxy_and_every_request(
    serve: t.Any, tmp_path: Path, interface: str, wrapped: bool
) -> None:
    """As the application sees both, also where it has no view, and below other middleware."""
    middleware = "inner = app.wsgi_app\napp.wsgi_app = lambda *args: inner(*args)\n"
    (tmp_path / "app.py").write_text(TRUSTING + middleware * wrapped)
    server = serve("run", "--port", "0", "--access-log", "--interface", interface)
    server.wait_ready()
    connection = server.connect()
    answers = []
    without_id = {"X-Forwarded-For": "203.0.113.8"}
    asked = (
        ("/", FORWARDED),
        ("/", {}),
        ("/later", without_id),
        ("/none?a", FORWARDED),
        ("/none", {}),
    )
    for path, headers in asked:
        connection.request("GET", path, headers=headers)
        answers.append(connection.getresponse().read().decode())
    connection.close()
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.seen if '"costrel.access"' in line]
    clients = [line["client"] for line in lines]
    assert clients == ["203.0.113.7", "127.0.0.1", "203.0.113.8", "203.0.113.7", "127.0.0.1"]
    assert [line["status"] for line in lines] == [200, 200, 200, 404, 404]
    ids = [line["request_id"] for line in lines]
    assert [ids[0], ids[3]] == ["of-the-proxy"] * 2
    assert all(re.fullmatch(r"[0-9a-f-]{36}", ids[number]) for number in (1, 2, 4))
    assert answers[:3] == [f"{clients[number]} {ids[number]}" for number in range(3)]
