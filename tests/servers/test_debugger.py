"""What the pages of `costrel.servers.debugger` show of an error."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest
from werkzeug.test import create_environ

from costrel import Flask, current_app
from costrel.ground.current import context
from costrel.servers.debugasgi import DebuggedASGI
from costrel.servers.debugger import Debugger, Within, fold, print_error


def _fail_in_task_group() -> ExceptionGroup[Exception]:
    async def fail():
        raise LookupError("in a task")

    async def work():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(work())
    return raised.value


def test_first_error_of_a_group_counts_as_its_cause():
    """The page shows where it comes from, and its message."""
    debugger = Debugger(Flask("app"))

    page = debugger.show(_fail_in_task_group(), create_environ(), []).get_data(as_text=True)

    assert "direct cause" in page
    assert ">fail<" in page
    assert "LookupError: in a task" in page


def test_first_error_of_a_group_is_printed_once(capsys):
    """Also after the page has shown it as a cause."""
    error = _fail_in_task_group()

    Debugger(Flask("app")).show(error, create_environ(), [])
    print_error(error)

    printed = capsys.readouterr().err
    assert printed.count("LookupError: in a task") == 1
    assert "in fail" in printed
    assert error.__cause__ is None
    assert not hasattr(error, "__notes__")


def test_socket_is_closed_with_the_first_error_of_a_group():
    """The reason names the error and its line, not the group."""
    group = ExceptionGroup("outer", [_fail_in_task_group()])
    app = DebuggedASGI(_raiser(group), None, defers=False)
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    asyncio.run(app({"type": "websocket", "path": "/"}, receive, send))

    assert sent[0]["reason"].startswith("LookupError: in a task (test_debugger.py:")


def _raiser(error):
    async def asgi(scope, receive, send):
        raise error

    return asgi


def test_syntax_error_shows_no_frames_of_the_import(tmp_path):
    """Its message names the file."""
    with pytest.raises(SyntaxError) as raised:
        compile("def broken(:", "app.py", "exec")
    raised.value.__traceback__ = None

    assert fold(raised.value).__traceback__ is None


def test_error_of_the_framework_keeps_its_last_frame():
    """And not those of errors that occurred within the framework before."""
    app = Flask("app")

    with pytest.raises(RuntimeError) as raised:
        current_app.name  # noqa: B018
    raised.value.__traceback__ = raised.value.__traceback__.tb_next
    error = fold(raised.value)

    assert len(traceback.extract_tb(error.__traceback__)) == 1
    assert error.__context__ is None
    assert app.name == "app"


def test_console_runs_within_the_context_of_the_request():
    """More than once, and it leaves no context behind."""
    within = Within(Flask("app").app_context())
    for _ in range(2):
        with within, within:
            assert current_app.name == "app"
        assert context.get(None) is None


def test_request_without_an_error_passes_unchanged():
    """The debugger adds nothing to a response."""
    app = Flask("app")
    app.logger.handlers = [logging.NullHandler()]
    app.add_url_rule("/", view_func=lambda: "hello")
    plain, debugged = app.asgi, DebuggedASGI(app.asgi, Debugger(app), defers=False)

    def sent(asgi):
        messages = []

        async def receive():
            return {"type": "http.request"}

        async def send(message):
            messages.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
        }
        asyncio.run(asgi(scope, receive, send))
        return messages

    assert sent(debugged) == sent(plain)
