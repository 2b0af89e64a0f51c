"""Sessions: what the client brings back, signed, in a cookie.

A `SessionInterface` opens the session of a request and saves it into the
response; assign another to ``app.session_interface`` to keep sessions
elsewhere. Applications, requests and responses are typed ``t.Any`` here, so
that this module needs nothing above it and an override may narrow them.
"""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import UTC, datetime

from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import CallbackDict

from ..ground.shortways import Watched, WatchedObject
from ..json.tag import TaggedJSONSerializer
from .signing import HMAC, Serializer, encode

_NO_KEY = (
    "The session is unavailable because no secret key was set. Set app.secret_key, or SECRET_KEY"
    " in the configuration, to the output of"
    " `python -c 'import secrets; print(secrets.token_hex())'`, and keep it secret."
)


class SessionMixin(MutableMapping[str, t.Any]):
    """Add to a mapping what a session has beyond one.

    The three flags decide what happens to the response. The defaults suit a
    session that cannot tell: it is saved always.
    """

    new = False
    """Whether the client brought no session. Storages that cannot tell say False."""

    modified = True
    """Whether there is something to save."""

    accessed = False
    """Whether the response may depend on the session, which caches must be told.

    Set by the context when its session is asked for; see `save_session`.
    """

    @property
    def permanent(self) -> bool:
        """Keep the session after the browser closes, for the configured time.

        Kept in the session itself, under ``_permanent``; setting it modifies
        the session. The time is ``PERMANENT_SESSION_LIFETIME``.
        """
        return t.cast("bool", self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


def _mark_modified(session: t.Any) -> None:
    session.modified = True


class SecureCookieSession(CallbackDict[str, t.Any], SessionMixin, metaclass=Watched):  # pyright: ignore[reportIncompatibleMethodOverride]
    """Hold the data of a session that lives in a signed cookie.

    Any change of the dict itself sets ``modified``; a change inside of a value
    (``session["list"].append(1)``) is not seen, so set it yourself then. The
    client can read the data, but not change it.
    """

    modified = False
    accessed = False
    _may_fill_session: t.ClassVar[bool]

    def __init__(
        self, initial: Mapping[str, t.Any] | Iterable[tuple[str, t.Any]] | None = None
    ) -> None:
        # A function and not a bound method: the dict would refer to itself.
        super().__init__(initial, _mark_modified)

    @classmethod
    def of_data(cls, data: dict[str, t.Any]) -> t.Self:
        """Make a session of what was read.

        PERF(page): as the constructor does, in two thirds of the time.
        """
        session = cls.__new__(cls)
        dict.update(session, data)
        session.on_update = _mark_modified
        return session


class NullSession(SecureCookieSession):
    """Stand for the session where none can be had, to be read but not written.

    Used when no secret key is set: it is always empty, and every write is a
    `RuntimeError` that says what to configure.
    """

    def _fail(self, *_: t.Any, **__: t.Any) -> t.NoReturn:
        raise RuntimeError(_NO_KEY)

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = __ior__ = _fail


class SessionInterface(WatchedObject):
    """Define how sessions are opened and saved.

    A subclass must write `open_session` and `save_session`. The getters
    read the cookie's attributes from the configuration; use them, so that
    users configure every interface alike, or override one to decide it per
    application. One interface may serve several applications and threads.
    """

    null_session_class: type[NullSession] = NullSession
    """What `make_null_session` makes, and `is_null_session` looks for."""

    pickle_based = False
    """Whether the storage pickles, so that extensions know what they may store."""

    def make_null_session(self, app: t.Any) -> NullSession:  # noqa: ARG002  # for overrides
        """Return what stands for a session that cannot be had.

        Used when `open_session` returns None. It should allow reads and fail
        on writes, with a message that says what is not configured.
        """
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Tell whether the object is a null session, which is never saved."""
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: t.Any) -> str:
        """Return the cookie's name: ``SESSION_COOKIE_NAME``."""
        return t.cast("str", app.config["SESSION_COOKIE_NAME"])

    def get_cookie_domain(self, app: t.Any) -> str | None:
        """Return ``SESSION_COOKIE_DOMAIN``; None sends it to this host only.

        A domain that is set includes every subdomain (RFC 6265 §5.1.3).
        """
        return t.cast("str | None", app.config["SESSION_COOKIE_DOMAIN"])

    def get_cookie_path(self, app: t.Any) -> str:
        """Return ``SESSION_COOKIE_PATH``, or else ``APPLICATION_ROOT``."""
        return t.cast("str", app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"])

    def get_cookie_httponly(self, app: t.Any) -> bool:
        """Tell whether scripts are kept off: ``SESSION_COOKIE_HTTPONLY``."""
        return t.cast("bool", app.config["SESSION_COOKIE_HTTPONLY"])

    def get_cookie_secure(self, app: t.Any) -> bool:
        """Tell whether it is sent over HTTPS only: ``SESSION_COOKIE_SECURE``."""
        return t.cast("bool", app.config["SESSION_COOKIE_SECURE"])

    def get_cookie_samesite(self, app: t.Any) -> str | None:
        """Return ``SESSION_COOKIE_SAMESITE``: ``Lax``, ``Strict`` or None."""
        return t.cast("str | None", app.config["SESSION_COOKIE_SAMESITE"])

    def get_cookie_partitioned(self, app: t.Any) -> bool:
        """Tell whether each top-level site has its own cookie (CHIPS).

        From ``SESSION_COOKIE_PARTITIONED``. Browsers want such a cookie
        secure, so it is sent as secure in any case.
        """
        return t.cast("bool", app.config["SESSION_COOKIE_PARTITIONED"])

    def get_expiration_time(self, app: t.Any, session: SessionMixin) -> datetime | None:
        """Return when the cookie ends, in UTC; None ends it with the browser.

        A permanent session ends ``PERMANENT_SESSION_LIFETIME`` from now.
        """
        if not session.permanent:
            return None
        return t.cast("datetime", datetime.now(UTC) + app.permanent_session_lifetime)

    def should_set_cookie(self, app: t.Any, session: SessionMixin) -> bool:
        """Tell whether this response sends the cookie.

        It does when the session was modified, and for a permanent session
        always, unless ``SESSION_REFRESH_EACH_REQUEST`` is off: that is how the
        session of somebody active does not end.
        """
        return session.modified or bool(
            session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"]
        )

    def open_session(self, app: t.Any, request: t.Any) -> SessionMixin | None:
        """Return the session of a request; None if something is not configured.

        Runs before the URL is matched. Must return an empty session for a
        client that brought none or a wrong one. An exception is answered with
        500 like one of the view.
        """
        raise NotImplementedError(f"{type(self).__name__} must define open_session(app, request).")

    def save_session(self, app: t.Any, session: SessionMixin, response: t.Any) -> None:
        """Save the session, at the end of a request, and set cookie and headers.

        Not called for a null session.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define save_session(app, session, response)."
        )


session_json_serializer = TaggedJSONSerializer()
"""What writes session data; register a tag here to store one more type."""


def _lazy_sha1(string: bytes = b"") -> t.Any:
    """Return a SHA-1 object. Builds under FIPS have none, so look when signing."""
    return hashlib.sha1(string)  # noqa: S324  # HMAC-SHA1 is sound; the cookie's format is Flask's


class SecureCookieSessionInterface(SessionInterface):
    """Keep the session in the cookie itself, as signed JSON.

    The format is Flask's to the byte, so both read each other's cookies.
    """

    salt = "cookie-session"
    """Tells these signatures from others under the same secret key."""

    digest_method: t.Callable[..., t.Any] = staticmethod(_lazy_sha1)
    """The hash of the signature."""

    key_derivation = "hmac"
    """How `itsdangerous` makes the signing key of secret key and salt."""

    serializer: t.Any = session_json_serializer
    """What writes the data as text, and reads it."""

    session_class = SecureCookieSession
    """What `open_session` returns."""

    # Set by `costrel.ground.shortways`.
    _may_open_later: t.ClassVar[bool]
    _may_not_refresh: t.ClassVar[bool]

    # INVARIANT: never changed in place, so threads need no lock.
    _signing_serializers: t.ClassVar[dict[t.Any, URLSafeTimedSerializer]] = {}

    def get_signing_serializer(self, app: t.Any) -> URLSafeTimedSerializer | None:
        """Return what signs and verifies, or None without a secret key.

        Signs with ``SECRET_KEY``; ``SECRET_KEY_FALLBACKS`` only verify, for
        cookies signed before the key was changed.
        """
        secret = app.secret_key
        if not secret:
            return None
        # SECURITY(GHSA-4grg-w6v8-c28g): itsdangerous signs with the last key of the list.
        secrets = (*(app.config["SECRET_KEY_FALLBACKS"] or ()), secret)
        # PERF(page): made once for each set of keys. It is part of the key what
        # an application or a subclass may change; a few are kept, because one interface
        # serves all applications of a process.
        key = (secrets, self.salt, self.serializer, self.key_derivation, self.digest_method)
        try:
            known = self._signing_serializers.get(key)
        except TypeError:  # something unhashable, a bytearray perhaps
            return self._make_signing_serializer(secrets)
        if known is None:
            known = self._make_signing_serializer(secrets)
            others = self._signing_serializers if len(self._signing_serializers) < 8 else {}
            vars(self)["_signing_serializers"] = {**others, key: known}
        return known

    def _make_signing_serializer(self, secrets: t.Iterable[t.Any]) -> URLSafeTimedSerializer:
        digest = self.digest_method
        if digest is _lazy_sha1:
            # PERF(page): known to OpenSSL by itself, which signs in a third of the time.
            digest = hashlib.sha1
        return Serializer(
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
        """Return what the cookie holds; None without a secret key.

        A cookie that is missing, forged, unreadable, or older than
        ``PERMANENT_SESSION_LIFETIME`` gives an empty session.
        """
        signing = self.get_signing_serializer(app)
        if signing is None:
            return None
        value = request.cookies.get(self.get_cookie_name(app))
        if not value:
            return self.session_class()
        max_age = int(app.permanent_session_lifetime.total_seconds())
        if type(signing) is Serializer:
            found = signing.read_plainly(value, max_age)
            if found is not None:
                cls = self.session_class
                if cls is SecureCookieSession and cls._may_fill_session:
                    return SecureCookieSession.of_data(found)
                return self.session_class(found)
        try:
            return self.session_class(signing.loads(value, max_age=max_age))
        except BadData:
            return self.session_class()

    def save_session(self, app: t.Any, session: SessionMixin, response: t.Any) -> None:
        """Set the cookie if the session changed, delete it if it was emptied.

        Raises `ValueError` for a ``SESSION_COOKIE_SAMESITE`` that is not known
        and `TypeError` for a value that JSON and its tags cannot hold; the
        client is answered with 500.
        """
        # SECURITY(CVE-2023-30861, CVE-2026-27205): a shared cache must not give one
        # client's page, or cookie, to another. So say that the response varies when the
        # session was so much as looked at, and whenever a cookie is sent.
        varies = session.accessed
        if varies:
            _vary_by_cookie(response)
        if session:
            if not self.should_set_cookie(app, session):
                return
        elif not session.modified:
            return

        name = self.get_cookie_name(app)
        attributes: dict[str, t.Any] = {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
            "partitioned": self.get_cookie_partitioned(app),
        }
        if session:
            expires = self.get_expiration_time(app, session)
            signing = self.get_signing_serializer(app)
            if signing is None:
                # The key was taken away during the request; saying nothing would lose the data.
                raise RuntimeError(_NO_KEY)
            value = signing.dumps(dict(session))
            response.set_cookie(name, value, expires=expires, **attributes)
        else:
            # SPEC(RFC 6265 §5.3): a browser deletes only the cookie of the same name,
            # domain and path.
            response.delete_cookie(name, **attributes)
        if not varies:
            _vary_by_cookie(response)


def _vary_by_cookie(response: t.Any) -> None:
    """Tell caches that the response depends on the cookies (RFC 9110 §12.5.5)."""
    if "Vary" in response.headers:
        response.vary.add("Cookie")
    else:
        # PERF(page): nothing to parse, find or write again; 1 us instead of 5 us.
        response.headers.add("Vary", "Cookie")


def opens_lazily(interface: SessionInterface) -> bool:
    """Tell whether a session may be opened when it is first touched.

    Only where opening and saving are the ones above: others may look at the
    request, reach a server or have effects, and are called for each request. So
    may a session class of one's own, which can fill itself when it is made.
    """
    return (
        isinstance(interface, SecureCookieSessionInterface)
        and interface._may_open_later
        and interface.session_class is SecureCookieSession
        and SecureCookieSession._may_fill_session
    )


def is_not_sent_again(app: t.Any, cookies: str) -> bool:
    """Whether a session that nobody accessed is certainly not sent with the response.

    A permanent session is, to extend its lifetime. `cookies` is the request's ``Cookie`` header.

    PERF(hello): 0.5 us instead of 8 us for verifying a session that is not permanent. Whether
    a cookie is genuine does not matter: one that is not gives an empty session.
    """
    interface = app.session_interface
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
