"""Requests of ordinary clients and of attackers, to the application of `application`."""

from __future__ import annotations

import json
import typing as t
from random import Random
from urllib.parse import quote

from . import samples
from .wire import Sent

TOGETHER = 5
"""How many requests make one example; each brings the cookies that those before it got."""

PEERS = ("198.51.100.9", "10.0.0.2", "10.0.0.2", "2001:db8::1", None)
KINDS = ("samples", "values", "form", "odd form", "files", "files", "text", "packed")
JSON_KEYS = ("name", "name", "count", "price", "addresses", "street", "more", "")


def make_together(random: Random) -> list[Sent]:
    """Make the requests of one example."""
    return [make_request(random) for _ in range(TOGETHER)]


def make_request(random: Random) -> Sent:
    """Make one request; most are whole, so that they reach a view."""
    with_body = is_one_in(2, random)
    path = make_path(random, random.choice(samples.WITH_BODY if with_body else samples.PATHS))
    query = make_query(random)
    usual = "POST" if with_body else "GET"
    fields = [("Host", make_value(random, samples.HOSTS) if is_one_in(12, random) else "localhost")]
    fields += [make_field(random) for _ in range(random.choice((0, 1, 1, 2, 3, 5)))]
    body: tuple[bytes, ...] | None = None
    if with_body:
        kind, raw = make_body(random)
        cut = random.randint(0, min(len(raw), 2000))
        body = (raw[:cut], raw[cut:])
        if all(name != "Content-Type" for name, _ in fields):
            fields.append(("Content-Type", kind))
        # Without it, few requests with cookies would reach their views.
        if is_one_in(2, random) and all(name != "Sec-Fetch-Site" for name, _ in fields):
            fields.append(("Sec-Fetch-Site", "same-origin"))
    return Sent(
        random.choice(samples.METHODS) if is_one_in(6, random) else usual,
        f"{path}?{query}" if query else path,
        tuple(fields),
        body,
        is_chunked=is_one_in(2, random),
        peer=random.choice(PEERS),
        scheme=random.choice(("http", "https")),
        keeps_cookies=is_one_in(2, random),
    )


def is_one_in(cases: int, random: Random) -> bool:
    """Return True in one of so many cases."""
    return random.randrange(cases) == cases - 1


def make_text(random: Random) -> str:
    """Make a text that means something to a parser, or any text of Latin-1 without line ends."""
    kind = random.randrange(4)
    if kind == 0:
        return random.choice(samples.PIECES)
    if kind == 1:
        return "".join(random.choice(samples.PIECES) for _ in range(random.randint(0, 4)))
    chars = "".join(chr(random.randrange(1, 256)) for _ in range(random.randint(0, 8)))
    return chars.replace("\r", "").replace("\n", "")


def make_value(random: Random, known: tuple[str, ...]) -> str:
    """Make the value of a field, as servers pass it on."""
    value = make_text(random) if is_one_in(4, random) else random.choice(known)
    return value.replace("\r", "").replace("\n", "").strip(" \t")


def make_field(random: Random) -> tuple[str, str]:
    """Make a header field."""
    if is_one_in(4, random):
        return "Cookie", make_cookies(random)
    name = random.choice(tuple(samples.FIELDS))
    return name, make_value(random, samples.FIELDS[name])


def make_cookies(random: Random) -> str:
    """Make cookies, also some of those that the application reads."""
    made = []
    for _ in range(random.randint(0, 4)):
        name = random.choice(samples.COOKIE_NAMES)
        value = make_value(random, samples.COOKIE_VALUES)
        made.append(f"{name}={value}" if name or value else "")
    return "; ".join(made)


def make_path(random: Random, rule: str) -> str:
    """Fill the places of a path: @ with anything, # with a number."""
    path = ""
    for char in rule:
        if char == "@":
            safe = random.choice(("", "/\\:@%.;"))
            path += quote(make_text(random), safe=safe, encoding="latin-1")
        else:
            path += str(random.randint(0, 9)) if char == "#" else char
    return "".join(char for char in path if " " < char < "\x7f" and char != "?")[:4000]


def make_query(random: Random) -> str:
    """Make a query, mostly of parameters that a view reads."""
    kind = random.randrange(8)
    if kind == 0:
        return random.choice(samples.QUERIES)
    if kind < 4:
        return ""
    return "&".join(
        f"{random.choice(samples.PARAMETERS)}="
        + quote(make_value(random, samples.TARGETS), encoding="latin-1", safe="/:")
        for _ in range(random.randint(1, 3))
    )


def make_body(random: Random) -> tuple[str, bytes]:
    """Make a body, with its content type."""
    match random.choice(KINDS):
        case "samples":
            kind, text = "application/json", random.choice(samples.JSON)
        case "values":
            kind, text = "application/json", json.dumps(make_json(random, 3))
        case "form":
            kind, text = "application/x-www-form-urlencoded", random.choice(samples.FORMS)
        case "odd form":
            kind, text = "application/x-www-form-urlencoded", make_text(random)
        case "files":
            kind, text = "multipart/form-data; boundary=b", make_parts(random)
        case "text":
            kind, text = "text/plain", random.choice(samples.TEXTS)
        case _:
            kind, text = "application/msgpack", make_text(random)
    return kind, text.encode("latin-1", "replace")


def make_parts(random: Random) -> str:
    """Make a form with files, whole or broken."""
    parts = "".join(
        f"--b\r\n{random.choice(samples.PART_NAMES)}: form-data; "
        f"{random.choice(samples.DISPOSITIONS)}{random.choice(samples.PART_FIELDS)}\r\n\r\n{random.choice(samples.PART_BODIES)}\r\n"
        for _ in range(random.randint(0, 4))
    )
    parts *= 300 if is_one_in(20, random) and len(parts) < 500 else 1
    return random.choice(samples.PREAMBLES) + parts + random.choice(samples.ENDS)


def make_json(random: Random, depth: int) -> t.Any:
    """Make a value of JSON that resembles what the typed view takes."""
    match random.randrange(8 if depth else 6):
        case 0:
            return random.choice((None, True, False))
        case 1:
            return random.choice((0, 1, -1, 10**30, 2**63, -(2**63) - 1))
        case 2:
            return random.choice((0.5, -0.0, 1e308, float("inf"), float("nan")))
        case 3 | 4 | 5:
            return make_text(random)
        case 6:
            return [make_json(random, depth - 1) for _ in range(random.randint(0, 3))]
        case _:
            keys = [random.choice(JSON_KEYS) for _ in range(random.randint(0, 4))]
            return {key: make_json(random, depth - 1) for key in keys}
