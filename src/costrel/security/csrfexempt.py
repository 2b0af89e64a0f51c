"""Views that take requests from anywhere: `csrf_exempt`."""

from __future__ import annotations

import typing as t

from ..registration.misplaced import note_decorator
from ..registration.origin import caller
from .state import Exemption

if t.TYPE_CHECKING:
    from ..registration.application import App
    from ..wrappers import Request

T = t.TypeVar("T")

_MARK = "_costrel_csrf_exempt"


class _Mark(t.NamedTuple):
    reason: str
    origin: str


@t.overload
def csrf_exempt(target: T, /) -> T: ...


@t.overload
def csrf_exempt(*, reason: str) -> t.Callable[[T], T]: ...


def csrf_exempt(target: t.Any = None, /, *, reason: str = "") -> t.Any:
    """Let anybody's pages send requests to a view, or to a blueprint's views.

    For views that check who calls in another way, such as a webhook with a signature. Views that
    only take bearer tokens need no exemption: requests without cookies are let through if they
    have one. The target is a view function, a class-based view, one of its methods, or a
    blueprint; it is returned as it is. Each exemption is listed for an audit, with the reason.

    Raises `TypeError` for anything that can't be marked.
    """
    mark = _Mark(reason or "csrf_exempt", caller())

    def exempt(target: T) -> T:
        if not callable(target) and not hasattr(target, "register"):
            raise TypeError(
                f"csrf_exempt() got {target!r}. Use it on a view, a view class, one of its methods,"
                " or a blueprint: @csrf_exempt above a function, csrf_exempt(blueprint)."
            )
        try:
            setattr(target, _MARK, mark)
        except AttributeError:
            raise TypeError(
                f"csrf_exempt() can't mark {target!r}. Use it on the function or class itself,"
                " before anything is made of it."
            ) from None
        note_decorator("csrf_exempt", target)
        return target

    return exempt if target is None else exempt(target)


def _mark_of(target: t.Any) -> _Mark | None:
    """Return the mark of an object itself; a class does not inherit that of its base."""
    found = getattr(target, "__dict__", {}).get(_MARK)
    return found if isinstance(found, _Mark) else None


def _marks_of_view(view: t.Any) -> _Mark | None:
    return _mark_of(view) or _mark_of(getattr(view, "view_class", None))


def _blueprints_of(endpoint: str) -> t.Iterator[str]:
    """Return the names of the blueprints that an endpoint is in, innermost first."""
    name = endpoint
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def is_exempt(app: App, endpoint: str) -> bool:
    """Return whether all requests of an endpoint are exempt."""
    return _marks_of_view(app.view_functions.get(endpoint)) is not None or any(
        _mark_of(app.blueprints.get(name)) is not None for name in _blueprints_of(endpoint)
    )


def _method_of(view: t.Any, method: str) -> t.Any:
    return getattr(getattr(view, "view_class", None), method.lower(), None)


def method_is_exempt(app: App, request: Request) -> bool:
    """Return whether the method of a class-based view that a request is for is exempt."""
    view = app.view_functions.get(request.endpoint or "")
    return _mark_of(_method_of(view, request.method)) is not None


def find_exemptions(app: App) -> t.Iterator[Exemption]:
    """Return what is exempt in an application, as registered by now."""
    if not app.config.get("CSRF_PROTECTION", True):
        yield Exemption("csrf", "*", "CSRF_PROTECTION is off")
    for endpoint, view in [*app.view_functions.items()]:
        mark = _marks_of_view(view)
        if mark is not None:
            yield Exemption("csrf", endpoint, *mark)
        for method in sorted(getattr(view, "methods", None) or ()):
            mark = _mark_of(_method_of(view, method))
            if mark is not None:
                yield Exemption("csrf", f"{endpoint} {method}", *mark)
    for name, blueprint in [*app.blueprints.items()]:
        mark = _mark_of(blueprint)
        if mark is not None:
            yield Exemption("csrf", f"blueprint {name}", *mark)
