"""Views that read the request body while it is being received: `stream_body`."""

from __future__ import annotations

import typing as t

from .misplaced import note_decorator

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


def stream_body(view: F) -> F:
    """Let a view read the request body while it is being received, under ASGI.

    Without it, the whole body is received before the view runs, so that ``request.form``
    and similar attributes need no ``await``. With it, the view reads ``request.stream``::

        @app.put("/files/<name>")
        @stream_body
        async def upload(name):
            async for chunk in request.stream:
                ...

    Under WSGI, bodies are always read that way, and this has no effect.
    """
    view.streams_body = True  # type: ignore[attr-defined]
    note_decorator("stream_body", view)
    return view
