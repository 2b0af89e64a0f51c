"""What takes requests from anywhere, and how an audit learns of it."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from protected import make_app, send

from costrel import Blueprint
from costrel.security import csrf_exempt
from costrel.security.state import exemptions_of
from costrel.views import MethodView, View

pytestmark = pytest.mark.usefixtures("path")

FORGED = {"Sec_Fetch_Site": "cross-site"}


def exemptions(app):
    """Return target and reason of each exemption from this protection."""
    return [(found.target, found.reason) for found in exemptions_of(app) if found.feature == "csrf"]


def test_exempt_view_takes_requests_from_anywhere():
    """Sync and async, whichever decorator is the outer one; others stay protected."""
    app = make_app()

    @app.post("/inner")
    @csrf_exempt
    def inner():
        return ""

    @csrf_exempt(reason="has a signature")
    @app.post("/outer")
    async def outer():
        return ""

    @app.post("/other")
    def other():
        return ""

    statuses = [send(app, path=path, **FORGED) for path in ("/inner", "/outer", "/other")]
    assert statuses == [200, 200, 403]
    assert exemptions(app) == [("inner", "csrf_exempt"), ("outer", "has a signature")]


def test_exemption_names_its_file_and_line():
    """So that whoever reviews it finds it."""
    app = make_app()

    @app.post("/")
    @csrf_exempt
    def hook():
        return ""

    (found,) = (found for found in exemptions_of(app) if found.feature == "csrf")
    assert Path(__file__).name in found.origin


def test_exemption_passes_through_decorators_that_wrap():
    """One that does not copy attributes hides it, which is the safe way round."""
    app = make_app()

    def wrapping(view):
        @functools.wraps(view)
        def wrapper():
            return view()

        return wrapper

    def hiding(view):
        return lambda: view()  # noqa: PLW0108  it has no attributes of the view

    @csrf_exempt
    def view():
        return ""

    app.add_url_rule("/wrapped", "wrapped", wrapping(view), methods=["POST"])
    app.add_url_rule("/hidden", "hidden", hiding(view), methods=["POST"])
    assert [send(app, path=path, **FORGED) for path in ("/wrapped", "/hidden")] == [200, 403]


def test_exempt_class_is_exempt_with_all_methods():
    """But not the classes that are derived from it."""
    app = make_app()

    @csrf_exempt
    class Hook(View):
        methods = ["POST"]  # noqa: RUF012

        def dispatch_request(self):
            return ""

    class Derived(Hook):
        pass

    app.add_url_rule("/hook", view_func=Hook.as_view("hook"))
    app.add_url_rule("/derived", view_func=Derived.as_view("derived"))
    assert [send(app, path=path, **FORGED) for path in ("/hook", "/derived")] == [200, 403]
    assert exemptions(app) == [("hook", "csrf_exempt")]


def test_exempt_method_of_a_class_is_exempt_alone():
    """The others are checked."""
    app = make_app()

    class Hook(MethodView):
        @csrf_exempt(reason="the sender signs it")
        def post(self):
            return ""

        def delete(self):
            return ""

    app.add_url_rule("/hook", view_func=Hook.as_view("hook"))
    assert send(app, "POST", "/hook", **FORGED) == 200
    assert send(app, "DELETE", "/hook", **FORGED) == 403
    assert exemptions(app) == [("hook POST", "the sender signs it")]


def test_exempt_blueprint_is_exempt_with_what_is_nested_in_it():
    """Its siblings, and those around it, are checked."""
    app = make_app()
    outer, inner, sibling = (Blueprint(name, __name__) for name in ("outer", "inner", "sibling"))
    outer.register_blueprint(inner, url_prefix="/inner")
    for blueprint in (outer, inner, sibling):
        blueprint.post(f"/of-{blueprint.name}", endpoint="view")(lambda: "")
    assert csrf_exempt(outer) is outer
    app.register_blueprint(outer, url_prefix="/outer")
    app.register_blueprint(sibling)
    paths = ("/outer/of-outer", "/of-sibling")
    assert [send(app, path=path, **FORGED) for path in paths] == [200, 403]
    assert ("blueprint outer", "csrf_exempt") in exemptions(app)


def test_exempt_nested_blueprint_does_not_exempt_the_outer_one():
    """A blueprint's name ends where another one's begins."""
    app = make_app()
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    inner.post("/in", endpoint="view")(lambda: "")
    outer.post("/out", endpoint="view")(lambda: "")
    outer.register_blueprint(csrf_exempt(inner))
    app.register_blueprint(outer)
    assert [send(app, path=path, **FORGED) for path in ("/in", "/out")] == [200, 403]


@pytest.mark.parametrize("target", [3, "view", [].append])
def test_what_cannot_be_marked_is_told_in_words(target):
    """A name is not a view, and a bound method can't be marked."""
    with pytest.raises(TypeError, match="Use it on"):
        csrf_exempt(target)


def test_setting_that_switches_all_off_is_an_exemption():
    """For everything."""
    assert exemptions(make_app(CSRF_PROTECTION=False)) == [("*", "CSRF_PROTECTION is off")]
    assert exemptions(make_app()) == []
