"""The JSON provider gives the same results as the standard library, only faster."""

from __future__ import annotations

import json
import struct
import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from costrel.json.provider import MAX_DEPTH, DefaultJSONProvider, _write_plainly


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


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=500, deadline=None)
@given(documents | plain)
@example("".join(map(chr, range(130))))
@example([True, 1, -0, 2**63, 2**64, -(2**63) - 1])
@example({"b": 1, "a": 2, "B": 3, "": 4})
@example({1: 2})
@example(1.0)
def test_what_msgspec_writes_is_what_the_standard_library_writes(document: t.Any) -> None:
    """Byte by byte; values that it would write differently are not passed to it."""
    body = _write_plainly(document)
    if body is not None:
        expected = json.dumps(document, separators=(",", ":"), sort_keys=True)
        assert body == expected.encode()


@given(plain)
def test_plain_documents_in_ascii_are_written_by_msgspec(document: t.Any) -> None:
    """The fast path is really taken."""
    text = json.dumps(document, ensure_ascii=False)
    if text.isascii() and "\x7f" not in text:
        assert _write_plainly(document) is not None


def test_circular_document_is_an_error_of_the_standard_library() -> None:
    """The fast path is not taken."""
    circle: list[t.Any] = []
    circle.append(circle)
    assert _write_plainly(circle) is None
    with pytest.raises(ValueError, match="Circular"):
        DefaultJSONProvider(APP).response_body(circle)
