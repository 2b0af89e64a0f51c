"""Bind and show the address that a server listens on."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

import click


class ServeError(click.ClickException):
    """Raised if the server cannot start or has to stop; exit status 1."""


def bind_address(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address, but does not listen yet.

    Port 0 picks a free port. Raises `ServeError` with one line for the user if
    the port is taken or the address does not belong to this machine.
    """
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError, OverflowError) as error:
        raise ServeError(
            f"--host {host!r} is not an address: {error}. Use 127.0.0.1 to accept connections from"
            " this machine only, or 0.0.0.0 to accept them from every network."
        ) from None
    listener = socket.socket(family, kind, proto)
    try:
        if os.name == "posix":
            # Without it, a port whose last connections are still closing would count as taken.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(where)
    except OSError as error:
        listener.close()
        raise ServeError(explain(error, host, port)) from None
    except OverflowError:
        listener.close()
        raise ServeError(f"--port {port} is not a port. Use a number from 0 to 65535.") from None
    listener.setblocking(False)
    return listener


def is_loopback(host: str) -> bool:
    """Return whether only programs on this machine can connect to `host`."""
    if host == "localhost" or host.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def show_url(scheme: str, address: str, port: int) -> str:
    """Return the URL to open in a browser on this machine.

    An address that stands for all addresses is shown as the loopback address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_unspecified:
        address = "[::1]" if ip.version == 6 else "127.0.0.1"
    elif ip.version == 6:
        address = f"[{address}]"
    return f"{scheme}://{address}:{port}"


def explain(error: OSError, host: str, port: int) -> str:
    """Return a message that says why a server cannot listen on an address, and what to do."""
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else port - 1
        return (
            f"Port {port} on {host} is in use by another program. Stop that program, or choose"
            f" another port: --port {other}"
        )
    if error.errno == errno.EACCES:
        return (
            f"Permission denied for port {port} on {host}: ports below 1024 need special rights."
            " Choose another port: --port 8000"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"--host {host} is not an address of this machine. Use 127.0.0.1 to accept connections"
            " from this machine only, or 0.0.0.0 to accept them from every network."
        )
    return f"Cannot listen on {host} port {port}: {error.strerror or error}"
