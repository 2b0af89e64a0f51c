"""Check the status and headers that go to the server if middleware may have changed them."""

from __future__ import annotations

import typing as t

from ..dispatch.sendable import check_head

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def checked(app: WSGIApplication) -> WSGIApplication:
    """Wrap a WSGI application so that ``start_response`` raises for a head that can't be sent.

    Responses of views are checked when they are finished, so this is only needed for responses
    from elsewhere. The error is raised from ``start_response``, as PEP 3333 requires.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> t.Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *exc_info: t.Any) -> t.Any:
            check_head(status, headers)
            return start_response(status, headers, *exc_info)

        return app(environ, start)

    return call
