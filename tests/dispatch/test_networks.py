"""Proxies in networks that the setting lists are believed, and nobody else."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel import Flask, request, websocket
from costrel.dispatch.networks import KEPT, Networks, read_address
from costrel.dispatch.proxies import trusted_proxies

FIELDS = {
    "X-Forwarded-For": "9.9.9.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": "/shop",
}


def told(request):
    """Return what a request knows of its connection, and what is left of the headers."""
    left = sorted(name for name in request.headers.keys() if name.startswith("X-Forwarded"))  # noqa: SIM118
    return [request.remote_addr or "", request.scheme, request.host, request.script_root, left]


def make_app(**trusted):
    """Return an application behind such proxies, and the list that its views report to."""
    app, heard = Flask("networks", static_folder=None), []
    app.config.update(TRUSTED_PROXIES=trusted, WEBSOCKET_ORIGINS=["*"])

    @app.get("/")
    def sync():
        heard.append(told(request))
        return ""

    @app.post("/")
    async def loop():
        heard.append(told(request))
        return ""

    @app.websocket("/")
    async def socket():
        heard.append(told(websocket))
        await websocket.send("")

    return app, heard


def ask(app, heard, peer, headers):
    """Return what views were told, which is the same on every way in."""
    base = {"REMOTE_ADDR": peer}
    client = app.test_client()
    for method in ("GET", "POST"):
        client.open("/", method=method, headers=headers, environ_base=base)

    async def main():
        async_client = app.async_test_client()
        async_client.environ_base = {"REMOTE_ADDR": peer}
        await async_client.get("/", headers=headers)
        await async_client.post("/", headers=headers)
        async with async_client.websocket("/", headers=headers) as talk:
            await talk.receive()

    asyncio.run(main())
    assert len(heard) == 5
    assert all(heard[0] == other for other in heard), heard
    return heard.pop()


@pytest.mark.parametrize(
    ("networks", "peer", "believed"),
    [
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "11.1.2.3", False),
        (["10.0.0.0/8", "192.168.1.7"], "192.168.1.7", True),
        (["10.0.0.0/8", "192.168.1.7"], "192.168.1.8", False),
        ("127.0.0.1", "127.0.0.1", True),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["unix"], "", True),
        (["10.0.0.0/8"], "", False),
        (["unix"], "127.0.0.1", False),
        (["0.0.0.0/0"], "not an address", False),
    ],
)
def test_peer_in_a_network_is_believed(networks, peer, believed):
    """From anybody else the headers are removed; over WSGI, ASGI and for WebSockets."""
    counts = {"x_host": 1, "x_port": 1, "x_prefix": 1}
    app, heard = make_app(networks=networks, **counts)
    found = ask(app, heard, peer, FIELDS)
    if believed:
        assert found[:4] == ["9.9.9.9", "https", "shop.example:8443", "/shop"]
        assert len(found[4]) == len(FIELDS)
    else:
        assert found[1:] == ["http", "localhost", "", []]


@pytest.mark.parametrize(
    ("prefix", "root"),
    [
        ("/shop/a", "/shop/a"),
        ("/shop/", "/shop"),
        ("//evil.example", ""),
        ("/\\evil.example", ""),
        ("\\evil.example", ""),
        ("/a//evil.example", ""),
        ("https://evil.example", ""),
        ("evil", ""),
        ("/\t/evil.example", ""),
        ("/a?b", ""),
    ],
)
def test_prefix_that_browsers_take_for_a_host_is_left_out(prefix, root):
    """SECURITY(open redirect): a proxy may pass on what a client has sent; links begin with it."""
    app, heard = make_app(networks=["10.0.0.0/8"], x_prefix=1)
    assert ask(app, heard, "10.1.2.3", {"X-Forwarded-Prefix": prefix})[3] == root


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (1, "9.9.9.9", "9.9.9.9"),
        (1, "1.1.1.1, 9.9.9.9", "9.9.9.9"),
        (1, "1.1.1.1, 10.0.0.2", "10.0.0.2"),
        (2, "1.1.1.1, 9.9.9.9", "9.9.9.9"),
        (2, "1.1.1.1, 9.9.9.9, 10.0.0.2", "9.9.9.9"),
        (2, "1.1.1.1, 10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (3, "1.1.1.1, 9.9.9.9, 10.0.0.3, 10.0.0.2", "9.9.9.9"),
        (3, "10.0.0.2", "10.0.0.2"),
        (1, "9.9.9.9:1234", "9.9.9.9"),
        (1, "[2001:db8::9]:1234", "2001:db8::9"),
        (1, "[2001:db8::9]", "2001:db8::9"),
        (1, "2001:DB8::9", "2001:db8::9"),
        (1, '"[2001:db8::9]:47"', "2001:db8::9"),
        (1, "::ffff:9.9.9.9", "9.9.9.9"),
        (1, "unknown", "10.0.0.1"),
        (1, "9.9.9.9, unknown", "10.0.0.1"),
        (2, "9.9.9.9, unknown, 10.0.0.2", "10.0.0.2"),
        (1, "", "10.0.0.1"),
        (1, "9.9.9.9,", "10.0.0.1"),
        (1, "9.9.9.9:x", "10.0.0.1"),
        (1, "[9.9.9.9", "9.9.9.9"),
        (1, "999.9.9.9", "10.0.0.1"),
        (1, "9.9.9", "10.0.0.1"),
        (1, "<script>", "10.0.0.1"),
        (1, "," * 50_000, "10.0.0.1"),
    ],
)
def test_client_is_found_behind_proxies_only(hops, forwarded, address):
    """What a client has put in front, or made up, does not count."""
    app, heard = make_app(networks=["10.0.0.0/8"], hops=hops)
    assert ask(app, heard, "10.0.0.1", {"X-Forwarded-For": forwarded})[0] == address


def test_header_that_comes_several_times_is_read_as_one():
    """The last value is that of the nearest proxy."""
    app, heard = make_app(networks=["10.0.0.0/8"])
    headers = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "9.9.9.9")]
    assert ask(app, heard, "10.0.0.1", headers)[0] == "9.9.9.9"


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [("https", "https"), ("http, https", "https"), ("https, http", "http"), ("javascript", "http"),
     ("wss", "https"), ("", "http")],
)  # fmt: skip
def test_scheme_is_one_of_the_web(scheme, expected):
    """And what the nearest proxy says."""
    app, heard = make_app(networks=["10.0.0.0/8"])
    assert ask(app, heard, "10.0.0.1", {"X-Forwarded-Proto": scheme})[1] == expected


def test_headers_that_are_not_counted_stay_without_effect():
    """The host, unless the setting says that the proxies set it."""
    app, heard = make_app(networks=["10.0.0.0/8"])
    assert ask(app, heard, "10.0.0.1", FIELDS)[:4] == ["9.9.9.9", "https", "localhost", ""]


def test_disbelief_is_logged_once(caplog):
    """Whoever has forgotten a proxy learns of it, and nobody can fill the log."""
    app, _heard = make_app(networks=["10.0.0.0/8"])
    client = app.test_client()
    for peer in ("172.17.0.1", "172.17.0.2"):
        client.get("/", headers=FIELDS, environ_base={"REMOTE_ADDR": peer})
    (message,) = caplog.messages
    assert "X-Forwarded-For from '172.17.0.1' is not believed" in message
    assert "TRUSTED_PROXIES" in message


@pytest.mark.parametrize(
    "trusted",
    [
        {"networks": ["10.0.0.1/8"]},
        {"networks": ["example.com"]},
        {"networks": []},
        {"networks": None},
        {"networks": [5]},
        {"networks": ["10.0.0.0/8"], "hops": 0},
        {"networks": ["10.0.0.0/8"], "hops": "1"},
        {"networks": ["10.0.0.0/8"], "hops": True},
        {"networks": ["10.0.0.0/8"], "x_for": 1},
        {"networks": ["10.0.0.0/8"], "x_host": -1},
        {"networks": ["10.0.0.0/8"], "hosts": 1},
    ],
)
def test_wrong_setting_says_what_to_write(trusted):
    """With an example."""
    app, _heard = make_app(**trusted)
    with pytest.raises(ValueError, match=r"TRUSTED_PROXIES is .*'networks': "):
        trusted_proxies(app)


def test_peers_that_are_remembered_are_bounded():
    """Anybody may connect."""
    networks = Networks(["10.0.0.0/8"])
    for number in range(KEPT * 2):
        assert networks.has_peer(f"10.0.1.{number}")
    assert len(networks._known) == KEPT


@given(st.text(max_size=30) | st.text('0123456789.:[]"abcdef% ', max_size=30))
def test_address_is_read_or_not_but_never_an_error(text):
    """Whatever a header has."""
    address = read_address(text)
    assert address is None or read_address(str(address)) == address
