"""Check what goes to the server where middleware may have changed it."""

from __future__ import annotations

import typing as t

from ..dispatch.sendable import check_head

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def checked(app: WSGIApplication) -> WSGIApplication:
    """Wrap a WSGI application so that its responses can be sent.

    Responses of views are checked when they are finished, so only those need it that
    come from elsewhere. What can't be sent is raised where it is given to the server,
    as PEP 3333 wants it.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> t.Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *exc_info: t.Any) -> t.Any:
            check_head(status, headers)
            return start_response(status, headers, *exc_info)

        return app(environ, start)

    return call
