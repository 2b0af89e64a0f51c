"""Hosts that requests are matched for by the route table: plain ones, and trusted ones."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.test import create_environ, run_wsgi_app

from costrel import Flask, request
from costrel.dispatch import hosts
from costrel.dispatch.hosts import KEPT, TrustedHosts, never, plain_host_tests
from costrel.dispatch.plan import FORCE_GENERAL, Engine

HOSTS = (
    "localhost", "localhost:5000", "a.test", "A.test", "x.a.test", "y.x.a.test", "xa.test",
    "b.test:80", "b.test:443", "b.test:0", "b.test:65535", "b.test:99999", "a.test:", "", "..",
    "a..test", ".a.test", "a.test.", "[::1]", "[::1]:80", "127.0.0.1", "bücher.test",
    "xn--bcher-kva.test", "a_b.test", "a.test, b.test", "a.test@b.test", "a" * 61, "a" * 70,
)  # fmt: skip
LISTS = (
    None, [], "", "a.test", ["a.test"], [".a.test"], ("a.test", "b.test:8000"), {"localhost"},
    [".test", "localhost"], ["bücher.test"], ["127.0.0.1", "[::1]"], [""], ["."], ["a" * 70],
)  # fmt: skip


def make_app(trusted, **options):
    """Make an application with that setting."""
    app = Flask(__name__, static_folder=None, **options)
    app.config["TRUSTED_HOSTS"] = trusted

    @app.get("/<name>")
    def show(name):
        return f"{name} {request.host} {request.trusted_hosts}"

    @app.get("/loop/<name>")
    async def show_on_loop(name):
        return f"{name} {request.host} {request.trusted_hosts}"

    @app.errorhandler(400)
    def refuse(error):
        return f"{error.name} {request.host} {request.trusted_hosts}", 400

    return app


def ask(app, host, path="/x", scheme="http"):
    """Send a request under WSGI; return status and text."""
    environ = create_environ(path, f"{scheme}://localhost")
    environ["HTTP_HOST"] = host
    pieces, status, _headers = run_wsgi_app(app, environ, buffered=True)
    return status, b"".join(pieces).decode()


def ask_on_loop(app, host, path="/loop/x", scheme="http"):
    """Send a request under ASGI; return status and text."""
    sent = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": scheme,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", host.encode())],
        "server": ("localhost", 80),
    }

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(app.asgi(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]).decode()


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize("trusted", LISTS, ids=repr)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_host_is_answered_as_on_the_general_path(trusted, scheme, monkeypatch):
    """Under WSGI and on the loop: the same status, host and setting for every host, twice."""
    planned = make_app(trusted)
    answers = [
        (ask(planned, host, scheme=scheme), ask_on_loop(planned, host, scheme=scheme))
        for host in HOSTS * 2
    ]
    assert not planned._engine.general

    monkeypatch.setenv(FORCE_GENERAL, "1")
    general = make_app(trusted)
    expected = [
        (ask(general, host, scheme=scheme), ask_on_loop(general, host, scheme=scheme))
        for host in HOSTS * 2
    ]
    assert general._engine.general

    assert expected == answers


names = st.text("ab.-_:8é", max_size=8)


@given(host=names, listed=st.lists(names, max_size=3))
@example(host="a.b", listed=[".b"])
def test_plain_host_is_trusted_only_if_the_adapter_has_it(host, listed):
    """Whatever is found here, the URL adapter lets pass."""
    app = make_app(listed)

    def passes():
        try:
            with app.test_request_context("/x", headers={"Host": host}) as ctx:
                return app.create_url_adapter(ctx.request) is not None
        except HTTPException:
            return False

    try:
        found = TrustedHosts(listed).find(host)
    except UnicodeError:
        return
    if found is not None:
        assert passes()


@pytest.mark.usefixtures("planned")
def test_application_with_trusted_hosts_stays_planned(monkeypatch):
    """A trusted host is matched by the table, and its async views run on the loop."""
    app = make_app(["a.test", ".b.test"])
    engine = Engine(app)
    asked = []
    monkeypatch.setattr(
        Flask, "create_url_adapter", lambda *_args: asked.append("adapter"), raising=True
    )

    assert engine.matches_on_loop
    assert engine.plain_host("a.test:8000") == "a.test:8000"
    assert engine.plain_host_raw(b"x.b.test") == "x.b.test"
    assert engine.plain_host("c.test") is None
    assert asked == []


@pytest.mark.usefixtures("planned")
def test_view_of_a_trusted_host_takes_no_thread():
    """An untrusted one is refused, from a thread."""
    app = make_app([".a.test"])

    @app.get("/where")
    async def where():
        return str(asyncio.get_running_loop().is_running())

    assert ask_on_loop(app, "x.a.test", "/where") == (200, "True")
    assert app._workers is None
    assert ask_on_loop(app, "b.test", "/where")[0] == 400


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize("answer", [ask, ask_on_loop])
def test_list_changed_in_place_counts_at_once(answer):
    """What was trusted is so no longer, and the other way round, without a word to anybody."""
    trusted = ["a.test", "b.test"]
    app = make_app(trusted)
    assert "400" not in str(answer(app, "a.test")[0])

    trusted[0] = "c.test"

    assert "400" in str(answer(app, "a.test")[0])
    assert "400" not in str(answer(app, "c.test")[0])
    trusted.clear()
    assert "400" not in str(answer(app, "any.test")[0])


@pytest.mark.usefixtures("planned")
def test_hosts_known_by_heart_are_bounded():
    """A suffix trusts any number of hosts, of which only some are kept."""
    trusted = TrustedHosts([".a.test"])

    assert all(trusted.find(f"h{n}.a.test") for n in range(KEPT * 2))
    assert len(trusted._checked[1]) == KEPT


def test_known_host_is_not_looked_up_again(monkeypatch):
    """Werkzeug is asked once for a host."""
    asked = []
    monkeypatch.setattr(hosts, "host_is_trusted", lambda host, _listed: asked.append(host) or True)
    trusted = TrustedHosts(["a.test"])

    assert ["a.test"] * 3 == [trusted.find("a.test") for _ in range(3)]
    assert asked == ["a.test"]


class OwnRequest(Flask.request_class):
    """Trust hosts by the class."""

    trusted_hosts = ["a.test"]  # noqa: RUF012  Werkzeug's shape


class OwnHosts(Flask):
    """Have requests that trust hosts by their class."""

    request_class = OwnRequest


def test_host_that_has_a_say_is_left_to_the_adapter():
    """Subdomains, and what a request class trusts."""
    assert plain_host_tests(make_app(None, subdomain_matching=True)) == (never, never)
    assert plain_host_tests(OwnHosts(__name__)) == (never, never)


@pytest.mark.parametrize("trusted", [5, [None], [5]])
def test_setting_that_is_none_is_an_error_of_every_request(trusted):
    """A mistake is answered with 500, as any error, and does not reach the server."""
    app = make_app(trusted)

    assert ask(app, "a.test")[0].startswith("500 ")
    assert ask_on_loop(app, "a.test")[0] == 500
