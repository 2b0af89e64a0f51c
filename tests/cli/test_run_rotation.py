"""Keys rotate under ``costrel run`` with two workers, while clients keep their sessions."""

from __future__ import annotations

import json
import os
import signal
import threading
import typing as t
from pathlib import Path

import pytest

from costrel.sessions.keys import fresh_key

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX signals")

APP = """
import json
from pathlib import Path
from costrel import Flask, session
from costrel.sessions.keys import install

app = Flask(__name__)
app.config.update(json.loads(Path(__file__).with_name("keys.json").read_text()))
install(app)

@app.get("/")
def count():
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])
"""

CLIENTS = 4
REQUESTS = 5
"""How many requests each client makes at least between two steps."""


class Clients:
    """Threads that send requests to a server, each with a session of its own."""

    def __init__(self, server: t.Any) -> None:
        self.lost: list[str] = []
        self.counts = [0] * CLIENTS
        self._server = server
        self._moved = threading.Condition()
        self._end = False
        self._threads = [
            threading.Thread(target=self._keep_session, args=(number,)) for number in range(CLIENTS)
        ]

    def __enter__(self) -> t.Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end = True
        for thread in self._threads:
            thread.join()

    def _keep_session(self, number: int) -> None:
        cookie, expected = "", 1
        try:
            while not self._end:
                text, cookie = ask(self._server, cookie)
                if text != str(expected):
                    self.lost.append(f"{text} instead of {expected}")
                    return
                expected += 1
                with self._moved:
                    self.counts[number] += 1
                    self._moved.notify_all()
        except Exception as error:  # noqa: BLE001  the test shows it
            self.lost.append(repr(error))

    def wait_for_more(self) -> None:
        """Wait until each client has sent more requests."""
        with self._moved:
            wanted = [count + REQUESTS for count in self.counts]
            assert self._moved.wait_for(
                lambda: self.lost or all(map(int.__ge__, self.counts, wanted)), timeout=30
            )


def ask(server: t.Any, cookie: str) -> tuple[str, str]:
    """Send a request on a new connection; return its text and the new cookie."""
    connection = server.connect()
    connection.request("GET", "/", headers={"Cookie": cookie} if cookie else {})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return text, str(response.getheader("Set-Cookie")).partition(";")[0]


def test_no_session_is_lost_while_workers_are_replaced(serve: t.Any, tmp_path: Path) -> None:
    """By the steps of docs/secrets.md; at the end, the old key is refused."""
    old, new = fresh_key(), fresh_key()

    def write(**keys: t.Any) -> None:
        written = tmp_path / "written.json"
        written.write_text(json.dumps(keys))
        written.replace(tmp_path / "keys.json")

    (tmp_path / "shop.py").write_text(APP)
    write(SECRET_KEY=old)
    server = serve("--app", "shop", "run", "--port", "0", "--workers", "2")
    server.wait_ready()
    _text, signed_with_old = ask(server, "")
    with Clients(server) as clients:
        for keys in (
            {"SECRET_KEY": old, "SECRET_KEY_FALLBACKS": [new, old]},
            {"SECRET_KEY": new, "SECRET_KEY_FALLBACKS": [new, old]},
            {"SECRET_KEY": new},
        ):
            clients.wait_for_more()
            write(**keys)
            server.process.send_signal(signal.SIGHUP)
            for _worker in range(2):
                server.wait_for(r"Worker \d was replaced by PID")
        clients.wait_for_more()
    assert clients.lost == []
    assert ask(server, signed_with_old)[0] == "1"
    assert server.stop() == 0
