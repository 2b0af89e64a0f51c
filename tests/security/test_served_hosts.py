"""Which hosts are served, and what the log says of others."""

from __future__ import annotations

import asyncio
import copy
import logging

import pytest
from protected import ask, make_app

from costrel import Flask, request
from costrel.config import ThisMachine
from costrel.routing.unlisted import MOST_NAMES
from costrel.security.hosts import served_hosts
from costrel.testing.asgi import WebSocketRejected

pytestmark = pytest.mark.usefixtures("path")


def make_site(**config):
    """Return an application that says which host it was asked for."""
    app = make_app(**config)

    @app.get("/")
    def index():
        return request.host

    @app.get("/loop")
    async def loop():
        return request.host

    return app


SERVED = (
    "localhost", "localhost:5000", "LOCALHOST", "shop.localhost", "a.b.localhost:1", "127.0.0.1",
    "127.0.0.1:8000", "127.255.255.254", "[::1]", "[::1]:5000",
)  # fmt: skip
REFUSED = (
    "shop.example", "shop.example:80", "localhost.evil.example", "evil-localhost", "xlocalhost",
    "localhost.", "localhost..", ".localhost", "127.0.0.1.evil.example", "127.0.0.256",
    "127.0.0.01", "127.1", "0x7f.0.0.1", "2130706433", "128.0.0.1", "0.0.0.0", "[::]",  # noqa: S104  refused
    "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[::1].evil.example", "my_service", "evil_x.test",
    "localhost@evil.example", "localhost:80@evil.example", "localhost,evil.example",
    "xn--bcher-kva.test", "b\xfccher.test", "a" * 300,
)  # fmt: skip


@pytest.mark.parametrize("host", SERVED)
def test_names_of_this_machine_are_served_without_a_list(host):
    """With any port, in any case, twice; and to async views."""
    app = make_site()
    expected = (200, host.removesuffix(":80"))
    assert [ask(app, host), ask(app, host), ask(app, host, "/loop")] == [expected] * 3


@pytest.mark.parametrize("host", REFUSED)
def test_other_hosts_are_refused_outside_debug_mode(host):
    """Whatever they look like."""
    app = make_site()
    assert [ask(app, host)[0], ask(app, host)[0], ask(app, host, "/loop")[0]] == [400] * 3


def test_test_client_needs_no_setting():
    """Its host is localhost; under TESTING, others are refused as in production."""
    client = make_site(TESTING=True).test_client()
    assert client.get("/").text == "localhost"
    assert client.get("/", base_url="http://shop.example").status_code == 400


@pytest.mark.parametrize("port", ["80", "8000"])
def test_request_without_a_host_is_for_the_server_itself(port):
    """HTTP/1.0 needs none; then the address counts that the server has."""
    app = make_site()
    environ = {
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.0",
    }
    assert ask(app, None, **environ)[0] == 200
    assert ask(app, None, **{**environ, "SERVER_NAME": "10.0.0.5"})[0] == 400


@pytest.mark.parametrize("hosts", [ThisMachine(), ["localhost"], None])
def test_request_of_http_1_1_without_a_host_is_refused(hosts):
    """RFC 9112: with 400, whichever hosts are served; on `Flask` as before."""
    app = make_site(TRUSTED_HOSTS=hosts)
    plain = Flask("plain")
    plain.add_url_rule("/", view_func=lambda: request.host)
    for missing in (None, ""):
        assert ask(app, missing)[0] == 400
        assert ask(plain, missing) == (200, "localhost")


def test_server_name_is_served():
    """Somebody has set it; what is below it counts only if subdomains are matched."""
    app = make_site(SERVER_NAME="shop.example:5000")
    hosts = ("shop.example", "SHOP.example:81", "localhost", "a.shop.example", "xshop.example")
    assert [200, 200, 200, 400, 400] == [ask(app, host)[0] for host in hosts]
    app = Flask("matching", static_folder=None, subdomain_matching=True)
    app.config.update(SERVER_NAME="shop.example", TRUSTED_HOSTS=ThisMachine())
    app.add_url_rule("/", subdomain="<name>", view_func=lambda name: name)
    assert ask(app, "a.shop.example") == (200, "a")
    assert ask(app, "a.xshop.example")[0] == 400


def test_first_request_for_a_host_is_logged_with_what_to_set(caplog):
    """Once for a name, whatever the port."""
    app = make_site()
    with caplog.at_level(logging.WARNING):
        for host in ("shop.example", "shop.example:81", "SHOP.example", "other.example"):
            ask(app, host)
    first, second = caplog.messages
    assert "TRUSTED_HOSTS = ['shop.example']" in first
    assert "'other.example'" in second


def test_log_of_hosts_is_bounded(caplog):
    """A client can make up any number of names."""
    app = make_site()
    with caplog.at_level(logging.WARNING):
        for number in range(MOST_NAMES + 10):
            ask(app, f"h{number}.example")
    assert len(caplog.messages) == MOST_NAMES


def test_debug_mode_serves_others_and_warns_once(caplog):
    """Production would refuse them, so the warning says what to set."""
    app = make_site(DEBUG=True)
    with caplog.at_level(logging.WARNING):
        assert [ask(app, "shop.example") for _ in range(2)] == [(200, "shop.example")] * 2
        assert ask(app, "shop.example", "/loop") == (200, "shop.example")
    (message,) = caplog.messages
    assert "Outside debug mode" in message
    assert "TRUSTED_HOSTS = ['shop.example']" in message


def test_debug_mode_is_asked_for_at_each_request():
    """Switching it changes what is served at once."""
    app = make_site()
    statuses = []
    for debug in (False, True, False):
        app.debug = debug
        statuses.append(ask(app, "shop.example")[0])
    assert statuses == [400, 200, 400]


def test_list_takes_the_place_of_the_default(caplog):
    """Only what it names is served, and the log tells of others once."""
    app = make_site()
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    with caplog.at_level(logging.WARNING):
        statuses = [ask(app, host)[0] for host in ("shop.example", "localhost", "localhost")]
    assert statuses == [200, 400, 400]
    (message,) = caplog.messages
    assert "'localhost', which TRUSTED_HOSTS does not list: ['shop.example']" in message


def test_none_serves_any_host():
    """As `Flask` does, if somebody says so."""
    app = make_site(TRUSTED_HOSTS=None)
    app.config["TRUSTED_HOSTS"] = None
    assert ask(app, "any.example") == (200, "any.example")


def test_host_of_a_websocket_is_checked():
    """On the event loop, as for requests."""
    app = make_site()

    @app.websocket("/socket")
    async def socket():
        from costrel import websocket

        await websocket.send(websocket.host)

    async def talk(host):
        async with app.async_test_client().websocket(
            "/socket", base_url=f"http://{host}", headers={"Origin": f"http://{host}"}
        ) as client:
            return await client.receive()

    assert asyncio.run(talk("localhost:5000")) == "localhost:5000"
    with pytest.raises(WebSocketRejected, match="400"):
        asyncio.run(talk("shop.example"))


def test_default_reads_like_a_list():
    """An extension that reads the setting sees names, and a copy is the default too."""
    default = ThisMachine()
    assert "localhost" in default
    assert copy.deepcopy(default) == default
    assert type(copy.deepcopy(default)) is ThisMachine


@pytest.mark.parametrize(
    ("setting", "debug", "hosts"),
    [
        (ThisMachine(), False, ("localhost", ".localhost", "127.0.0.1", "[::1]")),
        (ThisMachine(), True, None),
        (None, False, None),
        ([], False, None),
        ("a.example", False, ("a.example",)),
        (["a.example"], True, ("a.example",)),
    ],
)
def test_audit_learns_which_hosts_are_served(setting, debug, hosts):
    """None stands for any."""
    app = make_site()
    app.config.update(TRUSTED_HOSTS=setting, DEBUG=debug)
    assert served_hosts(app) == hosts


def test_flask_serves_any_host_as_before():
    """The default is that of `Costrel`."""
    app = Flask("plain", static_folder=None)
    app.add_url_rule("/", view_func=lambda: "")
    assert app.config["TRUSTED_HOSTS"] is None
    assert ask(app, "any.example")[0] == 200
