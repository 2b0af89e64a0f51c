"""ARCHITECTURE.md tells the way of a request as the code has it."""

from __future__ import annotations

import re
import sys
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


def visited(app: Flask, path: str) -> list[str]:
    """Send one request and list the package's functions in the order of their calls."""
    calls: list[str] = []

    def profile(frame: t.Any, event: str, _arg: t.Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            file = Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()
            calls.append(f"{file}: {frame.f_code.co_qualname}")

    environ = app.test_request_context(path).environ

    def start_response(_status: str, _headers: t.Any, _exc: t.Any = None) -> t.Any:
        return None

    sys.setprofile(profile)
    try:
        b"".join(app(environ, start_response))
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    ("heading", "general", "hooks", "rows"),
    [
        ("Planned (WSGI)", "0", False, 5),
        ("Planned, with hooks (WSGI)", "0", True, 6),
        ("General (WSGI)", "1", False, 14),
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

    @app.route("/")
    def index() -> str:
        return "hello"

    visited(app, "/")  # the first request compiles
    calls = visited(app, "/")
    way = documented(heading)
    assert len(way) == rows
    # A function may stand twice: where it is entered and where it returns.
    for number, function in enumerate(way):
        if function in way[:number]:
            way[number] = ""
    at = 0
    for function in filter(None, way):
        assert function in calls[at:], f"{function} is not called after {calls[:at]}"
        at += calls[at:].index(function) + 1


def test_planned_request_calls_only_what_is_documented() -> None:
    """Nothing else of the package runs for a request that asks for nothing."""
    app = Flask(__name__)

    @app.route("/")
    def index() -> str:
        return "hello"

    visited(app, "/")
    assert set(visited(app, "/")) == set(documented("Planned (WSGI)"))


def test_import_loads_no_command_line_no_tests_no_server() -> None:
    """`import costrel` leaves out what a request does not need."""
    import subprocess

    script = "import costrel, sys; print([m for m in sys.modules if m.startswith(%r)])"
    for prefix in ("costrel.cli", "costrel.testing", "costrel.serve.granian", "granian", "click"):
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
