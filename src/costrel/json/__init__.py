"""JSON functions that use the current application's provider, ``app.json``.

Without a current application they use the standard library, with the conversions of
`DefaultJSONProvider` but without its sorting.
"""

from __future__ import annotations

import json as _json
import sys
import typing as t

from ..ground.current import context, current_app
from ..wrappers import Request, Response
from .depth import UNGUARDED, check_depth, check_written_depth, read_plainly
from .provider import DefaultJSONProvider
from .provider import _default as _default

__all__ = ["dump", "dumps", "jsonify", "load", "loads"]


def dumps(obj: t.Any, **kwargs: t.Any) -> str:
    """Serialize an object to a JSON string.

    Keyword arguments are passed to the provider; the default one takes those of
    `json.dumps`. Raises `TypeError` for an object that can't be serialized.
    """
    ctx = context.get(None)
    if ctx is not None:
        text: str = ctx.app.json.dumps(obj, **kwargs)
        return text
    if UNGUARDED:
        check_written_depth(obj)
    kwargs.setdefault("default", _default)
    return _json.dumps(obj, **kwargs)


def dump(obj: t.Any, fp: t.IO[str], **kwargs: t.Any) -> None:
    """Write an object as JSON to a text file."""
    ctx = context.get(None)
    if ctx is not None:
        ctx.app.json.dump(obj, fp, **kwargs)
    else:
        if UNGUARDED:
            check_written_depth(obj)
        kwargs.setdefault("default", _default)
        _json.dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: t.Any) -> t.Any:
    """Parse JSON text or bytes.

    Raises `ValueError` for invalid JSON, and for JSON that is nested too deeply, with
    any provider.
    """
    ctx = context.get(None)
    if ctx is None:
        return read_plainly(s, **kwargs)
    provider = ctx.app.json
    loads = provider.loads
    if type(provider) is not DefaultJSONProvider:
        check_depth(s)
    return loads(s, **kwargs) if kwargs else loads(s)


def load(fp: t.IO[t.AnyStr], **kwargs: t.Any) -> t.Any:
    """Read an open file and parse it as JSON."""
    ctx = context.get(None)
    if ctx is not None:
        return ctx.app.json.load(fp, **kwargs)
    return read_plainly(fp.read(), **kwargs)


def jsonify(*args: t.Any, **kwargs: t.Any) -> Response:
    """Return a response with a JSON body.

    One positional argument is the document. Several become an array, keyword arguments
    an object, and no arguments ``null``. A view can also return a dict or a list
    directly; use this for other documents, or to set headers.
    Raises `RuntimeError` without a current application, and `TypeError` for positional
    and keyword arguments together.
    """
    ctx = context.get(None)
    if ctx is not None:
        # PERF(json): an object or array becomes what a view becomes that returns it.
        document = kwargs if not args else args[0] if len(args) == 1 and not kwargs else None
        if document and (type(document) is dict or type(document) is list):
            app = ctx.app
            engine = app._engine
            if engine is not None and engine.epoch == app._epoch.value and not engine.general:
                plain = engine.coerce.body(document)
                if plain is not None:
                    return Response.of_bytes(*plain)
    response: Response = current_app.json.response(*args, **kwargs)
    return response


# Requests and responses use this module to read JSON. It is set here because their
# modules can't import this one.
Request.json_module = Response.json_module = sys.modules[__name__]
