"""What protects an application: its checks, its exemptions, and the state of each feature.

It is declared here, at the bottom, because sessions and logging add to it, plans compile it, and
`costrel.security` fills it. It is kept on ``app.extensions``, where an audit reads it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .registry import TrackedList

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import Rule

EXTENSION = "costrel.security"
"""The key of `Security` in ``app.extensions``."""

ORDER = ("hosts", "limits", "suspects", "csrf", "rates")
"""The order in which checks run, by name; others run after these, as they were added.

SECURITY(limits): a forged request must not count for the visitor who sends it, nor be free.
"""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that ask for no change. SPEC(RFC 9110 §9.2.1)."""

NamedCheck = tuple[str, t.Callable[[], object]]
"""The name of a setting, and what raises an error if its value is wrong."""

Run = t.Callable[[t.Any], None]
"""Looks at the request; returns None, or raises the `HTTPException` that refuses it."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """One place where somebody has switched off, or weakened, a protection.

    Attributes:
        feature: What is weakened: ``csrf``, ``headers``, ``cors``, ``rates`` and so on.
        target: Where: an endpoint, a function, the name of a blueprint, or ``*`` for everything.
        reason: What was done, in words, such as ``X-Frame-Options: SAMEORIGIN``.
        origin: The file and line that did it; empty if that is not known.
    """

    feature: str
    target: str
    reason: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A look at each request before its view runs, which may refuse it.

    Attributes:
        name: The feature, such as ``csrf``; its place in `ORDER` decides when it runs.
        applies_to: Asked once for each plan, with the endpoint and the rule (both None where
            nothing matches). It returns whether to check such requests, or a function to check
            these with, in place of `run`.
        run: Takes the request; raises an `HTTPException` to refuse it. A sync function.
        safe_methods: Whether GET, HEAD, OPTIONS and TRACE are checked too.
        concerns: Asked with the WSGI environ before the request object is created; False means
            that `run` would do nothing. It must be quick, and should read few variables. None:
            `run` always runs.
        blocks: Whether `run` may wait or work for long (it asks a store, or reads the body). On
            an event loop it then runs in a worker thread.
    """

    name: str
    applies_to: t.Callable[[str | None, Rule | None], bool | Run]
    run: Run
    safe_methods: bool = False
    concerns: t.Callable[[WSGIEnvironment], t.Any] | None = None
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Finisher:
    """A last look at each response, which may add header fields to it.

    Attributes:
        name: The feature.
        run: Takes the response; changes it in place. A sync function, which must not wait. It is
            called for each response that is an object, also where `concerns` says no.
        concerns: Asked with the WSGI environ of a request whose view returned a plain value
            (status 200); False means that no response object is needed. It must be quick.
    """

    name: str
    run: t.Callable[[t.Any], None]
    concerns: t.Callable[[WSGIEnvironment], t.Any]


@dataclass(slots=True)
class Security:
    """What protects one application; see `security_of`.

    Attributes:
        checks: What the guard runs. A change invalidates what was compiled.
        finishers: What adds to responses, after all after-hooks.
        exemptions: What has been switched off; `exemptions_of` returns those of `collectors` too.
        collectors: Functions that find exemptions, such as marks of views, when they are asked
            for; each takes the application.
        settings: Functions that find settings to check at the start, besides those of features
            that are on; each takes the application.
        template_globals: Functions for templates, such as ``csp_nonce``: see
            `add_template_global`.
        needs_secret: Why the application needs a ``SECRET_KEY``, for ``costrel run`` to say.
        csrf, headers, cors, hosts, limits, rates, sessions: The state of each feature; None if
            it is off.
        installed: The names of the features that are on.
    """

    checks: list[Check]
    finishers: list[Finisher]
    exemptions: list[Exemption] = field(default_factory=list)
    collectors: list[t.Callable[[t.Any], t.Iterable[Exemption]]] = field(default_factory=list)
    settings: list[t.Callable[[t.Any], t.Iterable[NamedCheck]]] = field(default_factory=list)
    template_globals: dict[str, t.Callable[..., t.Any]] = field(default_factory=dict)
    needs_secret: list[str] = field(default_factory=list)
    csrf: t.Any = None
    headers: t.Any = None
    cors: t.Any = None
    hosts: t.Any = None
    limits: t.Any = None
    rates: t.Any = None
    sessions: t.Any = None
    installed: set[str] = field(default_factory=set)


def security_of(app: t.Any) -> Security:
    """Return what protects an application; created if there is nothing yet."""
    found: Security | None = app.extensions.get(EXTENSION)
    if found is None:
        found = app.extensions[EXTENSION] = Security(
            TrackedList(app._epoch), TrackedList(app._epoch)
        )
    return found


def protection_of(app: t.Any) -> Security | None:
    """Return what protects an application; None if nothing does."""
    found: Security | None = app.extensions.get(EXTENSION)
    return found


def exemptions_of(app: t.Any) -> list[Exemption]:
    """Return everything that somebody has switched off in an application, for an audit."""
    security = protection_of(app)
    if security is None:
        return []
    collected = [found for collect in security.collectors for found in collect(app)]
    return [*security.exemptions, *collected]


def add_template_global(app: t.Any, name: str, function: t.Callable[..., t.Any]) -> None:
    """Make a function available in all templates, without creating the Jinja environment yet.

    A global of the same name that the application has registered stays.
    """
    security_of(app).template_globals[name] = function
    environment = vars(app).get("jinja_env")
    if environment is not None:
        environment.globals.setdefault(name, function)
