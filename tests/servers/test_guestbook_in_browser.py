"""The guestbook as its README says: behind nginx with TLS, in a browser, with each kind of store.

A page of another site, and one of a neighbour below the same domain, attack it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from browser import chromium, needs_chromium
from certificate import make_certificate
from exchange import HOST, eventually, free_port
from othersite import other_site
from programs import Running
from proxy import TlsNginx
from storeservers import postgresql_server, redis_server

ROOT = Path(__file__).parents[2]
APP = "examples/guestbook"
README = ROOT / APP / "README.md"
SITE = "https://example.com"
EVIL = "https://evil.example"
NEIGHBOUR = "https://forum.example.com"
PASSWORD = "correct horse battery"
STORES = {"file": "asgi", "redis": "wsgi", "postgresql": "wsgi"}
"""The kinds of stores, and the interface of the server that each is tried with."""

PAGES = {
    "/sign": f'<form method="post" action="{SITE}/"><input name="text" value="Forged"></form>',
    "/log-in": f"""<form method="post" action="{SITE}/login">
        <input name="name" value="Mallory"><input name="password" value="{PASSWORD}"></form>""",
    "/log-out": f'<form method="post" action="{SITE}/account/end-all"></form>',
    "/frame": f'<iframe src="{SITE}/"></iframe><iframe src="/innocent"></iframe>',
    "/innocent": "<p>Nothing",
}
FORGED = (
    ("/", "method: 'POST', body: new URLSearchParams({text: 'Forged'})"),
    ("/", "method: 'POST', body: new URLSearchParams({text: 'Forged'}), mode: 'no-cors'"),
    ("/entries/1/likes", "method: 'POST', headers: {'X-CSRF-Token': 'x'}"),
    ("/entries", ""),
)
"""What scripts of other sites send."""

pytestmark = needs_chromium
with_any_store = pytest.mark.parametrize("guestbook", ["file"], indirect=True)


def documented_variables():
    """Return the variables that the README sets on a server."""
    lines = re.findall(r"^export (.*)$", README.read_text(), re.MULTILINE)
    return dict(shlex.split(line)[0].split("=", 1) for line in lines)


class Guestbook:
    """The guestbook on a server, with the store of its sessions."""

    def __init__(self, kind, port, place, variables):
        self.port, self.place, self.variables = port, place, variables
        self.interface = STORES[kind]
        self.server = self.store = None
        if kind == "file":
            url = f"file://{place}/sessions"
        elif kind == "redis":
            self.store = redis_server()
            url = self.store.url
        else:
            self.store = postgresql_server()
            url = f"sqlalchemy:{self.store.url}"
        self.variables = {**variables, "APP_SESSION_STORE": url}

    def start(self):
        """Start the server."""
        command = ["costrel", "--app", APP, "run", "--port", str(self.port)]
        command += ["--interface", self.interface]
        self.server = Running(command, self.place, cwd=ROOT, **self.variables)
        self.server.wait_ready(self.port)

    def stop(self):
        """Stop the server, which has written nothing of an error."""
        if self.server is not None:
            self.server.stop()
            assert "Traceback" not in self.server.log

    def remove(self):
        """Stop everything."""
        try:
            self.stop()
        finally:
            if self.store is not None:
                self.store.remove()


@pytest.fixture(scope="module")
def variables(tmp_path_factory):
    """Do what the README says for a server, but in another folder; add two guests."""
    place = tmp_path_factory.mktemp("files")
    variables = {name: value.replace("/var/lib/guestbook", str(place))
                 for name, value in documented_variables().items()}  # fmt: skip
    for command in (
        ("secret", "--write", variables["SECRET_KEY_FILE"]),
        *(("add-guest", name, "--password", PASSWORD) for name in ("Ada", "Mallory")),
    ):
        subprocess.run(
            [sys.executable, "-m", "costrel", "--app", APP, *command],
            check=True, cwd=ROOT, env={**os.environ, **variables}, capture_output=True,
        )  # fmt: skip
    return variables


@pytest.fixture(scope="module")
def upstream_port():
    """Choose where nginx finds the server."""
    return free_port()


@pytest.fixture(scope="module")
def browser(upstream_port, tmp_path_factory):
    """Start nginx, the other sites, and Chromium, for which they are where the names say."""
    certificate = make_certificate(tmp_path_factory.mktemp("certificate"), "example.com")
    with ExitStack() as started:
        nginx = TlsNginx(upstream_port, tmp_path_factory.mktemp("nginx"), *certificate)
        started.callback(nginx.running.stop)
        other_port = started.enter_context(other_site(certificate, PAGES))
        places = {"example.com": nginx.tls_port, "evil.example": other_port,
                  "forum.example.com": other_port}  # fmt: skip
        rules = ", ".join(f"MAP {name}:443 {HOST}:{port}" for name, port in places.items())
        options = ("--ignore-certificate-errors", f"--host-resolver-rules={rules}")
        place = tmp_path_factory.mktemp("chromium")
        yield started.enter_context(chromium(place, *options))


@pytest.fixture(scope="module", params=STORES, autouse=True)
def guestbook(request, upstream_port, variables, tmp_path_factory):
    """Serve the guestbook with one kind of store."""
    place = tmp_path_factory.mktemp(request.param)
    guestbook = Guestbook(request.param, upstream_port, place, variables)
    try:
        guestbook.start()
        yield guestbook
    finally:
        guestbook.remove()


@contextmanager
def logged_in(browser, *, remember=False):
    """Log Ada in with the keyboard, in a browser of her own."""
    with browser.private_tab() as tab:
        tab.open(f"{SITE}/login")
        tab.run(f"document.querySelector('[name=remember]').checked = {str(remember).lower()}")
        arrive(tab, "/", lambda: tab.press("Ada", "Tab", PASSWORD, "Enter"))
        yield tab


def arrive(tab, path, act):
    """Do what leads to another page of the guestbook, and wait for it."""
    tab.run("window.old = true")
    act()
    tab.until(f"!window.old && location.href === '{SITE}{path}' && "
              "document.readyState === 'complete'")  # fmt: skip


def click(tab, path, button):
    """Click a button that leads to another page."""
    found = (
        f"[...document.querySelectorAll('button')].find((one) => one.textContent === '{button}')"
    )
    arrive(tab, path, lambda: tab.run(f"{found}.click()"))


def texts(tab, selector):
    """Return the texts of elements."""
    return tab.run(f"[...document.querySelectorAll('{selector}')].map((one) => one.textContent)")


def status(tab):
    """Return the status of the page's response."""
    return tab.run("performance.getEntriesByType('navigation')[0].responseStatus")


def cookies(tab):
    """Return the cookies of the guestbook by their names."""
    found = tab.call("Network.getCookies", urls=[SITE])["cookies"]
    return {cookie["name"]: cookie for cookie in found}


def is_logged_in(tab):
    """Ask for a page that demands a login."""
    tab.open(f"{SITE}/account/")
    return tab.run("location.pathname") == "/account/"


def test_guest_logs_in_and_signs(browser):
    """The forms and the script work, no page is too wide, and the policy blocks nothing."""
    with browser.private_tab() as tab:
        tab.look(360)
        tab.open(f"{SITE}/account/")
        assert tab.run("location.href") == f"{SITE}/login?next=/account/"
        arrive(tab, "/account/", lambda: tab.press("Ada", "Tab", PASSWORD, "Enter"))
        assert texts(tab, "[role=status]") == ["Welcome, Ada!"]
        tab.open(f"{SITE}/")
        tab.press("Hello <b>there</b>")
        click(tab, "/", "Sign the guestbook")
        assert texts(tab, "[role=status]") == ["Thank you!"]
        assert texts(tab, "section p:first-child")[0] == "Hello <b>there</b>"
        tab.run("document.querySelector('[data-url]').click()")
        tab.until("document.querySelector('[data-url] span').textContent === '1'")
        shown = tab.run("document.querySelector('time').textContent")
        assert shown == tab.run(
            "new Date(document.querySelector('time').dateTime).toLocaleString()"
        )
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        assert tab.complaints == []
        click(tab, "/", "Log out")
        assert not is_logged_in(tab)
        assert tab.complaints == []


@with_any_store
def test_script_without_the_nonce_does_not_run(browser):
    """The policy is enforced, and tells the console."""
    with browser.private_tab() as tab:
        tab.open(f"{SITE}/login")
        tab.run("document.body.append(Object.assign(document.createElement('script'), "
                "{textContent: 'window.evil = true'}))")  # fmt: skip
        tab.run("document.body.insertAdjacentHTML('beforeend', "
                "'<img src=\"/\" onerror=\"window.evil = true\">')")  # fmt: skip
        tab.until("document.images[1].complete")
        assert tab.run("window.evil") is None
        eventually(2, lambda: (tab.run("0"), str(tab.complaints).count("script-src"))[1])


def test_cookies_are_as_promised(browser):
    """Only TLS, only this host, not for scripts, and not sent along by other sites."""
    with logged_in(browser, remember=True) as tab:
        found = cookies(tab)
        assert {"__Host-session", "__Host-remember"} <= set(found)
        for name, cookie in found.items():
            assert name.startswith("__Host-")
            assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
            assert (cookie["domain"], cookie["path"]) == ("example.com", "/")
        assert found["__Host-session"]["session"]
        assert not found["__Host-remember"]["session"]
        assert tab.run("document.cookie") == ""


def test_forged_requests_are_refused(browser, guestbook):
    """Forms and scripts of other sites change nothing and read nothing; the log tells of them."""
    with logged_in(browser) as tab:
        for origin in (EVIL, NEIGHBOUR):
            for path in ("/sign", "/log-in", "/log-out"):
                tab.open(origin + path)
                tab.run("window.old = true; document.forms[0].submit()")
                tab.until(f"!window.old && location.origin === '{SITE}' && "
                          "document.readyState === 'complete'")  # fmt: skip
                assert (status(tab), texts(tab, "h1")) == (403, ["Forbidden"])
            guestbook.server.wait_logged(origin)
            tab.open(f"{origin}/innocent")
            for path, options in FORGED:
                fetched = f"fetch('{SITE}{path}', {{credentials: 'include', {options}}})"
                assert tab.run(f"{fetched}.then(() => 'read', () => 'refused')") == "refused"
        tab.open(f"{SITE}/")
        assert texts(tab, "nav a") == ["Ada"]
        assert "Forged" not in str(texts(tab, "section"))


@with_any_store
def test_frame_stays_empty(browser):
    """Other sites can't show the guestbook in a frame, to have users click in it."""
    with browser.private_tab() as tab:
        for origin in (EVIL, NEIGHBOUR):
            tab.open(f"{origin}/frame")
            eventually(True, lambda: (tab.run("0"), "frame-ancestors" in str(tab.complaints))[1])
            tree = tab.call("Page.getFrameTree")["frameTree"]
            urls = [child["frame"]["url"] for child in tree.get("childFrames", [])]
            assert f"{origin}/innocent" in urls
            assert f"{SITE}/" not in urls


def test_log_out_everywhere(browser):
    """Every browser of the guest has to log in again, also one that was remembered."""
    with (
        logged_in(browser) as here,
        logged_in(browser) as there,
        logged_in(browser, remember=True) as remembered,
    ):
        assert is_logged_in(here)
        count = len(texts(here, "section"))
        assert count >= 3
        assert texts(here, "h2").count("This browser") == 1
        click(here, "/", "Log out everywhere")
        said = f"You are logged out everywhere: {count} sessions have ended."
        assert texts(here, "[role=status]") == [said]
        remembered.call("Network.deleteCookies", name="__Host-session", url=SITE)
        for tab in (here, there, remembered):
            assert not is_logged_in(tab)


def test_sessions_last_through_restarts(browser, guestbook):
    """Of server and store. While the store is down there is an error page; what has ended, has."""
    with logged_in(browser) as tab, logged_in(browser) as leaving:
        session = cookies(leaving)["__Host-session"]["value"]
        click(leaving, "/", "Log out")
        if guestbook.store is not None:
            guestbook.store.stop()
            tab.open(f"{SITE}/")
            assert status(tab) == 503
            assert texts(tab, "main a") == ["Back to the guestbook"]
            guestbook.store.start()
            assert is_logged_in(tab)
            guestbook.store.stop()
        guestbook.stop()
        if guestbook.store is not None:
            guestbook.store.start()
        guestbook.start()
        assert is_logged_in(tab)
        assert tab.complaints == []
        leaving.call("Network.setCookie", name="__Host-session", value=session, url=SITE,
                     secure=True, httpOnly=True, path="/")  # fmt: skip
        assert not is_logged_in(leaving)
