"""``costrel run --debug`` in Chromium: a page, a chat, a restart and the debugger's console."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import time
import typing as t
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
from websockets.sync.client import connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
PATIENCE_S = 40.0

APP = """
import asyncio
from costrel import Flask, render_template, websocket

app = Flask(__name__)

@app.get("/")
async def index():
    return render_template("room.html", name="first")

@app.get("/fail/<int:number>")
async def fail(number):
    doubled = 2 * number
    await asyncio.sleep(0)
    check(doubled)

def check(value):
    raise ValueError(f"not {value}")

@app.before_request
async def hook():
    from costrel import request
    if request.path == "/hook":
        here = "in the hook"
        raise LookupError("hooked")

@app.websocket("/chat")
async def chat():
    await websocket.accept()
    while True:
        text = await websocket.receive()
        if text == "fail":
            raise LookupError("no such room")
        await websocket.send(f"heard {text}")
"""

PAGE = """<!doctype html><title>{{ name }}</title><ul id="log"></ul><script>
const say = text => {
    document.querySelector("#log").append(Object.assign(
        document.createElement("li"), {textContent: text}));
};
const open = () => {
    window.chat = new WebSocket(location.href.replace("http", "ws") + "chat");
    chat.onopen = () => say("open");
    chat.onmessage = event => say(event.data);
    chat.onclose = event => { say(`${event.code} ${event.reason}`); setTimeout(open, 200); };
};
open();
</script>"""


class Tab:
    """A tab of a running browser, driven over its debugging protocol."""

    def __init__(self, client: t.Any) -> None:
        self._client = client
        self._numbers = itertools.count(1)

    def call(self, method: str, **params: t.Any) -> t.Any:
        """Send a command and return its result."""
        number = next(self._numbers)
        self._client.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._client.recv(PATIENCE_S))
            if message.get("id") == number:
                return message.get("result")

    def run(self, script: str) -> t.Any:
        """Evaluate an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return result["result"].get("value")

    def until(self, script: str, pattern: str) -> str:
        """Wait until the value of an expression matches."""
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, found := str(self.run(script))):
            assert time.monotonic() < deadline, f"{found!r} instead of {pattern!r}"
            time.sleep(0.05)
        return found


@contextmanager
def browser(folder: Path) -> t.Iterator[Tab]:
    """Run a browser without a window."""
    process = subprocess.Popen(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--remote-debugging-port=0", "--no-proxy-server"),
            *(f"--user-data-dir={folder / 'profile'}", "about:blank"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"listening on ws://([\d.:]+)/", line):
                break
        else:
            pytest.fail("the browser did not start")
        opener = build_opener(ProxyHandler({}))
        with opener.open(f"http://{found[1]}/json/list", timeout=PATIENCE_S) as response:
            pages = [page for page in json.load(response) if page["type"] == "page"]
        with connect(pages[0]["webSocketDebuggerUrl"], max_size=None) as client:
            yield Tab(client)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


LOG = "document.querySelector('#log').innerText"


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium")
@pytest.mark.parametrize("way", ["uvicorn", "granian"])
def test_browser_shows_page_chat_restart_and_console(
    serve: t.Any, tmp_path: Path, way: str
) -> None:
    """A user sees what happens without a look at the terminal, except for the PIN."""
    file = tmp_path / "app.py"
    file.write_text(APP)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "room.html").write_text(PAGE)
    (tmp_path / "granian_only.py").write_text(
        "import costrel.cli, costrel.servers.interface as interface\n"
        "interface.find_spec = lambda name: None\ncostrel.cli.main()\n"
    )
    script = "granian_only.py" if way == "granian" else None
    server = serve("run", "--debug", "--port", "0", script=script)
    url = server.wait_ready()
    pin = server.wait_for(r"Debugger PIN: ([\d-]+)").group(1)

    with browser(tmp_path) as tab:
        tab.call("Page.navigate", url=f"{url}/")
        tab.until(LOG, "open")
        tab.run("chat.send('hello')")
        tab.until(LOG, "heard hello")
        tab.run("chat.send('fail')")
        tab.until(LOG, r"1011 LookupError: no such room \(app\.py:\d+\), see the terminal\nopen")

        file.write_text(APP.replace('"first"', '"second"'))
        server.wait_for("Restarted")
        tab.until(LOG, r"(1012|1006).*\n(.*\n)*open$")
        tab.call("Page.reload")
        tab.until("document.title", "second")

        tab.call("Page.navigate", url=f"{url}/fail/21")
        tab.until("document.title", "ValueError: not 42")
        tab.until("!!document.querySelector('.frame img')", "(?i)true")
        assert tab.run("document.querySelector('.frame .function').textContent") == "fail"
        tab.run("document.querySelector('.frame img').click()")
        tab.until("getComputedStyle(document.querySelector('.pin-prompt')).display", "block")
        tab.run(f"document.querySelector('.pin-prompt [name=pin]').value = '{pin}'")
        tab.run("document.querySelector('.pin-prompt form').requestSubmit()")
        tab.until("EVALEX_TRUSTED", "(?i)true")
        tab.run("document.querySelector('.console input').value = 'doubled + 40'")
        tab.run("document.querySelector('.console form').requestSubmit()")
        tab.until("document.querySelector('.console .output').innerText", r"\b82\b")

        tab.call("Page.navigate", url=f"{url}/hook")
        tab.until("document.title", "LookupError: hooked")
        tab.until("!!document.querySelector('.frame img')", "(?i)true")
        # The browser keeps the PIN.
        assert tab.run("EVALEX_TRUSTED") is True
        tab.run("document.querySelector('.frame img').click()")
        tab.run("document.querySelector('.console input').value = 'here'")
        tab.run("document.querySelector('.console form').requestSubmit()")
        tab.until("document.querySelector('.console .output').innerText", "in the hook")

    assert server.stop() == 0
