"""What every peer shows: the same values and the same template sources."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

HELLO = "<h1>Hello, World!</h1>"


def small_object() -> dict[str, t.Any]:
    """Return the small JSON object, new each time, as views do."""
    return {"id": 42, "name": "costrel", "active": True, "tags": ["a", "b"]}


TEMPLATE = """<!doctype html>
<title>Greeting</title>
<h1>Hello, {{ name }}!</h1>
"""

TEMPLATES = str(pathlib.Path(__file__).with_name("templates"))
TEMPLATES_DJANGO = str(pathlib.Path(__file__).with_name("templates_django"))

SECRET_KEY = "measured-in-public-0123456789abcdef"  # noqa: S105 - guards nothing


@dataclasses.dataclass(slots=True)
class User:
    """Somebody who may sign in."""

    id: int
    name: str


@dataclasses.dataclass(slots=True)
class Part:
    """One row, as an object with attributes, which is what databases' layers return."""

    number: int
    name: str
    price: str


USERS = {user.id: user for user in (User(6, "Ada"), User(7, "Grace"))}
LOGGED_IN = 7
ROWS = [
    Part(number, f"Part {number} <steel> & more", f"{number * 1.5:.2f}") for number in range(1, 21)
]
AFTER = (  # the header of each of the three after-hooks
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Referrer-Policy", "same-origin"),
)
