"""What a view has of a WebSocket: messages, JSON, closing, limits."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from costrel import Flask, WebSocketClosed, WebSocketDataError, websocket
from costrel.websockets import WebSocket


class Point(msgspec.Struct):
    """A message of the tests."""

    x: int


def socket_of(*messages, headers=None, error=None, cls=WebSocket):
    """Make a socket that receives these messages, and keeps what it sends in ``sent``."""
    fields = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in (headers or {}).items()}
    socket = cls({"REQUEST_METHOD": "GET", **fields})
    socket.json_module = Flask(__name__).json
    socket.sent = []
    waiting = list(messages)

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        message = waiting.pop(0)
        if isinstance(message, Exception):
            raise message
        return message

    async def send(message):
        if error is not None:
            raise error
        socket.sent.append(message)

    async def no_fields():
        return [("Set-Cookie", "a=b")]

    socket._receive, socket._send, socket._own_fields = receive, send, no_fields
    return socket


def text(data):
    """A text message."""
    return {"type": "websocket.receive", "text": data, "bytes": None}


def left(**more):
    """The message of a client that left."""
    return {"type": "websocket.disconnect", **more}


def test_iteration_receives_as_a_subclass_does():
    """Whatever `receive` of one's own makes of the messages."""

    class Shouting(WebSocket):
        async def receive(self):
            return (await super().receive()).upper()

    socket = socket_of(text("a"), text("b"), left(code=1000), cls=Shouting)

    async def main():
        return [message async for message in socket]

    assert ["A", "B"] == asyncio.run(main())


def test_accept_sends_subprotocol_and_headers():
    """What the view chose, and the application's own cookies."""
    socket = socket_of(headers={"Sec-WebSocket-Protocol": "a, b"})
    assert socket.requested_subprotocols == ["a", "b"]
    asyncio.run(socket.accept("b", {"X-Own": "1"}))
    assert socket.sent == [
        {
            "type": "websocket.accept",
            "subprotocol": "b",
            "headers": [(b"x-own", b"1"), (b"set-cookie", b"a=b")],
        }
    ]
    with pytest.raises(RuntimeError, match="already"):
        asyncio.run(socket.accept())


@pytest.mark.parametrize(
    "wrong",
    [
        {"subprotocol": "c"},
        {"headers": {"Sec-WebSocket-Protocol": "a"}},
        {"headers": {"X\r\nSet-Cookie": "a"}},
        {"headers": {"X": "a\r\nSet-Cookie: b"}},
        {"headers": {":status": "200"}},
        {"headers": {"X": "\u20ac"}},
    ],
)
def test_accept_refuses_what_cannot_be_sent(wrong):
    """SECURITY: no header splits the response, no subprotocol that was not offered."""
    socket = socket_of()
    with pytest.raises(ValueError):  # noqa: PT011  each has its own words
        asyncio.run(socket.accept(**wrong))
    assert not socket.accepted
    assert socket.sent == []


def test_messages_are_text_and_bytes():
    """Also empty ones, whichever of the two keys a server leaves out."""
    socket = socket_of(
        text(""), {"type": "websocket.receive", "bytes": b""}, text("a"), left(code=4000)
    )

    async def main():
        return [message async for message in socket]

    assert asyncio.run(main()) == ["", b"", "a"]
    assert socket.close_code == 4000


@pytest.mark.parametrize(
    ("message", "code"),
    [(left(), 1005), (left(code=None), 1005), (left(code=1001), 1001), (OSError("gone"), 1006)],
)
def test_receive_raises_with_the_code_of_the_end(message, code):
    """1005 where the client said none, 1006 where it was just gone; then always."""
    socket = socket_of(message)
    for _ in range(2):
        with pytest.raises(WebSocketClosed) as closed:
            asyncio.run(socket.receive())
        assert closed.value.code == code


def test_send_takes_text_and_bytes_only():
    """Another type is the view's error, found before the handshake is accepted."""
    socket = socket_of()
    with pytest.raises(TypeError, match="send_json"):
        asyncio.run(socket.send({}))
    assert not socket.accepted

    async def main():
        await socket.send("a")
        await socket.send(memoryview(b"b"))

    asyncio.run(main())
    assert [m.get("text", m.get("bytes")) for m in socket.sent[1:]] == ["a", b"b"]


def test_send_to_a_client_that_is_gone_raises_closed():
    """SPEC(ASGI WebSocket): servers raise `OSError` then; closing is no error."""
    socket = socket_of(error=OSError())
    socket.accepted = True
    with pytest.raises(WebSocketClosed) as closed:
        asyncio.run(socket.send("a"))
    assert closed.value.code == 1006
    socket.close_code = None
    asyncio.run(socket.close())


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
def test_close_refuses_codes_that_may_not_be_sent(code):
    """SPEC(RFC 6455 §7.4)."""
    with pytest.raises(ValueError, match=str(code)):
        asyncio.run(socket_of().close(code))


def test_close_refuses_a_long_reason_and_closes_once():
    """SPEC(RFC 6455 §5.5): a control frame has 125 bytes, two for the code."""
    socket = socket_of()
    with pytest.raises(ValueError, match="123"):
        asyncio.run(socket.close(reason="\u00e9" * 62))
    asyncio.run(socket.close(4000, "\u00e9" * 61))
    asyncio.run(socket.close(1000))
    assert [message["code"] for message in socket.sent] == [4000]


@pytest.mark.parametrize(
    ("data", "fits"), [("\u20ac" * 3, True), ("\u20ac" * 4, False), ("a" * 10, True)]
)
def test_message_over_the_limit_closes_with_1009(data, fits):
    """The limit is in bytes as they were sent, not in characters."""
    socket = socket_of(text(data))
    socket._max_message_bytes = 10
    if fits:
        assert asyncio.run(socket.receive()) == data
        return
    with pytest.raises(WebSocketClosed):
        asyncio.run(socket.receive())
    assert socket.sent[-1]["code"] == 1009


def test_idle_client_is_closed_with_1001():
    """A client that sends nothing for so long is let go."""
    socket = socket_of(text("a"))
    socket._idle_s = 0.01

    async def main():
        assert await socket.receive() == "a"
        await socket.receive()

    with pytest.raises(WebSocketClosed, match="idle"):
        asyncio.run(main())
    assert socket.sent[-1]["code"] == 1001


def test_json_is_read_by_type_and_written():
    """Any value, or one of a type that msgspec knows."""
    socket = socket_of(text('{"x": 1}'), text('{"x": 2}'))

    async def main():
        assert await socket.receive_json() == {"x": 1}
        assert await socket.receive_json(Point) == Point(2)
        await socket.send_json(Point(3))
        await socket.send_json([1])

    asyncio.run(main())
    assert [m["text"] for m in socket.sent[1:]] == ['{"x":3}', "[1]"]


@pytest.mark.parametrize(
    ("data", "type_"),
    [("{", None), ('{"x": "1"}', Point), (b"\xff", Point), (b"\xff", None), ("[" * 200_000, None)],
)
def test_json_that_is_not_as_expected_raises_data_error(data, type_):
    """Broken, of another type, not UTF-8, or nested without end."""
    key = "text" if isinstance(data, str) else "bytes"
    socket = socket_of({"type": "websocket.receive", key: data})
    with pytest.raises(WebSocketDataError):
        asyncio.run(socket.receive_json(type_))


def test_unexpected_message_closes_with_1007_and_says_why():
    """The client learns what was wrong, cut to what a close has room for."""
    app = Flask(__name__)

    @app.websocket("/")
    async def view():
        await websocket.receive_json(Point)

    async def main():
        async with app.async_test_client().websocket("/") as socket:
            await socket.send('{"x": "1"}')
            with pytest.raises(WebSocketClosed) as closed:
                await socket.receive()
        return closed.value

    closed = asyncio.run(main())
    assert closed.code == 1007
    assert closed.reason == "Expected `int`, got `str` - at `$.x`"


def test_name_of_the_proxy_is_not_that_of_a_module():
    """`from costrel import websocket` must be the proxy, whatever was imported before."""
    import costrel

    assert costrel.websocket is websocket
    assert type(websocket).__name__ == "LocalProxy"


def test_subprotocols_are_read_where_the_server_says_them():
    """COMPAT(wsproto): in the scope, also where the header is not."""
    socket = socket_of()
    socket.environ["asgi.scope"] = {"subprotocols": ["a"]}
    assert socket.requested_subprotocols == ["a"]


def test_code_that_the_server_refuses_is_sent_as_one_of_applications():
    """COMPAT(Daphne): the socket must not stay open for that."""
    socket = socket_of()
    sent = []

    async def send(message):
        if message["code"] < 3000:
            raise TypeError
        sent.append(message["code"])

    socket._send = send
    asyncio.run(socket.close(1011))
    assert sent == [4011]
