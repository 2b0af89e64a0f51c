"""Who ends the generators of dependencies: servers of both kinds, or the request's context."""

import asyncio
import gc
import time
import typing as t
import weakref

import pytest
from generator_library import ASYNC, BEGUN, ENDED, PIECES, Recorder, make_app
from werkzeug.test import create_environ

from costrel import Costrel, abort, request
from costrel.api import Depends

pytestmark = pytest.mark.usefixtures("path")

PATIENCE_S = 20


@pytest.fixture
def recorder() -> Recorder:
    """What a test's generators have noted."""
    return Recorder()


@pytest.mark.parametrize("kinds", ASYNC)
def test_request_that_is_never_sent_is_closed_with_its_context(
    recorder: Recorder, kinds: str
) -> None:
    """Code that dispatches a request itself."""
    app = make_app(recorder, kinds)
    with app.test_request_context("/"):
        app.full_dispatch_request()
        assert recorder.order == BEGUN
    assert recorder.order == [*BEGUN, *ENDED]


@pytest.mark.wsgi_only("a WSGI server's calls")
@pytest.mark.parametrize("kinds", ASYNC)
@pytest.mark.parametrize("rule", ["/", "/stream"])
def test_wsgi_server_ends_them_by_closing_the_body(
    recorder: Recorder, kinds: str, rule: str
) -> None:
    """Also if it never asks for a piece, or drops the body."""
    app = make_app(recorder, kinds)

    def start_response(status: str, headers: t.Any, exc_info: t.Any = None) -> t.Any:
        return None

    body = app.wsgi_app(create_environ(rule), start_response)
    assert recorder.order == BEGUN
    t.cast("t.Any", body).close()
    assert recorder.order == [*BEGUN, *ENDED]
    recorder.order.clear()
    body = app.wsgi_app(create_environ(rule), start_response)
    del body
    assert recorder.order == [*BEGUN, *ENDED]
    assert app.test_client().get("/json").json == {"id": 1}


class Exchange:
    """One GET as an ASGI server sees it, with a client that may leave."""

    def __init__(self, app: Costrel, path: str) -> None:
        self.app = app
        self.messages: list[t.Any] = []
        self.left = asyncio.Event()
        self.took = asyncio.Event()
        self.path = path
        self.sent: list[str] = []
        self._asked = False

    async def receive(self) -> dict[str, t.Any]:
        """Give the empty body, and later the client's going away."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: t.Any) -> None:
        """Take a message, unless the client is gone."""
        if self.left.is_set():
            raise OSError("the client is gone")
        self.messages.append(message)
        self.took.set()

    async def run(self) -> None:
        """Run the application."""
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": self.path, "raw_path": self.path.encode(),
            "query_string": b"", "root_path": "", "headers": [(b"host", b"localhost")],
            "server": ("localhost", 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        async with asyncio.timeout(PATIENCE_S):
            await self.app.asgi(scope, self.receive, self.send)


@pytest.mark.parametrize("kinds", ASYNC)
@pytest.mark.parametrize("rule", ["/", "/stream", "/async-stream"])
def test_asgi_server_gets_the_last_message_before_they_end(
    recorder: Recorder, kinds: str, rule: str
) -> None:
    """A client does not wait for them."""
    app = make_app(recorder, kinds)

    async def main() -> None:
        exchange = Exchange(app, rule)
        send = exchange.send

        async def noting(message: t.Any) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                recorder.order.append("sent")

        exchange.send = noting  # type: ignore[method-assign]
        await exchange.run()
        await exchange.run()

    asyncio.run(main())
    once = [*BEGUN, *(PIECES if "stream" in rule else ()), "sent", *ENDED]
    assert recorder.order == once * 2


@pytest.mark.parametrize("kinds", ASYNC)
def test_asgi_client_that_leaves_during_a_stream_ends_them(recorder: Recorder, kinds: str) -> None:
    """The server refuses the next piece."""
    app = make_app(recorder, kinds)

    async def main() -> None:
        exchange = Exchange(app, "/stream")
        send = exchange.send

        async def leaving(message: t.Any) -> None:
            await send(message)
            if message.get("body"):
                exchange.left.set()

        exchange.send = leaving  # type: ignore[method-assign]
        await exchange.run()

    asyncio.run(main())
    assert recorder.order[-3:] == ENDED
    assert len(recorder.order) == len(set(recorder.order))


@pytest.mark.parametrize("inner_is_async", [False, True])
def test_asgi_client_that_leaves_while_the_view_runs_is_an_error_for_them(
    recorder: Recorder, inner_is_async: bool, planned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view is cancelled, so what it has done is rolled back."""
    monkeypatch.setattr("costrel.serve.watch.AFTER_S", 0.0)
    app = Costrel(__name__)
    runs: list[asyncio.Event] = []
    inner = recorder.generator("inner", is_async=inner_is_async)

    @app.get("/")
    async def show(value: t.Annotated[str, Depends(inner)]) -> list[str]:
        runs[0].set()
        await asyncio.Event().wait()
        return [value]

    async def main() -> None:
        runs.append(asyncio.Event())
        exchange = Exchange(app, "/")
        task = asyncio.create_task(exchange.run())
        await runs[0].wait()
        exchange.left.set()
        await task
        assert exchange.messages == []

    asyncio.run(main())
    assert recorder.order == ["inner begins", "inner gets CancelledError"]


def test_request_without_generators_is_not_held(recorder: Recorder) -> None:
    """Its teardown functions run as they always do, before the response is sent."""
    app = Costrel(__name__)
    app.teardown_request(lambda _error: recorder.order.append("teardown"))

    @app.get("/")
    def show(value: t.Annotated[int, Depends(lambda: 1)]) -> list[int]:
        return [value]

    def start_response(status: str, headers: t.Any, exc_info: t.Any = None) -> t.Any:
        return None

    body = app.wsgi_app(create_environ("/"), start_response)
    assert recorder.order == ["teardown"]
    assert b"".join(body) == b"[1]"


class Connection:
    """What a dependency holds."""


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("rule", ["/", "/missing", "/replaced"])
def test_nothing_of_a_request_is_kept(is_async: bool, rule: str) -> None:
    """What a dependency yields is freed at once, whatever happened, without a collection."""
    made: list[weakref.ref[Connection]] = []

    def connect() -> t.Iterator[Connection]:
        connection = Connection()
        made.append(weakref.ref(connection))
        yield connection

    async def connect_later() -> t.AsyncIterator[Connection]:
        for connection in connect():
            yield connection

    def replace() -> t.Iterator[None]:
        try:
            yield
        except LookupError as error:
            raise PermissionError from error

    app = Costrel(__name__, dependencies=[Depends(replace)])
    app.register_error_handler(PermissionError, lambda _error: ("replaced", 403))
    function = connect_later if is_async else connect

    @app.get("/")
    @app.get("/missing")
    @app.get("/replaced")
    def show(connection: t.Annotated[Connection, Depends(function)]) -> list[int]:
        if request.path == "/missing":
            abort(404)
        if request.path == "/replaced":
            raise LookupError
        return [1]

    client = app.test_client()
    client.get(rule)  # compiles
    gc.collect()
    gc.disable()
    try:
        client.get(rule).close()
        deadline = time.monotonic() + 5
        while made[-1]() is not None and time.monotonic() < deadline:
            time.sleep(0.001)  # another thread, which has answered, is about to leave
        assert made[-1]() is None
    finally:
        gc.enable()
