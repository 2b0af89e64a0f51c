"""The example that the tutorial builds, served, and used in a browser."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from browser import chromium, needs_chromium
from exchange import HOST, eventually, fetch, free_port
from programs import Running

ROOT = Path(__file__).parents[2]
TRIP = json.dumps({"title": "To the <b>sea</b>", "text": "It was wide."})
ADA = {
    "Authorization": f"Basic {base64.b64encode(b'Ada:secret').decode()}",
    "Content-Type": "application/json",
}


@pytest.fixture
def port(tmp_path):
    """Serve the example, with a database that has one member."""
    app = f"examples/club:create_app(instance_path={str(tmp_path)!r})"
    command = [sys.executable, "-m", "costrel", "--app", app]
    subprocess.run([*command, "init-db"], check=True, cwd=ROOT)
    add = [*command, "add-member", "Ada", "--password", "secret"]
    subprocess.run(add, check=True, cwd=ROOT)
    port = free_port()
    running = Running(["costrel", "--app", app, "run", "--port", str(port)], tmp_path, cwd=ROOT)
    try:
        running.wait_ready(port)
        yield port
        assert "Traceback" not in running.log
    finally:
        running.stop()


def log_in(tab, port):
    """Fill in the form with the keyboard."""
    tab.open(f"http://{HOST}:{port}/login")
    tab.press("Ada", "Tab", "secret", "Enter")
    tab.until("location.pathname === '/' && document.readyState === 'complete'")


def texts(tab, selector):
    """Return the different texts of the elements, once there are any."""
    tab.until(f"document.querySelector('{selector}')")
    found = f"[...document.querySelectorAll('{selector}')].map((item) => item.textContent)"
    return set(tab.run(found))


@needs_chromium
def test_pages_of_a_member_hear_of_each_other(port, tmp_path):
    """News and messages arrive, no page is too wide, and the policy of the pages blocks nothing."""

    def is_heard(tab):
        # The stream may not have begun when the first trip is told of.
        assert fetch(port, "/api/v1/trips", "POST", body=TRIP, headers=ADA).status == 201
        return tab.run("!!document.querySelector('#news li')")

    place = tmp_path / "chromium"
    place.mkdir()
    with chromium(place) as browser, browser.tab() as first, browser.tab() as second:
        for tab in (first, second):
            tab.look(360)
        second.open(f"http://{HOST}:{port}/chat/")
        assert second.run("location.pathname") == "/login"
        log_in(first, port)
        assert texts(first, "[role=status]") == {"Welcome, Ada!"}
        eventually(True, lambda: is_heard(first))
        assert texts(first, "#news li") == {"Ada tells of a trip: To the <b>sea</b>"}
        second.open(f"http://{HOST}:{port}/trips")
        assert texts(second, "section h2") == {"To the <b>sea</b>"}

        for tab in (first, second):
            tab.open(f"http://{HOST}:{port}/chat/")
            tab.until("!document.querySelector('#say button').disabled")
        second.press("Hello?", "Enter")
        for tab in (first, second):
            assert texts(tab, "#messages li") == {"Ada: Hello?"}
            assert tab.run("document.documentElement.scrollWidth <= innerWidth")
            assert tab.complaints == []
