"""What a login needs of a user object, and the user who is nobody."""

from __future__ import annotations

import hashlib
import hmac
import typing as t
from base64 import urlsafe_b64encode

from werkzeug.local import LocalProxy


class AnonymousUser:
    """The user of a request that nobody is logged in to; it is false.

    It has the attributes that users of Flask-Login have, and ``id``, which is None.
    """

    id: None = None
    is_authenticated = False
    is_active = False
    is_anonymous = True

    def get_id(self) -> None:
        """Return None: nobody has no id."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "<AnonymousUser>"


ANONYMOUS = AnonymousUser()


def or_none(user: t.Any) -> t.Any:
    """Return a user, and None for `ANONYMOUS`."""
    return None if user is ANONYMOUS else user


def itself(user: t.Any) -> t.Any:
    """Return the user that a proxy such as ``current_user`` stands for, or the user."""
    return user._get_current_object() if isinstance(user, LocalProxy) else user


def id_of(user: t.Any) -> str:
    """Return the id of a user as text: of its ``get_id()``, or else its ``id``.

    COMPAT(Flask-Login): its models have ``get_id()``. Raises `TypeError` for an object that has
    neither, or whose id is None, as before a new user is stored.
    """
    get_id = getattr(user, "get_id", None)
    found = get_id() if callable(get_id) else getattr(user, "id", None)
    if found is None:
        raise TypeError(
            f"A {type(user).__name__} can't log in, because it has no id. A user needs an attribute"
            " `id` or a method `get_id()`, and its value must not be None: store a new user first."
        )
    return str(found)


def is_active(user: t.Any) -> bool:
    """Return whether a user may be logged in: its ``is_active``, if it has that."""
    active = getattr(user, "is_active", True)
    return bool(active() if callable(active) else active)


def fingerprint_of(user: t.Any) -> str | None:
    """Return what binds a session to a user's password; None if nothing does.

    It is derived from what the user's ``get_session_secret()`` returns, usually the stored hash
    of the password, in a way that can't be reversed: 128 bits of HMAC-SHA256, keyed by it. So it
    stays the same when the application's ``SECRET_KEY`` changes.
    """
    get_secret = getattr(user, "get_session_secret", None)
    secret: str | bytes | None = None if get_secret is None else get_secret()
    if secret is None:
        return None
    key = secret.encode() if isinstance(secret, str) else secret
    subject = id_of(user).encode(errors="surrogatepass")
    code = hmac.digest(key, b"costrel.login.session:" + subject, hashlib.sha256)
    return urlsafe_b64encode(code[:16]).decode().rstrip("=")


def is_bound(user: t.Any, fingerprint: str | None) -> bool:
    """Return whether a fingerprint is still the user's."""
    expected = fingerprint_of(user)
    if expected is None or fingerprint is None:
        return expected is fingerprint
    return hmac.compare_digest(expected, fingerprint)
