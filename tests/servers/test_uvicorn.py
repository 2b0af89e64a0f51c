"""Connections to uvicorn that send no request, or not all of its head."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from costrel.servers.uvicorn import with_head_timeout

PATIENCE_S = 10
TIMEOUT_S = 0.5

WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def outlast_timeout(scope, receive, send):
    """Be an application that answers when a head would have been too late."""
    await receive()
    await asyncio.sleep(2 * TIMEOUT_S)
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await asyncio.sleep(2 * TIMEOUT_S)
        await send({"type": "websocket.send", "text": "late"})
        return
    headers = [(b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"late"})


@pytest.fixture(params=[H11Protocol, HttpToolsProtocol])
def talk(request):
    """Return what sends pieces, each after a response if it says so, and gets all answers."""

    async def exchange(pieces, until, drips):
        config = uvicorn.Config(outlast_timeout, log_config=None, timeout_keep_alive=PATIENCE_S)
        config.load()
        protocol = with_head_timeout(request.param, TIMEOUT_S)
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
        try:
            async with asyncio.timeout(PATIENCE_S):
                address = server.sockets[0].getsockname()
                reader, writer = await asyncio.open_connection(*address)
                answer = b""
                for piece in pieces:
                    writer.write(piece)
                    if piece.endswith(WHOLE):
                        answer += await reader.readuntil(b"late")
                while drips and not reader.at_eof():
                    writer.write(drips)
                    await asyncio.sleep(TIMEOUT_S / 10)
                answer += await (reader.readuntil(until) if until else reader.read())
                writer.close()
                await writer.wait_closed()
        finally:
            server.close()
        return answer

    return lambda *pieces, until=b"", drips=b"": asyncio.run(exchange(pieces, until, drips))


@pytest.mark.parametrize(
    "beginning",
    [b"", b"\r\n", b"G", b"GET / HTTP/1.1\r\nHost", b"GET / HTTP/1.1\r\nHost: x\r\n"],
    ids=repr,
)
@pytest.mark.parametrize("before", [0, 1, 2])
def test_connection_without_a_complete_head_is_closed(talk, beginning, before):
    """At its beginning and after responses, unless idle ones have a limit of their own."""
    if before and not beginning:
        beginning = b"\r\n"
    answer = talk(*[WHOLE] * before, beginning)

    assert before == answer.count(b"HTTP/1.1 200")


def test_bytes_of_a_head_give_it_no_more_time(talk):
    """It is closed although another one came just before."""
    assert talk(b"GET / HTTP/1.1\r\nX: ", drips=b"x") == b""


def test_view_may_take_longer_than_a_head(talk):
    """The limit ends with the head, and the next request has one of its own."""
    assert talk(WHOLE, WHOLE, b"GET").count(b"late") == 2
    assert talk(WHOLE[:20], WHOLE[20:], until=b"late").startswith(b"HTTP/1.1 200")


def test_pipelined_requests_may_take_longer(talk):
    """A head that arrived while another request is answered waits for its turn."""
    answer = talk(WHOLE + WHOLE, until=b"late")

    assert answer.count(b"HTTP/1.1 200") == 2


def test_websocket_stays_open(talk):
    """Its handshake was a complete head."""
    answer = talk(HANDSHAKE, until=b"late")

    assert answer.startswith(b"HTTP/1.1 101")
