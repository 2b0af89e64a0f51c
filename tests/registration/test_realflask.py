"""Extensions that import Flask itself beside Costrel are named, once."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import types

import pytest

from costrel import Flask, MixedFlaskWarning
from costrel.registration import realflask

APP = """
from costrel import Flask
import shop_extension
app = Flask(__name__)
app.get("/")(lambda: "x")
"""
ASK = """
import asyncio
from app import app
for _ in range(3):
    assert app.test_client().get("/").text == "x"
    assert asyncio.run(app.async_test_client().get("/")).text == "x"
"""
CONFIG = """
import os, signal, threading, urllib.request

def post_worker_init(worker):
    host, port = worker.sockets[0].getsockname()
    def ask():
        for _ in range(2):
            assert urllib.request.urlopen(f"http://{host}:{port}/", timeout=10).read() == b"x"
        os.kill(os.getppid(), signal.SIGTERM)
    threading.Thread(target=ask).start()
"""


@pytest.fixture
def run(tmp_path: pathlib.Path):
    """Run a program beside an application with an extension; return what it wrote."""
    files = {
        "app.py": APP,
        "shop_extension/__init__.py": "from . import users",
        "shop_extension/users.py": "from flask import current_app",
        "late_extension.py": "import flask",
        "ask.py": ASK,
        "config.py": CONFIG,
        "test_shop.py": "from app import app\n\ndef test_it():\n    app.test_client().get('/')\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def run(*arguments, **env):
        done = subprocess.run(
            [sys.executable, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, **env},
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        return output

    return run


PROGRAMS = [
    ("ask.py",),
    ("-m", "gunicorn", "app:app", "-b", "127.0.0.1:0", "-c", "config.py"),
    ("-m", "pytest", "-p", "no:cacheprovider", "-q"),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=["clients", "gunicorn", "pytest"])
def test_extension_of_flask_itself_is_named_once(run, program):
    """With its file, the line that made the application, and the ways out."""
    output = run(*program)
    assert output.count("MixedFlaskWarning") == 1
    assert output.count("Costrel and Flask are mixed: shop_extension.users (/") == 1
    assert "app.py:4: " in output
    for words in ("Working outside of application context", "COSTREL_AS_FLASK=1", "`costrel run`"):
        assert words in output
    assert "install_as_flask() before the import of shop_extension" in output


@pytest.mark.parametrize("program", PROGRAMS, ids=["clients", "gunicorn", "pytest"])
def test_alias_is_no_reason_to_warn(run, program):
    """The extension's names are Costrel's then."""
    assert "mixed" not in run(*program, COSTREL_AS_FLASK="1")


def test_warning_can_be_filtered(run):
    """By its category, in pytest's options or in code before the application is made."""
    pytest = PROGRAMS[-1]
    assert "mixed" not in run(*pytest, "-W", "ignore::costrel.MixedFlaskWarning")
    code = "import costrel, warnings; warnings.simplefilter('ignore', costrel.MixedFlaskWarning)"
    assert "mixed" not in run("-c", f"{code}; import ask")


def test_extension_that_is_imported_later_is_named_by_the_first_request(run):
    """A factory may import it after the application was made."""
    code = "from costrel import Flask; app = Flask('app', root_path='.'); import late_extension\n"
    code += "app.test_client().get('/')"
    output = run("-c", code)
    assert output.count("Costrel and Flask are mixed: late_extension (/") == 1


@pytest.fixture
def without(monkeypatch):
    """Forget what other tests have imported."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "flask"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def real(monkeypatch, without):
    """Pretend that Flask itself was imported, by nobody yet."""
    flask, in_globals = types.ModuleType("flask"), types.ModuleType("flask.globals")
    in_globals.current_app = flask.current_app = object()
    monkeypatch.setitem(sys.modules, "flask", flask)
    monkeypatch.setitem(sys.modules, "flask.globals", in_globals)
    monkeypatch.setattr(realflask, "_looked_at", 0)
    return flask


def test_modules_are_looked_at_only_if_there_are_more(real, monkeypatch):
    """An application more costs nothing."""
    Flask(__name__)  # imports what the first application of a process needs
    monkeypatch.setattr(realflask, "_looked_at", 0)
    looked = []
    holders = realflask._holders
    monkeypatch.setattr(realflask, "_holders", lambda: looked.append(1) or holders())
    Flask(__name__)
    Flask(__name__)
    assert looked == [1]
    holder = types.ModuleType("holder")
    holder.current_app = real.current_app
    monkeypatch.setitem(sys.modules, "holder", holder)
    with pytest.warns(MixedFlaskWarning, match="mixed: holder imported"):
        Flask(__name__)
    Flask(__name__)
    assert looked == [1, 1]


def test_many_packages_are_counted(real, monkeypatch):
    """The first three are named."""
    for number in range(5):
        holder = types.ModuleType(f"holder{number}.inner")
        holder.flask = real
        monkeypatch.setitem(sys.modules, f"holder{number}.inner", holder)
    monkeypatch.setitem(sys.modules, "odd", object())
    with pytest.warns(MixedFlaskWarning, match=r"holder2.inner and 2 more imported"):
        Flask(__name__)


@pytest.mark.usefixtures("without")
def test_nothing_is_looked_at_without_flask(monkeypatch):
    """Neither when an application is made nor when it is called."""
    monkeypatch.setattr(realflask, "_holders", lambda: pytest.fail("it was looked for"))
    app = Flask(__name__)
    assert app.test_client().get("/").status_code == 404
