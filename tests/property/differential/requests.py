"""The requests to send: those of ordinary clients, and those of attackers."""

from __future__ import annotations

import json
import time
import typing as t
import zlib
from base64 import urlsafe_b64encode
from hashlib import sha1
from urllib.parse import quote

from hypothesis import strategies as st
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from .application import APPS, SECRET
from .samples import (
    ARGUMENTS,
    COOKIES,
    CREDENTIALS,
    DATES,
    ENCODED,
    ETAGS,
    FORMS,
    FORWARDED_FOR,
    HOSTS,
    JSON,
    LONG,
    METHODS,
    NAMES,
    ODD_NAMES,
    ODD_SEGMENTS,
    PART_HEADERS,
    PATHS,
    PIECES,
    RANGES,
    SEGMENTS,
    TAGGED,
    TYPES,
    WITH_BODY,
)
from .wire import Raw

TOGETHER = 4
"""How many requests make one example, which is shrunk if an answer is wrong."""

SALT = "cookie-session"
SIGNING: dict[str, t.Any] = {"key_derivation": "hmac", "digest_method": sha1}
hostile = st.lists(
    st.sampled_from(PIECES)
    | st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=4),
    max_size=5,
).map("".join)


def mostly(usual: t.Iterable[str], otherwise: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Draw one of these, or sometimes something else."""
    known = st.sampled_from(tuple(usual))
    return st.one_of(known, known, known, otherwise)


# Cookies

words = st.text(max_size=6)
session_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
sessions = st.dictionaries(
    st.sampled_from(("a", "list", "_flashes", "_permanent", "t")), session_values
)


def signed(payload: str, *, secret: str = SECRET, salt: str = SALT, age_s: int = 0) -> str:
    """Sign the payload of a session cookie."""

    class Signer(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time()) - age_s

    return Signer(secret, salt=salt, **SIGNING).sign(payload).decode()


def encoded(text: str, *, is_compressed: bool = False) -> str:
    """Encode the text of a session as itsdangerous does."""
    raw = text.encode()
    raw = zlib.compress(raw) if is_compressed else raw
    return "." * is_compressed + urlsafe_b64encode(raw).rstrip(b"=").decode()


def dumped(session: t.Any) -> str:
    """Write the text of a session cookie."""
    return json.dumps(session, separators=(",", ":"))


FORGERIES: dict[str, t.Callable[[str], str]] = {
    "right": lambda text: signed(encoded(text)),
    "compressed": lambda text: signed(encoded(text, is_compressed=True)),
    "another secret": lambda text: signed(encoded(text), secret="guessed"),
    "another salt": lambda text: signed(encoded(text), salt="other"),
    "expired": lambda text: signed(encoded(text), age_s=32 * 86_400),
    "of the future": lambda text: signed(encoded(text), age_s=-86_400),
    "appended": lambda text: signed(encoded(text)) + "A",
    "padded": lambda text: signed(encoded(text)) + "=",
    "cut": lambda text: signed(encoded(text))[:-1],
    "upper": lambda text: signed(encoded(text)).upper(),
    "unsigned": encoded,
    "signature only": lambda text: "." + signed(encoded(text)).rpartition(".")[2],
    "not ASCII": lambda text: signed(encoded(text)) + "\xe9",
    "two signatures": lambda text: signed(signed(encoded(text))),
    "quoted": lambda text: f'"{signed(encoded(text))}"',
    "spaced": lambda text: f" {signed(encoded(text))} ",
    "not base64": lambda text: signed("!" + encoded(text)),
    "not zlib": lambda text: signed("." + encoded(text)),
    "timeless": lambda text: URLSafeTimedSerializer(SECRET, salt="x").dumps(text),
}
session_cookies = st.builds(
    lambda make, text: "session=" + FORGERIES[make](text).replace("\n", ""),
    mostly(["right"], st.sampled_from(sorted(FORGERIES))),
    sessions.map(dumped) | st.sampled_from(TAGGED),
)
other_cookies = st.sampled_from(
    COOKIES
)  # fmt: skip
cookies = st.lists(session_cookies | other_cookies, min_size=1, max_size=3).map("; ".join)

# Header fields

VALUES: dict[str, st.SearchStrategy[str]] = {
    "If-Modified-Since": st.sampled_from(DATES),
    "If-Unmodified-Since": st.sampled_from(DATES),
    "If-Range": st.sampled_from(DATES + ETAGS),
    "If-None-Match": st.sampled_from(ETAGS),
    "If-Match": st.sampled_from(ETAGS),
    "Range": st.sampled_from(RANGES),
    "Date": st.sampled_from(DATES),
    "Authorization": st.sampled_from(CREDENTIALS),
    "Content-Type": st.sampled_from(TYPES),
    "Content-Encoding": st.sampled_from(("gzip", "identity", "")),
    "Accept": hostile,
    "Accept-Language": hostile,
    "Accept-Encoding": hostile,
    "Cache-Control": hostile,
    "Max-Forwards": hostile,
    "Access-Control-Request-Headers": hostile,
    "User-Agent": hostile,
    "Referer": hostile,
    "Origin": hostile,
    "Pragma": hostile,
    "Forwarded": hostile,
    "Expect": st.sampled_from(("100-continue", "x")),
    "X-Forwarded-For": st.sampled_from(FORWARDED_FOR) | hostile,
    "X-Forwarded-Host": st.sampled_from(HOSTS) | hostile,
    "X-Forwarded-Proto": st.sampled_from(("https", "http", "http, https", "HTTPS", "")) | hostile,
    "X-Forwarded-Port": st.sampled_from(("443", "80", "8443", "x", "", LONG)) | hostile,
    "X-Forwarded-Prefix": st.sampled_from(("/pre", "/pre/", "pre", "/", "/a, /b")) | hostile,
    "X-A": hostile,
    "x_a": hostile,
    "Content_Type": hostile,
    "X-Stop": hostile,
    "X-Fail": hostile,
    "X-HTTP-Method-Override": st.sampled_from(("DELETE", "PUT")),
    "X-Requested-With": st.just("XMLHttpRequest"),
    "Connection": st.sampled_from(("close", "keep-alive", "Upgrade")),
    "Upgrade": st.sampled_from(("websocket", "h2c")),
    "Sec-WebSocket-Key": st.just("dGhlIHNhbXBsZSBub25jZQ=="),
    "Cookie": cookies,
}


def field(name: str, value: str) -> tuple[str, str]:
    """Return a field as servers pass it on."""
    return name, value.strip(" \t")


fields = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.builds(field, st.just(name) | st.just(name.lower()), VALUES[name])
)
host = mostly(
    ["localhost", "example.test", "example.test"],
    mostly(["x.example.test"], st.sampled_from(HOSTS)),
)
hosts = st.lists(st.builds(field, st.just("Host"), host), min_size=1, max_size=1)
HANDSHAKE = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)
headers = st.builds(
    lambda first, cookie, rest, last: (*first, *cookie, *rest, *last),
    st.one_of(hosts, hosts, hosts, st.just([])),
    st.lists(st.builds(field, st.just("Cookie"), cookies), max_size=1),
    st.lists(fields, max_size=3),
    st.sampled_from(((),) * 20 + (HANDSHAKE,)),
)

# Targets

segment = mostly(
    SEGMENTS,
    st.sampled_from(
        ODD_SEGMENTS
    )
    | st.text(max_size=4),
)  # fmt: skip
part = st.builds(
    lambda text, safe: quote(text.encode("utf-8", "replace"), safe=safe),
    segment,
    st.sampled_from(("", "+,;:@/.")),
)
raw_part = mostly(
    ["%E9"],
    st.sampled_from(ENCODED),
)


@st.composite
def paths(draw: st.DrawFn) -> str:
    """Draw a percent-encoded path that matches a rule, no rule, or nearly one."""
    path = ""
    for char in draw(st.sampled_from(PATHS)):
        if char == "@":
            path += draw(part | raw_part)
        elif char == "#":
            path += str(
                draw(
                    st.integers(0, 40)
                    | st.sampled_from((200, 204, 304, 400, 401, 404, 405, 413, 418, 500, 503, 999))
                )
            )
        else:
            path += char
    return path


pair = st.builds(
    lambda name, value: name if value is None else f"{name}={value}",
    mostly(("a", "b", "n", "to", "code", "why", "name", "_a"), st.sampled_from(
        ODD_NAMES)),
    st.none() | part | raw_part | st.sampled_from(
        ARGUMENTS),
)  # fmt: skip
queries = st.one_of(
    st.just(""),
    st.lists(pair, min_size=1, max_size=3).map("&".join).map("?{}".format),
    st.sampled_from(
        (
            "?",
            "?&&",
            "?=",
            "?a=1;b=2",
            "?a=%",
            "?" + "a=1&" * 1_100,
            "??",
            "?a=\xe9",
            "?a=\xc3\xa9",
            "?\xff",
        )
    ),
)

# Bodies


@st.composite
def multiparts(draw: st.DrawFn) -> str:
    """Draw a multipart body with the boundary ``b``, whole or broken."""
    body = draw(mostly([""], st.sampled_from(("preamble\r\n", "\r\n"))))
    for disposition in draw(
        st.lists(st.sampled_from(NAMES), max_size=7 if draw(st.booleans()) else 2)
    ):
        kind = draw(
            mostly(
                ["\r\n"],
                st.sampled_from(PART_HEADERS),
            )
        )
        content = draw(
            mostly(["x"], st.sampled_from(("", "\r\n", "--b", "\xff\0", "x" * 700, "--b--")))
        )
        body += f"--b\r\nContent-Disposition: form-data; {disposition}{kind}\r\n{content}\r\n"
    return body + draw(
        mostly(
            ["--b--\r\n"], st.sampled_from(("--b--", "--b", "", "--b--\r\nepilogue", "--b\r\n\r\n"))
        )
    )


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a body and a content type that usually match."""
    kind, content = draw(
        st.one_of(
            st.tuples(st.just("application/json"), st.sampled_from(JSON)),
            st.tuples(st.just("application/x-www-form-urlencoded"), st.sampled_from(FORMS)),
            st.tuples(st.just("multipart/form-data; boundary=b"), multiparts()),
            st.tuples(
                st.just("text/plain"), st.binary(max_size=20).map(lambda raw: raw.decode("latin-1"))
            ),
            st.tuples(st.just("application/octet-stream"), st.just("x" * 70_000)),
        )
    )
    return draw(mostly([kind], st.sampled_from(TYPES))), content


@st.composite
def requests(draw: st.DrawFn) -> Raw:
    """Draw one request."""
    target = draw(paths()) + draw(queries)
    sent = draw(headers)
    usual = "POST" if target.startswith(WITH_BODY) else "GET"
    method = draw(mostly([usual], st.sampled_from(METHODS)))
    body: tuple[str, ...] | None = None
    is_chunked = False
    if method not in {"GET", "HEAD", "TRACE"} or draw(st.integers(0, 9)) == 0:
        kind, content = draw(bodies())
        cut = draw(st.integers(0, len(content)))
        body = (content[:cut], content[cut:]) if draw(st.booleans()) else (content,)
        is_chunked = draw(st.booleans())
        if all(name.lower() != "content-type" for name, _ in sent):
            sent = (*sent, ("Content-Type", kind))
    root = draw(mostly([""], st.sampled_from(("", "/app", "/a/b")))) if target[0] == "/" else ""
    return Raw(APPS[0], method, target, sent, body, is_chunked, root)


examples = st.lists(requests(), min_size=TOGETHER, max_size=TOGETHER).map(
    lambda raws: [raw._replace(app=app) for raw in raws for app in APPS]
)
"""Requests that are sent one after the other, each to every application."""
