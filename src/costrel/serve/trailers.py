"""Keep the trailer fields of a body out of the header fields of its request.

What a proxy in front has written or removed, a client could otherwise write again behind its body.
SPEC(RFC 9110 §6.5.1): trailer fields must not be merged into the header section.
"""

from __future__ import annotations

import sys
import typing as t

_MODULE = "uvicorn.protocols.http.httptools_impl"


def ignore_trailers() -> None:
    """Make uvicorn ignore trailer fields, on connections that are accepted from now on.

    COMPAT(uvicorn): its protocol on httptools adds them to the list of the request's header fields,
    which is also in the scope. By the time an application is called they may be there already,
    and look like any other; so it can't be done with the scope. All other servers that Costrel
    is tested on leave them out themselves.
    """
    protocol: t.Any = getattr(sys.modules.get(_MODULE), "HttpToolsProtocol", None)
    if protocol is not None and not hasattr(protocol, "on_chunk_header"):
        protocol.on_chunk_header = _on_chunk_header


def _on_chunk_header(protocol: t.Any) -> None:
    """Let what the parser still adds be in another list than the scope's.

    httptools calls this before each chunk, of which the last one is empty and comes before the
    trailer fields. So only requests with such a body are concerned.
    """
    if protocol.headers is protocol.scope["headers"]:
        protocol.headers = protocol.headers.copy()
