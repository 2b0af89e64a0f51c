"""Start private Redis and PostgreSQL servers for tests, on the loopback or a Unix socket."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

PATIENCE_S = 30.0
HOST = "127.0.0.1"

SYSTEM_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/bin"
REDIS = next(
    filter(None, (shutil.which(n, path=SYSTEM_PATH) for n in ("redis-server", "valkey-server"))),
    None,
)
POSTGRESQL = next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)), None)


def free_port():
    """Return a port that nothing listens on."""
    with closing(socket.socket()) as listening:
        listening.bind((HOST, 0))
        return listening.getsockname()[1]


class Server:
    """A server program with a folder of its own, started and stopped as tests need it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="costrel-"))
        self.process = None

    def command(self):
        """Return the command line."""
        raise NotImplementedError

    def answers(self):
        """Whether it can be used."""
        raise NotImplementedError

    def start(self):
        """Start it, and wait until it answers."""
        log = self.folder / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command(), stdout=output, stderr=output, cwd=self.folder
            )
        end = time.monotonic() + PATIENCE_S
        while not self.answers():
            assert self.process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < end, log.read_text(errors="replace")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)

    def stop(self):
        """Stop it, after it has written everything, and wait for its end."""
        self.resume()
        self._end(signal.SIGINT)

    def kill(self):
        """End it as a crash would: with the processes that it has started, which may serve on."""
        started = _started_by(self.process.pid) if self.process is not None else []
        self._end(signal.SIGKILL)
        for pid in started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_S
        while any(_serves(pid) for pid in started) and time.monotonic() < deadline:
            time.sleep(0.01)

    def suspend(self):
        """Let it accept connections, and answer nothing, until `resume`."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        """End a `suspend`."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)

    def _end(self, number):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(PATIENCE_S)

    def remove(self):
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class RedisServer(Server):
    """Redis or Valkey, which writes everything to its folder."""

    def __init__(self):
        super().__init__()
        self.port = free_port()
        self.url = f"redis://{HOST}:{self.port}/0"

    def command(self):
        """Return the command line."""
        return [
            REDIS, "--bind", HOST, "--port", str(self.port), "--dir", str(self.folder),
            "--unixsocket", str(self.folder / "socket"), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always",
        ]  # fmt: skip

    def answers(self):
        """Whether it answers a ping."""
        with suppress(OSError), closing(socket.create_connection((HOST, self.port), 1)) as asking:
            asking.sendall(b"PING\r\n")
            return asking.recv(16).startswith(b"+PONG")
        return False


class PostgreSQLServer(Server):
    """PostgreSQL, which does not serve root, on a Unix socket in its folder."""

    def __init__(self):
        super().__init__()
        self.url = f"postgresql+psycopg://app@/postgres?host={self.folder}"
        self.data = self.folder / "data"
        if os.geteuid() == 0:
            os.chown(self.folder, self._user().pw_uid, self._user().pw_gid)
        subprocess.run(
            [
                *self._as_user(), f"{POSTGRESQL}/initdb", "--pgdata", str(self.data),
                "--username", "app", "--auth", "trust", "--no-sync", "--encoding", "UTF8",
            ],
            check=True, capture_output=True, cwd=self.folder, timeout=120,
        )  # fmt: skip

    def command(self):
        """Return the command line."""
        settings = {
            "listen_addresses": "", "unix_socket_directories": str(self.folder),
            "fsync": "off", "max_connections": "60",
        }  # fmt: skip
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        return [*self._as_user(), f"{POSTGRESQL}/postgres", "-D", str(self.data), *options]

    def answers(self):
        """Whether it is ready."""
        ready = [f"{POSTGRESQL}/pg_isready", "--quiet", "--host", str(self.folder)]
        return subprocess.run(ready, check=False, timeout=10).returncode == 0

    @staticmethod
    def _user():
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                return pwd.getpwnam(name)
        raise AssertionError("There is no user to run PostgreSQL as.")

    def _as_user(self):
        if os.geteuid() != 0:
            return []
        user = self._user()
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def redis_server():
    """Start Redis, or skip the test."""
    if REDIS is None:
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    return _started(RedisServer())


def postgresql_server():
    """Start PostgreSQL, or skip the test."""
    if POSTGRESQL is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return _started(PostgreSQLServer())


def _started(server):
    try:
        server.start()
    except BaseException:
        server.remove()
        raise
    return server


def _started_by(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (child, *_started_by(child))]


def _serves(pid: int) -> bool:
    """Return whether a process still runs; one that has ended may wait to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
