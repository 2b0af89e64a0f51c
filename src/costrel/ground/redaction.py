"""What must not be shown: which values those are, and what is shown instead of them.

A name says that a value is secret (``SECRET_KEY``, ``DB_PASSWORD``, ``api_token``), or its type
does (`Secret`), or it is an address with a password in it. `shown` is for reprs and reports.
`redact` is for texts that are made elsewhere, such as lines of a log.
"""

from __future__ import annotations

import json
import operator
import re
import typing as t
from urllib.parse import quote, quote_plus, urlsplit

HIDDEN = "(hidden)"
"""What is shown instead of a secret."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRET = re.compile(
    r"(?:(?:SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|KEY|CREDENTIAL|DSN)S?|PASS|PWD|SALT)$"
)
_ABOUT = frozenset("FILE PATH FOLDER DIR NAME HEADER PREFIX ALGORITHM".split())

_ADDRESSES = frozenset("URL URI STORE BROKER BACKEND SERVER".split())

# Bounded, so that a long text is searched in linear time. The first alternative of the password
# ends at the last "@" before the path; the second is for passwords with a slash, which some
# databases allow, and not for a port.
_USERINFO = re.compile(
    r"([A-Za-z][\w+.-]{0,30}://[^\s/?#:@]{0,200}:)"
    r"(?:[^\s/?#]{0,500}|(?!\d+[/?#])[^\s@]{0,100}+)(?=@)"
)
_PARAMETER = re.compile(
    r"([?&;][\w.-]{0,40}(?:password|passwd|pwd|secret|token|key|signature)[\w.-]{0,40}=)"
    r"[^\s&;#]+",
    re.IGNORECASE,
)
_DEEPEST = 8
"""Levels of nested values that are shown; a value that contains itself has no end."""

_SHORTEST = 8
"""Characters that a secret must have to be replaced in any text: shorter ones are words."""

_remembered: tuple[str, ...] = ()


class Secret(str):
    """A text that `repr` does not show: a key, a password, a token.

    It is a `str` everywhere else, so it goes wherever a text goes. ``str(secret)`` and
    ``f"{secret}"`` are the text itself, because header fields and addresses are made with them.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Say that there is a secret, or that it is empty."""
        return f"Secret{HIDDEN}" if self else "Secret('')"

    def __getitem__(self, index: t.Any) -> str:
        """Return a character, or a part, which is a secret too.

        COMPAT(rich): it shows the repr of the beginning of a long text.
        """
        part = super().__getitem__(index)
        return Secret(part) if isinstance(index, slice) else part


class SecretBytes(bytes):
    """Bytes that `repr` does not show, like `Secret`; `bytes` everywhere else."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say that there is a secret, or that it is empty."""
        return f"SecretBytes{HIDDEN}" if self else "SecretBytes(b'')"

    __str__ = __repr__  # which `bytes` has too

    def __getitem__(self, index: t.Any) -> t.Any:
        """Return a number, or a part, which is secret too."""
        part: t.Any = super().__getitem__(index)
        return SecretBytes(part) if isinstance(index, slice) else part


class URL(str):
    """An address that `repr` shows without its password; a `str` everywhere else."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show the address without what is secret in it."""
        return f"URL({without_password(str(self))!r})"

    def __getitem__(self, index: t.Any) -> str:
        """Return a character, or a part; that is a `Secret` if the address has something to hide.

        Nobody can tell where the password is in a part.
        """
        part = super().__getitem__(index)
        whole = str(self)
        hides = isinstance(index, slice) and without_password(whole) != whole
        return Secret(part) if hides else part


class _Hidden:
    """What stands for a secret in the repr of a dict or list."""

    def __repr__(self) -> str:
        return HIDDEN


_HIDDEN = _Hidden()


def is_secret_name(name: str) -> bool:
    """Whether the name of a setting says that its value is secret.

    ``SECRET_KEY`` and ``apiToken`` do. ``SSL_KEY_FILE`` does not: it says where a secret is.
    """
    words = [word.upper() for word in _WORDS.findall(name)]
    return any(map(_ends_in_secret, words)) and words[-1] not in _ABOUT


def _ends_in_secret(word: str) -> bool:
    # Words are also written together: APIKEY, dbpassword.
    return _SECRET.search(word) is not None


def without_secrets(address: str) -> str:
    """Return a text with the passwords and tokens of the addresses in it hidden."""
    if "://" not in address:
        return address
    return _PARAMETER.sub(rf"\1{HIDDEN}", _USERINFO.sub(rf"\1{HIDDEN}", address))


def without_password(address: str) -> str:
    """Return what is meant to be an address with its password hidden, even if it is none.

    Somebody may have written ``postgres//user:password@host``, or nothing in front of the user.
    """
    if "://" in address:
        return without_secrets(address)
    user, colon, rest = address.partition(":")
    _password, at, host = rest.rpartition("@")
    return _PARAMETER.sub(rf"\1{HIDDEN}", f"{user}:{HIDDEN}@{host}" if colon and at else address)


def check_server_address(setting: str, address: str) -> None:
    """Raise `ValueError` for the address of a server with a password that ends it too early.

    The error says nothing of the address: what parsers report as a wrong port is the password.
    """
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  raises an error
        is_cut = "@" in f"{parts.path}#{parts.fragment}" and "@" not in parts.netloc
    except ValueError:
        is_cut = True
    if is_cut and "://" in address and ":///" not in address:
        raise ValueError(
            f"{setting} is an address with a port that is no number, or a password that is not"
            " escaped. Write / ? # @ : and % in a password as urllib.parse.quote(password, safe='')"
            " does: %2F for a slash."
        ) from None


def shown(name: str, value: object) -> str:
    """Return the repr of a setting, with everything secret in it hidden.

    None, booleans and empty texts are shown, because it helps to know that a secret is not set.
    """
    return repr(_redacted(name, value, _DEEPEST))


def shown_dict(values: t.Mapping[str, t.Any]) -> str:
    """Return the repr of a dict of settings, with everything secret in it hidden."""
    return repr({name: _redacted(name, value, _DEEPEST) for name, value in values.items()})


def hide(name: str, value: t.Any) -> t.Any:
    """Return a setting as it is, except that nothing secret in it is shown by its repr.

    Texts and bytes are equal, but `Secret`, `SecretBytes` or `URL`. A list, dict or set stays the
    same object, and what is in it is replaced; of a tuple there is another one. Empty texts,
    numbers and objects stay.
    """
    return _hide(name, value, _DEEPEST)


def _hide(name: str, value: t.Any, depth: int) -> t.Any:
    kind = type(value)
    if kind is str or kind is bytes:
        return _hide_text(name, value)
    if depth == 0 or not value:
        return value
    if kind is dict:
        secret = is_secret_name(name)
        for key, item in value.items():
            # The keys stay, so that this does not disturb the iteration.
            value[key] = _hide(name if secret else str(key), item, depth - 1)
    elif kind is list:
        value[:] = [_hide(name, item, depth - 1) for item in value]
    elif kind is tuple or kind is frozenset:
        items = [_hide(name, item, depth - 1) for item in value]
        if any(map(operator.is_not, items, value)):
            return kind(items)
    elif kind is set:
        items = [_hide(name, item, depth - 1) for item in value]
        value.clear()  # else an equal one stays
        value.update(items)
    return value


def _hide_text(name: str, value: t.Any) -> t.Any:
    if value and is_secret_name(name):
        return Secret(value) if isinstance(value, str) else SecretBytes(value)
    if isinstance(value, str) and without_secrets(value) != value:
        return URL(value)
    return value


def _redacted(name: str, value: t.Any, depth: int) -> t.Any:
    if depth == 0:
        return ...
    secret = is_secret_name(name)
    if isinstance(value, dict):
        # What is below a secret name is secret too.
        return {
            key: _redacted(name if secret else str(key), item, depth - 1)
            for key, item in value.items()
        }
    if type(value) in (list, tuple, set, frozenset):
        items = [_redacted(name, item, depth - 1) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if secret and _must_hide(name, value):
        return _HIDDEN
    if type(value) is not str:
        return value
    words = _WORDS.findall(name)
    is_address = bool(words) and words[-1].upper() in _ADDRESSES
    return without_password(value) if is_address else without_secrets(value)


def _must_hide(name: str, value: t.Any) -> bool:
    """Whether to hide what has a secret name."""
    if isinstance(value, (str, bytes, bytearray)):
        return bool(value) and not isinstance(value, (Secret, SecretBytes, URL))
    # CSRF_TOKEN_LIFETIME_S is not a secret, and a password may consist of digits.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and _ends_in_secret(_WORDS.findall(name)[-1].upper())


def remember(value: str) -> None:
    """Have `redact` replace this secret; short texts and single words are not."""
    global _remembered  # noqa: PLW0603  read on every log record, so a tuple that is replaced
    text = str(value)
    if len(text) >= _SHORTEST and not text.isalpha() and text not in _remembered:
        # INVARIANT: bounded by the different secrets that this process has loaded. The longest
        # first, since one may contain another.
        known = {*_remembered, *_spellings(text)}
        _remembered = tuple(sorted(known, key=lambda one: (-len(one), one)))


def _spellings(text: str) -> set[str]:
    """Return a secret as it is written in reprs, JSON and addresses; mostly all are the same."""
    spelt = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    data = text.encode("utf-8", "surrogatepass")
    spelt |= {quote(data), quote(data, safe=""), quote_plus(data)}
    for inner in (repr(text)[1:-1], ascii(text)[1:-1], repr(data)[2:-1]):
        # Quotes are escaped or not depending on what else is in the repr.
        plain = inner.replace("\\'", "'")
        spelt |= {inner, plain, plain.replace("'", "\\'")}
    return spelt


def redact(text: str) -> str:
    """Return a text with every secret that was remembered hidden, and passwords in addresses.

    For what is made of any values, such as lines of a log. Takes 1 us if there is nothing to hide.
    """
    for secret in _remembered:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return without_secrets(text)
