"""``costrel run`` and the lifespan: under WSGI and ASGI, on uvicorn and Granian."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

APP = """
import costrel.servers.worker
from costrel import Flask

UVICORN or setattr(costrel.servers.worker, "has_uvicorn", lambda: False)

app = Flask(__name__)

@app.while_serving
async def pool():
    print("opened", flush=True)
    yield
    print("closed", flush=True)

@app.before_serving
def before():
    print("before", flush=True)

@app.while_serving
def connect():
    if FAILS:
        raise LookupError("no database")
    yield

@app.after_serving
async def after():
    print("after", flush=True)

async def send_mail():
    print("sent", flush=True)

@app.get("/")
def index():
    app.add_background_task(send_mail)
    return "served"
"""

WAYS = {
    "wsgi": ("wsgi", False, r"Granian .* under WSGI"),
    "asgi on uvicorn": ("asgi", True, r"uvicorn .* over ASGI"),
    "asgi on Granian": ("asgi", False, r"Granian .* over ASGI"),
}


def write_app(folder: Path, *, uvicorn: bool, fails: bool) -> None:
    """Write the application of these tests."""
    (folder / "lived.py").write_text(f"UVICORN, FAILS = {uvicorn}, {fails}\n{APP}")


@pytest.mark.parametrize("way", WAYS)
def test_run_leads_the_life_of_its_worker(serve: t.Any, tmp_path: Path, way: str) -> None:
    """It starts before the server reports that it runs, and ends when the server stops."""
    interface, uvicorn, banner = WAYS[way]
    write_app(tmp_path, uvicorn=uvicorn, fails=False)
    served = serve("--app", "lived", "run", "--port", "0", "--interface", interface)
    served.wait_for("^before$")
    served.wait_for("^opened$")
    served.wait_for(banner)
    served.wait_ready()

    assert served.get("/") == (200, "served")
    served.wait_for("^sent$")

    assert served.stop() == 0
    assert served.output.rstrip().splitlines()[-2:] == ["closed", "after"]


@pytest.mark.parametrize("way", WAYS)
def test_run_refuses_to_start_after_an_error(
    costrel_command: t.Any, tmp_path: Path, way: str
) -> None:
    """What was opened is closed, the error is shown once, from its code on; the status is 1."""
    interface, uvicorn, _banner = WAYS[way]
    write_app(tmp_path, uvicorn=uvicorn, fails=True)

    result = costrel_command("--app", "lived", "run", "--port", "0", "--interface", interface)

    assert result.returncode == 1
    assert result.stdout.splitlines() == ["before", "opened", "closed"]
    assert result.stderr.count("LookupError: no database") == 1
    frames = [line for line in result.stderr.splitlines() if line.startswith("  File ")]
    assert len(frames) == 1, frames
    assert "lived.py" in frames[0]
    assert result.stderr.rstrip().endswith(
        "Error: The application could not be started: see the error above."
    )
    assert "Running on" not in result.stdout + result.stderr


NOT_ORDINARY = {
    "SystemExit": "raise SystemExit(0)",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "CancelledError": "raise asyncio.CancelledError",
    "OwnError": "raise OwnError",
    "a cancelled task": "t = asyncio.ensure_future(asyncio.sleep(9)); t.cancel(); await t",
}

LEAVING = """
import asyncio
import costrel.servers.worker
from costrel import Flask

UVICORN or setattr(costrel.servers.worker, "has_uvicorn", lambda: False)

class OwnError(BaseException):
    pass

app = Flask(__name__)

@app.before_serving
async def leave():
    {statement}
"""


@pytest.mark.parametrize("error", NOT_ORDINARY)
@pytest.mark.parametrize("way", WAYS)
def test_run_refuses_to_start_after_what_is_no_exception(
    costrel_command: t.Any, tmp_path: Path, way: str, error: str
) -> None:
    """The command does not serve, shows an error and does not report success."""
    interface, uvicorn, _banner = WAYS[way]
    source = LEAVING.format(statement=NOT_ORDINARY[error])
    (tmp_path / "left.py").write_text(f"UVICORN = {uvicorn}\n{source}")

    result = costrel_command(
        *("--app", "left", "run", "--port", "0", "--interface", interface, "--workers", "2")
    )

    assert result.returncode == 1
    name = "CancelledError" if error == "a cancelled task" else error
    assert f"A function that runs before serving raised {name}(" in result.stderr
    assert result.stderr.rstrip().endswith(
        "Error: The application could not be started: see the error above."
    )
    assert "Running on" not in result.stdout + result.stderr


@pytest.mark.parametrize("error", ["SystemExit(0)", "KeyboardInterrupt", "GeneratorExit"])
def test_run_refuses_an_application_whose_import_ends_by_what_is_no_exception(
    costrel_command: t.Any, tmp_path: Path, error: str
) -> None:
    """It is shown like any error during the import."""
    (tmp_path / "left.py").write_text(f"raise {error}\n")

    result = costrel_command("--app", "left", "run", "--port", "0")

    assert result.returncode == 1
    assert result.stderr.startswith("Error: The application could not be loaded.")
    assert error.partition("(")[0] in result.stderr
