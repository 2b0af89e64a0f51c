"""JSON providers, which define how an application reads and writes JSON.

``app.json`` is a provider. Assign another one to change the library or the format.
The application is typed as ``t.Any``, so that this module does not import its class, and
a subclass may use a narrower type.
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

from werkzeug.http import http_date

from ..ground.shortways import WatchedObject
from ..wrappers import Response
from .depth import MAX_DEPTH, UNGUARDED, check_depth, check_written_depth, read_plainly
from .paths import note_path

_c_make_encoder: t.Any = getattr(json.encoder, "c_make_encoder", None)

Encode = t.Callable[[t.Any], str]
Write = t.Callable[[t.Any, bool, bool], bytes | None]


def _load_decoder(s: str | bytes) -> t.Any:
    """Decode JSON with msgspec, which is loaded for the first document only.

    Many applications have none, and it takes a twentieth of the time of ``import costrel``.
    """
    global _decode_fast  # noqa: PLW0603
    import msgspec

    _decode_fast = msgspec.json.Decoder().decode
    return _decode_fast(s)


_decode_fast: t.Callable[[t.Any], t.Any] = _load_decoder


class JSONProvider(WatchedObject):
    """The base class of JSON providers.

    A subclass must define `dumps` and `loads`; the other methods use them.
    ``app`` is held by a weak reference, because the application owns its provider and
    a cycle would keep it alive.
    """

    def __init__(self, app: t.Any) -> None:
        self._app: t.Any = weakref.proxy(app)

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Serialize an object to a JSON string; keyword arguments are for the library."""
        raise NotImplementedError(f"{type(self).__name__} must define dumps(obj, **kwargs).")

    def dump(self, obj: t.Any, fp: t.IO[str], **kwargs: t.Any) -> None:
        """Write an object as JSON to a text file."""
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: t.Any) -> t.Any:
        """Parse JSON text or bytes.

        It must raise `ValueError` for invalid JSON. If the body of a request is invalid, the
        client then gets a 400.
        """
        raise NotImplementedError(f"{type(self).__name__} must define loads(s, **kwargs).")

    def load(self, fp: t.IO[t.AnyStr], **kwargs: t.Any) -> t.Any:
        """Read an open file and parse it as JSON."""
        text = fp.read()
        check_depth(text)
        return self.loads(text, **kwargs)

    def _prepare_response_obj(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> t.Any:
        if args and kwargs:
            raise TypeError(
                "app.json.response() takes either args or kwargs, not both: a JSON document is"
                " an array or an object. Pass a single dict with everything in it."
            )
        if kwargs:
            return kwargs
        if not args:
            return None
        return args[0] if len(args) == 1 else args

    def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
        """Return a response with a JSON body, of the application's response class.

        One positional argument is the document. Several become an array, keyword
        arguments an object, and no arguments ``null``. Raises `TypeError` for
        positional and keyword arguments together.
        """
        obj = self._prepare_response_obj(args, kwargs)
        text = self.dumps(obj)
        response: Response = self._app.response_class(text, mimetype="application/json")
        return response


def _default(o: t.Any) -> t.Any:
    """Convert an object that JSON does not support to one that it does."""
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
    """Return a function that does the same as `json.dumps` with these options.

    The stdlib creates a Python and a C encoder for each call, which takes most of
    the time for a small document. Both can be reused, also by several threads, as
    long as they don't share the table that detects circular references. So ours has
    no such table, and a circular reference raises `RecursionError`. The stdlib is
    called then, and raises the actual error.
    """
    plain = json.JSONEncoder(
        default=default,
        ensure_ascii=ensure_ascii,
        sort_keys=sort_keys,
        separators=separators,
        indent=indent,
    )
    if indent is not None or _c_make_encoder is None:
        # The stdlib uses its Python encoder for indents, which can't overflow the stack.
        def encode_indented(obj: t.Any) -> str:
            try:
                return plain.encode(obj)
            except TypeError as error:
                note_path(error, obj)
                raise

        return encode_indented
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
        except TypeError as error:
            note_path(error, obj)
            raise
        except RecursionError:
            plain.encode(obj)
            # The second run may only explain the error. Its result can't be used:
            # ``default`` may have consumed an iterator.
            raise

    return encode


class DefaultJSONProvider(JSONProvider):
    """Reads and writes JSON in the same way as the standard library.

    Other types are converted: `~datetime.datetime` and `~datetime.date` to HTTP dates,
    `~decimal.Decimal` and `~uuid.UUID` to strings, dataclasses to objects, and objects
    with ``__html__`` to the string it returns. Set the attributes below on a subclass
    or on ``app.json``; they are read at every call.
    """

    default: t.Callable[[t.Any], t.Any] = staticmethod(_default)
    """Converts an object that JSON does not support, or raises `TypeError`."""

    ensure_ascii = True
    r"""Escape non-ASCII characters as ``\uXXXX``: safe in any charset, but larger."""

    sort_keys = True
    """Sort keys, so that equal data gives the same bytes, which helps caches.

    Keys must then be comparable: strings and numbers in one dict raise `TypeError`.
    """

    compact: bool | None = None
    """Omit line breaks and indents in responses; None means "except in debug mode"."""

    mimetype = "application/json"
    """The content type of `response`."""

    # INVARIANT: never changed in place, so threads need no lock. The keys hold everything
    # that the function was built from; see `_encode_for`.
    _encodes: t.ClassVar[dict[t.Any, Encode]] = {}

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Serialize an object to a JSON string; takes the arguments of `json.dumps`.

        ``default``, ``ensure_ascii`` and ``sort_keys`` default to the attributes.
        Raises `TypeError` for an object that can't be serialized, and `ValueError`
        for a circular reference.
        """
        encode = self._encode_for(kwargs)
        if encode is not None:
            return encode(obj)
        if UNGUARDED:
            check_written_depth(obj)
        kwargs.setdefault("default", self.default)
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        try:
            return json.dumps(obj, **kwargs)
        except TypeError as error:
            note_path(error, obj)
            raise

    def _encode_for(self, kwargs: dict[str, t.Any]) -> Encode | None:
        """Return the encoder for these options, or None if `json.dumps` has to be called.

        Only layout options are supported. ``default`` must be a plain function: a bound
        method would create a reference cycle, and is a new object at each access.
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
            # Two threads may each drop the other's entry, which is then rebuilt.
            known = self._encodes if len(self._encodes) < 8 else {}
            vars(self)["_encodes"] = {**known, key: encode}
        return encode

    def loads(self, s: str | bytes, **kwargs: t.Any) -> t.Any:
        """Parse JSON text, or bytes in UTF-8, UTF-16 or UTF-32.

        Accepts exactly what `json.loads` accepts, including ``NaN`` and lone surrogates,
        and takes its keyword arguments. Raises `json.JSONDecodeError` or
        `UnicodeDecodeError`, both subclasses of `ValueError`, and `ValueError` itself for
        JSON that is nested too deeply.
        """
        kind = type(s)
        if (kind is bytes or isinstance(s, (str, bytes, bytearray))) and len(s) > MAX_DEPTH:
            check_depth(s)
        if not kwargs and (kind is bytes or kind is str):
            # PERF(echo): a 4-key document takes 0.4 us instead of 2.0 us. This decoder
            # reads what it accepts as the stdlib does (tests/property/test_json.py
            # compares them); the stdlib decides about the rest.
            try:
                return _decode_fast(s)
            except (ValueError, RecursionError):
                pass
        return read_plainly(s, **kwargs)

    def response_body(self, obj: t.Any) -> bytes:
        """Return the body that `response` uses for this document.

        It ends in a line break, so that it looks right in a terminal. It is indented by
        two spaces if `compact` is False, or if it is None in debug mode.
        """
        compact = self.compact
        if compact or (compact is None and not self._app.debug):
            return self.compact_body(obj)
        return (self.dumps(obj, indent=2) + "\n").encode()

    def compact_body(self, obj: t.Any) -> bytes:
        """Return the body of a response outside debug mode, on one line."""
        # PERF(json): only checks whether the attributes are unchanged since the last call.
        kept = self._kept_compact
        if (
            kept is not None
            and kept[0] is self.default
            and kept[1] is self.ensure_ascii
            and kept[2] is self.sort_keys
            and self._may_dump
        ):
            # Without sorting, msgspec writes keys that `json` refuses, such as decimals.
            if kept[2]:
                body = kept[4](obj, kept[0] is _default, kept[1])
                if body is not None:
                    return body + b"\n"
            return (kept[3](obj) + "\n").encode()
        if self._may_dump:
            encode = self._encode_for({"separators": (",", ":")})
            if encode is not None:
                # Here, since it loads msgspec: see `_load_decoder`.
                from .plain import write_plainly

                self._kept_compact = (
                    self.default, self.ensure_ascii, self.sort_keys, encode, write_plainly,
                )  # fmt: skip
        return (self.dumps(obj, separators=(",", ":")) + "\n").encode()

    _kept_compact: tuple[t.Any, bool, bool, Encode, Write] | None = None
    _may_dump: t.ClassVar[bool]
    _may_write_json: t.ClassVar[bool]

    def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
        """Return a response with a JSON body, of the application's response class.

        One positional argument is the document. Several become an array, keyword
        arguments an object, and no arguments ``null``. Raises `TypeError` for
        positional and keyword arguments together.
        """
        obj = self._prepare_response_obj(args, kwargs)
        body = self.response_body(obj)
        make: t.Any = self._app.response_class
        if make is Response:
            return Response(body, mimetype=self.mimetype)
        response: Response = make(body.decode(), mimetype=self.mimetype)
        return response
