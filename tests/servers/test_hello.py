"""The example application, served as its documentation says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import chromium, needs_chromium
from exchange import HOST, fetch, free_port
from programs import APPS, Running

ROOT = Path(__file__).parents[2]
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAGES = ["/", "/chat", "/clock", "/name", "/search", "/hello/Ada"]
COMMANDS = {
    "as-installed": ["python", str(APPS / "without_uvicorn.py")],
    "with-uvicorn": ["costrel"],
}


@pytest.fixture(scope="module", params=COMMANDS)
def port(request, tmp_path_factory):
    """Serve the example with ``costrel run`` from the root of the checkout."""
    port = free_port()
    command = [*COMMANDS[request.param], "--app", "examples/hello", "run", "--port", str(port)]
    running = Running(command, tmp_path_factory.mktemp("hello"), cwd=ROOT)
    try:
        running.wait_ready(port)
        server = "Granian" if request.param == "as-installed" else "uvicorn"
        assert re.search(rf"\* {server} .* over ASGI", running.log)
        yield port
    finally:
        running.stop()


def test_every_link_of_the_first_page_leads_somewhere(port):
    """Everything that the page links to exists, including its style sheet."""
    page = fetch(port, "/")
    links = set(re.findall(r'href="(/[^"]*)"', page.text))

    assert page.status == 200
    assert {*PAGES, "/health", "/static/style.css", "/static/logo.svg"} < links
    failing = {"/nowhere": 404, "/broken": 500}
    answers = {link: fetch(port, link).status for link in links}
    assert answers == dict.fromkeys(links, 200) | failing


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


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/%3Cb%3E", 404, "Nothing is carried under <code>/&lt;b&gt;</code>"),
        ("/echo", 405, "not allowed"),
        ("/broken", 500, "not yours"),
    ],
)
def test_error_has_a_page_of_its_own(port, path, status, text):
    """An error is explained on a page that leads back."""
    page = fetch(port, path)

    assert page.status == status
    assert text in page.text
    assert f'<span class="code">{status}</span>' in page.text
    assert '<a href="/">Back to the start</a>' in page.text
    assert "Traceback" not in page.text


@pytest.mark.parametrize(
    ("sent", "shown"), [("%3Cb%3E++x", "You are &lt;b&gt; x"), ("++", "Who are you?")]
)
def test_name_is_kept_in_the_session(port, sent, shown):
    """A name is remembered as text; an empty one is forgotten."""
    answer = fetch(port, "/name", "POST", body=f"name={sent}", headers=FORM)
    cookie = answer.headers["Set-Cookie"].partition(";")[0]

    assert (answer.status, answer.headers["Location"]) == (302, "/name")
    assert f"<h1>{shown}</h1>" in fetch(port, "/name", headers={"Cookie": cookie}).text


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Start Chromium."""
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_and_load_without_complaints(port, browser, width, scheme):
    """No page is wider than the window, writes an error, or asks another host for anything."""
    with browser.tab() as tab:
        tab.look(width, scheme)
        for page in PAGES:
            tab.open(f"http://{HOST}:{port}{page}")
            assert tab.run("document.documentElement.scrollWidth <= innerWidth"), page
            assert tab.complaints == []
            assert {url.split("/")[2] for url in tab.requested} == {f"{HOST}:{port}"}


@needs_chromium
def test_chat_is_heard_in_another_page_and_the_clock_counts_both(port, browser):
    """What is typed arrives in both pages, as text; events tell how many pages there are."""
    heard = "[...document.querySelectorAll('#messages li')].map((item) => item.textContent)"
    with browser.tab() as ada, browser.tab() as grace, browser.tab() as clock:
        for tab in (ada, grace):
            tab.open(f"http://{HOST}:{port}/chat")
            tab.until("!document.querySelector('#say button').disabled")
        ada.press("Is <b>anybody</b> here?", "Enter")
        for tab in (ada, grace):
            tab.until("document.querySelector('#messages li')")
            assert tab.run(heard) == ["Somebody Is <b>anybody</b> here?"]

        clock.open(f"http://{HOST}:{port}/clock")
        clock.until("document.querySelector('#chatting').textContent === '2'")
        time = clock.run("document.querySelector('#time').textContent")
        assert re.fullmatch(r"\d\d:\d\d:\d\d", time)
        clock.until(f"document.querySelector('#time').textContent > '{time}'")
        assert [ada.complaints, grace.complaints, clock.complaints] == [[], [], []]
        assert grace.run("document.activeElement.name") == "text"


@needs_chromium
def test_form_is_filled_in_with_the_keyboard_and_greets_afterwards(port, browser):
    """The field has the focus, Tab leads to the button, and the start page knows the name."""
    with browser.tab() as tab:
        tab.open(f"http://{HOST}:{port}/name")
        tab.run("window.old = true")
        tab.press("Ada", "Tab", "Enter")
        tab.until("!window.old && document.readyState === 'complete'")
        assert tab.run("document.querySelector('[role=status]').textContent").startswith("I will")
        assert tab.run("document.querySelector('h1').textContent") == "You are Ada"
        tab.open(f"http://{HOST}:{port}/")
        assert tab.run("document.querySelector('h1').textContent") == "Hello, Ada"
        tab.run("document.querySelector('#echo button').click()")
        tab.until("document.querySelector('#answer').textContent.startsWith('200')")
        assert tab.complaints == []


@needs_chromium
@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/broken", 500)])
def test_error_page_complains_of_nothing_but_itself(port, browser, path, status):
    """Chromium notes the status of the page; everything that the page needs is loaded."""
    with browser.tab() as tab:
        tab.open(f"http://{HOST}:{port}{path}")
        assert tab.run("document.querySelector('h1').textContent").startswith(str(status))
        assert [entry["url"] for entry in tab.complaints] == [f"http://{HOST}:{port}{path}"]
