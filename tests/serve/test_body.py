"""Bodies of ASGI requests: received within limits, spooled to disk, read in pieces."""

from __future__ import annotations

import asyncio
import errno
import io
import threading

import pytest
from werkzeug.test import encode_multipart

from costrel import Flask, request
from costrel.registration.streaming import stream_body
from costrel.serve import body as body_module
from costrel.wrappers import Request

PIECES = [b"abc", b"", b"defgh", b"i"]
WHOLE = b"".join(PIECES)


class Client:
    """Send one request with a body in pieces to an ASGI application, and hold its answer."""

    def __init__(self, app, path, pieces, *, method="POST", headers=(), leaves=False):
        self.taken = 0
        self.pieces = list(pieces)
        self.leaves = leaves
        self.messages = []
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost"), *headers],
            "server": ("localhost", 80),
            "client": ("127.0.0.1", 1),
        }
        self.app = app

    async def receive(self):
        """Give the next piece; then say that the client left, or wait for ever."""
        if self.taken < len(self.pieces):
            piece = self.pieces[self.taken]
            self.taken += 1
            more = self.leaves or self.taken < len(self.pieces)
            return {"type": "http.request", "body": piece, "more_body": more}
        if self.leaves:
            return {"type": "http.disconnect"}
        return await asyncio.Event().wait()

    async def send(self, message):
        """Take a message of the answer."""
        self.messages.append(message)

    async def run(self):
        """Run the exchange; returns status and body."""
        await self.app.asgi(self.scope, self.receive, self.send)
        if not self.messages:
            return None
        body = b"".join(message.get("body", b"") for message in self.messages[1:])
        return self.messages[0]["status"], body


CHUNKED = ((b"transfer-encoding", b"chunked"),)


def announced(excess=0):
    """Return the headers that announce the length of the whole body, and so many bytes more."""
    return ((b"content-length", str(len(WHOLE) + excess).encode()),)


def make_app(**config):
    """Make an application with a view of each kind that reads its body."""
    app = Flask(__name__)
    app.config.update(config)
    app.threads = []

    @app.post("/sync")
    def sync():
        app.threads.append(threading.current_thread())
        return request.get_data()

    @app.post("/async")
    async def on_loop():
        app.threads.append(threading.current_thread())
        return request.get_data()

    @app.post("/iterated")
    async def iterated():
        return b"".join([piece async for piece in request.stream])

    @app.post("/streamed")
    @stream_body
    async def streamed():
        return b"".join([piece async for piece in request.stream])

    @app.post("/streamed-sync")
    @stream_body
    def streamed_sync():
        app.threads.append(threading.current_thread())
        return b"".join(iter(lambda: request.stream.read(4), b""))

    return app


VIEWS = ["/sync", "/async", "/iterated", "/streamed", "/streamed-sync"]


def send(app, path, pieces=PIECES, **kwargs):
    """Run one exchange on a loop of its own; returns its answer and the client."""
    client = Client(app, path, pieces, **kwargs)
    return asyncio.run(client.run()), client


@pytest.mark.parametrize("headers", [announced(), CHUNKED], ids=["announced", "chunked"])
@pytest.mark.parametrize("path", VIEWS)
def test_body_in_pieces_arrives_whole(path, headers):
    """Every kind of view reads all of it, in order."""
    answer, _client = send(make_app(), path, headers=headers)

    assert answer == (200, WHOLE)


@pytest.mark.parametrize("pieces", [[WHOLE], [b"abc", b"defghi"]], ids=["one", "two"])
@pytest.mark.parametrize("path", VIEWS)
def test_body_is_whole_once_its_announced_length_is_there(path, pieces):
    """A server may say that there is more and then send nothing, or only much later."""
    client = Slow(make_app(), path, pieces, headers=announced())

    assert asyncio.run(asyncio.wait_for(client.run(), 10)) == (200, WHOLE)
    assert client.taken == len(pieces)


@pytest.mark.parametrize("headers", [announced(), CHUNKED], ids=["announced", "chunked"])
@pytest.mark.parametrize("path", VIEWS)
def test_body_of_exactly_the_limit_is_taken(path, headers):
    """The limit itself is allowed."""
    answer, _client = send(make_app(MAX_CONTENT_LENGTH=len(WHOLE)), path, headers=headers)

    assert answer == (200, WHOLE)


@pytest.mark.parametrize("path", VIEWS)
def test_body_announced_too_long_answers_413_and_is_not_received(path):
    """At most the piece that may be all of it is asked of the server."""
    app = make_app(MAX_CONTENT_LENGTH=len(WHOLE) - 1)

    answer, client = send(app, path, headers=announced())

    assert answer[0] == 413
    assert client.taken <= 1


@pytest.mark.parametrize("path", VIEWS)
def test_chunked_body_beyond_the_limit_answers_413_and_the_rest_is_not_received(path):
    """Receiving stops at the piece that exceeds the limit."""
    app = make_app(MAX_CONTENT_LENGTH=4)

    answer, client = send(app, path, [b"abc", b"def", *[b"never"] * 9], headers=CHUNKED)

    assert answer[0] == 413
    assert client.taken == 2


@pytest.mark.parametrize("path", VIEWS)
def test_client_gone_in_mid_upload_gets_no_ok(path):
    """The view never takes the beginning of a body for all of it."""
    answer, _client = send(make_app(), path, headers=announced(1), leaves=True)

    assert answer is None or answer[0] == 400


@pytest.mark.parametrize("mark", [stream_body, lambda view: view])
@pytest.mark.parametrize("headers", [announced(), CHUNKED], ids=["announced", "chunked"])
def test_limit_raised_by_an_async_view_counts_for_iterating(mark, headers):
    """``request.max_content_length`` of one request takes the place of the setting."""
    app = make_app(MAX_CONTENT_LENGTH=2)

    @app.post("/raised")
    @mark
    async def raised():
        request.max_content_length = 100
        return b"".join([piece async for piece in request.stream])

    assert send(app, "/raised", headers=headers)[0] == (200, WHOLE)


def test_limit_raised_by_a_sync_view_counts():
    """In a worker thread the rest is received when the view reads it."""
    app = make_app(MAX_CONTENT_LENGTH=2)

    @app.post("/raised")
    def raised():
        request.max_content_length = 100
        return request.get_data()

    assert send(app, "/raised", headers=CHUNKED)[0] == (200, WHOLE)


def test_limit_lowered_by_the_request_class_counts_before_the_view():
    """A request class with a limit of its own is asked for it."""
    app = make_app(MAX_CONTENT_LENGTH=2)
    app.request_class = type("Roomy", (Request,), {"max_content_length": 100})

    assert send(app, "/async", headers=CHUNKED)[0] == (200, WHOLE)


def test_reading_on_the_loop_what_was_not_received_is_a_clear_error():
    """It would block the loop; the message says what to write instead."""
    app = make_app(TESTING=True)

    @app.post("/wrong")
    @stream_body
    async def wrong():
        return request.get_data()

    with pytest.raises(RuntimeError, match="async for chunk in"):
        send(app, "/wrong", headers=CHUNKED)


@pytest.mark.parametrize("path", VIEWS)
def test_long_body_goes_through_a_file_that_is_closed(path, monkeypatch):
    """Beyond the threshold memory holds no more of it, and no file is left open."""
    monkeypatch.setattr(body_module, "SPOOL_BYTES", 4)
    made = []
    make = body_module.tempfile.TemporaryFile

    def recorded():
        assert threading.current_thread() is not threading.main_thread()
        made.append(make())
        return made[-1]

    monkeypatch.setattr(body_module.tempfile, "TemporaryFile", recorded)

    answer, _client = send(make_app(), path, headers=CHUNKED)

    assert answer == (200, WHOLE)
    assert len(made) == ("streamed" not in path)
    assert all(file.closed for file in made)


def test_file_of_a_body_beyond_the_limit_is_closed(monkeypatch):
    """Also where the view goes on to receive what the file does not hold."""
    monkeypatch.setattr(body_module, "SPOOL_BYTES", 4)
    app = make_app(MAX_CONTENT_LENGTH=6)

    @app.post("/raised")
    async def raised():
        request.max_content_length = 100
        return b"".join([piece async for piece in request.stream])

    pieces = [b"abc", b"def", b"ghi", b"jkl"]
    assert send(app, "/raised", pieces, headers=CHUNKED)[0] == (200, b"abcdefghijkl")


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_forms_files_and_json_are_as_under_wsgi(kind):
    """What is read of a body does not depend on how it came."""
    app = Flask(__name__)

    def read():
        return {
            "form": request.form.to_dict(flat=False),
            "files": {k: [f.filename, f.read().decode()] for k, f in request.files.items()},
            "json": request.get_json(silent=True),
            "data": request.get_data(as_text=True),
        }

    async def read_on_loop():
        return read()

    app.post("/")(read if kind == "def" else read_on_loop)
    boundary, form = encode_multipart({"a": "1", "f": (io.BytesIO(b"x" * 600_000), "f.txt")})
    requests = [
        {"data": {"a": "1", "b": ["2", "ü"]}},
        {"data": form, "content_type": f"multipart/form-data; boundary={boundary}"},
        {"json": {"a": [1, None]}},
        {"data": "plain", "content_type": "text/plain"},
    ]

    async def by_asgi(**kwargs):
        async with app.async_test_client() as client:
            return (await client.post("/", **kwargs)).data

    for kwargs in requests:
        expected = app.test_client().post("/", **kwargs).data
        assert asyncio.run(by_asgi(**kwargs)) == expected


@pytest.mark.parametrize("limit", [None, 3, 100])
@pytest.mark.parametrize("path", ["/iterated", "/streamed"])
def test_async_view_iterates_over_its_body_under_wsgi(path, limit):
    """The same view reads its body under WSGI, with the same limits."""
    client = make_app(MAX_CONTENT_LENGTH=limit).test_client()

    whole = client.post(path, data=WHOLE)
    chunked = client.post(
        path,
        input_stream=io.BytesIO(WHOLE),
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    for response in (whole, chunked):
        assert response.status_code == (413 if limit == 3 else 200)
        assert limit == 3 or response.data == WHOLE


@pytest.mark.parametrize("path", ["/iterated", "/streamed"])
def test_iterating_over_no_body_yields_nothing(path):
    """Neither under ASGI nor under WSGI."""
    assert send(make_app(), path, [b""])[0] == (200, b"")
    assert make_app().test_client().post(path).data == b""


def test_iterating_over_a_body_that_was_read_yields_nothing():
    """As reading it once more does."""
    app = make_app()

    @app.post("/twice")
    async def twice():
        read = request.get_data()
        return read + b"".join([piece async for piece in request.stream])

    assert send(app, "/twice", headers=announced())[0] == (200, WHOLE)
    assert app.test_client().post("/twice", data=WHOLE).data == WHOLE


def test_slow_upload_loses_no_piece_to_who_looks_after_the_client(monkeypatch):
    """While a view reads its body, the watch for a client that leaves receives for it."""
    monkeypatch.setattr("costrel.serve.watch.AFTER_S", 0.0)
    app = make_app()
    client = Client(app, "/streamed", [b"%d," % n for n in range(50)], headers=CHUNKED)
    receive = client.receive

    async def receive_slowly():
        for _ in range(5):
            await asyncio.sleep(0)
        return await receive()

    client.receive = receive_slowly

    assert asyncio.run(client.run()) == (200, b"".join(client.pieces))


def test_sync_marked_view_reads_in_a_worker_thread():
    """Waiting for the client there holds up nobody else."""
    app = make_app()

    send(app, "/streamed-sync", headers=CHUNKED)

    assert [thread.name.startswith("costrel-worker") for thread in app.threads] == [True]


SLOW_VIEWS = ["/sync", "/async", "/first"]


def make_slow_app(**config):
    """Make an application whose views read the body, and that waits a moment for it."""
    app = Flask(__name__)
    app.config.update({"BODY_TIMEOUT_S": 0.05} | config)

    @app.post("/sync")
    def sync():
        return request.get_data()

    @app.post("/async")
    @app.post("/first")
    async def in_coroutine():
        return request.get_data()

    @app.post("/streamed")
    @stream_body
    async def streamed():
        return b"".join([piece async for piece in request.stream])

    @app.errorhandler(408)
    def too_slow(error):
        return "too slow", 408

    return app


class Slow(Client):
    """Send some pieces and then nothing, and stay."""

    async def receive(self):
        """Give the next piece, or wait for ever."""
        if self.taken < len(self.pieces):
            self.taken += 1
            return {"type": "http.request", "body": self.pieces[self.taken - 1], "more_body": True}
        return await asyncio.Event().wait()


@pytest.mark.parametrize("pieces", [[], [b"a"], [b"x" * 100_000]], ids=["none", "one", "long"])
@pytest.mark.parametrize("path", [*SLOW_VIEWS, "/streamed"])
def test_client_that_sends_no_more_is_answered_408(path, pieces):
    """By the application's handler, wherever the view runs."""
    client = Slow(make_slow_app(), path, pieces, headers=CHUNKED)

    assert asyncio.run(asyncio.wait_for(client.run(), 10)) == (408, b"too slow")


@pytest.mark.parametrize("path", SLOW_VIEWS)
def test_408_ends_the_connection(path):
    """The rest of the body could still come on it."""
    app = make_slow_app()
    del app.error_handler_spec[None][408]
    client = Slow(app, path, [b"a"], headers=CHUNKED)
    asyncio.run(asyncio.wait_for(client.run(), 10))

    assert (b"connection", b"close") in client.messages[0]["headers"]


@pytest.mark.parametrize("path", [*SLOW_VIEWS, "/streamed"])
def test_byte_now_and_then_is_too_slow(path):
    """The time is for 64 KiB, or clients could hold the server with next to nothing."""

    class Trickling(Client):
        async def receive(self):
            await asyncio.sleep(0.005)
            return {"type": "http.request", "body": b"x", "more_body": True}

    client = Trickling(make_slow_app(), path, [], headers=CHUNKED)

    assert asyncio.run(asyncio.wait_for(client.run(), 10)) == (408, b"too slow")


@pytest.mark.parametrize("pieces", [0, 10**9], ids=["nothing", "a byte now and then"])
def test_time_counts_while_the_watch_receives(pieces):
    """What waits for a client to leave receives first, and must not take the limit with it."""

    async def receive():
        nonlocal pieces
        pieces -= 1
        await (asyncio.sleep(0.005) if pieces >= 0 else asyncio.Event().wait())
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read():
        body = body_module.RequestBody(receive, 0.05)
        watch = asyncio.ensure_future(body.until_gone())
        await asyncio.sleep(0)  # the watch receives
        try:
            while True:
                await body.prepare()
                body.read(1)
        finally:
            watch.cancel()

    with pytest.raises(body_module.BodyTimeout):
        asyncio.run(asyncio.wait_for(read(), 10))


@pytest.mark.parametrize("path", [*SLOW_VIEWS, "/streamed"])
def test_long_body_that_goes_on_arriving_is_not_too_slow(path):
    """Each 64 KiB have the time anew."""

    class Steady(Client):
        async def receive(self):
            await asyncio.sleep(0.02)
            return await super().receive()

    app = make_slow_app(BODY_TIMEOUT_S=1.0)
    client = Steady(app, path, [b"x" * 65_536] * 60, headers=CHUNKED)
    status, body = asyncio.run(asyncio.wait_for(client.run(), 30))

    assert (status, len(body)) == (200, 60 * 65_536)


@pytest.mark.parametrize("path", SLOW_VIEWS)
def test_without_a_timeout_a_body_is_waited_for(path):
    """None is no limit."""

    class Late(Client):
        async def receive(self):
            await asyncio.sleep(0.1)
            return await super().receive()

    app = make_slow_app(BODY_TIMEOUT_S=None)

    assert asyncio.run(Late(app, path, PIECES, headers=CHUNKED).run()) == (200, WHOLE)


@pytest.mark.parametrize("written", [0, 10], ids=["at-first", "later"])
@pytest.mark.parametrize("path", ["/sync", "/async", "/files", "/files-async", "/unread"])
def test_error_of_storing_a_body_goes_through_the_error_handlers(path, written, monkeypatch):
    """As under WSGI, where the view's own reading fails; a view that reads nothing is not told."""

    class Full(io.BytesIO):
        def write(self, content):
            if self.tell() >= written:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content)

    monkeypatch.setattr(body_module, "SPOOL_BYTES", 4)
    monkeypatch.setattr(body_module.tempfile, "TemporaryFile", Full)
    app = make_slow_app(BODY_TIMEOUT_S=None)

    @app.post("/files")
    def files():
        return str(len(request.files))

    @app.post("/files-async")
    async def files_async():
        return str(len(request.files))

    @app.post("/unread")
    def unread():
        return "unread"

    @app.errorhandler(OSError)
    def full(error):
        return "full", 507

    _boundary, data = encode_multipart({"file": (io.BytesIO(b"x" * 100), "x.txt")}, "b")
    headers = (
        (b"content-type", b"multipart/form-data; boundary=b"),
        (b"content-length", str(len(data)).encode()),
    )
    pieces = [data[at : at + 11] for at in range(0, len(data), 11)]
    answer = asyncio.run(Client(app, path, pieces, headers=headers).run())

    assert answer == ((200, b"unread") if path == "/unread" else (507, b"full"))


def test_client_that_left_before_the_end_is_answered_400():
    """It may have sent what is no body and be there still, which servers tell in the same way."""
    app = make_slow_app()

    for path in (*SLOW_VIEWS, "/streamed"):
        client = Client(app, path, PIECES, headers=CHUNKED, leaves=True)
        assert asyncio.run(client.run())[0] == 400
