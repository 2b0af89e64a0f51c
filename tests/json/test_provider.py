"""The default provider writes what Flask writes, to the byte."""

from __future__ import annotations

import dataclasses
import decimal
import io
import json
import uuid
import weakref
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from costrel.json.provider import DefaultJSONProvider, JSONProvider


class FakeResponse:
    def __init__(self, body, mimetype):
        self.body = body
        self.mimetype = mimetype


class FakeApp:
    debug = False
    response_class = FakeResponse


@pytest.fixture
def app():
    """The least a provider asks of its application."""
    return FakeApp()


@dataclasses.dataclass
class Point:
    x: int
    y: object


class Html:
    def __html__(self):
        return "<b>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2021, 2, 1, 7, 15), '"Mon, 01 Feb 2021 07:15:00 GMT"'),  # noqa: DTZ001
        (
            datetime(2021, 2, 1, 7, 15, tzinfo=timezone(timedelta(hours=9))),
            '"Sun, 31 Jan 2021 22:15:00 GMT"',
        ),
        (datetime(2021, 2, 1, 7, 15, tzinfo=UTC), '"Mon, 01 Feb 2021 07:15:00 GMT"'),
        (date(1975, 1, 5), '"Sun, 05 Jan 1975 00:00:00 GMT"'),
        (decimal.Decimal("0.10"), '"0.10"'),
        (uuid.UUID(int=3), '"00000000-0000-0000-0000-000000000003"'),
        (Point(1, Point(2, uuid.UUID(int=0))), None),
        (Html(), '"<b>"'),
        ({"b": 1, "a": [1, 2]}, '{"a": [1, 2], "b": 1}'),
        ({10: 1, 9: 1}, '{"9": 1, "10": 1}'),
        ("\N{SNOWMAN}", r'"\u2603"'),
    ],
)
def test_value_is_written_as_flask_writes_it(app, value, text):
    """Types beyond JSON's are converted, keys sorted, and all is ASCII."""
    if text is None:
        text = '{"x": 1, "y": {"x": 2, "y": "00000000-0000-0000-0000-000000000000"}}'
    assert text == DefaultJSONProvider(app).dumps(value)


@pytest.mark.parametrize("value", [object(), {1, 2}, {"a": 1, 2: 1}, {(1,): 1}, Point])
def test_value_that_has_no_json_form_is_refused(app, value):
    """What cannot be written is a TypeError, not something else in its place."""
    with pytest.raises(TypeError):
        DefaultJSONProvider(app).dumps(value)


def test_circular_reference_is_named(app):
    """The error is the standard library's, and the encoder works on afterwards."""
    provider = DefaultJSONProvider(app)
    circle = []
    circle.append(circle)
    for _ in range(2):
        with pytest.raises(ValueError, match="Circular reference"):
            provider.dumps(circle)
    assert provider.dumps([[]]) == "[[]]"


def test_document_too_deep_is_never_written_in_part(app):
    """An iterator used up by a failed attempt must not look like an empty one."""
    provider = DefaultJSONProvider(app)
    provider.default = lambda value: list(value)  # noqa: PLW0108  # a plain function
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        provider.dumps(iter([deep]))


def test_options_changed_on_the_provider_take_effect(app):
    """Attributes are read at every call, also after a first one."""
    provider = DefaultJSONProvider(app)
    assert provider.dumps({"b": "é", "a": 1}) == r'{"a": 1, "b": "\u00e9"}'
    provider.ensure_ascii = False
    assert provider.dumps({"b": "é", "a": 1}) == '{"a": 1, "b": "é"}'
    provider.sort_keys = False
    assert provider.dumps({"b": "é", "a": 1}) == '{"b": "é", "a": 1}'
    provider.default = lambda value: type(value).__name__
    assert provider.dumps([object()]) == '["object"]'
    provider.default = lambda _: "other"
    assert provider.dumps([object()]) == '["other"]'


def test_options_given_to_dumps_win_over_the_provider(app):
    """Every keyword of the standard library is taken."""
    provider = DefaultJSONProvider(app)
    assert provider.dumps({"b": 1, "a": 1}, sort_keys=False) == '{"b": 1, "a": 1}'
    assert provider.dumps(object(), default=lambda _: 5) == "5"
    assert provider.dumps({(): 1}, skipkeys=True) == "{}"
    assert provider.dumps([1, 2], separators=["; ", ": "]) == "[1; 2]"
    with pytest.raises(ValueError, match="not JSON compliant"):
        provider.dumps(float("nan"), allow_nan=False)


def test_default_written_as_a_method_is_used(app):
    """A subclass may convert by a method instead of a function."""

    class Provider(DefaultJSONProvider):
        name = "me"

        def default(self, o):
            return self.name

    assert Provider(app).dumps([object()]) == '["me"]'


def test_subclass_that_overrides_dumps_decides_responses_too(app):
    """The response is made by the provider's own dumps."""

    class Provider(DefaultJSONProvider):
        def dumps(self, obj, **kwargs):
            return super().dumps([obj], **kwargs)

    assert Provider(app).response(a=1).body == '[{"a":1}]\n'


def test_options_given_to_loads_are_the_standard_librarys(app):
    """Hooks reach the parser."""
    provider = DefaultJSONProvider(app)
    assert provider.loads('{"a": 1}', object_hook=len) == 1
    assert provider.loads("1.5", parse_float=decimal.Decimal) == decimal.Decimal("1.5")


def test_files_are_written_and_read(app):
    """A file holds what dumps gives, and load takes text and bytes."""
    provider = DefaultJSONProvider(app)
    file = io.StringIO()
    provider.dump({"b": 1, "a": 2}, file)
    assert file.getvalue() == '{"a": 2, "b": 1}'
    file.seek(0)
    assert provider.load(file) == {"a": 2, "b": 1}
    assert provider.load(io.BytesIO(b"[1]")) == [1]


@pytest.mark.parametrize(
    ("args", "kwargs", "body"),
    [
        ((), {}, "null\n"),
        ((1,), {}, "1\n"),
        (([],), {}, "[]\n"),
        ((1, 2), {}, "[1,2]\n"),
        ((), {"b": 1, "a": 2}, '{"a":2,"b":1}\n'),
    ],
)
def test_response_holds_one_document(app, args, kwargs, body):
    """One argument is the document, several an array, keywords an object."""
    response = DefaultJSONProvider(app).response(*args, **kwargs)
    assert body == response.body
    assert response.mimetype == "application/json"


def test_response_to_arguments_and_keywords_is_refused(app):
    """Nobody could say what document both together are."""
    for provider in (DefaultJSONProvider(app), JSONProvider(app)):
        with pytest.raises(TypeError, match="either args or kwargs, not both"):
            provider.response(1, a=1)


@pytest.mark.parametrize(
    ("debug", "compact", "body"),
    [
        (False, None, '{"a":[1]}\n'),
        (True, None, '{\n  "a": [\n    1\n  ]\n}\n'),
        (True, True, '{"a":[1]}\n'),
        (False, False, '{\n  "a": [\n    1\n  ]\n}\n'),
    ],
)
def test_response_is_indented_while_developing_unless_told(app, debug, compact, body):
    """Debug mode writes for people, production for machines."""
    app.debug = debug
    provider = DefaultJSONProvider(app)
    provider.compact = compact
    provider.mimetype = "application/x+json"
    response = provider.response(a=[1])
    assert body == response.body
    assert response.mimetype == "application/x+json"


def test_interface_alone_says_what_to_write(app):
    """A provider without dumps or loads names the method that is missing."""
    provider = JSONProvider(app)
    with pytest.raises(NotImplementedError, match="dumps"):
        provider.dumps(1)
    with pytest.raises(NotImplementedError, match="loads"):
        provider.loads("1")


def test_interface_needs_only_dumps_and_loads(app):
    """Everything else is built on the two."""

    class Provider(JSONProvider):
        def dumps(self, obj, **kwargs):
            return json.dumps(obj, **kwargs)

        def loads(self, s, **kwargs):
            return json.loads(s, **kwargs)

    provider = Provider(app)
    file = io.StringIO()
    provider.dump([1], file, indent=0)
    file.seek(0)
    assert provider.load(file) == [1]
    response = provider.response({"a": 1})
    assert (response.body, response.mimetype) == ('{"a": 1}', "application/json")


def test_application_is_freed_while_its_provider_lives(app):
    """The provider holds its application weakly, without waiting for the collector."""
    owner = FakeApp()
    provider = DefaultJSONProvider(owner)
    owner.json = provider
    provider.response(a=1)
    gone = weakref.ref(owner)
    del owner
    assert gone() is None
