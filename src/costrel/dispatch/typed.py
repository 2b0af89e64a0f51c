"""Typed views: what runs for a rule instead of the registered view, and whether it is an API's."""

from __future__ import annotations

import typing as t

from ..registration.operations import check_unguarded, has_typed_views
from .classviews import for_loop
from .ignored import SOCKET, UNTYPED, refuse_ignored
from .timelimit import in_time

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..api.views import TypedView
    from ..registration.application import App


def view_of(app: App, rule: Rule) -> t.Callable[..., t.Any]:
    """Return the view of a rule, as it is called: typed views are compiled, time is limited.

    Raises `TypeError` for annotations that can't be used, and for dependencies that would not run.
    """
    if rule.websocket:
        refuse_ignored([app.view_functions[rule.endpoint]], SOCKET)
        return app.view_functions[rule.endpoint]
    return in_time(app, rule, _untimed(app, rule))


def _untimed(app: App, rule: Rule) -> t.Callable[..., t.Any]:
    """Return the view of a rule; with ``TYPED_VIEWS``, its typed view, compiled once."""
    view: t.Any = app.view_functions[rule.endpoint]
    if not has_typed_views(app, rule.endpoint):
        check_unguarded(app, rule, view)
        refuse_ignored([view], UNTYPED)
        return t.cast("t.Callable[..., t.Any]", view)
    return typed_view(app, rule).call


def typed_view(app: App, rule: Rule) -> TypedView:
    """Return the typed view of a rule, compiled when it is first asked for.

    Raises `TypeError` for annotations that can't be used.
    """
    view: t.Any = app.view_functions[rule.endpoint]
    kept: TypedView | None = getattr(rule, "_typed", None)
    if kept is None or kept.view is not view or kept.overrides is not app._overrides:
        # Imported here, because applications without typed views do not need it.
        from ..api.views import TypedView

        kept = TypedView.of(app, view, rule, for_loop)
        rule._typed = kept  # type: ignore[attr-defined]
    return kept


def check_views(app: App) -> None:
    """Compile all typed views of an application, which is otherwise done when they are needed.

    Raises `TypeError` with everything that can't be used, each with its view's file and line.
    """
    wrong = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in app.view_functions:
            continue
        try:
            view_of(app, rule)
        except TypeError as error:
            wrong.append(str(error))
    if wrong:
        raise TypeError("\n".join(dict.fromkeys(wrong)))


def is_api(app: App, rule: Rule) -> bool | None:
    """Whether a rule's view declares JSON, so that its errors are problems.

    None if nobody can tell: it has no view, one whose annotations can't be used, or one that sends
    events of no declared type. Those near it decide then.
    """
    if rule.websocket or not has_typed_views(app, rule.endpoint):
        return False
    try:
        return typed_view(app, rule).is_api
    except Exception:  # noqa: BLE001  raised again by a request for the rule, and answered there
        return None
