"""Values whose hashes clients know: so many of one hash that a set of them would take minutes."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import time
import typing as t
import uuid

import msgspec
import pydantic
import pytest
from msgspec import Meta

from costrel import Costrel
from costrel.api import Body, Form, Header, Query
from costrel.api.kinds import MAX_HASHED
from costrel.openapi import document_of

pytestmark = pytest.mark.usefixtures("path")

STEP = 2**61 - 1
"""Integers that differ by it have one hash."""

MANY = 20_000


class Colour(enum.Enum):
    """There are only so many."""

    RED = "red"


class Point(msgspec.Struct, frozen=True):
    """A struct that can be hashed."""

    x: int


class Inside(msgspec.Struct):
    """A model with such a set in it."""

    inner: list[Inside] = []
    ids: set[int] = set()
    either: dict[int, int] | list[int] = []


class PydanticInside(pydantic.BaseModel):
    """The same for Pydantic."""

    inner: list[PydanticInside] = []
    ids: set[int] = set()
    either: dict[int, int] | list[int] = []
    changed: t.Annotated[set[int], pydantic.AfterValidator(lambda value: value)] = set()
    before: t.Annotated[set[int], pydantic.BeforeValidator(lambda value: value)] = set()
    one: t.Annotated[frozenset[int] | list[str], pydantic.Field()] = []


def client_of(annotation: t.Any) -> t.Any:
    """Return a client of an application that takes a body of a type."""
    app = Costrel(__name__)

    def take(value):
        return "taken"

    take.__annotations__ = {"value": t.Annotated[annotation, Body()], "return": str}
    app.post("/")(take)
    return app.test_client()


def numbers(count: int = MANY) -> list[int]:
    """Return integers of one hash."""
    return [STEP * number for number in range(count)]


def texts(count: int = MANY) -> list[str]:
    """Return the same as text."""
    return list(map(str, numbers(count)))


def uuids(count: int = MANY) -> list[str]:
    """Return UUIDs of one hash."""
    return [str(uuid.UUID(int=number)) for number in numbers(count)]


def times(count: int = MANY) -> list[str]:
    """Return times of which clients know the hashes."""
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    return [(start + dt.timedelta(seconds=number)).isoformat() for number in range(count)]


def keys(values: t.Iterable[t.Any]) -> dict[str, int]:
    """Return a dictionary with these keys."""
    return {str(value): 1 for value in values}


FLOODS = [
    (set[int], numbers), (frozenset[int], numbers), (set[float], numbers),
    (set[decimal.Decimal], texts), (set[uuid.UUID], uuids), (set[dt.datetime], times),
    (set[int | str], numbers), (set[t.Any], numbers), (set, numbers),
    (set[tuple[int, ...]], lambda: [[number] for number in numbers()]),
    (set[Point], lambda: [{"x": number} for number in numbers()]),
    (dict[int, int], lambda: keys(numbers())), (dict[uuid.UUID, int], lambda: keys(uuids())),
    (dict[decimal.Decimal, int], lambda: keys(texts())), (dict[float, int], lambda: keys(texts())),
    (dict[int | str, int], lambda: keys(numbers())),
    (list[set[int]], lambda: [numbers()]), (dict[str, set[int]], lambda: {"a": numbers()}),
    (tuple[str, set[int]], lambda: ["a", numbers()]), (set[int] | None, numbers),
    (Inside, lambda: {"ids": numbers()}), (Inside, lambda: {"inner": [{"ids": numbers()}]}),
    (Inside, lambda: {"either": keys(numbers())}),
    (PydanticInside, lambda: {"ids": numbers()}),
    (PydanticInside, lambda: {"inner": [{"inner": [{"ids": numbers()}]}]}),
    (PydanticInside, lambda: {"either": keys(numbers())}),
    (PydanticInside, lambda: {"changed": numbers()}),
    (PydanticInside, lambda: {"before": numbers()}),
    (PydanticInside, lambda: {"one": numbers()}),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "make"), FLOODS)
def test_flood_is_refused_before_it_is_hashed(annotation, make):
    """It takes the square of their number otherwise: 3 s for 20 000 of them."""
    client, data = client_of(annotation), json.dumps(make())
    client.post("/", json=[])
    start = time.process_time()
    response = client.post("/", data=data, content_type="application/json")
    assert time.process_time() - start < 1
    assert response.status_code == 422
    ((error),) = response.json["errors"] if response.is_json else [{"detail": response.text}]
    assert f"of length <= {MAX_HASHED}" in error["detail"].replace("&lt;", "<")


@pytest.mark.parametrize("written", ["name", "fraction"])
def test_flood_is_refused_however_it_is_hidden(written):
    """Behind another value of the same name, or beside a number that is read again."""
    flood = json.dumps(numbers())
    if written == "name":
        data = f'{{"ids": {flood}, "ids": []}}'
    else:
        data = f'{{"ids": {flood}, "other": 1.0, "more": 1e400}}'
    client = client_of(Inside)
    client.post("/", json={})
    start = time.process_time()
    response = client.post("/", data=data, content_type="application/json")
    assert time.process_time() - start < 1
    assert response.status_code in {400, 422}


@pytest.mark.parametrize(
    "key", [lambda number: number, float, lambda number: dt.datetime.fromtimestamp(number, dt.UTC)]
)
def test_flood_of_keys_is_refused_in_messagepack(key):
    """Whose keys may be numbers and times, for any type."""
    count = 2 * MAX_HASHED
    data = msgspec.msgpack.encode({key(number): 1 for number in range(count)})
    response = client_of(dict[str, int]).post("/", data=data, content_type="application/msgpack")
    assert response.status_code == 400
    assert "keys" in response.text


def test_many_keys_of_text_are_taken_in_messagepack():
    """Their hashes are others in each process; so are those of binary data."""
    data = msgspec.msgpack.encode({f"{number}": [number, {}] for number in range(3 * MAX_HASHED)})
    response = client_of(dict[str, t.Any]).post("/", data=data, content_type="application/msgpack")
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("annotation", "make"),
    [
        (set[int], lambda count: list(range(count))),
        (dict[int, int], lambda count: keys(range(count))),
        (PydanticInside, lambda count: {"ids": list(range(count))}),
        (Inside, lambda count: {"ids": list(range(count)), "either": list(range(count * 5))}),
    ],
)
def test_as_many_as_the_limit_are_taken(annotation, make):
    """And not one more."""
    client = client_of(annotation)
    assert client.post("/", json=make(MAX_HASHED)).status_code == 200
    assert client.post("/", json=make(MAX_HASHED + 1)).status_code == 422


@pytest.mark.parametrize("limit", [10, 3 * MAX_HASHED])
def test_limit_of_the_type_counts_instead(limit):
    """One that is higher is the application's decision, and one that is lower holds as well."""
    for annotation, make in (
        (t.Annotated[set[int], Meta(max_length=limit)], list),
        (t.Annotated[dict[int, int], Meta(max_length=limit)], keys),
    ):
        client = client_of(annotation)
        assert client.post("/", json=make(range(limit))).status_code == 200
        assert client.post("/", json=make(range(limit + 1))).status_code == 422


@pytest.mark.parametrize(
    "annotation",
    [set[str], frozenset[bytes], set[Colour | None], set[t.Literal["red", 1]], dict[str, int],
     list[int], tuple[int, ...]],
)  # fmt: skip
def test_what_clients_cannot_collide_has_no_limit(annotation):
    """Text has other hashes in each process, and of enumerations there are few values."""
    count = 3 * MAX_HASHED
    usual = {dict[str, int]: keys(range(count)), list[int]: [1] * count}
    usual[tuple[int, ...]] = [1] * count
    usual[frozenset[bytes]] = ["cmVk"] * count
    sent = usual.get(annotation, ["red"] * count)
    assert client_of(annotation).post("/", json=sent).status_code == 200


def test_sets_of_text_places_have_the_limit():
    """Of the query, a header or a form, alone or in a model, and in a part that is JSON."""

    class Filters(msgspec.Struct):
        ids: set[int]

    app = Costrel(__name__)
    app.config.update(MAX_QUERY_FIELDS=None, MAX_FORM_FIELDS=None)

    def add(rule: str, annotation: t.Any, **others: t.Any) -> None:
        def show(ids, **_others):
            return "taken"

        show.__annotations__ = {"ids": annotation, "return": str}
        app.route(rule, endpoint=rule, methods=["GET", "POST"])(show)

    add("/query", set[int])
    add("/whole", t.Annotated[Filters, Query()])
    add("/header", t.Annotated[set[int], Header()])
    add("/form", t.Annotated[set[int], Form()])
    add("/part", t.Annotated[dict[str, set[int]], Form()])
    client = app.test_client()
    for count, status in ((MAX_HASHED, 200), (MAX_HASHED + 1, 422)):
        many = list(range(count))
        text = "&".join(f"ids={one}" for one in many)
        assert client.get(f"/query?{text}").status_code == status
        assert client.get(f"/whole?{text}").status_code == status
        headers = {"Ids": ",".join(map(str, many))}
        assert client.get("/header", headers=headers).status_code == status
        assert client.post("/form", data={"ids": many}).status_code == status
        part = json.dumps({"a": many})
        assert client.post("/part", data={"ids": part}).status_code == status


def test_document_tells_of_the_limit_of_a_model_of_pydantic():
    """Where its schema says that an array is a set."""

    class Model(pydantic.BaseModel):
        ids: set[int] = set()
        words: set[str] = set()
        colours: set[Colour] = set()
        few: t.Annotated[set[int], pydantic.Field(max_length=5)] = set()

    app = Costrel(__name__)

    def send(model):
        return model

    send.__annotations__ = {"model": Model, "return": Model}
    app.post("/")(send)
    schemas = document_of(app)["components"]["schemas"]
    limits = {
        name: {field: one.get("maxItems") for field, one in schemas[name]["properties"].items()}
        for name in ("Model", "ModelInput")
    }
    none = {"ids": None, "words": None, "colours": None}
    assert limits["Model"] == {**none, "few": 5}
    assert limits["ModelInput"] == {**none, "ids": MAX_HASHED, "few": 5}
    client = client_of(Model)
    for name, one in (("words", "a"), ("colours", "red")):
        assert client.post("/", json={name: [one] * 2 * MAX_HASHED}).status_code == 200


def test_document_tells_of_the_limit():
    """So that clients know, and what it allows is what is taken."""
    app = Costrel(__name__)

    @app.post("/")
    def send(value: t.Annotated[dict[str, set[int]], Body()], ids: set[int]) -> set[int]:
        return ids

    @app.put("/")
    def put(value: t.Annotated[dict[int, set[str]], Body()]) -> str:
        return "taken"

    operations = document_of(app)["paths"]["/"]
    body = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["additionalProperties"]["maxItems"] == MAX_HASHED
    assert operations["post"]["parameters"][0]["schema"]["maxItems"] == MAX_HASHED
    sent = operations["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert "maxItems" not in sent
    body = operations["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["maxProperties"] == MAX_HASHED
    assert "maxItems" not in body["additionalProperties"]
