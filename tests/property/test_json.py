"""The JSON provider gives the same results as the standard library, only faster."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import http
import itertools
import json
import struct
import typing as t
import uuid
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from costrel.json.plain import write_plainly
from costrel.json.provider import MAX_DEPTH, DefaultJSONProvider, _default


class FakeApp:
    """The part of an application that a provider uses."""

    debug = False


APP = FakeApp()

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats()
    | st.text()
    # Hypothesis leaves lone surrogates out of text() unless asked.
    | st.text(st.characters(codec=None, categories=("Cs", "Cc", "Ll")))
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
layouts: st.SearchStrategy[dict[str, t.Any]] = st.sampled_from(
    [{}, {"separators": (",", ":")}, {"indent": 2}, {"indent": "\t", "separators": (",", ":")}]
)

# Text that resembles JSON: digits, signs, escapes and brackets in any order.
nearly_json = st.text(
    '0123456789-+.eE[]{}:," \n\t\\/ubnrtdDaAfF89\ud83d\ude00é\x00\x1f\x7f\ufeffnultrefasNIiy',
    max_size=30,
)
numbers = st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
escapes = st.from_regex(
    r'"(\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[bfnrt"/\\]|[ -~é])*"', fullmatch=True
)


def outcome(function: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any) -> tuple[t.Any, ...]:
    """Return the result exactly, or the exception's type and text."""
    try:
        return ("returned", exactly(function(*args, **kwargs)))
    except Exception as error:  # noqa: BLE001  # whatever it is, both must raise it
        return ("raised", type(error), str(error))


def exactly(value: t.Any) -> t.Any:
    """Distinguish what ``==`` does not: 1, 1.0 and True; 0.0 and -0.0; key order."""
    if isinstance(value, float):
        return (float, struct.pack("d", value))
    if isinstance(value, dict):
        return (dict, [(exactly(key), exactly(item)) for key, item in value.items()])
    if isinstance(value, list):
        return (list, [exactly(item) for item in value])
    return (type(value), value)


@settings(deadline=None)
@given(documents, layouts, st.booleans(), st.booleans())
def test_any_document_dumps_as_the_standard_library_does(
    document: t.Any, layout: dict[str, t.Any], ensure_ascii: bool, sort_keys: bool
) -> None:
    """With the same options, the text or the exception is the same."""
    provider = DefaultJSONProvider(APP)
    provider.ensure_ascii = ensure_ascii
    provider.sort_keys = sort_keys
    expected = outcome(
        json.dumps,
        document,
        default=provider.default,
        ensure_ascii=ensure_ascii,
        sort_keys=sort_keys,
        **layout,
    )
    assert expected == outcome(provider.dumps, document, **layout)
    # And again, with an encoder that was used before.
    assert expected == outcome(provider.dumps, document, **layout)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.integers() | st.text(max_size=2) | st.booleans() | st.none() | st.floats() | st.tuples(),
        scalars,
    )
)
def test_any_keys_dump_as_the_standard_library_does(document: t.Any) -> None:
    """Keys that are not text are written, sorted or refused in the same way."""
    provider = DefaultJSONProvider(APP)
    expected = outcome(json.dumps, document, default=provider.default, sort_keys=True)
    assert expected == outcome(provider.dumps, document)


@settings(deadline=None)
@given(documents, layouts)
def test_any_dumped_document_loads_as_the_standard_library_does(
    document: t.Any, layout: dict[str, t.Any]
) -> None:
    """Values, their types and the order of keys are the same, from text and bytes."""
    provider = DefaultJSONProvider(APP)
    text = json.dumps(document, ensure_ascii=False, **layout)
    assert outcome(json.loads, text) == outcome(provider.loads, text)
    data = text.encode("utf-8", "surrogatepass")
    assert outcome(json.loads, data) == outcome(provider.loads, data)
    data = text.encode("utf-16", "surrogatepass")
    assert outcome(json.loads, data) == outcome(provider.loads, data)


@settings(deadline=None)
@given(nearly_json | numbers | escapes | st.text())
@example('{"a":1,"b":2,"a":3}')
@example("-0")
@example("1e400")
@example("NaN")
@example('"\ud800"')
@example('"\\ud800"')
@example("\ufeff1")
@example("1" * 5000)
def test_any_text_loads_or_fails_as_the_standard_library_does(text: str) -> None:
    """What is accepted is the same, and so are value, exception and message."""
    provider = DefaultJSONProvider(APP)
    assert outcome(json.loads, text) == outcome(provider.loads, text)


def test_text_nested_too_deeply_is_a_value_error() -> None:
    """SECURITY(recursion): deeper than the limit is refused before it is parsed."""
    provider = DefaultJSONProvider(APP)
    for opening, closing in (("[", "]"), ('{"a":', "}"), ('["]",', "]")):
        for depth in (MAX_DEPTH, MAX_DEPTH + 1, 100_000):
            text = opening * depth + "0" + closing * depth
            for document in (text, text.encode()):
                try:
                    provider.loads(document)
                except ValueError:
                    refused = True
                else:
                    refused = False
                assert refused == (depth > MAX_DEPTH), (opening, depth)
        assert outcome(provider.loads, opening * 100_000)[1] is ValueError


def test_many_brackets_that_are_not_nested_are_read() -> None:
    """A large flat document and brackets in strings are accepted."""
    provider = DefaultJSONProvider(APP)
    for value in ([[{}]] * 5_000, ["[" * 5_000, "]{" * 5_000], {"a": [['\\"['] * 2_000]}):
        assert provider.loads(json.dumps(value)) == value


def test_strings_without_an_end_are_looked_at_once() -> None:
    """Checking the depth takes linear time."""
    provider = DefaultJSONProvider(APP)
    for text in ("[" * 1_000 + '"' + '\\"' * 200_000, "[" * 1_000 + '"\\' * 200_001):
        assert outcome(provider.loads, text)[1] is ValueError


@settings(deadline=None)
@given(st.binary() | nearly_json.map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"1\x00")
@example(b"\x001")
@example(b"\xef\xbb\xbf1")
@example(b'"\xed\xa0\x80"')
@example(b'"\xff"')
@example(b"")
def test_any_bytes_load_or_fail_as_the_standard_library_does(data: bytes) -> None:
    """The encoding is detected the same, with the same result."""
    provider = DefaultJSONProvider(APP)
    assert outcome(json.loads, data) == outcome(provider.loads, data)
    assert outcome(json.loads, bytearray(data)) == outcome(provider.loads, bytearray(data))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1, None, [1], memoryview(b"1")])
def test_input_that_is_no_text_is_refused_as_by_the_standard_library(value: t.Any) -> None:
    """The accelerator must not widen what is accepted."""
    assert outcome(json.loads, value) == outcome(DefaultJSONProvider(APP).loads, value)


plain_text = st.text(st.characters(exclude_characters="\x7f", exclude_categories=("Cs",)))
usual_floats = (
    st.floats(1e-4, 1e16, exclude_max=True)
    | st.floats(-1e16, -1e-4, exclude_min=True)
    | st.sampled_from([0.0, -0.0])
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | usual_floats | plain_text,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(plain_text, inner),
    max_leaves=20,
)


@dataclasses.dataclass
class Point:
    """Be written as an object, whatever its fields are called."""

    y: t.Any
    x: t.Any = None
    _hidden: t.Any = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    """Have no ``__dict__``."""

    value: t.Any


@dataclasses.dataclass(init=False)
class Day(dt.date):
    """Be a date and a dataclass."""

    note: str = "note"


class Html:
    """Know its HTML."""

    def __init__(self, html: str) -> None:
        self.html = html

    def __html__(self) -> str:
        return self.html


class Struct(msgspec.Struct):
    """Be what only msgspec knows."""

    a: int


class Text(str):
    """Be text of a class of its own, that sorts in its own way."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return other < str(self)


class Number(int):
    """Be a number of a class of its own."""


class Plain(enum.Enum):
    """Have members that JSON has no form for."""

    A = 1


class Odd(str, enum.Enum):  # noqa: UP042  with a value apart
    """Have members of which the value is not the text."""

    A = "a"

    def __new__(cls, text: str) -> t.Self:
        member = str.__new__(cls, text)
        member._value_ = "value"
        return member


class OddNumber(int, enum.Enum):
    """Have members of which the value is not the number."""

    ONE = 1

    def __new__(cls, number: int) -> t.Self:
        member = int.__new__(cls, number)
        member._value_ = number + 1
        return member


class Pair(t.NamedTuple):
    """Be a tuple with names."""

    a: t.Any
    b: t.Any


class Items(dict[str, t.Any]):
    """Have other items than it holds."""

    def items(self) -> t.Any:
        return {"other": 1}.items()


zones = (
    st.none()
    | st.just(dt.UTC)
    | st.timezones()
    | st.builds(
        dt.timezone,
        st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23)),
    )
)
datetimes = st.datetimes(timezones=zones)
converted = (
    datetimes
    | st.dates()
    | st.decimals()
    | st.uuids()
    | st.builds(Html, st.text())
    | st.builds(Point, scalars, datetimes)
    | st.builds(Slotted, scalars)
)
strange = st.sampled_from(
    [
        b"bytes", bytearray(b"bytes"), memoryview(b"bytes"), {1}, frozenset(), set(), 1j, ...,
        dt.time(1), dt.timedelta(1), Day(2024, 1, 2), Struct(1), Text("text"),
        Number(7), Plain.A, Odd.A, OddNumber.ONE, http.HTTPStatus.OK, Items(a=1), range(3),
        collections.OrderedDict(b=1, a=2), collections.defaultdict(None, a=1), Markup("<b>"),
        Pair(1, dt.date(2024, 1, 1)), msgspec.Raw(b"1"),
        {1: 2}, {1: 2, "a": 3}, {None: 1}, {True: 1}, {1.5: 1}, {Text("b"): 1, "a": 2, "c": 3},
        {Odd.A: 1}, {Decimal(1): 2}, {uuid.UUID(int=1): 2},
        {b"a": 1}, {(1,): 1}, Point, Html, object(), float, Decimal("sNaN"),
        Point(Point(1, [Slotted({"a": Html("h")})]), Day(2024, 1, 2)), Point({1: 2}),
        vars(Html("h")),
        vars(Point(dt.date(2024, 1, 1))), float("nan"), float("-inf"), 1e16, 1e-5, -1e16,
        -9e-5, dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=1))),
        "\x7f", "\ud800", 'é\\"\n', "\U0001f600\u20ac", r"\x41\u0041\U00000041",
        2**64, -(2**63) - 1,
    ]
)  # fmt: skip
objects = st.recursive(
    scalars | converted | strange,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.builds(Point, inner, inner)
    ),
    max_leaves=8,
)
# Some as many times as are looked at together.
rich = (
    objects
    | objects.map(lambda item: [item] * 20)
    | st.builds(lambda item, other: {"rows": [{"a": item, "b": [other]}] * 20}, objects, objects)
)


def written(document: t.Any) -> bytes | None:
    """Return what the standard library writes; None if it refuses, or can't be sent."""
    try:
        return json.dumps(
            document, default=_default, separators=(",", ":"), sort_keys=True
        ).encode()
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None


@settings(max_examples=500, deadline=None)
@given(documents | plain | rich)
@example("".join(map(chr, range(130))))
@example([True, 1, -0, 2**63, 2**64, -(2**63) - 1])
@example({"b": 1, "a": 2, "B": 3, "": 4})
@example({1: 2})
@example(1.0)
@example([0.5] * 20 + [1e-5])
@example([0.5] * 20 + [1e16])
@example([0.5] * 20 + [float("nan")])
@example([-0.5] * 20 + [1e-7])
@example([-0.5] * 20 + [-9.5e-5])
@example([0.5] * 20 + [float("-inf")])
@example([0.5] * 20 + [-1e16])
@example([0.5] * 20 + [Decimal("1e-7")])
@example(["a"] * 20 + [1e-7])
@example([0.5] * 20 + ["pre-e-0.0000"])
@example([{"n": number * -0.5, "s": "0.0000"} for number in range(20)])
@example(["a"] * 20 + [Odd.A])
@example([{"a": 1}] * 20 + [Odd.A])
@example([1] * 20 + [OddNumber.ONE])
@example([vars(Point(b"bytes"))] * 20)
@example([vars(Point(dt.date(2024, 1, 1)))] * 20)
@example([chr(0x10000 + number) for number in range(20)])
def test_what_msgspec_writes_is_what_the_standard_library_writes(document: t.Any) -> None:
    """Byte by byte; what it would write otherwise is not given to it."""
    for converts in (True, False):
        body = write_plainly(document, converts=converts)
        assert body is None or body == written(document)


@settings(max_examples=200, deadline=None)
@given(rich)
@example([{Decimal(1): 2}])
@example([{uuid.UUID(int=1): 2}])
@example(["\x7f\u2028\xe9\U0001f600", "\ud800"])
@example("".join(map(chr, range(0x2100))))
def test_any_document_is_answered_as_the_standard_library_writes_it(document: t.Any) -> None:
    """The body of a response is the same, or the exception is, by its type and text."""
    for sort_keys, ensure_ascii in itertools.product((True, False), repeat=2):
        provider = DefaultJSONProvider(APP)
        provider.sort_keys = sort_keys
        provider.ensure_ascii = ensure_ascii
        expected = outcome(by_the_standard_library, document, sort_keys, ensure_ascii)
        # And again, when the encoder is not new.
        assert expected == outcome(provider.response_body, document)
        assert expected == outcome(provider.response_body, document)


def by_the_standard_library(document: t.Any, sort_keys: bool, ensure_ascii: bool) -> bytes:
    """Return the body of a response as `json` writes it."""
    text = json.dumps(
        document,
        default=_default,
        separators=(",", ":"),
        sort_keys=sort_keys,
        ensure_ascii=ensure_ascii,
    )
    return (text + "\n").encode()


@settings(deadline=None)
@given(plain)
def test_plain_documents_are_written_by_msgspec(document: t.Any) -> None:
    """The short way is really taken: by a few values and by many."""
    for whole in (document, [document] * 20, {"rows": [{"a": document}] * 20}):
        body = write_plainly(whole, converts=False)
        if body is None:
            # Of text with many kinds of rare characters.
            assert any(
                ord(character) > 0xFFFF for character in json.dumps(whole, ensure_ascii=False)
            )


@settings(deadline=None)
@given(datetimes | st.dates() | st.decimals() | st.uuids() | st.builds(Html, st.just("<b>")))
def test_objects_are_converted_before_msgspec_writes(value: t.Any) -> None:
    """In rows as applications have them, unless the application converts them in its own way."""
    for rows in ([{"id": 1, "at": value}], [{"id": 1, "at": value, "tags": ["a"]}] * 20):
        expected = written(rows)
        assert write_plainly(rows, converts=True) == expected
        assert write_plainly(rows, converts=False) is None
        assert write_plainly(Point(rows, Slotted([value])), converts=True) == written(
            Point(rows, Slotted([value]))
        )


@settings(max_examples=500, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False) | usual_floats)
def test_numbers_that_are_written_by_msgspec_are_those_of_python(value: float) -> None:
    """The same digits, up to where either writes an exponent."""
    for values in ([value], [value] * 20, [0.5, -0.5] * 10 + [value]):
        body = write_plainly(values, converts=False)
        assert body is None or body == json.dumps(values, separators=(",", ":")).encode()
        assert (body is not None) == (value == 0 or 1e-4 <= abs(value) < 1e16)


def test_default_of_another_application_converts() -> None:
    """What `default` of the provider makes of a type is not anticipated."""
    provider = DefaultJSONProvider(APP)
    provider.default = lambda value: f"own {type(value).__name__}"  # type: ignore[method-assign]
    values = [Decimal(1), uuid.UUID(int=1), dt.date(2024, 1, 1), Html("h"), Point(1)]
    for document in (values, values * 5, [{"a": value} for value in values] * 5):
        expected = json.dumps(document, separators=(",", ":"), default=provider.default)
        for _ in range(2):
            assert provider.response_body(document) == (expected + "\n").encode()


def test_circular_document_is_an_error_of_the_standard_library() -> None:
    """The short way leaves it alone, however wide it is, and whatever else is in it."""
    circle: list[t.Any] = []
    circle.append(circle)
    parent: dict[str, t.Any] = {}
    parent["children"] = [{"parent": parent, "n": number} for number in range(1000)]
    mixed: list[t.Any] = [dt.date(2024, 1, 1)]
    mixed += [mixed] * 1000
    point = Point(1)
    point.y = [point]
    for document in (circle, parent, mixed):
        assert write_plainly(document, converts=True) is None
        with pytest.raises(ValueError, match="Circular"):
            DefaultJSONProvider(APP).response_body(document)
    assert write_plainly(point, converts=True) is None


def test_deep_document_is_left_to_the_standard_library() -> None:
    """Nothing is written, or refused, that it would not."""
    for depth in (100, 2_000, 100_000):
        document: t.Any = dt.date(2024, 1, 1)
        for _ in range(depth):
            document = [document]
        body = write_plainly(document, converts=True)
        assert (body is None) == (depth > 100)
