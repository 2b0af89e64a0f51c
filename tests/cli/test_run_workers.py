"""The workers of ``costrel run``: replaced when they die, restarted, never left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
import typing as t
from pathlib import Path

import pytest
from load import PATIENCE_S, Load

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX signals")

APP = """
import os
from costrel import Flask

app = Flask(__name__)

@app.get("/")
def index():
    return "VERSION"

@app.get("/pid")
def pid():
    return str(os.getpid())
"""

SLOW = (
    APP
    + """
@app.get("/slow")
def slow():
    import time

    time.sleep(SECONDS)
    return pid()
"""
)

WITHOUT_UVICORN = """
import sys
sys.modules["uvicorn"] = None
import costrel.cli
costrel.cli.main()
"""

WAYS = {
    "wsgi": ("wsgi", None),
    "asgi on uvicorn": ("asgi", None),
    "asgi on Granian": ("asgi", "without_uvicorn.py"),
}


@pytest.fixture(params=WAYS)
def run(request: t.Any, serve: t.Any, tmp_path: Path) -> t.Callable[..., t.Any]:
    """Serve an application on each server of ``costrel run``, when it is ready."""
    interface, script = WAYS[request.param]
    (tmp_path / "without_uvicorn.py").write_text(WITHOUT_UVICORN)

    def run(*options: str, source: str = APP, workers: int = 1) -> t.Any:
        write(tmp_path, source)
        server = serve(
            *("--app", "shop", "run", "--port", "0", "--interface", interface),
            *("--workers", str(workers), *options),
            script=script,
            # Two versions may be written within the same second, and have the same length.
            PYTHONDONTWRITEBYTECODE="1",
        )
        server.wait_ready()
        return server

    return run


def write(folder: Path, source: str) -> None:
    """Write the served application atomically, because a worker may be reading it."""
    written = folder / "written.txt"
    written.write_text(source)
    written.replace(folder / "shop.py")


def children_of(parent: int) -> set[int]:
    """Return the running child processes of a process."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, ppid = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(ppid) == parent and state != "Z":
            found.add(int(stat.parent.name))
    return found


def eventually(expected: object, get: t.Callable[[], object]) -> None:
    """Wait until a function returns the expected value."""
    deadline = time.monotonic() + PATIENCE_S
    while (actual := get()) != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    assert expected == actual


def test_workers_killed_again_and_again_leave_a_server_that_answers(run: t.Any) -> None:
    """Each is replaced whenever it dies, with growing pauses; no client is refused."""
    server = run(workers=3)
    killed: set[int] = set()
    with Load(server.url) as load:
        for _ in range(10):
            # A killed process may take a moment to disappear.
            eventually(3, lambda: len(children_of(server.process.pid) - killed))
            for worker in children_of(server.process.pid) - killed:
                load.wait_answered("VERSION")
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
            server.wait_for("was terminated by SIGKILL; a new one starts")
        load.wait_answered("VERSION", 20)

    assert server.stop() == 0
    assert load.faults["ConnectionRefusedError"] == 0
    assert server.output.count("was terminated by SIGKILL; a new one starts") == 30
    pauses = [float(s) for s in re.findall(r"starts in ([\d.]+) s", server.output)]
    assert max(pauses) == 5


FORKING = (
    APP
    + """
@app.get("/fork")
def fork():
    child = os.fork()
    if child == 0:
        import time

        time.sleep(30)
        os._exit(0)
    return str(child)
"""
)


def test_worker_that_has_forked_a_child_is_replaced(run: t.Any) -> None:
    """Even if the child lives on and holds the sentinel of the worker's end."""
    server = run(source=FORKING)
    child = int(server.get("/fork")[1])
    try:
        (worker,) = children_of(server.process.pid)
        os.kill(worker, signal.SIGKILL)
        with Load(server.url) as load:
            load.wait_answered("VERSION", 20)
        assert children_of(server.process.pid) != {worker}
    finally:
        os.kill(child, signal.SIGKILL)
    assert server.stop() == 0


def test_killing_one_worker_cuts_off_no_request_of_the_others(run: t.Any) -> None:
    """A healthy worker finishes what it has begun and answers new requests."""
    server = run(workers=2, source=SLOW.replace("SECONDS", "3"))
    asking = server.connect()
    asking.request("GET", "/pid")
    healthy = int(asking.getresponse().read())
    asking.request("GET", "/slow")
    spared = {healthy}
    for _ in range(2):
        eventually(1, lambda: len(children_of(server.process.pid) - spared))
        (other,) = children_of(server.process.pid) - spared
        os.kill(other, signal.SIGKILL)
        spared.add(other)
        server.wait_for("was terminated by SIGKILL")

    answer = asking.getresponse()

    assert (200, str(healthy)) == (answer.status, answer.read().decode())
    asking.close()
    assert server.get("/")[0] == 200
    assert server.stop() == 0


def test_server_whose_workers_cannot_start_any_more_gives_up(run: t.Any, tmp_path: Path) -> None:
    """The server shows why and exits with 1, after a few attempts."""
    server = run()
    (worker,) = children_of(server.process.pid)
    write(tmp_path, "raise LookupError('half deployed')\n")
    os.kill(worker, signal.SIGKILL)

    assert server.wait_end() == 1
    said = "Error: The server stopped: no worker is left, and new ones cannot start"
    assert said in server.output
    assert "LookupError: half deployed" in server.output
    assert server.output.count("could not start") == 4


def test_server_outlasts_a_while_in_which_workers_cannot_start(run: t.Any, tmp_path: Path) -> None:
    """It serves as soon as a worker can start again; clients wait until then."""
    server = run()
    (worker,) = children_of(server.process.pid)
    write(tmp_path, "raise LookupError('half deployed')\n")
    os.kill(worker, signal.SIGKILL)
    server.wait_for("could not start")
    write(tmp_path, APP.replace("VERSION", "mended"))

    assert server.get("/") == (200, "mended")
    assert server.stop() == 0


@pytest.mark.parametrize("workers", [1, 3])
def test_hangups_under_load_refuse_and_reset_no_request(
    run: t.Any, tmp_path: Path, workers: int
) -> None:
    """No client notices ten restarts, with one that fails in between."""
    server = run(workers=workers)
    with Load(server.url) as load:
        for number in range(10):
            if number == 5:
                write(tmp_path, "raise LookupError('half deployed')\n")
                server.process.send_signal(signal.SIGHUP)
                server.wait_for("Reload failed: a new worker could not start")
                load.wait_answered("version 4")
            write(tmp_path, APP.replace("VERSION", f"version {number}"))
            server.process.send_signal(signal.SIGHUP)
            load.wait_answered(f"version {number}")
        load.wait_until(lambda: len(children_of(server.process.pid)) == workers)
        load.wait_answered("version 9", 20)

    assert dict(load.faults) == {}
    assert server.stop() == 0
    assert "LookupError: half deployed" in server.output
    assert "SIGHUP received: reloading the application" in server.output
    assert server.output.count("was replaced by PID") >= 9


def test_old_workers_serve_while_the_new_application_loads(run: t.Any, tmp_path: Path) -> None:
    """However long it takes: the old worker ends only after the new one answers."""
    server = run()
    gate = tmp_path / "gate"
    write(
        tmp_path,
        "import os, time\nprint('loading', flush=True)\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        + APP.replace("VERSION", "new"),
    )
    with Load(server.url) as load:
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("^loading$")
        load.wait_answered("VERSION", 200)
        assert load.answers["new"] == 0
        gate.touch()
        load.wait_answered("new", 20)

    assert dict(load.faults) == {}
    assert server.stop() == 0


@pytest.mark.parametrize(
    "broken",
    [
        "import nothing_there\n",
        "def broken(:\n",
        "import os\nos._exit(3)\n",
        "raise KeyboardInterrupt\n",
        "nothing = 1\n",
        APP + "\n@app.before_serving\ndef fail():\n    raise LookupError\n",
    ],
)
def test_old_workers_go_on_if_the_new_application_cannot_start(
    run: t.Any, tmp_path: Path, broken: str
) -> None:
    """An error says what is wrong, and a later SIGHUP loads the fixed application."""
    server = run(workers=2)
    before = children_of(server.process.pid)
    write(tmp_path, broken)
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("Reload failed: a new worker could not start. The old workers keep serving")
    eventually(before, lambda: children_of(server.process.pid))
    assert server.get("/") == (200, "VERSION")

    write(tmp_path, APP.replace("VERSION", "mended"))
    server.process.send_signal(signal.SIGHUP)
    with Load(server.url) as load:
        load.wait_answered("mended")

    assert dict(load.faults) == {}
    assert server.stop() == 0


def test_second_hangup_while_a_broken_application_loads_is_heeded(
    run: t.Any, tmp_path: Path
) -> None:
    """A worker that is starting may have read the old code, so it is discarded."""
    server = run()
    write(tmp_path, "import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("^loading$")
    write(tmp_path, APP.replace("VERSION", "mended"))
    server.process.send_signal(signal.SIGHUP)

    with Load(server.url) as load:
        load.wait_answered("mended")

    assert dict(load.faults) == {}
    assert server.stop() == 0


def test_kept_connection_of_a_retiring_worker_is_closed_by_a_response_that_says_so(
    run: t.Any, tmp_path: Path
) -> None:
    """A client that is about to send over the connection still gets its answer."""
    server = run()
    kept = server.connect()
    kept.request("GET", "/")
    assert kept.getresponse().read() == b"VERSION"
    write(tmp_path, APP.replace("VERSION", "new"))
    server.process.send_signal(signal.SIGHUP)
    with Load(server.url, keeping=0) as load:
        load.wait_answered("new")

    kept.request("GET", "/")
    answer = kept.getresponse()

    assert (b"VERSION", "close") == (answer.read(), answer.getheader("Connection"))
    kept.close()
    assert server.stop() == 0


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_whose_parent_is_killed_end_and_free_the_port(run: t.Any, workers: int) -> None:
    """Requests in flight are answered, and the port is free for the next command."""
    server = run(workers=workers, source=SLOW.replace("SECONDS", "1"))
    children = children_of(server.process.pid)
    assert len(children) == workers
    asking = server.connect()
    asking.request("GET", "/slow")
    # Whichever worker answers, the first request was accepted.
    assert server.get("/")[0] == 200
    server.process.kill()

    answer = asking.getresponse()
    assert answer.status == 200
    assert int(answer.read()) in children
    asking.close()
    eventually(set(), lambda: {pid for pid in children if Path(f"/proc/{pid}").exists()})
    with socket.create_server(("127.0.0.1", int(server.url.rpartition(":")[2]))):
        pass


def test_worker_whose_parent_is_killed_while_it_loads_ends(serve: t.Any, tmp_path: Path) -> None:
    """It does not wait for the application, which may take long to load."""
    write(tmp_path, "import os, time\nprint('loading', os.getpid(), flush=True)\ntime.sleep(600)\n")
    server = serve("--app", "shop", "run", "--port", "0")
    worker = int(server.wait_for(r"^loading (\d+)").group(1))

    server.process.kill()

    eventually(False, lambda: Path(f"/proc/{worker}").exists())
