"""The way back after a login leads to a path of this host, and nowhere else."""

from __future__ import annotations

import string
from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from costrel import Flask, redirect
from costrel.login import next_url
from costrel.login.returning import path_of


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil",
        "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "/a\\b",
        "https://evil.example", "https:evil.example", "http:/evil.example", "javascript:alert(1)",
        "evil.example", "@evil.example", "", "?next=1", "#top", "/a\r\nSet-Cookie: a=b", "/a b",
        "/\x00/evil.example", "/\x7f", "/\x85/evil", "/\xa0/evil", "data:text/html,x",
    ],
)  # fmt: skip
def test_target_elsewhere_gives_the_default(target):
    """Nothing of what browsers take for another host comes through, by query or form."""
    app = Flask(__name__)
    with app.test_request_context("/login", query_string={"next": target}):
        assert "/home" == next_url("/home")
    with app.test_request_context("/login", method="POST", data={"next": target}):
        assert "/" == next_url()


@pytest.mark.parametrize("target", ["/", "/a", "/a/b?c=//d&e=f#g", "/\u00fc", "/a//b", "/.//a"])
def test_path_of_this_host_is_returned(target):
    """A path with a query and a fragment is safe, whatever is in them."""
    app = Flask(__name__)
    with app.test_request_context("/login", query_string={"next": target}):
        assert target == next_url()


@settings(deadline=None)
@given(st.text(alphabet=[*string.printable, "\x00", "\x7f", "\x85", "\xa0", "\u2028", "\uff0f"]))
@example("/\t/evil.example")
@example("/\\evil.example")
def test_redirect_to_any_target_stays_on_the_host(target):
    """Read as browsers do: backslashes are slashes, and tabs and line breaks are dropped."""
    app = Flask(__name__)
    with app.test_request_context("/login", query_string={"next": target}):
        location = redirect(next_url()).location
    read = "".join(char for char in location if char not in "\t\r\n").strip().replace("\\", "/")
    assert "here.example" == urlsplit(urljoin("https://here.example/login", read)).netloc


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
@example("/evil.example", "")
def test_own_path_is_accepted_or_left_out(path, query):
    """What is sent to the login page is what it accepts, whatever path was asked for."""
    app = Flask(__name__)
    environ = {
        "PATH_INFO": "/" + path.encode(errors="replace").decode("latin-1"),
        "QUERY_STRING": query.encode(errors="replace").decode("latin-1"),
    }
    with app.test_request_context("/", environ_overrides=environ) as ctx:
        made = path_of(ctx.request)
    if made is None:
        assert path.startswith(("/", "\\"))
        return
    with app.test_request_context(f"/login?next={quote(made)}"):
        assert made == next_url("/default")
