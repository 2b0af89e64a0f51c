"""ARCHITECTURE.md describes the request lifecycle as it is in the code."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import typing as t
from pathlib import Path

import pytest

import costrel
from costrel import Flask
from costrel.dispatch.plan import FORCE_GENERAL

ROOT = Path(__file__).parents[2]
PACKAGE = Path(costrel.__file__).parent


def documented(heading: str) -> list[str]:
    """Read the functions of one table, as ``file: name``, in order."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    section = text.split(f"### {heading}\n")[1].split("\n#")[0]
    return re.findall(r"^\| [a-z, ]+ \| `([\w/]+\.py: [\w.]+)` \|", section, re.MULTILINE)


def visited(app: Flask, path: str, *, by_asgi: bool = False) -> list[str]:
    """Send one request and list the package's functions in the order of their calls."""
    calls: list[str] = []

    def profile(frame: t.Any, event: str, _arg: t.Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            file = Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()
            calls.append(f"{file}: {frame.f_code.co_qualname}")

    if app._workers is not None:
        # Existing threads are not profiled.
        app._workers.close()
        app._workers = None
    # Profile the worker thread too, which works while the event loop waits for it.
    threading.setprofile(profile)
    try:
        if by_asgi:
            asyncio.run(send_by_asgi(app, path, profile))
        else:
            send_by_wsgi(app, path, profile)
    finally:
        threading.setprofile(None)
    return calls


def send_by_wsgi(app: Flask, path: str, profile: t.Any) -> None:
    """Send one request as a WSGI server does."""
    environ = app.test_request_context(path).environ

    def start_response(_status: str, _headers: t.Any, _exc: t.Any = None) -> t.Any:
        return None

    sys.setprofile(profile)
    try:
        b"".join(app(environ, start_response))
    finally:
        sys.setprofile(None)


async def send_by_asgi(app: Flask, path: str, profile: t.Any) -> None:
    """Send one request as an ASGI server does."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    messages = []

    async def receive() -> t.Any:
        return {"type": "http.disconnect"}

    async def send(message: t.Any) -> None:
        messages.append(message)

    application = app.asgi
    sys.setprofile(profile)
    try:
        await application(scope, receive, send)
    finally:
        sys.setprofile(None)
    assert messages[0]["status"] == 200


@pytest.mark.parametrize(
    ("heading", "general", "hooks", "rows"),
    [
        ("Planned (WSGI)", "0", False, 5),
        ("Planned, with hooks (WSGI)", "0", True, 6),
        ("General (WSGI)", "1", False, 14),
        ("On the loop (ASGI)", "0", False, 4),
        ("On the loop, with hooks (ASGI)", "0", True, 7),
        ("In a thread (ASGI)", "0", False, 6),
    ],
)
def test_request_visits_the_documented_functions_in_order(
    heading: str, general: str, hooks: bool, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each table's functions are called, in the table's order."""
    monkeypatch.setenv(FORCE_GENERAL, general)
    app = Flask(__name__)
    if hooks:
        app.before_request(lambda: None)
        app.after_request(lambda response: response)
        app.teardown_request(lambda error: None)

    def index() -> str:
        return "hello"

    async def index_on_loop() -> str:
        return "hello"

    app.add_url_rule("/", "index", index_on_loop if "loop" in heading else index)
    by_asgi = "ASGI" in heading
    visited(app, "/", by_asgi=by_asgi)  # the first request compiles
    calls = visited(app, "/", by_asgi=by_asgi)
    way = documented(heading)
    assert len(way) == rows
    # A function may be listed twice: where it is entered and where it returns.
    for number, function in enumerate(way):
        if function in way[:number]:
            way[number] = ""
    at = 0
    for function in filter(None, way):
        assert function in calls[at:], f"{function} is not called after {calls[:at]}"
        at += calls[at:].index(function) + 1


def test_planned_request_calls_only_what_is_documented() -> None:
    """Nothing else in the package runs for a plain request."""
    app = Flask(__name__)

    @app.route("/")
    def index() -> str:
        return "hello"

    visited(app, "/")
    assert set(visited(app, "/")) == set(documented("Planned (WSGI)"))


def test_planned_request_on_the_loop_calls_little_else() -> None:
    """Nothing else in the package runs, except what turns a value into a body."""
    app = Flask(__name__)

    @app.route("/")
    async def index() -> str:
        return "hello"

    visited(app, "/", by_asgi=True)
    others = set(visited(app, "/", by_asgi=True)) - set(documented("On the loop (ASGI)"))
    assert others == {"dispatch/coerce.py: PlainCoercion.body"}


def test_import_loads_no_command_line_no_tests_no_server() -> None:
    """`import costrel` does not load what a request does not need."""
    import subprocess

    script = "import costrel, sys; print([m for m in sys.modules if m.startswith(%r)])"
    for prefix in (
        "costrel.cli",
        "costrel.testing",
        "costrel.servers.granian",
        "granian",
        "click",
        "asyncio",
        "msgspec",
    ):
        output = subprocess.run(
            [sys.executable, "-c", script % prefix], capture_output=True, text=True, check=True
        ).stdout
        assert output.strip() == "[]"


def test_hot_path_list_names_functions_that_exist() -> None:
    """Every function of the hot-path list is where the list says."""
    text = (ROOT / "ARCHITECTURE.md").read_text().split("## Hot path\n")[1]
    for file, names in re.findall(r"`([\w/]+\.py): ([\w.,\s]+)`", text):
        source = (PACKAGE / file).read_text()
        for name in re.split(r",\s*", names):
            assert re.search(rf"(def|class) {name.rpartition('.')[2]}\b", source), (file, name)
