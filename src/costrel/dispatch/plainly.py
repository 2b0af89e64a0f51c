"""Answers that need no response object."""

from __future__ import annotations

import typing as t

from .coerce import PlainAnswer, plain_answer
from .finishing import Finishing
from .hooks import AddedFields, needs_session

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from ..wrappers.fields import Fields
    from .plan import Engine


def answer_plainly(  # noqa: PLR0911  unrolled
    ctx: RequestContext, engine: Engine, finishing: Finishing | None, rv: t.Any
) -> PlainAnswer | None:
    """Return the answer of a request without after-hooks; None if that needs a response object.

    PERF(session_written): the header fields that save a session are added to the others.
    """
    if not ctx.wants_response:
        if "HTTP_COOKIE" in ctx.environ and needs_session(ctx):
            return None
        plain = engine.coerce.body(rv)
        if plain is None or finishing is None:
            return None if plain is None else plain_answer(*plain)
        more = finishing.plain_fields(ctx)
        return None if more is None else plain_answer(*plain, more)
    own = ctx.__dict__
    added: Fields = []
    registered = own.get("_after_request_functions", ())
    if not registered and "_opened_session" not in own:
        return None
    for hook in registered:
        if not isinstance(hook, AddedFields):
            return None
        # What is left of rate limits, for example, needs no response object.
        added += hook.fields()
    fields = _session_fields(ctx, engine, own)
    plain = None if fields is None else engine.coerce.body(rv)
    if fields is None or plain is None:
        return None
    more = [] if finishing is None else finishing.plain_fields(ctx)
    return None if more is None else plain_answer(*plain, [*added, *more, *fields])


def _session_fields(ctx: RequestContext, engine: Engine, own: dict[str, t.Any]) -> Fields | None:
    """Return the fields that save the session; None if that needs a response object."""
    session = own.get("_opened_session")
    if session is None:
        return None if "HTTP_COOKIE" in ctx.environ and needs_session(ctx) else []
    if engine.cookie is None or type(session) is not engine.cookie.session_class:
        return None
    return engine.cookie.fields(session)
