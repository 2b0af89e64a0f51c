"""What servers log of clients' mistakes and refused handshakes."""

from __future__ import annotations

import asyncio
import logging

import pytest

from costrel import Flask, websocket
from costrel.testing.asgi import WebSocketRejected

UNFINISHED = "ASGI callable returned without completing handshake."


@pytest.mark.parametrize("refuses", [False, True])
def test_unfinished_handshake_is_an_error_unless_it_was_refused(caplog, refuses):
    """The error is logged in the task that called the application."""
    app = Flask(__name__)

    @app.websocket("/socket")
    async def socket():
        if refuses:
            return "no", 401
        await websocket.accept()
        return None

    async def main():
        client = app.async_test_client()
        scopes = []
        asgi = app.asgi

        async def serve(scope, receive, send):
            await asgi(scope, receive, send)
            if scope["type"] == "websocket":
                logging.getLogger("uvicorn.error").error(UNFINISHED)
                scopes.append(scope)

        app.asgi = serve
        try:
            async with client.websocket("/socket"):
                assert not refuses
        except WebSocketRejected:
            assert refuses
        assert len(scopes) == 1

    asyncio.run(main())

    assert [record.getMessage() for record in caplog.records] == [UNFINISHED][refuses:]
