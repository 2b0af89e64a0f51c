"""The id of a request: accepted or made, the same everywhere, and given back."""

from __future__ import annotations

import asyncio
import re
import threading
import time
import typing as t

import pytest

from costrel import Flask, copy_current_request_context, websocket
from costrel.logging import request_id
from costrel.logging.requestids import MAX_CHARACTERS, make_id, uri_of

Make = t.Callable[..., Flask]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
HEADER = "X-Request-ID"


def serving_ids(app: Flask) -> Flask:
    """Add views that show their id."""

    @app.get("/")
    def show() -> str:
        assert request_id() == request_id()
        return str(request_id())

    @app.get("/loop")
    async def show_on_loop() -> str:
        await asyncio.sleep(0)
        return str(request_id())

    @app.get("/quiet")
    def quiet() -> str:
        return "quiet"

    return app


def test_ids_are_uuids_of_the_time() -> None:
    """SPEC(RFC 9562 §5.7): version 7, which sorts by time."""
    before = time.time_ns() // 1_000_000
    ids = [make_id() for _ in range(1000)]
    assert all(map(UUID.fullmatch, ids))
    assert len(set(ids)) == 1000
    assert before <= int(ids[0].replace("-", "")[:12], 16) <= time.time_ns() // 1_000_000


def test_there_is_no_id_outside_of_a_request() -> None:
    """Not in an application context either."""
    assert request_id() is None
    with Flask(__name__).app_context():
        assert request_id() is None


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("url", ["/", "/loop"])
def test_each_request_has_an_id_of_its_own(make_app: Make, url: str) -> None:
    """In its view, in sync code and in coroutines."""
    client = serving_ids(make_app()).test_client()
    ids = [client.get(url).text for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(map(UUID.fullmatch, ids))


SENT = {HEADER: "from-the-client"}
FORWARDED = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http"}


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("url", ["/", "/loop"])
@pytest.mark.parametrize(
    ("settings", "headers", "is_used"),
    [
        ({}, {}, False),
        ({}, FORWARDED, False),
        ({"TRUSTED_PROXIES": 1}, FORWARDED, True),
        ({"TRUSTED_PROXIES": 1}, {}, False),
        ({"TRUSTED_PROXIES": 1, "REQUEST_ID_TRUSTED": False}, FORWARDED, False),
        ({"REQUEST_ID_TRUSTED": True}, {}, True),
    ],
)
def test_id_is_used_if_it_comes_from_a_trusted_place(
    make_app: Make, url: str, settings: dict[str, t.Any], headers: dict[str, str], is_used: bool
) -> None:
    """Through a proxy that is trusted, or from anybody if that is set."""
    client = serving_ids(make_app(**settings)).test_client()
    response = client.get(url, headers=SENT | headers)
    assert (response.text == "from-the-client") == is_used
    assert response.headers[HEADER] == response.text


@pytest.mark.parametrize(
    ("sent", "is_used"),
    [
        ("a", True),
        ("0190163d-8694-739b-aea5-966c26f8ad91", True),
        ("Root=1-67891233/abc.def_~+==", True),
        ("a" * MAX_CHARACTERS, True),
        ("a" * (MAX_CHARACTERS + 1), False),
        ("", False),
        ("a b", False),
        ("a,b", False),
        ("a;b", False),
        ("<script>", False),
        ("%0a", False),
        ("\u00e9", False),
    ],
)
def test_id_is_used_only_if_it_is_well_formed(make_app: Make, sent: str, is_used: bool) -> None:
    """SECURITY(log-injection): anything else is replaced by an id of ours."""
    app = serving_ids(make_app(REQUEST_ID_TRUSTED=True))
    response = app.test_client().get("/", headers={HEADER: sent})
    assert (response.text == sent) == is_used
    assert is_used or UUID.fullmatch(response.text)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("url", ["/quiet", "/loop"])
def test_id_is_given_back_to_a_client_that_sent_one(make_app: Make, url: str) -> None:
    """Others get none, so that most requests need none."""
    client = serving_ids(make_app()).test_client()
    assert HEADER not in client.get(url).headers
    assert UUID.fullmatch(client.get(url, headers=SENT).headers[HEADER])
    assert UUID.fullmatch(client.get("/none", headers=SENT).headers[HEADER])


def test_another_header_may_carry_the_id(make_app: Make) -> None:
    """The setting names it; None turns it off."""
    app = serving_ids(make_app(REQUEST_ID_HEADER="X-Trace", REQUEST_ID_TRUSTED=True))
    response = app.test_client().get("/quiet", headers={"X-Trace": "abc", HEADER: "def"})
    assert response.headers["X-Trace"] == "abc"
    assert HEADER not in response.headers
    app = serving_ids(make_app(REQUEST_ID_HEADER=None))
    assert HEADER not in app.test_client().get("/quiet", headers=SENT).headers


def test_field_that_a_view_has_set_stays(make_app: Make) -> None:
    """It may be the id of a service behind."""
    app = make_app()
    app.add_url_rule("/", "own", lambda: ("", {HEADER: "own"}))
    assert app.test_client().get("/", headers=SENT).headers.getlist(HEADER) == ["own"]


def test_threads_of_a_request_have_its_id(make_app: Make) -> None:
    """If they run with its context."""
    app = make_app()
    seen: list[str | None] = []

    @app.get("/")
    def view() -> str:
        @copy_current_request_context
        def work() -> None:
            seen.append(request_id())

        for target in (work, lambda: seen.append(request_id())):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
        return str(request_id())

    id_ = app.test_client().get("/").text
    assert seen == [id_, None]


@pytest.mark.parametrize("kind", ["sync", "async", "awaitable"])
def test_background_task_has_the_id_of_its_request(make_app: Make, kind: str) -> None:
    """In application contexts that it pushes, and in the line that says that it failed, too."""
    app = make_app()
    done = threading.Event()
    seen: list[str | None] = []

    def note() -> None:
        with app.app_context():
            seen.append(request_id())
        seen.append(request_id())
        done.set()

    async def note_on_loop() -> None:
        note()

    def start() -> t.Any:
        return note_on_loop()

    task: t.Any = {"sync": note, "async": note_on_loop, "awaitable": start}[kind]

    @app.get("/")
    async def view() -> str:
        app.add_background_task(task)
        return str(request_id())

    async def ask() -> str:
        async with app.async_test_client() as client:
            response = await client.get("/")
            await asyncio.to_thread(done.wait, 10)
            return str(response.text)

    assert asyncio.run(ask()) == seen[0] == seen[1]


def test_websocket_has_one_id_until_its_end(make_app: Make) -> None:
    """That of its handshake."""
    app = make_app(REQUEST_ID_TRUSTED=True)

    @app.websocket("/ws")
    async def talk() -> None:
        await websocket.accept()
        await websocket.send(str(request_id()))
        await websocket.receive()
        await websocket.send(str(request_id()))

    async def ask() -> list[t.Any]:
        async with app.async_test_client().websocket("/ws", headers=SENT) as socket:
            first = await socket.receive()
            await socket.send("go on")
            return [first, await socket.receive()]

    assert asyncio.run(ask()) == ["from-the-client"] * 2


def test_id_as_a_uri_names_its_kind() -> None:
    """SPEC(RFC 9457 §3.1.5): ``instance`` is a URI."""
    id_ = make_id()
    assert uri_of(id_) == f"urn:uuid:{id_}"
    assert uri_of("from-the-proxy") == "request:from-the-proxy"
