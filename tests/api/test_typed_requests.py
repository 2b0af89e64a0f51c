"""Requests that do not fit typed views: the exact problem that each gets, and never a 500."""

from __future__ import annotations

import json
import typing as t

import pytest

from costrel import Costrel
from costrel.testing import FlaskClient

JSON = "application/json"
INT = "Expected `int`"
HUGE = "1" * 5_000

# Query of /books -> the errors: name and detail.
QUERIES: dict[str, dict[str, str]] = {
    "limit=1_000": {"limit": INT},
    "limit=1.0": {"limit": "Expected `int`, got `float`"},
    "limit=1e1": {"limit": "Expected `int`, got `float`"},
    "limit=+1": {"limit": INT},
    "limit=%2B1": {"limit": INT},
    "limit=%201": {"limit": INT},
    "limit=01": {"limit": INT},
    "limit=": {"limit": INT},
    "limit": {"limit": INT},
    "limit=true": {"limit": INT},
    "limit=null": {"limit": INT},
    "limit=%22" + "1%22": {"limit": INT},
    "limit=0x10": {"limit": INT},
    "limit=%D9%A1": {"limit": INT},
    f"limit={HUGE}": {"limit": INT},
    "limit=NaN": {"limit": INT},
    "limit=0": {"limit": "Expected `int` >= 1"},
    "limit=101": {"limit": "Expected `int` <= 100"},
    "limit=-5": {"limit": "Expected `int` >= 1"},
    "limit=1&limit=2": {"limit": "Given more than once"},
    "q=a&q=b": {"q": "Given more than once"},
    "exact=1": {"exact": "Expected `bool`"},
    "exact=True": {"exact": "Expected `bool`"},
    "exact=yes": {"exact": "Expected `bool`"},
    "exact=": {"exact": "Expected `bool`"},
    "genre=Novel": {"genre": "Invalid enum value 'Novel'"},
    "genre=NOVEL": {"genre": "Invalid enum value 'NOVEL'"},
    "since=1": {"since": "Invalid RFC3339 encoded date"},
    "since=2020-02-30": {"since": "Invalid RFC3339 encoded date"},
    "since=10000-01-01": {"since": "Invalid RFC3339 encoded date"},
    "since=2020-01-01T00:00:00": {"since": "Invalid RFC3339 encoded date"},
    "at=1577836800": {"at": "Invalid RFC3339 encoded datetime"},
    "at=2020-01-01T25:00:00Z": {"at": "Invalid RFC3339 encoded datetime"},
    "key=1234": {"key": "Invalid UUID"},
    "price=NaN": {"price": "Invalid decimal string"},
    "price=Infinity": {"price": "Invalid decimal string"},
    "price=1_0": {"price": "Invalid decimal string"},
    "price=%201": {"price": "Invalid decimal string"},
    "price=x": {"price": "Invalid decimal string"},
    "ratio=NaN": {"ratio": "Expected `float | null`"},
    "ratio=inf": {"ratio": "Expected `float | null`"},
    "ratio=1e400": {"ratio": "Expected `float | null`"},
    "ratio=.5": {"ratio": "Expected `float | null`"},
    "numbers=1&numbers=x": {"numbers/1": INT},
    "sort=Title": {"sort": "Invalid enum value 'Title'"},
    "level=3": {"level": "Invalid enum value 3"},
    "level=x": {"level": INT},
    "limit=x&exact=x&level=7": {
        "limit": INT,
        "exact": "Expected `bool`",
        "level": "Invalid enum value 7",
    },
}

BAD_JSON = 400
MEDIA_TYPE = 415

# Body of POST /books -> the errors in the body: pointer and detail; or another status.
BODIES: dict[str, dict[str, str] | int] = {
    "": {"": "Required"},
    "null": {"": "Expected `object`, got `null`"},
    "[]": {"": "Expected `object`, got `array`"},
    '"text"': {"": "Expected `object`, got `str`"},
    "{}": {"/title": "Required"},
    '{"title": ""}': {"/title": "Expected `str` of length >= 1"},
    '{"title": null}': {"/title": "Expected `str`, got `null`"},
    '{"title": 1}': {"/title": "Expected `str`, got `int`"},
    json.dumps({"title": "x" * 201}): {"/title": "Expected `str` of length <= 200"},
    '{"title": "x", "more": 1}': {"/more": "Unknown field"},
    '{"title": "x", "a/b~c": 1}': {"/a~1b~0c": "Unknown field"},
    '{"title": "x", "year": "2000"}': {"/year": "Expected `int | null`, got `str`"},
    '{"title": "x", "year": 2000.5}': {"/year": "Expected `int | null`, got `float`"},
    '{"title": "x", "year": true}': {"/year": "Expected `int | null`, got `bool`"},
    '{"title": "x", "year": 1}': {"/year": "Expected `int` >= 1450"},
    '{"title": "x", "price": "NaN"}': {"/price": "Invalid decimal string"},
    '{"title": "x", "price": "1_0"}': {"/price": "Invalid decimal string"},
    '{"title": "x", "price": []}': {"/price": "Expected `decimal | null`, got `array`"},
    '{"title": "x", "prices": {"a/b": "x"}}': {"/prices/a~1b": "Invalid decimal string"},
    '{"title": "x", "rating": "1"}': {"/rating": "Expected `float | null`, got `str`"},
    '{"title": "x", "genre": "essay"}': {"/genre": "Invalid enum value 'essay'"},
    '{"title": "x", "genre": 1}': {"/genre": "Expected `str | null`, got `int`"},
    '{"title": "x", "isbn": "1"}': {"/isbn": "Invalid UUID"},
    '{"title": "x", "read_at": 1577836800}': {"/read_at": "Expected `datetime | null`, got `int`"},
    '{"title": "x", "read_at": "2020"}': {"/read_at": "Invalid RFC3339 encoded datetime"},
    '{"title": "x", "authors": {}}': {"/authors": "Expected `array`, got `object`"},
    '{"title": "x", "authors": [{"name": "a"}, {"name": ""}]}': {
        "/authors/1/name": "Expected `str` of length >= 1"
    },
    '{"title": "x", "authors": [null, {}]}': {
        "/authors/0": "Expected `object`, got `null`",
        "/authors/1/name": "Required",
    },
    '{"title": "", "year": 1, "authors": [{"born": "x"}]}': {
        "/title": "Expected `str` of length >= 1",
        "/authors/0/name": "Required",
        "/authors/0/born": "Invalid RFC3339 encoded date",
        "/year": "Expected `int` >= 1450",
    },
    '{"title": "x", "rating": 1e400}': {"/rating": "Number out of range"},
    "{": BAD_JSON,
    "{}x": BAD_JSON,
    "{'title': 'x'}": BAD_JSON,
    '{"title": "x", }': BAD_JSON,
    '{"title": NaN}': BAD_JSON,
    f'{{"title": "x", "year": {HUGE}}}': BAD_JSON,
    '{"title": "x", "rating": Infinity}': BAD_JSON,
    '{"title": "\\ud800"}': BAD_JSON,
    '{"title": "a\nb"}': BAD_JSON,
    "[" * 5_000: BAD_JSON,
    '{"a":' * 5_000: BAD_JSON,
}

# Raw bodies and content types -> status.
RAW: list[tuple[bytes, str | None, int]] = [
    (b'{"title": "\xff"}', JSON, 400),
    (b"\xef\xbb\xbf{}", JSON, 400),
    ('{"title": "x"}'.encode("utf-16"), JSON, 400),
    (b'{"title": "x"}', None, 415),
    (b'{"title": "x"}', "text/plain", 415),
    (b"title=x", "application/x-www-form-urlencoded", 415),
    (b'{"title": "x"}', "application/jsonx", 415),
    (b'{"title": "x"}', "nonsense", 415),
    (b'{"title": "x"}', "application/vnd.book+json", 201),
    (b'{"title": "x"}', "application/json; charset=utf-8", 201),
    (b' {"title":"x"}\r\n', "APPLICATION/JSON", 201),
]


@pytest.fixture
def client(path: str) -> FlaskClient:
    """Return a client of the library, on both paths."""
    from typed_library import make_app

    return make_app().test_client()


def errors_of(response: t.Any) -> dict[str, str]:
    """Return the errors of a problem by their pointers."""
    assert response.status_code == 422, response.text
    assert response.content_type == "application/problem+json"
    assert response.json["status"] == 422
    return {f"{item['in']}:{item['pointer']}": item["detail"] for item in response.json["errors"]}


@pytest.mark.parametrize("query", QUERIES)
def test_query_that_does_not_fit_is_a_problem(client: FlaskClient, query: str) -> None:
    """It has every error of the query, each with the name that the client sent."""
    wanted = {f"query:/{name}": detail for name, detail in QUERIES[query].items()}
    assert errors_of(client.get(f"/books?{query}")) == wanted


@pytest.mark.parametrize("body", BODIES)
def test_body_that_does_not_fit_is_a_problem(client: FlaskClient, body: str) -> None:
    """It has every error of the body with its JSON pointer, or says that it is no JSON."""
    wanted = BODIES[body]
    response = client.post("/books", data=body, content_type=JSON, headers={"X-Token": "t"})
    if isinstance(wanted, int):
        assert response.status_code == wanted
        assert response.content_type == "application/problem+json"
        assert response.json["status"] == wanted
    else:
        assert errors_of(response) == {f"body:{key}": detail for key, detail in wanted.items()}


@pytest.mark.parametrize(("body", "content_type", "status"), RAW)
def test_body_that_is_no_json_is_refused(
    client: FlaskClient, body: bytes, content_type: str | None, status: int
) -> None:
    """Another encoding or media type gets 400 or 415, as a problem too."""
    headers = {"X-Token": "t"}
    response = client.post("/books", data=body, content_type=content_type, headers=headers)
    assert response.status_code == status, response.text
    if status != 201:
        assert response.json["status"] == status


def test_all_places_are_reported_at_once(client: FlaskClient) -> None:
    """The missing header and what is wrong in the body, in one answer."""
    response = client.post("/books", json={"title": 1})
    assert errors_of(response) == {
        "header:/X-Token": "Required",
        "body:/title": "Expected `str`, got `int`",
    }


def test_headers_and_cookies_are_refused_by_their_names(client: FlaskClient) -> None:
    """An alias is what the client sent."""
    response = client.get("/headers", headers={"X-Number": "1.5"})
    assert errors_of(response) == {"header:/X-Number": "Expected `int`, got `float`"}
    client.set_cookie("session-id", "x")
    response = client.get("/filtered?since=1&limit=1000")
    assert errors_of(response) == {
        "query:/since": "Invalid RFC3339 encoded date",
        "query:/limit": "Expected `int` <= 100",
        "cookie:/session-id": INT,
    }


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ('{"type": "triangle"}', "/type", "Invalid value 'triangle'"),
        ('{"type": 1}', "/type", "Invalid value 1"),
        ('{"side": 1}', "/type", "Required"),
        ('{"type": "square", "side": "1"}', "/side", "Expected `int`, got `str`"),
        ('{"type": "circle", "radius": 1, "more": 2}', "/more", "Unknown field"),
        ("1", "", "Expected `object`, got `int`"),
    ],
)
def test_union_is_told_apart_by_its_tag(
    client: FlaskClient, body: str, pointer: str, detail: str
) -> None:
    """The errors are those of the member that the tag names."""
    response = client.post("/shapes", data=body, content_type=JSON)
    assert errors_of(response) == {f"body:{pointer}": detail}


@pytest.mark.parametrize("depth", [1, 100, 240, 249])
def test_recursive_model_is_searched_to_its_end(client: FlaskClient, depth: int) -> None:
    """The pointer of the error has every level."""
    body = '{"name": "n", "children": [' * depth + "1" + "]}" * depth
    response = client.post("/nodes", data=body, content_type=JSON)
    assert errors_of(response) == {f"body:{'/children/0' * depth}": "Expected `object`, got `int`"}


def test_many_errors_are_cut_off(client: FlaskClient) -> None:
    """A hundred of them are enough."""
    response = client.post("/numbers", json={"a": ["x"] * 10_000})
    assert len(errors_of(response)) == 100


def test_huge_and_duplicate_values_are_read_as_json_says(client: FlaskClient) -> None:
    """Of a repeated name, the last value counts, as in Python's own parser."""
    assert client.post("/numbers", json={"a": list(range(10_000))}).json == 49_995_000
    response = client.post("/numbers", data='{"a": [1], "a": [2]}', content_type=JSON)
    assert response.json == 2


def test_limit_of_the_body_is_a_problem(path: str) -> None:
    """413 comes from reading the body."""
    from typed_library import make_app

    app = make_app()
    app.config["MAX_CONTENT_LENGTH"] = 10
    response = app.test_client().post("/nodes", json={"name": "too long for it"})
    assert (response.status_code, response.json["status"]) == (413, 413)


def test_duplicate_application_is_not_shared() -> None:
    """Two applications with the same views don't share what was compiled."""
    from typed_library import make_app

    one, two = make_app(), make_app()
    two.config["TYPED_VIEWS"] = False
    assert isinstance(one, Costrel)
    assert one.test_client().get("/books?limit=x").status_code == 422
    assert two.test_client().get("/books?limit=x").status_code == 200
