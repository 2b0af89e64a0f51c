"""Tagged JSON keeps types, and the bytes of Flask's session cookies."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from costrel.json.tag import JSONTag, TaggedJSONSerializer

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.text().map(Markup)
    | st.uuids()
    | st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda value: value.replace(microsecond=0)
    ),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.sampled_from([" t", " t__", " di", " b", " x"]), inner)
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(values)
def test_any_value_comes_back_with_its_type(value):
    """Whatever is written is read back equal, also where data looks like a tag."""
    serializer = TaggedJSONSerializer()
    loaded = serializer.loads(serializer.dumps(value))
    assert value == loaded
    assert type(value) is type(loaded)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({" t": 1}, '{" di":{" t__":1}}'),
        ({" di": {" di": 1}}, '{" di":{" di__":{" di":{" di__":1}}}}'),
        ({" t__": 1}, '{" t__":1}'),
        ({" t": 1, "x": 2}, '{" t":1,"x":2}'),
        ({"b": 1, "a": (1, [b"x"])}, '{"b":1,"a":{" t":[1,[{" b":"eA=="}]]}}'),
        (Markup("<"), '{" m":"<"}'),
        (uuid.UUID(int=5), '{" u":"00000000000000000000000000000005"}'),
        (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), '{" d":"Thu, 02 Jan 2020 03:04:05 GMT"}'),
        ("é", r'"\u00e9"'),
    ],
)
def test_value_is_written_as_flask_writes_it(value, text):
    """The format is Flask's, so that both read each other's sessions."""
    serializer = TaggedJSONSerializer()
    assert text == serializer.dumps(value)
    assert value == serializer.loads(text)


def test_object_that_is_no_known_tag_is_left_alone():
    """Only an object with one key, and that a registered one, is a tag."""
    serializer = TaggedJSONSerializer()
    assert serializer.loads('{" t":[1],"a":2}') == {" t": [1], "a": 2}
    assert serializer.loads('{" unknown":1}') == {" unknown": 1}


def test_tag_registered_stores_another_type():
    """A tag of one's own is asked like the built-in ones; a place decides who comes first."""

    class Pairs(dict):
        pass

    class TagPairs(JSONTag):
        __slots__ = ()
        key = " pairs"

        def check(self, value):
            return isinstance(value, Pairs)

        def to_json(self, value):
            return [[key, self.serializer.tag(item)] for key, item in value.items()]

        def to_python(self, value):
            return Pairs(value)

    serializer = TaggedJSONSerializer()
    serializer.register(TagPairs, index=0)
    value = Pairs(a=(1,))
    loaded = serializer.loads(serializer.dumps(value))
    assert value == loaded
    assert type(loaded) is Pairs


@pytest.mark.parametrize("way", ["registered", "inserted", "inherited"])
def test_tag_applies_to_plain_types_too(way):
    """Values that no usual tag changes are passed by only where there are usual tags alone."""

    class TagLong(JSONTag):
        key = " long"

        def check(self, value):
            return type(value) is int and value > 2**53

        def to_json(self, value):
            return str(value)

        def to_python(self, value):
            return int(value)

    class Own(TaggedJSONSerializer):
        default_tags = [*TaggedJSONSerializer.default_tags, TagLong]  # noqa: RUF012  as there

    serializer = Own() if way == "inherited" else TaggedJSONSerializer()
    if way == "registered":
        serializer.register(TagLong, index=0)
    elif way == "inserted":
        serializer.tags[TagLong.key] = tag = TagLong(serializer)
        serializer.order.append(tag)
    data = {"few": 7, "many": [2**60]}
    assert serializer.dumps(data) == '{"few":7,"many":[{" long":"1152921504606846976"}]}'
    assert serializer.loads(serializer.dumps(data)) == data


def test_tag_with_a_key_that_is_taken_is_refused_unless_forced():
    """Two tags of one key could not be told apart when reading."""

    class Mine(JSONTag):
        key = " d"

    serializer = TaggedJSONSerializer()
    with pytest.raises(KeyError, match="Mine"):
        serializer.register(Mine)
    serializer.register(Mine, force=True, index=-1)
    assert isinstance(serializer.tags[" d"], Mine)
    assert isinstance(serializer.order[-2], Mine)


def test_tag_that_lacks_a_method_says_so():
    """A tag must say what it is for."""
    tag = JSONTag(None)
    for method in (tag.check, tag.to_json, tag.to_python):
        with pytest.raises(NotImplementedError, match="must define"):
            method(None)
