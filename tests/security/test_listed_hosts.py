"""What ``TRUSTED_HOSTS`` can't be where an application is protected."""

from __future__ import annotations

import pytest
from protected import ask, make_app
from werkzeug.test import create_environ, run_wsgi_app

from costrel import Costrel, Flask, Request, request

pytestmark = pytest.mark.usefixtures("path")


@pytest.mark.parametrize("value", [[], (), "", set()])
def test_empty_list_is_refused_and_not_taken_for_any_host(value):
    """The error says to list names, or to set None."""
    for app in (make_app(TRUSTED_HOSTS=value), Costrel("hosts", static_folder=None)):
        app.config["TRUSTED_HOSTS"] = value
        with pytest.raises(ValueError, match=r"List the names.*set None"):
            ask(app, "evil.example")


@pytest.mark.parametrize("matching", [False, True])
def test_list_that_is_emptied_in_place_serves_nobody(matching):
    """Also while the application runs, which nothing else notices."""
    app = Costrel("hosts", static_folder=None, subdomain_matching=matching)
    app.config["TRUSTED_HOSTS"] = ["a.example"]
    app.add_url_rule("/", view_func=lambda: "served")
    ask(app, "a.example")
    app.config["TRUSTED_HOSTS"].clear()
    assert [ask(app, host)[0] for host in ("evil.example", "a.example")] == [400, 400]


def test_empty_list_of_a_request_class_is_refused():
    """It would count as no list, too."""

    class Asked(Request):
        trusted_hosts = []  # noqa: RUF012

    app = make_app()
    app.request_class = Asked
    with pytest.raises(ValueError, match="every host"):
        ask(app, "localhost")


@pytest.mark.parametrize(
    ("entry", "instead"),
    [
        ("*", "set TRUSTED_HOSTS = None"),
        ("*.example.com", "Write '.example.com', for all names below it"),
        ("http://example.com", "Write 'example.com'"),
        ("https://example.com:8000/", "Write 'example.com:8000'"),
        ("Example.com", "Write 'example.com'"),
        ("a.example,b.example", r"\['a.example', 'b.example'\]"),
        ("10.0.0.0/8", "TRUSTED_PROXIES"),
        ("fd00::/8", "TRUSTED_PROXIES"),
        ("example.com/path", "without a scheme and a path"),
        ("a..example", "Write a name"),
        ("::1", r"Write '\[::1\]': browsers send an IPv6 address in brackets"),
        ("2001:db8::1", r"Write '\[2001:db8::1\]'"),
        (".[::1]", "Write a name"),
        ("[::1]/64", "without a scheme and a path"),
        ("[1]", "Write a name"),
        ("http://[::1]:8000", r"Write '\[::1\]:8000'"),
        ("", "Write a name"),
        (7, "Write a name"),
    ],
)
def test_names_that_no_request_can_have_are_refused(entry, instead):
    """The error says what to write."""
    with pytest.raises(ValueError, match=instead):
        ask(make_app(TRUSTED_HOSTS=["localhost", entry]), "localhost")


@pytest.mark.parametrize(
    "entry",
    ["example.com", ".example.com", "example.com:80", "[::1]", "my_service", "bücher.example"],
)
def test_names_are_accepted(entry):
    """With a dot in front, with a port, as an address, and beyond ASCII."""
    app = make_app(TRUSTED_HOSTS=["localhost", entry])
    assert ask(app, "localhost")[0] == 404
    assert ask(app, "evil.example")[0] == 400


@pytest.mark.parametrize("entry", ["[2001:db8::1]", "[2001:DB8:0::1]", "[2001:db8::1]:8000"])
def test_listed_addresses_of_ipv6_are_served(entry):
    """However they are written, at any port; and no other address."""
    app = make_app(TRUSTED_HOSTS=["www.example.com", entry])
    app.add_url_rule("/", view_func=lambda: request.host)
    for host in ("[2001:db8::1]", "[2001:db8::1]:8000", "[2001:0DB8::0:1]"):
        assert ask(app, host)[0] == 200
    for host in ("[2001:db8::2]", "[::1]", "[2001:db8::1", "[2001:db8::1].evil.example", "[]"):
        assert ask(app, host)[0] == 400
    client = app.test_client()
    assert client.get("/", headers={"Host": "[2001:db8::1]:8000"}).text == "[2001:db8::1]:8000"


def test_unprotected_flask_serves_as_flask_does():
    """An empty list is any host there."""
    app = Flask("plain", static_folder=None)
    app.config["TRUSTED_HOSTS"] = []
    made = create_environ("/", "http://evil.example")
    assert run_wsgi_app(app, made)[1].startswith("404")
