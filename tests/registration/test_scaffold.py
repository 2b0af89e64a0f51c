"""Applications and blueprints find their files and register views alike."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

import costrel
from costrel import Blueprint, Flask, request
from costrel.registration.scaffold import _endpoint_from_view_func, find_package, get_root_path

# tests/badinput has what set-up refuses.


@pytest.fixture
def importable(tmp_path, monkeypatch):
    """Make modules importable from a folder, and forget them afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def owners():
    """Make one of each kind."""
    return [Flask(__name__), Blueprint("bp", __name__)]


# Folders


def test_root_is_the_folder_of_the_module():
    """It is found from the import name, whether the module was imported or not."""
    here = os.path.dirname(os.path.abspath(__file__))
    for owner in owners():
        assert owner.root_path == here
    assert get_root_path("costrel") == os.path.dirname(costrel.__file__)
    assert get_root_path("wsgiref.validate").endswith("wsgiref")


def test_root_of_an_unknown_name_is_the_working_directory():
    """As in an interactive session."""
    assert get_root_path("no_such_module_anywhere") == str(Path.cwd())
    assert get_root_path("__main__")


def test_root_of_a_namespace_package_has_to_be_given(importable):
    """It has several folders, so the error says to pass one."""
    (importable / "namespace_without_init").mkdir()
    with pytest.raises(RuntimeError, match="root_path="):
        Flask("namespace_without_init")
    assert Flask("namespace_without_init", root_path="/x").root_path == "/x"


def test_package_in_a_checkout_has_no_prefix(importable):
    """Its instance folder is beside it, for a module, a package and a namespace."""
    (importable / "a_module.py").write_text("")
    (importable / "a_package").mkdir()
    (importable / "a_package" / "__init__.py").write_text("")
    (importable / "a_namespace" / "inside").mkdir(parents=True)
    (importable / "a_namespace" / "inside" / "__init__.py").write_text("")
    for name in ("a_module", "a_package", "a_namespace.inside"):
        assert find_package(name) == (None, str(importable))
        assert Flask(name).instance_path == str(importable / "instance")


@pytest.mark.parametrize(
    ("folder", "prefix"),
    [
        ("lib/python3.11/site-packages", "."),
        ("Lib/site-packages", "."),
        ("site-packages", "."),
        ("dist/site-packages", "dist"),
    ],
)
def test_installed_package_has_the_prefix_it_was_installed_under(
    folder, prefix, tmp_path, monkeypatch
):
    """Its instance folder is below ``PREFIX/var``."""
    site = tmp_path / folder
    site.mkdir(parents=True)
    (site / "installed_package.py").write_text("")
    monkeypatch.syspath_prepend(str(site))
    expected = str((tmp_path / prefix).resolve())
    assert find_package("installed_package") == (expected, str(site))
    path = os.path.join(expected, "var", "installed_package-instance")
    assert Flask("installed_package").instance_path == path


def test_package_below_the_interpreters_prefix_is_installed(tmp_path, monkeypatch):
    """A virtual environment may have any layout."""
    (tmp_path / "in_prefix.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path.parent))
    assert find_package("in_prefix") == (str(tmp_path.parent), str(tmp_path))


# Static files


@pytest.mark.parametrize(
    ("folder", "url_path", "expected"),
    [
        ("static", None, "/static"),
        ("assets/", None, "/assets"),
        (Path("deep") / "assets", None, "/assets"),
        ("static", "/files/", "/files"),
        ("static", "", ""),
        (None, None, None),
    ],
)
def test_static_path_follows_the_folder_unless_given(folder, url_path, expected):
    """A trailing slash is dropped from both."""
    for cls, args in ((Flask, (__name__,)), (Blueprint, ("bp", __name__))):
        owner = cls(*args, static_folder=folder, static_url_path=url_path)
        assert owner.static_url_path == expected
        assert owner.has_static_folder is (folder is not None)


def test_static_folder_may_be_changed():
    """It is below the root unless absolute; None takes it away."""
    for owner in owners():
        owner.static_folder = "a/b/"
        assert owner.static_folder == os.path.join(owner.root_path, "a/b")
        owner.static_folder = "/absolute"
        assert owner.static_folder == "/absolute"
        owner.static_folder = None
        assert owner.static_folder is None
        assert not owner.has_static_folder


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("kind", ["app", "bp"])
def test_static_files_are_served(kind, tmp_path):
    """The application's below its path, a blueprint's below its prefix."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("content")
    (tmp_path / "secret.txt").write_text("secret")
    if kind == "app":
        app = Flask(__name__, root_path=str(tmp_path), static_folder="files")
        base, endpoint = "/files", "static"
    else:
        app = Flask(__name__)
        bp = Blueprint("bp", __name__, "files", root_path=str(tmp_path), url_prefix="/bp")
        app.register_blueprint(bp)
        base, endpoint = "/bp/files", "bp.static"
    client = app.test_client()
    with client.get(f"{base}/a.txt") as response:
        assert response.text == "content"
    for name in ("b.txt", "../secret.txt", "%2e%2e/secret.txt", ""):
        assert client.get(f"{base}/{name}").status_code == 404
    with app.test_request_context():
        assert app.url_for(endpoint, filename="a.txt") == f"{base}/a.txt"


def test_template_folder_gives_a_loader():
    """None gives none."""
    for cls, args in ((Flask, (__name__,)), (Blueprint, ("bp", __name__))):
        owner = cls(*args, template_folder="pages", root_path="/root")
        assert owner.jinja_loader.searchpath == ["/root/pages"]
        assert cls(*args, template_folder=None).jinja_loader is None


def test_resources_are_read_from_the_folder(tmp_path):
    """As bytes or text, and never written."""
    (tmp_path / "r.txt").write_text("é", "utf-8")
    for owner in (
        Flask(__name__, root_path=str(tmp_path)),
        Blueprint("bp", __name__, root_path=str(tmp_path)),
    ):
        with owner.open_resource("r.txt") as file:
            assert file.read() == "é".encode()
        with owner.open_resource("r.txt", "rt", encoding="utf-8") as file:
            assert file.read() == "é"
        with pytest.raises(ValueError, match="'w'"):
            owner.open_resource("r.txt", "w")


# Registration


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("kind", ["app", "bp"])
def test_decorators_register_one_method_each(kind):
    """`get` answers HEAD too; `route` answers what it is told."""
    app = Flask(__name__)
    owner = app if kind == "app" else Blueprint("bp", __name__)
    for name in ("get", "post", "put", "delete", "patch"):
        getattr(owner, name)(f"/{name}", endpoint=name)(lambda: request.method)
    owner.route("/two", methods=["get", "LINK"], endpoint="two")(lambda: request.method)
    owner.route("/default", endpoint="default")(lambda: request.method)
    if owner is not app:
        app.register_blueprint(owner)
    client = app.test_client()
    for name in ("get", "post", "put", "delete", "patch"):
        allowed = client.open(f"/{name}", method="BREW").allow
        expected = {name.upper(), "OPTIONS"} | ({"HEAD"} if name == "get" else set())
        assert set(allowed) == expected
        assert client.open(f"/{name}", method=name.upper()).text == name.upper()
    assert set(client.open("/two", method="BREW").allow) == {"GET", "HEAD", "LINK", "OPTIONS"}
    assert client.open("/two", method="LINK").text == "LINK"
    assert client.post("/default").status_code == 405


@pytest.mark.parametrize("kind", ["app", "bp"])
def test_decorators_return_what_they_were_given(kind):
    """COMPAT(Flask-WTF): the registered function is the user's own, by name and module."""
    app = Flask(__name__)
    owner = app if kind == "app" else Blueprint("bp", __name__)

    def function(*args):
        """Be anything."""

    assert owner.route("/")(function) is function
    assert owner.get("/2")(function) is function
    assert owner.endpoint("other")(function) is function
    assert owner.before_request(function) is function
    assert owner.after_request(function) is function
    assert owner.teardown_request(function) is function
    assert owner.context_processor(function) is function
    assert owner.url_value_preprocessor(function) is function
    assert owner.url_defaults(function) is function
    assert owner.errorhandler(404)(function) is function
    if owner is not app:
        app.register_blueprint(owner)
    name = "function" if owner is app else "bp.function"
    assert app.view_functions[name] is function


@pytest.mark.usefixtures("path")
def test_endpoint_may_have_its_rule_elsewhere():
    """COMPAT: rule and view are registered apart, in either order."""
    app = Flask(__name__)
    app.add_url_rule("/a", endpoint="a")
    app.endpoint("a")(lambda: "a")
    app.endpoint("b")(lambda: "b")
    app.add_url_rule("/b", endpoint="b")
    client = app.test_client()
    assert (client.get("/a").text, client.get("/b").text) == ("a", "b")


def test_same_view_may_have_several_rules():
    """An endpoint is one view, of one function or one bound method."""

    class Views:
        def index(self):
            return "index"

    app = Flask(__name__)
    views = Views()
    app.add_url_rule("/a", view_func=views.index)
    app.add_url_rule("/b", view_func=views.index)
    with pytest.raises(AssertionError, match=r"existing endpoint.*'index'"):
        app.add_url_rule("/c", view_func=Views().index)


def test_endpoint_is_named_after_the_function():
    """COMPAT(Flask-RESTX): the private function is where Flask has it."""

    def hello():
        """Say hello."""

    assert _endpoint_from_view_func(hello) == "hello"


def test_methods_of_a_view_function_are_used():
    """A function may carry its methods as an attribute, in any letters."""
    app = Flask(__name__)
    view = types.FunctionType((lambda: "").__code__, {}, "view")
    view.methods = ["post", "Put"]
    app.add_url_rule("/", view_func=view)
    (rule,) = app.url_map.iter_rules("view")
    assert rule.methods == {"POST", "PUT", "OPTIONS"}


def test_representation_names_class_and_object():
    """It is what errors and logs show."""
    assert repr(Flask("x.y")) == "<Flask 'x.y'>"
    assert repr(Blueprint("bp", __name__)) == "<Blueprint 'bp'>"
