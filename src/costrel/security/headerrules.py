"""Which header fields the responses of an application's rules get."""

from __future__ import annotations

import typing as t

from ..ground.securitylog import security_log
from .csp import csp_nonce
from .headerlayers import HeaderLayer, HeaderSet, combine, config_layers, layers_of
from .state import add_template_global, security_of
from .weakening import header_exemptions

if t.TYPE_CHECKING:
    from ..registration.application import App


class HeaderRules:
    """Finds the header fields of an application's rules."""

    def __init__(self) -> None:
        self._right: list[HeaderLayer] | None = None
        self._told = ""

    def of(self, app: App, endpoint: str | None) -> HeaderSet:
        """Return the header fields of an endpoint; of requests that match none if it is None.

        Raises `ValueError` for a setting that can't be sent.
        """
        return combine(layers_of(app, endpoint, self._settings(app)), debug=app.debug)

    def _settings(self, app: App) -> list[HeaderLayer]:
        """Return what the settings say or, if they are wrong by now, have said at last.

        Settings are checked when they are set: see `costrel.security.settingchecks`. But a dict of
        them may be changed in place. Neither shall all requests fail then, nor be unprotected.
        """
        try:
            self._right = config_layers(app.config)
        except ValueError as error:
            if self._right is None:
                raise
            if self._told != str(error):
                self._told = str(error)
                security_log.error("%s. The header fields of before are sent on.", error)
        return self._right


def install(app: App) -> None:
    """Let an application's responses have the header fields, and templates the nonce."""
    security = security_of(app)
    security.headers = HeaderRules()
    add_template_global(app, "csp_nonce", csp_nonce)
    security.collectors.append(header_exemptions)
