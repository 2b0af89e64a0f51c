"""Whole numbers in JSON documents, however they are written."""

from __future__ import annotations

import datetime as dt
import io
import re
import typing as t
from decimal import Decimal

import msgspec
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from costrel import Costrel
from costrel.api import Form
from costrel.api.intake import Intake
from costrel.api.kinds import kind_of
from costrel.openapi.scalars import DURATION


class Count(Struct):
    """A model with each kind of number."""

    number: t.Annotated[int, Meta(ge=0)] = 0
    ratio: float = 0.0
    text: str = ""
    inner: list[Count] = []


@pytest.fixture
def client(path):
    """Return a client of an application that sends what it takes."""
    app = Costrel(__name__)

    @app.post("/")
    def send(count: Count) -> Count:
        return count

    @app.post("/part")
    def send_part(count: t.Annotated[Count, Form()], name: t.Annotated[str, Form()]) -> Count:
        return count

    return app.test_client()


def post(client, body):
    """Send a body as JSON."""
    return client.post("/", data=body, content_type="application/json")


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ('{"number": 2000.0}', 2000),
        ('{"number": 2e3}', 2000),
        ('{"number": 9007199254740993.0}', 9007199254740993),
        ('{"number": 2000.0, "text": "1.0"}', 2000),
        ('{"ratio": 1.5, "number": 1.0, "text": "\\u0022: 1.0"}', 1),
        ('{"number": 1e18}', 10**18),
        ('{"number": 9223372036854775808.0}', 2**63),
    ],
)
def test_whole_number_is_an_integer(client, body, number):
    """As JSON Schema has it, whose type ``integer`` the document names; text stays as it is."""
    response = post(client, body)
    assert response.status_code == 200, response.text
    assert response.json["number"] == number
    assert response.json["text"] == msgspec.json.decode(body).get("text", "")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ('{"number": 1.5}', {"/number": "Expected `int`, got `float`"}),
        ('{"number": -1.0}', {"/number": "Expected `int` >= 0"}),
        ('{"number": 1.00000000000000000001}', {"/number": "Expected `int`, got `float`"}),
        ('{"number": 1.0, "text": 1}', {"/text": "Expected `str`, got `int`"}),
        ('{"number": 1e308}', {"/number": "Expected `int`, got `float`"}),
        ('{"number": 18446744073709551616.0}', {"/number": "Expected `int`, got `float`"}),
        ('{"inner": [{"number": 1.0}, {"number": 1.5}]}',
         {"/inner/1/number": "Expected `int`, got `float`"}),
    ],
)  # fmt: skip
def test_other_numbers_are_refused(client, body, errors):
    """With all errors, and none for what was taken."""
    response = post(client, body)
    assert response.status_code == 422
    assert {one["pointer"]: one["detail"] for one in response.json["errors"]} == errors


@pytest.mark.parametrize("number", ["1e400", "1e999999999", "-1e400", "1.0e400"])
def test_number_out_of_range_is_refused(client, number):
    """It is not made as an integer, which would take long."""
    assert post(client, f'{{"number": {number}}}').status_code in {400, 422}


def test_part_of_a_form_is_read_alike(client):
    """It is JSON too."""
    part = (io.BytesIO(b'{"number": 2.0}'), None, "application/json")
    response = client.post("/part", data={"count": part, "name": "x"})
    assert response.json["number"] == 2


TEXT = st.text(max_size=10)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXT
        | st.floats(-1e15, 1e15),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=8,
    )
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_numbers_keep_their_value(value):
    """Whatever else is in the document."""
    data = msgspec.json.encode(value)
    for annotation in (t.Any, int, list[int], dict[str, list[int] | float], list[Count]):
        written = Intake(kind_of(annotation)).with_integers(data)
        assert msgspec.json.decode(written) == msgspec.json.decode(data)


DIGITS = st.from_regex(r"[0-9]{1,8}", fullmatch=True)
OPTIONAL = st.none() | DIGITS


@given(st.sampled_from(["", "-"]), OPTIONAL, OPTIONAL, OPTIONAL, OPTIONAL, OPTIONAL)
def test_duration_that_is_described_is_read(sign, days, hours, minutes, seconds, fraction):
    """The pattern in the document has nothing that msgspec refuses."""
    if seconds and fraction:
        seconds = f"{seconds}.{fraction[:6]}"
    parts = [(hours, "H"), (minutes, "M"), (seconds, "S")]
    time = "".join(f"{number}{unit}" for number, unit in parts if number)
    text = f"{sign}P{f'{days}D' if days else ''}{f'T{time}' if time else ''}"
    if days or time:
        assert re.search(DURATION, text)
        assert isinstance(msgspec.convert(text, dt.timedelta), dt.timedelta)
    else:
        assert not re.search(DURATION, text)


@given(st.timedeltas(dt.timedelta(days=-99_999_999), dt.timedelta(days=99_999_998)))
def test_duration_that_is_sent_is_described(duration):
    """The pattern has everything that msgspec writes."""
    assert re.search(DURATION, msgspec.to_builtins(duration))


def test_large_numbers_do_not_grow():
    """A document of numbers with large exponents is not written with all their zeros."""
    body = b'{"ratios": [' + b",".join([b"1e308"] * 1_000) + b"], " + b'"number": 1.0}'
    written = Intake(kind_of(Count)).with_integers(body)
    assert len(written) < 2 * len(body)
    assert msgspec.json.decode(written)["number"] == 1


def test_large_ratio_beside_a_whole_number(client):
    """What is left as it is still fits a field that may be any number."""
    response = post(client, '{"ratio": 1e308, "number": 2.0}')
    assert response.json == {"number": 2, "ratio": 1e308, "text": "", "inner": []}


class Amount(Struct):
    """A model with each type that a number with a fraction may have."""

    count: int
    exact: Decimal
    ratio: float = 0.0
    anything: t.Any = None
    either: int | Decimal = 0
    inner: list[Amount] = []
    by_name: dict[str, int | None] = {}


class PydanticAmount(pydantic.BaseModel):
    """The same for Pydantic."""

    count: int
    exact: Decimal
    ratio: float = 0.0
    anything: t.Any = None
    either: int | Decimal = 0
    inner: list[PydanticAmount] = []
    by_name: dict[str, int | None] = {}


EXACT = "12345678901234567890.12", "100.00", "0.10", "1.5e3", "7", "-0.0"


@pytest.fixture
def taker(path):
    """Return a client of an application that sends the representation of what it takes."""
    app = Costrel(__name__)
    for rule, model in (("struct", Amount), ("pydantic", PydanticAmount)):

        def show(amount):
            return [amount.count, *(repr(getattr(amount, name)) for name in SHOWN)]

        show.__annotations__ = {"amount": model}
        app.post(f"/{rule}", endpoint=rule)(show)

    @app.post("/part")
    def show_part(amount: t.Annotated[Amount, Form()], name: t.Annotated[str, Form()]):
        return [amount.count, *(repr(getattr(amount, name)) for name in SHOWN)]

    return app.test_client()


SHOWN = ("exact", "ratio", "anything")


@pytest.mark.parametrize("count", ["1", "1.0", "1e0"])
@pytest.mark.parametrize("exact", EXACT)
@pytest.mark.parametrize("model", ["struct", "pydantic", "part"])
def test_whole_number_changes_no_other_number(taker, model, exact, count):
    """Each is what it was written as, for its type, however the integers are written."""
    text = f'{{"count": {count}, "exact": {exact}, "ratio": -0.0, "anything": 2.0}}'
    if model == "part":
        response = taker.post("/part", data={"amount": text, "name": "x"})
    else:
        response = post_to(taker, f"/{model}", text)
    assert response.json == [1, repr(Decimal(exact)), "-0.0", "2.0"]


@pytest.mark.parametrize("model", ["struct", "pydantic", "part"])
def test_whole_number_is_found_at_any_depth(taker, model):
    """In a list of the model itself, and in a dictionary of optional numbers."""
    inner = '[{"count": 2.0, "exact": 1, "by_name": {"a": 3.0, "b": null}}]'
    text = f'{{"count": 1.0, "exact": 1, "inner": {inner}, "either": 1.50}}'
    if model == "part":
        response = taker.post("/part", data={"amount": text, "name": "x"})
    else:
        response = post_to(taker, f"/{model}", text)
    assert response.status_code == 200, response.json


def test_name_that_is_there_twice_has_to_fit_each_time(taker):
    """Also beside an integer that is written with a fraction, for which it would be read again."""
    for count in ("1", "1.0"):
        text = f'{{"exact": {{}}, "exact": 1, "count": {count}}}'
        assert post_to(taker, "/struct", text).status_code == 422


def post_to(client, path, text):
    """Send a document to a path."""
    return client.post(path, data=text, content_type="application/json")
