"""Find out if a pattern for origins ends in a host of whoever wrote it.

The rule: what a pattern matches must end in literal text, and that is a host in full, or a dot and
a name that somebody has registered. So what varies is a subdomain of that name. A number may
follow as the port. Anything else may match hosts that anybody can have. A pattern does not say
what it matches, so it is taken apart for this.
"""

from __future__ import annotations

import importlib
import re
import typing as t

_parser: t.Any = importlib.import_module("re._parser")  # there is no public one

ANYBODY = "https://anybody.invalid"

_DIGITS = "#"
"""Stands for any number of digits; no origin has this character."""

_MOST = 200
"""A pattern with more endings is taken for one that may end in anything."""

_FEW = 4
"""Classes of so many characters, and so many repetitions, are written out."""

_OWN = frozenset("home internal intranet lan local localhost test".split())
"""Last labels of hosts that nobody can register."""

_SHARED = frozenset("ac co com edu go gov ne net or org".split())
"""Labels below those of countries, under which anybody can have a name, as under ``co.uk``."""

_HOSTING = frozenset(
    "amazonaws.com azurewebsites.net cloudfront.net firebaseapp.com fly.dev github.io gitlab.io"
    " herokuapp.com netlify.app ngrok.io onrender.com pages.dev vercel.app web.app"
    " workers.dev".split()
)
"""Names of services under which anybody can have a name."""

_port = re.compile(r":[0-9#]+\Z")
_private = re.compile(r"(?:10|127|192\.168|172\.(?:1[6-9]|2[0-9]|3[01]))\.[0-9#.]+")


class Ending(t.NamedTuple):
    """How what a pattern matches may end.

    Attributes:
        text: The literal text, with `_DIGITS` for digits.
        is_all: Whether there is nothing in front of it.
    """

    text: str
    is_all: bool


_VARIES = Ending("", is_all=False)
_NOTHING = Ending("", is_all=True)


def open_ending(pattern: re.Pattern[str]) -> str | None:
    """Return the literal text that ends a pattern if hosts of others may end so; None if none can.

    It is empty for a pattern that ends in what varies.
    """
    for ending in _of_sequence(_parser.parse(pattern.pattern, pattern.flags)):
        if not _is_owned(ending):
            return ending.text
    return None


def _is_owned(ending: Ending) -> bool:
    """Whether hosts with this ending belong to whoever has written it."""
    text = _port.sub("", ending.text.lower())
    _scheme, slashes, whole = text.rpartition("://")
    if text.endswith(":") or (ending.is_all and not slashes):
        return True  # for it is no origin
    if slashes and (_DIGITS not in whole or _private.fullmatch(whole)):
        return bool(whole)
    # What is in front of the first dot may go on to the left.
    labels = text.rpartition(_DIGITS)[2].partition(".")[2].split(".")
    if "" in labels:
        return False
    is_shared = ".".join(labels[-2:]) in _HOSTING or (
        len(labels[-1]) == 2 and len(labels) > 1 and labels[-2] in _SHARED
    )
    return labels[-1] in _OWN or len(labels) > (2 if is_shared else 1)


def _of_sequence(items: t.Any) -> list[Ending]:
    """Return the endings of parts of a pattern, one after the other."""
    endings = [_NOTHING]
    for kind, value in items:
        endings = _joined(endings, _of_part(str(kind), value))
    return endings


def _joined(first: list[Ending], then: list[Ending]) -> list[Ending]:
    joined = {
        Ending(one.text + other.text, one.is_all) if other.is_all else other
        for other in then
        for one in first
    }
    return sorted(joined) if len(joined) <= _MOST else [_VARIES]


def _of_part(kind: str, value: t.Any) -> list[Ending]:
    if kind == "LITERAL":
        return [Ending(chr(value), is_all=True)]
    if kind == "IN":
        return _of_class(value)
    if kind == "BRANCH":
        return [ending for branch in value[1] for ending in _of_sequence(branch)]
    if kind in {"SUBPATTERN", "ATOMIC_GROUP"}:
        return _of_sequence(value[-1] if kind == "SUBPATTERN" else value)
    if kind in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        return _of_repeated(*value)
    # A place, or a look at what is around it, which only lets less match.
    return [_NOTHING] if kind in {"AT", "ASSERT", "ASSERT_NOT"} else [_VARIES]


def _of_class(choices: t.Any) -> list[Ending]:
    kinds = {str(kind) for kind, _value in choices}
    if kinds == {"LITERAL"} and len(choices) <= _FEW:
        return [Ending(chr(value), is_all=True) for _kind, value in choices]
    digits = all(
        str(value) == "CATEGORY_DIGIT"
        if str(kind) == "CATEGORY"
        else str(kind) == "RANGE" and chr(value[0]).isdecimal() and chr(value[1]).isdecimal()
        for kind, value in choices
    )
    return [Ending(_DIGITS, is_all=True) if digits else _VARIES]


def _of_repeated(least: int, most: int, items: t.Any) -> list[Ending]:
    once = _of_sequence(items)
    is_digits = once == [Ending(_DIGITS, is_all=True)]
    endings = [_NOTHING] if least == 0 else []
    if is_digits or (most <= _FEW and all(ending.is_all for ending in once)):
        repeated = [_NOTHING]
        for times in range(1, 2 if is_digits else most + 1):
            repeated = _joined(repeated, once)
            endings += repeated if times >= least or is_digits else []
        return endings
    if least <= 1:
        endings += once
    return [*endings, *(Ending(ending.text, is_all=False) for ending in once)]
