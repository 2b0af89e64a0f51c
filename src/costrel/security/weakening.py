"""Find where somebody has weakened the header fields of an application, for an audit."""

from __future__ import annotations

import re
import typing as t

from .csp import DEFAULT_POLICY
from .headerlayers import DEFAULT_HEADERS, HSTS, HeaderLayer, config_layers, marks_of
from .state import Exemption

if t.TYPE_CHECKING:
    from ..registration.application import App

_AS_STRICT: t.Mapping[str, frozenset[str]] = {
    "referrer-policy": frozenset(("no-referrer", "same-origin", "strict-origin")),
    "cross-origin-resource-policy": frozenset(),
    "x-frame-options": frozenset(),
}
"""Other values, in lower case, that protect as well as the default does."""


def header_exemptions(app: App) -> t.Iterator[Exemption]:
    """Yield what the configuration, blueprints and views have weakened."""
    for layer in config_layers(app.config):
        yield from _weakened(layer, "*")
    for name, blueprint in app.blueprints.items():
        for layer in marks_of(blueprint):
            yield from _weakened(layer, name)
    for endpoint, view in app.view_functions.items():
        for layer in marks_of(view):
            yield from _weakened(layer, endpoint)


def _weakened(layer: HeaderLayer, target: str) -> t.Iterator[Exemption]:
    for reason in (*_weak_values(layer), *_weak_policy(layer)):
        yield Exemption("headers", target, reason, layer.place)


def _weak_values(layer: HeaderLayer) -> t.Iterator[str]:
    defaults = {name.lower(): (name, value) for name, value in DEFAULT_HEADERS.items()}
    for given, value in layer.values.items():
        name, default = defaults.get(given.lower(), (given, None))
        if default is None:
            continue
        if value is None:
            yield f"without {name}"
        elif not _is_as_strict(name, value, default):
            yield f"{name}: {value}"


def _is_as_strict(name: str, value: str, default: str) -> bool:
    if name == HSTS:
        return _max_age(value) >= _max_age(default)
    lowered = value.lower()
    return lowered == default.lower() or lowered in _AS_STRICT.get(name.lower(), ())


def _max_age(value: str) -> int:
    found = re.search(r"max-age=\"?(\d{1,12})", value.lower())
    return int(found[1]) if found else 0


def _weak_policy(layer: HeaderLayer) -> t.Iterator[str]:
    if layer.policy is None:
        return
    if layer.replaces and not layer.policy:
        yield "without Content-Security-Policy"
        return
    fallback = DEFAULT_POLICY["default-src"]
    for name, sources in layer.policy.items():
        default = set(DEFAULT_POLICY.get(name, fallback).split())
        if sources is None:
            if name in DEFAULT_POLICY:
                yield f"Content-Security-Policy without {name}"
        elif _is_restriction(name) and not set(sources.split()) <= default | {"'none'"}:
            yield f"Content-Security-Policy: {name} {sources}"
    if layer.replaces:
        for name in DEFAULT_POLICY.keys() - layer.policy.keys():
            # Those that have no fallback, and the fallback itself.
            if name not in {"img-src", "object-src"} or "default-src" not in layer.policy:
                yield f"Content-Security-Policy without {name}"


def _is_restriction(name: str) -> bool:
    """Whether a directive lists what is allowed; others report, or change requests."""
    return name.endswith(("-src", "-elem", "-attr")) or name in DEFAULT_POLICY
