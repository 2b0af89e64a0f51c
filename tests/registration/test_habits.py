"""Whoever calls functions as those of other packages are called is told what to write."""

from __future__ import annotations

import pytest

from costrel import Blueprint, Costrel, abort
from costrel.login import Login
from costrel.security import cors, cors_route, limit, limit_blueprint, protect

SHOP = "https://shop.example"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda app: cors(app, resources={r"/api/*": {"origins": "*"}}), "cors_route"),
        (lambda app: cors(app, SHOP, supports_credentials=True), "Write credentials=True."),
        (lambda app: cors(app, allow_origins=[SHOP]), r"Write origins=\[...\]."),
        (lambda app: cors(app, SHOP, allow_headers=["X"]), r"Write headers=\[...\]."),
        (lambda app: cors(app, SHOP, max_age=5), "max_age_s"),
        (cors, r"missing a required argument: 'origins' .*Write cors\(app, \["),
        (lambda app: cors(app, SHOP, something=1), "no argument 'something' .*further arguments"),
        (lambda _: cors_route(SHOP, supports_credentials=True), "Write credentials=True."),
        (lambda _: limit("1/minute", "2/hour"), r"in one text: limit\('10/minute; 50/day'\)"),
        (lambda _: limit("1/minute", key_func=str), "Write key=..."),
        (lambda _: limit("1/minute", exempt_when=bool), "cost=lambda"),
        (lambda _: limit_blueprint(Blueprint("b", "b"), "1/minute", scope="x"), "Write name=..."),
        (lambda app: protect(app, force_https=True), "proxy in front"),
        (lambda app: protect(app, content_security_policy={}), "CONTENT_SECURITY_POLICY"),
    ],
)
def test_arguments_of_other_packages_are_answered(call, words):
    """With what to write, and where the call is."""
    with pytest.raises(TypeError, match=words) as caught:
        call(Costrel("x"))
    assert "test_habits.py:" in str(caught.value)


def test_right_calls_are_passed_on():
    """And errors in their values are as before."""
    assert limit("1/minute", methods=["GET"])(lambda: "x").rate_rules[0].methods == {"GET", "HEAD"}
    with pytest.raises(ValueError, match="no rate limit"):
        limit("often")


def test_errors_with_arguments_of_other_frameworks_are_answered():
    """With the argument that there is; errors of an own class remain."""
    with pytest.raises(TypeError, match=r"no argument 'detail'. Write abort\(404, 'what is"):
        abort(404, detail="gone")
    app = Costrel("x")
    with app.app_context(), pytest.raises(TypeError, match="no argument 'detail'"):
        abort(404, detail="gone")
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        abort(404, other="gone")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("login_view", r"app.config\[\"LOGIN_VIEW\"\] = 'enter'"),
        ("login_message", "No message is flashed"),
        ("session_protection", "SESSION_IDLE_LIFETIME"),
        ("login_veiw", "Settings are in app.config: LOGIN_VIEW, LOGIN_LIMITS"),
    ],
)
def test_attributes_of_flask_login_are_refused(name, words):
    """They would have no effect."""
    login = Login(Costrel("x"), load_user=lambda _id: None)
    with pytest.raises(AttributeError, match=words) as caught:
        setattr(login, name, "enter")
    assert "test_habits.py:" in str(caught.value)


def test_methods_of_flask_login_are_answered():
    """With what to write; others are missing as usual."""
    login = Login()
    with pytest.raises(AttributeError, match="LoginRequired"):
        login.unauthorized_handler(print)
    with pytest.raises(AttributeError, match=r"has no attribute 'unknown'$"):
        login.unknown  # noqa: B018
    assert not hasattr(login, "request_loader")


def test_classes_derived_from_login_may_have_attributes_of_their_own():
    """But those of Flask-Login have no effect there either."""

    class Own(Login):
        view = None

    own = Own()
    own.view, own.mine, own.clock = "x", 1, lambda: 0.0
    assert (own.view, own.mine) == ("x", 1)
    with pytest.raises(AttributeError, match="LOGIN_VIEW"):
        own.login_view = "x"
