"""``costrel secret``, and ``costrel run`` with keys that are weak or missing."""

from __future__ import annotations

import os
import stat
import subprocess
import typing as t
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from costrel.cli.secret import secret_command
from costrel.sessions.keys import fresh_key, weakness_of


def invoke(*args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(secret_command, args)


def test_key_is_printed_alone() -> None:
    """Where to put it goes to standard error, so the output can be redirected into a file."""
    first, second = invoke(), invoke()
    assert first.exit_code == 0
    assert len(first.stdout) == 65
    assert weakness_of(first.stdout.strip()) is None
    assert first.stdout != second.stdout
    assert ".env" in first.stderr
    assert "SECRET_KEY_FILE" in first.stderr
    assert {"APP_SECRET_KEY=...", "FLASK_SECRET_KEY=..."} <= set(first.stderr.split())


def test_key_is_written_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    """Whatever the umask is."""
    path = tmp_path / "key"
    before = os.umask(0)
    try:
        result = invoke("--write", str(path))
    finally:
        os.umask(before)
    assert result.exit_code == 0
    key = path.read_text()
    assert weakness_of(key.strip()) is None
    assert key.strip() not in result.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    """Its key may be in use; neither is one that a link leads to."""
    path, link = tmp_path / "key", tmp_path / "link"
    path.write_text("in use")
    link.symlink_to(path)
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    for name in (path, link, dangling):
        result = invoke("--write", str(name))
        assert result.exit_code == 1
        assert "was not overwritten" in result.output
    assert path.read_text() == "in use"
    assert not (tmp_path / "nowhere").exists()


def test_file_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    """With the reason."""
    result = invoke("--write", str(tmp_path / "none" / "key"))
    assert result.exit_code == 1
    assert "cannot be written" in result.output


APP = """
import os
from costrel import Flask, session
from costrel.sessions.keys import install

app = Flask(__name__)
app.secret_key = os.environ.get("KEY")
install(app)

@app.get("/")
def index():
    return "index"
"""

WITH_SESSION = (
    APP
    + """
@app.get("/visit")
def visit():
    session["visits"] = session.get("visits", 0) + 1
    return str(session["visits"])
"""
)


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_weak_key_stops_costrel_run(
    costrel_command: t.Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    interface: str,
) -> None:
    """The command says why and what to do, without a traceback."""
    (tmp_path / "app.py").write_text(APP)
    result = costrel_command(
        "run", "--port", "0", "--workers", "2", "--interface", interface, KEY="hunter2"
    )
    output = result.stdout + (result.stderr or "")
    assert result.returncode == 1
    assert "Error: SECRET_KEY is weak: it is 7 bytes long" in output
    assert "costrel secret" in output
    assert "Traceback" not in output
    assert "hunter2" not in output


def test_missing_key_is_noted_before_anything_fails(serve: t.Any, tmp_path: Path) -> None:
    """Once, though there are two workers; only if something needs it."""
    (tmp_path / "app.py").write_text(WITH_SESSION)
    server = serve("run", "--port", "0", "--workers", "2")
    server.wait_ready()
    assert "No SECRET_KEY is set, but the view visit (" in server.output
    assert server.get("/visit")[0] == 500
    assert server.stop() == 0
    assert server.output.count("No SECRET_KEY is set") == 1

    (tmp_path / "app.py").write_text(APP)
    server = serve("run", "--port", "0")
    server.wait_ready()
    assert server.get("/") == (200, "index")
    assert server.stop() == 0
    assert "SECRET_KEY" not in server.output


def test_good_key_is_not_mentioned(serve: t.Any, tmp_path: Path) -> None:
    """Nothing is to be said."""
    (tmp_path / "app.py").write_text(WITH_SESSION)
    server = serve("run", "--port", "0", KEY=fresh_key())
    server.wait_ready()
    assert server.get("/visit") == (200, "1")
    assert server.stop() == 0
    assert "SECRET_KEY" not in server.output


def test_session_of_debug_mode_survives_a_restart(serve: t.Any, tmp_path: Path) -> None:
    """The key lasts until the command ends."""
    (tmp_path / "app.py").write_text(WITH_SESSION)
    server = serve("run", "--debug", "--port", "0")
    server.wait_ready()
    connection = server.connect()
    connection.request("GET", "/visit")
    response = connection.getresponse()
    assert response.read() == b"1"
    cookie = str(response.getheader("Set-Cookie")).partition(";")[0]
    connection.close()
    server.wait_for("With|No SECRET_KEY is set. In debug mode")
    (tmp_path / "app.py").write_text(WITH_SESSION + "# changed\n")
    server.wait_for("Restarted")
    connection = server.connect()
    connection.request("GET", "/visit", headers={"Cookie": cookie})
    assert connection.getresponse().read() == b"2"
    connection.close()
    server.stop()
