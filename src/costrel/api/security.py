"""Credentials that clients send, as dependencies: a token, an API key, or name and password."""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from dataclasses import dataclass, field

from werkzeug.exceptions import Unauthorized

from ..ground.current import request

_TOKEN = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
"""SPEC(RFC 6750 §2.1): a bearer token. The scheme is case-insensitive (RFC 9110 §11.1)."""

_BASIC = re.compile(
    r"basic +((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)", re.IGNORECASE
)
"""SPEC(RFC 7617 §2): base64 (RFC 4648 §4), with its padding."""

_NAME = re.compile(r"[A-Za-z0-9._-]+")
"""SPEC(OpenAPI 3.1 §4.8.7): the name of a component."""


class SecurityScheme:
    """The base of the markers; use one of them: ``Annotated[str, Depends(BearerAuth())]``.

    A marker returns the credentials. It does not know whether they are right: that is for the
    function that depends on it, which raises the marker's `error` if not. Compare secrets with
    `hmac.compare_digest`.

    Attributes:
        name: Its name in the OpenAPI document.
        scopes: What the credentials have to allow, for the document.
    """

    def __init__(self, name: str, scopes: t.Sequence[str] = ()) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} can't be the name of a security scheme. Use letters, digits, '.', '_'"
                " and '-'."
            )
        self.name = name
        self.scopes = tuple(scopes)

    @property
    def scheme(self) -> dict[str, t.Any]:
        """The Security Scheme Object of the OpenAPI document."""
        raise NotImplementedError

    @property
    def challenge(self) -> str:
        """What ``WWW-Authenticate`` tells clients that lack credentials."""
        raise NotImplementedError

    def __call__(self) -> t.Any:
        """Return the credentials of the current request; 401 if there are none."""
        raise NotImplementedError

    def error(self, detail: str) -> Unauthorized:
        """Return the error to raise for credentials that are wrong: a 401.

        It has ``WWW-Authenticate``, which each 401 has to have (RFC 9110 §15.5.2), and which
        ``abort(401)`` lacks.

        Args:
            detail: What clients are told; it must not help to guess the credentials.
        """
        return _unauthorized(detail, self.challenge)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class BearerAuth(SecurityScheme):
    """A bearer token (RFC 6750): ``Authorization: Bearer <token>``.

    Its value is the token. A request without one, or with something else in that header,
    gets a 401 with ``WWW-Authenticate``.

    Args:
        name: Its name in the OpenAPI document.
        scopes: What the token has to allow. They are documented and told to clients; checking
            them is up to you.
    """

    def __init__(self, name: str = "bearerAuth", scopes: t.Sequence[str] = ()) -> None:
        super().__init__(name, scopes)

    @property
    def scheme(self) -> dict[str, t.Any]:
        """The Security Scheme Object of the OpenAPI document."""
        return {"type": "http", "scheme": "bearer"}

    @property
    def challenge(self) -> str:
        """What ``WWW-Authenticate`` tells clients that lack credentials."""
        scope = f', scope="{" ".join(self.scopes)}"' if self.scopes else ""
        return f'Bearer realm="api"{scope}'

    def error(self, detail: str) -> Unauthorized:
        """Return the error to raise for a token that is wrong, expired or revoked: a 401.

        SPEC(RFC 6750 §3.1): it says ``error="invalid_token"``, so clients ask for another token.

        Args:
            detail: What clients are told; it must not help to guess a token.
        """
        return _unauthorized(detail, f'{self.challenge}, error="invalid_token"')

    def __call__(self) -> str:
        """Return the token; raises `Unauthorized` (401) without one."""
        found = _TOKEN.fullmatch(request.headers.get("Authorization", "").strip(" "))
        if found is None:
            raise _unauthorized(
                "Send a token with the header 'Authorization: Bearer ...'.", self.challenge
            )
        return found[1]


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """The value of `BasicAuth`.

    Attributes:
        username: The name; it may be empty.
        password: The password; it is not in the representation, which may be logged.
    """

    username: str
    password: str = field(repr=False)


class BasicAuth(SecurityScheme):
    """A name and a password (RFC 7617): ``Authorization: Basic <base64>``.

    Its value is a `BasicCredentials`. A request without them gets a 401 with
    ``WWW-Authenticate``, for which browsers ask the user.

    Args:
        name: Its name in the OpenAPI document.
    """

    def __init__(self, name: str = "basicAuth") -> None:
        super().__init__(name)

    @property
    def scheme(self) -> dict[str, t.Any]:
        """The Security Scheme Object of the OpenAPI document."""
        return {"type": "http", "scheme": "basic"}

    @property
    def challenge(self) -> str:
        """What ``WWW-Authenticate`` tells clients that lack credentials."""
        return 'Basic realm="api", charset="UTF-8"'

    def __call__(self) -> BasicCredentials:
        """Return the name and the password; raises `Unauthorized` (401) without them."""
        found = _BASIC.fullmatch(request.headers.get("Authorization", "").strip(" "))
        credentials = None if found is None else _decode(found[1])
        if credentials is None:
            raise _unauthorized(
                "Send a name and a password with the header 'Authorization: Basic ...'.",
                self.challenge,
            )
        return credentials


class APIKey(SecurityScheme):
    """A key in a header, the query or a cookie.

    Its value is the key. A request without one gets a 401. Servers and proxies log URLs, so a key
    in the query is in their logs.

    Args:
        name: The header, query parameter or cookie; also its name in the OpenAPI document.
        place: ``header``, ``query`` or ``cookie``.

    Raises `ValueError` for another place.
    """

    def __init__(self, name: str, place: str = "header") -> None:
        super().__init__(name)
        if place not in {"header", "query", "cookie"}:
            raise ValueError(f"place={place!r} must be 'header', 'query' or 'cookie'.")
        self.place = place

    @property
    def scheme(self) -> dict[str, t.Any]:
        """The Security Scheme Object of the OpenAPI document."""
        return {"type": "apiKey", "in": self.place, "name": self.name}

    @property
    def challenge(self) -> str:
        """What ``WWW-Authenticate`` tells clients that lack credentials."""
        return 'ApiKey realm="api"'

    def __call__(self) -> str:
        """Return the key; raises `Unauthorized` (401) without one, or with several."""
        if self.place == "header":
            keys = request.headers.getlist(self.name)
        elif self.place == "query":
            keys = request.args.getlist(self.name)
        else:
            keys = request.cookies.getlist(self.name)
        if len(keys) != 1 or not keys[0]:
            raise _unauthorized(f"Send a key with the {self.place} {self.name!r}.", self.challenge)
        key: str = keys[0]
        return key


def _decode(encoded: str) -> BasicCredentials | None:
    """SPEC(RFC 7617 §2): UTF-8 without control characters, with a colon after the name."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeError):
        return None
    username, colon, password = text.partition(":")
    if not colon or any(ord(character) < 32 or ord(character) == 127 for character in text):
        return None
    return BasicCredentials(username, password)


def _unauthorized(description: str, challenge: str) -> Unauthorized:
    """Return the error for a request without credentials.

    SPEC(RFC 9110 §11.6.1): it has a challenge; §11.5: a realm is quoted, which Werkzeug's class
    for the field does not do.
    """
    return Unauthorized(description, www_authenticate=t.cast("t.Any", (challenge,)))
