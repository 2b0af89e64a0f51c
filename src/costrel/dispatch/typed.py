"""Typed views: what runs for a rule instead of the registered view, and how it fails."""

from __future__ import annotations

import typing as t

from ..ground.current import request_view
from .classviews import for_loop

if t.TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException
    from werkzeug.routing import Rule

    from ..registration.application import App


def view_of(app: App, rule: Rule) -> t.Callable[..., t.Any]:
    """Return the view of a rule; with ``TYPED_VIEWS``, its typed view, compiled once.

    Raises `TypeError` for annotations that can't be used.
    """
    view: t.Any = app.view_functions[rule.endpoint]
    if not app.config["TYPED_VIEWS"] or rule.websocket:
        return t.cast("t.Callable[..., t.Any]", view)
    kept = getattr(rule, "_typed", None)
    if kept is None or kept.view is not view:
        # Imported here, because applications without typed views do not need it.
        from ..api.views import TypedView

        kept = rule._typed = TypedView.of(view, rule, for_loop)  # type: ignore[attr-defined]
    return t.cast("t.Callable[..., t.Any]", kept.call)


def as_problem(error: HTTPException) -> t.Any:
    """Return an error as a problem if the request's view declares JSON; None otherwise."""
    ctx = request_view.get(None)
    if ctx is None or not ctx.app.config["TYPED_VIEWS"]:
        return None
    typed = getattr(ctx.request.url_rule, "_typed", None)
    if typed is None or not typed.is_api:
        return None
    from ..api.problems import problem_of

    return problem_of(error)
