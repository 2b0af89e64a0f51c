"""Tagged JSON, which preserves types that JSON lacks, such as tuples, bytes and dates.

A value of such a type is written as an object with one key, the tag:
``(1, 2)`` becomes ``{" t": [1, 2]}``. Tags start with a space because keys of real
data rarely do. An object that looks like a tag is itself tagged. The session cookie
uses this format. It is identical to Flask's, so sessions survive a switch between the two.
"""

from __future__ import annotations

import typing as t
from base64 import b64decode, b64encode
from datetime import datetime
from uuid import UUID

from markupsafe import Markup
from werkzeug.http import http_date

from ..ground.dates import parse_date
from . import dumps, loads


class JSONTag:
    """The base class of tags; defines how a type is recognized, written and read.

    A subclass defines the three methods and sets `key`, or leaves it empty if the type
    is not tagged.
    """

    __slots__ = ("serializer",)

    key: str = ""
    """The key in the JSON object; empty for a type that is not tagged."""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: t.Any) -> bool:
        """Return whether this tag applies to the value."""
        raise NotImplementedError(f"{type(self).__name__} must define check(value).")

    def to_json(self, value: t.Any) -> t.Any:
        """Convert the value to JSON data, with its items tagged."""
        raise NotImplementedError(f"{type(self).__name__} must define to_json(value).")

    def to_python(self, value: t.Any) -> t.Any:
        """Convert JSON data back to the value; its items are already untagged."""
        raise NotImplementedError(f"{type(self).__name__} must define to_python(value).")

    def tag(self, value: t.Any) -> t.Any:
        """Return the value as JSON data under this tag's key."""
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """Tag a dict with one item whose key looks like a tag.

    Two underscores are added to the inner key, so that no nesting level is ambiguous.
    """

    __slots__ = ()
    key = " di"

    def check(self, value: t.Any) -> bool:
        """Return whether the value is a dict that would be read as a tag."""
        return (
            isinstance(value, dict)
            and len(value) == 1
            and next(iter(value)) in self.serializer.tags
        )

    def to_json(self, value: t.Any) -> t.Any:
        """Return the dict with its key marked."""
        [(key, item)] = value.items()
        return {f"{key}__": self.serializer.tag(item)}

    def to_python(self, value: t.Any) -> t.Any:
        """Return the dict with its key unmarked."""
        [(key, item)] = value.items()
        return {key[:-2]: item}


class PassDict(JSONTag):
    """Keep other dicts, with their values tagged."""

    __slots__ = ()

    def check(self, value: t.Any) -> bool:
        """Return whether the value is a dict."""
        return isinstance(value, dict)

    def to_json(self, value: t.Any) -> t.Any:
        """Return the dict with tagged values. JSON keys are strings, so keys don't change."""
        tag = self.serializer.tag
        return {key: tag(item) for key, item in value.items()}

    tag = to_json


class TagTuple(JSONTag):
    """Tag a tuple."""

    __slots__ = ()
    key = " t"

    def check(self, value: t.Any) -> bool:
        """Return whether the value is a tuple."""
        return isinstance(value, tuple)

    def to_json(self, value: t.Any) -> t.Any:
        """Return a list of tagged values."""
        return [self.serializer.tag(item) for item in value]

    def to_python(self, value: t.Any) -> t.Any:
        """Return the list as a tuple."""
        return tuple(value)


class PassList(JSONTag):
    """Keep a list, with its values tagged."""

    __slots__ = ()

    def check(self, value: t.Any) -> bool:
        """Return whether the value is a list."""
        return isinstance(value, list)

    def to_json(self, value: t.Any) -> t.Any:
        """Return a list of tagged values."""
        return [self.serializer.tag(item) for item in value]

    tag = to_json


class TagBytes(JSONTag):
    """Tag bytes, written as base64."""

    __slots__ = ()
    key = " b"

    def check(self, value: t.Any) -> bool:
        """Return whether the value is bytes."""
        return isinstance(value, bytes)

    def to_json(self, value: t.Any) -> t.Any:
        """Return the bytes as base64."""
        return b64encode(value).decode("ascii")

    def to_python(self, value: t.Any) -> t.Any:
        """Decode the base64."""
        return b64decode(value)


class TagMarkup(JSONTag):
    """Tag an object with ``__html__``; it is read back as `~markupsafe.Markup`."""

    __slots__ = ()
    key = " m"

    def check(self, value: t.Any) -> bool:
        """Return whether the value has ``__html__``."""
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: t.Any) -> t.Any:
        """Return the HTML."""
        return str(value.__html__())

    def to_python(self, value: t.Any) -> t.Any:
        """Return the HTML as safe markup."""
        return Markup(value)  # noqa: S704  # it was markup when it was written, and is signed


class TagUUID(JSONTag):
    """Tag a UUID, written as 32 hexadecimal digits."""

    __slots__ = ()
    key = " u"

    def check(self, value: t.Any) -> bool:
        """Return whether the value is a UUID."""
        return isinstance(value, UUID)

    def to_json(self, value: t.Any) -> t.Any:
        """Return the digits."""
        return value.hex

    def to_python(self, value: t.Any) -> t.Any:
        """Return the UUID of the digits."""
        return UUID(value)


class TagDateTime(JSONTag):
    """Tag a datetime, written as an HTTP date.

    HTTP dates have a resolution of seconds, in UTC; the result is timezone-aware.
    """

    __slots__ = ()
    key = " d"

    def check(self, value: t.Any) -> bool:
        """Return whether the value is a datetime."""
        return isinstance(value, datetime)

    def to_json(self, value: t.Any) -> t.Any:
        """Return the HTTP date."""
        return http_date(value)

    def to_python(self, value: t.Any) -> t.Any:
        """Return the datetime, in UTC."""
        return parse_date(value)


class TaggedJSONSerializer:
    """A serializer of JSON that preserves the types of its tags.

    It has the interface of an `itsdangerous` serializer. It uses the current application's
    JSON provider, or the standard library without an application. Register tags before
    use: `register` is not safe while other threads use the serializer.
    """

    __slots__ = ("_usual", "order", "tags")

    default_tags: t.ClassVar[list[type[JSONTag]]] = [
        TagDict,
        PassDict,
        TagTuple,
        PassList,
        TagBytes,
        TagMarkup,
        TagUUID,
        TagDateTime,
    ]
    """The tags that a new serializer registers, in this order."""

    def __init__(self) -> None:
        self.tags: dict[str, JSONTag] = {}
        self.order: list[JSONTag] = []
        for tag_class in self.default_tags:
            self.register(tag_class)
        #: The tags, as long as none of them can apply to text, numbers and None.
        self._usual = [*self.order] if [*map(type, self.order)] == _USUAL else []

    def register(
        self, tag_class: type[JSONTag], force: bool = False, index: int | None = None
    ) -> None:
        """Register a tag.

        Tags are checked in order, and the first that applies to a value is used.
        ``index`` is the position, by default the end; a tag for a subclass of `dict`
        must come before the dict tags. Raises `KeyError` if the key is taken, unless
        ``force`` is set.
        """
        tag = tag_class(self)
        if tag.key:
            if not force and tag.key in self.tags:
                raise KeyError(
                    f"Tag {tag.key!r} is already registered. Give {tag_class.__name__} another key,"
                    " or pass force=True to replace the tag."
                )
            self.tags[tag.key] = tag
        if index is None:
            self.order.append(tag)
        else:
            self.order.insert(index, tag)

    def tag(self, value: t.Any) -> t.Any:
        """Convert a value to JSON data, with tags where needed."""
        # PERF(session_written): asking eight tags takes 0.5 us for each value.
        if type(value) in _UNTAGGED and self.order == self._usual:
            return value
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)
        return value

    def untag(self, value: dict[str, t.Any]) -> t.Any:
        """Convert a tagged JSON object to its value; returns other objects unchanged."""
        if len(value) != 1:
            return value
        [(key, item)] = value.items()
        tag = self.tags.get(key)
        return value if tag is None else tag.to_python(item)

    def _untag_scan(self, value: t.Any) -> t.Any:
        """Untag from the inside out, so that a tag gets untagged items."""
        if isinstance(value, dict):
            scan = self._untag_scan
            return self.untag({key: scan(item) for key, item in value.items()})
        if isinstance(value, list):
            return [self._untag_scan(item) for item in value]
        return value

    def dumps(self, value: t.Any) -> str:
        """Serialize a value to compact JSON text."""
        return dumps(self.tag(value), separators=(",", ":"))

    def loads(self, value: str) -> t.Any:
        """Parse tagged JSON text."""
        data = loads(value)
        if type(data) is dict:
            for item in data.values():
                if type(item) is dict or type(item) is list:
                    break
            else:
                # PERF(page): there is nothing inside to scan.
                return self.untag(data)
        return self._untag_scan(data)


_USUAL = [*TaggedJSONSerializer.default_tags]

_UNTAGGED = frozenset({str, int, float, bool, type(None)})
"""Types that none of these tags applies to."""
