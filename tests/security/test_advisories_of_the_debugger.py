"""Advisories about the debugger, on `Flask` and on `Costrel` with everything on."""

from __future__ import annotations

import re

import pytest
import werkzeug.test
from werkzeug.debug import get_pin_and_cookie_name

from costrel.servers.debugger import Debugger


@pytest.fixture
def failing(make_app, monkeypatch):
    """Make an application whose view fails with markup in its message."""
    for name in ("FLASK_DEBUG", "WERKZEUG_DEBUG_PIN", "WERKZEUG_RUN_MAIN"):
        monkeypatch.delenv(name, raising=False)
    app = make_app(PROPAGATE_EXCEPTIONS=None)

    @app.get("/")
    def index():
        secret_local = "what only the debugger shows"  # noqa: F841
        raise RuntimeError("<script>alert(1)</script>")

    return app


def debugged(app):
    """Serve an application as ``costrel run --debug`` does; return a client and a page's secret."""
    app.debug = True
    client = werkzeug.test.Client(Debugger(app, app))
    page = client.get("/").text
    (secret,) = set(re.findall(r'SECRET = "(\w+)"', page))
    return client, page, secret


def test_cve_2024_34069_the_console_answers_no_other_host(failing, tmp_path):
    """GHSA-2g68-c3qc-8985: a page under a name of its own can't use it, even with the PIN."""
    client, page, secret = debugged(failing)
    pin, _cookie = get_pin_and_cookie_name(failing)
    frame = re.findall(r'id="frame-(\d+)"', page)[-1]
    code = f"__import__('pathlib').Path({str(tmp_path / 'run')!r}).touch()"
    for host in ("evil.test", "localhost.evil.test", "127.0.0.1.evil.test"):
        for what in ("pinauth", "printpin", code):
            query = f"/?__debugger__=yes&cmd={what}&pin={pin}&frm={frame}&s={secret}"
            response = client.get(query, headers={"Host": host})
            assert response.status_code in {400, 500}
            assert '"auth": true' not in response.text
    assert not (tmp_path / "run").exists()


def test_cve_2019_14806_the_pin_can_not_be_guessed(failing, monkeypatch):
    """After a few wrong ones, none is taken at all."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # it makes the guesser wait
    client, _page, secret = debugged(failing)
    pin, _cookie = get_pin_and_cookie_name(failing)
    for _ in range(12):
        answer = client.get(f"/?__debugger__=yes&cmd=pinauth&pin=000-000-000&s={secret}")
        assert answer.json["auth"] is False
    answer = client.get(f"/?__debugger__=yes&cmd=pinauth&pin={pin}&s={secret}")
    assert answer.json == {"auth": False, "exhausted": True}


def test_cve_2016_10516_the_page_of_an_error_escapes_or_says_nothing(failing):
    """In debug mode a message is no markup; otherwise it is not on the page."""
    page = failing.test_client().get("/").text
    assert not re.search("script|alert|RuntimeError|secret_local|Traceback", page)
    _client, page, _secret = debugged(failing)
    # The traceback as plain text is in a comment, which the message must not end.
    shown = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)" in shown
