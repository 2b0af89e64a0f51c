"""Believe what is forwarded only by proxies in networks that ``TRUSTED_PROXIES`` lists."""

from __future__ import annotations

import logging
import re
import typing as t
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from werkzeug.middleware.proxy_fix import ProxyFix

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNIX = "unix"
"""What a network is called whose proxies connect to a Unix socket."""

COUNTS = ("x_proto", "x_host", "x_port", "x_prefix")

FORWARDED = tuple(f"HTTP_X_FORWARDED_{name}" for name in ("FOR", "PROTO", "HOST", "PORT", "PREFIX"))
"""The variables that are removed if somebody else has set them."""

KEPT = 64
"""How many peers are remembered, with whether they are proxies."""

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}

_PREFIX = re.compile(r"(?:/[^/\\?#\x00-\x20\x7f]+)*/?")
"""A path that browsers can't take for a host, as ``//evil.example`` and ``/\\evil.example``."""

_log = logging.getLogger("costrel.security")


def _nothing(_environ: t.Any, _start_response: t.Any) -> tuple[bytes, ...]:
    return ()


class Networks:
    """The networks that proxies are in; remembers the peers that were asked for.

    Raises `ValueError` for what is neither an address, nor a network, nor ``unix``.
    """

    def __init__(self, listed: t.Any) -> None:
        names = [listed] if isinstance(listed, str) else list(listed)
        if not names:
            raise ValueError("networks is empty")
        self.unix = UNIX in names
        self._networks: list[Network] = [ip_network(str(name)) for name in names if name != UNIX]
        self._known: dict[str, bool] = {}

    def has_peer(self, peer: str | None) -> bool:
        """Return whether a proxy connects from there; no address is that of a Unix socket."""
        if not peer:
            return self.unix
        found = self._known.get(peer)
        if found is None:
            address = read_address(peer)
            found = address is not None and self.has(address)
            # INVARIANT: bounded, since anybody may connect.
            if len(self._known) < KEPT:
                self._known[peer] = found
        return found

    def has(self, address: Address) -> bool:
        """Return whether an address is in one of the networks."""
        return any(address in network for network in self._networks)


def read_address(text: str) -> Address | None:
    """Return the address that a proxy has written, if need be without port and brackets.

    None for anything else: a name, ``unknown``, or what somebody has made up. An IPv4 address that
    is written as an IPv6 address is given as the former, which is what networks list.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text, _bracket, port = text[1:].partition("]")
        if port and not _is_port(port):
            return None
    elif text.count(":") == 1:
        text, _colon, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_port(text: str) -> bool:
    return text[0] == ":" and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6


class NetworkProxies(ProxyFix):
    """Change the environ as ``ProxyFix`` does, for requests of proxies in some networks.

    From anybody else, nothing is believed: the headers are removed, so that neither the
    application nor an extension reads them by mistake, and the first time is logged.

    It wraps nothing: it only changes the environ.

    Args:
        networks: Where proxies are.
        hops: The most proxies in a row. An address in ``X-Forwarded-For`` is looked behind only
            if it is that of such a proxy itself, so what a client has made up does not count,
            whatever way it took.
        counts: How often proxies set the other headers, as for ``ProxyFix``.
        told: Gets the first header that was not believed, once that is logged.
    """

    def __init__(
        self, networks: Networks, hops: int, counts: t.Mapping[str, int], told: set[str]
    ) -> None:
        super().__init__(_nothing, x_for=0, **{"x_proto": 1, **counts})
        self.networks = networks
        self.hops = hops
        self.told = told

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Change the environ."""
        peer = environ.get("REMOTE_ADDR")
        if not self.networks.has_peer(peer):
            self.forget(environ, peer)
            return ()
        scheme, root = environ["wsgi.url_scheme"], environ.get("SCRIPT_NAME", "")
        client = self.client(environ.get("HTTP_X_FORWARDED_FOR"))
        ProxyFix.__call__(self, environ, start_response)
        if client is not None:
            environ["REMOTE_ADDR"] = client
        # SECURITY(open redirect): the prefix begins the application's own links.
        if not _PREFIX.fullmatch(environ.get("SCRIPT_NAME", "")):
            environ["SCRIPT_NAME"] = root
        # COMPAT(Traefik): it forwards a WebSocket as "wss".
        environ["wsgi.url_scheme"] = _SCHEMES.get(environ["wsgi.url_scheme"], scheme)
        return ()

    def client(self, forwarded: str | None) -> str | None:
        """Return the address of the client that the proxies tell of; None if they tell of none."""
        if not forwarded:
            return None
        found = None
        for passed, text in enumerate(reversed(forwarded.rsplit(",", self.hops)), 1):
            address = read_address(text)
            if address is None:
                # Whatever this is, the proxy that has told it is the last that is known.
                break
            found = str(address)
            if passed >= self.hops or not self.networks.has(address):
                break
        return found

    def forget(self, environ: WSGIEnvironment, peer: str | None) -> None:
        """Remove what somebody claims to have forwarded."""
        claimed = [name for name in FORWARDED if environ.pop(name, None) is not None]
        if claimed and not self.told:
            self.told.add(claimed[0])
            _log.warning(
                "%s from %a is not believed, since that address is in none of the networks of"
                " TRUSTED_PROXIES. If it is a proxy of yours, add it. This is logged once.",
                claimed[0].removeprefix("HTTP_").replace("_", "-").title(),
                peer or UNIX,
            )
