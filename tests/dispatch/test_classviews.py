"""Class-based views over ASGI: coroutine methods on the loop, others in threads."""

from __future__ import annotations

import asyncio
import functools
from inspect import iscoroutinefunction
from unittest.mock import Mock

import pytest

from costrel import Flask, request, stream_body
from costrel.dispatch.classviews import awaits
from costrel.dispatch.threads import WorkerThreads
from costrel.servers.interface import choose
from costrel.views import MethodView, View

pytestmark = pytest.mark.usefixtures("planned")


@pytest.fixture
def hops(monkeypatch):
    """Count the hops to worker threads."""
    counted = []
    run = WorkerThreads.run

    async def counting(self, function, *args, context):
        counted.append(function)
        return await run(self, function, *args, context=context)

    monkeypatch.setattr(WorkerThreads, "run", counting)
    return counted


def where():
    """Tell where this runs."""
    return "on the loop" if asyncio._get_running_loop() is not None else "in a thread"


def make_app(view, rule="/", **options):
    """Make an application of one view."""
    app = Flask(__name__, static_folder=None)
    app.testing = True
    app.add_url_rule(rule, view_func=view, **options)
    return app


def ask(app, *args, **kwargs):
    """Send one request over ASGI; return the response."""

    async def main():
        async with app.async_test_client() as client:
            return await client.open(*args, **kwargs)

    return asyncio.run(main())


class Index(View):
    """A view with an async method."""

    async def dispatch_request(self, **values):
        """Tell where this runs, and with what."""
        await asyncio.sleep(0)
        return {"where": where(), **values}


class Mixed(MethodView):
    """A view with methods of both kinds."""

    async def get(self):
        """Run on the loop."""
        return where()

    def post(self):
        """Run in a thread."""
        return where()


class Sync(MethodView):
    """A view without a coroutine."""

    def get(self):
        """Run in a thread."""
        return where()


def test_coroutine_method_is_awaited_without_a_hop(hops):
    """A request of it takes no thread at all."""
    app = make_app(Index.as_view("index"), "/<int:number>")

    assert ask(app, "/7").json == {"where": "on the loop", "number": 7}
    assert hops == []


def test_method_view_awaits_the_method_of_the_request(hops):
    """HEAD by its get, a sync method in one hop."""
    app = make_app(Mixed.as_view("mixed"))

    assert ask(app).text == "on the loop"
    assert ask(app, method="HEAD").headers["Content-Length"] == str(len("on the loop"))
    assert hops == []
    assert ask(app, method="POST").text == "in a thread"
    assert len(hops) == 1
    assert ask(app, method="PUT").status_code == 405


def test_view_of_sync_methods_is_served_in_a_thread():
    """Nothing in it gains by the loop."""
    view = Sync.as_view("sync")

    assert ask(make_app(view)).text == "in a thread"
    assert not awaits(view)


def test_view_function_stays_a_sync_one():
    """Extensions that call it get a response, not a coroutine, as with Flask."""
    view = Index.as_view("index")
    app = make_app(view)

    assert not iscoroutinefunction(view)
    with app.test_request_context():
        assert view() == {"where": "on the loop"}


@pytest.mark.parametrize("every", [True, False])
def test_instance_is_made_for_each_request_or_shared(every):
    """As without the loop."""

    class Count(MethodView):
        init_every_request = every

        def __init__(self, start):
            self.count = start

        async def get(self):
            self.count += 1
            return str(self.count)

    app = make_app(Count.as_view("count", 5))

    assert ["6", "6" if every else "7"] == [ask(app).text, ask(app).text]


def test_hooks_and_errors_are_those_of_any_view(hops):
    """An async hook, a view that raises, and its handler run on the loop."""

    class Fails(MethodView):
        async def get(self):
            raise LookupError(request.path)

    app = make_app(Fails.as_view("fails"))
    order = []

    @app.before_request
    async def before():
        order.append(f"before {request.endpoint}")

    @app.errorhandler(LookupError)
    async def handle(error):
        return f"{error} {where()}", 418

    response = ask(app)

    assert (response.status_code, response.text) == (418, "/ on the loop")
    assert order == ["before fails"]
    assert hops == []


def wrapping(function):
    """Be a decorator as most are: it copies the attributes of what it wraps."""

    @functools.wraps(function)
    def wrapper(**values):
        return f"wrapped {function(**values)}"

    return wrapper


def test_wrapped_view_keeps_its_wrapper():
    """Whether the class lists the decorator, or the function was decorated, or replaced later."""

    class Decorated(Mixed):
        decorators = [wrapping]  # noqa: RUF012

    wrapped = [make_app(Decorated.as_view("index")), make_app(wrapping(Mixed.as_view("index")))]
    replaced = make_app(Mixed.as_view("index"))
    assert ask(replaced).text == "on the loop"
    replaced.view_functions["index"] = wrapping(replaced.view_functions["index"])

    for app in (*wrapped, replaced):
        assert ask(app).text == "wrapped on the loop"
        assert not awaits(app.view_functions["index"])


def test_decorator_that_only_marks_keeps_the_view_on_the_loop(hops):
    """What comes back is the same function."""
    marked = []

    def mark(function):
        marked.append(f"{function.__module__}.{function.__name__}")
        return function

    class Marked(Mixed):
        decorators = [mark]  # noqa: RUF012

    assert ask(make_app(Marked.as_view("index"))).text == "on the loop"
    assert marked == [f"{__name__}.index"]
    assert hops == []


def test_async_decorator_makes_a_coroutine_function_of_it(hops):
    """It is awaited as any async view."""

    def decorate(function):
        async def wrapper(**values):
            return where()

        return wrapper

    class Decorated(Mixed):
        decorators = [decorate]  # noqa: RUF012

    assert ask(make_app(Decorated.as_view("index"))).text == "on the loop"
    assert hops == []


def test_class_replaced_on_the_function_is_used():
    """Also by one of sync methods, after requests, which runs in a thread then."""
    view = Mixed.as_view("index")
    app = make_app(view)
    assert ask(app).text == "on the loop"

    view.view_class = Sync
    assert ask(app).text == "in a thread"

    view.view_class = Mixed
    assert ask(app).text == "on the loop"


def test_own_dispatch_request_of_a_method_view_is_called():
    """A sync one in a thread, though a method is a coroutine function; an async one is awaited."""

    class Own(Mixed):
        def dispatch_request(self, **values):
            return f"{where()}, then {super().dispatch_request(**values)}"

    class OwnAsync(Mixed):
        async def dispatch_request(self, **values):
            return f"{where()}, then {await self.get(**values)}"

    assert ask(make_app(Own.as_view("index"))).text == "in a thread, then on the loop"
    assert ask(make_app(OwnAsync.as_view("index"))).text == "on the loop, then on the loop"


def test_marked_view_streams_its_body(hops):
    """`stream_body` marks what `as_view` returned."""

    class Upload(MethodView):
        async def put(self):
            return str(sum([len(chunk) async for chunk in request.stream]))

    app = make_app(stream_body(Upload.as_view("upload")))

    assert ask(app, method="PUT", data=b"12345").text == "5"
    assert hops == []


def test_costrel_run_chooses_asgi_for_it():
    """It gains by the loop, as an async function does."""
    assert choose(make_app(Mixed.as_view("mixed")), "auto") == (
        "asgi",
        "for its async view 'mixed'",
    )
    assert choose(make_app(Sync.as_view("sync")), "auto").interface == "wsgi"


def test_view_with_any_attribute_is_no_class():
    """Such as a mock, which has whatever it is asked for."""
    assert not awaits(Mock(return_value=""))
