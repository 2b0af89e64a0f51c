"""Addresses to listen on, and how they are shown."""

from __future__ import annotations

import socket

import pytest

from costrel.servers.address import (
    ServeError,
    bind_address,
    is_loopback,
    show_url,
)


def test_port_zero_is_bound_as_a_free_one() -> None:
    """A name becomes an IP address, port 0 a real one."""
    with bind_address("localhost", 0) as bound:
        address, port = bound.getsockname()[:2]

    assert address in ("127.0.0.1", "::1")
    assert port > 0


def test_address_of_another_machine_is_refused() -> None:
    """The error explains that the address is not one of this machine."""
    with pytest.raises(ServeError, match=r"192\.0\.2\.1 is not an address of this machine"):
        bind_address("192.0.2.1", 0)


def test_port_in_use_suggests_the_next() -> None:
    """The message names another port to try."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServeError, match=f"Port {port} .* --port {port + 1}"):
            bind_address("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("example.org", False)],  # noqa: S104
)  # fmt: skip
def test_loopback_addresses_are_known(host: str, expected: bool) -> None:
    """Only addresses that no other machine can reach are loopback."""
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:5000"),
        ("0.0.0.0", "http://127.0.0.1:5000"),  # noqa: S104
        ("::", "http://[::1]:5000"),
        ("::1", "http://[::1]:5000"),
    ],
)
def test_url_can_be_opened_on_this_machine(address: str, url: str) -> None:
    """The address for all interfaces is shown as one that a browser can open."""
    assert show_url("http", address, 5000) == url
