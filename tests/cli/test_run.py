"""``costrel run``, as a process of its own: on Granian and in debug mode."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import typing as t
import urllib.request
from pathlib import Path

import pytest

HELLO = """
from flask import Flask

app = Flask(__name__)

@app.get("/")
def index():
    return f"hello from {app.name}"
"""

FACTORY = """
from flask import Flask

def create_app(name, number=1):
    app = Flask(name)
    app.add_url_rule("/", view_func=lambda: f"{name} {number}")
    return app
"""

SLOW = """
import time
from flask import Flask

app = Flask(__name__)

@app.get("/slow")
def slow():
    print("in the view", flush=True)
    time.sleep(1)
    return "finished"
"""


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """Write an application that imports Flask to ``hello.py``."""
    file = tmp_path / "hello.py"
    file.write_text(HELLO)
    return file


@pytest.mark.usefixtures("hello")
def test_run_serves_a_file_that_imports_flask(serve: t.Any) -> None:
    """An unchanged Flask file is served, and its class is Costrel's."""
    server = serve("--app", "hello", "run", "--port", "0")
    server.wait_ready()

    assert server.get("/") == (200, "hello from hello")
    assert server.stop() == 0


@pytest.mark.usefixtures("hello")
def test_run_banner_names_app_server_and_how_to_stop(serve: t.Any) -> None:
    """The banner says what is served, by what, where, and how to stop it."""
    server = serve("--app", "hello", "run", "--port", "0", "--workers", "2", "--threads", "3")
    server.wait_for("CTRL")

    assert " * Serving Costrel app 'hello'\n" in server.output
    assert " * Debug mode: off\n" in server.output
    assert ": 2 workers with 3 threads each\n" in server.output
    assert " * Running on http://127.0.0.1:" in server.output
    assert "Press CTRL+C to quit\n" in server.output
    assert server.stop() == 0


def test_run_without_app_option_finds_app_py(serve: t.Any, tmp_path: Path) -> None:
    """An ``app.py`` in the current directory needs no option."""
    (tmp_path / "app.py").write_text(HELLO)
    server = serve("run", "--port", "0")
    server.wait_ready()

    assert server.get("/") == (200, "hello from app")
    assert "Serving Costrel app 'app'" in server.output


def test_run_factory_with_arguments_passes_them(serve: t.Any, tmp_path: Path) -> None:
    """A factory of a module in a package gets the literals written after its name."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "mod.py").write_text(FACTORY)
    server = serve("--app", "pkg.mod:create_app('x', number=7)", "run", "--port", "0")
    server.wait_ready()

    assert server.get("/") == (200, "x 7")


def test_run_flask_app_variable_names_the_app(serve: t.Any, tmp_path: Path) -> None:
    """`FLASK_APP` and `FLASK_RUN_PORT` stand for the options."""
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "shop.py").write_text(HELLO)
    server = serve("run", FLASK_APP="src/shop.py", FLASK_RUN_PORT="0")
    server.wait_ready()

    assert server.get("/") == (200, "hello from shop")


def test_run_custom_script_serves_its_factory(tmp_path: Path, serve: t.Any) -> None:
    """A `FlaskGroup` of one's own serves what its factory makes, a lambda included."""
    (tmp_path / "wiki.py").write_text(
        "from costrel import Flask\n"
        "from costrel.cli import FlaskGroup\n"
        "def create_app():\n"
        "    app = Flask('wiki')\n"
        "    app.add_url_rule('/', view_func=lambda: 'wiki page')\n"
        "    return app\n"
        "cli = FlaskGroup(create_app=lambda: create_app())\n"
    )
    (tmp_path / "costrel_main.py").write_text("import wiki\nwiki.cli.main()\n")
    server = serve("--app", "unused", "--version")
    assert server.wait_end() == 0
    server = type(server).__new__(type(server))
    from .conftest import Served, command_environ

    class Script(Served):
        pass

    del server, Script, command_environ
