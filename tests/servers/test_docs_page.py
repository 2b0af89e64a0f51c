"""The page to try an API, used in a browser."""

from __future__ import annotations

import pytest
from browser import chromium, needs_chromium
from exchange import HOST, free_port
from programs import APPS, Running

LONG = "/a/rather/long/path/that/does/not/fit/into/the/window/of/a/phone/{name}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Start Chromium."""
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module", params=["app", "mounted"])
def base(request, tmp_path_factory):
    """Serve the API, at the root or below a prefix, and return its URL."""
    port = free_port()
    app = f"{APPS / 'documented.py'}:{request.param}"
    running = Running(
        ["costrel", "--app", app, "run", "--port", str(port)], tmp_path_factory.mktemp("docs")
    )
    prefix = "/shop" if request.param == "mounted" else ""
    try:
        running.wait_ready(port, f"{prefix}/openapi.json")
        yield f"http://{HOST}:{port}{prefix}"
        assert "Traceback" not in running.log
    finally:
        running.stop()


class DocsPage:
    """What a reader does on the page."""

    def __init__(self, tab, url):
        self.tab = tab
        tab.open(url)
        tab.until("document.querySelector('.opblock')")

    def block(self, path):
        """Return the script of an operation's block."""
        return f"document.querySelector('[data-path=\"{path}\"]').closest('.opblock')"

    def click(self, script):
        """Wait until an element is there, and click it."""
        self.tab.until(script)
        self.tab.run(f"{script}.click()")

    def authorize(self, token):
        """Type a bearer token into the form for it."""
        self.click("document.querySelector('.btn.authorize')")
        self.tab.until("document.querySelector('.auth-container input')")
        self.tab.run("document.querySelector('.auth-container input').focus()")
        self.tab.press(token)
        self.click("document.querySelector('.modal-btn.authorize')")
        self.click("document.querySelector('.modal-btn.btn-done')")

    def send(self, path):
        """Expand an operation, send its request and return the status and body that are shown."""
        block = self.block(path)
        self.click(f"{block}.querySelector('.opblock-summary-control')")
        self.click(f"{block}.querySelector('.try-out__btn')")
        self.click(f"{block}.querySelector('.execute')")
        live = f"{block}.querySelector('.live-responses-table .response')"
        self.tab.until(f"{live} && {live}.querySelector('.microlight')")
        status = self.tab.run(f"{live}.querySelector('.response-col_status').textContent")
        body = self.tab.run(f"{live}.querySelector('.microlight').textContent")
        return status.strip(), body


@needs_chromium
def test_request_is_authorized_sent_and_answered_on_the_page(base, browser):
    """All of it works under the page's own policy, and nothing comes from another host."""
    with browser.tab() as tab:
        page = DocsPage(tab, f"{base}/docs")
        page.authorize("ada")
        status, body = page.send("/me")
        assert (status, '"token": "ada"' in body) == ("200", True)
        status, body = page.send("/books")
        assert (status, '"title": "Emma"' in body) == ("201", True)
        assert tab.complaints == []
        hosts = {url.split("/")[2] for url in tab.requested if url.startswith("http")}
        assert hosts == {base.split("/")[2]}
        assert f"{base}/me" in tab.requested


@needs_chromium
def test_versions_are_links_to_their_documents(base, browser):
    """Each version has its operations, and the page says which one is shown."""
    with browser.tab() as tab:
        page = DocsPage(tab, f"{base}/docs")
        names = "[...document.querySelectorAll('#versions a')].map((item) => item.textContent)"
        chosen = "document.querySelector('#versions [aria-current]').textContent"
        assert tab.run(names)[-2:] == ["v1", "v2"]
        tab.run("window.old = true")
        page.click("[...document.querySelectorAll('#versions a')].at(-1)")
        tab.until("!window.old && document.querySelector('.opblock')")
        assert tab.run(chosen) == "v2"
        assert page.send("/api/v2/shelves")[0] == "200"
        assert tab.complaints == []


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_page_fits_the_window_and_follows_the_colour_scheme(base, browser, width, scheme):
    """It is not wider than a phone, also with operations expanded, and dark where that is asked."""
    with browser.tab() as tab:
        tab.look(width, scheme)
        page = DocsPage(tab, f"{base}/docs")
        for path in ("/books", LONG):
            page.send(path) if path == "/books" else page.click(
                f"{page.block(path)}.querySelector('.opblock-summary-control')"
            )
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        colour = tab.run("getComputedStyle(document.documentElement).backgroundColor")
        shades = [int(part) for part in colour.strip("rgba()").split(",")[:3]]
        assert max(shades) < 80 if scheme == "dark" else colour in {"rgba(0, 0, 0, 0)", "white"}
        assert tab.complaints == []
