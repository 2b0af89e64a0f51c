"""Time limits of views: an async one is cancelled, and everything it has opened is closed."""

from __future__ import annotations

import asyncio
import logging
import typing as t

import pytest

from costrel import Costrel, Flask, current_app
from costrel.api import Depends
from costrel.security import time_limit
from costrel.views import MethodView

pytestmark = pytest.mark.usefixtures("path")


def ask(app, path="/"):
    """Send a request over ASGI."""

    async def main():
        return await app.async_test_client().get(path)

    return asyncio.run(main())


async def connection():
    """Be a dependency that tells when it is closed."""
    try:
        yield "open"
    finally:
        current_app.extensions["ended"] = ["closed"]


async def forever():
    """Wait for something that never comes."""
    await asyncio.Event().wait()


def test_view_that_takes_too_long_is_cancelled(caplog):
    """The client gets a 503, the log the reason; ``finally`` and teardown functions run."""
    app = Costrel(__name__)
    ended = []
    app.teardown_request(lambda error: ended.append(f"teardown {error!r}"))

    @app.get("/")
    @time_limit(0.01)
    async def index():
        try:
            await forever()
        finally:
            ended.append("finally")

    assert ask(app).status_code == 503
    assert ended == ["finally", "teardown None"]
    assert "503 for GET '/': the view took longer than 0.01 s" in caplog.text


def test_view_that_is_in_time_is_left_alone():
    """A view that pauses and returns has its response."""
    app = Costrel(__name__)

    @app.get("/")
    @time_limit(60)
    async def index():
        await asyncio.sleep(0)
        return "in time"

    assert ask(app).text == "in time"
    assert app.test_client().get("/").text == "in time"


@pytest.mark.parametrize("cls", [Flask, Costrel])
def test_setting_limits_all_async_views(cls):
    """``VIEW_TIMEOUT_S`` is for views without a limit of their own, on both classes."""
    app = cls(__name__)
    app.config["VIEW_TIMEOUT_S"] = 0.01
    app.get("/sync", endpoint="sync")(lambda: "sync")
    app.get("/slow", endpoint="slow")(forever)

    @time_limit(None)
    @app.get("/own")
    async def own():
        await asyncio.sleep(0.02)
        return "own"

    assert ask(app, "/slow").status_code == 503
    assert ask(app, "/own").text == "own"
    assert ask(app, "/sync").text == "sync"


def test_async_view_is_cancelled_under_wsgi_too():
    """It runs on a loop there as well."""
    app = Costrel(__name__)
    app.get("/")(time_limit(0.01)(forever))

    assert app.test_client().get("/").status_code == 503


def test_refusal_reaches_the_error_handlers():
    """A handler of 503 makes the page."""
    app = Costrel(__name__)
    app.get("/")(time_limit(0.01)(forever))
    app.errorhandler(503)(lambda _error: ("later", 503))

    assert ask(app).text == "later"


def test_timeout_of_the_view_is_its_own_error():
    """A `TimeoutError` that the view raises before its time is an error like any other."""
    app = Costrel(__name__)

    @app.get("/")
    @time_limit(60)
    async def index():
        raise TimeoutError("of a database")

    app.errorhandler(TimeoutError)(str)

    assert ask(app).text == "of a database"


def test_dependencies_are_closed():
    """A typed view's time includes its dependencies, whose generators end."""
    app = Costrel(__name__)

    @app.get("/")
    @time_limit(0.01)
    async def index(name: t.Annotated[str, Depends(connection)]) -> dict[str, str]:
        await forever()
        return {"name": name}

    assert ask(app).status_code == 503
    assert app.extensions["ended"] == ["closed"]


def test_response_that_has_begun_may_take_longer():
    """Only the time until the response begins is limited."""
    app = Costrel(__name__)

    @app.get("/")
    @time_limit(0.05)
    async def index():
        async def pieces():
            yield b"one "
            await asyncio.sleep(0.1)
            yield b"two"

        return pieces()

    assert ask(app).text == "one two"


def test_class_with_async_methods_is_limited():
    """What ``as_view`` returns is limited as a function is."""
    app = Costrel(__name__)

    class Slow(MethodView):
        async def get(self):
            await forever()

    app.add_url_rule("/", view_func=time_limit(0.01)(Slow.as_view("slow")))

    assert ask(app).status_code == 503


def test_sync_view_can_not_be_limited():
    """The error says why, and what to do instead."""
    with pytest.raises(TypeError, match="a thread can't be stopped"):
        time_limit(1)(lambda: "")


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_time_that_is_none_is_an_error(seconds):
    """A limit is a number of seconds."""
    with pytest.raises(ValueError, match="time_limit"):
        time_limit(seconds)


def test_log_escapes_the_path(caplog):
    """SECURITY(CWE-117): a client can't write lines of the log."""
    caplog.set_level(logging.WARNING)
    app = Costrel(__name__)

    @app.get("/<name>")
    @time_limit(0.01)
    async def index(name):
        await forever()

    assert ask(app, "/a%0Ab").status_code == 503
    assert "/a\\nb" in caplog.text
