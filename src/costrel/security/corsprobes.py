"""Find out if a pattern for origins matches origins that anybody can have.

A pattern is tried with the shortest origins that it matches, changed at their ends. It is taken
apart for these, since a pattern does not say what it matches.
"""

from __future__ import annotations

import importlib
import re
import typing as t

_parser: t.Any = importlib.import_module("re._parser")  # there is no public one

ANYBODY = "https://anybody.invalid"

_FEW = 20
"""Origins that are made of a pattern at most."""

_OWN = frozenset("home internal intranet lan local localhost test".split())
"""Last labels of hosts that nobody can register."""

_LETTERS = "ax0.-_"


def stranger_in(pattern: re.Pattern[str]) -> str | None:
    """Return an origin of somebody else that a pattern matches; None if none was found."""
    if pattern.fullmatch(ANYBODY):
        return ANYBODY
    for origin in _samples(_parser.parse(pattern.pattern, pattern.flags)):
        if pattern.fullmatch(origin):
            for stranger in _neighbours(origin):
                if pattern.fullmatch(stranger):
                    return stranger
    return None


def _neighbours(origin: str) -> t.Iterator[str]:
    """Yield origins that look similar, but belong to others."""
    scheme, _slashes, rest = origin.partition("://")
    host, colon, port = rest.partition(":")
    labels = host.split(".")
    hosts = [f"{host}.evil.example", f"{host}evil.example"]
    if len(labels) > 1:
        hosts.append(".".join([*labels[:-1], "evil"]))
    if len(labels) == 2 and labels[1] not in _OWN:
        # One more label in front would be a subdomain; with three, this may be one as well.
        hosts.append(f"evil{host}")
    for changed in hosts:
        yield f"{scheme}://{changed}{colon}{port}"


def _samples(items: t.Any) -> list[str]:
    """Return short texts that the parts of a pattern match, one after the other."""
    texts = [""]
    for kind, value in items:
        found = _of_part(str(kind), value)
        texts = [text + more for text in texts for more in found][:_FEW]
    return texts


def _of_part(kind: str, value: t.Any) -> list[str]:
    if kind == "BRANCH":
        return [text for branch in value[1] for text in _samples(branch)]
    if kind in {"SUBPATTERN", "ATOMIC_GROUP"}:
        return _samples(value[-1] if kind == "SUBPATTERN" else value)
    if kind in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, _most, part = value
        return [text * min(least, _FEW) for text in _samples(part)]
    if kind == "NOT_LITERAL":
        return [next(letter for letter in _LETTERS if ord(letter) != value)]
    # Else it is a place, or looks ahead: the sample may not match then.
    single: dict[str, t.Callable[[], str]] = {
        "LITERAL": lambda: chr(value),
        "ANY": lambda: "a",
        "IN": lambda: _one_of(value),
    }
    return [single[kind]() if kind in single else ""]


def _one_of(choices: t.Any) -> str:
    kind, value = choices[0]
    if str(kind) == "LITERAL":
        return chr(value)
    if str(kind) == "RANGE":
        return chr(value[0])
    return "0" if str(value) == "CATEGORY_DIGIT" else "a"
