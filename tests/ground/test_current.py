"""What is current follows the thread or task, and says so when nothing is."""

from __future__ import annotations

import contextvars
import threading

import pytest

from costrel import Flask
from costrel.ground import current
from costrel.ground.current import app_view, context, request_view


@pytest.mark.parametrize("name", ["current_app", "g", "app_ctx"])
def test_application_proxy_outside_explains_what_to_enter(name):
    """Without an application the error names the way to get one."""
    proxy = getattr(current, name)
    assert not proxy
    with pytest.raises(RuntimeError, match=r"outside of application context[\s\S]*app_context\(\)"):
        proxy._get_current_object()


@pytest.mark.parametrize("name", ["request", "session", "request_ctx"])
def test_request_proxy_outside_explains_what_to_enter(name):
    """Without a request the error names the way to get one, with an application or not."""
    proxy = getattr(current, name)
    expected = r"outside of request context[\s\S]*test_request_context"
    assert not proxy
    with pytest.raises(RuntimeError, match=expected):
        proxy._get_current_object()
    with Flask(__name__).app_context():
        assert not proxy
        with pytest.raises(RuntimeError, match=expected):
            proxy._get_current_object()


def test_proxies_give_the_one_real_object():
    """Extensions use these objects as keys, so each access gives the same one."""
    app = Flask(__name__)
    with app.test_request_context("/here") as ctx:
        assert current.current_app._get_current_object() is app
        assert current.request._get_current_object() is ctx.request
        assert current.session._get_current_object() is ctx.session
        assert current.g._get_current_object() is ctx.g
        assert current.request_ctx._get_current_object() is ctx
        assert current.app_ctx._get_current_object() is ctx.app_context


def test_views_give_default_or_raise_lookup_error():
    """They answer ``get`` as the two context variables would."""
    for view in (app_view, request_view):
        assert view.get(None) is None
        assert view.get("default") == "default"
        with pytest.raises(LookupError):
            view.get()


def test_app_view_gives_the_application_context_in_effect():
    """A request's own context is one, and a borrowed one counts as the one in effect."""
    app = Flask(__name__)
    with app.test_request_context() as alone:
        assert app_view.get() is alone.app_context
    with app.app_context() as outer, app.test_request_context():
        assert app_view.get() is outer


def test_request_view_looks_beneath_an_application_context():
    """A request stays reachable while another application is current."""
    app, other = Flask("app"), Flask("other")
    with app.test_request_context("/mine") as ctx, other.app_context():
        assert current.current_app.name == "other"
        assert request_view.get() is ctx
        assert current.request.path == "/mine"


def test_new_thread_has_nothing_current_and_a_copied_context_has():
    """Context variables do not reach a thread, unless it runs in a copy of the context."""
    app = Flask(__name__)
    seen = []

    def look():
        seen.append(bool(current.current_app))

    with app.app_context():
        copied = contextvars.copy_context()
        for target in (look, lambda: copied.run(look)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert seen == [False, True]


def test_only_one_variable_is_set():
    """The context variable points at the innermost context, whatever its kind."""
    app = Flask(__name__)
    with app.test_request_context() as outer:
        assert context.get() is outer
        with app.app_context() as inner:
            assert context.get() is inner
        assert context.get() is outer


@pytest.mark.parametrize(
    ("name", "expected"), [("g", "application context"), ("session", "request context")]
)
def test_proxy_outside_says_so_however_it_is_used(name, expected):
    """Reading, writing and indexing alike."""
    proxy = getattr(current, name)
    for use in (
        lambda: proxy.attribute,
        lambda: setattr(proxy, "attribute", 1),
        lambda: proxy["item"],
        lambda: proxy.__setitem__("item", 1),
    ):
        with pytest.raises(RuntimeError, match=f"outside of {expected}"):
            use()


def test_proxies_set_attributes_and_find_items():
    """On the object, never on the proxy."""
    app = Flask(__name__)
    app.secret_key = "signs this test's sessions"
    with app.test_request_context("/") as ctx:
        current.g.user = "Ada"
        assert ctx.g.user == "Ada"
        current.session["user"] = "Grace"
        assert current.session["user"] == "Grace"
        with pytest.raises(KeyError):
            current.session["nobody"]
        with pytest.raises(TypeError, match="not subscriptable"):
            current.g["user"]
