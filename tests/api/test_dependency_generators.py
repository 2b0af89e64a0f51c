"""Dependencies that go on at the end of a request: when, in which order, and with which error.

Annotations are evaluated where they are written, since many name functions of their test.
"""

import asyncio
import logging
import typing as t
from contextvars import ContextVar

import pytest
from generator_library import ASYNC, BEGUN, ENDED, PIECES, Item, Recorder, make_app

from costrel import Costrel, Response, g, request, session
from costrel.api import Depends
from costrel.views import MethodView

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
def recorder() -> Recorder:
    """What a test's generators have noted."""
    return Recorder()


@pytest.mark.parametrize("kinds", ASYNC)
@pytest.mark.parametrize("rule", ["/", "/json", "/nothing", "/response"])
def test_generators_end_after_the_response(recorder: Recorder, kinds: str, rule: str) -> None:
    """The last one first, then the teardown functions; the client has not to read the body."""
    client = make_app(recorder, kinds).test_client()
    response = client.get(rule)
    assert recorder.order == [*BEGUN, *ENDED]
    assert response.status_code < 300
    recorder.order.clear()
    client.head(rule)
    assert recorder.order == [*BEGUN, *ENDED]


@pytest.mark.parametrize("kinds", ASYNC)
@pytest.mark.parametrize("rule", ["/stream", "/stream-in-request", "/async-stream", "/events"])
def test_generators_end_after_a_stream(recorder: Recorder, kinds: str, rule: str) -> None:
    """Its last piece has been made, and the server has taken it."""
    client = make_app(recorder, kinds).test_client()
    with client.get(rule) as response:
        assert "a" in response.text
        assert recorder.order == [*BEGUN, *PIECES, *ENDED]


@pytest.mark.parametrize("kinds", ASYNC)
def test_generators_end_after_a_file(recorder: Recorder, kinds: str) -> None:
    """All of it is sent."""
    client = make_app(recorder, kinds).test_client()
    with client.get("/file") as response:
        assert len(response.data) == 100_000
        assert recorder.order == [*BEGUN, *ENDED]


@pytest.mark.parametrize("kinds", ASYNC)
@pytest.mark.parametrize("rule", ["/endless", "/endless-in-request", "/endless-async"])
def test_generators_end_when_the_client_leaves(recorder: Recorder, kinds: str, rule: str) -> None:
    """The view has done its work, so that is no error for them."""
    client = make_app(recorder, kinds).test_client()
    with client.get(rule) as response:
        assert next(response.iter_encoded()) == b"a"
        assert "inner ends" not in recorder.order
    assert recorder.order[-3:] == ENDED
    assert len(recorder.order) == len(set(recorder.order))


@pytest.mark.parametrize("kinds", ASYNC)
def test_error_of_the_view_is_raised_in_them(recorder: Recorder, kinds: str) -> None:
    """Before the error handler and the teardown functions run."""
    app = make_app(recorder, kinds)

    @app.errorhandler(ZeroDivisionError)
    def handle(error: ZeroDivisionError) -> tuple[str, int]:
        recorder.order.append("handler")
        return "handled", 418

    assert app.test_client().get("/error").status_code == 418
    assert recorder.order == [
        *BEGUN,
        "inner gets ZeroDivisionError",
        "outer gets ZeroDivisionError",
        "handler",
        "teardown",
    ]


@pytest.mark.parametrize("kinds", ASYNC)
def test_value_that_does_not_fit_is_an_error_for_them(recorder: Recorder, kinds: str) -> None:
    """Nothing of it is sent, so what it came from is rolled back."""
    response = make_app(recorder, kinds).test_client().get("/misfit")
    assert response.status_code == 500
    assert recorder.order[2:] == ["inner gets TypeError", "outer gets TypeError", "teardown"]


@pytest.mark.parametrize("kinds", ASYNC)
def test_error_after_the_view_is_raised_in_them(recorder: Recorder, kinds: str) -> None:
    """For example of an after-hook, which replaces the response by a 500."""
    app = make_app(recorder, kinds)

    @app.after_request
    def fail(response: Response) -> Response:
        recorder.order.append("hook")
        if recorder.order.count("hook") == 1:
            raise KeyError("in the hook")
        return response

    assert app.test_client().get("/").status_code == 500
    assert recorder.order[-3:] == ["inner gets KeyError", "outer gets KeyError", "teardown"]
    assert recorder.order[:3] == BEGUN


@pytest.mark.parametrize("kinds", ASYNC)
def test_propagated_error_leaves_nothing_open(recorder: Recorder, kinds: str) -> None:
    """No body is ever sent."""
    app = make_app(recorder, kinds)
    app.testing = True

    @app.after_request
    def fail(response: Response) -> Response:
        raise KeyError("in the hook")

    with pytest.raises(KeyError):
        app.test_client().get("/")
    assert recorder.order[3:] == ["inner gets KeyError", "outer gets KeyError", "teardown"]


@pytest.mark.parametrize("kinds", ASYNC)
def test_error_of_the_body_is_raised_in_them(recorder: Recorder, kinds: str) -> None:
    """The response is broken off."""
    client = make_app(recorder, kinds).test_client()
    with pytest.raises(LookupError), client.get("/failing") as response:
        response.get_data()
    assert recorder.order[3:5] == ["inner gets LookupError", "outer gets LookupError"]


def translate() -> t.Iterator[None]:
    """Replace an error."""
    try:
        yield
    except LookupError as error:
        raise PermissionError("another") from error


async def translate_later() -> t.AsyncIterator[None]:
    """Do the same."""
    try:
        yield
    except LookupError as error:
        raise PermissionError("another") from error


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_generator_may_replace_the_error_but_not_swallow_it(is_async: bool) -> None:
    """The next one, and the error handler, get the other error, or else the same."""
    app = Costrel(__name__)
    seen: list[str] = []

    def swallow() -> t.Iterator[None]:
        try:
            yield
        except LookupError as error:
            seen.append(type(error).__name__)

    def watch() -> t.Iterator[None]:
        try:
            yield
        except Exception as error:
            seen.append(type(error).__name__)
            raise

    @app.get("/replaced")
    def replaced(
        a: t.Annotated[None, Depends(watch)],
        b: t.Annotated[None, Depends(translate_later if is_async else translate)],
    ) -> Item:
        raise LookupError("first")

    @app.get("/swallowed")
    def swallowed(
        a: t.Annotated[None, Depends(watch)], b: t.Annotated[None, Depends(swallow)]
    ) -> Item:
        raise LookupError("first")

    @app.errorhandler(Exception)
    def handle(error: Exception) -> tuple[str, int]:
        return repr(error), 500

    client = app.test_client()
    assert client.get("/replaced").text == "PermissionError('another')"
    assert client.get("/swallowed").text == "LookupError('first')"
    assert seen == ["PermissionError", "LookupError", "LookupError"]


@pytest.mark.parametrize("kinds", ASYNC)
def test_failure_at_the_end_is_logged_and_the_others_end(
    recorder: Recorder, kinds: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client has the response already; even a `SystemExit` ends nothing."""
    app = make_app(recorder, kinds)
    app.testing = True

    def leave() -> t.Iterator[None]:
        yield
        raise SystemExit(3)

    async def leave_later() -> t.AsyncIterator[None]:
        yield
        raise SystemExit(3)

    function = leave_later if kinds == "async" else leave

    @app.get("/exit", dependencies=[Depends(function)])
    def show() -> Item:
        return Item(1)

    response = app.test_client().get("/exit")
    assert response.json == {"id": 1}
    assert recorder.order[-2:] == ["outer gets SystemExit", "teardown"]
    assert "leave" in caplog.text
    assert "GET '/exit'" in caplog.text
    assert [record.levelno for record in caplog.records].count(logging.ERROR) >= 1


@pytest.mark.parametrize("kinds", ASYNC)
@pytest.mark.parametrize("rule", ["/", "/stream"])
def test_failure_at_the_end_is_raised_in_tests(
    recorder: Recorder, kinds: str, rule: str, caplog: pytest.LogCaptureFixture
) -> None:
    """By both clients; outside tests only the log has it."""
    app = make_app(recorder, kinds)

    def fail() -> t.Iterator[None]:
        yield
        raise ValueError("at the end")

    async def fail_later() -> t.AsyncIterator[None]:
        yield
        raise ValueError("at the end")

    guards = [Depends(fail_later if kinds == "async" else fail)]

    @app.get("/ending/", dependencies=guards)
    def send_item() -> Item:
        return Item(1)

    @app.get("/ending/stream", dependencies=guards)
    def send_items() -> t.Iterator[Item]:
        yield Item(1)

    url = f"/ending{rule}"
    assert app.test_client().get(url, buffered=True).status_code == 200
    assert "at the end" in caplog.text
    app.testing = True
    with pytest.raises(ValueError, match="at the end"):
        app.test_client().get(url, buffered=rule == "/stream")
    assert recorder.order[-2:] == ["outer gets ValueError", "teardown"]
    with pytest.raises(ValueError, match="at the end"):
        asyncio.run(app.async_test_client().get(url))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert app.test_client().get(url, buffered=True).status_code == 200


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_generator_has_to_yield_once(is_async: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Without a yield there is no value; a second one is an error at the end."""
    app = Costrel(__name__)

    def never() -> t.Iterator[None]:
        yield from ()

    def twice() -> t.Iterator[int]:
        yield 1
        yield 2

    async def never_later() -> t.AsyncIterator[None]:
        for value in never():
            yield value

    async def twice_later() -> t.AsyncIterator[int]:
        for value in twice():
            yield value

    @app.get("/never", dependencies=[Depends(never_later if is_async else never)])
    def show_never() -> Item:
        return Item(1)

    @app.get("/twice", dependencies=[Depends(twice_later if is_async else twice)])
    def show_twice() -> Item:
        return Item(1)

    client = app.test_client()
    assert client.get("/never").status_code == 500
    assert "never" in caplog.text
    assert "ended without a yield" in caplog.text
    assert client.get("/twice").status_code == 200
    assert "yielded a second value" in caplog.text


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_request_is_still_there_at_the_end(is_async: bool) -> None:
    """With ``g``, the session, and whatever teardown functions take away afterwards."""
    app = Costrel(__name__)
    app.secret_key = "test"
    seen: list[t.Any] = []

    @app.teardown_appcontext
    def take_away(error: BaseException | None) -> None:
        g.pop("connection", None)

    def connect() -> t.Iterator[str]:
        g.connection = "open"
        yield g.connection
        seen.append((request.args["n"], g.connection, session["user"]))

    async def wait() -> None:
        await asyncio.sleep(0)

    guards = [Depends(wait)] if is_async else []

    @app.get("/", dependencies=guards)
    def show(connection: t.Annotated[str, Depends(connect)]) -> list[str]:
        session["user"] = "ada"
        return [connection]

    client = app.test_client()
    assert client.get("/?n=4").json == ["open"]
    assert seen == [("4", "open", "ada")]
    with client:
        client.get("/?n=5")
        assert request.args["n"] == "5"
    assert len(seen) == 2


USER: ContextVar[str] = ContextVar("user", default="nobody")


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_context_variable_can_be_reset_at_the_end(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A sync generator goes on in the context that it was begun in."""
    app = Costrel(__name__)
    seen: list[str] = []

    def user() -> t.Iterator[None]:
        token = USER.set("ada")
        try:
            yield
        finally:
            USER.reset(token)
            seen.append(USER.get())

    async def show_later(value: t.Annotated[None, Depends(user)]) -> list[str]:
        return []

    def show(value: t.Annotated[None, Depends(user)]) -> list[str]:
        return []

    app.add_url_rule("/", view_func=show_later if is_async else show)
    assert app.test_client().get("/").json == []
    assert seen == ["nobody"]
    assert not caplog.records


def test_class_based_view_has_generators(recorder: Recorder) -> None:
    """Each method its own."""
    app = Costrel(__name__)
    sync, later = (recorder.generator(name, is_async=name == "later") for name in ("sync", "later"))

    class Items(MethodView):
        def get(self, value: t.Annotated[str, Depends(sync)]) -> list[str]:
            return [value]

        async def post(self, value: t.Annotated[str, Depends(later)]) -> list[str]:
            return [value]

    app.add_url_rule("/", view_func=Items.as_view("items"))
    client = app.test_client()
    assert client.get("/").json == ["sync"]
    assert client.post("/").json == ["later"]
    assert recorder.order == ["sync begins", "sync ends", "later begins", "later ends"]
