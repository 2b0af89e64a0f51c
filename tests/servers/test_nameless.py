"""The development server does not say which software it is."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest
import werkzeug.serving
from exchange import HOST, fetch
from werkzeug.serving import WSGIRequestHandler, make_server

from costrel import Costrel, Flask
from costrel.servers import debugserver
from costrel.servers.nameless import NamelessHandler


@contextmanager
def served(app):
    """Serve an application in a thread; return the port."""
    server = make_server(HOST, 0, app, request_handler=NamelessHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_responses_have_no_server_field_but_the_application_s():
    """Neither the name nor the versions of Werkzeug and Python."""
    app = Costrel("nameless", static_folder=None)
    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/own", "own", lambda: ("x", {"Server": "shop"}))
    with served(app) as port:
        for path in ("/", "/missing"):
            answer = fetch(port, path)
            assert answer.headers.get_all("Server") is None
            assert answer.headers["Date"]
        assert fetch(port, "/own").headers.get_all("Server") == ["shop"]


@pytest.mark.parametrize(
    ("cls", "options", "handler"),
    [
        (Costrel, {}, NamelessHandler),
        (Costrel, {"request_handler": WSGIRequestHandler}, WSGIRequestHandler),
        (Flask, {}, None),
    ],
)
def test_run_of_a_protected_application_uses_it(cls, options, handler, monkeypatch):
    """Unless another handler is passed; a `Flask` sends what Flask sends."""
    passed = {}
    monkeypatch.setattr(
        werkzeug.serving, "run_simple", lambda *_args, **given: passed.update(given)
    )
    cls("nameless", static_folder=None).run(load_dotenv=False, **options)
    assert passed.get("request_handler") is handler


def test_debug_mode_of_the_command_uses_it(monkeypatch):
    """`costrel run --debug` serves with it under WSGI."""

    class StopError(Exception):
        """Ends what would serve."""

    def make(*_args, **given):
        raise StopError(given["request_handler"])

    monkeypatch.setattr(debugserver, "make_server", make)
    process = debugserver._Process.__new__(debugserver._Process)
    process.debug_options = debugserver.DebugOptions(host=HOST, port=0, debugger=False)
    process.listener = type("Listener", (), {"fileno": lambda _self: 0})()
    with pytest.raises(StopError) as caught:
        process._serve_wsgi(Costrel("nameless"), None)
    assert caught.value.args == (NamelessHandler,)
