"""Values of settings: from text or from TOML to the type of the setting."""

from __future__ import annotations

import collections.abc
import contextlib
import enum
import re
import typing as t
from datetime import timedelta
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

import msgspec

from ..ground.flags import read_flag
from ..ground.redaction import URL, Secret, remember, without_password, without_secrets
from .schema import Field, is_structure, members

_NATIVE = frozenset({bool, int, float, str, bytes, bytearray, list, dict, tuple, set, frozenset})
_SEQUENCES = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Set)
_MAPPINGS = (dict, collections.abc.Mapping)
_ANYTHING = frozenset({t.Any, object})
_TEXTS = frozenset({str, Secret, URL})
_NUMBERS = frozenset({int, float})

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20\x7f]*")

_EXPECTED: dict[t.Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Secret: "a text that is kept secret",
    URL: "an address such as https://example.com",
    timedelta: "a duration such as 30m or 1d12h, or a number of seconds",
    type(None): "nothing",
}


class UnfitError(ValueError):
    """Raised for a value that a setting can't have; the text says what is expected instead."""


def convert(field: Field, value: t.Any, *, text: bool) -> t.Any:
    """Return a value in the type of the setting, with secrets in types that hide them.

    Args:
        field: The setting.
        value: What a source has for it.
        text: Whether it was written as text, in a variable or in a file of its own.

    Raises `UnfitError`, whose text does not have the value if that is secret.
    """
    try:
        return hidden(field, _read(field.hint, value, text=text))
    except msgspec.ValidationError as error:
        reason = _reason(field, str(error), value)
    except UnfitError as error:
        reason = str(error)
    except TypeError as error:
        # Of the type, not of the value: msgspec does not know it. What code has set may stay.
        if not text and type(value) not in _NATIVE:
            return value
        reason = f"the type of this setting can't be read ({error})"
    # Not inside the handler, so that no earlier error, which may show the value, is its context.
    raise UnfitError(reason)


def _read(hint: t.Any, value: t.Any, *, text: bool) -> t.Any:
    kinds = members(hint)
    if text:
        value = _flag(kinds, _from_text(kinds, value))
    if timedelta in kinds:
        value = _duration(value)
    if not _ANYTHING.isdisjoint(kinds) or (value is None and type(None) in kinds):
        return value
    if type(value) not in _NATIVE and any(
        isinstance(kind, type) and isinstance(value, kind) for kind in kinds
    ):
        return value
    return msgspec.convert(value, hint, strict=not text, dec_hook=_make)


def _from_text(kinds: tuple[t.Any, ...], text: str) -> t.Any:
    """Return what a text stands for, as far as that depends on the type."""
    if not _TEXTS.isdisjoint(kinds):
        # An empty text is a text, but no secret and no address.
        return None if not text and type(None) in kinds and str not in kinds else text
    if not text and type(None) in kinds:
        return None
    text = text.strip()
    origins = [t.get_origin(kind) or kind for kind in kinds]
    if any(origin in _ANYTHING for origin in origins):
        with contextlib.suppress(UnfitError):
            return _from_json(text)
        return text
    if any(origin in _SEQUENCES for origin in origins):
        return _list(text)
    return _from_json(text) if text.startswith("{") and any(map(_is_object, origins)) else text


def _flag(kinds: tuple[t.Any, ...], value: t.Any) -> t.Any:
    """Return True or False for a text that means one of them, where the type has them."""
    if bool not in kinds or not isinstance(value, str) or not _TEXTS.isdisjoint(kinds):
        return value
    if value.isdecimal() and not _NUMBERS.isdisjoint(kinds):
        return value
    flag = read_flag(value)
    return value if flag is None else flag


def _list(text: str) -> t.Any:
    if text.startswith("["):
        return _from_json(text)
    if "\n" in text:
        # From a file with one item on each line; a key may contain commas.
        return [line.strip() for line in text.splitlines() if line.strip()]
    return [item.strip() for item in text.split(",")] if text else []


def _is_object(kind: t.Any) -> bool:
    return kind in _MAPPINGS or is_structure(kind) or hasattr(kind, "__required_keys__")


def _from_json(text: str) -> t.Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        pass
    # Not the parser's message, which may show some of the text.
    raise UnfitError("expected JSON, and this is none")


def _duration(value: t.Any) -> t.Any:
    """Return a timedelta for a number of seconds, or for a text such as ``1d12h``."""
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            value = float(text)
        else:
            found = _DURATION.fullmatch(text)
            if found is None or not text:
                return value  # perhaps in the form of ISO 8601, which msgspec reads
            days, hours, minutes, seconds = (float(number or 0) for number in found.groups())
            return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return timedelta(seconds=value)
        except (OverflowError, ValueError):
            raise UnfitError("expected a shorter duration") from None
    return value


def _make(kind: t.Any, value: t.Any) -> t.Any:
    """Make a value of a type that msgspec does not know, by calling the type with the text."""
    plain = t.get_origin(kind) or kind
    if isinstance(plain, type) and isinstance(value, plain):
        return value
    if not isinstance(kind, type) or not isinstance(value, str):
        raise UnfitError(f"expected {_described(kind)}")
    if kind is URL and not _ADDRESS.fullmatch(value):
        raise UnfitError(f"expected {_EXPECTED[URL]}")
    if issubclass(kind, PurePath) and not value:
        raise UnfitError("expected a path")
    try:
        return kind(value)
    except (TypeError, ValueError):
        # Not its message, which may show the value.
        raise UnfitError(f"expected {_described(kind)}") from None


def hidden(field: Field, value: t.Any) -> t.Any:
    """Return a value with its secret texts in types whose `repr` does not show them."""
    if type(value) in (str, Secret):
        if not (field.secret or type(value) is Secret):
            return value if without_secrets(value) == value else _remembered(URL(value))
        return _remembered(value if type(value) is Secret else Secret(value))
    if isinstance(value, URL):
        return _remembered(value)
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(hidden(field, item) for item in value)
    if type(value) is dict:
        return {key: hidden(field, item) for key, item in value.items()}
    return value


def _remembered(value: t.Any) -> t.Any:
    if type(value) is Secret:
        remember(value)
    else:
        with contextlib.suppress(ValueError):  # an address that is none
            remember(unquote(urlsplit(value).password or ""))
    return value


def _reason(field: Field, message: str, value: t.Any) -> str:
    """Return what was expected; for a secret without anything of the value."""
    expected = f"expected {expected_of(field.hint)}"
    detailed = message.startswith("Expected") and ", got " not in message
    if detailed or message.startswith("Object"):
        expected = f"{message[0].lower()}{message[1:]}"
    elif message.startswith("expected"):
        expected = message
    if field.secret:
        return expected.partition(" - at ")[0]
    is_address = isinstance(value, str) and URL in members(field.hint)
    got = repr(without_password(str(value))) if is_address else without_secrets(repr(value))
    return f"{expected}, got {got if len(got) <= _LONGEST else got[: _LONGEST - 3] + '...'}"


_LONGEST = 80
"""Characters of a value that an error shows."""


def expected_of(hint: t.Any) -> str:
    """Return what a setting of this type is, in words."""
    kinds = [kind for kind in members(hint) if kind is not type(None)]
    return " or ".join(dict.fromkeys(map(_described, kinds))) or "nothing"


def _described(kind: t.Any) -> str:
    origin = t.get_origin(kind) or kind
    if kind in _ANYTHING:
        words = "any value"
    elif origin is t.Literal:
        words = "one of " + ", ".join(map(repr, t.get_args(kind)))
    elif origin in _SEQUENCES:
        words = "a list, as JSON, or separated by commas or lines"
    elif _is_object(origin):
        words = "a JSON object"
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        words = "one of " + ", ".join(repr(member.value) for member in kind)
    elif isinstance(kind, type) and issubclass(kind, PurePath):
        words = "a path"
    else:
        words = _EXPECTED.get(kind) or f"a value of {getattr(kind, '__name__', kind)}"
    return words
