"""``costrel run --debug`` over ASGI and under WSGI: pages, sockets, restarts and the end."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import sys
import time
import typing as t
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

PATIENCE_S = 30.0

APP = """
import asyncio
import os
from costrel import Flask, render_template, request, websocket

app = Flask(__name__)

@app.get("/")
async def index():
    return f"one {os.getpid()}"

@app.get("/async/<int:number>")
async def fails(number):
    doubled = 2 * number
    await asyncio.sleep(0)
    check(doubled)

@app.get("/sync/<int:number>")
def fails_in_thread(number):
    doubled = 2 * number
    check(doubled)

def check(value):
    raise ValueError(f"not {value}")

@app.get("/page")
def page():
    return render_template("page.html")

@app.get("/stream")
async def stream():
    async def pieces():
        yield "begun"
        raise LookupError("the rest is lost")
    return pieces()

@app.websocket("/echo")
async def echo():
    await websocket.accept()
    while True:
        text = await websocket.receive()
        if text == "fail":
            raise LookupError("no such room")
        await websocket.send(text)

@app.websocket("/early")
async def early():
    raise LookupError("too early")

@app.get("/die")
def die():
    os._exit(7)
"""

SYNC = APP.replace("async def", "def").replace("await ", "").replace("@app.websocket", "@app.get")

LIVED = """
from costrel import Flask

app = Flask(__name__)
app.config["BACKGROUND_GRACE_S"] = None

@app.while_serving
async def pool():
    print("opened", flush=True)
    yield
    print("closed", flush=True)

async def tick():
    import asyncio
    print("ticking", flush=True)
    await asyncio.sleep(60)

@app.get("/")
async def index():
    app.add_background_task(tick)
    return "lived"
"""

HIDE = """
import sys
# As after a plain installation.
sys.modules["uvicorn"] = sys.modules["uvloop"] = None
import costrel.servers.interface
costrel.servers.interface.find_spec = lambda name: None
import costrel.cli
costrel.cli.main()
"""


@pytest.fixture
def debug(serve: t.Any, tmp_path: Path) -> t.Callable[..., t.Any]:
    """Write the application and serve it in debug mode; `way` is the server."""

    def start(*args: str, app: str = APP, way: str = "uvicorn") -> t.Any:
        (tmp_path / "app.py").write_text(SYNC if way == "wsgi" and app is APP else app)
        (tmp_path / "granian_only.py").write_text(HIDE)
        script = "granian_only.py" if way == "granian" else None
        server = serve("run", "--debug", "--port", "0", *args, script=script)
        server.wait_ready()
        if "--no-debugger" not in args:
            server.pin = server.wait_for(r"Debugger PIN: ([\d-]+)").group(1)
        return server

    return start


def ask(server: t.Any, path: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
    """Return status, body and headers of a GET."""
    connection = server.connect()
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body, response.headers


def shown(page: str) -> list[tuple[str, str]]:
    """Return the file and function of each frame on an error page."""
    frames = re.findall(
        r'class="filename">"(.+?)"</cite>.+?class="function">(.+?)</code>', page, re.DOTALL
    )
    return [(os.path.basename(file), function) for file, function in frames]


def ends(process: int) -> bool:
    """Wait until a process has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        # An orphan may stay as a zombie where nobody waits for it.
        with suppress(OSError):
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("way", ["uvicorn", "granian", "wsgi"])
def test_debug_page_begins_with_the_users_frames_and_evaluates_in_them(
    debug: t.Any, way: str
) -> None:
    """The PIN unlocks the console: for this machine's names, and for pages of this server."""
    server = debug(way=way)
    assert {"uvicorn": "uvicorn", "granian": "Granian", "wsgi": "Werkzeug"}[way] in server.output
    kind = "sync" if way == "granian" else "async"

    status, page, _headers = ask(server, f"/{kind}/21")
    secret = t.cast("re.Match[str]", re.search('SECRET = "(.+?)"', page)).group(1)
    frames = re.findall(r'id="frame-(\d+)"', page)
    view = "fails_in_thread" if kind == "sync" else "fails"

    assert status == 500
    assert "ValueError: not 42" in page
    assert "EVALEX = true" in page
    assert shown(page) == [("app.py", view), ("app.py", "check")]
    server.wait_for("ValueError: not 42")
    assert "serve/" not in server.output

    def evaluate(code: str, key: str = secret, **headers: str) -> tuple[int, str]:
        query = f"/?__debugger__=yes&cmd={quote(code)}&frm={frames[0]}&s={key}"
        return ask(server, query, **headers)[:2]

    def unlock(pin: str, **headers: str) -> t.Any:
        return ask(server, f"/?__debugger__=yes&cmd=pinauth&pin={pin}&s={secret}", **headers)

    assert "82" not in evaluate("doubled + 40")[1]
    assert '"auth": false' in unlock("000-000-000")[1]
    assert "auth" not in unlock(server.pin, Host="example.com")[1]
    assert "auth" not in unlock(server.pin, Origin="http://example.com")[1]
    unlocked = unlock(server.pin)
    assert '"auth": true' in unlocked[1]
    cookie = unlocked[2]["Set-Cookie"].partition(";")[0]

    assert "82" in evaluate("doubled + 40", Cookie=cookie)[1]
    assert view in evaluate("__import__('costrel').request.endpoint", Cookie=cookie)[1]
    assert "82" not in evaluate("doubled + 40", key="wrong", Cookie=cookie)[1]
    for headers in ({"Host": "example.com"}, {"Origin": "http://example.com"}):
        status, body = evaluate("doubled + 40", Cookie=cookie, **headers)
        assert "82" not in body
        assert status == 400
    foreign = ask(server, f"/{kind}/21", Host="example.com", Cookie=cookie)[1]
    assert "EVALEX = false" in foreign
    assert secret not in foreign
    assert server.stop() == 0


@pytest.mark.parametrize("way", ["uvicorn", "granian"])
def test_debug_stream_that_fails_breaks_off(debug: t.Any, way: str) -> None:
    """The client does not take it for complete; the terminal shows the user's frames once."""
    server = debug(way=way)

    with closing(server.connect()) as connection:
        connection.request("GET", "/stream")
        response = connection.getresponse()
        assert response.status == 200
        with pytest.raises((http.client.HTTPException, OSError)):
            response.read()
    server.wait_for("The response to '/stream' broke off")
    server.wait_for("LookupError: the rest is lost")

    assert server.stop() == 0
    assert server.output.count("Traceback") == 1
    assert "debugasgi" not in server.output


@pytest.mark.parametrize("way", ["uvicorn", "granian"])
def test_debug_sockets_work_and_say_what_failed(debug: t.Any, way: str) -> None:
    """The close carries the error and its line; the terminal shows the user's frames."""
    server = debug(way=way)
    url = server.url.replace("http", "ws")

    with connect(f"{url}/echo") as client:
        client.send("hello")
        assert client.recv() == "hello"
        client.send("fail")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
    with pytest.raises(InvalidStatus) as refused, connect(f"{url}/early"):
        pass

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
    assert closed.value.rcvd.reason.startswith("LookupError: no such room (app.py:")
    assert refused.value.response.status_code in {403, 500}
    server.wait_for("The WebSocket '/echo' was closed with 1011")
    server.wait_for("LookupError: no such room")
    server.wait_for("LookupError: too early")
    assert server.stop() == 0
    assert "costrel/serve" not in server.output
    assert "ASGI callable" not in server.output
    assert server.output.count("no such room") == 2


def test_debug_restart_ends_one_life_and_begins_another(debug: t.Any, tmp_path: Path) -> None:
    """What runs after serving runs before a restart, although a background task goes on."""
    server = debug(app=LIVED)
    assert server.get("/") == (200, "lived")
    server.wait_for("ticking")

    (tmp_path / "app.py").write_text(LIVED.replace('"lived"', '"again"'))
    server.wait_for("Detected change")
    server.wait_for("^closed$")
    server.wait_for("^opened$")
    server.wait_for("Restarted: uvicorn")

    assert server.get("/") == (200, "again")
    assert server.stop() == 0
    assert server.output.count("closed") == 2


SLOW_TO_END = """
import time
from costrel import Flask

app = Flask(__name__)

class Slow:
    def __del__(self, wait=time.sleep):
        wait(0.3)

slow = Slow()

@app.get("/")
async def index():
    return "slow"
"""


def test_debug_restarts_on_granian_do_not_abort(debug: t.Any, tmp_path: Path) -> None:
    """Its threads are still at work when the process of the application ends."""
    server = debug(app=SLOW_TO_END, way="granian")
    for restart in range(6):
        assert server.get("/") == (200, "slow")
        (tmp_path / "app.py").write_text(f"{SLOW_TO_END}# {restart}\n")
        server.wait_for("Restarted: Granian")

    assert server.stop() == 0
    assert "panicked" not in server.output


def test_debug_stops_on_granian_do_not_abort(debug: t.Any) -> None:
    """The exit status tells, without a reloader."""
    for _ in range(6):
        server = debug("--no-reload", app=SLOW_TO_END, way="granian")
        assert server.get("/") == (200, "slow")

        assert server.stop() == 0
        assert "panicked" not in server.output


OUTLASTED = """
import atexit
import threading
from costrel import Flask

app = Flask(__name__)
stopped = threading.Event()
# Not flushed.
atexit.register(print, "left")

@app.after_serving
def stop():
    stopped.set()

def outlast():
    stopped.wait()
    print("outlasted")

threading.Thread(target=outlast).start()
"""


@pytest.mark.parametrize("way", ["uvicorn", "granian"])
def test_debug_end_waits_for_threads_and_calls_atexit(debug: t.Any, way: str) -> None:
    """The application's process ends as any Python program does."""
    server = debug("--interface", "asgi", app=OUTLASTED, way=way)

    assert server.stop() == 0
    assert server.output.endswith("outlasted\nleft\n")


def test_debug_restarts_for_extra_files_and_reloads_templates(debug: t.Any, tmp_path: Path) -> None:
    """A template needs no restart; another file does if it is named."""
    (tmp_path / "templates").mkdir()
    template, extra = tmp_path / "templates" / "page.html", tmp_path / "rooms.txt"
    template.write_text("first")
    extra.write_text("")
    server = debug("--extra-files", str(extra))
    before = server.get("/")[1]

    assert server.get("/page") == (200, "first")
    template.write_text("second")
    assert server.get("/page") == (200, "second")
    assert server.get("/")[1] == before

    extra.write_text("more")
    server.wait_for("Restarted")

    assert server.get("/")[1] != before


STARTS_NOT = """
from costrel import Flask

app = Flask(__name__)

@app.before_serving
async def start():
    raise LookupError("no database")
"""

BREAKS = {
    "syntax": ("def broken(:\n", "SyntaxError"),
    "import": ("import to_be_written\n", "to_be_written"),
    "name": ("app = Flsk()\n", "Flsk"),
    "exit": ("import sys\nsys.exit('no database')\n", "no database"),
    "start": (
        STARTS_NOT,
        "no database",
    ),
}


@pytest.mark.parametrize("how", BREAKS)
def test_debug_server_recovers_with_the_next_save(debug: t.Any, tmp_path: Path, how: str) -> None:
    """Page and terminal show the error with its file; sockets are refused in the meantime."""
    server = debug()
    source, words = BREAKS[how]
    file = tmp_path / "app.py"

    file.write_text(source)
    server.wait_for("Restarted")
    assert words in server.output
    assert str(file) in server.output
    status, page = server.get("/")
    with pytest.raises(InvalidStatus), connect(f"{server.url.replace('http', 'ws')}/echo"):
        pass

    assert status == 500
    assert words in page
    assert str(file) in page
    assert "costrel/serve" not in page

    if how == "import":
        # The missing module is a new file.
        (tmp_path / "to_be_written.py").write_text("")
        server.wait_for("Restarted")
        assert "Failed to find" in server.get("/")[1]
    file.write_text(APP)
    server.wait_for("Restarted")

    assert server.get("/")[1].startswith("one ")
    assert server.stop() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("way", ["uvicorn", "granian", "wsgi"])
def test_debug_child_ends_with_its_parent(debug: t.Any, way: str) -> None:
    """Whatever ends the command, no process is left behind; a signal is no failure."""
    for how in ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"):
        server = debug(way=way)
        child = int(server.get("/")[1].split()[1])
        assert child != server.process.pid

        code = server.stop(signal.Signals[how])

        assert ends(child), how
        assert code == (-signal.SIGKILL if how == "SIGKILL" else 0)
        assert "Traceback" not in server.output


CLOSES_TERMINAL = """
import os, pty, re, sys
from urllib.request import ProxyHandler, build_opener

process, terminal = pty.fork()
if process == 0:
    os.execv(sys.executable, [sys.executable, "-m", "costrel", *sys.argv[1:]])
output = b""
while b"PIN" not in output:
    output += os.read(terminal, 4096)
url = re.search(r"http://[0-9.:]+", output.decode())[0]
serving = build_opener(ProxyHandler({})).open(url).read().split()[1]
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), int(serving), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
@pytest.mark.parametrize("how", ["--reload", "--no-reload"])
def test_debug_closed_terminal_ends_the_command(serve: t.Any, tmp_path: Path, how: str) -> None:
    """The terminal can't be written to any more; that is no failure."""
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "closes.py").write_text(CLOSES_TERMINAL)

    closes = serve("run", "--debug", "--port", "0", how, script="closes.py")
    status, serving = closes.wait_for(r"^(-?\d+) (\d+)$").groups()

    assert status == "0"
    assert ends(int(serving))


def test_debug_open_connections_do_not_delay_the_end(debug: t.Any) -> None:
    """A WebSocket is told that the server stops."""
    server = debug()
    with connect(f"{server.url.replace('http', 'ws')}/echo") as client:
        client.send("hello")
        assert client.recv() == "hello"
        assert server.stop() == 0
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


@pytest.mark.parametrize("way", ["uvicorn", "wsgi"])
def test_debug_child_that_dies_ends_the_command(debug: t.Any, way: str) -> None:
    """The parent says how it ended, and fails."""
    server = debug(way=way)
    with closing(server.connect()) as connection:
        connection.request("GET", "/die")

    assert server.wait_end() == 1
    assert re.search(
        r"Error: The process that serves the application \(PID \d+\) ended unexpectedly with"
        r" status 7\. Start the command again\.\n$",
        server.output,
    )
    assert "Traceback" not in server.output


def test_debug_child_that_dies_while_loading_ends_the_command(
    costrel_command: t.Any, tmp_path: Path
) -> None:
    """It is not started for ever."""
    (tmp_path / "app.py").write_text("import os\nos._exit(7)\n")

    result = costrel_command("run", "--debug", "--port", "0")

    assert result.returncode == 1
    assert "ended unexpectedly with status 7 while it was loading" in result.stderr
    assert "Running on" not in result.stdout


MISTAKES: dict[str, tuple[list[str], str, int, str]] = {
    "missing file": (["--app", "nothing"], "", 2, "Could not import 'nothing'"),
    "broken import": ([], "import nothing\n", 2, "No module named 'nothing'"),
    "syntax error": ([], "def broken(:\n", 1, "SyntaxError"),
    "exit": ([], "raise SystemExit('no database')\n", 1, "no database"),
    "startup": ([], BREAKS["start"][0], 1, "Error: The application could not be started"),
    "host": ([*"run --debug --host 192.0.2.7".split()], APP, 1, "is not an address of this"),
    "socket file": ([*"run --debug --host unix://a.sock".split()], APP, 1, "--interface wsgi"),
    "no folder": ([*"run --debug --host unix://no/a.sock".split()], APP, 1, "Cannot listen on"),
}


@pytest.mark.parametrize("reload", ["--reload", "--no-reload"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_debug_mistakes_end_with_a_sentence(
    costrel_command: t.Any, tmp_path: Path, mistake: str, reload: str
) -> None:
    """None shows code of ours, and none is reported as a success."""
    args, source, status, words = MISTAKES[mistake]
    (tmp_path / "app.py").write_text(source)
    if "run" not in args:
        args = [*args, "run", "--debug", "--port", "0"]

    result = costrel_command(*args, reload)

    assert result.returncode == status
    assert words in result.stderr
    assert "Error: " in result.stderr
    assert "costrel/servers" not in result.stderr
    assert "Running on" not in result.stdout


@pytest.mark.parametrize("reload", ["--reload", "--no-reload"])
def test_debug_port_in_use_says_so(costrel_command: t.Any, tmp_path: Path, reload: str) -> None:
    """The same line as without debug mode."""
    (tmp_path / "app.py").write_text(APP)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = costrel_command("run", "--debug", "--port", str(port), reload)

    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: Port {port} on 127.0.0.1 is in use")


def test_debug_interface_is_heeded(debug: t.Any) -> None:
    """WSGI for an application with WebSockets says what is missing."""
    server = debug("--interface", "wsgi")

    assert "Werkzeug" in server.output
    assert "cannot serve the WebSocket '/echo'. Use --interface asgi" in server.output
    assert server.get("/")[1].startswith("one ")
    assert server.stop() == 0

    server = debug("--interface", "asgi", app=SYNC)
    assert "over ASGI (as requested)" in server.output
    assert server.get("/")[1].startswith("one ")
    assert server.stop() == 0


@pytest.mark.parametrize("way", ["uvicorn", "granian"])
def test_debug_without_reloader_and_debugger_is_one_process(debug: t.Any, way: str) -> None:
    """The page says nothing; the terminal still shows the error."""
    server = debug("--no-reload", "--no-debugger", "--without-threads", way=way)

    assert server.get("/")[1] == f"one {server.process.pid}"
    status, page = server.get("/async/21")
    assert status == 500
    assert "not 42" not in page
    server.wait_for("ValueError: not 42")
    assert "PIN" not in server.output
    assert server.stop() == 0
    assert "SystemExit" not in server.output


@pytest.mark.parametrize("reload", ["--reload", "--no-reload"])
def test_debug_socket_file_serves_under_wsgi(serve: t.Any, tmp_path: Path, reload: str) -> None:
    """A file that an earlier server has left is replaced; the end removes it."""
    (tmp_path / "app.py").write_text(SYNC)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "a.sock"))
    for _ in range(2):
        server = serve("run", "--debug", "--host", "unix://a.sock", reload)
        server.wait_for("Running on unix://a.sock")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "a.sock"))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        assert b"one " in answer
        assert server.stop() == 0
        assert not (tmp_path / "a.sock").exists()


def test_app_run_says_that_it_serves_no_websockets(serve: t.Any, tmp_path: Path) -> None:
    """It names the command that does."""
    (tmp_path / "own.py").write_text(f"{APP}\napp.run(port=0)\n")
    server = serve(script="own.py")

    server.wait_for(r"app\.run\(\) cannot serve the WebSocket '/echo'\. .*: costrel run --debug$")


@pytest.mark.parametrize("way", ["uvicorn", "wsgi"])
@pytest.mark.parametrize("reload", ["--reload", "--no-reload"])
def test_debug_server_heeds_a_sigint_that_was_ignored(debug: t.Any, way: str, reload: str) -> None:
    """As it is in a command that a script starts with `&`."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        server = debug(reload, way=way)
    finally:
        signal.signal(signal.SIGINT, before)

    assert server.stop(signal.SIGINT) == 0
