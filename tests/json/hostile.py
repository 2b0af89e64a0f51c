"""Give an application JSON of any depth, in a thread with little stack, and tell its answers.

Run in a process of its own: what goes wrong here ends it.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys
import threading
import typing as t
import warnings

import msgspec

import costrel.json
from costrel import Flask, request, session, websocket
from costrel.json.provider import DefaultJSONProvider
from costrel.websockets import WebSocketDataError

STACK_BYTES = 512 * 1024


class OwnProvider(DefaultJSONProvider):
    """Read by the standard library, without a thought of its depth."""

    def loads(self, s, **kwargs):
        return json.loads(s, **kwargs)


class Node(msgspec.Struct):
    """Be nested as deep as its JSON."""

    a: Node | None = None


def documents(depth):
    """Return one nesting in the spellings in which it has been missed."""
    lists, dicts = "[" * depth + "]" * depth, '{"a":' * depth + "null" + "}" * depth
    masked = '["]",' * depth + "1" + ',"["]' * depth
    escaped = '["\\"]",' * depth + '"\\\\"' + ',"\\\\"]' * depth
    for text in (lists, dicts, masked, escaped, "[" * depth, '{"a":[' * (depth // 2)):
        yield text.encode()
        yield b"\xef\xbb\xbf" + text.encode()
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
            yield text.encode(encoding)
    yield ('["\u0122",' + lists + "]").encode("utf-16-le")
    yield ('["\u5b5b\u7b7b\u5d5d",' + lists + "]").encode("utf-16-le")


def make_app(provider):
    """Make an application that reads JSON in every way, by a provider of this class."""
    app = Flask("hostile")
    app.json = provider(app)
    app.secret_key = "a secret"
    app.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 10_000_000
    app.post("/json")(read)
    app.post("/echo")(echo)
    app.post("/keep")(keep)
    app.get("/session")(of_session)
    app.get("/written")(written)
    app.websocket("/socket")(socket)
    return app


def read():
    """Read what was sent."""
    return type(request.get_json()).__name__


def echo():
    """Read it and write it back."""
    return {"got": request.get_json()}


def keep():
    """Keep it in the session."""
    session["got"] = request.get_json()
    return "kept"


def of_session():
    """Read the session."""
    return dict(session)


def written():
    """Write what was made here."""
    value: t.Any = []
    for _ in range(100_000):
        value = [value]
    return value


async def socket():
    """Read messages, with and without a type."""
    for type_ in (None, Node, None):
        try:
            await websocket.receive_json(type_)
        except WebSocketDataError:
            await websocket.send("refused")
        else:
            await websocket.send("read")


def attempt(function, *args):
    """Return the kind of a result, or of an error."""
    try:
        return type(function(*args)).__name__
    except (ValueError, RecursionError) as error:
        return type(error).__name__


def answers(app, data):
    """Give what comes of the data, in each way."""
    client = app.test_client()
    for path in ("/json", "/echo", "/keep"):
        yield client.post(path, data=data, content_type="application/json").status_code
    yield attempt(app.json.load, io.BytesIO(data))
    with app.app_context():
        yield attempt(costrel.json.loads, data)
        yield attempt(costrel.json.load, io.BytesIO(data))
        yield attempt(lambda: app.response_class(data, mimetype="application/json").json)
    yield attempt(costrel.json.loads, data)
    yield attempt(costrel.json.load, io.BytesIO(data))
    signing = app.session_interface.get_signing_serializer(app)
    payload = base64.urlsafe_b64encode(data).rstrip(b"=")
    client.set_cookie("session", signing.make_signer(signing.salt).sign(payload).decode())
    yield client.get("/session").status_code
    yield from asyncio.run(by_socket(app, data))


async def by_socket(app, data):
    """Send it as messages: bytes, bytes, text."""
    async with app.async_test_client().websocket("/socket") as socket:
        for message in (data, data, data.decode("latin-1")):
            await socket.send(message)
            yielded = await socket.receive()
            assert yielded in {"read", "refused"}, yielded
    return ["answered"]


def main():
    """Try everything; whatever ends the process is the failure."""
    warnings.simplefilter("ignore")  # cookies as large as these
    told = set()
    for provider in (DefaultJSONProvider, OwnProvider):
        app = make_app(provider)
        app.logger.disabled = True
        for depth in (501, 3_000, 20_000):
            for data in documents(depth):
                told |= {str(answer) for answer in answers(app, data)}
        told.add(f"written {app.test_client().get('/written').status_code}")
    sys.stdout.write(" ".join(sorted(told)))


if __name__ == "__main__":
    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
