"""Credentials as dependencies: what is one, and what a client without one gets.

Annotations are evaluated where they are written, since they name markers of their test.
"""

import base64
import typing as t

import pytest
from msgspec import Struct

from costrel import Costrel
from costrel.api import APIKey, BasicAuth, BasicCredentials, BearerAuth, Depends, Header
from costrel.dispatch.typed import typed_view

pytestmark = pytest.mark.usefixtures("path")


class Item(Struct):
    """A model."""

    id: int


def make_app() -> Costrel:
    """Make an application with a view for each kind of credentials."""
    app = Costrel(__name__)

    @app.post("/bearer")
    def bearer(token: t.Annotated[str, Depends(BearerAuth(scopes=["read", "write"]))]) -> list[str]:
        return [token]

    @app.post("/basic")
    async def basic(
        credentials: t.Annotated[BasicCredentials, Depends(BasicAuth())],
    ) -> list[str]:
        return [credentials.username, credentials.password]

    for place in ("header", "query", "cookie"):

        def by_key(key: t.Annotated[str, Depends(APIKey("X-Key", place))]) -> list[str]:
            return [key]

        app.add_url_rule(f"/{place}", endpoint=place, view_func=by_key, methods=["POST"])
    return app


def basic_header(text: str | bytes) -> str:
    """Return the value of the header for a name and a password."""
    data = text.encode() if isinstance(text, str) else text
    return "Basic " + base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("path_", "header", "value"),
    [
        ("/bearer", "Bearer abc.DEF-1_2~3+/==", ["abc.DEF-1_2~3+/=="]),
        ("/bearer", "bearer  abc", ["abc"]),
        ("/basic", basic_header("ada:a:b"), ["ada", "a:b"]),
        ("/basic", basic_header(":"), ["", ""]),
        ("/basic", basic_header("ädä:pässwört").replace("Basic", "bASIC"), ["ädä", "pässwört"]),
    ],
)
def test_authorization_gives_credentials(path_: str, header: str, value: list[str]) -> None:
    """The scheme's case does not matter."""
    client = make_app().test_client()
    response = client.post(path_, headers={"Authorization": header})
    assert response.json == value


@pytest.mark.parametrize(
    ("path_", "header"),
    [
        ("/bearer", None),
        ("/bearer", ""),
        ("/bearer", "Bearer"),
        ("/bearer", "Bearer "),
        ("/bearer", "abc"),
        ("/bearer", "Bearer a b"),
        ("/bearer", "Bearer a, Bearer b"),
        ("/bearer", "Bearer ä"),
        ("/bearer", "Bearer =="),
        ("/bearer", "Bearer a\x00"),
        ("/bearer", basic_header("ada:secret")),
        ("/basic", None),
        ("/basic", "Basic"),
        ("/basic", "Basic !!!!"),
        ("/basic", "Basic YTpi="),
        ("/basic", basic_header("ada")),
        ("/basic", basic_header("ada:a\x00b")),
        ("/basic", basic_header("ada:a\nb")),
        ("/basic", basic_header(b"ada:\xff")),
        ("/basic", "Bearer abc"),
    ],
)
def test_request_without_credentials_gets_401_with_a_challenge(
    path_: str, header: str | None
) -> None:
    """A problem that says what to send; the header is never echoed."""
    app = make_app()
    environ = {} if header is None else {"HTTP_AUTHORIZATION": header}
    response = app.test_client().post(path_, environ_overrides=environ)
    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    assert response.headers.getlist("WWW-Authenticate") == [
        {
            "/bearer": 'Bearer realm="api", scope="read write"',
            "/basic": 'Basic realm="api", charset="UTF-8"',
        }[path_]
    ]
    assert "Authorization: " in response.json["detail"]


@pytest.mark.parametrize("place", ["header", "query", "cookie"])
def test_key_comes_from_its_place_alone(place: str) -> None:
    """Once, and not empty."""
    client = make_app().test_client(use_cookies=False)  # it sends those of the test
    url = f"/{place}"
    by_place: dict[str, dict[str, t.Any]] = {
        "header": {"headers": {"X-Key": "k"}},
        "query": {"query_string": {"X-Key": "k"}},
        "cookie": {"headers": {"Cookie": "X-Key=k"}},
    }
    for name, sent in by_place.items():
        response = client.post(url, **sent)
        assert response.status_code == (200 if name == place else 401)
        if name == place:
            assert response.json == ["k"]
        else:
            assert response.headers["WWW-Authenticate"] == 'ApiKey realm="api"'
    assert client.post("/query?X-Key=").status_code == 401
    assert client.post("/query?X-Key=a&X-Key=b").status_code == 401
    assert client.post("/header", headers={"X-Key": ""}).status_code == 401


def test_credentials_come_before_everything_else() -> None:
    """Who has none does not learn what else is wrong with the request, nor is its body decoded."""
    app = Costrel(__name__)
    called: list[str] = []
    bearer = BearerAuth()

    def user(token: t.Annotated[str, Depends(bearer)], x_team: t.Annotated[str, Header()]) -> str:
        called.append("user")
        return f"{token} of {x_team}"

    @app.post("/")
    def show(item: Item, user: t.Annotated[str, Depends(user)]) -> list[str]:
        return [user]

    client = app.test_client()
    assert client.post("/", data=b"{", content_type="application/json").status_code == 401
    headers = {"Authorization": "Bearer t"}
    assert client.post("/", json={}, headers=headers).status_code == 422
    assert called == []
    response = client.post("/", json={"id": 1}, headers={**headers, "X-Team": "red"})
    assert response.json == ["t of red"]


def test_operation_lists_its_security_schemes_once() -> None:
    """Those of its dependencies, nested ones too, and those that are only documented."""
    app = Costrel(__name__, security=[BasicAuth()])
    bearer, key = BearerAuth(), APIKey("X-Key")

    def user(token: t.Annotated[str, Depends(bearer)]) -> str:
        return token

    @app.get("/", dependencies=[Depends(key)])
    def show(
        user: t.Annotated[str, Depends(user)], token: t.Annotated[str, Depends(bearer)]
    ) -> Item:
        return Item(1)

    rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == "show")
    (operation,) = typed_view(app, rule).operations
    assert [scheme.name for scheme in operation.security] == ["X-Key", "bearerAuth", "basicAuth"]
    assert [scheme.scheme for scheme in operation.security] == [
        {"type": "apiKey", "in": "header", "name": "X-Key"},
        {"type": "http", "scheme": "bearer"},
        {"type": "http", "scheme": "basic"},
    ]
    assert operation.dependencies is not None
    assert operation.dependencies.security == (key, bearer)


def test_bindings_of_dependencies_are_known_for_the_document() -> None:
    """In the order in which they run, nested ones first."""
    app = Costrel(__name__)

    def inner(a: int) -> int:
        return a

    def outer(b: int, value: t.Annotated[int, Depends(inner)]) -> int:
        return value + b

    @app.get("/")
    def show(c: int, value: t.Annotated[int, Depends(outer)]) -> list[int]:
        return [c, value]

    rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == "show")
    (operation,) = typed_view(app, rule).operations
    assert operation.dependencies is not None
    names = [entry.name for binding in operation.dependencies.bindings for entry in binding.entries]
    assert names == ["a", "b"]
    assert operation.binding is not None
    assert [entry.name for entry in operation.binding.entries] == ["c"]
    assert app.test_client().get("/?a=1&b=2&c=3").json == [3, 3]


@pytest.mark.parametrize(
    ("marker", "challenge"),
    [
        (BearerAuth(), 'Bearer realm="api", error="invalid_token"'),
        (BearerAuth(scopes=["a", "b"]), 'Bearer realm="api", scope="a b", error="invalid_token"'),
        (BasicAuth(), 'Basic realm="api", charset="UTF-8"'),
        (APIKey("key", "query"), 'ApiKey realm="api"'),
    ],
    ids=["bearer", "scopes", "basic", "key"],
)
def test_wrong_credentials_get_401_with_a_challenge(marker: t.Any, challenge: str) -> None:
    """The function that checks them raises the marker's error, with its own words."""
    app = Costrel(__name__)

    def check(credentials: t.Annotated[t.Any, Depends(marker)]) -> None:
        raise marker.error("Nobody has these.")

    @app.get("/", dependencies=[Depends(check)])
    def show() -> Item:
        return Item(1)

    client = app.test_client()
    name = "Basic" if isinstance(marker, BasicAuth) else "Bearer"
    headers = {"Authorization": basic_header("a:b") if name == "Basic" else "Bearer abc"}
    response = client.get("/?key=k", headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == challenge
    assert response.json == {"title": "Unauthorized", "status": 401, "detail": "Nobody has these."}


def test_password_is_not_in_a_representation() -> None:
    """It may be logged."""
    assert "secret" not in repr(BasicCredentials("ada", "secret"))


def test_scheme_that_no_document_can_have_is_refused() -> None:
    """Its name, or its place."""
    with pytest.raises(ValueError, match="can't be the name of a security scheme"):
        BearerAuth("bearer auth")
    with pytest.raises(ValueError, match="place='body' must be"):
        APIKey("X-Key", "body")
