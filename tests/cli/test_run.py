"""``costrel run`` as a separate process, on Granian and in debug mode."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import typing as t
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import pytest

HELLO = """
from flask import Flask

app = Flask(__name__)

@app.get("/")
def index():
    return f"hello from {app.name}"
"""

FACTORY = """
from flask import Flask

def create_app(name, number=1):
    app = Flask(name)
    app.add_url_rule("/", view_func=lambda: f"{name} {number}")
    return app
"""

SLOW = """
import time
from flask import Flask

app = Flask(__name__)

@app.get("/slow")
def slow():
    print("in the view", flush=True)
    time.sleep(1)
    return "finished"
"""


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """Write an application that imports Flask to ``hello.py``."""
    file = tmp_path / "hello.py"
    file.write_text(HELLO)
    return file


@pytest.mark.usefixtures("hello")
def test_run_serves_a_file_that_imports_flask(serve: t.Any) -> None:
    """An unchanged Flask file is served, and its class is Costrel's."""
    server = serve("--app", "hello", "run", "--port", "0")
    server.wait_ready()

    assert server.get("/") == (200, "hello from hello")
    assert server.stop() == 0


@pytest.mark.usefixtures("hello")
def test_run_banner_names_app_server_and_how_to_stop(serve: t.Any) -> None:
    """The banner shows the application, the server, the URL and how to stop."""
    server = serve("--app", "hello", "run", "--port", "0", "--workers", "2", "--threads", "3")
    server.wait_for("CTRL")

    assert " * Serving Costrel app 'hello'\n" in server.output
    assert " * Debug mode: off\n" in server.output
    assert ": 2 workers with 3 threads each\n" in server.output
    assert " * Running on http://127.0.0.1:" in server.output
    assert "Press CTRL+C to quit\n" in server.output
    assert server.stop() == 0


def test_run_without_app_option_finds_app_py(serve: t.Any, tmp_path: Path) -> None:
    """An ``app.py`` in the current directory is found without an option."""
    (tmp_path / "app.py").write_text(HELLO)
    server = serve("run", "--port", "0")
    server.wait_ready()

    assert server.get("/") == (200, "hello from app")
    assert "Serving Costrel app 'app'" in server.output


def test_run_factory_with_arguments_passes_them(serve: t.Any, tmp_path: Path) -> None:
    """A factory of a module in a package gets the literals written after its name."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "mod.py").write_text(FACTORY)
    server = serve("--app", "pkg.mod:create_app('x', number=7)", "run", "--port", "0")
    server.wait_ready()

    assert server.get("/") == (200, "x 7")


def test_run_flask_app_variable_names_the_app(serve: t.Any, tmp_path: Path) -> None:
    """`FLASK_APP` and `FLASK_RUN_PORT` replace the options."""
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "shop.py").write_text(HELLO)
    server = serve("run", FLASK_APP="src/shop.py", FLASK_RUN_PORT="0")
    server.wait_ready()

    assert server.get("/") == (200, "hello from shop")


def test_run_custom_script_serves_its_factory(tmp_path: Path, serve: t.Any) -> None:
    """A custom `FlaskGroup` serves the result of its factory, even a nested function."""
    (tmp_path / "wiki.py").write_text(
        "from costrel import Flask\n"
        "from costrel.cli import FlaskGroup\n"
        "def main():\n"
        "    def create_app():\n"
        "        app = Flask('wiki')\n"
        "        app.add_url_rule('/', view_func=lambda: 'wiki page')\n"
        "        return app\n"
        "    FlaskGroup(create_app=create_app).main()\n"
        "if __name__ == '__main__':\n"
        "    main()\n"
    )
    server = serve("run", "--port", "0", script="wiki.py")
    server.wait_ready()

    assert server.get("/") == (200, "wiki page")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_run_stopped_during_a_request_finishes_it(
    serve: t.Any, tmp_path: Path, how: signal.Signals
) -> None:
    """After a signal, the request in flight gets its whole response; then the exit is clean."""
    (tmp_path / "slow.py").write_text(SLOW)
    server = serve("--app", "slow", "run", "--port", "0")
    server.wait_ready()
    answers: list[tuple[int, str]] = []
    client = threading.Thread(target=lambda: answers.append(server.get("/slow")))
    client.start()
    server.wait_for("in the view")

    code = server.stop(how)
    client.join()

    assert answers == [(200, "finished")]
    assert code == 0
    assert " * Stopping" in server.output


def test_run_stop_timeout_cuts_off_what_takes_longer(serve: t.Any, tmp_path: Path) -> None:
    """A request that outlasts ``--stop-timeout`` does not keep the server from ending."""
    (tmp_path / "slow.py").write_text(SLOW.replace("time.sleep(1)", "time.sleep(60)"))
    server = serve("--app", "slow", "run", "--port", "0", "--stop-timeout", "1")
    server.wait_ready()
    connection = server.connect()
    connection.request("GET", "/slow")
    server.wait_for("in the view")

    assert server.stop() == 0
    connection.close()


def test_run_second_signal_stops_at_once(serve: t.Any, tmp_path: Path) -> None:
    """A second CTRL+C does not wait for requests in flight."""
    (tmp_path / "slow.py").write_text(SLOW.replace("time.sleep(1)", "time.sleep(60)"))
    server = serve("--app", "slow", "run", "--port", "0", "--stop-timeout", "60")
    server.wait_ready()
    connection = server.connect()
    connection.request("GET", "/slow")
    server.wait_for("in the view")
    server.process.send_signal(signal.SIGINT)
    server.wait_for("Stopping")

    assert server.stop(signal.SIGINT) == 0
    connection.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a worker that is terminated ends at once")
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_run_worker_told_to_stop_again_and_again_ends(
    serve: t.Any, tmp_path: Path, interface: str
) -> None:
    """A worker that gets many signals while it stops still answers its request and ends."""
    (tmp_path / "slow.py").write_text(
        SLOW.replace('"in the view"', 'f"in the view of {os.getpid()}"') + "import os\n"
    )
    hide = "import sys\nsys.modules['uvicorn'] = None\nimport costrel.cli\ncostrel.cli.main()\n"
    (tmp_path / "without_uvicorn.py").write_text(hide)
    server = serve(
        *("--app", "slow", "run", "--port", "0", "--interface", interface),
        script="without_uvicorn.py",
    )
    server.wait_ready()
    answers: list[tuple[int, str]] = []
    client = threading.Thread(target=lambda: answers.append(server.get("/slow")))
    client.start()
    worker = int(server.wait_for(r"in the view of (\d+)").group(1))

    server.process.send_signal(signal.SIGTERM)
    with suppress(ProcessLookupError):
        for _ in range(50_000):
            os.kill(worker, signal.SIGTERM)
            time.sleep(0.0002)
    code = server.wait_end()
    client.join()

    assert answers == [(200, "finished")]
    assert code == 0
    assert f"{'under' if interface == 'wsgi' else 'over'} {interface.upper()}" in server.output


def test_run_worker_that_dies_is_replaced(serve: t.Any, tmp_path: Path) -> None:
    """A worker process that crashes is replaced."""
    (tmp_path / "crash.py").write_text(
        HELLO + "\n@app.get('/die')\ndef die():\n    import os\n    os._exit(3)\n"
    )
    server = serve("--app", "crash", "run", "--port", "0")
    server.wait_ready()
    connection = server.connect()
    connection.request("GET", "/die")
    server.wait_for(r"Worker 1 \(PID \d+\) ended unexpectedly with status 3")

    assert server.get("/") == (200, "hello from crash")
    assert server.stop() == 0
    connection.close()


@pytest.mark.usefixtures("hello")
def test_run_access_log_writes_a_line_per_request(serve: t.Any) -> None:
    """``--access-log`` prints one line; a path cannot start another."""
    server = serve("--app", "hello", "run", "--port", "0", "--access-log")
    server.wait_ready()
    server.get("/?page=2")
    server.wait_for(r'^127\.0\.0\.1 \[.+\] "GET /\?page=2 HTTP/1\.1" 200 \d+\.\d ms [\w-]{36}$')
    server.get("/a%0Ab%1b")

    server.wait_for(r'"GET /a%0Ab%1B HTTP/1\.1" 404 ')


@pytest.mark.usefixtures("hello")
def test_run_without_access_log_prints_nothing_per_request(serve: t.Any) -> None:
    """By default requests leave no trace in the output."""
    server = serve("--app", "hello", "run", "--port", "0")
    server.wait_ready()
    server.get("/")
    server.stop()

    assert "GET" not in server.output


@pytest.mark.usefixtures("hello")
def test_run_port_in_use_says_so_in_one_line(costrel_command: t.Any) -> None:
    """If the port is taken, the command exits with 1 and says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = costrel_command("--app", "hello", "run", "--port", str(port))

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"Error: Port {port} on 127.0.0.1 is in use by another program. Stop that program, or"
        f" choose another port: --port {port + 1}\n"
    )


@pytest.mark.usefixtures("hello")
def test_run_port_of_another_run_counts_as_in_use(serve: t.Any, costrel_command: t.Any) -> None:
    """Two servers never share a port, although the workers of one do."""
    server = serve("--app", "hello", "run", "--port", "0", "--workers", "2")
    port = server.wait_ready().rpartition(":")[2]

    result = costrel_command("--app", "hello", "run", "--port", port)

    assert result.returncode == 1
    assert "is in use" in result.stderr


def test_run_app_that_raises_is_shown_once(costrel_command: t.Any, tmp_path: Path) -> None:
    """An error in the app's module is shown once, from the app's own line on."""
    (tmp_path / "broken.py").write_text("def start():\n    return 1 / 0\n\nstart()\n")

    result = costrel_command("--app", "broken", "run", "--port", "0", "--workers", "2")

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: The application could not be loaded.\n\nTraceback")
    assert result.stderr.count("ZeroDivisionError") == 1
    assert result.stderr.count("  File ") == 2


def test_run_with_a_wrong_trusted_proxies_does_not_start(
    costrel_command: t.Any, tmp_path: Path
) -> None:
    """The error says what to write, before any request fails with it."""
    (tmp_path / "trusting.py").write_text(
        "from costrel import Flask\napp = Flask(__name__)\napp.config['TRUSTED_PROXIES'] = 'one'\n"
    )

    result = costrel_command("--app", "trusting", "run", "--port", "0")

    assert result.returncode == 1
    assert result.stderr.startswith("Error: TRUSTED_PROXIES is 'one'. Set it to the number of")


@pytest.mark.parametrize("trusted", [0, 1])
@pytest.mark.parametrize("interface", ["auto", "wsgi", "asgi"])
def test_run_says_what_the_proxy_has_to_drop(
    serve: t.Any, tmp_path: Path, interface: str, trusted: int
) -> None:
    """Under WSGI, ``X_Forwarded_For`` can't be told apart; over ASGI it is left out."""
    (tmp_path / "trusting.py").write_text(
        "from costrel import Flask, request\napp = Flask(__name__)\n"
        f"app.config['TRUSTED_PROXIES'] = {trusted}\n"
        "app.add_url_rule('/', view_func=lambda: str(request.remote_addr))\n"
    )
    server = serve("--app", "trusting", "run", "--port", "0", "--interface", interface)
    server.wait_ready()

    with closing(server.connect()) as connection:
        connection.request("GET", "/", headers={"X_Forwarded_For": "6.6.6.6"})
        client = connection.getresponse().read().decode()

    assert server.stop() == 0
    is_confused = bool(trusted) and interface != "asgi"
    assert server.output.count("header names with underscores") == is_confused
    assert client == ("6.6.6.6" if is_confused else "127.0.0.1")


def test_run_import_error_names_the_missing_module(costrel_command: t.Any, tmp_path: Path) -> None:
    """A failing import in the app's module is not reported as a missing app."""
    (tmp_path / "needy.py").write_text("import not_installed\n")

    result = costrel_command("--app", "needy", "run", "--port", "0")

    assert result.returncode == 2
    assert "While importing 'needy', an ImportError was raised" in result.stderr
    assert "No module named 'not_installed'" in result.stderr
    assert "granian" not in result.stderr


def test_run_missing_app_explains_how_to_name_it(costrel_command: t.Any) -> None:
    """Without any app the error says what to write."""
    result = costrel_command("run", "--port", "0")

    assert result.returncode == 2
    assert "'--app' option" in result.stderr
    assert "Serving" not in result.stdout


def test_run_worker_that_vanishes_while_loading_ends_the_command(
    costrel_command: t.Any, tmp_path: Path
) -> None:
    """A module that ends the process is an error, not a server that waits forever."""
    (tmp_path / "gone.py").write_text("import os\nos._exit(7)\n")

    result = costrel_command("--app", "gone", "run", "--port", "0")

    assert result.returncode == 1
    assert "ended unexpectedly with status 7 while it was loading" in result.stderr


def test_run_stopped_while_the_app_loads_does_not_wait(serve: t.Any, tmp_path: Path) -> None:
    """SIGTERM during a slow import ends the command at once."""
    (tmp_path / "sleepy.py").write_text(
        "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    )
    server = serve("--app", "sleepy", "run", "--port", "0", "--stop-timeout", "60")
    server.wait_for("importing")

    assert server.stop() == 0


@pytest.mark.usefixtures("hello")
def test_run_options_for_debug_mode_only_are_pointed_out(serve: t.Any) -> None:
    """Reloader options without ``--debug`` are accepted with a note that they do nothing."""
    server = serve("--app", "hello", "run", "--port", "0", "--reload", "--no-debugger")
    server.wait_ready()

    assert " * Note: --reload has no effect without --debug.\n" in server.output
    assert "--debugger" not in server.output


@pytest.mark.usefixtures("hello")
def test_run_without_threads_means_one(serve: t.Any, costrel_command: t.Any) -> None:
    """``--without-threads`` serves with one thread and conflicts with another number."""
    server = serve("--app", "hello", "run", "--port", "0", "--without-threads")
    server.wait_ready()
    result = costrel_command("--app", "hello", "run", "--without-threads", "--threads", "4")

    assert "1 worker with 1 thread\n" in server.output
    assert result.returncode == 2
    assert "--threads 4" in result.stderr


@pytest.mark.usefixtures("hello")
def test_run_unknown_host_is_explained(costrel_command: t.Any) -> None:
    """A host that is not an address gives one line, not a traceback."""
    result = costrel_command("--app", "hello", "run", "--host", "no such host")

    assert result.returncode == 1
    assert result.stderr.startswith("Error: --host 'no such host' is not an address")


@pytest.mark.usefixtures("hello")
def test_run_adhoc_certificate_without_debug_names_the_alternative(
    costrel_command: t.Any, tmp_path: Path
) -> None:
    """``adhoc`` is for debug mode; the error says what to use instead."""
    (tmp_path / "cryptography.py").touch()

    result = costrel_command("--app", "hello", "run", "--cert", "adhoc", PYTHONPATH=str(tmp_path))

    assert result.returncode == 2
    assert "--cert cert.pem --key key.pem" in result.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
@pytest.mark.usefixtures("hello")
def test_run_certificate_files_serve_https(serve: t.Any, tmp_path: Path) -> None:
    """Certificate and key files make the server speak HTTPS."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )  # fmt: skip
    server = serve("--app", "hello", "run", "--port", "0", "--cert", "cert.pem", "--key", "key.pem")
    url = server.wait_ready()
    server.wait_for("CTRL")
    context = ssl.create_default_context(cafile=cert)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )

    with opener.open(url, timeout=20) as response:
        assert response.read() == b"hello from hello"
    assert url.startswith("https://")


@pytest.mark.usefixtures("hello")
def test_run_unusable_certificate_is_explained(costrel_command: t.Any, hello: Path) -> None:
    """Files that are not a certificate give one line."""
    result = costrel_command("--app", "hello", "run", "--cert", str(hello), "--key", str(hello))

    assert result.returncode == 1
    assert result.stderr.startswith("Error: The certificate ")
    assert "Traceback" not in result.stderr


def test_run_replaced_banner_is_respected(serve: t.Any, tmp_path: Path) -> None:
    """If the banner is rebound on the ``cli`` module, ours is not shown."""
    (tmp_path / "quiet.py").write_text(
        "import costrel.cli\n"
        "from costrel.compat import install_as_flask\n"
        "install_as_flask()\n"
        "import flask.cli\n"
        "flask.cli.show_server_banner = lambda *args, **kwargs: print('mine', args)\n"
        "costrel.cli.main()\n"
    )
    (tmp_path / "hello.py").write_text(HELLO)
    server = serve("--app", "hello", "run", "--port", "0", script="quiet.py")
    server.wait_ready()

    assert "mine (False, 'hello')\n" in server.output
    assert "Serving Costrel app" not in server.output


FAILING = (
    HELLO
    + """
@app.get("/fail")
def fail():
    raise ValueError("seen in the debugger")
"""
)


def test_debug_run_shows_errors_in_the_debugger(serve: t.Any, tmp_path: Path) -> None:
    """Debug mode serves with Werkzeug's debugger, which prints its PIN."""
    (tmp_path / "hello.py").write_text(FAILING)
    server = serve("--app", "hello", "run", "--debug", "--port", "0")
    server.wait_ready()
    server.wait_for(r"Debugger PIN: \d+-\d+-\d+")

    status, page = server.get("/fail")

    assert server.get("/") == (200, "hello from hello")
    assert status == 500
    assert "seen in the debugger" in page
    assert "EVALEX = true" in page
    assert server.output.count("Serving Costrel app 'hello'") == 1
    assert server.output.count("Debug mode: on") == 1


def test_debug_variable_without_reloader_and_debugger(serve: t.Any, tmp_path: Path) -> None:
    """`FLASK_DEBUG` is enough; reloader and debugger can be switched off."""
    (tmp_path / "hello.py").write_text(FAILING)
    server = serve(
        "--app", "hello", "run", "--port", "0", "--no-reload", "--no-debugger", FLASK_DEBUG="1"
    )
    server.wait_ready()

    status, page = server.get("/fail")

    assert status == 500
    assert "EVALEX" not in page
    assert "Restarting" not in server.output


@pytest.mark.parametrize(
    ("args", "environ", "lines"),
    [
        ([], {}, ["FLASK_DEBUG in {folder}/.env:2", "remove that, or set COSTREL_ENV=production"]),
        ([], {"FLASK_DEBUG": "1"}, ["Debug mode is on by FLASK_DEBUG\n", "unset that."]),
        (["--debug"], {"COSTREL_ENV": "production"}, ["Debug mode: on", "leave out --debug."]),
        ([], {"COSTREL_ENV": "production"}, ["Debug mode: off"]),
    ],
)
def test_what_turns_debug_mode_on_is_named(
    serve: t.Any, tmp_path: Path, args: list[str], environ: dict[str, str], lines: list[str]
) -> None:
    """A file does not where the environment is named, and is named with its line otherwise."""
    (tmp_path / "hello.py").write_text(HELLO)
    (tmp_path / ".env").write_text("\nFLASK_DEBUG=1\n")
    server = serve("--app", "hello", "run", "--port", "0", *args, **environ)
    server.wait_ready()

    for line in lines:
        assert line.format(folder=tmp_path) in server.output
    assert ("For development only" in server.output) is ("Debug mode: on" in server.output)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("raise RuntimeError('half written')\n", "RuntimeError: half written"),
        ("half written\n", "SyntaxError: "),
    ],
)
def test_debug_run_change_of_the_code_restarts(
    serve: t.Any, tmp_path: Path, code: str, error: str
) -> None:
    """A change is served after a restart; an error is shown, and the next change fixes it.

    The terminal and the page name the file, and begin at the user's code.
    """
    file = tmp_path / "hello.py"
    file.write_text(HELLO)
    server = serve("--app", "hello", "run", "--debug", "--port", "0")
    server.wait_ready()
    server.wait_for("Debugger PIN")
    # The reloader misses a change made before it has first seen the file: save again.
    file.write_text(code)
    server.wait_for(error, nudge=file.touch)
    server.wait_for("Debugger PIN")
    broken = server.get("/")
    file.write_text(HELLO.replace("hello from", "again from"))
    server.wait_for("Debugger PIN", nudge=file.touch)

    assert f'File "{file}", line 1' in server.output
    assert broken[0] == 500
    assert error in broken[1]
    assert "half written" in broken[1]
    for shown in (server.output, broken[1]):
        assert "discovery.py" not in shown
        assert "debugserver.py" not in shown
    assert server.get("/") == (200, "again from hello")


def test_debug_run_broken_app_fails_at_once(costrel_command: t.Any, tmp_path: Path) -> None:
    """An error at the first start ends the command."""
    (tmp_path / "broken.py").write_text("1 / 0\n")

    result = costrel_command("--app", "broken", "run", "--debug", "--port", "0")

    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr


@pytest.mark.usefixtures("hello")
def test_debug_run_on_all_addresses_warns(serve: t.Any) -> None:
    """There is a warning if other machines can reach the debugger."""
    server = serve("--app", "hello", "run", "--debug", "--host", "0.0.0.0", "--port", "0")  # noqa: S104

    server.wait_for("WARNING: --host 0.0.0.0 opens the interactive debugger to the network")


@pytest.mark.usefixtures("hello")
def test_debug_run_options_of_serving_are_pointed_out(serve: t.Any) -> None:
    """``--workers`` with ``--debug`` is accepted with one note that it does nothing."""
    options = "--debug --port 0 --workers 2 --extra-files not/here.txt"
    server = serve("--app", "hello", "run", *options.split())
    server.wait_ready()
    server.stop()

    notes = [line for line in server.seen if "Note" in line]
    assert notes == [
        " * Note: --workers has no effect together with --debug.\n",
        " * Note: --extra-files: not/here.txt does not exist.\n",
    ]


@pytest.mark.usefixtures("hello")
def test_debug_run_options_of_the_reloader_are_pointed_out(serve: t.Any) -> None:
    """``--extra-files`` without the reloader does nothing."""
    options = "--debug --port 0 --no-reload --extra-files hello.py"
    server = serve("--app", "hello", "run", *options.split())
    server.wait_ready()

    assert " * Note: --extra-files has no effect together with --no-reload.\n" in server.output


@pytest.mark.usefixtures("hello")
def test_run_socket_file_is_explained(costrel_command: t.Any) -> None:
    """It is no unknown host: it needs other options."""
    result = costrel_command("--app", "hello", "run", "--host", "unix://a.sock")

    assert result.returncode == 2
    assert "works only with --debug and --interface wsgi" in result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGHUP is a POSIX signal")
@pytest.mark.usefixtures("hello")
def test_run_workers_are_processes_of_their_own(serve: t.Any, tmp_path: Path) -> None:
    """The app is imported by each worker and never by the parent."""
    (tmp_path / "hello.py").write_text(
        # Written in one piece, because both write at the same time.
        HELLO + "\nimport os\nos.write(1, b'imported by %d\\n' % os.getpid())\n"
    )
    server = serve("--app", "hello", "run", "--port", "0", "--workers", "2")
    pids = {int(server.wait_for(r"imported by (\d+)").group(1)) for _ in range(2)}

    assert len(pids) == 2
    assert server.process.pid not in pids


OUTLIVES_TERMINAL = """
import os, pty, re, signal, sys
from urllib.request import ProxyHandler, build_opener

process, terminal = pty.fork()
if process == 0:
    os.execv(sys.executable, [sys.executable, "-m", "costrel", *sys.argv[1:]])
output = b""
while b"CTRL+C" not in output:
    output += os.read(terminal, 4096)
url = re.search(r"http://[0-9.:]+", output.decode())[0]
os.close(terminal)
body = build_opener(ProxyHandler({})).open(url).read().decode()
os.kill(process, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), body, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="terminals of POSIX")
@pytest.mark.usefixtures("hello")
def test_run_outlives_its_terminal_and_still_ends_well(serve: t.Any, tmp_path: Path) -> None:
    """Its last line can't be written any more; that is no failure."""
    (tmp_path / "outlives.py").write_text(OUTLIVES_TERMINAL)

    outlives = serve(*"--app hello run --access-log --port 0".split(), script="outlives.py")

    assert outlives.wait_for(r"^(-?\d+) hello").group(1) == "0"
