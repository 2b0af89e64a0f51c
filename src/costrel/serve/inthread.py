"""Answer a request under ASGI in one worker thread, as it would be answered under WSGI."""

from __future__ import annotations

import asyncio
import io
import typing as t

from werkzeug.exceptions import ClientDisconnected

from ..ground.current import PRESERVE
from .body import RequestBody, announced_length, announces_body, receive_body
from .inflight import in_flight
from .scope import ENVIRON, Receive, Scope, Send, make_environ
from .sending import (
    Answer,
    ClientLeft,
    answer_in_thread,
    refuse,
    send_answer,
)
from .watch import Watch, watch_response

if t.TYPE_CHECKING:
    from ..registration.application import App


async def respond_in_thread(  # noqa: C901  one border around all of it
    app: App, scope: Scope, receive: Receive, send: Send, *, streams_body: bool = False
) -> None:
    """Answer a request with the WSGI application, in one hop to a worker thread."""
    headers = dict(scope["headers"])
    watch = Watch(receive)
    task = t.cast("asyncio.Task[t.Any]", asyncio.current_task())
    source: t.Any = io.BytesIO()
    answered: Answer | None = None
    in_flight.add(task)
    try:
        if announces_body(scope, headers):
            source = body = RequestBody(
                receive, app.config["BODY_TIMEOUT_S"], announced_length(headers)
            )
            if not streams_body:
                source = await receive_body(body, _body_limit(app), headers)
            if not body.complete:
                watch.body = body
        answered = await answer_in_thread(app, make_environ(scope, source))
        if answered.rest is not None:
            watch_response(watch, streams_body=streams_body)
        await send_answer(app, answered, send)
    except ClientDisconnected as error:
        if answered is None:
            await refuse(send, error)
    except ClientLeft:
        # In the middle of the response: there is nothing more to send.
        pass
    except asyncio.CancelledError:
        if not watch.client_left():
            raise
    finally:
        watch.stop()
        in_flight.discard(task)
        if not _is_kept(scope):
            source.close()


def _body_limit(app: App) -> int | None:
    """Return up to how many bytes a body is received before its view is known."""
    engine = app._engine
    if engine is None or engine.epoch != app._epoch.value:
        limit: int | None = app.config["MAX_CONTENT_LENGTH"]
        return limit
    return t.cast("int | None", engine.body_limit)


def _is_kept(scope: Scope) -> bool:
    """Whether a test or a debugger looks at the request after its end."""
    return PRESERVE in ((scope.get("extensions") or {}).get(ENVIRON) or ())
