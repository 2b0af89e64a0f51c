"""Drive a real Chromium: open pages, run scripts in them, and see what they complain about."""

from __future__ import annotations

import itertools
import json
import shutil
from contextlib import contextmanager

import pytest
from exchange import PATIENCE_S, eventually, fetch
from programs import Running
from websockets.sync.client import connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"
)


class Protocol:
    """A connection by the DevTools protocol."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count()

    def call(self, method, **params):
        """Call a method of the protocol; return its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]
            self._note(message)

    def _note(self, message):
        """Take an event."""


class Tab(Protocol):
    """One page."""

    def __init__(self, socket):
        super().__init__(socket)
        self.complaints = []
        """Errors on the console, and resources that did not load."""
        self.requested = set()
        """The URLs that the page has asked for."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def _note(self, message):
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(params["exceptionDetails"])
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning", "assert"}:
                self.complaints.append(params["args"])
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(params["entry"])
            case "Network.requestWillBeSent":
                self.requested.add(params["request"]["url"])

    def open(self, url):
        """Load a page and wait until it is complete."""
        self.requested.clear()
        self.complaints.clear()
        self.run("window.old = true")
        self.call("Page.navigate", url=url)
        self.until("!window.old && document.readyState === 'complete'")

    def run(self, script):
        """Evaluate a script in the page; return its value."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script):
        """Wait until a script is true in the page."""
        eventually(True, lambda: self.run(f"!!({script})"))

    def press(self, *keys):
        """Press keys: text is typed, and "Tab" and "Enter" are those keys."""
        for key in keys:
            if key in {"Tab", "Enter"}:
                code, text = {"Tab": (9, ""), "Enter": (13, "\r")}[key]
                event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
                self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
                self.call("Input.dispatchKeyEvent", type="keyUp", **event)
            else:
                self.call("Input.insertText", text=key)

    def look(self, width, scheme="light"):
        """Set the width in pixels, and the colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)


class Browser:
    """A Chromium with a profile of its own."""

    def __init__(self, port):
        self._port = port

    @contextmanager
    def tab(self):
        """Open a tab for a ``with`` block."""
        url = fetch(self._port, "/json/new", "PUT").json["webSocketDebuggerUrl"]
        with connect(url, max_size=None, open_timeout=PATIENCE_S) as socket:
            tab = Tab(socket)
            try:
                yield tab
            finally:
                tab.call("Page.close")

    @contextmanager
    def private_tab(self):
        """Open a tab that shares no cookies with others, as if in another browser."""
        url = fetch(self._port, "/json/version").json["webSocketDebuggerUrl"]
        with connect(url, max_size=None, open_timeout=PATIENCE_S) as socket:
            browser = Protocol(socket)
            context = browser.call("Target.createBrowserContext")
            target = browser.call("Target.createTarget", url="about:blank", **context)
            page = f"{url.partition('/devtools/')[0]}/devtools/page/{target['targetId']}"
            try:
                with connect(page, max_size=None, open_timeout=PATIENCE_S) as page_socket:
                    yield Tab(page_socket)
            finally:
                browser.call("Target.disposeBrowserContext", **context)


@contextmanager
def chromium(place, *options):
    """Start Chromium with its files in `place`, and end it with the block."""
    profile = place / "profile"
    running = Running(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-dev-shm-usage"),
            *("--remote-debugging-port=0", f"--user-data-dir={profile}"),
            *(*options, "about:blank"),
        ],
        place,
    )
    try:
        active = profile / "DevToolsActivePort"
        eventually(True, lambda: active.exists() and "\n" in active.read_text())
        yield Browser(int(active.read_text().partition("\n")[0]))
    finally:
        running.kill()
