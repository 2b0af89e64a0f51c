"""Mixed load under which each client must get its own answers: short in a test, long by hand.

``python tests/servers/soak.py`` sends 100,000 requests in all, to each server and loop in
turn, while workers are briefly stopped. It fails if a client got another client's data, if
a context was not left, or if memory or descriptors have grown.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import re
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from exchange import HOST, PATIENCE_S, eventually, fetch
from programs import Program, serve
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Message, Request, TextMessage

SIZES = (10, 70_000, 400_000)
"""Bytes of uploads: within one packet, over what servers read ahead, and well over it."""

SERIOUS = ("g not empty", "changed on the way", "torn down as another", "session of another")


def _uvicorn(*options):
    return lambda port, app: ["uvicorn", "--host", HOST, "--port", str(port), *options, app]


def _gunicorn(*options):
    return lambda port, app: ["gunicorn", "--bind", f"{HOST}:{port}", *options, app]


def _hypercorn(loop):
    return lambda port, app: ["hypercorn", "--bind", f"{HOST}:{port}", "-k", loop, app]


def _granian(*options):
    return lambda port, app: ["granian", "--host", HOST, "--port", str(port), *options, app]


def _costrel(interface):
    def command(port, app):
        options = ["--port", str(port), "--interface", interface]
        return ["costrel", "--app", app.replace(":asgi", ":app"), "run", *options]

    return command


WSGI = (
    Program("gunicorn-sync", _gunicorn(), concurrent=False),
    Program("gunicorn-gthread", _gunicorn("--worker-class", "gthread", "--threads", "4")),
    Program("waitress", lambda port, app: ["waitress-serve", f"--listen={HOST}:{port}", app]),
    Program("granian-wsgi", _granian("--interface", "wsgi", "--blocking-threads", "4")),
    Program("costrel-wsgi", _costrel("wsgi")),
)
ASGI = (
    Program("uvicorn-asyncio", _uvicorn("--loop", "asyncio")),
    Program("uvicorn-asyncio-h11", _uvicorn("--loop", "asyncio", "--http", "h11")),
    Program("uvicorn-uvloop", _uvicorn("--loop", "uvloop")),
    Program("hypercorn-asyncio", _hypercorn("asyncio")),
    Program("hypercorn-uvloop", _hypercorn("uvloop")),
    Program("daphne", lambda port, app: ["daphne", "-b", HOST, "-p", str(port), app]),
    Program("granian-asyncio", _granian("--interface", "asgi", "--loop", "asyncio")),
    Program("granian-uvloop", _granian("--interface", "asgi", "--loop", "uvloop")),
    Program("costrel-asgi", _costrel("asgi")),
)
PROGRAMS = {program.name: program for program in (*WSGI, *ASGI)}


class Connection:
    """One persistent connection over which different users send."""

    def __init__(self, port):
        self.socket = socket.create_connection((HOST, port), timeout=PATIENCE_S)
        self.ended = False
        """Whether the server has announced that it closes the connection."""
        self._unread = b""

    def send(self, method, path, user, body=b"", *, announced=None):
        """Send a request or a part of one."""
        length = len(body) if announced is None else announced
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nX-User: {user}\r\n"
            f"Content-Length: {length}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)

    def _until(self, end):
        while end not in self._unread:
            self._more()
        found, _end, self._unread = self._unread.partition(end)
        return found

    def _take(self, length):
        while len(self._unread) < length:
            self._more()
        found, self._unread = self._unread[:length], self._unread[length:]
        return found

    def _more(self):
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError
        self._unread += data

    def read(self):
        """Read a response; return its status and body."""
        head = self._until(b"\r\n\r\n").decode("latin-1")
        status = int(head.split()[1])
        self.ended = re.search(r"(?i)\r\nconnection: *close", head) is not None
        length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
        if length:
            return status, self._take(int(length[1])).decode()
        if not re.search(r"(?i)\r\ntransfer-encoding: *chunked", head):
            raise AssertionError(f"neither length nor chunks: {head!r}")
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._take(size)
            self._take(2)
        self._take(2)
        return status, body.decode()

    def crash(self):
        """Disconnect abruptly."""
        self.ended = True
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@dataclass
class Load:
    """The clients of one server, and the foreign data that they saw."""

    port: int
    sockets: bool
    pipelines: bool
    worker: int | None = None
    """A process that is briefly stopped while bodies are being sent."""
    faults: list[str] = field(default_factory=list)
    sent: int = 0
    cut: list[str] = field(default_factory=list)
    """The connections that the server closed before it answered."""
    ids: Counter[int] = field(default_factory=Counter)
    _users: itertools.count[int] = field(default_factory=itertools.count)

    def user(self):
        """Return a user name that no other client has."""
        return f"u{next(self._users)}"

    def check(self, path, user, status, body):
        """Record an answer that belongs to another user."""
        self.sent += 1
        if status != 200:
            self.faults.append(f"{path} of {user}: {status} {body[:200]}")
        elif body.startswith("{"):
            names = set(re.findall(r'"(?:user|g|current)": ?"(\w*)"', body))
            self.ids[int(re.search(r'"id": ?(\d+)', body)[1])] += 1
            if names != {user}:
                self.faults.append(f"{path} of {user}: {body}")
        else:
            names = set(re.findall(r"u\d+|\?", body))
            if names != {user}:
                self.faults.append(f"{path} of {user}: {body[:200]}")

    # The actions of one client on a connection

    def plain(self, connection, dice):
        """Send a request, and read its answer."""
        path, user = dice.choice(("/sync", "/async")), self.user()
        connection.send("GET", path, user)
        self.check(path, user, *connection.read())

    def stream(self, connection, dice):
        """Read a streamed response."""
        path = dice.choice(("/stream", "/stream-sync", "/stream-entered", "/events"))
        user = self.user()
        connection.send("GET", path, user)
        self.check(path, user, *connection.read())

    def upload(self, connection, dice):
        """Send a body, sometimes with a pause in the middle."""
        path = dice.choice(("/upload", "/upload-sync", "/upload-stream"))
        user, body = self.user(), b"x" * dice.choice(SIZES)
        cut = dice.randrange(len(body))
        connection.send("POST", path, user, body[:cut], announced=len(body))
        if dice.random() < 0.3:
            time.sleep(dice.random() / 50)
        connection.socket.sendall(body[cut:])
        self.check(path, user, *connection.read())

    def upload_to_stopped(self, connection, dice):
        """Send a body while the worker is stopped, so that it receives all of it at once."""
        path = dice.choice(("/upload", "/upload-stream"))
        user, body = self.user(), b"x" * dice.choice(SIZES)
        os.kill(self.worker, signal.SIGSTOP)
        timer = threading.Timer(0.05, os.kill, (self.worker, signal.SIGCONT))
        timer.start()
        connection.send("POST", path, user, body)
        self.check(path, user, *connection.read())

    def pipeline(self, connection, dice):
        """Send several requests of different users at once."""
        paths = [dice.choice(("/stream", "/events", "/async", "/sync", "/stream-sync"))]
        paths += [dice.choice(("/async", "/sync")) for _ in range(dice.randrange(1, 4))]
        sent = [(path, self.user()) for path in paths]
        for path, user in sent:
            connection.send("GET", path, user)
        for path, user in sent:
            self.check(path, user, *connection.read())

    def abort(self, connection, dice):
        """Disconnect in the middle of a request or of its answer."""
        if dice.random() < 0.5:
            connection.send("POST", "/upload", self.user(), b"x" * 70_000, announced=100_000)
        else:
            connection.send("GET", dice.choice(("/stream", "/stream-entered")), self.user())
            if dice.random() < 0.5:
                connection.socket.recv(50)
        connection.crash()

    def talk(self, connection, dice):
        """Open a WebSocket and exchange messages for a while."""
        user = self.user()
        with socket.create_connection((HOST, self.port), timeout=PATIENCE_S) as raw:
            ws = WSConnection(ConnectionType.CLIENT)
            headers = [(b"X-User", user.encode())]
            raw.sendall(ws.send(Request(host=HOST, target="/socket", extra_headers=headers)))
            wanted = 3
            while wanted:
                data = raw.recv(65_536)
                if not data:
                    self.faults.append(f"/socket of {user} was closed")
                    return
                ws.receive_data(data)
                for event in ws.events():
                    if isinstance(event, Message):
                        wanted -= 1
                        self.check("/socket", user, 200, str(event.data))
                    if wanted and isinstance(event, (Message, AcceptConnection)):
                        raw.sendall(ws.send(TextMessage("who?")))
            if user[-1] in "13579":
                raw.sendall(ws.send(CloseConnection(1000)))

    def client(self, seed, actions):
        """Do a number of things in a row over a few persistent connections."""
        dice = random.Random(seed)  # noqa: S311  not for secrets
        choices = [self.plain] * 4 + [self.stream, self.upload, self.abort]
        if self.pipelines:
            choices.append(self.pipeline)
        if self.sockets:
            choices.append(self.talk)
        connection, kept = Connection(self.port), False
        for _ in range(actions):
            act = dice.choice(choices)
            if self.worker is not None and dice.random() < 0.02:
                act = self.upload_to_stopped
            try:
                act(connection, dice)
            except TimeoutError:
                self.faults.append(f"{act.__name__}: no answer in {PATIENCE_S} s")
                connection.ended = True
            except OSError:
                connection.ended = True
                if not kept:
                    # A persistent connection may end at any time.
                    self.cut.append(act.__name__)
            kept = not connection.ended and dice.random() >= 0.05
            if not kept:
                connection.socket.close()
                connection = Connection(self.port)
        connection.socket.close()

    def run(self, clients, actions, seed=0):
        """Let clients act at the same time."""
        with ThreadPoolExecutor(clients) as pool:
            seeds = (seed * 1_000 + number for number in range(clients))
            for future in [pool.submit(self.client, s, actions) for s in seeds]:
                future.result()


def workers_of(process):
    """Return the processes of a server that handle requests."""
    found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    children = []
    for pid in found:
        with suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            words = Path(f"/proc/{pid}/cmdline").read_text()
            if int(stat[1]) == process.pid and "tracker" not in words:
                children.append(pid)
    return children or [process.pid]


def held_by(pid):
    """Return how many descriptors a process holds, and how many bytes of memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return len(os.listdir(f"/proc/{pid}/fd")), pages * os.sysconf("SC_PAGESIZE")


def faults_of(counts):
    """Return the counters that should be zero but are not."""
    return {name: counts[name] for name in SERIOUS if name in counts}


def soak(program, place, clients, actions, rounds=1, **variables):
    """Put a server under load; return what is wrong, and how much was sent."""
    asgi = program in ASGI
    app = "mixed:asgi" if asgi else "mixed:app"
    # For Flask-Login, which imports flask.
    running, port = serve(program, app, place, COSTREL_AS_FLASK="1", **variables)
    try:
        worker = workers_of(running.process)[0]
        load = Load(port, sockets=asgi, pipelines=asgi, worker=worker)
        before = None
        for number in range(rounds):
            load.run(clients, actions, number)
            if number == 0:
                before = held_by(worker)

        def not_left():
            counts = fetch(port, "/counts", headers={"X-User": "me", "Connection": "close"}).json
            return counts["entered"] - counts.get("left", 0) - 1

        # The request that reads the counters has been entered but not left.
        eventually(0, not_left)
        counts = fetch(port, "/counts").json
        wrong = [*load.faults, *map(str, faults_of(counts).items())]
        wrong += [f"the id {number} was given twice" for number, n in load.ids.items() if n > 1]
        wrong += [f"{act} was not answered" for act in load.cut]
        if wrong:
            wrong.append(running.log.partition("Traceback")[2][:5_000])
        after = held_by(worker)
        if rounds > 1 and (after[0] > before[0] + clients or after[1] > before[1] * 1.3 + 2e7):
            wrong.append(f"descriptors and memory grew from {before} to {after}")
        return wrong, load.sent, (before, after)
    finally:
        running.stop()


def main():
    """Run the long form and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=100_000, help="in all")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("names", nargs="*", default=list(PROGRAMS), metavar="server")
    given = parser.parse_args()
    rounds = 5
    each = given.requests // len(given.names) // given.clients // rounds
    total, failed = 0, False
    for name in given.names:
        with tempfile.TemporaryDirectory() as place:
            began = time.monotonic()
            wrong, sent, held = soak(
                PROGRAMS[name], Path(place), given.clients, max(each, 1), rounds
            )
        total += sent
        failed |= bool(wrong)
        (fds, memory), (fds_after, memory_after) = held
        print(  # noqa: T201  it talks to a terminal
            f"{name:20} {sent:7} answers in {time.monotonic() - began:4.0f} s, descriptors {fds}"
            f" to {fds_after}, memory {memory / 1e6:.0f} to {memory_after / 1e6:.0f} MB:"
            f" {'as they should be' if not wrong else wrong[:5]}",
            flush=True,
        )
    print(f"{total} answers in all")  # noqa: T201  as above
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
