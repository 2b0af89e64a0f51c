"""Which header fields the responses of an application's rules get."""

from __future__ import annotations

import typing as t

from .csp import csp_nonce
from .headerlayers import HeaderSet, combine, layers_of
from .state import add_template_global, security_of
from .weakening import header_exemptions

if t.TYPE_CHECKING:
    from ..registration.application import App


class HeaderRules:
    """Finds the header fields of an application's rules."""

    def of(self, app: App, endpoint: str | None) -> HeaderSet:
        """Return the header fields of an endpoint; of requests that match none if it is None.

        Raises `ValueError` for a setting that can't be sent.
        """
        return combine(layers_of(app, endpoint), debug=app.debug)


def install(app: App) -> None:
    """Let an application's responses have the header fields, and templates the nonce."""
    security = security_of(app)
    security.headers = HeaderRules()
    add_template_global(app, "csp_nonce", csp_nonce)
    security.collectors.append(header_exemptions)
