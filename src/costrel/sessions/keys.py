"""Secret keys: which are weak, what stops the start, and the key of debug mode.

`SECRET_KEY` signs sessions and whatever else the application hands to clients and believes when it
comes back. Whoever finds it out can write those themselves, so it has to be random, and must not
stand where others can read it.
"""

from __future__ import annotations

import os
import re
import secrets
import typing as t
from itertools import pairwise

from ..ground.protection import protection_of
from ..ground.redaction import remember
from ..ground.securitylog import security_log
from .keyfiles import about_unread_file

if t.TYPE_CHECKING:
    from collections.abc import Iterable

MIN_BYTES = 32
"""The shortest key that is accepted; `fresh_key` returns 64 characters."""

MIN_CHARACTERS = 8
"""How many different characters a key has at least; fewer are as good as never drawn at random."""

DEBUG_KEY = "COSTREL_DEBUG_KEY"
"""The environment variable by which the processes of one debug run share their key."""

_KNOWN = frozenset(
    (
        # The documentation of Flask, now and earlier.
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        '_5#y2l"f4q8z\n\\xec]/',
        '_5#y2l"f4q8z\n\xec]/',
        "a0zr98j/3yx r~xhh!jmn]lwx/,?rt",
        # The documentation of extensions and of other frameworks.
        "pf9wkove4ikeaxvy-cqkedphv9cb3ag-wyjilbq_dfw",
        "146585145368132386173505678016728509634",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    )
)
"""Keys of examples, in lower case. All but a few are also too short."""

_PLACEHOLDER = re.compile(
    r"(change|replace)[-_ ]?(me|this|it)|(your|top|super|my|app|the)[-_ ]?secret|secret[-_ ]?key"
    r"|not[-_ ]a[-_ ]secret|insecure|example|password|placeholder|development"
)
"""What people write where a key is to be filled in."""


class WeakSecretError(RuntimeError):
    """Raised at the start if a secret key is weak, outside debug mode and tests.

    `costrel run` shows its message and ends. Under another server, its log has the message, and
    clients get that server's answer to an application that fails.
    """


def fresh_key() -> str:
    """Return a new secret key: 48 random bytes as 64 characters."""
    return secrets.token_urlsafe(48)


def weakness_of(key: object) -> str | None:
    """Return why a secret key is weak, in a few words; None if nothing speaks against it.

    A key that is missing is not weak. Whether a key was drawn at random can't be seen; this finds
    the ones that certainly were not.
    """
    if not key:
        return None
    if not isinstance(key, (str, bytes, bytearray)):
        return f"is neither text nor bytes, but of the type {type(key).__name__}"
    data = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else bytes(key)
    text = data.decode("latin-1").lower()
    length, different = len(data), len(set(data))
    reasons = (
        (text in _KNOWN, "is an example from documentation"),
        (length < MIN_BYTES, f"is {length} bytes long, and needs {MIN_BYTES}"),
        (
            different < MIN_CHARACTERS,
            f"has only {different} different characters, and needs {MIN_CHARACTERS}",
        ),
        ((text + text).find(text, 1) < length, "repeats a shorter text"),
        (_PLACEHOLDER.search(text), "is a placeholder"),
        (_is_sequence(data), "is a sequence of neighbouring characters"),
    )
    return next((reason for applies, reason in reasons if applies), None)


def _is_sequence(data: bytes) -> bool:
    """Whether most characters are the neighbour of the one before, or the same."""
    steps = sum(abs(after - before) <= 1 for before, after in pairwise(data))
    return steps > len(data) // 2


# SECURITY(secrets): the key of a run in debug mode is random too, because its sessions may reach
# a machine where the developer is logged in.


class DebugKey(str):  # noqa: SLOT000  it remembers its use
    """The key that an application in debug mode gets if it has none; its first use is logged."""

    _is_told = False

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return its bytes, for a signature; say so the first time."""
        if not self._is_told:
            self._is_told = True
            security_log.warning(_EPHEMERAL + about_unread_file())
        return super().encode(encoding, errors)

    def __repr__(self) -> str:
        return "<the key of this run in debug mode>"


_EPHEMERAL = (
    "No SECRET_KEY is set. In debug mode, sessions are signed with a key that lasts until the"
    " command ends; in production they would fail. Make a lasting key: `costrel secret`."
)

_MISSING = (
    "No SECRET_KEY is set, but %s. That will fail. Make a key with `costrel secret`, and set it"
    " outside of the source."
)

_WHAT_TO_DO = (
    "Whoever guesses or reads it can forge every session. Make another key with `costrel secret`"
    " and pass it from outside of the source, for example in the environment: see the page"
    " docs/secrets.md."
)


def debug_key() -> DebugKey:
    """Return the key of this run in debug mode, the same in all of its processes."""
    return DebugKey(os.environ.setdefault(DEBUG_KEY, fresh_key()))


def install(app: t.Any) -> None:
    """Have the secret keys of an application checked before its first request."""
    if check_keys not in app._start_checks:
        app._start_checks = (*app._start_checks, check_keys)


def check_keys(app: t.Any, *, served: bool) -> Iterable[str]:
    """Refuse weak keys of an application; return what else there is to say about them.

    In debug mode, a missing key is made up, and a weak one only a note. Nothing is checked in
    testing mode, nor for requests of test clients (not `served`).

    Raises `WeakSecretError`, and `TypeError` if the fallbacks are not a list.
    """
    key = app.secret_key
    for _name, known in keys_of(app):
        if isinstance(known, str):
            remember(known)  # so that no line of the log shows it
    if app.debug:
        if not key:
            app.secret_key = debug_key()
        elif served and not app.testing and (found := _first_weakness(app)):
            return [f"{found}. Outside debug mode the application would not start."]
        return ()
    if not served or app.testing:
        return ()
    found = _first_weakness(app) or _first_in_source(app)
    if found:
        raise WeakSecretError(f"{found}. {_WHAT_TO_DO}")
    if not key:
        from .needs import need_of

        need = need_of(app)
        if need is not None:
            return [_MISSING % need + about_unread_file()]
    return ()


def keys_of(app: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    """Yield an application's keys, with the name of the setting of each, the current one first.

    Raises `TypeError` if the fallbacks are text, whose characters would count as keys.
    """
    if app.secret_key:
        yield "SECRET_KEY", app.secret_key
    fallbacks = app.config.get("SECRET_KEY_FALLBACKS") or ()
    if isinstance(fallbacks, (str, bytes, bytearray)):
        raise TypeError(
            "SECRET_KEY_FALLBACKS is a text, so that each of its characters would be a key. Make it"
            ' a list: SECRET_KEY_FALLBACKS = ["..."]'
        )
    for number, fallback in enumerate(fallbacks):
        yield f"SECRET_KEY_FALLBACKS[{number}]", fallback


def _first_weakness(app: t.Any) -> str | None:
    for name, key in keys_of(app):
        weakness = weakness_of(key)
        if weakness is not None:
            return f"{name} is weak: it {weakness}"
    return None


def _first_in_source(app: t.Any) -> str | None:
    from .literals import place_in_source

    for name, key in keys_of(app):
        place = place_in_source(app, key)
        if place is not None:
            return f"{name} stands in the source, in {place}"
    return None


def declare_need(app: t.Any, need: str) -> None:
    """Say that an application will not do without a secret key, and what for.

    Args:
        app: The application.
        need: What goes on after "No SECRET_KEY is set, but", such as "it has a login".
    """
    protection = protection_of(app)
    if protection is not None and need not in protection.needs_secret:
        protection.needs_secret.append(need)
