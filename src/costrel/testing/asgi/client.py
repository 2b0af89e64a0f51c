"""The test client for async tests: `AsyncClient`."""

from __future__ import annotations

import asyncio
import typing as t
from contextlib import asynccontextmanager

from werkzeug.datastructures import Headers
from werkzeug.test import ClientRedirectError, TestResponse
from werkzeug.test import EnvironBuilder as BaseEnvironBuilder

from .. import FlaskClient, send_within
from ..typed import TypedAsyncClient
from .exchange import Body, Exchange
from .lifespan import Lifespan
from .reading import EventReader, StreamedResponse
from .scope import make_scope, read_body, status_line
from .sockets import TestSocket

if t.TYPE_CHECKING:
    from types import TracebackType

    from werkzeug.test import Cookie
    from werkzeug.wrappers import Request as BaseRequest

    from ...registration.application import App
    from ...sessions import SessionMixin

_REDIRECTS = frozenset({301, 302, 303, 305, 307, 308})


class _Requests(FlaskClient):
    """Builds requests and keeps cookies and contexts, like the sync client, but sends nothing."""

    def make(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> BaseRequest:
        """Create a request from the arguments of `FlaskClient.open`."""
        request = self._ready_request(args) if args and not kwargs else None
        return self._request_from_builder_args(args, kwargs) if request is None else request

    def open(self, builder: BaseEnvironBuilder, **_kwargs: t.Any) -> t.Any:  # type: ignore[override]
        """Create the next request, which `resolve_redirect` would send."""
        try:
            return self.make((builder,), {})
        finally:
            builder.close()

    def redirected(self, response: TestResponse) -> BaseRequest:
        """Create the request for a redirect, by Werkzeug's rules."""
        return t.cast("BaseRequest", self.resolve_redirect(response))

    def keep_cookies(self, request: BaseRequest, headers: Headers) -> None:
        """Store the cookies of a response."""
        self._update_cookies_from_response(
            request.host.partition(":")[0], request.path, headers.getlist("Set-Cookie")
        )

    def forget_contexts(self) -> None:
        """End the contexts kept for the previous request."""
        self._context_stack.close()

    def keep_contexts(self) -> None:
        """Make the contexts of the last request current, if in a ``with`` block."""
        while self._new_contexts:
            self._context_stack.enter_context(self._new_contexts.pop(0))


class AsyncClient(TypedAsyncClient):
    """Sends requests to ``app.asgi`` in the same process and on the same event loop.

    It is the async counterpart of `FlaskClient`. In an ``async with`` block, it runs the
    functions that the application registers to run before and after serving::

        async with app.async_test_client() as client:
            response = await client.get("/")

    A plain ``with client:`` block keeps the last request current, as with the sync client.
    If ``TESTING`` is set, errors in the application are raised in the test.

    Args:
        application: The application.
        response_class: Base class of responses, besides `werkzeug.test.TestResponse`.
        use_cookies: Keep cookies from one request to the next.
        **kwargs: Passed to `FlaskClient`: ``allow_subdomain_redirects``.
    """

    def __init__(
        self,
        application: App,
        response_class: type[t.Any] | None = None,
        use_cookies: bool = True,
        **kwargs: t.Any,
    ) -> None:
        self.application = application
        self._requests = _Requests(application, response_class, use_cookies=use_cookies, **kwargs)
        self._lifespan: Lifespan | None = None

    @property
    def environ_base(self) -> dict[str, t.Any]:
        """WSGI variables for every request, such as ``REMOTE_ADDR``; may be changed."""
        return self._requests.environ_base

    @environ_base.setter
    def environ_base(self, environ_base: dict[str, t.Any]) -> None:
        self._requests.environ_base = environ_base

    # Requests

    async def open(
        self, *args: t.Any, follow_redirects: bool = False, **kwargs: t.Any
    ) -> TestResponse:
        """Send a request and return the response, with its whole body.

        Args:
            *args: A path and other arguments of `EnvironBuilder`, or a single builder,
                environ or request.
            follow_redirects: Follow redirects; the earlier
                responses are in ``response.history``.
            **kwargs: Passed to `EnvironBuilder`. ``input_stream`` may be an async iterable
                of bytes, which is sent in chunks while the application receives.
        """
        kwargs.pop("buffered", None)  # the body is always read
        body = _take_async_body(kwargs)
        request = self._requests.make(args, kwargs)
        self._requests.forget_contexts()
        history: list[TestResponse] = []
        seen = set()
        try:
            while True:
                response = await self._send(request, body)
                response.history = tuple(history)
                if not follow_redirects or response.status_code not in _REDIRECTS:
                    return response
                target = (response.location, response.status_code)
                if target in seen:
                    raise ClientRedirectError(
                        f"Loop detected: the {response.status_code} redirect to"
                        f" {response.location} was already followed."
                    )
                seen.add(target)
                history.append(response)
                request, body = self._requests.redirected(response), None
                self._requests.forget_contexts()
        finally:
            self._requests.keep_contexts()

    async def head(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """Send a HEAD request: see `open`."""
        return await self.open(*args, **{**kwargs, "method": "HEAD"})

    async def options(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """Send an OPTIONS request: see `open`."""
        return await self.open(*args, **{**kwargs, "method": "OPTIONS"})

    async def trace(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """Send a TRACE request: see `open`."""
        return await self.open(*args, **{**kwargs, "method": "TRACE"})

    async def _send(self, request: BaseRequest, body: Body | None) -> TestResponse:
        exchange = self._begin(request, body)
        try:
            await exchange.start()
            content = b"".join([piece async for piece in exchange])
        finally:
            # If it was cancelled; otherwise it has ended.
            await exchange.leave()
        self._requests.keep_cookies(request, exchange.headers)
        response: TestResponse = self._requests.response_wrapper(
            [content], status_line(exchange.status), exchange.headers, request=request
        )
        response.json_module = self.application.json  # type: ignore[assignment]
        response.call_on_close(request.input_stream.close)
        return response

    def _begin(self, request: BaseRequest, body: Body | None) -> Exchange:
        _require_loop()
        environ = request.environ
        send_within(environ)
        self._requests._add_cookies_to_wsgi(environ)
        if body is None:
            body = read_body(environ)
        else:
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
            environ.pop("CONTENT_LENGTH", None)
        return Exchange(self.application.asgi, make_scope(environ, state=self._state), body)

    @property
    def _state(self) -> dict[str, t.Any]:
        return {} if self._lifespan is None else self._lifespan.state

    # Streaming

    @asynccontextmanager
    async def stream(self, *args: t.Any, **kwargs: t.Any) -> t.AsyncIterator[StreamedResponse]:
        """Send a request and read the response body while it is being sent.

        Takes the arguments of `open`. Leaving the block disconnects, like a client that closes
        the connection, and waits until the application has noticed.
        """
        body = _take_async_body(kwargs)
        request = self._requests.make(args, kwargs)
        self._requests.forget_contexts()
        exchange = self._begin(request, body)
        try:
            await exchange.start()
            self._requests.keep_cookies(request, exchange.headers)
            yield StreamedResponse(exchange, request)
        finally:
            await exchange.leave()
            self._requests.keep_contexts()

    @asynccontextmanager
    async def events(
        self, *args: t.Any, last_event_id: str | None = None, **kwargs: t.Any
    ) -> t.AsyncIterator[EventReader]:
        """Read server-sent events as they arrive.

        For example::

            async with client.events("/prices") as events:
                async for event in events:
                    assert event.json["price"] > 0

        Args:
            *args, **kwargs: The arguments of `open`.
            last_event_id: The ``Last-Event-ID`` that a reconnecting client sends.

        Raises `RuntimeError` if the response is not an event stream.
        """
        headers = Headers(kwargs.pop("headers", None))
        headers.setdefault("Accept", "text/event-stream")
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        async with self.stream(*args, headers=headers, **kwargs) as response:
            yield EventReader(response)

    @asynccontextmanager
    async def websocket(
        self, path: str, *, subprotocols: t.Sequence[str] = (), **kwargs: t.Any
    ) -> t.AsyncIterator[TestSocket]:
        """Open a WebSocket; raises `WebSocketRejected` if the application rejects it.

        Leaving the block closes it, and waits until the view has ended.

        Args:
            path: Path, with the query if there is one.
            subprotocols: The subprotocols that the client offers.
            **kwargs: Passed to `EnvironBuilder`: ``headers`` and others.
        """
        headers = Headers(kwargs.pop("headers", None))
        if subprotocols:
            headers["Sec-WebSocket-Protocol"] = ", ".join(subprotocols)
        request = self._requests.make((path,), {**kwargs, "headers": headers})
        _require_loop()
        self._requests._add_cookies_to_wsgi(request.environ)
        scope = make_scope(request.environ, "websocket", self._state)
        socket = TestSocket(self.application, scope)
        try:
            await socket.shake_hands()
            self._requests.keep_cookies(request, socket.headers)
            yield socket
        except BaseException:
            await socket.leave()
            raise
        await socket.close()

    # Cookies and the session

    def session_transaction(self, *args: t.Any, **kwargs: t.Any) -> t.ContextManager[SessionMixin]:
        """Open the client's session to read or change it: see `FlaskClient`.

        Use it as ``with client.session_transaction() as session:``, also in async tests.
        """
        return self._requests.session_transaction(*args, **kwargs)

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Cookie | None:
        """Return a cookie that the client has stored, or None."""
        return self._requests.get_cookie(key, domain, path)

    def set_cookie(self, key: str, value: str = "", **kwargs: t.Any) -> None:
        """Store a cookie in the client: see `werkzeug.test.Client.set_cookie`."""
        self._requests.set_cookie(key, value, **kwargs)

    def delete_cookie(self, key: str, *, domain: str = "localhost", path: str = "/") -> None:
        """Delete a cookie from the client."""
        self._requests.delete_cookie(key, domain=domain, path=path)

    # Lifespan, and contexts that are kept

    async def __aenter__(self) -> t.Self:
        _require_loop()
        if self._lifespan is not None:
            raise RuntimeError(
                "This client is already in an 'async with' block. They can't be nested."
            )
        lifespan = self._lifespan = Lifespan(self.application.asgi)
        try:
            await lifespan.send("startup")
        except BaseException:
            self._lifespan = None
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._requests.forget_contexts()
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            await lifespan.send("shutdown")

    def __enter__(self) -> t.Self:
        self._requests.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._requests.__exit__(exc_type, exc_value, tb)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.application!r}>"


def _take_async_body(kwargs: dict[str, t.Any]) -> t.AsyncIterable[bytes] | None:
    """Remove and return an async body, which `EnvironBuilder` does not support."""
    body = kwargs.get("input_stream")
    return kwargs.pop("input_stream") if hasattr(body, "__aiter__") else None


def _require_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "AsyncClient needs a running asyncio event loop. With anyio's pytest plugin, let the"
            " fixture 'anyio_backend' return 'asyncio'. In sync tests, use app.test_client()."
        ) from None
