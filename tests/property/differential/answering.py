"""Answer raw requests: ``python -m differential.answering flask wsgi FOLDER``."""

from __future__ import annotations

import asyncio
import importlib
import io
import os
import sys
import typing as t
from types import ModuleType

from .application import make_apps, teardowns
from .wire import Answer, Raw, environ_of, line_of, raw_of, scope_of


class Answering:
    """Answer requests one after the other, in one `contextvars` context.

    So the next request finds what an earlier one leaves behind.
    """

    def __init__(self, flask: ModuleType, folder: str) -> None:
        self.flask = flask
        self.apps = make_apps(flask, folder)

    def answer(self, raw: Raw) -> Answer:
        """Call an application as a WSGI server does."""
        app, before = self.apps[raw.app], teardowns[raw.app]
        status, fields, sent, raised = "", [], [], None

        def start_response(line: str, headers: t.Any, _info: t.Any = None) -> t.Any:
            nonlocal status, fields
            status, fields = line, headers
            return sent.append

        streams = {"wsgi.input": io.BytesIO(raw.content), "wsgi.errors": io.StringIO()}
        try:
            body = app({**environ_of(raw), **streams}, start_response)
            try:
                sent.extend(body)
            finally:
                getattr(body, "close", bool)()
        except Exception as error:  # noqa: BLE001  compared
            raised = type(error).__name__
        return self.made(raw, before, status, fields, sent, raised)

    async def answer_by_asgi(self, raw: Raw) -> Answer:
        """Call an application as an ASGI server does."""
        app, before = self.apps[raw.app], teardowns[raw.app]
        status, fields, sent, raised = "", [], [], None
        pieces = [piece.encode("latin-1") for piece in raw.body or ()] or [b""]
        done = asyncio.Event()

        async def receive() -> dict[str, t.Any]:
            if pieces:
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message: t.Any) -> None:
            nonlocal status, fields
            if message["type"] == "http.response.start":
                status = str(message["status"])
                fields = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in message["headers"]]
            else:
                sent.append(message.get("body", b""))

        try:
            await app.asgi(scope_of(raw), receive, send)
        except Exception as error:  # noqa: BLE001  compared
            raised = type(error).__name__
        done.set()
        return self.made(raw, before, status, fields, sent, raised)

    def made(
        self, raw: Raw, before: int, status: str, fields: t.Any, sent: list[bytes], raised: t.Any
    ) -> Answer:
        """Return an answer, with what is left here and now."""
        is_left = self.flask.has_app_context() or self.flask.has_request_context()
        body = b"".join(sent).decode("latin-1")
        return Answer(status, fields, body, raised, is_left, teardowns[raw.app] - before)


def main(framework: str, interface: str, folder: str) -> None:
    """Answer until the input ends."""
    lines, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    sys.stdout = sys.stderr
    importlib.import_module(f"{framework}.views")
    answering = Answering(importlib.import_module(framework), folder)
    with asyncio.Runner() as runner:
        for line in lines:
            raw = raw_of(line)
            if interface == "asgi":
                answers.write(line_of(runner.run(answering.answer_by_asgi(raw))))
            else:
                answers.write(line_of(answering.answer(raw)))


if __name__ == "__main__":
    main(*sys.argv[1:])
