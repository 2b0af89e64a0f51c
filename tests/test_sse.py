"""Server-sent events: what is sent, and what becomes of the generator."""

from __future__ import annotations

import asyncio
import json
import logging
import threading

import msgspec
import pytest
from werkzeug.test import create_environ

from costrel import Event, EventStream, Flask, g, has_request_context, request
from costrel.wrappers import Response

OPENED = ": \n\n"


@pytest.fixture
def app():
    """Make an application that logs nothing."""
    app = Flask("app")
    app.logger.handlers = [logging.NullHandler()]
    app.logger.propagate = False
    return app


def add(app, make, *, by_async_view=True):
    """Register "/" as a view that returns what `make` makes."""

    async def view():
        return make()

    app.add_url_rule("/", endpoint="view", view_func=view if by_async_view else make)


def over_wsgi(app, **kwargs):
    """Ask for "/" under WSGI."""
    return app.test_client().open("/", **kwargs)


def over_asgi(app, **kwargs):
    """Ask for "/" over ASGI."""

    async def ask():
        return await app.async_test_client().open("/", **kwargs)

    return asyncio.run(ask())


both_ways = pytest.mark.parametrize("ask", [over_wsgi, over_asgi])


def encode(*args, **kwargs):
    """Return what an event is sent as."""
    return Event(*args, **kwargs).encode(json.dumps).decode()


def parse(text):
    """Read a stream as browsers do (WHATWG HTML §9.2.6): events, last id, and retry time."""
    events, data, kind, last_id, retry = [], [], "", "", None
    assert not text.startswith("\ufeff")
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line:
            if data:
                events.append((kind or "message", "\n".join(data), last_id))
            data, kind = [], ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = int(value)
    return events, last_id, retry


# What is sent


@pytest.mark.parametrize(
    "text",
    ["", "plain", " kept blank", "two\nlines", "\n", "ends\n", "\n\n\n", "a: b", ":c", "data: x"],
)
def test_text_arrives_as_it_is(text):
    """The client gets the text of an event, its blanks and line feeds included."""
    assert parse(encode(text))[0] == [("message", text, "")]


def test_each_line_end_arrives_as_a_line_feed():
    """No kind of line end in a text can end its event."""
    assert parse(encode("a\r\nb\rc\nd\r\r\n"))[0] == [("message", "a\nb\nc\nd\n\n", "")]


def test_fields_arrive():
    """Name, id and retry time reach the client."""
    sent = encode({"a": [1]}, event="price", id=7, retry_ms=1500)
    assert parse(sent) == ([("price", '{"a": [1]}', "7")], "7", 1500)


def test_named_event_without_data_arrives():
    """Browsers drop an event without data, so it is given an empty one."""
    assert parse(encode(event="done"))[0] == [("done", "", "")]


def test_id_without_data_is_kept_and_no_event():
    """An id alone moves the client's place on, and nothing else."""
    assert parse(encode(id="5")) == ([], "5", None)


def test_none_is_sent_as_json():
    """None is a value like others."""
    assert parse(encode(None))[0] == [("message", "null", "")]


def test_comment_is_skipped_by_clients():
    """A comment is no event, though it has line ends and colons."""
    assert parse(encode(comment="a\ndata: b\r\nid: 1")) == ([], "", None)
    assert encode("x", comment="").startswith(": \n")


@pytest.mark.parametrize("field", ["event", "id"])
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\ndata: b", "a\0b"])
def test_field_that_would_end_early_is_refused(field, value):
    """A name or id can't forge another field."""
    with pytest.raises(ValueError, match=f"{field}="):
        Event("x", **{field: value})


@pytest.mark.parametrize("field", ["event", "id"])
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\ndata: b", "a\0b"])
def test_field_that_is_set_later_can_not_end_early(field, value):
    """A name or id that an event is given afterwards is looked at as well."""
    event = Event("x", **{field: "before"})
    with pytest.raises(ValueError, match=f"{field}="):
        setattr(event, field, value)
    assert getattr(event, field) == "before"


class _Forged:
    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


class _ForgedText(str):
    __slots__ = ()

    def __str__(self):
        return "a\nevent: forged"

    def __format__(self, spec):
        return "a\nevent: forged"


def test_value_of_another_type_can_not_forge_a_field():
    """What is looked at is what is sent: an object's text, and that of a kind of text itself."""
    with pytest.raises(ValueError, match="id="):
        Event("x").id = _Forged("a\ndata: forged")
    event = Event("x", id=_ForgedText("1"))
    event.event = _ForgedText("name")
    assert event.encode(str) == b"event: name\nid: 1\ndata: x\n\n"
    with pytest.raises(ValueError, match="invalid literal"):
        event.retry_ms = "1\ndata: forged"
    event.retry_ms, event.id, event.event = "20", 7, None
    assert event.encode(str) == b"id: 7\nretry: 20\ndata: x\n\n"
    event.retry_ms = event.id = None
    assert event.encode(str) == b"data: x\n\n"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_data_and_comment_that_are_set_later_forge_nothing(end):
    """Each of their lines is one of theirs."""
    event = Event()
    event.data = f"a{end}event: forged{end}{end}id: 1"
    event.comment = f"b{end}data: forged{end}{end}id: 2"
    sent = event.encode(str).decode()
    assert parse(sent) == ([("message", "a\nevent: forged\n\nid: 1", "")], "", None)


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_character_that_ends_lines_elsewhere_arrives_in_data(character):
    """Only a line feed and a carriage return end a line of a stream."""
    text = f"a{character}event: b"
    assert parse(encode(text))[0] == [("message", text, "")]
    assert parse(encode([text]))[0][0][0] == "message"


def test_negative_retry_is_refused():
    """A retry time that clients would skip is an error, at once and later."""
    with pytest.raises(ValueError, match="retry_ms=-1"):
        Event(retry_ms=-1)
    with pytest.raises(ValueError, match="retry_ms=-1"):
        Event().retry_ms = -1


# Streams


@both_ways
@pytest.mark.parametrize("by_async_view", [True, False])
def test_async_generator_is_sent_in_its_request(app, ask, by_async_view):
    """Text, values and events of an async generator are sent, with the request current."""
    log = []
    app.teardown_request(lambda error: log.append(("torn down", error)))

    async def events():
        yield "text"
        yield [1, {"a": None}]
        await asyncio.sleep(0)
        yield Event(request.args["q"], id=1)
        log.append(("ended in", request.path))

    add(app, lambda: EventStream(events()), by_async_view=by_async_view)
    response = ask(app, query_string={"q": "ä"})

    assert response.text == OPENED + 'data: text\n\ndata: [1, {"a": null}]\n\nid: 1\ndata: ä\n\n'
    assert log == [("ended in", "/"), ("torn down", None)]


@both_ways
@pytest.mark.parametrize("by_async_view", [True, False])
def test_sync_generator_is_sent_in_its_request(app, ask, by_async_view):
    """A plain generator does as well."""
    log = []
    app.teardown_request(lambda error: log.append(("torn down", error)))

    def events():
        g.word = "kept"
        yield request.path
        yield g.word
        log.append("ended")

    add(app, lambda: EventStream(events()), by_async_view=by_async_view)

    assert ask(app).text == f"{OPENED}data: /\n\ndata: kept\n\n"
    assert log == ["ended", ("torn down", None)]


@both_ways
def test_headers_keep_the_stream_flowing(app, ask):
    """The type is that of events, and neither caches nor nginx keep them."""
    add(app, lambda: (EventStream([]), {"X-More": "1"}))
    headers = ask(app).headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["X-More"] == "1"
    assert "Content-Length" not in headers


@both_ways
def test_response_class_of_ones_own_is_kept(app, ask):
    """An application's own class of responses sends the events too."""

    class Own(Response):
        pass

    app.response_class = Own
    seen = []
    app.after_request(lambda response: seen.append(type(response)) or response)
    add(app, lambda: EventStream(["a"]))
    assert ask(app).text == f"{OPENED}data: a\n\n"
    assert seen == [Own]


@both_ways
def test_retry_time_comes_first(app, ask):
    """The client knows how long to wait before anything can go wrong."""
    add(app, lambda: EventStream(["x"], retry_ms=250))
    assert ask(app).text == "retry: 250\n\ndata: x\n\n"


@both_ways
def test_struct_is_sent_as_json(app, ask):
    """A class of msgspec's is a value as well."""

    class Price(msgspec.Struct):
        value: int

    add(app, lambda: EventStream([Price(3), Event(Price(4), event="price")]))
    assert ask(app).text == f'{OPENED}data: {{"value":3}}\n\nevent: price\ndata: {{"value":4}}\n\n'


@both_ways
def test_json_is_written_by_the_provider(app, ask):
    """Values are written as the application writes JSON."""
    app.json.ensure_ascii = False
    add(app, lambda: EventStream([["ä"]]))
    assert ask(app).text == f'{OPENED}data: ["ä"]\n\n'


@both_ways
def test_last_event_id_is_in_the_request(app, ask):
    """A client that comes again says where it was."""

    async def events():
        last = int(request.headers.get("Last-Event-ID", 0))
        for number in range(last + 1, 4):
            yield Event(number, id=number)

    add(app, lambda: EventStream(events()))
    response = ask(app, headers={"Last-Event-ID": "1"})
    assert parse(response.text)[0] == [("message", "2", "2"), ("message", "3", "3")]


@pytest.mark.parametrize("events", ["text", b"bytes", 5, None, lambda: iter("x")])
def test_what_is_no_stream_of_events_is_refused(app, events):
    """A text, or a generator function that was not called, is a mistake."""
    with app.test_request_context(), pytest.raises(TypeError, match="takes a generator"):
        EventStream(events)


def test_keep_alive_of_no_time_is_refused(app):
    """Comments without a pause are a mistake."""
    with app.test_request_context(), pytest.raises(ValueError, match="keep_alive_s=0"):
        EventStream([], keep_alive_s=0)


def test_stream_outside_of_a_request_is_refused(app):
    """There is no request to keep."""
    with pytest.raises(RuntimeError, match="outside of"):
        EventStream([])


# Keep-alive


@both_ways
def test_comment_is_sent_while_no_event_comes(app, ask):
    """The connection does not look idle, and the waiting generator is not disturbed."""

    async def events():
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            yield "disturbed"
        yield "after a while"

    add(app, lambda: EventStream(events(), keep_alive_s=0.01))
    first, *comments, event, end = ask(app).text.split("\n\n")
    assert (first, event, end) == (": ", "data: after a while", "")
    assert comments
    assert set(comments) == {": keep-alive"}


@both_ways
def test_no_event_is_lost_to_the_timer(app, ask):
    """Events that come as the time is up are sent, each once and in order."""

    async def events():
        for number in range(300):
            await asyncio.sleep(0.001 if number % 3 else 0)
            yield number

    add(app, lambda: EventStream(events(), keep_alive_s=0.001))
    sent = [int(data) for _, data, _ in parse(ask(app).text)[0]]
    assert sent == list(range(300))


def test_generator_keeps_its_task_and_its_variables(app):
    """The whole generator runs in one task, so timeouts may span its events."""
    tasks = set()

    async def events():
        async with asyncio.timeout(60):
            for number in range(3):
                tasks.add(asyncio.current_task())
                yield number

    add(app, lambda: EventStream(events()))
    assert over_wsgi(app).text
    assert len(tasks) == 1


def test_generator_goes_on_when_its_event_was_taken(app):
    """What comes after a yield does not run before the event is out."""
    log = []

    async def events():
        for number in range(3):
            yield number
            log.append(number)

    add(app, lambda: EventStream(events()))
    pieces = iter(app(create_environ(), lambda *_: None))
    assert next(pieces) == OPENED.encode()
    assert [next(pieces), list(log)] == [b"data: 0\n\n", []]
    assert [next(pieces), list(log)] == [b"data: 1\n\n", [0]]
    pieces.close()


# Ends


async def leave_after(app, lines):
    """Read so many lines of the stream at "/" over ASGI, then go away."""
    async with app.async_test_client().stream("/") as response:
        async for _line in response.lines():
            lines -= 1
            if not lines:
                return


@pytest.mark.parametrize("by_async_view", [True, False])
@pytest.mark.parametrize("waiting", [True, False])
def test_client_gone_closes_an_async_generator(app, by_async_view, waiting):
    """It is closed in its request, whether it waits for something or is at its yield."""
    log = []
    app.teardown_request(lambda error: log.append(("torn down", error)))

    async def events():
        try:
            while True:
                yield "x" * 1000
                if waiting:
                    await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append(("closed", request.path))

    # A thread waits for the next piece without noticing anything: for that, comments.
    add(app, lambda: EventStream(events(), keep_alive_s=0.05), by_async_view=by_async_view)
    asyncio.run(leave_after(app, 3))
    assert [entry[0] for entry in log] == ["closed", "torn down"]
    assert log[0] == ("closed", "/")


@pytest.mark.parametrize("by_async_view", [True, False])
def test_client_gone_closes_a_sync_generator(app, by_async_view):
    """It is closed in its request at its next yield."""
    log = []
    app.teardown_request(lambda error: log.append("torn down"))

    def events():
        try:
            while True:
                yield "x"
        finally:
            log.append(("closed", request.path))

    add(app, lambda: EventStream(events()), by_async_view=by_async_view)
    asyncio.run(leave_after(app, 3))
    assert log == [("closed", "/"), "torn down"]


@pytest.mark.parametrize("is_async", [True, False])
def test_wsgi_server_that_closes_the_body_closes_the_generator(app, is_async):
    """Under WSGI the server says that the client is gone."""
    log = []
    app.teardown_request(lambda error: log.append(("torn down", error)))

    async def async_events():
        try:
            yield "x"
            await asyncio.Event().wait()
        finally:
            log.append(("closed", request.path))

    def events():
        try:
            while True:
                yield "x"
        finally:
            log.append(("closed", request.path))

    add(app, lambda: EventStream(async_events() if is_async else events()))
    pieces = iter(app(create_environ(), lambda *_: None))
    assert [next(pieces), next(pieces)] == [OPENED.encode(), b"data: x\n\n"]
    assert not has_request_context()
    pieces.close()
    assert log == [("closed", "/"), ("torn down", None)]


class Cursor:
    """Be an iterator that has to be closed, like a database's."""

    def __init__(self):
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def close(self):
        self.closed += 1


class AsyncCursor:
    """Be an async iterator that has to be closed."""

    def __init__(self):
        self.closed = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        raise StopAsyncIteration

    async def aclose(self):
        self.closed += 1


@pytest.mark.parametrize(("method", "body"), [("GET", OPENED), ("HEAD", "")])
@pytest.mark.parametrize("make", [Cursor, AsyncCursor])
@both_ways
def test_iterator_is_closed_once_also_if_nobody_reads_it(app, ask, make, method, body):
    """HEAD wants no body, and what would have made it is closed."""
    cursor = make()
    add(app, lambda: EventStream(cursor))
    assert ask(app, method=method).text == body
    assert cursor.closed == 1


# Errors


async def failing_async():
    """Fail after an event."""
    yield "x"
    raise ValueError("the secret of the stream")


def failing():
    """Fail after an event."""
    yield "x"
    raise ValueError("the secret of the stream")


async def failing_to_close():
    """Fail when closed."""
    try:
        yield "x"
        await asyncio.Event().wait()
    finally:
        raise ValueError("the secret of the end")


@pytest.mark.parametrize("make", [failing, failing_async])
@pytest.mark.parametrize("by_async_view", [True, False])
@both_ways
def test_error_of_the_generator_reaches_the_server(app, ask, by_async_view, make):
    """The server logs it and ends the connection; teardown functions are told."""
    log = []
    app.teardown_request(lambda error: log.append(str(error)))
    add(app, lambda: EventStream(make()), by_async_view=by_async_view)
    with pytest.raises(ValueError, match="the secret of the stream"):
        assert ask(app).text
    assert log == ["the secret of the stream"]


@both_ways
def test_value_that_is_no_json_closes_the_generator(app, ask):
    """What can't be sent ends the stream, and the generator with it."""
    log = []

    async def events():
        try:
            yield object()
        finally:
            log.append("closed")

    add(app, lambda: EventStream(events()))
    with pytest.raises(TypeError, match="JSON"):
        assert ask(app).text
    assert log == ["closed"]


@both_ways
def test_cancelled_error_from_within_ends_the_stream(app, ask):
    """A generator that waited for a cancelled task does not leave its client waiting."""

    async def events():
        yield "x"
        raise asyncio.CancelledError

    add(app, lambda: EventStream(events()))
    with pytest.raises(RuntimeError, match="raised CancelledError"):
        assert ask(app).text


def test_error_while_closing_reaches_the_server(app):
    """What fails when the client is gone is not lost."""
    log = []
    app.teardown_request(lambda error: log.append(str(error)))
    add(app, lambda: EventStream(failing_to_close()))
    with pytest.raises(ValueError, match="the secret of the end"):
        asyncio.run(leave_after(app, 3))
    assert log == ["the secret of the end"]


# Many at once


def test_streams_do_not_see_each_other(app):
    """Each generator has its own request, also where all share one loop."""
    meeting = threading.Barrier(4)

    async def events():
        await asyncio.to_thread(meeting.wait, 10)
        yield request.args["n"]

    add(app, lambda: EventStream(events()))

    async def ask_all():
        client = app.async_test_client()
        asked = (client.get("/", query_string={"n": str(n)}) for n in range(4))
        return await asyncio.gather(*asked)

    assert [response.text for response in asyncio.run(ask_all())] == [
        f"{OPENED}data: {n}\n\n" for n in range(4)
    ]


def test_ended_streams_leave_no_task(app):
    """Nothing goes on when the clients are gone."""

    async def events():
        while True:
            yield "x"
            await asyncio.sleep(0)

    add(app, lambda: EventStream(events()))

    async def come_and_go():
        for _ in range(5):
            await leave_after(app, 3)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(come_and_go()) == set()


@both_ways
@pytest.mark.parametrize("by_async_view", [True, False])
@pytest.mark.parametrize("is_async", [True, False])
def test_context_is_torn_down_before_the_stream_and_at_its_end(app, ask, by_async_view, is_async):
    """A stream of hours holds nothing that the view has opened; ``g`` and the request stay."""
    order = []
    app.teardown_request(lambda error: order.append("request over"))
    app.teardown_appcontext(lambda error: order.append(f"closed {g.pop('opened', None)}"))

    @app.after_request
    def note(response):
        order.append("answered")
        return response

    def make():
        g.opened, g.user = "by the view", "ada"

        def events():
            order.append(f"begun for {g.user} {'opened' in g}")
            g.opened = "by the stream"
            yield request.path

        async def later():
            for event in events():
                yield event

        return EventStream(later() if is_async else events())

    add(app, make, by_async_view=by_async_view)
    assert "data: /" in ask(app).text

    closed = ["closed by the view", "begun for ada False"]
    assert order == ["answered", *closed, "request over", "closed by the stream"]


@both_ways
def test_head_of_a_stream_is_torn_down_once(app, ask):
    """Nothing is streamed."""
    order = []
    app.teardown_appcontext(order.append)
    add(app, lambda: EventStream(iter(["x"])))

    ask(app, method="HEAD")

    assert order == [None]


def test_context_of_a_test_is_not_torn_down_by_its_stream(app):
    """The request borrows it, so it is the test's to end."""
    order = []
    app.teardown_appcontext(lambda error: order.append("closed"))
    add(app, lambda: EventStream(iter(["x"])))

    with app.app_context():
        assert "data: x" in over_wsgi(app).text
        assert order == []
    assert order == ["closed"]
