"""The id of a request: made when it is first asked for, and the same wherever it is shown.

It is in every line of the log, in the response to a client that sent one, and in what a client
gets of an error of the server.
"""

from __future__ import annotations

import os
import re
import time
import typing as t

from ..ground.current import context

KEY = "costrel.request_id"
"""The environ key of the id. Copies of a request's context share its environ, and so its id."""

HEADER = "X-Request-ID"
"""The header field of the id, unless ``REQUEST_ID_HEADER`` names another."""

MAX_CHARACTERS = 128

_is_well_formed = re.compile(rf"[A-Za-z0-9._~+/=-]{{1,{MAX_CHARACTERS}}}", re.ASCII).fullmatch

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_BEHIND_PROXY = "werkzeug.proxy_fix.orig"
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED")


def request_id() -> str | None:
    """Return the id of the current request, WebSocket or background task.

    A background task has the id of the request that has added it. Returns None outside of both.
    An id that a trusted proxy sent is used; otherwise it is made now: see ``REQUEST_ID_TRUSTED``.
    Making one takes 2 us; a request whose id nobody asks for has none.
    """
    ctx = context.get(None)
    return None if ctx is None else id_of(ctx)


def id_of(ctx: t.Any) -> str | None:
    """Return the id of a context: see `request_id`."""
    request_ctx = ctx.request_context
    if request_ctx is None:
        return t.cast("str | None", ctx.continued_id)
    return id_in(request_ctx.environ, request_ctx.app)


def id_in(environ: t.MutableMapping[str, t.Any], app: t.Any) -> str:
    """Return the id of the request with an environ; if it has none, it gets one."""
    found: str | None = environ.get(KEY)
    if found is None:
        found = environ[KEY] = _believed(app, environ) or make_id()
    return found


def _believed(app: t.Any, environ: t.Mapping[str, t.Any]) -> str | None:
    """Return the id that the request came with, if it is well-formed and from a trusted place."""
    sent: str | None = environ.get(variable_of(app))
    if not sent or not _is_well_formed(sent):
        return None
    trusted = app.config.get("REQUEST_ID_TRUSTED") if app._logs_by_settings else None
    if trusted is None:
        trusted = _BEHIND_PROXY in environ and any(name in environ for name in _FORWARDED)
    return sent if trusted else None


def header_of(app: t.Any) -> str | None:
    """Return the name of the header field in which ids are given back; None if none are."""
    # On a `Flask` that nobody has configured, a setting of this name is its own.
    return (app.config.get("REQUEST_ID_HEADER") or None) if app._logs_by_settings else None


def variable_of(app: t.Any) -> str:
    """Return the name that the header field of the id has in the environ."""
    header = header_of(app) or HEADER
    return "HTTP_" + header.upper().replace("-", "_")


def make_id() -> str:
    """Return a new id: a UUID of the time and 74 random bits (version 7).

    Ids sort by time, so that those of one minute are found together. SPEC(RFC 9562 §5.7)
    """
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uri_of(id_: str) -> str:
    """Return an id as a URI, for the ``instance`` of a problem. SPEC(RFC 9562 §4, RFC 3986 §3)."""
    return f"urn:uuid:{id_}" if _UUID.fullmatch(id_) else f"request:{id_}"


def returned_field(ctx: t.Any, status: int) -> tuple[str, str] | None:
    """Return the header field that tells a client the id of its request; None if it gets none.

    It does if it has sent one, which may be another, and if the server has failed. Other clients
    don't need it, so most requests have none to make. ``REQUEST_ID_HEADER = None`` turns it off.
    """
    app = ctx.app
    header = header_of(app)
    if not header or (status < 500 and variable_of(app) not in ctx.environ):
        return None
    return header, t.cast("str", id_of(ctx))


class RequestFacts(t.NamedTuple):
    """What a line of the log says of the request during which it is written."""

    request_id: str | None = None
    method: str | None = None
    path: str | None = None


_NONE = RequestFacts()


def current_facts() -> RequestFacts:
    """Return what is known of the current request; nothing outside of one.

    Creates no request object. The path is as the client sent it, decoded.
    """
    ctx = context.get(None)
    if ctx is None:
        return _NONE
    request_ctx = ctx.request_context
    if request_ctx is None:
        return RequestFacts(ctx.continued_id)
    environ = request_ctx.environ
    path = (environ.get("SCRIPT_NAME") or "") + (environ.get("PATH_INFO") or "")
    return RequestFacts(
        id_of(request_ctx),
        environ.get("REQUEST_METHOD"),
        path.encode("latin-1", "replace").decode("utf-8", "replace"),
    )
