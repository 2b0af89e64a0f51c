"""The chat example, served as its documentation says."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from exchange import HOST, PATIENCE_S, fetch, free_port
from programs import Running
from test_events import CHROMIUM
from test_events import connect as connect_for_events
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Serve the example with ``costrel run`` from the root of the checkout."""
    port = free_port()
    command = ["costrel", "--app", "examples/chat", "run", "--port", str(port)]
    running = Running(command, tmp_path_factory.mktemp("chat"), cwd=ROOT)
    try:
        running.wait_ready(port)
        yield port
        assert "Traceback" not in running.log
    finally:
        running.stop()


def join(port, name):
    """Join with a name, written as in a query string; return the headers of a browser."""
    answer = fetch(port, "/join", "POST", body=f"name={name}", headers=FORM)
    assert answer.status == 302
    return {"Cookie": answer.headers.get("Set-Cookie", "").partition(";")[0]}


@contextmanager
def visit(port, name):
    """Join the room."""
    with connect(
        f"ws://{HOST}:{port}/messages", additional_headers=join(port, name), open_timeout=PATIENCE_S
    ) as socket:
        yield socket


def hear(socket, text):
    """Receive until someone says a text; return who said it."""
    while True:
        message = json.loads(socket.recv(timeout=PATIENCE_S))
        if message["text"] == text:
            return message["name"]


@contextmanager
def people(port):
    """Yield who is in the room, each time that it changes."""
    with connect_for_events(port) as connection:
        connection.request("GET", "/people")
        response = connection.getresponse()

        def until(*expected):
            """Read until exactly these users are in the room."""
            deadline = time.monotonic() + PATIENCE_S
            line = f"data: {json.dumps(expected)}"
            # Comments arrive too, so reading never blocks for long.
            while (found := response.readline().decode().rstrip("\n")) != line:
                assert time.monotonic() < deadline, f"{found} instead of {line}"

        yield until


def test_page_asks_for_a_name_and_then_shows_the_room(port):
    """Markup in the name is shown as text, and the page's links work."""
    assert 'name="name"' in fetch(port, "/").text

    page = fetch(port, "/", headers=join(port, "%3Cb%3E+++Ada+and+more+than+twenty"))

    assert 'data-name="&lt;b&gt; Ada and more tha"' in page.text
    links = set(re.findall(r'(?:href|src)="(/[^"]*)"', page.text))
    assert {"/static/chat.js", "/static/style.css"} <= links
    assert {link: fetch(port, link).status for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize("name", ["", "++"])
def test_name_of_nothing_is_asked_for_again(port, name):
    """An empty name is refused."""
    assert 'name="name"' in fetch(port, "/", headers=join(port, name)).text


def test_socket_without_a_name_is_rejected(port):
    """Only users who have joined can enter the room."""
    with pytest.raises(InvalidStatus) as raised:
        connect(f"ws://{HOST}:{port}/messages", open_timeout=PATIENCE_S).__enter__()

    assert raised.value.response.status_code == 401


def test_everybody_hears_what_is_said_and_newcomers_what_was(port):
    """Messages reach everyone in the room, cut to a length; the host welcomes each user."""
    with visit(port, "Grace") as grace, visit(port, "Ada") as ada:
        assert hear(ada, "Welcome, Ada!") == "the host"
        ada.send("  is anybody here?  ")
        ada.send("   ")
        ada.send("x" * 501)

        for socket in (grace, ada):
            assert hear(socket, "is anybody here?") == "Ada"
            assert hear(socket, "x" * 500) == "Ada"
        with visit(port, "Late") as late:
            assert hear(late, "is anybody here?") == "Ada"


def test_people_are_told_as_they_come_and_go(port):
    """The stream begins with the users in the room and continues with each change."""
    with people(port) as until:
        until()
        with visit(port, "Grace"), visit(port, "Ada"):
            until("Ada", "Grace")
        until()


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium")
def test_browser_that_joins_is_in_the_room(port, tmp_path):
    """The page's script opens the socket and is welcomed; closing the window leaves."""
    form = tmp_path / "join.html"
    form.write_text(
        f"""<form method="post" action="http://{HOST}:{port}/join"><input name="name"
        value="Browser"></form><script>document.forms[0].submit()</script>"""
    )
    with people(port) as until, visit(port, "Ada") as ada:
        until("Ada")
        browser = Running(
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--disable-background-networking", f"--remote-debugging-port={free_port()}"),
                *(f"--user-data-dir={tmp_path / 'profile'}", form.as_uri()),
            ],
            tmp_path,
        )
        try:
            assert hear(ada, "Welcome, Browser!") == "the host"
            until("Ada", "Browser")
        finally:
            browser.kill()
        until("Ada")
