"""Templates are rendered in coroutines as elsewhere, and context processors may be async."""

from __future__ import annotations

import asyncio
import threading

import pytest

from costrel import (
    Blueprint,
    Flask,
    before_render_template,
    g,
    render_template_async,
    render_template_string_async,
    stream_template_async,
    stream_template_string_async,
    template_rendered,
)

LOOP = "{% for row in rows %}<li>{{ row }}</li>{% endfor %}"


@pytest.fixture(params=["ASGI", "WSGI"])
def get(request):
    """Return a function that gives the text of a path, asked for in either way."""

    def get(app, path="/"):
        if request.param == "WSGI":
            return app.test_client().get(path).text

        async def ask():
            return (await app.async_test_client().get(path)).text

        return asyncio.run(ask())

    return get


def test_async_and_sync_context_processors_add_names(get) -> None:
    """In the order of registration, the blueprint's last; what the view passes wins."""
    app = Flask(__name__)
    site = Blueprint("site", __name__)
    threads = []

    @app.context_processor
    async def first():
        await asyncio.sleep(0)
        return {"a": "app's", "b": "app's", "c": "app's"}

    @app.context_processor
    def second():
        threads.append(threading.current_thread())
        return {"b": "second"}

    @site.context_processor
    async def third():
        return {"b": "site's", "d": g.d}

    @site.get("/")
    async def index():
        threads.append(threading.current_thread())
        g.d = "<d>"
        return await render_template_string_async("{{ a }}, {{ b }}, {{ c }}, {{ d }}", c="view's")

    app.register_blueprint(site)

    assert "app&#39;s, site&#39;s, view&#39;s, &lt;d&gt;" == get(app)
    assert threads[0] is not threads[1]


def test_template_of_a_file_is_rendered_and_signalled(get, tmp_path) -> None:
    """Receivers of both kinds are told before and after, with the template's names."""
    (tmp_path / "page.html").write_text("<p>{{ x }} of {{ request.path }}</p>")
    app = Flask(__name__, template_folder=tmp_path)
    seen = []

    async def before(_app, template, context):
        seen.append((template.name, context["x"]))

    def after(_app, template, context):
        seen.append((template.name, context["x"]))

    @app.get("/")
    async def index():
        return await render_template_async(["none.html", "page.html"], x="&")

    with (
        before_render_template.connected_to(before, app),
        template_rendered.connected_to(after, app),
    ):
        assert "<p>&amp; of /</p>" == get(app)
    assert [("page.html", "&")] * 2 == seen


def test_replaced_update_template_context_is_called(get) -> None:
    """In a thread, as it is a sync step: under WSGI in the one that waits for the coroutine."""

    class Site(Flask):
        def update_template_context(self, context):
            super().update_template_context(context)
            context["on_loop"] = asyncio._get_running_loop() is not None

    app = Site(__name__)

    @app.get("/")
    async def index():
        return await render_template_string_async("{{ on_loop }} {{ request.path }}")

    assert get(app) == "False /"


@pytest.mark.parametrize("enable_async", [False, True])
def test_streamed_template_is_sent_piece_by_piece(get, tmp_path, enable_async) -> None:
    """The next piece is made when it is asked for, in the request's context."""
    (tmp_path / "rows.html").write_text(LOOP + "{{ request.path }}{{ async_name }}")
    app = Flask(__name__, template_folder=tmp_path)
    app.jinja_options = {"enable_async": enable_async}
    torn_down = []
    app.teardown_request(torn_down.append)

    @app.context_processor
    async def name():
        return {"async_name": "!"}

    @app.get("/")
    async def index():
        def rows():
            for row in range(2):
                assert [] == torn_down
                yield row

        return await stream_template_async("rows.html", rows=rows())

    assert "<li>0</li><li>1</li>/!" == get(app)
    assert [None] == torn_down


def test_async_template_iterates_over_an_async_generator(get) -> None:
    """Where the environment is async."""
    app = Flask(__name__)
    app.jinja_options = {"enable_async": True}

    async def rows():
        for row in "ab":
            await asyncio.sleep(0)
            yield row

    @app.get("/")
    async def index():
        return await render_template_string_async(LOOP, rows=rows())

    @app.get("/stream")
    async def stream():
        return await stream_template_string_async(LOOP, rows=rows())

    assert "<li>a</li><li>b</li>" == get(app)
    assert "<li>a</li><li>b</li>" == get(app, "/stream")


def test_streamed_template_makes_its_pieces_beside_the_loop(get) -> None:
    """So what it iterates over may wait."""
    app = Flask(__name__)
    threads = []

    @app.get("/")
    async def index():
        def rows():
            threads.append(threading.current_thread())
            yield 1

        threads.append(threading.current_thread())
        return await stream_template_string_async(LOOP, rows=rows())

    assert "<li>1</li>" == get(app)
    assert 2 == len(set(threads))
