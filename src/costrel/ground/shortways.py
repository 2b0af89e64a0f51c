"""The table of all fast paths: which methods each one skips, and whether it may be taken.

A fast path ("short way" in names) gives the result that a chain of methods would give, without
calling them. So it is open only if none of these methods is replaced: on the class, on a class
in between, on the subclass in use, or on the object itself. Otherwise the methods are called.

A replacement is noticed when it happens, because `Watched` is the metaclass of our own classes
(decision 6). Requests pay nothing for that: whether a path is open is a class attribute, named
as in the table. Classes of Werkzeug and Jinja do not have this metaclass. They are checked each
time an engine is compiled, which also happens after anything here was replaced.
"""

from __future__ import annotations

import typing as t
from abc import ABCMeta
from operator import attrgetter, is_
from types import FunctionType

import werkzeug.utils
from jinja2 import Template
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import MultiPartParser
from werkzeug.routing import (
    BaseConverter,
    IntegerConverter,
    MapAdapter,
    Rule,
    UnicodeConverter,
)
from werkzeug.sansio.multipart import MultipartDecoder
from werkzeug.wrappers import Response

_OF_COOKIE = (
    "open_session save_session get_signing_serializer"
    " get_cookie_name get_cookie_domain get_cookie_path get_cookie_secure"
    " get_cookie_httponly get_cookie_samesite get_cookie_partitioned get_expiration_time"
    " should_set_cookie is_null_session null_session_class salt digest_method"
    " key_derivation serializer session_class"
)

SHORT_WAYS: dict[str, tuple[str, str]] = {
    # A plan replaces these: all of a request, from entering its context to leaving it.
    "_may_run_plans": (
        "costrel.app.Flask",
        (
            "full_dispatch_request dispatch_request preprocess_request finalize_request"
            " process_response make_response do_teardown_request do_teardown_appcontext ensure_sync"
            " create_url_adapter raise_routing_exception make_default_options_response"
            " request_context inject_url_defaults should_ignore_error"
        ),
    ),
    "_may_enter": ("costrel.ctx.request.RequestContext", "__init__ push pop match_request"),
    # A plan knows the rule, so it need not ask the request for what follows from the rule.
    "_may_know_rule": (
        "costrel.wrappers.request.Request",
        "method endpoint blueprint blueprints url_rule view_args routing_exception",
    ),
    # The route table matches and builders build URLs, instead of Werkzeug's adapter.
    "_may_match": ("werkzeug.routing.map.MapAdapter", "__init__ match"),
    "_may_bind": ("costrel.routing.table.RuleMap", "bind bind_to_environ update"),
    "_may_build": ("werkzeug.routing.map.MapAdapter", "build"),
    "_may_build_rule": ("werkzeug.routing.rules.Rule", "build suitable_for"),
    "_may_keep_text": ("werkzeug.routing.converters.BaseConverter", "to_python"),
    "_may_write_text": ("werkzeug.routing.converters.UnicodeConverter", "to_url"),
    "_may_write_number": ("werkzeug.routing.converters.IntegerConverter", "to_url"),
    # The request is created and read directly from what the server passed.
    "_may_make_request": ("costrel.wrappers.request.Request", "__init__"),
    "_may_forget": ("costrel.wrappers.request.Request", "close"),
    "_may_read_args": ("costrel.wrappers.request.Request", "query_string"),
    "_may_read_cookies": ("costrel.wrappers.request.Request", "headers"),
    "_may_read_body": ("costrel.wrappers.request.Request", "stream content_length"),
    "_may_see_type": ("costrel.wrappers.request.Request", "mimetype _parse_content_type headers"),
    "_may_read_json": (
        "costrel.wrappers.request.Request",
        "is_json get_data mimetype _parse_content_type headers",
    ),
    "_may_read_form": (
        "costrel.wrappers.request.Request",
        (
            "make_form_data_parser want_form_data_parsed _get_stream_for_parsing stream"
            " content_length mimetype mimetype_params _parse_content_type headers"
        ),
    ),
    "_may_parse_form": ("costrel.wrappers.request.FormParser", "__init__ parse"),
    "_may_read_parts": ("costrel.wrappers.request.FormParser", "_parse_multipart"),
    "_may_decode_parts": (
        "werkzeug.formparser.MultiPartParser",
        "__init__ parse start_file_streaming get_part_charset",
    ),
    "_may_decode": (
        "werkzeug.sansio.multipart.MultipartDecoder",
        "__init__ receive_data next_event",
    ),
    "_may_limit_body": (
        "costrel.wrappers.request.Request",
        "max_content_length stream content_length",
    ),
    # Bodies that need no response object, and responses that are sent without Werkzeug's copies.
    "_may_omit_response": (
        "costrel.wrappers.response.Response",
        (
            "__init__ set_data get_wsgi_headers get_wsgi_response get_app_iter"
            " iter_encoded close __call__ is_sequence status status_code"
            # The constructor does not assign these, and sending does not read them.
            " headers response direct_passthrough _on_close _status"
            " _status_code autocorrect_location_header"
            " automatically_set_content_length"
        ),
    ),
    # The usual answer has the default type and status. A subclass may have others, and still
    # omit the rest.
    "_may_use_defaults": (
        "costrel.wrappers.response.Response",
        "default_mimetype default_status",
    ),
    "_may_answer_conditions": (
        "costrel.wrappers.response.Response",
        "_process_range_request headers status status_code _status _status_code",
    ),
    "_may_send_parts": (
        "costrel.wrappers.response.Response",
        "__call__ get_wsgi_response get_app_iter status",
    ),
    # The headers of a file are kept, and not made anew.
    "_may_keep_heads": (
        "costrel.wrappers.response.Response",
        (
            "content_length last_modified cache_control expires set_etag make_conditional"
            " _process_range_request"
        ),
    ),
    "_may_send_others": (
        "werkzeug.wrappers.response.Response",
        "__call__ get_wsgi_response get_app_iter status",
    ),
    "_may_not_encode": ("werkzeug.wrappers.response.Response", "iter_encoded"),
    "_may_not_close": ("werkzeug.wrappers.response.Response", "close"),
    "_may_make_others": (
        "werkzeug.wrappers.response.Response",
        "__init__ set_data status status_code automatically_set_content_length",
    ),
    "_may_answer": ("werkzeug.exceptions.HTTPException", "__call__ get_response"),
    "_may_keep_page": (
        "werkzeug.exceptions.HTTPException",
        "get_body get_description name",
    ),
    "_may_dump": ("costrel.json.provider.DefaultJSONProvider", "dumps"),
    "_may_write_json": (
        "costrel.json.provider.DefaultJSONProvider",
        "dumps response response_body compact_body _prepare_response_obj",
    ),
    # A session that is never accessed is neither opened nor saved.
    "_may_open_later": (
        "costrel.sessions.SecureCookieSessionInterface",
        "open_session save_session",
    ),
    "_may_not_refresh": (
        "costrel.sessions.SecureCookieSessionInterface",
        "should_set_cookie is_null_session",
    ),
    "_may_fill_session": ("costrel.sessions.SecureCookieSession", "__init__ permanent"),
    # The session's cookie is read from the environ, and its header field is written, by what
    # was compiled from the configuration.
    "_may_compile_cookie": (
        "costrel.sessions.SecureCookieSessionInterface",
        _OF_COOKIE,
    ),
    "_may_compile_safe_cookie": (
        "costrel.sessions.safe.SafeSessionInterface",
        _OF_COOKIE,
    ),
    "_may_compile_stored_cookie": (
        "costrel.sessions.stored.StoredSessionInterface",
        (
            "open_session save_session needs_store needs_store_to_open"
            " get_cookie_name get_cookie_domain get_cookie_path get_cookie_secure"
            " is_null_session null_session_class session_class"
        ),
    ),
    "_may_configure": ("costrel.app.Flask", "secret_key permanent_session_lifetime"),
    "_may_find_cookie": (
        "costrel.wrappers.request.Request",
        "__init__ cookies dict_storage_class environ headers",
    ),
    "_may_add_cookie": (
        "costrel.wrappers.response.Response",
        "set_cookie delete_cookie max_cookie_size headers vary",
    ),
    # Signatures are made with fewer calls than itsdangerous makes.
    "_may_serialize": (
        "costrel.sessions.signing.Serializer",
        "dump_payload dumps iter_unsigners load_payload loads make_signer",
    ),
    "_may_sign": (
        "costrel.sessions.signing.Signer",
        "derive_key get_signature sign timestamp_to_datetime unsign verify_signature",
    ),
    "_may_hash": ("costrel.sessions.signing.HMAC", "get_signature verify_signature"),
    # Templates: a string is compiled once, and rendering copies and looks up less.
    "_may_keep_strings": (
        "costrel.templating.Environment",
        (
            "code_generator_class compile from_string getattr getitem handle_exception"
            " iter_extensions lex lexer make_globals parse preprocess template_class _compile"
            " _generate _parse _tokenize"
        ),
    ),
    "_may_read_items": ("costrel.templating.Environment", "getattr"),
    "_may_build_urls": ("costrel.app.Flask", "url_for"),
    "_may_share_globals": ("jinja2.environment.Template", "new_context"),
    # A coroutine method of a method view is awaited on the loop.
    "_may_find_method": ("costrel.views.MethodView", "dispatch_request"),
}
"""The class attribute of each fast path, with its class and the names that it skips there.

If a name of ``_may_run_plans``, ``_may_enter``, or ``_may_know_rule`` is replaced, the
application takes the general path, which calls every step by its name."""

STEPS = tuple(SHORT_WAYS["_may_run_plans"][1].split())
"""The steps of an application that a plan takes over."""

_SKIPPED = frozenset(name for _cls, names in SHORT_WAYS.values() for name in names.split())

on_replaced: list[t.Callable[[], None]] = []
"""Called when something is replaced, to invalidate what was compiled from it."""


class _Way:
    """One fast path, with the methods that it skips as they were when the class was defined."""

    def __init__(self, name: str, root: type) -> None:
        self.name = name
        self.root = root
        names = SHORT_WAYS[name][1].split()
        self.names = frozenset(names)
        get = attrgetter(*names)
        self._look_at = get if len(names) > 1 else lambda cls: (get(cls),)
        self._originals = self._look_at(root)
        found = [(base, name) for base in root.__mro__ for name in names if name in base.__dict__]
        # Methods that ours override count too: ours call them unless the path is open. A base
        # class that has none of its own may be given one.
        self._overridden = tuple(
            (base, name, base.__dict__.get(name))
            for base in root.__mro__[1:]
            for name in names
            if find(root, name) is not base.__dict__.get(name)
            and (name in base.__dict__ or (name in root.__dict__ and base.__module__ != "builtins"))
        )
        # False if a tracer has replaced a method before this was imported.
        self._genuine = all(
            _is_genuine(base, base.__dict__[name]) for base, name in found if base is not object
        )

    def is_open(self, cls: type) -> bool:
        # COMPAT(wrapt): by identity, since a wrapped function compares equal to the original.
        if not self._genuine or not all(map(is_, self._look_at(cls), self._originals)):
            return False
        for base, name, original in self._overridden:  # noqa: SIM110  called for each error
            if base.__dict__.get(name) is not original:
                return False
        return True


_ways: dict[str, _Way] = {}


def find(cls: type, name: str) -> t.Any:
    """Return a class's attribute as it is stored, without binding it."""
    return next(base.__dict__[name] for base in cls.__mro__ if name in base.__dict__)


def _is_genuine(owner: type, value: t.Any) -> bool:
    """Whether a method comes from the package that its class is defined in."""
    for attribute in ("__func__", "fget", "make"):
        value = getattr(value, attribute, value)
    if isinstance(value, FunctionType):
        package = str(value.__globals__.get("__name__")).partition(".")[0]
        return package == owner.__module__.partition(".")[0]
    return not callable(value) or isinstance(value, (type, type(object.__init__)))


def record(cls: type) -> None:
    """Remember the original methods of a class in the table."""
    path = f"{cls.__module__}.{cls.__qualname__}"
    for name, (root, _skipped) in SHORT_WAYS.items():
        if root == path:
            _ways[name] = _Way(name, cls)


def is_open(name: str, cls: type) -> bool:
    """Whether a fast path may be taken for its own class, or for a subclass."""
    # ``request_class`` need not be a class.
    return isinstance(cls, type) and _ways[name].is_open(cls)


def is_open_for(name: str, obj: t.Any) -> bool:
    """Whether a fast path may be taken for an object, which may have attributes of its own."""
    way, cls = _ways[name], type(obj)
    # A proxy may be an instance by its ``__class__`` only.
    return (
        way.root in cls.__mro__
        and way.is_open(cls)
        and way.names.isdisjoint(getattr(obj, "__dict__", ()))
    )


def _ways_of(cls: type) -> t.Iterator[_Way]:
    return (way for way in _ways.values() if way.root in cls.__mro__)


def builds_as_imported() -> bool:
    """Whether Werkzeug's methods that build URLs are the ones that it was imported with."""
    return (
        Rule.build is _build
        and Rule.suitable_for is _suitable_for
        and MapAdapter.build is _adapter_build
    )


_build, _suitable_for, _adapter_build = Rule.build, Rule.suitable_for, MapAdapter.build


def sends_files_as_imported() -> bool:
    """Whether Werkzeug's functions that send files are the ones that it was imported with."""
    return (
        werkzeug.utils.send_file is _send_file
        and werkzeug.utils.send_from_directory is _send_from_directory
    )


_send_file, _send_from_directory = werkzeug.utils.send_file, werkzeug.utils.send_from_directory


def look_again() -> None:
    """Check again which fast paths are open, including the classes that ours inherit from."""
    for way in _ways.values():
        _decide(way, way.root)


def _decide(way: _Way, cls: type) -> None:
    if isinstance(cls, Watched):
        may = way.is_open(cls)
        # Assigning what is there already would make CPython forget what it knows of the class.
        if cls.__dict__.get(way.name) is not may:
            type.__setattr__(cls, way.name, may)
    subclasses: list[type] = type.__subclasses__(cls)
    for subclass in subclasses:
        _decide(way, subclass)


class Watched(ABCMeta):
    """Keep a class's fast paths open until a method that they skip is replaced on it.

    Derives from `ABCMeta`, because such classes are combined with abstract ones.
    """

    def __init__(cls, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        record(cls)
        for way in _ways_of(cls):
            type.__setattr__(cls, way.name, way.is_open(cls))

    def __setattr__(cls, name: str, value: t.Any) -> None:
        super().__setattr__(name, value)
        if name in _SKIPPED:
            _tell()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if name in _SKIPPED:
            _tell()


class WatchedObject(metaclass=Watched):
    """Do what `Watched` does, for a single object of an application, such as ``app.json``."""

    def __setattr__(self, name: str, value: t.Any) -> None:
        super().__setattr__(name, value)
        if name in _SKIPPED:
            self.__look_again()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name in _SKIPPED:
            self.__look_again()

    def __look_again(self) -> None:
        for way in _ways_of(type(self)):
            vars(self)[way.name] = is_open_for(way.name, self)
        _tell()


def _tell() -> None:
    look_again()
    for listener in on_replaced:
        listener()


for _cls in (
    BaseConverter, HTTPException, IntegerConverter, MapAdapter, MultiPartParser, MultipartDecoder,
    Response, Rule, Template, UnicodeConverter,
):  # fmt: skip
    record(_cls)
