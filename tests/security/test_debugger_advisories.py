"""Advisories about the interactive debugger, which runs what a visitor types."""

from __future__ import annotations

import re

import pytest
import werkzeug.serving
from werkzeug.debug import DebuggedApplication, get_pin_and_cookie_name

from costrel import Flask
from costrel.servers.debugger import Debugger

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture(autouse=True)
def _no_server_and_no_variables(monkeypatch):
    for name in ("FLASK_DEBUG", "FLASK_RUN_FROM_CLI", "WERKZEUG_DEBUG_PIN", "WERKZEUG_RUN_MAIN"):
        monkeypatch.delenv(name, raising=False)


def make_app(message="<script>alert(1)</script>"):
    """Make an application whose view fails with a message."""
    app = Flask(__name__)

    @app.get("/")
    def index():
        secret_local = "what only the debugger shows"  # noqa: F841
        raise RuntimeError(message)

    return app


@pytest.fixture(params=["app.run", "costrel run"])
def debugged(request):
    """Serve an application as the two do in debug mode."""

    def serve(app):
        app.debug = True
        if request.param == "costrel run":
            return Debugger(app, app)
        return DebuggedApplication(app, evalex=True, pin_security=True, pin_logging=False)

    return serve


def ask(app, query="", host="localhost"):
    """Get the page with a query, from a host name."""
    client = Flask.test_client(app) if isinstance(app, Flask) else werkzeug.test.Client(app)
    return client.get(f"/?{query}", headers={"Host": host})


def frame_and_secret(page):
    """Read from an error page what its console needs: the frame that failed, the secret."""
    secret = re.search(r'SECRET = "(\w+)"', page)
    assert secret
    return re.findall(r'id="frame-(\d+)"', page)[-1], secret[1]


@pytest.mark.parametrize(("debug", "offered"), [(None, False), (False, False), (True, True)])
def test_debugger_is_offered_in_debug_mode_only(debug, offered, monkeypatch):
    """CVE-2019-14806, CVE-2016-10516: ``app.run()`` has no debugger unless it is asked for."""
    asked = {}
    monkeypatch.setattr(
        werkzeug.serving, "run_simple", lambda *_a, **options: asked.update(options)
    )
    make_app().run(debug=debug, load_dotenv=False)
    assert asked["use_debugger"] is offered
    assert asked["use_reloader"] is offered


def test_error_outside_of_debug_mode_tells_nothing():
    """CVE-2016-10516: the page of an error shows neither message nor code nor path."""
    app = make_app()
    response = ask(app)
    assert response.status_code == 500
    for secret in ("script", "alert", "secret_local", "RuntimeError", "Traceback", __file__):
        assert secret not in response.text


def test_error_page_of_the_debugger_escapes_what_it_shows(debugged):
    """CVE-2016-10516: a message with text of a client in it is no markup."""
    page = ask(debugged(make_app("--><script>alert(1)</script>"))).text
    # The traceback as plain text is in a comment, which the message must not end.
    shown = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_console_runs_nothing_without_the_pin(tmp_path, debugged):
    """CVE-2024-34069, GHSA-2g68-c3qc-8985: who has no PIN runs no code."""
    app = debugged(make_app())
    frame, secret = frame_and_secret(ask(app).text)
    code = f"__import__('pathlib').Path({str(tmp_path)!r},'run').touch()"
    response = ask(app, f"__debugger__=yes&cmd={code}&frm={frame}&s={secret}")
    assert response.status_code == 500  # the page itself again
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test"])
@pytest.mark.parametrize("what", ["pinauth", "printpin", "1 + 1"])
def test_console_answers_trusted_hosts_only(host, what, debugged):
    """CVE-2024-34069, GHSA-2g68-c3qc-8985: a page of another site can't use the console.

    Such a page gets there by a name of its own that resolves to 127.0.0.1.
    """
    app = debugged(make_app())
    frame, secret = frame_and_secret(ask(app).text)
    pin, _cookie = get_pin_and_cookie_name(app.app)
    query = f"__debugger__=yes&cmd={what}&pin={pin}&frm={frame}&s={secret}"
    response = ask(app, query, host)
    assert response.status_code in {400, 500}
    assert "Set-Cookie" not in response.headers
    assert '"auth": true' not in response.text


def test_console_with_the_pin_works_for_its_developer(debugged):
    """CVE-2024-34069: the right PIN, from the right host, is what opens the console."""
    app = debugged(make_app())
    client = werkzeug.test.Client(app)
    page = client.get("/").text
    frame, secret = frame_and_secret(page)
    pin, _cookie = get_pin_and_cookie_name(app.app)
    auth = client.get(f"/?__debugger__=yes&cmd=pinauth&pin={pin}&s={secret}")
    assert auth.json == {"auth": True, "exhausted": False}
    answer = client.get(f"/?__debugger__=yes&cmd=secret_local&frm={frame}&s={secret}")
    assert "what only the debugger shows" in answer.text


def test_pin_can_not_be_guessed(monkeypatch, debugged):
    """CVE-2019-14806: a wrong PIN is refused, and after a few no PIN is taken at all."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # it makes the guesser wait
    app = debugged(make_app())
    secret = frame_and_secret(ask(app).text)[1]
    pin, _cookie = get_pin_and_cookie_name(app.app)
    assert len(pin.replace("-", "")) >= 9
    for _ in range(12):
        answer = ask(app, f"__debugger__=yes&cmd=pinauth&pin=000-000-000&s={secret}")
        assert answer.json["auth"] is False
    answer = ask(app, f"__debugger__=yes&cmd=pinauth&pin={pin}&s={secret}")
    assert answer.json == {"auth": False, "exhausted": True}


def test_debugger_answers_what_makes_no_sense(monkeypatch):
    """A file name with a NUL, no PIN, and a PIN where none is needed are no errors of ours."""
    app = make_app()
    app.debug = True
    debugger = Debugger(app, app)
    secret = frame_and_secret(ask(debugger).text)[1]
    assert ask(debugger, "__debugger__=yes&cmd=resource&f=%00").status_code == 404
    assert ask(debugger, f"__debugger__=yes&cmd=pinauth&s={secret}").status_code == 400
    monkeypatch.setattr(debugger, "_pin", None, raising=False)
    assert ask(debugger, f"__debugger__=yes&cmd=pinauth&pin=1&s={secret}").status_code == 400
