"""Check and show the address a server is going to listen at."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

import click


class ServeError(click.ClickException):
    """Say why the server cannot start or stopped; exit status 1."""


def resolve_address(host: str, port: int) -> tuple[str, int]:
    """Return the IP address and port to bind, having tried them out.

    Port 0 stands for any free one. Raises `ServeError` with one line for the
    user if the port is taken or the address is not one of this machine.

    The server's own sockets share their port among processes, so it would not
    notice another one that shares it too: two servers would take turns to answer.
    """
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError, OverflowError) as error:
        raise ServeError(
            f"--host {host!r} is not an address: {error}. Use 127.0.0.1 to serve this machine"
            " only, 0.0.0.0 to serve every network it is in."
        ) from None
    with socket.socket(family, kind, proto) as trial:
        if os.name == "posix":
            # Or a port whose last connections are still winding down would count as taken.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(where)
        except OSError as error:
            raise ServeError(_explain(error, host, port)) from None
        except OverflowError:
            raise ServeError(f"--port {port} is not a port: use 0 to 65535.") from None
        bound = trial.getsockname()
    return str(bound[0]), int(bound[1])


def accepts_connections(address: str, port: int) -> bool:
    """Tell whether somebody listens there, by connecting and hanging up.

    An address that stands for all of them is asked on the loopback one.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_unspecified:
        address = "::1" if ip.version == 6 else "127.0.0.1"
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether only programs of this machine can connect to `host`."""
    if host == "localhost" or host.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def show_url(scheme: str, address: str, port: int) -> str:
    """Return the URL to open in a browser on this machine.

    An address that stands for all of them is shown as the loopback one.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_unspecified:
        address = "[::1]" if ip.version == 6 else "127.0.0.1"
    elif ip.version == 6:
        address = f"[{address}]"
    return f"{scheme}://{address}:{port}"


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else port - 1
        return (
            f"Port {port} on {host} is in use by another program. Stop that program, or choose"
            f" another port: --port {other}"
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {port} on {host} may not be used: ports below 1024 need special rights."
            " Choose another port: --port 8000"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"--host {host} is not an address of this machine. Use 127.0.0.1 to serve this machine"
            " only, 0.0.0.0 to serve every network it is in."
        )
    return f"Cannot listen on {host} port {port}: {error.strerror or error}"
