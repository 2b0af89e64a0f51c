"""What is said of a typed view where it is registered, besides its annotations."""

from __future__ import annotations

import inspect
import re
import typing as t

from .origin import caller

if t.TYPE_CHECKING:
    from collections.abc import Mapping


TURN_ON = (
    "Make it a costrel.Costrel, make the view's blueprint with typed_views=True, or set"
    " app.config['TYPED_VIEWS'] = True before its views."
)
"""What to do about an application whose views are not typed, but written as if they were."""

_SETTINGS = {
    "title": "OPENAPI_TITLE",
    "version": "OPENAPI_INFO_VERSION",
    "description": "OPENAPI_DESCRIPTION",
    "openapi_url": "OPENAPI_PATH",
    "docs_url": "DOCS_PATH",
}
"""The settings for what other frameworks take as arguments of an application."""

_NOTHING: dict[str, t.Any] = {}
_MERGED = ("responses",)
_JOINED = ("dependencies",)


def take_options(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Remove what is said of a typed view from the options of a URL rule, and return it."""
    if not options:
        return _NOTHING
    # Imported here, because making the classes takes as long as importing a module.
    from .options import OperationOptions

    known = OperationOptions.__annotations__
    return {name: options.pop(name) for name in sorted(known.keys() & options.keys())}


_ELSEWHERE = {
    "status_code": "Write status=...",
    "response_model": "The return annotation says what is sent",
    "response_description": "Types of other answers are in responses={...}",
    "response_class": "The return annotation says what is sent",
    "name": "Write endpoint=...",
}
"""Arguments that decorators of other frameworks have, and what to write instead."""


def refuse_option(rule: str, options: dict[str, t.Any], rule_class: type) -> None:
    """Raise `TypeError` for an argument that neither a URL rule nor a typed view has."""
    from .options import OperationOptions

    parameters = inspect.signature(rule_class).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    taken = {"string", "methods", "endpoint"}
    known = sorted({*parameters, *OperationOptions.__annotations__} - taken)
    for name in options:
        if name not in parameters:
            raise TypeError(
                f"The rule {rule!r} takes no argument {name!r}.{_suggestion(name, known)} It takes"
                f" endpoint, methods, {', '.join(known)}. ({caller()})"
            )


def _suggestion(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    if name in _ELSEWHERE:
        return f" {_ELSEWHERE[name]}."
    near = get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_braces(app: t.Any, rule: str, endpoint: str, view: t.Any) -> None:
    """Raise `TypeError` for a rule of a typed view that spells a parameter of it ``{name}``."""
    if not has_typed_views(app, endpoint):
        return
    try:
        parameters = inspect.signature(view).parameters
    except (TypeError, ValueError):
        return
    for name in re.findall(r"\{(\w+)(?::\w+)?\}", rule):
        if name in parameters:
            raise TypeError(
                f"{{{name}}} is text of the rule {rule!r}, not a variable. Write <{name}>, or with"
                f" a converter <int:{name}>. ({caller()})"
            )


def check_group(options: dict[str, t.Any], owner: str) -> dict[str, t.Any]:
    """Return the options of an application or blueprint; raises `TypeError` for an unknown one.

    `owner` is ``"An application"`` or ``"A blueprint"``.
    """
    from .options import BlueprintOptions, GroupOptions

    known = BlueprintOptions if owner == "A blueprint" else GroupOptions
    for name in options:
        if name not in known.__annotations__:
            setting = _SETTINGS.get(name) if owner == "An application" else None
            advice = f" Write app.config[{setting!r}] = ... instead." if setting else ""
            raise TypeError(
                f"{owner} takes no argument {name!r}.{advice} For its typed views it takes"
                f" {', '.join(sorted(known.__annotations__))}. ({caller()})"
            )
    return options


def merge(groups: t.Iterable[Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Return the options of an operation from those of its groups and its own, outermost first.

    The innermost wins; dependencies of all run, and responses of all are known.
    """
    merged: dict[str, t.Any] = {}
    for options in groups:
        for name, value in options.items():
            if name in _MERGED:
                merged[name] = {**merged.get(name, {}), **value}
            elif name in _JOINED:
                merged[name] = (*merged.get(name, ()), *value)
            else:
                merged[name] = value
    return merged


def check_typed(app: t.Any, endpoint: str, said: dict[str, t.Any], *, websocket: bool) -> None:
    """Raise `TypeError` for what is said of a view that is not typed, which has no effect.

    SECURITY: dependencies may check who sends the request, so they must not be ignored.
    """
    if websocket:
        if said:
            name, value = next(iter(said.items()))
            raise TypeError(
                f"{name}={value!r} is for typed views, which those of WebSockets are not. Check"
                f" handshakes with @app.before_websocket. ({caller()})"
            )
        return
    for group in (app, *_blueprints(app, endpoint)):
        if "dependencies" in group.operation_options:
            said = {"dependencies": group.operation_options["dependencies"], **said}
    if said and not has_typed_views(app, endpoint):
        name, value = next(iter(said.items()))
        raise TypeError(
            f"{name}={value!r} is for typed views, which are off on this application. {TURN_ON}"
            f" ({caller()})"
        )


def check_unguarded(app: t.Any, rule: t.Any, view: t.Any) -> None:
    """Raise `TypeError` if a view that is not typed has dependencies, which would not run.

    SECURITY: `check_typed` has not seen rules that are added to the map, nor settings that are
    changed later.
    """
    groups = (app, *_blueprints(app, rule.endpoint), rule)
    said = (getattr(group, "operation_options", _NOTHING) for group in groups)
    guards = next(filter(None, (options.get("dependencies") for options in said)), None)
    if guards is not None and not getattr(view, "runs_alone", False):
        raise TypeError(
            f"dependencies={guards!r} would not run before {rule.endpoint!r}, for the rule"
            f" {rule.rule!r}: its views are not typed. Make the application a costrel.Costrel, or"
            " set TYPED_VIEWS before its views, and leave it on."
        )


def has_typed_views(app: t.Any, endpoint: str) -> bool:
    """Whether the views of an endpoint are typed: the innermost blueprint that says so decides."""
    for blueprint in reversed(_blueprints(app, endpoint)):
        typed = blueprint.operation_options.get("typed_views")
        if typed is not None:
            return bool(typed)
    return bool(app.config["TYPED_VIEWS"])


def asks_for_types(app: t.Any, rule: t.Any) -> bool:
    """Whether a rule, or a blueprint that it is in, says that its view is a typed one."""
    if getattr(rule, "operation_options", None):
        return True
    groups = _blueprints(app, rule.endpoint)
    return any(group.operation_options.get("typed_views") for group in groups)


def options_of(app: t.Any, rule: t.Any) -> dict[str, t.Any]:
    """Return what is said of the operations of a rule, by the application, blueprints and rule."""
    groups = [app, *_blueprints(app, rule.endpoint)]
    said = [group.operation_options for group in groups]
    return merge([*said, getattr(rule, "operation_options", _NOTHING)]) or _NOTHING


def _blueprints(app: t.Any, endpoint: t.Any) -> list[t.Any]:
    """Return the blueprints that an endpoint is in, outermost first."""
    if not isinstance(endpoint, str) or "." not in endpoint:
        return []
    parts = endpoint.split(".")[:-1]
    names = (".".join(parts[: count + 1]) for count in range(len(parts)))
    return [app.blueprints[name] for name in names if name in app.blueprints]
