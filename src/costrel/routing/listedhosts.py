"""Refuse a ``TRUSTED_HOSTS`` that would serve every host, or that has names no request can have.

Werkzeug takes an empty list for no list. Where an application is protected, that is a mistake,
such as a variable that is empty or a list that was to be filled later.
"""

from __future__ import annotations

import re
import typing as t
from ipaddress import IPv6Address

from ..config import ThisMachine
from ..ground.protection import protection_of

_HOST = re.compile(r"\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::[0-9]{1,5})?").fullmatch
# SPEC(RFC 6874): without a zone, which browsers do not send.
_BRACKETS = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?").fullmatch

_EXAMPLE = 'TRUSTED_HOSTS = ["www.example.com"]'


def checks_hosts(app: t.Any) -> bool:
    """Return whether an application is protected from hosts that it does not list."""
    protection = protection_of(app)
    return protection is not None and "hosts" in protection.installed


def check_listed_hosts(app: t.Any) -> None:
    """Raise `ValueError` for a ``TRUSTED_HOSTS`` that can't be meant, of a protected application.

    A `Flask` that is not protected is served as Flask does it.
    """
    if not checks_hosts(app):
        return
    _check("request_class.trusted_hosts", getattr(app.request_class, "trusted_hosts", None))
    _check("TRUSTED_HOSTS", app.config["TRUSTED_HOSTS"])


def check_server_name(app: t.Any) -> None:
    """Raise `ValueError` for a ``SERVER_NAME`` that is no host, which would be served unlisted."""
    name = app.config.get("SERVER_NAME")
    if name and not (isinstance(name, str) and _is_host(name.lower()) and name[0] != "."):
        raise ValueError(
            f"SERVER_NAME is {name!r}, which is no host. Write a name, and the port if it is not"
            " the usual one, without a scheme and a path: 'www.example.com' or 'localhost:5000'."
        )


def lists_address(listed: t.Collection[str] | str, host: str) -> bool:
    """Return whether a list has the IPv6 address that a client has asked for.

    Werkzeug does not find any. The port does not count, nor how the address is written.
    """
    asked = _address(host)
    names = [listed] if isinstance(listed, str) else listed
    return asked is not None and any(asked == _address(name) for name in names)


def _address(host: str) -> IPv6Address | None:
    """Return the address of a host such as ``[::1]:8000``; None for any other host."""
    found = _BRACKETS(host) if isinstance(host, str) else None
    if found is None:
        return None
    try:
        return IPv6Address(found[1])
    except ValueError:
        return None


def _is_host(name: str) -> bool:
    encoded = _encoded(name)
    if "[" in encoded:
        return _address(encoded) is not None
    return _HOST(encoded) is not None


def _check(name: str, listed: t.Any) -> None:
    if listed is None or type(listed) is ThisMachine:
        return
    if isinstance(listed, (bytes, t.Mapping)) or not isinstance(listed, t.Collection):
        message = f"{name} is {listed!r}. Make it a list of names: {_EXAMPLE}."
        raise ValueError(message)  # noqa: TRY004  a setting has the wrong value
    if not listed:
        raise ValueError(
            f"{name} is {listed!r}, so that every host would be served. List the names of the"
            f" application: {_EXAMPLE}. To serve any host, set None."
        )
    for host in [listed] if isinstance(listed, str) else listed:
        instead = _instead_of(host)
        if _address(f"[{host}]") is not None:
            instead = f"Write '[{host}]': browsers send an IPv6 address in brackets."
        if instead is not None:
            raise ValueError(
                f"{name} lists {host!r}, which is the name of no host, so that no request would"
                f" be served for it. {instead}"
            )


def _instead_of(host: t.Any) -> str | None:
    """Return what to write in place of what is no host; None if it is one."""
    if isinstance(host, str):
        if _is_host(host):
            return None
        if host == "*":
            return "To serve any host, set TRUSTED_HOSTS = None."
        name = host.strip().lower()
        if "," in name or " " in name:
            return f"List each name: {name.replace(',', ' ').split()!r}."
        name = name.rpartition("://")[2].partition("/")[0].replace("*.", ".", 1)
        if "/" not in host.partition("://")[2 if "://" in host else 0] or "://" in host:
            if _is_host(name):
                below = ", for all names below it" if name.startswith(".") else ""
                return f"Write {name!r}{below}."
        elif re.fullmatch(r"[0-9a-f.:]+/[0-9]+", host.lower()):
            return (
                "The names that clients ask for are meant; the networks of proxies belong in"
                " TRUSTED_PROXIES."
            )
    return f"Write a name, without a scheme and a path: {_EXAMPLE}."


def _encoded(host: str) -> str:
    """Return a host as browsers send it; as it is if it can't be encoded."""
    if host.isascii():
        return host
    dot, name = host[: host.startswith(".")], host.removeprefix(".")
    try:
        return dot + name.encode("idna").decode("ascii")
    except UnicodeError:
        return host
