"""Views that read their request's body while it is received: `stream_body`."""

from __future__ import annotations

import typing as t

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


def stream_body(view: F) -> F:
    """Let a view read its request's body while it is received, under ASGI.

    Otherwise the whole body is received before the view runs, so that ``request.form``
    and the like are plain calls. Such a view reads ``request.stream`` instead::

        @app.put("/files/<name>")
        @stream_body
        async def upload(name):
            async for chunk in request.stream:
                ...

    Under WSGI bodies are always read that way, and this changes nothing.
    """
    view.streams_body = True  # type: ignore[attr-defined]
    return view
