"""Formats: which one a client gets, and which ones it may send."""

from __future__ import annotations

import datetime as dt
import typing as t
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from costrel import Costrel, request
from costrel.api import negotiation, packed
from costrel.json.depth import MAX_DEPTH
from costrel.testing import FlaskClient

JSON = "application/json"
MSGPACK = "application/msgpack"


class Event(Struct):
    """A model."""

    name: str
    at: dt.datetime | None = None
    data: bytes = b""


class Node(Struct):
    """A recursive model."""

    children: list[Node] = []


@pytest.fixture
def client(path: str) -> FlaskClient:
    """Return a client of an application with typed views, and with pages."""
    app = Costrel(__name__)
    app.config["DONE"] = []

    @app.get("/")
    def show() -> Event:
        return Event("launch", dt.datetime(2020, 1, 2, tzinfo=dt.UTC), b"\xff")

    @app.post("/", status=201)
    def add(event: Event) -> Event:
        app.config["DONE"].append(event)
        return event

    @app.post("/nodes")
    def add_node(node: Node) -> int:
        return len(node.children)

    @app.get("/cached")
    def show_for_long() -> Event:
        return t.cast("Event", (Event("launch"), {"Cache-Control": "max-age=60"}))

    @app.get("/page")
    def page() -> str:
        return request.headers.get("Accept", "")

    @app.delete("/")
    def delete() -> None:
        return None

    return app.test_client()


# Accept -> the media type of the answer; None for 406.
ACCEPTS: dict[str | None, str | None] = {
    None: JSON,
    "": JSON,
    "*/*": JSON,
    JSON: JSON,
    "Application/JSON": JSON,
    "application/json, text/plain, */*": JSON,
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": JSON,
    "application/*": JSON,
    "application/json; charset=utf-8": JSON,
    "application/json;version=1;q=0.5": JSON,
    "application/json, application/msgpack": JSON,
    "application/msgpack, */*": MSGPACK,
    MSGPACK: MSGPACK,
    "application/msgpack;q=0.1": MSGPACK,
    "application/json;q=0.5, application/msgpack": MSGPACK,
    "application/json;q=0.5, application/msgpack;q=0.4": JSON,
    "application/json;q=0, */*": MSGPACK,
    "application/x-msgpack": "application/x-msgpack",
    "application/vnd.msgpack, application/json;q=0.9": "application/vnd.msgpack",
    # What makes no sense is as if it were not there.
    "nonsense": JSON,
    "json": JSON,
    "/": JSON,
    "*": JSON,
    ";q=1": JSON,
    ",,": JSON,
    "application/json;q=x": JSON,
    "\xff\xfe": JSON,
    "text/html": None,
    "image/*": None,
    "application/xml, text/xml": None,
    "*/*;q=0": None,
    "application/json;q=0": None,
    "application/vnd.book+json": None,
}


@pytest.mark.parametrize("accept", ACCEPTS, ids=repr)
def test_format_is_the_one_that_the_client_prefers(client: FlaskClient, accept: str | None) -> None:
    """JSON if it does not say, 406 as a problem if it accepts neither."""
    wanted = ACCEPTS[accept]
    response = client.get("/", headers={} if accept is None else {"Accept": accept})
    if wanted is None:
        assert (response.status_code, response.json["status"]) == (406, 406)
        assert response.content_type == "application/problem+json"
        return
    assert (response.status_code, response.content_type) == (200, wanted)
    decode = msgspec.json.decode if wanted == JSON else msgspec.msgpack.decode
    assert decode(response.data, type=Event).name == "launch"
    is_usual = accept in {None, "", "*/*", JSON}
    assert response.headers.get("Vary") == (None if is_usual else "Accept")


def test_view_is_not_called_for_a_client_that_accepts_nothing(client: FlaskClient) -> None:
    """What it does would be done, and the client would not know it."""
    headers = {"Accept": "text/html"}
    response = client.post("/", json={"name": "x"}, headers=headers)
    assert response.status_code == 406
    assert client.application.config["DONE"] == []
    assert client.post("/", json={"name": "x"}).status_code == 201


def test_what_is_no_data_is_not_negotiated(client: FlaskClient) -> None:
    """Neither pages, nor errors, nor an answer without a body."""
    assert client.get("/page", headers={"Accept": MSGPACK}).text == MSGPACK
    assert client.delete("/", headers={"Accept": "text/html"}).status_code == 204
    response = client.post("/", json={}, headers={"Accept": MSGPACK})
    assert (response.status_code, response.content_type) == (422, "application/problem+json")


def test_answer_that_may_be_kept_varies(client: FlaskClient) -> None:
    """A cache must not give it to a client that wants another format."""
    assert client.get("/cached").headers["Vary"] == "Accept"


@pytest.mark.parametrize("content_type", negotiation.PACKED_TYPES)
def test_body_may_be_messagepack(client: FlaskClient, content_type: str) -> None:
    """Its dates and binary data are those of JSON; so are its errors."""
    event = Event("x", dt.datetime(2020, 1, 2, tzinfo=dt.UTC), b"\xff\0")
    response = client.post(
        "/", data=msgspec.msgpack.encode(event), content_type=content_type,
        headers={"Accept": content_type},
    )  # fmt: skip
    assert response.status_code == 201, response.text
    assert response.content_type == content_type
    assert msgspec.msgpack.decode(response.data, type=Event) == event
    wrong = msgspec.msgpack.encode({"name": 1, "data": b"x"})
    response = client.post("/", data=wrong, content_type=content_type)
    assert response.status_code == 422
    assert response.json["errors"] == [
        {"in": "body", "pointer": "/name", "detail": "Expected `str`, got `int`"}
    ]


def _nested(depth: int) -> bytes:
    return b"\x81\xa8children\x91" * (depth // 2) + b"\x80"


# Bodies in MessagePack -> status.
BODIES: dict[bytes, int] = {
    b"": 422,
    b"\xc0": 422,
    b"\x90": 422,
    b"\xc1": 400,
    b"\x81\xa4name": 400,
    b"\x80\x80": 400,
    b"\x81\xa4name\xa1\xff": 400,
    b"\x81\x91\x01\x02": 400,
    b"\x81\x80\x02": 400,
    b"\xd4\x05\x00": 400,
    b"\x82\xa4name\xa1x\x01\x02": 201,
    b"\x82\xa4name\xa1x\xa2at\xcb\x7f\xf8\0\0\0\0\0\0": 400,
    b"\x82\xa4name\xa1x\xa2at\xcb\x3f\xf8\0\0\0\0\0\0": 422,
    b"\xdf\xff\xff\xff\xff": 400,
    b"\xdd\xff\xff\xff\xff\x01": 400,
    b"\xdd\x7f\xff\xff\xff" * 100: 400,
    b"\xdc\xff\xff" * 400: 400,
    b"\x91" * 100_000: 400,
    b"\x81\x01" * 100_000: 400,
}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:12].hex())
@pytest.mark.parametrize("is_guarded", [True, False])
def test_messagepack_of_any_kind_is_answered(
    client: FlaskClient, body: bytes, is_guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken, too deep, or with what JSON can't hold: 400, and never a 500."""
    monkeypatch.setattr(packed, "UNGUARDED", not is_guarded)
    response = client.post("/", data=body, content_type=MSGPACK)
    assert response.status_code == BODIES[body], response.text


@pytest.mark.parametrize("is_guarded", [True, False])
def test_messagepack_may_be_as_deep_as_json(
    client: FlaskClient, is_guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One level more is refused, as in JSON."""
    monkeypatch.setattr(packed, "UNGUARDED", not is_guarded)
    for depth, status in ((MAX_DEPTH // 2, 200), (MAX_DEPTH + 2, 400)):
        response = client.post("/nodes", data=_nested(depth), content_type=MSGPACK)
        assert response.status_code == status, response.text


_plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
_values = st.recursive(
    _plain | st.binary(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=80,
)


def _depth(value: t.Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


@given(_values, st.integers(0, 4))
def test_depth_is_counted_without_recursion(value: t.Any, limit: int) -> None:
    """`check_heads` finds the same depth as a walk of the value."""
    # Empty arrays and maps have nothing in them that could recurse.
    data = msgspec.msgpack.encode(_filled(value))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "MAX_DEPTH", limit)
        if _depth(_filled(value)) > limit:
            with pytest.raises(ValueError, match="nested too deeply"):
                packed.check_heads(data)
        else:
            packed.check_heads(data)


def _filled(value: t.Any) -> t.Any:
    """Return a value without empty arrays and maps."""
    if isinstance(value, list):
        return [_filled(item) for item in value] or [None]
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()} or {"": None}
    return value


@given(st.binary(max_size=200))
def test_depth_of_noise_is_found_out(data: bytes) -> None:
    """Whatever is sent, it ends, and refuses nothing that can be decoded."""
    try:
        packed.to_json(data)
    except (ValueError, msgspec.DecodeError):
        with suppress(ValueError):
            packed.check_heads(data)
    else:
        packed.check_heads(data)


@given(st.text(st.characters(max_codepoint=255)))
def test_accept_of_noise_has_an_answer(accept: str) -> None:
    """JSON, MessagePack or neither."""
    found = negotiation._choose(accept)
    assert found is None or found.media_type in {JSON, *negotiation.PACKED_TYPES}


def test_headers_that_are_remembered_are_few(client: FlaskClient) -> None:
    """A client can't fill the memory with them."""
    for number in range(2 * negotiation._KNOWN_LIMIT):
        client.get("/", headers={"Accept": f"application/json;q=0.{number}"})
    assert len(negotiation._known) <= negotiation._KNOWN_LIMIT
    assert client.get("/", headers={"Accept": "application/msgpack;q=0.999"}).mimetype == MSGPACK


def test_number_that_messagepack_can_not_hold_is_had_as_json(path: str) -> None:
    """A client may have sent it; it is no error of the application's."""
    app = Costrel(__name__)

    @app.get("/<int:number>")
    def show(number: int) -> int:
        return number

    client = app.test_client()
    refused = client.get(f"/{2**64}", headers={"Accept": MSGPACK})
    assert (refused.status_code, refused.content_type) == (406, "application/problem+json")
    assert client.get(f"/{2**64}").json == 2**64
