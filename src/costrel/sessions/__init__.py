"""Sessions, stored in a signed cookie by default.

A `SessionInterface` opens the session of a request and saves it with the response.
To store sessions elsewhere, assign another one to ``app.session_interface``.
Applications, requests and responses are typed as ``t.Any`` here, so that this module
does not import theirs, and overrides may use narrower types.
"""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from importlib import import_module

from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import CallbackDict

from ..ground.shortways import Watched, WatchedObject
from ..json.tag import TaggedJSONSerializer
from ..wrappers.fields import append_absent
from .automatic import (
    AUTO,
    current_transport,
    follows_others,
    is_secure,
    warn_of_plain_http,
)
from .keyfiles import about_unread_file
from .signing import HMAC, Serializer, encode, signs_as_imported

_NO_KEY = (
    "The session is unavailable because no secret key was set. Set app.secret_key, or SECRET_KEY in"
    " the configuration, to the output of `costrel secret`, and keep it secret: not in the source."
)


class SessionMixin(MutableMapping[str, t.Any]):
    """The attributes that a session has in addition to those of a mapping.

    Three flags determine whether it is saved, and what the response tells caches. The
    defaults are for a session that does not track them: it is always saved.
    """

    new = False
    """Whether the client sent no session. False for storages that can't tell."""

    modified = True
    """Whether there are changes to save."""

    accessed = False
    """Whether the session was accessed, so that the response may depend on it.

    The context sets it when its session is accessed; see `save_session`.
    """

    @property
    def permanent(self) -> bool:
        """Whether to keep the session for ``PERMANENT_SESSION_LIFETIME`` after the browser closes.

        It is stored in the session under ``_permanent``, so setting it modifies the session.
        """
        return t.cast("bool", self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)

    # Flask's sessions have none of these; they are here for type checkers to see.

    @property
    def user_id(self) -> str | None:
        """The id of the user who has logged in; None if nobody has."""
        return t.cast("str | None", self.get("_user_id"))

    def regenerate(self) -> None:
        """Give the session a new identity: see `costrel.sessions.safe.SafeSession`.

        Raises `RuntimeError` for sessions of another kind.
        """
        raise RuntimeError(_NOT_SAFE.format("regenerate", type(self).__name__))

    def destroy(self) -> None:
        """End the session: see `costrel.sessions.safe.SafeSession`.

        Raises `RuntimeError` for sessions of another kind.
        """
        raise RuntimeError(_NOT_SAFE.format("destroy", type(self).__name__))


_NOT_SAFE = (
    "A {1} has no {0}(). Use the class Costrel, or call costrel.security.protect(app) before the"
    " first request; and don't set another app.session_interface."
)


def _mark_modified(session: t.Any) -> None:
    session.modified = True


class SecureCookieSession(CallbackDict[str, t.Any], SessionMixin, metaclass=Watched):  # pyright: ignore[reportIncompatibleMethodOverride]
    """The data of a session that is stored in a signed cookie.

    Any change to the dict itself sets ``modified``. A change inside a value
    (``session["list"].append(1)``) is not noticed: set ``modified`` yourself then.
    The client can read the data, but not change it.
    """

    modified = False
    accessed = False
    _may_fill_session: t.ClassVar[bool]

    def __init__(
        self, initial: Mapping[str, t.Any] | Iterable[tuple[str, t.Any]] | None = None
    ) -> None:
        # Not a bound method, because the dict would then refer to itself.
        super().__init__(initial, _mark_modified)

    @classmethod
    def of_data(cls, data: dict[str, t.Any]) -> t.Self:
        """Create a session from the data of a cookie.

        PERF(page): does the same as the constructor, in two thirds of the time.
        """
        session = cls.__new__(cls)
        dict.update(session, data)
        session.on_update = _mark_modified
        return session


class NullSession(SecureCookieSession):
    """An empty, read-only stand-in for a session that can't be opened.

    It is used if no secret key is set. Every write raises a `RuntimeError` that says
    what to configure.
    """

    def _fail(self, *_: t.Any, **__: t.Any) -> t.NoReturn:
        raise RuntimeError(_NO_KEY + about_unread_file())

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = __ior__ = _fail


class SessionInterface(WatchedObject):
    """The base class that defines how sessions are opened and saved.

    A subclass must define `open_session` and `save_session`. The getters read the
    cookie's attributes from the configuration. Use them, so that every interface is
    configured the same way, or override them. An interface may be shared by several
    applications and threads.
    """

    null_session_class: type[NullSession] = NullSession
    """The class that `make_null_session` creates and `is_null_session` checks for."""

    pickle_based = False
    """Whether the storage uses pickle; tells extensions what they may store."""

    waits_for_store = False
    """Whether opening and saving may wait for a server or a disk.

    The session is then opened when it is first accessed, unless a coroutine may access it: for
    that it is opened before, in a thread, if the client sent its cookie. It is saved in a thread
    too.
    """

    def needs_store_to_open(self, app: t.Any, cookies: str) -> bool:  # noqa: ARG002  for overrides
        """Return whether opening the session of the current request waits, if `waits_for_store`.

        `cookies` is the request's ``Cookie`` header.
        """
        return True

    def needs_store(self, app: t.Any, session: SessionMixin) -> bool:  # noqa: ARG002  for overrides
        """Return whether saving this session waits, if `waits_for_store`."""
        return True

    def close(self) -> None:
        """Close what the interface has open; called when the server stops, if `waits_for_store`."""

    def make_null_session(self, app: t.Any) -> NullSession:  # noqa: ARG002  # for overrides
        """Return a stand-in for a session that can't be opened.

        It is used if `open_session` returns None. It should allow reading, and fail on
        writing with a message that says what is not configured.
        """
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Return whether the object is a null session, which is never saved."""
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: t.Any) -> str:
        """Return the cookie's name: ``SESSION_COOKIE_NAME``."""
        return t.cast("str", app.config["SESSION_COOKIE_NAME"])

    def get_cookie_domain(self, app: t.Any) -> str | None:
        """Return ``SESSION_COOKIE_DOMAIN``; None limits the cookie to this host.

        A domain includes all its subdomains (RFC 6265 §5.1.3).
        """
        return t.cast("str | None", app.config["SESSION_COOKIE_DOMAIN"])

    def get_cookie_path(self, app: t.Any) -> str:
        """Return ``SESSION_COOKIE_PATH``, or else ``APPLICATION_ROOT``."""
        return t.cast("str", app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"])

    def get_cookie_httponly(self, app: t.Any) -> bool:
        """Return ``SESSION_COOKIE_HTTPONLY``: whether to hide the cookie from scripts."""
        return t.cast("bool", app.config["SESSION_COOKIE_HTTPONLY"])

    def get_cookie_secure(self, app: t.Any) -> bool:
        """Return ``SESSION_COOKIE_SECURE``: whether to send the cookie over HTTPS only.

        On `Costrel` it is ``auto`` by default: True outside debug mode and over HTTPS.
        """
        value = app.config["SESSION_COOKIE_SECURE"]
        if value == AUTO and follows_others(app):
            value = is_secure(app, current_transport())
            if value:
                warn_of_plain_http(app, self)
        return t.cast("bool", value)

    def get_cookie_samesite(self, app: t.Any) -> str | None:
        """Return ``SESSION_COOKIE_SAMESITE``: ``Lax``, ``Strict`` or None."""
        return t.cast("str | None", app.config["SESSION_COOKIE_SAMESITE"])

    def get_cookie_partitioned(self, app: t.Any) -> bool:
        """Return whether each top-level site has its own cookie (CHIPS).

        This is ``SESSION_COOKIE_PARTITIONED``. Browsers require such a cookie to be
        secure, so it is always sent as secure.
        """
        return t.cast("bool", app.config["SESSION_COOKIE_PARTITIONED"])

    def get_expiration_time(self, app: t.Any, session: SessionMixin) -> datetime | None:
        """Return when the cookie expires, in UTC; None expires it when the browser closes.

        A permanent session expires ``PERMANENT_SESSION_LIFETIME`` from now.
        """
        if not session.permanent:
            return None
        return t.cast("datetime", datetime.now(UTC) + app.permanent_session_lifetime)

    def should_set_cookie(self, app: t.Any, session: SessionMixin) -> bool:
        """Return whether this response sends the cookie.

        It does if the session was modified. A permanent session is always sent, so that it
        does not expire for an active user, unless ``SESSION_REFRESH_EACH_REQUEST`` is off.
        """
        return session.modified or bool(
            session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"]
        )

    def open_session(self, app: t.Any, request: t.Any) -> SessionMixin | None:
        """Return the session of a request, or None if the configuration is incomplete.

        It runs before the URL is matched. It must return an empty session if the client
        sends none or an invalid one. An exception gives a 500, as in a view.
        """
        raise NotImplementedError(f"{type(self).__name__} must define open_session(app, request).")

    def save_session(self, app: t.Any, session: SessionMixin, response: t.Any) -> None:
        """Save the session at the end of a request; set the cookie and headers.

        It is not called for a null session.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define save_session(app, session, response)."
        )


session_json_serializer = TaggedJSONSerializer()
"""The serializer of session data; register a tag to store another type."""


def _lazy_sha1(string: bytes = b"") -> t.Any:
    """Return a SHA-1 object, looked up when signing because FIPS builds have none."""
    return hashlib.sha1(string)  # noqa: S324  # HMAC-SHA1 is sound; the cookie's format is Flask's


class SecureCookieSessionInterface(SessionInterface):
    """Stores the session in a cookie, as signed JSON.

    The format is identical to Flask's, so the two can read each other's cookies.
    """

    salt = "cookie-session"
    """Distinguishes these signatures from others made with the same secret key."""

    digest_method: t.Callable[..., t.Any] = staticmethod(_lazy_sha1)
    """The hash function of the signature."""

    key_derivation = "hmac"
    """How `itsdangerous` derives the signing key from the secret key and the salt."""

    serializer: t.Any = session_json_serializer
    """Serializes the data as text, and loads it."""

    session_class = SecureCookieSession
    """The class of the sessions that `open_session` returns."""

    # Set by `costrel.ground.shortways`.
    _may_open_later: t.ClassVar[bool]
    _may_not_refresh: t.ClassVar[bool]

    _plain_session_class: t.ClassVar[type[SecureCookieSession]] = SecureCookieSession
    """The only class of sessions that fast paths may create."""

    _serializer_class: t.ClassVar[type[Serializer]] = Serializer
    _original_serializer_class: t.ClassVar[type[URLSafeTimedSerializer]] = URLSafeTimedSerializer

    # INVARIANT: never changed in place, so threads need no lock.
    _signing_serializers: t.ClassVar[dict[t.Any, URLSafeTimedSerializer]] = {}

    def get_signing_serializer(self, app: t.Any) -> URLSafeTimedSerializer | None:
        """Return the serializer that signs and verifies, or None without a secret key.

        It signs with ``SECRET_KEY``. ``SECRET_KEY_FALLBACKS`` only verify cookies that were
        signed before the key was changed.
        """
        secret = app.secret_key
        if not secret:
            return None
        # SECURITY(GHSA-4grg-w6v8-c28g): itsdangerous signs with the last key of the list.
        secrets = (*(app.config["SECRET_KEY_FALLBACKS"] or ()), secret)
        # PERF(page): created once for each set of keys. The cache key contains what
        # an application or a subclass may change. A few are kept, because one interface
        # may serve several applications of a process.
        key = (
            secrets, self.salt, self.serializer, self.key_derivation, self.digest_method,
            signs_as_imported(),
        )  # fmt: skip
        try:
            known = self._signing_serializers.get(key)
        except TypeError:  # something unhashable, such as a bytearray
            return self._make_signing_serializer(secrets)
        if known is None:
            known = self._make_signing_serializer(secrets)
            others = self._signing_serializers if len(self._signing_serializers) < 8 else {}
            vars(self)["_signing_serializers"] = {**others, key: known}
        return known

    def _make_signing_serializer(self, secrets: t.Iterable[t.Any]) -> URLSafeTimedSerializer:
        digest = self.digest_method
        if not signs_as_imported():
            return self._original_serializer_class(
                list(secrets),
                salt=self.salt,
                serializer=self.serializer,
                signer_kwargs={
                    "key_derivation": self.key_derivation,
                    "digest_method": digest,
                },
            )
        if digest is _lazy_sha1:
            # PERF(page): OpenSSL recognizes this function and signs in a third of the time.
            digest = hashlib.sha1
        return self._serializer_class(
            list(secrets),
            salt=self.salt,
            serializer=self.serializer,
            signer_kwargs={
                "key_derivation": self.key_derivation,
                "digest_method": digest,
                "algorithm": HMAC(digest),
            },
        )

    def open_session(self, app: t.Any, request: t.Any) -> SecureCookieSession | None:
        """Return the session from the cookie, or None without a secret key.

        A cookie that is missing, forged, unreadable, or older than
        ``PERMANENT_SESSION_LIFETIME`` results in an empty session.
        """
        chosen = self._chosen(app)
        if chosen is not self:
            return t.cast("SecureCookieSession | None", chosen.open_session(app, request))
        signing = self.get_signing_serializer(app)
        if signing is None:
            return None
        value = self._cookie_value(app, request)
        if not value:
            return self.session_class()
        max_age = int(app.permanent_session_lifetime.total_seconds())
        if type(signing) is self._serializer_class:
            found = signing.read_plainly(value, max_age)
            if found is not None:
                cls = self.session_class
                plainly = cls is self._plain_session_class and cls._may_fill_session
                return self._accepted(app, cls.of_data(found) if plainly else cls(found))
        try:
            return self._accepted(app, self.session_class(signing.loads(value, max_age=max_age)))
        except BadData:
            return self.session_class()

    # What `costrel.sessions.safe` does differently.

    def _chosen(self, app: t.Any) -> SessionInterface:  # noqa: ARG002  for overrides
        """Return the interface to use, which may be another one."""
        return self

    def _cookie_value(self, app: t.Any, request: t.Any) -> str | None:
        """Return what the client sent as the session's cookie."""
        return t.cast("str | None", request.cookies.get(self.get_cookie_name(app)))

    def _accepted(
        self,
        app: t.Any,  # noqa: ARG002  for overrides
        session: SecureCookieSession,
    ) -> SecureCookieSession:
        """Return a session whose signature is valid, or an empty one if it has ended."""
        return session

    def _is_saved(self, app: t.Any, session: SessionMixin) -> bool:  # noqa: ARG002  for overrides
        """Return whether to save a session, which may be changed before."""
        return True

    def _sign(self, app: t.Any, signing: t.Any, session: SessionMixin) -> str:  # noqa: ARG002  for overrides
        """Return the cookie's value for a session."""
        return t.cast("str", signing.dumps(dict(session)))

    def _set_cookie(
        self,
        app: t.Any,  # noqa: ARG002  for overrides
        session: SessionMixin,  # noqa: ARG002  for overrides
        response: t.Any,
        name: str,
        value: str,
        attributes: dict[str, t.Any],
    ) -> None:
        """Send the cookie with a response."""
        response.set_cookie(name, value, **attributes)

    def _cookie_attributes(self, app: t.Any) -> dict[str, t.Any]:
        """Return the attributes of the cookie, as arguments of ``set_cookie``."""
        return {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
            "partitioned": self.get_cookie_partitioned(app),
        }

    def save_session(self, app: t.Any, session: SessionMixin, response: t.Any) -> None:
        """Set the cookie if the session was modified, and delete it if it is now empty.

        Raises `ValueError` for an unknown ``SESSION_COOKIE_SAMESITE`` and `TypeError` for
        a value that can't be serialized. The client then gets a 500.
        """
        # SECURITY(CVE-2023-30861, CVE-2026-27205): a shared cache must not give one
        # client's page, or cookie, to another. So the response varies by cookie if the
        # session was read at all, and whenever a cookie is sent.
        varies = session.accessed
        if varies:
            vary_by_cookie(response)
        if not self._is_saved(app, session):
            return
        if session:
            if not self.should_set_cookie(app, session):
                return
        elif not session.modified:
            return

        name = self.get_cookie_name(app)
        attributes = self._cookie_attributes(app)
        if session:
            expires = self.get_expiration_time(app, session)
            signing = self.get_signing_serializer(app)
            if signing is None:
                # The key was removed during the request. Ignoring that would lose the data.
                raise RuntimeError(_NO_KEY + about_unread_file())
            value = self._sign(app, signing, session)
            attributes["expires"] = expires
            self._set_cookie(app, session, response, name, value, attributes)
        else:
            # SPEC(RFC 6265 §5.3): a browser deletes only a cookie with the same name,
            # domain and path.
            response.delete_cookie(name, **attributes)
        if not varies:
            vary_by_cookie(response)


def vary_by_cookie(response: t.Any) -> None:
    """Add ``Vary: Cookie``, so that caches don't share the response (RFC 9110 §12.5.5)."""
    if not append_absent(response.headers, ("Vary", "Cookie")):
        response.vary.add("Cookie")


def opens_lazily(interface: SessionInterface) -> bool:
    """Return whether a session may be opened on first access.

    This is only allowed for the methods above. Custom ones may read the request, contact
    a server or have side effects, so they are called for each request. The same is true
    of a custom session class, whose constructor may load data.
    """
    if getattr(interface, "waits_for_store", False):
        return True
    return (
        isinstance(interface, SecureCookieSessionInterface)
        and interface._may_open_later
        and interface.session_class is interface._plain_session_class
        and interface.session_class._may_fill_session
    )


def is_not_sent_again(app: t.Any, cookies: str) -> bool:
    """Whether a session that nobody accessed is certainly not sent with the response.

    A permanent session is, to extend its lifetime. `cookies` is the request's ``Cookie`` header.

    PERF(hello): 0.5 us instead of 8 us for verifying a session that is not permanent. Whether
    a cookie is genuine does not matter: one that is not gives an empty session.
    """
    interface = app.session_interface
    if interface.waits_for_store:
        # Only a request that accesses it is a use.
        return True
    if not interface._may_not_refresh:
        return False
    if not app.config["SESSION_REFRESH_EACH_REQUEST"]:
        return True
    if interface.get_cookie_name(app) not in cookies:
        return True
    return (
        interface.serializer is session_json_serializer
        and len(session_json_serializer.tags) == _DEFAULT_TAGS
        # The data is JSON in Base64. It is hidden if it is compressed, after a dot, or quoted.
        and not any(sign in cookies for sign in _HIDES_OR_IS_PERMANENT)
    )


_DEFAULT_TAGS = len(session_json_serializer.tags)

_HIDES_OR_IS_PERMANENT = (
    "=.", '="', "= ", " =", "\t",
    # "_permanent" in Base64, as it may fall into groups of three bytes.
    encode(b"_permanen").decode(), encode(b"permanent").decode(), encode(b"ermane").decode(),
)  # fmt: skip

# Imported when they are first asked for: most applications keep sessions in their cookies.
if t.TYPE_CHECKING:
    from .stores import SessionStore as SessionStore
    from .stores import StoreUnavailableError as StoreUnavailableError
    from .users import SessionInfo as SessionInfo
    from .users import end_sessions_of as end_sessions_of
    from .users import sessions_of as sessions_of

_LATER = {
    "SessionInfo": "users",
    "SessionStore": "stores",
    "StoreUnavailableError": "stores",
    "end_sessions_of": "users",
    "sessions_of": "users",
}


def __getattr__(name: str) -> t.Any:
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
