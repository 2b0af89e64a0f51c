"""Rules and views."""

import functools

from flask import Blueprint, request, url_for
from flask.views import MethodView, View

from idioms import site, view


@view("converter: int", "/converter_int/42", rule="/converter_int/<int:number>")
def converter_int(number):
    return f"Post {number}"


@view("converter: path", "/converter_path/a/b/c", rule="/converter_path/<path:subpath>")
def converter_path(subpath):
    return f"Subpath {subpath}"


@view(
    "converter: uuid",
    "/converter_uuid/7e3b1c52-4f7a-4b8e-9d4e-2f6a1c0b9d8e",
    rule="/converter_uuid/<uuid:id_>",
)
def converter_uuid(id_):
    return f"Item {id_}"


@view("url_for with a value and a query", rule="/url_built/<name>", target="/url_built/Ada")
def url_built(name):
    return url_for("url_built", name=name, page=2)


class Hello(View):
    """A view that is a class."""

    def dispatch_request(self, name):
        """Answer."""
        return f"Hello, {name}!"


@site("a class: View", "/class_view/Ada")
def class_view(app):
    app.add_url_rule("/class_view/<name>", view_func=Hello.as_view("hello"))


class Items(MethodView):
    """A view with a method for each method."""

    def get(self, name):
        """Answer GET."""
        return f"Hello, {name}!"

    def post(self, name):
        """Answer POST."""
        return f"Posted, {name}!", 201


@site("a class: MethodView", "/method_view/Ada")
def method_view(app):
    app.add_url_rule("/method_view/<name>", view_func=Items.as_view("items"))


def templated(function):
    """Decorate a view, as the pattern of the documentation does."""

    @functools.wraps(function)
    def decorated(*args, **kwargs):
        endpoint = request.endpoint
        return f"{endpoint}: {function(*args, **kwargs)}"

    return decorated


@view("a decorated view")
@templated
def decorated():
    return "Hello!"


@site("a nested blueprint with prefixes", "/parent/child/nested_blueprint")
def nested_blueprint(app):
    parent = Blueprint("parent", __name__, url_prefix="/parent")
    child = Blueprint("child", __name__, url_prefix="/child")

    @child.get("/nested_blueprint")
    def view():
        return "Hello!"

    parent.register_blueprint(child)
    app.register_blueprint(parent)
