"""Sync decorators of async functions: what they return is awaited, wherever they stand."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest

from costrel import (
    Blueprint,
    Costrel,
    Flask,
    after_this_request,
    current_app,
    g,
    render_template_string,
    render_template_string_async,
    request,
    stream_body,
    websocket,
)
from costrel.dispatch.threads import workers_of
from costrel.servers.interface import choose
from costrel.views import MethodView, View


def passing(function):
    """Return what the function returns, a coroutine, as most decorators do."""

    @functools.wraps(function)
    def passed(*args, **kwargs):
        assert asyncio._get_running_loop() is None, "a decorator may block"
        return function(*args, **kwargs)

    return passed


def waiting(function):
    """Handle the response, as a cache does."""

    @functools.wraps(function)
    def waited(*args, **kwargs):
        return current_app.ensure_sync(function)(*args, **kwargs)

    return waited


def twice(function):
    """Stack one of each kind."""
    return waiting(passing(function))


class Object:
    """A decorator that is an object."""

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *args, **kwargs):
        """Return what the function returns."""
        return self.function(*args, **kwargs)


KINDS = [passing, waiting, twice, Object, lambda f: functools.partial(passing(f)), lambda f: f]
kinds = pytest.mark.parametrize(
    "decorate", KINDS, ids=["passing", "waiting", "twice", "object", "partial", "none"]
)


async def where():
    """Name the thread that runs the coroutine."""
    await asyncio.sleep(0)
    return threading.current_thread().name


def ask(app, *args, **kwargs):
    """Send one request under WSGI, and one over ASGI; return both answers."""
    app.testing = True
    under_wsgi = app.test_client().open(*args, **kwargs)

    async def main():
        async with app.async_test_client() as client:
            return await client.open(*args, **kwargs)

    return under_wsgi, asyncio.run(main())


def on_loops(app, *args, **kwargs):
    """Whether coroutines ran on the process's loop, and on the server's."""
    wsgi, asgi = ask(app, *args, **kwargs)
    assert wsgi.status_code == asgi.status_code == 200, (wsgi.text, asgi.text)
    return asgi.text == "MainThread" and wsgi.text in {"costrel-loop", "MainThread"}


@kinds
@pytest.mark.usefixtures("path")
def test_view_is_awaited_on_the_loop(decorate):
    """A function, a bound method, and with variables in the rule."""
    app = Flask(__name__)

    class Club:
        @decorate
        async def show(self, name="-"):
            return await where()

    async def show(name="-"):
        assert request.view_args == ({} if name == "-" else {"name": name})
        return await where()

    app.add_url_rule("/", "show", decorate(show))
    app.add_url_rule("/named/<name>", "named", decorate(show))
    if decorate in {passing, waiting, twice}:
        app.add_url_rule("/bound", "bound", Club().show)
        assert on_loops(app, "/bound")
    assert on_loops(app, "/")
    assert on_loops(app, "/named/ada")


@kinds
@pytest.mark.usefixtures("path")
def test_class_based_view_is_awaited_on_the_loop(decorate):
    """By `decorators`, or with a decorator of the method."""

    class Index(View):
        decorators = [decorate]  # noqa: RUF012

        async def dispatch_request(self):
            return await where()

    class Books(MethodView):
        async def get(self):
            return await where()

        get = get if decorate is Object else decorate(get)
        if isinstance(get, functools.partial):
            get = passing(get)

    app = Flask(__name__)
    app.add_url_rule("/", view_func=Index.as_view("index"))
    app.add_url_rule("/books", view_func=Books.as_view("books"))
    assert on_loops(app, "/")
    assert on_loops(app, "/books")


@kinds
@pytest.mark.usefixtures("path")
def test_every_kind_of_step_is_awaited(decorate):
    """Hooks of the application and of a blueprint, handlers, and context processors."""
    ran = []

    def step(name, rv=None):
        async def run(*args, **kwargs):
            await asyncio.sleep(0)
            ran.append(name)
            return args[0] if name in {"after", "this"} else rv

        return decorate(run)

    app = Flask(__name__)
    bp = Blueprint("bp", __name__)
    for owner in (app, bp):
        owner.url_value_preprocessor(step("values"))
        owner.before_request(step("before"))
        owner.after_request(step("after"))
        owner.teardown_request(step("teardown"))
    app.teardown_appcontext(step("context"))
    app.context_processor(step("processor", {"name": "Ada"}))
    app.errorhandler(LookupError)(step("handler", ("handled", 418)))

    @bp.get("/")
    def show():
        after_this_request(step("this"))
        return render_template_string("{{ name }}")

    @bp.get("/async")
    async def show_async():
        return await render_template_string_async("{{ name }}")

    @bp.get("/fails")
    async def fail():
        raise LookupError

    app.register_blueprint(bp)
    usual = ["values", "values", "before", "before", "processor", "this"]
    usual += ["after", "after", "teardown", "teardown", "context"]
    for path in ("/", "/async"):
        expected = [name for name in usual if path == "/" or name != "this"]
        assert [answer.text for answer in ask(app, path)] == ["Ada", "Ada"]
        assert ran == expected * 2
        ran.clear()
    assert [answer.status_code for answer in ask(app, "/fails")] == [418, 418]
    assert ran.count("handler") == 2


@pytest.mark.parametrize("decorate", [passing, waiting, twice])
@pytest.mark.usefixtures("path")
def test_typed_view_is_awaited_on_the_loop(decorate):
    """Its parameters are those of the function beneath."""
    app = Costrel(__name__)

    async def show(page: int = 1) -> dict[str, int | str]:
        return {"page": page + 1, "where": await where()}

    app.add_url_rule("/", "show", decorate(show))
    for answer in ask(app, "/?page=7"):
        assert answer.json["page"] == 8
        assert answer.json["where"] in {"costrel-loop", "MainThread"}


@pytest.mark.usefixtures("path")
def test_value_of_a_hook_answers():
    """A decorator that refuses, and one whose coroutine refuses."""
    app = Flask(__name__)
    app.get("/")(lambda: "view")

    @app.before_request
    @passing
    async def refuse():
        g.refused = await where()
        return "refused", 403

    assert [answer.status_code for answer in ask(app)] == [403, 403]


def test_decorator_that_handles_the_response_gets_the_response():
    """What it stores is no coroutine."""
    stored = {}

    def cached(function):
        @functools.wraps(function)
        def answer(**values):
            if request.path not in stored:
                stored[request.path] = current_app.ensure_sync(function)(**values)
            return stored[request.path], 203

        return answer

    app = Flask(__name__)

    @app.get("/<name>")
    @cached
    @passing
    async def show(name):
        return f"{name} {await where()}"

    for path in ("/a", "/b", "/a"):
        wsgi, asgi = ask(app, path)
        assert wsgi.status_code == asgi.status_code == 203
        assert wsgi.text == asgi.text == stored[path]


def test_streamed_body_is_read_by_a_decorated_view():
    """The mark is copied by `functools.wraps`."""
    app = Flask(__name__)

    @app.put("/")
    @passing
    @stream_body
    async def upload():
        return str(sum([len(chunk) async for chunk in request.stream]))

    async def main():
        return await app.async_test_client().put("/", data=b"12345")

    assert asyncio.run(main()).text == "5"


@pytest.mark.parametrize("decorate", [passing, waiting])
def test_application_of_decorated_functions_is_served_over_asgi(decorate):
    """The reason names what is async beneath."""

    async def show():
        return "x"

    class Index(View):
        decorators = [decorate]  # noqa: RUF012

        async def dispatch_request(self):
            return "x"

    view, hook, method = Flask(__name__), Flask(__name__), Flask(__name__)
    view.add_url_rule("/", "show", decorate(show))
    hook.before_request(decorate(show))
    method.add_url_rule("/", view_func=Index.as_view("index"))
    assert choose(view, "auto") == ("asgi", "for its async view 'show'")
    assert choose(hook, "auto").reason.startswith("for its async hook test_application_of")
    assert choose(method, "auto") == ("asgi", "for its async view 'index'")
    sync = Flask(__name__)
    sync.add_url_rule("/", "show", decorate(lambda: "x"))
    assert choose(sync, "auto").interface == "wsgi"


def test_coroutine_of_a_function_that_hides_it_is_an_error_that_says_so():
    """Without `functools.wraps`, nothing tells that the function is async."""
    app = Flask(__name__)

    def hiding(function):
        return lambda: function()  # noqa: PLW0108  a function around another

    app.add_url_rule("/", "where", hiding(where))
    app.testing = True
    with pytest.raises(TypeError, match=r"does a decorator hide an async view.*functools\.wraps"):
        app.test_client().get("/")


def test_unending_layers_are_not_looked_through_forever():
    """An object may have any attribute."""

    class Endless:
        @property
        def __wrapped__(self):
            return Endless()

        def __call__(self):
            return "x"

    app = Flask(__name__)
    app.add_url_rule("/", "endless", Endless())
    assert [answer.text for answer in ask(app)] == ["x", "x"]


# WebSockets


@kinds
def test_websocket_view_is_awaited_on_the_loop(decorate):
    """Its hooks may be decorated likewise."""
    app = Flask(__name__)
    ran = []

    @app.before_websocket
    @decorate
    async def check():
        ran.append(await where())

    @app.url_value_preprocessor
    @decorate
    async def note(endpoint, values):
        ran.append(endpoint)

    async def chat(name):
        async for message in websocket:
            await websocket.send(f"{name} {message} {await where()}")

    app.websocket("/<name>", endpoint="chat")(decorate(chat))

    async def main():
        async with app.async_test_client().websocket("/ada") as socket:
            await socket.send("hello")
            assert await socket.receive() == "ada hello MainThread"

    asyncio.run(main())
    assert ran == ["chat", "MainThread"]


@kinds
def test_open_websockets_hold_no_threads(decorate):
    """More are open than there are threads, whichever way the decorator calls the view."""
    app = Flask(__name__)
    app.config["SYNC_THREADS"] = 2

    async def chat():
        async for message in websocket:
            await websocket.send(message)

    app.websocket("/", endpoint="chat")(decorate(chat))

    async def main():
        client = app.async_test_client()
        connections = [client.websocket("/") for _ in range(6)]
        sockets = [await connection.__aenter__() for connection in connections]
        async with asyncio.timeout(10):
            for socket in sockets:
                await socket.send("hello")
                assert await socket.receive() == "hello"
        for connection in connections:
            await connection.__aexit__(None, None, None)

    asyncio.run(main())
    assert len(workers_of(app)._work.threads) <= 2


def test_decorator_can_refuse_a_websocket():
    """What it returns instead of the coroutine is the answer."""
    app = Flask(__name__)

    def refusing(function):
        @functools.wraps(function)
        def refuse():
            return "log in first", 401

        return refuse

    @app.websocket("/")
    @refusing
    async def chat():
        pytest.fail("it must not run")

    async def main():
        async with app.async_test_client().websocket("/"):
            pass

    with pytest.raises(Exception, match=r"401.*log in first"):
        asyncio.run(main())


def test_sync_websocket_view_names_the_decorators():
    """The error has the file and line of each, and of the view."""
    app = Flask(__name__)

    def chat(): ...

    with pytest.raises(TypeError) as raised:
        app.websocket("/chat")(twice(chat))
    message = str(raised.value)
    file = "tests/dispatch/test_decorated.py"
    for function, name in (
        (passing, "passing.<locals>.passed"),
        (waiting, "waiting.<locals>.waited"),
    ):
        assert f"{name} ({file}:{function.__code__.co_firstlineno + 3})" in message
    assert f"chat ({file}:{chat.__code__.co_firstlineno}) of '/chat'" in message
    with pytest.raises(TypeError, match=r"must use functools\.wraps"):
        app.websocket("/chat")(chat)
