"""Decide which hosts need no further checks when a request is matched.

A request for such a host is matched with the route table. All other hosts are left to the URL
adapter: they may be malformed, not trusted, or belong to a subdomain.
"""

from __future__ import annotations

import re
import typing as t
from weakref import ref

from werkzeug.sansio.utils import host_is_trusted

from ..config import ThisMachine
from ..routing.listedhosts import check_listed_hosts
from ..routing.unlisted import is_own_name

if t.TYPE_CHECKING:
    from ..registration.application import App

Text = t.Callable[[str], t.Any]
Raw = t.Callable[[bytes], t.Any]

KEPT = 64
"""How many trusted hosts are remembered."""

# SECURITY(CVE-2026-48710): hosts that are certainly well-formed. Others are left to
# the URL adapter, which answers 400 if one is malformed.
# PERF(hello): one run of characters, 0.1 us; a pattern of labels takes three times that.
_PLAIN = (
    # Without an empty label, which can't be encoded.
    r"(?!.*\.\.)[A-Za-z0-9-][A-Za-z0-9.-]{0,60}"
    r"(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?"
)
_is_plain: Text = re.compile(_PLAIN).fullmatch
_is_plain_raw: Raw = re.compile(_PLAIN.encode()).fullmatch


def never(_host: t.Any) -> None:
    """Leave every host to the URL adapter."""


def plain_host_tests(app: App) -> tuple[Text, Raw]:
    """Return two tests for plain hosts, for str and for bytes; not None means plain.

    Both are `never` if matching depends on the host. Raises `ValueError` for a list of hosts that
    can't be meant.
    """
    check_listed_hosts(app)
    if app.subdomain_matching or getattr(app.request_class, "trusted_hosts", None) is not None:
        return never, never
    if type(app.config["TRUSTED_HOSTS"]) is ThisMachine:
        names = OwnNames(app)
        return names.__getitem__, names.__getitem__
    if app.config["TRUSTED_HOSTS"] is None:
        return _is_plain, _is_plain_raw
    trusted = TrustedHosts(app.config["TRUSTED_HOSTS"])
    return trusted.find, trusted.find_raw


class OwnNames(dict[t.Any, str | None]):
    """Test for plain hosts while ``TRUSTED_HOSTS`` is not set: names of this machine.

    Other hosts are left to the URL adapter, which refuses them, or tells of them in debug mode.

    A dict, so that a host that was asked for before costs one lookup, as text and as bytes.
    """

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = ref(app)

    def __missing__(self, host: str | bytes) -> str | None:
        """Return the host if it is plain and a name of this machine, otherwise None."""
        text = host if isinstance(host, str) else host.decode("latin-1")
        app = self._app()
        if app is None or _is_plain(text) is None or not is_own_name(app, text):
            return None
        # INVARIANT: bounded, since any port and any name below localhost counts.
        if len(self) < KEPT:
            self[host] = text
        return text


class TrustedHosts:
    """Test for plain hosts that ``TRUSTED_HOSTS`` lists; asks Werkzeug once for each host."""

    def __init__(self, listed: t.Collection[str]) -> None:
        self._listed = [listed] if isinstance(listed, str) and listed else listed
        self._checked: tuple[tuple[str, ...], set[str]] = (), set()

    def find(self, host: str) -> str | None:
        """Return the host if it is plain and trusted, otherwise None."""
        # SECURITY: the list may be changed in place, which nothing else would notice.
        listed, known = self._checked
        if listed != tuple(self._listed):
            listed, known = self._checked = tuple(self._listed), set()
        if host in known:
            return host
        # SECURITY(host-header): Werkzeug takes an empty list for none; the URL adapter decides.
        if not listed or _is_plain(host) is None or not host_is_trusted(host, listed):
            return None
        # INVARIANT: bounded, since a suffix in the list trusts any number of hosts.
        if len(known) < KEPT:
            known.add(host)
        return host

    def find_raw(self, host: bytes) -> str | None:
        """Do the same for bytes."""
        try:
            return self.find(host.decode("latin-1"))
        except Exception:  # noqa: BLE001  raised again by the URL adapter, and answered there
            return None
