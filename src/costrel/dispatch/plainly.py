"""Answers that need no response object."""

from __future__ import annotations

import typing as t

from ..sessions import SecureCookieSession
from .coerce import PlainAnswer, plain_answer
from .finishing import Finishing
from .hooks import needs_session

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
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
    session = own.get("_opened_session")
    if (
        engine.cookie is None
        or type(session) is not SecureCookieSession
        or "_after_request_functions" in own
    ):
        return None
    plain = engine.coerce.body(rv)
    if plain is None:
        return None
    fields = engine.cookie.fields(session)
    if fields is None or finishing is None:
        return None if fields is None else plain_answer(*plain, fields)
    more = finishing.plain_fields(ctx)
    return None if more is None else plain_answer(*plain, [*more, *fields])
