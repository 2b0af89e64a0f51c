"""MessagePack is held to the grammar of JSON, and what is sent as MessagePack can be read."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import struct
import typing as t
import uuid
from dataclasses import dataclass

import msgspec
import pytest
from msgspec import Meta, Raw, Struct
from msgspec.msgpack import Ext

from costrel import Costrel
from costrel.api import Body

MSGPACK = "application/msgpack"
JSON = "application/json"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
EPOCH_TEXT = "1970-01-01T00:00:00Z"
pack = msgspec.msgpack.encode

pytestmark = pytest.mark.usefixtures("path")


class Color(enum.Enum):
    """An enumeration."""

    RED = "red"


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    LOW = 1


class Row(Struct, array_like=True):
    """An array."""

    name: str
    data: bytes = b""


class Square(Struct, tag="square"):
    """A struct with a tag."""

    side: int
    name: str = ""


class Circle(Struct, tag="circle"):
    """Another."""

    data: bytes


class TaggedRow(Struct, array_like=True, tag="row"):
    """An array with a tag."""

    name: str


class OtherRow(Struct, array_like=True, tag="other"):
    """Another."""

    data: bytes


class Node(Struct):
    """A recursive model."""

    name: str = ""
    price: decimal.Decimal = decimal.Decimal(0)
    nodes: list[Node] = []


def make_app(annotation: t.Any) -> Costrel:
    """Make an application that takes a value in the body, and sends it back."""
    app = Costrel(__name__)
    app.testing = True

    def take(value):
        return [value]

    take.__annotations__ = {
        "value": t.Annotated[annotation, Body()],
        "return": list[annotation],
    }
    app.add_url_rule("/", "take", take, methods=["POST"])
    return app


def post(annotation: t.Any, body: bytes, media_type: str) -> tuple[int, t.Any]:
    """Return the status of a request, and what is wrong or what comes back."""
    response = make_app(annotation).test_client().post("/", data=body, content_type=media_type)
    content = response.json
    return response.status_code, content.get("errors") if isinstance(content, dict) else content


Naive = t.Annotated[dt.datetime, Meta(tz=False)]
NOT_TEXT = "Expected `str`, got `bytes`"

# A type, a value that is no value of it, the pointer and what is wrong.
REFUSED: list[tuple[t.Any, t.Any, str, str]] = [
    (str, b"ab", "", NOT_TEXT),
    (str, EPOCH, "", "Expected `str`, got `datetime`"),
    (str | None, b"ab", "", "Expected `str | null`, got `bytes`"),
    (list[str], ["a", b"ab"], "/1", NOT_TEXT),
    (t.Literal["YWI="], b"ab", "", NOT_TEXT),
    (Color, b"\xad\xe7]", "", NOT_TEXT),
    (decimal.Decimal, b"\xd7m\xf8", "", "Expected `decimal`, got `bytes`"),
    (dt.date, EPOCH, "", "Expected `date`, got `datetime`"),
    (dt.time, EPOCH, "", "Expected `time`, got `datetime`"),
    (Naive, EPOCH, "", "Expected `datetime` with no timezone component"),
    (uuid.UUID, b"0" * 16, "", "Invalid UUID"),
    (t.Annotated[bytes, Meta(max_length=2)], b"abc", "", "Expected `bytes` of length <= 2"),
    (dict[str, int], {1: 1}, "/1", "As a key: Expected `str`, got `int`"),
    (dict[str, int], {b"a": 1}, "/b'a'", "As a key: Expected `str`, got `bytes`"),
    (dict[str, int], {1.5: 1}, "/1.5", "As a key: Expected `str`, got `float`"),
    (dict[int, int], {1.5: 1}, "/1.5", "As a key: Expected `int`, got `float`"),
    (dict[dt.date, int], {1: 1}, "/1", "As a key: Expected `date`, got `int`"),
    (dict[str, dict[int, int]], {1: {1: 1}}, "/1", "As a key: Expected `str`, got `int`"),
    (Row, ["a", "YQ==", 1, b"a"], "", ""),
    (Row, [b"a"], "/0", NOT_TEXT),
    (Square, {"side": 1, "name": b"a"}, "/name", NOT_TEXT),
    (Square | Circle, {"type": "square", "side": 1, "name": b"a"}, "/name", NOT_TEXT),
    (TaggedRow | OtherRow, ["row", b"a"], "/1", NOT_TEXT),
    (TaggedRow, [b"row", "a"], "/0", "Expected `str`"),
    (Node, {"nodes": [{"name": b"a", "nodes": []}]}, "/nodes/0/name", NOT_TEXT),
    (tuple[str, bytes], ["a", EPOCH], "/1", "Expected `bytes`, got `datetime`"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "value", "pointer", "detail"), REFUSED, ids=repr)
def test_value_of_another_type_is_refused(
    annotation: t.Any, value: t.Any, pointer: str, detail: str
) -> None:
    """Binary data is no text, nor is a timestamp, whatever they are in JSON."""
    status, errors = post(annotation, pack(value), MSGPACK)
    if not detail:
        assert status == 200
        return
    assert (status, errors) == (422, [{"in": "body", "pointer": pointer, "detail": detail}])


# A type, and a value in MessagePack that is one of it, with what comes back as JSON.
TAKEN: list[tuple[t.Any, t.Any, t.Any]] = [
    (bytes, b"ab", "YWI="),
    (bytes, "YWI=", "YWI="),
    (t.Annotated[bytes, Meta(min_length=2, max_length=2)], b"ab", "YWI="),
    (dt.datetime, EPOCH, EPOCH_TEXT),
    (dt.datetime, EPOCH_TEXT, EPOCH_TEXT),
    (t.Annotated[dt.datetime, Meta(tz=True)], EPOCH, EPOCH_TEXT),
    (dict[int, bytes], {1: b"ab", "2": b""}, {"1": "YWI=", "2": ""}),
    (dict[float, int], {1.5: 1, 2: 3}, {"1.5": 1, "2.0": 3}),
    (dict[Level, bytes], {1: b"ab"}, {"1": "YWI="}),
    (dict[t.Literal[1], int], {1: 2}, {"1": 2}),
    (dict[bytes, int], {b"ab": 2}, {"YWI=": 2}),
    (dict[dt.datetime, int], {EPOCH_TEXT: 2}, {EPOCH_TEXT: 2}),
    (dict[int | str, int], {"a": 1}, {"a": 1}),
    (dict[str, t.Any], {"a": b"ab", "b": [EPOCH]}, {"a": "YWI=", "b": [EPOCH_TEXT]}),
    (dict[str, dict[int, bytes]], {"a": {1: b"ab"}}, {"a": {"1": "YWI="}}),
    (tuple[int, bytes], [2.0, b"ab"], [2, "YWI="]),
    (tuple[float, bytes], [2, b"ab"], [2.0, "YWI="]),
    (Row, ["a", b"ab"], ["a", "YWI="]),
    (TaggedRow | OtherRow, ["other", b"ab"], ["other", "YWI="]),
    (Square | Circle | None, {"type": "circle", "data": b"ab"}, {"type": "circle", "data": "YWI="}),
    (Node, {"price": 1.5, 1: b"unknown"}, {"name": "", "price": "1.5", "nodes": []}),
    (tuple[Raw, bytes], [{"a": 1}, b"ab"], [{"a": 1}, "YWI="]),
]


@pytest.mark.parametrize(("annotation", "value", "sent"), TAKEN, ids=repr)
def test_value_of_the_type_is_taken(annotation: t.Any, value: t.Any, sent: t.Any) -> None:
    """With what MessagePack has besides: binary data, timestamps and numbers as keys."""
    assert post(annotation, pack(value), MSGPACK) == (200, [sent])


# Bodies that are neither MessagePack nor JSON could hold.
BROKEN: dict[str, bytes] = {
    "not a number": pack(float("nan")),
    "infinity": pack([float("-inf")]),
    "infinity of single precision": b"\xca\x7f\x80\0\0",
    "infinity as a key": b"\x81\xcb\x7f\xf0\0\0\0\0\0\0\x01",
    "extension": pack(Ext(5, b"a")),
    "extension in a map": pack({"a": [Ext(5, b"a")]}),
    "None as a key": pack({None: 1}),
    "bool as a key": pack({True: 1}),
    "array as a key": b"\x81\x91\x01\x01",
    "key twice": b"\x82\xa1a\x01\xa1a\x01",
    "key twice within": b"\x81\xa1b\x92\xc0\x82\xa1a\x01\xa1a\x01",
    "number as a key twice": b"\x82\x01\x01\x01\x01",
    "key twice beside single precision": b"\x83\xa1a\x01\xa1a\x01\xa1b\xca\x3f\x80\0\0",
    "key twice beside a timestamp": b"\x83\xa1a\x01\xa1a\x01\xa1b\xd6\xff\0\0\0\0",
    "key twice, written at length": b"\x82\xd9\x01a\x01\xa1a\x01",
    "key twice in a large map": b"\xde\x00\x02\xa1a\x01\xa1a\x01",
    "more behind": b"\x01\x01",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("annotation", [t.Any, dict[str, int], Node, float | None], ids=repr)
def test_what_json_can_t_hold_is_a_broken_body(name: str, annotation: t.Any) -> None:
    """As it is in JSON, also where anything may be."""
    app = make_app(annotation)
    response = app.test_client().post("/", data=BROKEN[name], content_type=MSGPACK)
    assert response.status_code == 400
    assert response.json["detail"].startswith("The body is not valid MessagePack: ")


@pytest.mark.parametrize("size", [1, 30, 300, 70_000])
def test_values_that_are_not_written_in_the_shortest_way_are_taken(size: int) -> None:
    """Other encoders write all integers with 64 bits, or lengths that could be shorter."""
    key = "k" * size
    body = b"\xdf\0\0\0\x02"
    for name in (key, "b"):
        text = name.encode()
        body += b"\xdb" + struct.pack(">I", len(text)) + text + b"\xd3" + struct.pack(">q", 1)
    assert post(dict[str, int], body, MSGPACK) == (200, [{key: 1, "b": 1}])
    single = b"\x92\x82\xa1a\xca\x3f\x80\0\0\xa1b\x01\x81\xa1a\x01"
    assert post(list[dict[str, float]], single, MSGPACK)[0] == 200


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1_000", " 1"])
def test_errors_are_found_at_any_depth(value: str) -> None:
    """What a search can't look into is not accepted."""
    node: dict[str, t.Any] = {"price": value}
    for _ in range(240):
        node = {"nodes": [node]}
    for body, media_type in ((pack(node), MSGPACK), (json.dumps(node).encode(), JSON)):
        assert post(Node, body, media_type)[0] in {400, 422}
    # A number out of range, in a field that nobody knows, does not hide it.
    body = b'{"x": 1e999, "price": "%s"}' % value.encode()
    assert post(Node, body, JSON)[0] == 422


# Answers


class Holder(Struct):
    """A model with JSON that is passed on."""

    content: Raw
    at: dt.datetime = EPOCH


@dataclass
class Loose:
    """A model with anything."""

    content: t.Any
    at: dt.datetime = EPOCH


RAW = Raw(b'{"a": [1, null, "\\u00e9"], "b": 1.5}')
MEANT = {"a": [1, None, "é"], "b": 1.5}


@pytest.mark.parametrize(
    ("annotation", "value", "meant"),
    [
        (Holder, Holder(RAW), {"content": MEANT, "at": EPOCH_TEXT}),
        (list[Holder], [{"content": RAW, "more": 1}], [{"content": MEANT, "at": EPOCH_TEXT}]),
        (Raw, RAW, MEANT),
        (dict[str, Raw], {"x": RAW}, {"x": MEANT}),
        (Loose, Loose(RAW), {"content": MEANT, "at": EPOCH_TEXT}),
        (Loose, Loose([{"x": RAW}]), {"content": [{"x": MEANT}], "at": EPOCH_TEXT}),
        (Loose, Loose(b"ab"), {"content": b"ab", "at": EPOCH}),
        (list[Row], [Row("a", b"ab")], [["a", b"ab"]]),
    ],
)
def test_json_that_is_passed_on_can_be_read_in_each_format(
    annotation: t.Any, value: t.Any, meant: t.Any
) -> None:
    """In MessagePack, its text would be no value."""
    app = Costrel(__name__)

    def show():
        return value

    show.__annotations__ = {"return": annotation}
    app.add_url_rule("/", "show", show)
    client = app.test_client()
    packed = client.get("/", headers={"Accept": MSGPACK})
    assert (packed.status_code, packed.content_type) == (200, MSGPACK)
    assert msgspec.msgpack.decode(packed.data) == meant
    assert client.get("/").json == json.loads(msgspec.json.encode(meant))


@pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b"[1] [2]"])
@pytest.mark.parametrize("media_type", [JSON, MSGPACK])
def test_raw_that_is_no_json_is_not_sent(body: bytes, media_type: str) -> None:
    """It is the view's mistake, and the log says so."""
    app = Costrel(__name__)

    @app.get("/")
    def show() -> Holder:
        return Holder(Raw(body))

    response = app.test_client().get("/", headers={"Accept": media_type})
    assert (response.status_code, response.json["status"]) == (500, 500)


def test_raw_is_json_in_each_format() -> None:
    """A view reads it in one way."""
    taken = []
    app = Costrel(__name__)

    @app.post("/")
    def take(holder: Holder) -> None:
        taken.append(bytes(holder.content))

    client = app.test_client()
    assert client.post("/", json={"content": {"a": 1}}).status_code == 204
    body = pack({"content": {"a": 1, "b": b"ab"}})
    assert client.post("/", data=body, content_type=MSGPACK).status_code == 204
    assert list(map(json.loads, taken)) == [{"a": 1}, {"a": 1, "b": "YWI="}]
