"""SECURITY: a dependency whose code is in a generator or coroutine runs, however it is wrapped.

Or the request fails: it is never answered as if a guard had passed it.
"""

import asyncio
import functools
import typing as t
from contextlib import aclosing, asynccontextmanager, closing, contextmanager
from io import StringIO

import pytest

from costrel import Costrel, abort, g, request
from costrel.api import BearerAuth, Depends

pytestmark = pytest.mark.usefixtures("path")

ENDED: list[str] = []


def timed(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Decorate a function with one that returns what it returns."""

    @functools.wraps(function)
    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return function(*args, **kwargs)

    return call


def check() -> None:
    """Let requests pass that have a password."""
    if request.headers.get("X-Password") != "right":
        abort(403)


def guard() -> t.Iterator[str]:
    """Check in a generator."""
    check()
    yield "passed"
    ENDED.append("sync")


async def guard_later() -> t.AsyncIterator[str]:
    """Check in an async generator."""
    check()
    yield "passed"
    ENDED.append("async")


async def check_later() -> str:
    """Check in a coroutine."""
    check()
    return "passed"


class Guard:
    """Check in a decorated method."""

    @timed
    def __call__(self) -> t.Iterator[str]:
        """Check in a generator."""
        yield from guard()


class Guards:
    """Check in a generator, without a decorator."""

    def __call__(self) -> t.Iterator[str]:
        """Check in a generator."""
        yield from guard()

    guard = __call__


class LaterGuard:
    """Check in an async generator."""

    async def __call__(self) -> t.AsyncIterator[str]:
        """Check in an async generator."""
        async for value in guard_later():
            yield value


class Checker:
    """Check in a coroutine."""

    async def __call__(self) -> str:
        """Check in a coroutine."""
        return await check_later()


class PartialGuard:
    """Check in a function with an argument."""

    __call__ = staticmethod(functools.partial(guard))


class Managed:
    """An object whose calls are context managers."""

    @contextmanager
    def __call__(self) -> t.Iterator[str]:
        """Check in a generator."""
        yield from guard()

    @asynccontextmanager
    async def later(self) -> t.AsyncIterator[str]:
        """Check in an async generator."""
        async for value in guard_later():
            yield value


class Wrapper:
    """A decorator that is an object."""

    def __init__(self, function: t.Callable[..., t.Any]) -> None:
        """Keep the function."""
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self) -> t.Any:
        """Call it."""
        return self.function()


@timed
def guard_with_password(x_password: str = "") -> t.Iterator[str]:
    """Take a parameter besides."""
    check()
    yield "passed" + x_password


RUN: dict[str, t.Callable[..., t.Any]] = {
    "generator": timed(guard),
    "twice": timed(timed(guard)),
    "async generator": timed(guard_later),
    "coroutine": timed(check_later),
    "object": Guard(),
    "object around a generator": Wrapper(guard),
    "object around an async generator": Wrapper(guard_later),
    "object around a coroutine": Wrapper(check_later),
    "partial": functools.partial(timed(guard)),
    "partial of an async generator": functools.partial(timed(guard_later)),
    "decorated partial": timed(functools.partial(guard)),
    "parameter": guard_with_password,
    "partial of a generator": functools.partial(guard),
    "partial of a partial": functools.partial(functools.partial(guard_later)),
    "partial of an object": functools.partial(Guard()),
    "partial of an object with a coroutine": functools.partial(Checker()),
    "partial of a method": functools.partial(Guards().guard),
    "object with a generator": Guards(),
    "object with an async generator": LaterGuard(),
    "object with a coroutine": Checker(),
    "object with a partial": PartialGuard(),
    "method": Guards().guard,
    "staticmethod": staticmethod(guard),
}

REFUSED: dict[str, tuple[t.Callable[..., t.Any], str]] = {
    "decorated context manager": (timed(contextmanager(guard)), "a context manager"),
    "decorated async context manager": (
        timed(asynccontextmanager(guard_later)),
        "a context manager",
    ),
    "lambda of a context manager": (lambda: contextmanager(guard)(), "a context manager"),  # noqa: PLW0108
    "lambda of a generator": (lambda: guard(), "a generator"),  # noqa: PLW0108
    "lambda of an async generator": (lambda: guard_later(), "a generator"),  # noqa: PLW0108
    "lambda of a coroutine": (lambda: check_later(), "a coroutine"),  # noqa: PLW0108
    "lambda of closing": (lambda: closing(StringIO()), "a context manager"),
    "lambda of aclosing": (lambda: aclosing(guard_later()), "a context manager"),
    "generator expression": (lambda: (check() for _ in range(1)), "a generator"),
}


# What nothing would enter, refused where it is written.
UNENTERED: dict[str, t.Any] = {
    "context manager": contextmanager(guard),
    "async context manager": asynccontextmanager(guard_later),
    "partial of a context manager": functools.partial(contextmanager(guard)),
    "object with a context manager": Managed(),
    "partial of an object": functools.partial(Managed()),
    "method": Managed().later,
    "closing": closing,
    "aclosing": aclosing,
    "partial of closing": functools.partial(closing, StringIO()),
    "closed object": closing(StringIO()),
    "closed partial": functools.partial(functools.partial(closing), StringIO()),
}


@pytest.mark.parametrize("name", UNENTERED)
def test_context_manager_is_refused_where_it_is_written(name: str) -> None:
    """The error says what to write; so does that of an override."""
    function = UNENTERED[name]
    advice = r"(Remove its @contextmanager|Write a generator function).*_dependencies.py:"
    with pytest.raises(TypeError, match=advice):
        Depends(function)
    if callable(function):
        app = make_app(guard)
        app.testing = True
        advice = advice.replace("_dependencies.py:", "The dependency")
        with app.override(guard, function), pytest.raises(TypeError, match=advice):
            app.test_client().get("/guarded")


def test_dependencies_are_closed_after_the_response() -> None:
    """What a generator enters, whatever calls it."""
    for function in (functools.partial(open_text, "a"), Opener("a"), Opener("a").open_text):
        opened: list[StringIO] = []
        app = Costrel(__name__)
        text_of = t.Annotated[StringIO, Depends(function)]

        def show(text, opened=opened):
            opened.append(text)
            return [text.getvalue(), text.closed]

        show.__annotations__ = {"text": text_of}
        app.add_url_rule("/", "show", show)
        assert app.test_client().get("/").json == ["a", False]
        assert [text.closed for text in opened] == [True]


def open_text(value: str) -> t.Iterator[StringIO]:
    """Open a text, and close it."""
    with closing(StringIO(value)) as text:
        yield text


class Opener:
    """Open texts."""

    def __init__(self, value: str) -> None:
        """Keep the text."""
        self.value = value

    def __call__(self) -> t.Iterator[StringIO]:
        """Open the text."""
        yield from open_text(self.value)

    def open_text(self) -> t.Iterator[StringIO]:
        """Open the text."""
        yield from open_text(self.value)


async def return_generator() -> t.Any:
    """Return a generator that nobody runs."""
    return guard()


async def return_coroutine() -> t.Any:
    """Return a coroutine that nobody awaits."""
    return check_later()


async def return_future() -> t.Any:
    """Return a future that nobody waits for."""
    return asyncio.get_running_loop().create_future()


REFUSED |= {
    "generator of a coroutine": (return_generator, "a generator"),
    "coroutine of a coroutine": (return_coroutine, "a coroutine"),
    "future of a coroutine": (return_future, "a future"),
}


def make_app(function: t.Callable[..., t.Any]) -> Costrel:
    """Make an application with a view that a function guards, and views that take its value."""
    app = Costrel(__name__)

    @app.get("/guarded", dependencies=[Depends(function)])
    def show() -> list[str]:
        return ["shown"]

    @app.get("/value")
    def show_value(value: t.Annotated[t.Any, Depends(function)]) -> list[t.Any]:
        return [value]

    @app.get("/value-later")
    async def show_value_later(value: t.Annotated[t.Any, Depends(function)]) -> list[t.Any]:
        return [value]

    return app


@pytest.mark.parametrize("name", RUN)
def test_wrapped_dependency_runs(name: str) -> None:
    """It stops a request as a guard and as a parameter; else the view gets what it yields."""
    client = make_app(RUN[name]).test_client()
    for url in ("/guarded", "/value", "/value-later"):
        ENDED.clear()
        assert client.get(url).status_code == 403
        assert not ENDED
        shown = ["shown"] if url == "/guarded" else ["passed"]
        assert client.get(url, headers={"X-Password": "right"}).json == shown
        if "coroutine" not in name and "parameter" not in name:
            assert len(ENDED) == 1


@pytest.mark.parametrize("name", REFUSED)
def test_call_that_would_not_run_is_an_error(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The request gets 500, with any password; the log says what to write."""
    function, what = REFUSED[name]
    client = make_app(function).test_client()
    for url in ("/guarded", "/value", "/value-later"):
        assert client.get(url, headers={"X-Password": "right"}).status_code == 500
        assert f"returned {what}, whose code has not run" in caplog.text
        assert "test_decorated_dependencies.py" in caplog.text
        caplog.clear()


@pytest.mark.parametrize("function", [guard, guard_later, check_later, timed(guard)])
def test_cached_generator_is_refused(function: t.Callable[..., t.Any]) -> None:
    """The first request would use up what all get."""
    with pytest.raises(TypeError, match=r"is cached.* Remove its @cache.*_dependencies.py:"):
        make_app(functools.lru_cache(function))
    with pytest.raises(TypeError, match="is cached"):
        make_app(functools.partial(functools.cache(function)))


def test_decorator_may_use_up_the_generator() -> None:
    """Then what it returns is a value like another."""

    def collected(function: t.Callable[[], t.Iterator[str]]) -> t.Callable[[], list[str]]:
        @functools.wraps(function)
        def call() -> list[str]:
            return list(function())

        return call

    client = make_app(collected(guard)).test_client()
    assert client.get("/guarded").status_code == 403
    assert client.get("/value", headers={"X-Password": "right"}).json == [["passed"]]


def test_values_that_can_be_awaited_too_are_values() -> None:
    """Such as clients of databases, and proxies."""

    class Database:
        def __await__(self) -> t.Generator[None, None, None]:
            yield

    app = Costrel(__name__)

    @app.get("/")
    def show(
        database: t.Annotated[Database, Depends(Database)],
        proxy: t.Annotated[t.Any, Depends(lambda: g)],
    ) -> list[str]:
        return [type(database).__name__, type(proxy).__name__]

    assert app.test_client().get("/").json == ["Database", "LocalProxy"]


def test_security_scheme_that_is_a_generator_runs() -> None:
    """A class of one's own may check more than the scheme does."""

    class Strict(BearerAuth):
        def __call__(self) -> t.Any:
            check()
            yield "passed"

    app = Costrel(__name__)

    @app.get("/")
    def show(token: t.Annotated[str, Depends(Strict())]) -> list[str]:
        return [token]

    client = app.test_client()
    assert client.get("/").status_code == 403
    assert client.get("/", headers={"X-Password": "right"}).json == ["passed"]


def test_guard_of_a_group_runs_decorated() -> None:
    """That of an application guards views without annotations, too."""
    app = Costrel(__name__, dependencies=[Depends(timed(guard))])
    app.get("/", endpoint="show")(lambda: "shown")
    client = app.test_client()
    assert client.get("/").status_code == 403
    assert client.get("/", headers={"X-Password": "right"}).text == "shown"
