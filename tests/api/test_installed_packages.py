"""Views of installed packages are what they are in Flask, unless their blueprint asks for types."""

from __future__ import annotations

import importlib
import sys
import typing as t
from pathlib import Path

import pytest

from costrel import Blueprint, Costrel, Flask
from costrel.api import Depends
from costrel.dispatch.typed import check_views
from costrel.openapi import document_of
from costrel.registration import installed

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

pytestmark = pytest.mark.usefixtures("path")

EXTENSION = """
from __future__ import annotations

import typing as t

from msgspec import Struct

from costrel import Blueprint, request
from costrel.views import MethodView

if t.TYPE_CHECKING:
    from somewhere import Request, Response

bp = Blueprint("ext", __name__, url_prefix="/ext")


class Book(Struct):
    title: str


@bp.get("/unresolved/<name>")
def unresolved(name: str, q: Request | None = None) -> Response:
    return f"{name} {q}"


@bp.get("/query")
def query(q: str = "default", n: int = 1) -> dict[str, int]:
    return {"q": q, "n": n, "args": request.args.get("q")}


@bp.post("/body")
def body(book: Book | None = None) -> str:
    return repr(book)


class BookView(MethodView):
    def get(self, q: str = "default") -> dict[str, int]:
        return {"q": q}

    async def post(self, more: Request | None = None) -> list[int]:
        return ["posted"]


bp.add_url_rule("/books", view_func=BookView.as_view("books"))


def init_app(app):
    def panel(q: str = "default") -> list[Request]:
        return [q]

    app.add_url_rule("/panel", "panel", panel)
    app.register_blueprint(bp)


def typed() -> Blueprint:
    blueprint = Blueprint("typed", __name__, url_prefix="/typed", typed_views=True)
    blueprint.get("/query")(query_of_types)
    return blueprint


def query_of_types(q: int = 1) -> list[int]:
    return [q]


def with_a_status() -> Blueprint:
    blueprint = Blueprint("status", __name__, url_prefix="/status")
    blueprint.get("/query", status=201)(query_of_types)
    return blueprint


def unresolved_but_typed() -> Blueprint:
    blueprint = Blueprint("wrong", __name__, url_prefix="/wrong", typed_views=True)
    blueprint.get("/<name>")(unresolved)
    return blueprint
"""

GUARDED = """
from __future__ import annotations

import typing as t

from costrel import Blueprint, abort
from costrel.api import Depends

if t.TYPE_CHECKING:
    from somewhere import Unknown


def refuse() -> None:
    abort(403)


bp = Blueprint("guarded", __name__, url_prefix="/guarded")


@bp.get("/")
def show(user: t.Annotated[None, Depends(refuse)] = None) -> list[str]:
    return ["shown"]


lost = Blueprint("lost", __name__, url_prefix="/lost")


@lost.get("/")
def show_lost(unknown: Unknown = None, user: t.Annotated[None, Depends(refuse)] = None):
    return ["shown"]
"""

APPLICATION = """
from __future__ import annotations

from costrel import Costrel

from {name}.views import bp


def create_app():
    app = Costrel(__name__)
    app.register_blueprint(bp)
    return app
"""

VIEWS = """
from costrel import Blueprint

bp = Blueprint("own", __name__)


@bp.get("/")
def show(n: int) -> list[int]:
    return [n]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder for installed packages, which are forgotten after the test."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(folder))
    known = set(sys.modules)
    installed._requires_us.cache_clear()
    yield folder
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    installed._requires_us.cache_clear()


def install(folder: Path, name: str, **sources: str) -> ModuleType:
    """Install a package of some modules, and import it."""
    (folder / name).mkdir()
    for module, source in sources.items():
        (folder / name / f"{module}.py").write_text(source)
    importlib.invalidate_caches()
    return importlib.import_module(name)


@pytest.fixture
def extension(site: Path) -> ModuleType:
    """Return an installed extension."""
    return install(site, "fake_extension", __init__=EXTENSION)


@pytest.mark.parametrize("cls", [Costrel, Flask])
def test_views_of_an_extension_are_what_they_are_in_flask(
    extension: ModuleType, cls: type[Flask]
) -> None:
    """Nothing is filled, filtered or refused, and annotations need not be resolved."""
    app = cls(__name__)
    app.config["TYPED_VIEWS"] = True
    extension.init_app(app)
    client = app.test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    assert client.get("/ext/unresolved/a?q=1").text == "a None"
    assert client.get("/ext/query?q=other&n=x").json == {"q": "default", "n": 1, "args": "other"}
    assert client.post("/ext/body", data="{").text == "None"
    assert client.get("/ext/books?q=other").json == {"q": "default"}
    assert client.post("/ext/books").json == ["posted"]
    assert client.get("/panel?q=other").json == ["default"]
    assert client.get("/ext/none").content_type.startswith("text/html")


def test_application_with_an_extension_starts_and_is_documented(extension: ModuleType) -> None:
    """As views without annotations are."""
    app = Costrel(__name__)
    extension.init_app(app)
    check_views(app)
    operation = document_of(app)["paths"]["/ext/query"]["get"]
    assert "parameters" not in operation


def test_dependencies_of_the_application_run_before_an_extension(extension: ModuleType) -> None:
    """They may check who sends the request."""
    calls = []
    app = Costrel(__name__, dependencies=[Depends(lambda: calls.append("called"))])
    extension.init_app(app)
    for url in ("/ext/query", "/ext/unresolved/a", "/panel", "/ext/books"):
        assert app.test_client().get(url).status_code == 200
        assert calls == ["called"]
        calls.clear()


def test_blueprint_of_an_extension_may_ask_for_types(extension: ModuleType) -> None:
    """By its argument, by one that only typed views have, and by a blueprint around it."""
    app = Costrel(__name__)
    app.register_blueprint(extension.typed())
    app.register_blueprint(extension.with_a_status())
    outer = Blueprint("outer", __name__, url_prefix="/outer", typed_views=True)
    plain = Blueprint("plain", extension.__name__)
    plain.get("/query")(extension.query_of_types)
    outer.register_blueprint(plain)
    app.register_blueprint(outer)
    client = app.test_client()
    for url in ("/typed/query", "/status/query", "/outer/query"):
        assert client.get(f"{url}?q=2").json == [2]
        assert client.get(f"{url}?q=x").status_code == 422


def test_types_that_can_t_be_resolved_are_an_error_where_they_are_asked_for(
    extension: ModuleType,
) -> None:
    """The error names file, line, and what to write."""
    app = Costrel(__name__)
    app.register_blueprint(extension.unresolved_but_typed())
    message = r"'Request' is not defined.*TYPE_CHECKING.*unresolved \(.*__init__.py:2"
    with pytest.raises(TypeError, match=message):
        check_views(app)


def test_class_of_the_application_is_typed_and_what_it_inherits_is_not(
    extension: ModuleType,
) -> None:
    """Each method is of where it is written."""

    class View(extension.BookView):  # type: ignore[name-defined, misc]
        def put(self, q: int) -> list[int]:
            return [q]

    app = Costrel(__name__)
    app.add_url_rule("/", view_func=View.as_view("books"))
    client = app.test_client()
    assert client.get("/?q=other").json == {"q": "default"}
    assert client.put("/?q=2").json == [2]
    assert client.put("/?q=x").status_code == 422


def test_view_of_an_extension_that_depends_on_something_is_typed(site: Path) -> None:
    """It was written for typed views, and would let everybody pass without."""
    package = install(site, "fake_guarded", __init__=GUARDED)
    app = Costrel(__name__)
    app.register_blueprint(package.bp)
    app.register_blueprint(package.lost)
    assert app.test_client().get("/guarded/").status_code == 403
    assert app.test_client().get("/lost/").status_code == 500
    with pytest.raises(TypeError, match="'Unknown' is not defined"):
        check_views(app)


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_application_that_is_installed_itself_is_typed(
    site: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of its package is the application's, also if it is started by another name."""
    place = site.parent / folder
    place.mkdir(exist_ok=True)
    monkeypatch.syspath_prepend(str(place))
    name = f"fake_shop_{folder[:4]}"
    install(place, name, __init__="", views=VIEWS, web=APPLICATION.format(name=name))
    web = importlib.import_module(f"{name}.web")
    assert web.create_app().test_client().get("/?n=2").json == [2]
    app = Costrel("__main__", root_path=str(place / name))
    app.import_name = "no_such_module"
    app.register_blueprint(importlib.import_module(f"{name}.views").bp)
    assert app.test_client().get("/?n=2").json == [2]


def test_package_that_requires_costrel_is_typed(site: Path) -> None:
    """Its metadata says so: what views declare is filtered wherever the package is installed."""
    for name, requires, status in (
        ("fake_core", "costrel>=0.1", 200),
        ("fake_costly", "costrel-extras", 500),
        ("fake_both", 'costrel; extra == "costrel"', 500),
        ("fake_flask", "flask", 500),
    ):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n"
        (info / "METADATA").write_text(f"{metadata}Requires-Dist: {requires}\n")
        package = install(site, name, __init__=VIEWS)
        app = Costrel(__name__)
        app.register_blueprint(package.bp)
        assert app.test_client().get("/?n=2").status_code == status, name


def test_decorator_of_an_extension_leaves_views_typed(site: Path) -> None:
    """The view is what it decorates."""
    source = """
import functools


def decorate(function):
    @functools.wraps(function)
    def decorated(*args, **kwargs):
        return function(*args, **kwargs)

    return decorated
"""
    package = install(site, "fake_decorators", __init__=source)
    app = Costrel(__name__)

    @app.get("/")
    @package.decorate
    def show(n: int) -> list[int]:
        return [n]

    assert app.test_client().get("/?n=2").json == [2]
    assert app.test_client().get("/?n=x").status_code == 422


@pytest.mark.parametrize("annotation", ["unknown", "t.unknown", "1 +", "t.Literal[unknown]", "1/0"])
def test_view_of_the_application_whose_annotations_can_t_be_resolved_is_an_error(
    annotation: str,
) -> None:
    """At the start, with file, line and what to write; so is that of a dependency."""

    def show(value=None):
        """Show."""

    show.__annotations__ = {"value": annotation}
    place = r"show \(.*test_installed_packages.py:\d+\)"
    message = rf"Import or define it at the top of the module.*{place}"
    app = Costrel(__name__)
    app.add_url_rule("/", "show", show)
    with pytest.raises(TypeError, match=message):
        check_views(app)
    app = Costrel(__name__, dependencies=[Depends(show)])
    app.add_url_rule("/", "index", lambda: "")
    with pytest.raises(TypeError, match=message):
        check_views(app)
