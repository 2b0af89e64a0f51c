"""Origins, loopback names and targets are read in one way only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.ground.loopback import is_loopback
from costrel.ground.origins import (
    Origin,
    is_own,
    is_trusted,
    parse_origin,
    read_origins,
    split_host,
)

hosts = st.from_regex(r"[a-z0-9_-][a-z0-9._-]{0,20}", fullmatch=True)
ports = st.integers(1, 65_535)
schemes = st.sampled_from(["http", "https"])


@given(schemes, hosts, ports)
def test_origin_is_read_as_it_is_written(scheme, host, port):
    """In any case, and with the usual port if none is written."""
    usual = {"http": 80, "https": 443}[scheme]
    assert parse_origin(f"{scheme}://{host}:{port}".upper()) == Origin(scheme, host, port)
    assert parse_origin(f"{scheme}://{host}") == Origin(scheme, host, usual)


@given(st.text(max_size=30))
def test_text_that_is_no_origin_is_none(text):
    """Nothing raises, and nothing but ASCII is an origin."""
    found = parse_origin(text)
    assert found is None or text.isascii()


@given(schemes, hosts, ports, st.booleans())
def test_page_of_the_host_itself_is_its_own(scheme, host, port, secure):
    """Unless it comes in the clear to an encrypted one."""
    origin = Origin(scheme, host, port)
    assert is_own(origin, f"{host}:{port}", secure=secure) is (scheme == "https" or not secure)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a.example", ("a.example", None)),
        ("A.example:80", ("a.example", 80)),
        ("[::1]:5000", ("[::1]", 5000)),
        ("", None),
        (".a.example", None),
        ("a.example:", None),
        ("a b", None),
        ("a@b", None),
        ("a/b", None),
        ("\u212a.example", None),  # the sign of Kelvin, which is a "k" in lower case
    ],
)
def test_host_is_split_into_name_and_port(host, expected):
    """Or is none at all."""
    assert split_host(host) == expected


@pytest.mark.parametrize(
    "listed", [["a.example"], ["null"], ["*"], [None], ["https://a/b"], "https"]
)
def test_setting_that_lists_no_origins_is_an_error(listed):
    """It names the setting, the value, and what to write."""
    with pytest.raises(ValueError, match=r"KEY lists .* Write scheme and host"):
        read_origins("KEY", listed)


def test_settings_that_are_missing_trust_nobody():
    """As those of `Flask`."""
    assert not is_trusted(Origin("https", "a.example", 443), {}, secure=False)


@pytest.mark.parametrize(
    "host", ["localhost", "a.LOCALHOST:1", "127.0.0.1", "127.9.9.9", "[::1]:5"]
)
def test_name_of_the_machine_is_loopback(host):
    """With a port or without."""
    assert is_loopback(host)


@given(st.text(max_size=20) | st.from_regex(r"[0-9.:\[\]a-f]{1,20}", fullmatch=True))
def test_loopback_is_localhost_or_an_address_of_it(host):
    """Whatever else a client sends is none."""
    if is_loopback(host):
        name = host.lower()
        assert "localhost" in name or name.startswith(("127.", "[::1]"))
