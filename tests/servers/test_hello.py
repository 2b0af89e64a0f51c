"""The example application, served as its documentation says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from exchange import fetch, free_port
from programs import Running

ROOT = Path(__file__).parents[2]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Serve the example with ``costrel run`` from the root of the checkout."""
    port = free_port()
    command = ["costrel", "--app", "examples/hello", "run", "--port", str(port)]
    running = Running(command, tmp_path_factory.mktemp("hello"), cwd=ROOT)
    try:
        running.wait_ready(port)
        yield port
    finally:
        running.stop()


def test_every_link_of_the_first_page_leads_somewhere(port):
    """Everything that the page links to exists, including its style sheet."""
    page = fetch(port, "/")
    links = set(re.findall(r'href="(/[^"]*)"', page.text))

    assert page.status == 200
    assert {"/", "/health", "/search", "/hello/Ada", "/static/style.css"} < links
    assert {link: fetch(port, link).status for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize("path", ["/hello/%3Cb%3E%22x", "/search?q=%22%3E%3Cb%3E%22x"])
def test_markup_in_the_url_is_escaped(port, path):
    """A value from the URL is shown as text."""
    page = fetch(port, path)

    assert page.status == 200
    assert "<b>" not in page.text
    assert "&lt;b&gt;&#34;x" in page.text


def test_search_finds_all_the_words(port):
    """A vessel is listed if it has every word of the query, in any order and case."""
    names = re.findall(r"<dt>(\w+)</dt>", fetch(port, "/search?q=METAL+flat").text)

    assert names == ["Canteen", "Flask"]


def test_echo_sends_json_back(port):
    """The answer contains what was sent."""
    answer = fetch(port, "/echo", "POST", body='{"a": ["\u00e4", null]}'.encode(), headers=JSON)

    assert (answer.status, answer.json) == (200, {"you sent": {"a": ["ä", None]}})


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"),
    [
        (b'{"a', JSON, 400, "Is the body valid JSON?"),
        (b"\xff", JSON, 400, "Is the body valid JSON?"),
        (b"", JSON, 400, "Is the body valid JSON?"),
        (b"[" * 50_000, JSON, 400, "Is the body valid JSON?"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "Content-Type: application/json"),
        (b"1" * 70_000, JSON, 413, "Send 64 KiB at most."),
    ],
)
def test_echo_says_what_is_wrong(port, body, headers, status, error):
    """Unreadable input is answered with an explanation in JSON."""
    answer = fetch(port, "/echo", "POST", body=body, headers=headers)

    assert answer.status == status
    assert error in answer.json["error"]


@pytest.mark.parametrize("app", ["examples/hello/app", "examples/hello/app.py"])
def test_module_of_the_example_can_be_named(tmp_path, app):
    """``--app`` accepts the file itself too."""
    port = free_port()
    running = Running(["costrel", "--app", app, "run", "--port", str(port)], tmp_path, cwd=ROOT)
    try:
        assert running.wait_ready(port, "/health").json == {"status": "ok"}
    finally:
        running.stop()
