"""Contexts make an application and a request current, and always tear down."""

from __future__ import annotations

import weakref

import pytest

from costrel import (
    Flask,
    appcontext_popped,
    appcontext_pushed,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
)
from costrel.ctx import AppContext, RequestContext
from costrel.globals import app_ctx, request_ctx
from costrel.sessions import SecureCookieSession, SecureCookieSessionInterface


def logging_app():
    """Make an application that logs each teardown with its error."""
    app = Flask(__name__)
    app.log = []
    app.teardown_request(lambda error: app.log.append(("request", error)))
    app.teardown_appcontext(lambda error: app.log.append(("app", error)))
    return app


# The application's context


def test_app_context_makes_the_application_current_and_tears_down():
    """Inside the application is current; leaving runs the teardown once."""
    app = logging_app()
    with app.app_context() as ctx:
        assert has_app_context()
        assert not has_request_context()
        assert current_app._get_current_object() is app
        assert app_ctx._get_current_object() is ctx
        assert app.log == []
    assert not has_app_context()
    assert app.log == [("app", None)]


def test_app_context_left_by_an_error_tells_the_teardown():
    """The exception that leaves the block is what teardown functions get."""
    app = logging_app()
    error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError), app.app_context():
        raise error
    assert app.log == [("app", error)]


def test_app_context_popped_while_an_error_is_handled_tells_it():
    """Without an argument, `pop` takes the exception that is being handled."""
    app = logging_app()
    ctx = app.app_context()
    ctx.push()
    error = ZeroDivisionError()
    try:
        raise error
    except ZeroDivisionError:
        ctx.pop()
    assert app.log == [("app", error)]


def test_context_entered_again_tears_down_when_left_for_the_last_time():
    """The inner pop of the same context leaves it current, with its ``g``."""
    app = logging_app()
    request_context = app.test_request_context()
    for ctx, names in ((app.app_context(), ["app"]), (request_context, ["request", "app"])):
        with ctx:
            g.value = 1
            with ctx:
                assert g.value == 1
            assert g.value == 1
            assert app.log == []
        assert [name for name, _ in app.log] == names
        app.log.clear()


def test_context_popped_before_the_one_inside_of_it_is_refused():
    """Leaving in the wrong order is an error that shows both contexts."""
    app = Flask(__name__)
    outer, inner = app.app_context(), app.app_context()
    outer.push()
    inner.push()
    with pytest.raises(AssertionError, match=r"wrong context.*AppContext.*reverse order"):
        outer.pop()
    assert not has_app_context()


def test_request_context_popped_before_the_one_inside_of_it_is_refused():
    """So is a request left while another is current."""
    app = Flask(__name__)
    outer, inner = app.test_request_context("/a"), app.test_request_context("/b")
    outer.push()
    inner.push()
    with pytest.raises(AssertionError, match=r"wrong context.*/b.*/a"):
        outer.pop()
    assert not has_request_context()


def test_context_never_entered_can_not_be_left():
    """COMPAT: the error is a `LookupError`."""
    app = Flask(__name__)
    for ctx in (app.app_context(), app.test_request_context()):
        with pytest.raises(LookupError):
            ctx.pop()


def test_borrowed_context_may_be_left_before_its_request():
    """COMPAT(pytest-flask): tearDown methods leave the two in either order."""
    app = logging_app()
    outer, inner = app.app_context(), app.test_request_context("/here")
    outer.push()
    inner.push()
    outer.pop()
    assert app.log == [("app", None)]
    assert request.path == "/here"
    inner.pop()
    assert app.log == [("app", None), ("request", None)]
    assert not has_app_context()


def test_context_that_was_not_borrowed_may_not_be_left_before_a_request():
    """A request of another application has a context of its own in between."""
    outer, inner = Flask("app").app_context(), Flask("other").test_request_context("/here")
    outer.push()
    inner.push()
    with pytest.raises(AssertionError, match=r"wrong context.*/here"):
        outer.pop()
    assert not has_app_context()


def test_signals_of_the_application_context_are_balanced():
    """Each is sent once for each entry, and not for a context that borrows."""
    app = Flask(__name__)
    seen = []

    def pushed(sender):
        seen.append(("pushed", has_app_context()))

    def popped(sender):
        seen.append(("popped", has_app_context()))

    with appcontext_pushed.connected_to(pushed, app), appcontext_popped.connected_to(popped, app):
        with app.app_context(), app.test_request_context():
            pass
        assert seen == [("pushed", True), ("popped", False)]
        seen.clear()
        with app.test_request_context():
            pass
    assert seen == [("pushed", True), ("popped", False)]


def test_failing_receiver_of_the_push_leaves_a_context_that_can_be_popped():
    """The context is current already when the signal is sent, so it can be left."""
    app = Flask(__name__)

    def fail(sender):
        raise ZeroDivisionError

    ctx = app.app_context()
    with appcontext_pushed.connected_to(fail, app), pytest.raises(ZeroDivisionError):
        ctx.push()
    ctx.pop()
    assert not has_app_context()


# ``g``


def test_g_is_shared_by_a_request_inside_an_application_context():
    """A request borrows the context that is active for its application."""
    app = logging_app()
    with app.app_context() as outer:
        g.outer = 1
        with app.test_request_context():
            assert g.outer == 1
            assert app_ctx._get_current_object() is outer
            g.inner = 2
        assert g.inner == 2
        assert app.log == [("request", None)]
    assert app.log == [("request", None), ("app", None)]


def test_g_is_not_shared_with_another_application():
    """A request of another application has a context and ``g`` of its own."""
    app, other = Flask("app"), logging_app()
    with app.app_context():
        g.value = 1
        with other.test_request_context():
            assert "value" not in g
        assert other.log == [("request", None), ("app", None)]
        assert g.value == 1


def test_g_of_a_nested_application_context_is_new():
    """A second application context is another one, also of the same application."""
    app = Flask(__name__)
    with app.app_context():
        g.value = 1
        with app.app_context():
            assert "value" not in g


def test_g_of_a_request_entered_again_later_is_new():
    """A request that was left starts over; an application context keeps its ``g``."""
    app = Flask(__name__)
    request_context, app_context = app.test_request_context(), app.app_context()
    for ctx, expected in ((request_context, None), (app_context, 1)):
        with ctx:
            g.value = 1
        with ctx:
            assert g.get("value") == expected


def test_g_is_a_namespace_with_methods_of_a_dict():
    """It answers `get`, `pop`, `setdefault`, ``in`` and iteration."""
    app = Flask("name")
    with app.app_context():
        assert g.get("a") is None
        assert g.get("a", 1) == 1
        with pytest.raises(AttributeError, match="a"):
            g.a  # noqa: B018  reading it is the test
        with pytest.raises(KeyError):
            g.pop("a")
        assert g.pop("a", 2) == 2
        assert g.setdefault("a", 3) == 3
        assert g.setdefault("a", 4) == 3
        assert "a" in g
        assert list(g) == ["a"]
        assert g.pop("a") == 3
        g.b = 5
        del g.b
        assert list(g) == []
        assert repr(g) == "<flask.g of 'name'>"
        unbound = g._get_current_object()
    assert "_AppCtxGlobals object" in repr(unbound)


def test_g_is_made_by_the_class_of_the_application():
    """``app_ctx_globals_class`` decides what ``g`` is, in both kinds of context."""

    class Globals:
        spam = "eggs"

    app = Flask(__name__)
    app.app_ctx_globals_class = Globals
    with app.app_context():
        assert g.spam == "eggs"
    with app.test_request_context():
        assert type(g._get_current_object()) is Globals


# A request's context


def test_request_context_has_what_extensions_use():
    """COMPAT(Flask-Limiter, opentelemetry): the names of 3.1, foreign ones, weak references."""
    app = Flask(__name__)
    with app.test_request_context("/x") as ctx:
        for name in (
            "app request url_adapter flashes _session session _after_request_functions"
            " _cv_tokens copy match_request push pop"
        ).split():
            assert hasattr(ctx, name), name
        for name in "app url_adapter g _cv_tokens push pop".split():
            assert hasattr(app_ctx, name), name
        request_ctx._limiter_request_context = "limits"
        assert ctx._limiter_request_context == "limits"
        assert weakref.ref(request_ctx._get_current_object())() is ctx
        assert request.environ["werkzeug.request"] is ctx.request
        assert isinstance(ctx, RequestContext)
        assert isinstance(ctx, AppContext)
    assert ctx.environ["werkzeug.request"] is None


def test_request_context_shows_its_url_and_method():
    """The representation says which request it is."""
    app = Flask("name")
    ctx = app.test_request_context("/x?y=1", method="POST")
    assert repr(ctx) == "<RequestContext 'http://localhost/x?y=1' [POST] of name>"


def test_request_context_matches_the_url():
    """The rule and its values are there before anything is dispatched."""
    app = Flask(__name__)
    app.add_url_rule("/<int:number>", "view", lambda number: "")
    with app.test_request_context("/7"):
        assert request.endpoint == "view"
        assert request.view_args == {"number": 7}
        assert request.routing_exception is None
    with app.test_request_context("/nothing"):
        assert request.endpoint is None
        assert request.routing_exception.code == 404


def test_request_stays_reachable_under_another_applications_context():
    """COMPAT: `request` and `session` are those of the request beneath."""
    app, other = Flask("app"), Flask("other")
    app.secret_key = "dev"
    with app.test_request_context("/mine"):
        session["value"] = 1
        with other.app_context():
            assert current_app.name == "other"
            assert request.path == "/mine"
            assert session["value"] == 1
            assert has_request_context()
        assert current_app.name == "app"


def test_session_opens_before_the_url_is_matched():
    """COMPAT(Flask-Session): an interface of one's own sees a request not yet matched."""
    app = Flask(__name__)
    app.add_url_rule("/", "index", lambda: "")
    seen = []

    class Interface(SecureCookieSessionInterface):
        def open_session(self, app, request):
            seen.append(request.url_rule)
            return SecureCookieSession({"opened": True})

    app.session_interface = Interface()
    with app.test_request_context("/"):
        assert seen == [None]
        assert request.endpoint == "index"
        assert session["opened"]


def test_session_that_fails_to_open_leaves_a_context_that_can_be_popped():
    """What an interface raises reaches the caller of `push`."""
    app = Flask(__name__)

    class Interface(SecureCookieSessionInterface):
        def open_session(self, app, request):
            raise ZeroDivisionError

    app.session_interface = Interface()
    ctx = app.test_request_context()
    with pytest.raises(ZeroDivisionError):
        ctx.push()
    ctx.pop()
    assert not has_request_context()


def test_session_assigned_to_the_context_is_the_one():
    """COMPAT(Flask-SocketIO): ``ctx._session`` may be replaced."""
    app = Flask(__name__)
    with app.test_request_context() as ctx:
        ctx._session = SecureCookieSession({"mine": 1})
        assert session["mine"] == 1
        assert session.accessed


def test_reading_the_inner_session_does_not_count_as_access():
    """Only the public attribute says that the response depends on the session."""
    app = Flask(__name__)
    app.secret_key = "dev"
    with app.test_request_context() as ctx:
        assert not ctx._session.accessed
        assert ctx.session.accessed


def test_copied_context_shares_request_and_session_but_not_g():
    """A copy is for another thread: what the request has, but its own ``g``."""
    app = Flask(__name__)
    app.secret_key = "dev"
    with app.test_request_context("/here") as ctx:
        session["value"] = 1
        g.value = 1
        copied = ctx.copy()
        assert copied is not ctx
        assert copied.request is ctx.request
    with copied:
        assert request.path == "/here"
        assert session["value"] == 1
        assert "value" not in g


def test_copy_of_a_context_is_of_its_class():
    """A subclass that an application uses is kept."""

    class Context(RequestContext):
        pass

    app = Flask(__name__)
    app.request_context = lambda environ: Context(app, environ)
    with app.test_request_context() as ctx:
        assert type(ctx.copy()) is Context
