"""How an application reads and writes JSON: the provider interface.

`application.json` is a provider; assign another to change the library or the
format. Providers are given their application as ``t.Any``, so that this module
needs nothing above it and a subclass may narrow the parameter.
"""

from __future__ import annotations

import dataclasses
import decimal
import json
import json.encoder
import types
import typing as t
import uuid
import weakref
from datetime import date

import msgspec
from werkzeug.http import http_date

from ..ground.shortways import WatchedObject
from ..wrappers import Response
from .depth import MAX_DEPTH, UNGUARDED, check_depth, check_written_depth, read_plainly
from .plain import write_plainly

_decode_fast = msgspec.json.Decoder().decode
_c_make_encoder: t.Any = getattr(json.encoder, "c_make_encoder", None)

Encode = t.Callable[[t.Any], str]


class JSONProvider(WatchedObject):
    """Define what an application needs of a JSON library.

    A subclass must write `dumps` and `loads`; the rest is built on them.
    ``app`` is held weakly: the application owns its provider, and is to be
    freed as soon as nobody refers to it.
    """

    def __init__(self, app: t.Any) -> None:
        self._app: t.Any = weakref.proxy(app)

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Return the object as JSON text; keywords are the library's own."""
        raise NotImplementedError(f"{type(self).__name__} must define dumps(obj, **kwargs).")

    def dump(self, obj: t.Any, fp: t.IO[str], **kwargs: t.Any) -> None:
        """Write the object as JSON to a file that is open for text."""
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: t.Any) -> t.Any:
        """Return the value that JSON text, or its bytes, stands for.

        Must raise `ValueError` for what is not JSON; the client of a request
        with such a body is then answered with 400.
        """
        raise NotImplementedError(f"{type(self).__name__} must define loads(s, **kwargs).")

    def load(self, fp: t.IO[t.AnyStr], **kwargs: t.Any) -> t.Any:
        """Read an open file to its end and return the value it holds."""
        text = fp.read()
        check_depth(text)
        return self.loads(text, **kwargs)

    def _prepare_response_obj(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> t.Any:
        if args and kwargs:
            raise TypeError(
                "app.json.response() takes either args or kwargs, not both: a JSON document is"
                " an array or an object. Pass one dict with everything in it."
            )
        if kwargs:
            return kwargs
        if not args:
            return None
        return args[0] if len(args) == 1 else args

    def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
        """Return a response of the application's class with a JSON body.

        One positional argument is the document, several are an array,
        keywords are an object, and none at all is ``null``. Raises `TypeError`
        for positional arguments and keywords together.
        """
        obj = self._prepare_response_obj(args, kwargs)
        text = self.dumps(obj)
        response: Response = self._app.response_class(text, mimetype="application/json")
        return response


def _default(o: t.Any) -> t.Any:
    """Turn what JSON has no notation for into something it has one for."""
    if isinstance(o, date):
        return http_date(o)
    if isinstance(o, (decimal.Decimal, uuid.UUID)):
        return str(o)
    if dataclasses.is_dataclass(o):
        return dataclasses.asdict(o)  # type: ignore[arg-type]
    if hasattr(o, "__html__"):
        return str(o.__html__())
    raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")


def _build_encode(
    default: t.Callable[[t.Any], t.Any],
    ensure_ascii: bool,
    sort_keys: bool,
    separators: tuple[str, str] | None,
    indent: int | str | None,
) -> Encode:
    """Return a function that does what `json.dumps` does with these options.

    The stdlib builds a Python and a C encoder per call; most of the time that
    a small document takes goes into that. Both are safe to use again, and from
    several threads, as long as they share no table of the containers they are
    inside of. So ours has none, and a circular reference ends in a
    `RecursionError`; the stdlib is asked then, which names the real error.
    """
    plain = json.JSONEncoder(
        default=default,
        ensure_ascii=ensure_ascii,
        sort_keys=sort_keys,
        separators=separators,
        indent=indent,
    )
    if indent is not None or _c_make_encoder is None:
        # With an indent it is written in Python, which looks after its own stack.
        return plain.encode
    # PERF(json): a 4-key document takes 1.4 us instead of the stdlib's 2.4 us.
    to_chunks = _c_make_encoder(
        None,
        default,
        json.encoder.encode_basestring_ascii if ensure_ascii else json.encoder.encode_basestring,
        None,
        plain.key_separator,
        plain.item_separator,
        sort_keys,
        False,
        True,
    )

    def encode(obj: t.Any) -> str:
        if UNGUARDED:
            check_written_depth(obj)
        try:
            return "".join(to_chunks(obj, 0))
        except RecursionError:
            plain.encode(obj)
            # A second run may only explain the error, never replace the first:
            # ``default`` may have used up an iterator.
            raise

    return encode


class DefaultJSONProvider(JSONProvider):
    """Read and write JSON by the standard library's rules.

    Besides what `json` knows: `~datetime.datetime` and `~datetime.date` become
    HTTP dates, `~decimal.Decimal` and `~uuid.UUID` text, dataclasses objects,
    and whatever has ``__html__`` the text of that. Set the attributes on a
    subclass or on ``app.json``; they are read at every call.
    """

    default: t.Callable[[t.Any], t.Any] = staticmethod(_default)
    """Convert an object that JSON has no notation for, or raise `TypeError`."""

    ensure_ascii = True
    r"""Write everything but ASCII as ``\uXXXX``: safe under any charset, but larger."""

    sort_keys = True
    """Sort keys, so that equal data gives equal bytes and caches see no change.

    Keys must then be comparable: text and numbers in one dict are a `TypeError`.
    """

    compact: bool | None = None
    """Leave out line breaks in responses; None means "unless in debug mode"."""

    mimetype = "application/json"
    """The content type of `response`."""

    # INVARIANT: never changed in place, so threads need no lock. Keyed by everything
    # that the function was built from; see `_encode_for`.
    _encodes: t.ClassVar[dict[t.Any, Encode]] = {}

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Return the object as JSON text; keywords are those of `json.dumps`.

        ``default``, ``ensure_ascii`` and ``sort_keys`` come from the
        attributes unless given. Raises `TypeError` for what has no JSON form
        and `ValueError` for a circular reference.
        """
        encode = self._encode_for(kwargs)
        if encode is not None:
            return encode(obj)
        if UNGUARDED:
            check_written_depth(obj)
        kwargs.setdefault("default", self.default)
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        return json.dumps(obj, **kwargs)

    def _encode_for(self, kwargs: dict[str, t.Any]) -> Encode | None:
        """Return the encoder of these options, or None if `json.dumps` must run.

        Only options of layout are known here. ``default`` must be a plain
        function: a bound method would tie this object to itself, and be
        another object at each look.
        """
        separators = indent = None
        if kwargs:
            if not kwargs.keys() <= {"separators", "indent"}:
                return None
            separators = kwargs.get("separators")
            indent = kwargs.get("indent")
        default = self.default
        if type(default) is not types.FunctionType:
            return None
        key = (default, self.ensure_ascii, self.sort_keys, separators, indent)
        try:
            encode = self._encodes.get(key)
        except TypeError:  # a list of separators
            return None
        if encode is None:
            encode = _build_encode(*key)
            # On the instance, not the class: ``default`` may be a closure over the app.
            # Two threads may each drop the other's entry; it is built again then.
            known = self._encodes if len(self._encodes) < 8 else {}
            vars(self)["_encodes"] = {**known, key: encode}
        return encode

    def loads(self, s: str | bytes, **kwargs: t.Any) -> t.Any:
        """Return the value of JSON text, or of its UTF-8, UTF-16 or UTF-32 bytes.

        Accepts and refuses exactly what `json.loads` does, ``NaN`` and lone
        surrogates included; keywords are its own. Raises
        `json.JSONDecodeError` or `UnicodeDecodeError`, both `ValueError`, and
        that itself for JSON nested deeper than Python can follow.
        """
        kind = type(s)
        if (kind is bytes or isinstance(s, (str, bytes, bytearray))) and len(s) > MAX_DEPTH:
            check_depth(s)
        if not kwargs and (kind is bytes or kind is str):
            # PERF(echo): a 4-key document takes 0.4 us instead of 2.0 us. What this
            # decoder accepts it reads as the stdlib does (tests/property/test_json.py
            # holds them together); what it refuses, the stdlib decides.
            try:
                return _decode_fast(s)
            except (ValueError, RecursionError):
                pass
        return read_plainly(s, **kwargs)

    def response_body(self, obj: t.Any) -> bytes:
        """Return the body that `response` gives this document.

        Ends in a line break, so that it looks right in a terminal. Indented by
        two when `compact` is false, or None in debug mode.
        """
        compact = self.compact
        if compact or (compact is None and not self._app.debug):
            return self.compact_body(obj)
        return (self.dumps(obj, indent=2) + "\n").encode()

    def compact_body(self, obj: t.Any) -> bytes:
        """Return the body of a response outside of debug mode: one line."""
        # PERF(json): asks only whether the attributes are still those of the last time.
        kept = self._kept_compact
        if (
            kept is not None
            and kept[0] is self.default
            and kept[1] is self.ensure_ascii
            and kept[2] is self.sort_keys
            and self._may_dump
        ):
            if kept[1] and kept[2]:
                body = write_plainly(obj, kept[0] is _default)
                if body is not None:
                    return body + b"\n"
            return (kept[3](obj) + "\n").encode()
        if self._may_dump:
            encode = self._encode_for({"separators": (",", ":")})
            if encode is not None:
                self._kept_compact = (self.default, self.ensure_ascii, self.sort_keys, encode)
        return (self.dumps(obj, separators=(",", ":")) + "\n").encode()

    _kept_compact: tuple[t.Any, bool, bool, Encode] | None = None
    _may_dump: t.ClassVar[bool]
    _may_write_json: t.ClassVar[bool]

    def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
        """Return a response of the application's class with a JSON body.

        One positional argument is the document, several are an array,
        keywords are an object, and none at all is ``null``. Raises `TypeError`
        for positional arguments and keywords together.
        """
        obj = self._prepare_response_obj(args, kwargs)
        body = self.response_body(obj)
        make: t.Any = self._app.response_class
        if make is Response:
            return Response(body, mimetype=self.mimetype)
        response: Response = make(body.decode(), mimetype=self.mimetype)
        return response
