"""What the document says of operations for users who are logged in.

Annotations are evaluated where they are written, since one names a function of its test.
"""

import typing as t

import pytest
from msgspec import Struct
from openapi_spec_validator import validate

from costrel import Blueprint, Costrel, Flask
from costrel.api import APIKey, BearerAuth, Depends
from costrel.login import Login, fresh_login_required, login_required
from costrel.openapi import document_of
from costrel.views import MethodView, View

COOKIE = "__Host-session"
NEEDS_LOGIN: list[dict[str, list[str]]] = [{COOKIE: []}]


class User(Struct):
    """Who logs in."""

    id: str


def load_user(user_id: str) -> User | None:
    """Return the only one."""
    return User(user_id) if user_id == "ada" else None


def make_app(cls: type[Flask] = Costrel, **config: t.Any) -> tuple[Costrel, Login[User]]:
    """Make an application with logins."""
    app = cls(__name__)
    app.secret_key = "0123456789abcdef0123456789abcdef"
    login = Login(app, load_user=load_user)
    app.config.update(config)
    return t.cast("Costrel", app), login


def operation(app: t.Any, path: str = "/", method: str = "get") -> dict[str, t.Any]:
    """Return an operation of the document, which is valid."""
    document = document_of(app)
    validate(t.cast("t.Any", document))
    return t.cast("dict[str, t.Any]", document["paths"][path][method])


@login_required
def typed() -> User:
    """Say who it is."""
    return User("ada")


@fresh_login_required
async def typed_later() -> User:
    """Do so on an event loop."""
    return User("ada")


@login_required
def page() -> str:
    """Say it on a page."""
    return "Ada"


class One(View):
    """A class with one method."""

    decorators: t.ClassVar = [login_required]

    def dispatch_request(self) -> User:  # type: ignore[override]
        """Say who it is."""
        return User("ada")


class OneMethod(View):
    """A class whose method is guarded."""

    @login_required
    def dispatch_request(self) -> User:  # type: ignore[override]
        """Say who it is."""
        return User("ada")


VIEWS: dict[str, t.Any] = {
    "typed": typed,
    "async": typed_later,
    "plain": page,
    "decorators": One.as_view("view"),
    "method": OneMethod.as_view("view"),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_guarded_view_is_documented(view: t.Any) -> None:
    """By the cookie of the session, and the 401 that it answers others with."""
    app, _login = make_app()
    app.add_url_rule("/", "view", view)
    described = operation(app)
    assert described["security"] == NEEDS_LOGIN
    assert "401" in described["responses"]
    assert "302" not in described["responses"]
    schemes = document_of(app)["components"]["securitySchemes"]
    assert schemes == {COOKIE: {"type": "apiKey", "in": "cookie", "name": COOKIE}}
    assert app.test_client().get("/", headers={"Accept": "text/html"}).status_code == 401


def test_view_of_a_flask_is_documented() -> None:
    """With the name of its cookie; its 401 is a page."""
    app, _login = make_app(Flask)
    app.add_url_rule("/", "view", page)
    described = operation(app)
    assert described["security"] == [{"session": []}]
    assert described["responses"]["401"] == {"description": "Unauthorized"}


@pytest.mark.parametrize("login_view", ["enter", "/login"])
def test_redirect_to_the_login_page_is_documented(login_view: str) -> None:
    """Of what browsers get, but not of the login page itself, nor of what changes something."""
    app, _login = make_app(LOGIN_VIEW=login_view)
    app.add_url_rule("/", "view", typed, methods=["GET"])
    app.add_url_rule("/change", "change", typed, methods=["POST"])
    app.add_url_rule("/login", "enter", page)
    answers = operation(app)["responses"]
    assert answers["302"]["headers"].keys() == {"Location"}
    assert list(answers) == ["200", "302", "401", "406", "500"]
    assert "302" not in operation(app, "/change", "post")["responses"]
    assert "302" not in operation(app, "/login")["responses"]
    response = app.test_client().get("/", headers={"Accept": "text/html, application/json"})
    assert response.status_code == 302
    assert response.location.startswith("/login")


class Methods(MethodView):
    """A class of which one method is guarded."""

    def get(self) -> User:
        """Say who it is."""
        return User("anybody")

    @login_required
    def post(self) -> User:
        """Change it."""
        return User("ada")


def test_guarded_method_is_documented_alone() -> None:
    """The other is for everybody."""
    app, _login = make_app()
    app.add_url_rule("/", view_func=Methods.as_view("methods"))
    assert "security" not in operation(app)
    assert operation(app, "/", "post")["security"] == NEEDS_LOGIN


def test_guarded_blueprint_is_documented() -> None:
    """A hook that demands a login stands before each of its views, and of those within it."""
    app, _login = make_app()
    members, inner = Blueprint("members", __name__), Blueprint("inner", __name__)
    members.before_request(login_required(lambda: None))
    members.get("/members")(lambda: "members")
    inner.get("/inner", endpoint="inner")(lambda: "inner")
    members.register_blueprint(inner)
    app.register_blueprint(members)
    app.get("/open", endpoint="open")(lambda: "open")
    assert operation(app, "/members")["security"] == NEEDS_LOGIN
    assert operation(app, "/inner")["security"] == NEEDS_LOGIN
    assert "security" not in operation(app, "/open")


def test_dependency_on_the_user_is_documented() -> None:
    """Of the view, or of what it depends on."""
    app, login = make_app()

    def name(user: t.Annotated[User, Depends(login.require)]) -> str:
        return user.id

    @app.get("/")
    def show(name: t.Annotated[str, Depends(name)]) -> User:
        return User(name)

    @app.get("/later")
    async def show_later(user: t.Annotated[User, Depends(login.require_async)]) -> User:
        return user

    assert operation(app)["security"] == NEEDS_LOGIN
    assert operation(app, "/later")["security"] == NEEDS_LOGIN


def test_login_is_demanded_with_other_credentials() -> None:
    """And it is the same scheme as one that the view names itself."""
    app, _login = make_app(SESSION_COOKIE_NAME="sid")

    @app.get("/")
    @login_required
    def show(token: t.Annotated[str, Depends(BearerAuth())]) -> User:
        return User(token)

    @app.get("/named", security=[APIKey("sid", "cookie")])
    @login_required
    def show_named() -> User:
        return User("ada")

    assert operation(app)["security"] == [{"bearerAuth": [], "sid": []}]
    assert operation(app, "/named")["security"] == [{"sid": []}]


def test_cookie_is_that_of_browsers_whoever_asks() -> None:
    """Over plain HTTP to this machine, it would have another name."""
    app, _login = make_app()
    app.add_url_rule("/", "view", typed)
    document: t.Any = app.test_client().get("/openapi.json", base_url="http://localhost").json
    assert list(document["components"]["securitySchemes"]) == [COOKIE]


def test_name_that_no_component_has_is_changed() -> None:
    """Cookies may have more characters."""
    app, _login = make_app(SESSION_COOKIE_NAME="my!session")
    app.add_url_rule("/", "view", typed)
    assert operation(app)["security"] == [{"my_session": []}]
    scheme = document_of(app)["components"]["securitySchemes"]["my_session"]
    assert scheme["name"] == "my!session"


def test_view_above_which_the_decorator_stands_is_open() -> None:
    """It is documented as what it is."""
    app, _login = make_app()

    @login_required
    @app.get("/")
    def show() -> User:
        return User("ada")

    assert "security" not in operation(app)
