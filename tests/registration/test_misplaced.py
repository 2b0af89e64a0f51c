"""Decorators of ours that requests would pass by stop the start."""

from __future__ import annotations

import functools
import gc

import pytest

from costrel import Blueprint, Costrel, Flask, stream_body
from costrel.login import Login, fresh_login_required, login_required
from costrel.security import (
    body_limit,
    content_security_policy,
    cors_route,
    csrf_exempt,
    headers,
    limit,
    protect,
    rate_limit_exempt,
    time_limit,
)

DECORATORS = {
    "login_required": login_required,
    "fresh_login_required": fresh_login_required,
    "limit": limit("1/minute"),
    "rate_limit_exempt": rate_limit_exempt,
    "body_limit": body_limit(10),
    "time_limit": time_limit(1),
    "csrf_exempt": csrf_exempt,
    "cors_route": cors_route("https://shop.example"),
    "headers": headers({"X-Frame-Options": "SAMEORIGIN"}),
    "content_security_policy": content_security_policy({"img-src": "*"}),
    "stream_body": stream_body,
}


def make_app(cls=Costrel):
    """Return an application with logins."""
    app = cls("order", static_folder=None)
    Login(app, load_user=lambda _id: None)
    return app


def other(view):
    """Do what decorators of other packages do."""

    @functools.wraps(view)
    def decorated(*args, **kwargs):
        return view(*args, **kwargs)

    return decorated


def fresh():
    """Return a new function for each test, since decorators mark it."""

    async def view():
        return ""

    return view


@pytest.mark.parametrize("name", DECORATORS)
@pytest.mark.parametrize("debug", [False, True])
def test_decorator_above_the_route_stops_the_start(name, debug):
    """Where another function is registered, also if what was decorated has been dropped."""
    app = make_app()
    app.debug = debug
    view = fresh()
    DECORATORS[name](other(app.get("/")(view)))
    gc.collect()
    for served in (True, False):
        with pytest.raises(RuntimeError, match=rf"The view view runs without @{name} \(.*test_mis"):
            app._check_start(served=served)
    with pytest.raises(RuntimeError, match="next to the function"):
        app.test_client().get("/")


@pytest.mark.parametrize("name", DECORATORS)
def test_decorator_below_the_route_is_right(name):
    """Next to the function, below and above others, and in a blueprint."""
    app = make_app()
    apply = DECORATORS[name]
    blueprint = Blueprint("b", __name__)
    app.get("/a")(apply(fresh()))
    app.get("/b", endpoint="b")(apply(other(fresh())))
    app.get("/c", endpoint="c")(other(apply(fresh())))
    blueprint.get("/d")(other(apply(other(fresh()))))
    app.register_blueprint(blueprint, url_prefix="/x")
    app._check_start(served=False)


@pytest.mark.parametrize(
    "name", sorted(set(DECORATORS) - {"login_required", "fresh_login_required"})
)
def test_decorator_that_marks_the_registered_function_may_stand_above(name):
    """It has its effect there too."""
    app = make_app()
    DECORATORS[name](app.get("/")(fresh()))
    app._check_start(served=False)


@pytest.mark.parametrize("register", ["before_request", "after_request", "before_websocket"])
def test_hooks_have_the_same_order(register):
    """A hook that should demand a login does not when the decorator stands above."""
    app = make_app(Flask)
    hook = fresh()
    login_required(getattr(app, register)(hook))
    with pytest.raises(RuntimeError, match=r"The hook .*view runs without @login_required"):
        app._check_start()


def test_function_may_be_open_in_one_place_and_guarded_in_another():
    """Also in another application; decorated in vain is only what is registered nowhere."""
    app, closed = make_app(), make_app()
    view = fresh()
    app.add_url_rule("/open", "open", view)
    app.add_url_rule("/closed", "closed", login_required(view))
    app._check_start(served=False)
    shared = fresh()
    app.add_url_rule("/shared", "shared", shared)
    closed.view_functions["shared"] = guarded = login_required(shared)
    closed.add_url_rule("/shared", "shared", guarded)
    app._check_start(served=False)


def test_all_are_told_at_once():
    """Each with its line, and twice the same decorator is one too many."""
    app = make_app()

    @login_required
    @app.get("/twice")
    @login_required
    def twice():
        return ""

    @login_required
    @app.get("/open")
    def unguarded():
        return ""

    with pytest.raises(RuntimeError) as caught:
        app._check_start()
    first, second = str(caught.value).splitlines()
    assert first.startswith("The view twice runs without @login_required (")
    assert second.startswith("The view unguarded runs without")


def test_flask_without_protections_or_logins_is_not_checked():
    """It behaves as Flask."""
    app = Flask("order", static_folder=None)
    limit("1/minute")(other(app.get("/")(fresh())))
    assert app.test_client().get("/").status_code == 200
    protect(app)
    with pytest.raises(RuntimeError, match="@limit"):
        app._check_start()
