"""Docstrings: what they say as a whole, and of each parameter or field."""

from __future__ import annotations

import inspect
import re
import typing as t

_SECTION = re.compile(r"(Args|Arguments|Attributes|Parameters):")
_ENTRY = re.compile(r"( +)\*{0,2}(\w+)(?: \([^)]*\))?: +(.*)")


class Docstring(t.NamedTuple):
    """A docstring in parts.

    Attributes:
        text: All but the sections ``Args:`` and ``Attributes:``.
        names: What these sections say of each name.
    """

    text: str
    names: dict[str, str]

    @property
    def summary(self) -> str:
        """The first paragraph, on one line."""
        return " ".join(self.text.partition("\n\n")[0].split())

    @property
    def rest(self) -> str:
        """All but the first paragraph."""
        return self.text.partition("\n\n")[2].strip()


def read(docstring: str | None) -> Docstring:
    """Return the parts of a docstring in the style of Google's guide, or of any other."""
    kept: list[str] = []
    names: dict[str, str] = {}
    name, indent, in_section = "", "", False
    for line in inspect.cleandoc(docstring or "").splitlines():
        if _SECTION.fullmatch(line.rstrip()):
            name, indent, in_section = "", "", True
        elif not in_section or (line and not line.startswith(" ")):
            in_section = False
            kept.append(line)
        elif (entry := _ENTRY.fullmatch(line)) and entry[1] == (indent or entry[1]):
            indent, name, names[entry[2]] = entry[1], entry[2], entry[3]
        elif name and line.strip():
            names[name] += f" {line.strip()}"
    return Docstring("\n".join(kept).strip(), names)


def of_class(cls: t.Any) -> Docstring:
    """Return the docstring of a class, and what those of its bases say of their fields.

    One that was made for the class, as dataclasses do, is none.
    """
    origin = t.get_origin(cls) or cls
    found = [read(_written(base)) for base in origin.__mro__]
    names = {name: said for one in reversed(found) for name, said in one.names.items()}
    return Docstring(found[0].text, names)


def _written(cls: type) -> str | None:
    own = vars(cls).get("__doc__")
    return own if isinstance(own, str) and not own.startswith(f"{cls.__name__}(") else None
