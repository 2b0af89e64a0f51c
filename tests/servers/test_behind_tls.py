"""The documented nginx: TLS, WebSockets and event streams, for programs and for a browser."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
from contextlib import closing, contextmanager

import pytest
from certificate import make_certificate
from exchange import HOST, PATIENCE_S, eventually, fetch
from programs import Program, Running, serve
from proxy import TlsNginx
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

NAME = "example.com"
CLIENT = "127.0.0.2"
"""Where the test's own clients connect from; nginx connects from 127.0.0.1."""

FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

SERVERS = {
    program.name: (program, app)
    for program, app in (
        (
            Program(
                "costrel-run",
                lambda port, app: ["costrel", "--app", app, "run", "--port", str(port)],
            ),
            "behind_tls:app",
        ),
        (
            Program(
                "uvicorn",
                lambda port, app: ["uvicorn", "--host", HOST, "--port", str(port), app],
            ),
            "behind_tls:app.asgi",
        ),
        (
            Program(
                "granian",
                lambda port, app: [
                    *("granian", "--interface", "asgi", "--host", HOST, "--port", str(port), app)
                ],
            ),
            "behind_tls:app.asgi",
        ),
        (
            Program(
                "hypercorn",
                lambda port, app: ["hypercorn", "--bind", f"{HOST}:{port}", app],
            ),
            "behind_tls:app.asgi",
        ),
    )
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate for `NAME`; return its file and that of its key."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), NAME)


class Site:
    """The served site, as its clients see it."""

    def __init__(self, nginx, port, certificate):
        self.nginx, self.port = nginx, port
        self.context = ssl.create_default_context(cafile=certificate[0])

    def open(self):
        """Open a TLS connection to nginx, from the address `CLIENT`."""
        connection = socket.create_connection(
            (HOST, self.nginx.tls_port), PATIENCE_S, source_address=(CLIENT, 0)
        )
        return self.context.wrap_socket(connection, server_hostname=NAME)

    @contextmanager
    def get(self, path, headers=()):
        """Send a request, and enter the response, whose body is not read yet."""
        connection = http.client.HTTPConnection(NAME, timeout=PATIENCE_S)
        connection.sock = self.open()
        with closing(connection):
            connection.request("GET", path, headers=dict(headers))
            with connection.getresponse() as response:
                yield response

    def connect(self, path, **options):
        """Open a WebSocket."""
        connection = socket.create_connection(
            (HOST, self.nginx.tls_port), PATIENCE_S, source_address=(CLIENT, 0)
        )
        return connect(f"wss://{NAME}{path}", sock=connection, ssl=self.context,
                       open_timeout=PATIENCE_S, close_timeout=PATIENCE_S, **options)  # fmt: skip


@contextmanager
def served(name, folder, certificate, trusted, **options):
    """Serve the application on one server behind the documented nginx."""
    program, app = SERVERS[name]
    for part in ("server", "nginx"):
        (folder / part).mkdir()
    running, port = serve(
        program, app, folder / "server", FLASK_TRUSTED_PROXIES=json.dumps(trusted)
    )
    try:
        nginx = TlsNginx(port, folder / "nginx", *certificate, **options)
        try:
            yield Site(nginx, port, certificate)
        finally:
            nginx.running.stop()
    finally:
        running.stop()


@pytest.fixture(scope="module", params=SERVERS)
def site(request, tmp_path_factory, certificate):
    """Serve the application at the root of the site."""
    with served(request.param, tmp_path_factory.mktemp("site"), certificate, 1) as site:
        yield site


def place(path, client=CLIENT, scheme="https"):
    """Return what the application has to know of a connection."""
    return {"url": f"{scheme}://{NAME}{path}", "client": client, "scheme": scheme,
            "secure": True, "prefix": ""}  # fmt: skip


def test_plain_http_is_redirected(site):
    """To the same URL over https."""
    answer = fetch(site.nginx.port, "/place?a=b", headers={"Host": NAME})
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/place?a=b")


@pytest.mark.parametrize("forged", [{}, FORGED])
def test_request_is_the_clients(site, forged):
    """Scheme, host and address are those of the client's connection to nginx."""
    with site.get("/place", forged) as response:
        assert json.load(response) == place("/place")


@pytest.mark.parametrize("forged", [{}, FORGED])
def test_websocket_is_the_clients(site, forged):
    """As for a request; and a page of the site may open it."""
    with site.connect("/echo", origin=f"https://{NAME}", additional_headers=forged) as ws:
        for number in range(3):
            ws.send(f"hello {number}")
            said = json.loads(ws.recv(PATIENCE_S))
            assert said == place("/echo") | {"message": f"hello {number}"}


@pytest.mark.parametrize("name", ["uvicorn", "granian"])
def test_below_a_prefix_the_url_has_it(name, tmp_path, certificate):
    """For requests and WebSockets, if the application trusts the proxy with it."""
    trusted = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_prefix": 1}
    with served(name, tmp_path, certificate, trusted, prefixed=True) as site:
        with site.get("/app/place", FORGED) as response:
            assert json.load(response) == place("/app/place") | {"prefix": "/app"}
        with site.connect("/app/echo", origin=f"https://{NAME}", additional_headers=FORGED) as ws:
            ws.send("hello")
            expected = place("/app/echo") | {"prefix": "/app", "message": "hello"}
            assert json.loads(ws.recv(PATIENCE_S)) == expected


@pytest.mark.parametrize("origin", ["https://evil.example", f"http://{NAME}", f"https://{HOST}"])
def test_page_of_another_origin_is_refused(site, origin):
    """SECURITY(CSWSH): also if it forges the forwarded host, or came unencrypted."""
    with (
        pytest.raises(InvalidStatus) as raised,
        site.connect("/echo", origin=origin, additional_headers=FORGED),
    ):
        pass
    assert raised.value.response.status_code == 403


def test_event_arrives_while_the_stream_is_open(site):
    """It is not buffered by nginx."""
    with site.get("/events") as response:
        assert b"data: first\n" in iter(response.readline, b"")
        assert fetch(site.port, "/go-on", "POST").status == 204
        assert b"data: last\n" in response.read()


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium")
def test_browser_loads_the_page_and_opens_its_websocket(site, tmp_path):
    """The page comes over https, and its WebSocket over wss is of the same host."""
    browser = Running(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--remote-debugging-port=0"),
            *("--ignore-certificate-errors", f"--user-data-dir={tmp_path / 'profile'}"),
            f"--host-resolver-rules=MAP {NAME}:443 {HOST}:{site.nginx.tls_port}",
            f"https://{NAME}/",
        ],
        tmp_path,
    )
    try:
        eventually(
            [
                place("/", client=HOST),
                place("/echo", client=HOST) | {"message": f"from https://{NAME}/"},
            ],
            lambda: [report for report in fetch(site.port, "/reports").json
                     if report["client"] == HOST and report["url"].startswith("https")],
        )  # fmt: skip
    finally:
        browser.kill()
