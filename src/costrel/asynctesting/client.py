"""Drive an application by ASGI in async tests, without a server: `AsyncClient`."""

from __future__ import annotations

import asyncio
import io
import typing as t
from contextlib import asynccontextmanager, suppress

from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request as BaseRequest

from ..testing import EnvironBuilder, FlaskClient
from ..websockets import WebSocketClosed

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Message = dict[str, t.Any]


def make_scope(environ: WSGIEnvironment, kind: str = "http") -> dict[str, t.Any]:
    """Return the ASGI scope of a request that a WSGI environ describes."""
    headers: list[tuple[bytes, bytes]] = []
    for key, value in environ.items():
        if key.startswith("HTTP_") or (key in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value):
            name = key.removeprefix("HTTP_").replace("_", "-").lower()
            headers.append((name.encode("latin-1"), str(value).encode("latin-1")))
    root: str = environ.get("SCRIPT_NAME", "").encode("latin-1").decode(errors="replace")
    raw_path: bytes = environ.get("PATH_INFO", "").encode("latin-1")
    scheme = environ.get("wsgi.url_scheme", "http")
    scope: dict[str, t.Any] = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": {"http": "ws", "https": "wss"}[scheme] if kind == "websocket" else scheme,
        "path": root + raw_path.decode(errors="replace"),
        "raw_path": environ.get("REQUEST_URI", "").encode("latin-1").partition(b"?")[0],
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "root_path": root,
        "headers": headers,
        "server": (environ.get("SERVER_NAME", "localhost"), int(environ.get("SERVER_PORT", 80))),
        "client": (environ["REMOTE_ADDR"], 50_000) if environ.get("REMOTE_ADDR") else None,
        "extensions": {"websocket.http.response": {}} if kind == "websocket" else {},
        "state": {},
    }
    if kind == "http":
        scope["method"] = environ["REQUEST_METHOD"]
    else:
        names = environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "")
        scope["subprotocols"] = [name.strip() for name in names.split(",") if name.strip()]
    return scope


class Exchange:
    """One HTTP exchange with an ASGI application, as its server sees it."""

    def __init__(self, app: t.Any, scope: dict[str, t.Any], body: bytes) -> None:
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._incoming.put_nowait({"type": "http.request", "body": body, "more_body": False})
        # Takes one piece at a time, as a server with a slow client does.
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._started = asyncio.Event()
        self._left = False
        self.status = 0
        self.headers = Headers()
        self._task = asyncio.create_task(self._run(app, scope))

    async def _run(self, app: t.Any, scope: dict[str, t.Any]) -> None:
        try:
            await app(scope, self._incoming.get, self._send)
        finally:
            self._started.set()
            if not self._left:
                await self._pieces.put(None)

    async def _send(self, message: Message) -> None:
        if self._left:
            raise OSError("the client left")
        if message["type"] == "http.response.start":
            if self.status:
                raise RuntimeError("The response was started twice.")
            self.status = message["status"]
            for name, value in message["headers"]:
                self.headers.add(name.decode("latin-1").title(), value.decode("latin-1"))
            self._started.set()
            return
        if message.get("body"):
            await self._pieces.put(message["body"])

    async def start(self) -> None:
        """Wait for status and headers; raises what the application raises before."""
        await self._started.wait()
        if not self.status:
            await self._task
            raise RuntimeError("The application ended without an answer.")

    async def __aiter__(self) -> t.AsyncIterator[bytes]:
        """Yield the body in pieces; raises what the application raises in it."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
        await self._task

    async def leave(self) -> None:
        """Go away, as a client does that closes the connection, and wait for the end."""
        self._left = True
        self._incoming.put_nowait({"type": "http.disconnect"})
        while not self._task.done():
            with suppress(asyncio.QueueEmpty):
                self._pieces.get_nowait()
            await asyncio.sleep(0)
        with suppress(OSError, asyncio.CancelledError):
            await self._task


class StreamedResponse:
    """A response whose body is read while it is sent.

    Attributes:
        status_code: The status.
        headers: The headers.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.status_code = exchange.status
        self.headers = exchange.headers

    def __aiter__(self) -> t.AsyncIterator[bytes]:
        return aiter(self._exchange)

    async def lines(self) -> t.AsyncIterator[str]:
        """Yield the body's lines, without their ends, as soon as each is whole."""
        rest = b""
        async for piece in self._exchange:
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line.decode()
        if rest:
            yield rest.decode()


class TestSocket:
    """The client's side of a WebSocket.

    Attributes:
        subprotocol: What the application accepted, or None.
        headers: The headers of the handshake's response.
    """

    __test__ = False  # no class of tests

    def __init__(self, app: t.Any, scope: dict[str, t.Any]) -> None:
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._left = False
        self.subprotocol: str | None = None
        self.headers = Headers()
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(app(scope, self._to_app.get, self._send))

    async def _send(self, message: Message) -> None:
        if self._left:
            raise OSError("the client left")
        await self._from_app.put(message)

    async def _next(self) -> Message:
        getter = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait({getter, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if getter.done():
            return getter.result()
        getter.cancel()
        await self._task
        return {"type": "websocket.close", "code": 1006}

    async def _shake_hands(self) -> None:
        message = await self._next()
        if message["type"] == "websocket.accept":
            self.subprotocol = message.get("subprotocol")
            for name, value in message.get("headers") or ():
                self.headers.add(name.decode("latin-1").title(), value.decode("latin-1"))
            return
        if message["type"] == "websocket.http.response.start":
            body = b""
            while (piece := await self._next())["type"] == "websocket.http.response.body":
                body += piece.get("body", b"")
                if not piece.get("more_body"):
                    break
            raise WebSocketRejected(message["status"], message["headers"], body)
        raise WebSocketRejected(403, [], b"")

    async def receive(self) -> str | bytes:
        """Wait for the next message; raises `WebSocketClosed` when there is none."""
        message = await self._next()
        if message["type"] == "websocket.close":
            self._left = True
            raise WebSocketClosed(message.get("code", 1000), message.get("reason") or "")
        text: str | None = message.get("text")
        return text if text is not None else t.cast(bytes, message["bytes"])

    async def send(self, data: str | bytes) -> None:
        """Send text or binary data."""
        key = "text" if isinstance(data, str) else "bytes"
        await self._to_app.put({"type": "websocket.receive", key: data})

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection and wait until the application has left it."""
        self._left = True
        await self._to_app.put({"type": "websocket.disconnect", "code": code, "reason": reason})
        await self._task


class WebSocketRejected(Exception):  # noqa: N818  an answer, not a fault
    """Tell that the application rejected the handshake.

    Attributes:
        status_code, headers, body: Of its response.
    """

    def __init__(self, status: int, headers: t.Any, body: bytes) -> None:
        super().__init__(f"The WebSocket was rejected with {status}: {body[:200]!r}")
        self.status_code = status
        self.headers = Headers(
            [(name.decode("latin-1").title(), value.decode("latin-1")) for name, value in headers]
        )
        self.body = body


class AsyncClient(FlaskClient):
    """Send requests to an application's ASGI face, in the same process and event loop.

    `get`, `post` and the others are those of `FlaskClient`, to be awaited. Enter it to
    run what the application does before and after serving::

        async with app.async_test_client() as client:
            response = await client.get("/")
    """

    async def open(  # type: ignore[override]
        self,
        *args: t.Any,
        buffered: bool = True,  # noqa: ARG002  the body is always read
        follow_redirects: bool = False,
        **kwargs: t.Any,
    ) -> TestResponse:
        """Send a request and return the response, with its whole body."""
        request = self._ready_request(args) if args and not kwargs else None
        if request is None:
            request = self._request_from_builder_args(args, kwargs)
        history: tuple[TestResponse, ...] = ()
        while True:
            response = await self._exchange_one(request, history)
            if not (follow_redirects and response.status_code in {301, 302, 303, 305, 307, 308}):
                return response
            history = (*history, response)
            request = self._redirected(request, response)

    async def _exchange_one(
        self, request: BaseRequest, history: tuple[TestResponse, ...]
    ) -> TestResponse:
        exchange = self._begin(request)
        await exchange.start()
        body = b"".join([piece async for piece in exchange])
        reason = HTTP_STATUS_CODES.get(exchange.status, "Unknown").upper()
        status = f"{exchange.status} {reason}"
        response = TestResponse(
            [body],
            status,
            exchange.headers,
            request,
            history=history,  # type: ignore[arg-type]
        )
        response.json_module = self.application.json  # type: ignore[assignment]
        self._keep_cookies(request, exchange.headers)
        return response

    def _begin(self, request: BaseRequest) -> Exchange:
        environ = request.environ
        self._add_cookies_to_wsgi(environ)
        body = environ["wsgi.input"].read()
        environ["wsgi.input"].close()  # a temporary file, if it is long
        environ["wsgi.input"] = io.BytesIO(body)
        if body and not environ.get("CONTENT_LENGTH"):
            environ["CONTENT_LENGTH"] = str(len(body))
        return Exchange(self.application.asgi, make_scope(environ), body)

    def _keep_cookies(self, request: BaseRequest, headers: Headers) -> None:
        self._update_cookies_from_response(
            request.host.partition(":")[0], request.path, headers.getlist("Set-Cookie")
        )

    def _redirected(self, request: BaseRequest, response: TestResponse) -> BaseRequest:
        """Make the request that a browser sends after a redirect (RFC 9110 §15.4)."""
        builder = EnvironBuilder.from_environ(request.environ, app=self.application)
        target = response.location or ""
        keep = response.status_code in {307, 308}
        kwargs: dict[str, t.Any] = {"method": "GET"}
        if keep:
            kwargs = {
                "method": builder.method,
                "data": request.get_data(),
                "content_type": builder.content_type,
            }
        elif builder.method == "HEAD":
            kwargs["method"] = "HEAD"
        if target.startswith(("http://", "https://", "//")):
            path = target
        else:
            path = (
                target if target.startswith("/") else f"{request.path.rpartition('/')[0]}/{target}"
            )
        return self._request_from_builder_args((path,), kwargs)

    @asynccontextmanager
    async def stream(self, *args: t.Any, **kwargs: t.Any) -> t.AsyncIterator[StreamedResponse]:
        """Send a request and read its response's body as it comes.

        Takes the arguments of `EnvironBuilder`. Leaving the block goes away as a client
        does that closes the connection.
        """
        request = self._request_from_builder_args(args, kwargs)
        exchange = self._begin(request)
        try:
            await exchange.start()
            self._keep_cookies(request, exchange.headers)
            yield StreamedResponse(exchange)
        finally:
            await exchange.leave()

    @asynccontextmanager
    async def websocket(
        self, path: str, *, subprotocols: t.Sequence[str] = (), **kwargs: t.Any
    ) -> t.AsyncIterator[TestSocket]:
        """Open a WebSocket; raises `WebSocketRejected` if the application rejects it.

        Args:
            path: Path, with the query if there is one.
            subprotocols: What the client offers.
            **kwargs: For `EnvironBuilder`: ``headers`` and others.
        """
        headers = Headers(kwargs.pop("headers", None))
        if subprotocols:
            headers["Sec-WebSocket-Protocol"] = ", ".join(subprotocols)
        request = self._request_from_builder_args((path,), {**kwargs, "headers": headers})
        self._add_cookies_to_wsgi(request.environ)
        socket = TestSocket(self.application.asgi, make_scope(request.environ, "websocket"))
        try:
            await socket._shake_hands()
            self._keep_cookies(request, socket.headers)
            yield socket
        finally:
            if not socket._task.done():
                await socket.close()
            elif not socket._task.cancelled():
                socket._task.exception()  # was raised already where it was waited for

    async def __aenter__(self) -> t.Self:
        self._lifespan = _Lifespan(self.application.asgi)
        await self._lifespan.send("startup")
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._lifespan.send("shutdown")


class _Lifespan:
    """The server's side of the lifespan protocol."""

    def __init__(self, app: t.Any) -> None:
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        self._task = asyncio.create_task(app(scope, self._to_app.get, self._from_app.put))

    async def send(self, moment: str) -> None:
        """Tell of the start or the end, and wait for the answer."""
        await self._to_app.put({"type": f"lifespan.{moment}"})
        message = await self._from_app.get()
        if message["type"] == f"lifespan.{moment}.failed":
            await self._task
            raise RuntimeError(message.get("message") or f"The application's {moment} failed.")
