"""What each place says of header fields: the defaults, settings, blueprints, and views."""

from __future__ import annotations

import re
import typing as t
from types import MappingProxyType

from ..registration.misplaced import note_decorator
from ..registration.origin import caller
from ..wrappers import blueprint_path
from .csp import (
    DEFAULT_POLICY,
    NAME,
    REPORT_ONLY,
    Policy,
    change_policy,
    check_policy,
    write_policy,
)
from .spelling import meant_field

if t.TYPE_CHECKING:
    from ..registration.application import App
    from ..registration.scaffold import Scaffold

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

Values = t.Mapping[str, str | None]
Fields = list[tuple[str, str]]

DEFAULT_HEADERS: t.Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Strict-Transport-Security": "max-age=31536000",
    }
)
"""The header fields that `Costrel` sends, besides the policy in `DEFAULT_POLICY`.

The last one is sent over TLS only, and not in debug mode: a browser would refuse to talk plain
HTTP to ``localhost`` for a year, on any port."""

HSTS = "Strict-Transport-Security"
FRAMES = "X-Frame-Options"

_ANCESTORS = {"DENY": "'none'", "SAMEORIGIN": "'self'"}
"""What ``X-Frame-Options`` is in a policy, which browsers prefer to it."""

_MARK = "_security_headers"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class HeaderLayer(t.NamedTuple):
    """What one place says of header fields: a setting, a blueprint, or a view.

    Attributes:
        place: Where that is, for error messages and audits.
        values: Header fields by name, None for those that are not sent.
        policy: Changed directives of the policy; None if it says nothing of it.
        replaces: Whether `policy` is all of it.
        report_only: The same for the policy that browsers only report about.
        reports_all: Whether `report_only` is all of it.
    """

    place: str
    values: Values = MappingProxyType({})
    policy: t.Mapping[str, str | None] | None = None
    replaces: bool = False
    report_only: t.Mapping[str, str | None] | None = None
    reports_all: bool = False


class HeaderSet(t.NamedTuple):
    """The header fields of one rule: `values` by name, and the directives of its policies."""

    values: dict[str, str]
    policy: dict[str, str]
    report_only: dict[str, str] | None

    def fields(self, *, secure: bool) -> Fields:
        """Return the fields in the order in which they are sent."""
        fields = [(name, value) for name, value in self.values.items() if secure or name != HSTS]
        if self.policy:
            fields.append((NAME, write_policy(self.policy)))
        if self.report_only:
            fields.append((REPORT_ONLY, write_policy(self.report_only)))
        return fields


def headers(values: Values) -> t.Callable[[F], F]:
    """Change the header fields that protect the responses of one view.

    Place it below the route: ``@headers({"X-Frame-Options": "SAMEORIGIN"})``. Names that the
    application's responses don't have are added. What the view sets on its response counts more.

    Args:
        values: Header fields by name; None leaves one out.

    Raises `ValueError` for a name or value that can't be sent.
    """
    return _marking("headers", HeaderLayer(caller(), _check_values(values, caller())))


def content_security_policy(
    policy: Policy | None, *, report_only: bool = False
) -> t.Callable[[F], F]:
    """Change the content security policy of one view's responses.

    Args:
        policy: Directives that differ, such as ``{"img-src": "'self' https://img.example"}``, None
            for those to leave out; a text, which replaces the whole policy; or None for no policy.
        report_only: Change the policy that browsers only report about.

    Raises `ValueError` for a directive that browsers would not take as it is meant.
    """
    layer = _policy_layer(policy, caller(), report_only=report_only)
    return _marking("content_security_policy", layer)


def headers_for(
    blueprint: Scaffold,
    values: Values | None = None,
    *,
    policy: Policy | None = MappingProxyType({}),
    report_only: Policy | None = MappingProxyType({}),
) -> None:
    """Change the header fields that protect all responses of a blueprint.

    Args:
        blueprint: The blueprint, before or after it is registered.
        values: Header fields by name; None leaves one out.
        policy: As for `content_security_policy`.
        report_only: The same for the policy that browsers only report about.

    Raises `ValueError` as `headers` and `content_security_policy` do.
    """
    place = caller()
    if values is not None:
        _mark(blueprint, HeaderLayer(place, _check_values(values, place)))
    if policy is None or policy:
        _mark(blueprint, _policy_layer(policy, place, report_only=False))
    if report_only is None or report_only:
        _mark(blueprint, _policy_layer(report_only, place, report_only=True))


def layers_of(
    app: App, endpoint: str | None, settings: t.Sequence[HeaderLayer]
) -> list[HeaderLayer]:
    """Return what is said of an endpoint's header fields, the most general first.

    Args:
        app: The application.
        endpoint: The endpoint; None for requests that match none.
        settings: What the configuration says.
    """
    layers = [*settings]
    if endpoint is None:
        return layers
    if "." in endpoint:
        for name in reversed(blueprint_path(endpoint.rpartition(".")[0])):
            layers += marks_of(app.blueprints.get(name))
    return [*layers, *marks_of(app.view_functions.get(endpoint))]


def config_layers(config: t.Mapping[str, t.Any]) -> list[HeaderLayer]:
    """Return what the configuration says of header fields."""
    layers = []
    values = config.get("SECURITY_HEADERS")
    if values is None:
        values = dict.fromkeys(DEFAULT_HEADERS)
    if values:
        place = "the setting SECURITY_HEADERS"
        layers.append(HeaderLayer(place, _check_values(values, place)))
    policy = config.get("CONTENT_SECURITY_POLICY")
    if policy is None or policy:
        place = "the setting CONTENT_SECURITY_POLICY"
        layers.append(_policy_layer(policy, place, report_only=False))
    reported = config.get("CONTENT_SECURITY_POLICY_REPORT_ONLY")
    if reported is not None:
        place = "the setting CONTENT_SECURITY_POLICY_REPORT_ONLY"
        layers.append(_policy_layer(reported, place, report_only=True))
    return layers


def marks_of(target: t.Any) -> tuple[HeaderLayer, ...]:
    """Return what decorators say of a view, its class, or a blueprint, in order of application."""
    found: tuple[HeaderLayer, ...] = getattr(target, _MARK, ())
    of_class: tuple[HeaderLayer, ...] = getattr(getattr(target, "view_class", None), _MARK, ())
    return (*of_class, *found)


def combine(layers: t.Iterable[HeaderLayer], *, debug: bool = False) -> HeaderSet:
    """Return the header fields that several layers result in, each changing those before it."""
    values: dict[str, str | None] = dict(DEFAULT_HEADERS)
    names = {name.lower(): name for name in values}
    policy: dict[str, str] = dict(DEFAULT_POLICY)
    report_only: dict[str, str] | None = None
    for layer in layers:
        for name, value in layer.values.items():
            values[names.setdefault(name.lower(), name)] = value
        frames = _value_of(layer.values, FRAMES)
        if layer.policy is not None:
            policy = change_policy({} if layer.replaces else policy, layer.policy)
        if layer.report_only is not None:
            base = {} if layer.reports_all else report_only or DEFAULT_POLICY
            report_only = change_policy(base, layer.report_only)
        # Two names of one thing: what is said of one of them holds for the other.
        if layer.policy is not None and layer.policy.get("frame-ancestors") is not None:
            values[FRAMES] = _frame_options(policy)
        elif frames is not _UNSAID and "frame-ancestors" in policy:
            policy = change_policy(policy, {"frame-ancestors": _ANCESTORS.get(frames or "")})
    sent = {name: value for name, value in values.items() if value is not None}
    if debug:
        sent.pop(HSTS, None)
    return HeaderSet(sent, policy, report_only)


_UNSAID: t.Any = object()


def _value_of(values: Values, wanted: str) -> t.Any:
    for name, value in values.items():
        if name.lower() == wanted.lower():
            return value.upper() if isinstance(value, str) else None
    return _UNSAID


def _frame_options(policy: t.Mapping[str, str]) -> str | None:
    return {"'none'": "DENY", "'self'": "SAMEORIGIN"}.get(policy.get("frame-ancestors", ""))


def _policy_layer(policy: Policy | None, place: str, *, report_only: bool) -> HeaderLayer:
    directives = {} if policy is None else check_policy(policy, place)
    replaces = policy is None or isinstance(policy, str)
    if report_only:
        return HeaderLayer(place, report_only=directives, reports_all=replaces)
    return HeaderLayer(place, policy=directives, replaces=replaces)


def _check_values(values: t.Any, place: str) -> Values:
    if not isinstance(values, t.Mapping):
        raise ValueError(  # noqa: TRY004  a setting has the wrong value
            f"Header fields are a dict of names and values, not {values!r} ({place})."
        )
    for name, value in values.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header field ({place}).")
        if name.lower() in {NAME.lower(), REPORT_ONLY.lower()}:
            raise ValueError(
                f"The header field {name!r} has a setting and a decorator of its own ({place})."
                " Write CONTENT_SECURITY_POLICY = {...}, or @content_security_policy({...})."
            )
        if value is not None and not (isinstance(value, str) and _VALUE.fullmatch(value)):
            raise ValueError(
                f"The header field {name!r} can't have the value {value!r} ({place}). Write text"
                " of ASCII without line breaks, or None to leave the field out."
            )
        _check_known(name, value, place)
    return MappingProxyType(dict(values))


def _check_known(name: str, value: str | None, place: str) -> None:
    """Raise `ValueError` for what browsers would ignore, so that it would protect nobody."""
    meant = meant_field(name)
    if meant is not None:
        raise ValueError(f"There is no header field {name!r} ({place}). Did you mean {meant!r}?")
    # SECURITY(clickjacking): the policy follows this field, and must not lose its directive.
    if name.lower() == FRAMES.lower() and value is not None and value.upper() not in _ANCESTORS:
        raise ValueError(
            f"{name} can't be {value!r} ({place}): browsers know DENY and SAMEORIGIN only. For"
            " pages of other sites, name these in the policy: CONTENT_SECURITY_POLICY ="
            ' {"frame-ancestors": "\'self\' https://partner.example"}, which also leaves this'
            " field out. To let any page frame yours, set it to None."
        )


def _marking(name: str, layer: HeaderLayer) -> t.Callable[[F], F]:
    def decorator(view: F) -> F:
        _mark(view, layer)
        note_decorator(name, view)
        return view

    return decorator


def _mark(target: t.Any, layer: HeaderLayer) -> None:
    # A new tuple: a class must not add to what its base class has.
    before: tuple[HeaderLayer, ...] = getattr(target, _MARK, ())
    try:
        setattr(target, _MARK, (*before, layer))
    except AttributeError as error:
        raise TypeError(
            f"The header fields of {target!r} can't be changed ({layer.place}): it is no function"
            " or class. Decorate the function itself, before it is registered."
        ) from error
