"""The commands, the systemd unit and the container of ``docs/deploying.md`` work."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml
from exchange import PATIENCE_S, eventually, fetch, free_port
from programs import Running, find_program
from proxy import DOCUMENT, documented

ROOT = DOCUMENT.parents[1]
SOURCES = {
    "app.py": """
from costrel import Flask
app = Flask(__name__)
app.config.from_prefixed_env()

@app.get("/")
@app.get("/health")
def index():
    return {"trusted": app.config["TRUSTED_PROXIES"]}
""",
    "shop.py": """
def create_app(name="default"):
    from costrel import Flask
    app = Flask(__name__)
    app.get("/")(lambda: name)
    return app
""",
}


def section(title):
    """Return a section of the page."""
    found = re.search(rf"^## {title}\n(.*?)^## ", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return found[1]


def commands(title):
    """Return the commands of a section that start servers."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if "8000" in line]


def on_port(command, port):
    """Return a command's words, with another port."""
    assert command.count("8000") == 1
    return shlex.split(command.replace("8000", str(port)))


@pytest.fixture
def place(tmp_path):
    """Return a folder with the applications, and with what the page writes to ``asgi.py``."""
    for name, source in SOURCES.items():
        (tmp_path / name).write_text(source)
    (asgi,) = (text for text in documented("python") if text.startswith("# asgi.py"))
    (tmp_path / "asgi.py").write_text(asgi)
    return tmp_path


def answer_of(command, place):
    """Start a server, and return its answer."""
    port = free_port()
    words = on_port(command, port)
    variables = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    running = Running(words, place, cwd=place, **variables)
    try:
        return running.wait_ready(port)
    finally:
        # Not told to stop: Granian does not hear that while one of its workers starts.
        running.kill()


@pytest.mark.parametrize("command", [*commands("Servers"), *commands("Application factories")])
def test_documented_command_serves(command, place):
    """Each command of the page starts a server, which answers."""
    answer = answer_of(command, place)
    assert answer.status == 200, answer.text
    if "production" in command:
        assert answer.text == "production"


# systemd


def unit():
    """Return the documented unit."""
    (text,) = documented("ini")
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str
    parsed.read_string(text)
    return text, parsed["Service"]


def test_unit_is_valid_for_systemd(tmp_path):
    """`systemd-analyze` finds nothing to complain about."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed; to install it: apt-get install systemd")
    text, service = unit()
    program = shlex.split(service["ExecStart"])[0]
    file = tmp_path / "shop.service"
    file.write_text(text.replace(program, find_program("costrel")).replace("/srv/shop", "/"))
    done = subprocess.run(
        [analyze, "verify", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "shop" in line]) == (
        0,
        [],
    )


def test_unit_starts_reloads_and_stops(place):
    """Its commands serve, take a new version over, and end with status 0."""
    _text, service = unit()
    program, *options = shlex.split(service["ExecStart"])
    assert program == f"{service['WorkingDirectory']}/.venv/bin/costrel"
    assert service["KillMode"] == "mixed"
    port = free_port()
    running = Running(
        ["costrel", *on_port(shlex.join(options), port)],
        place,
        cwd=place,
        FLASK_TRUSTED_PROXIES="1",
    )
    try:
        assert running.wait_ready(port).json == {"trusted": 1}
        source = place / "app.py"
        source.write_text(source.read_text().replace('"trusted"', '"new"'))
        reload = service["ExecReload"].replace("$MAINPID", str(running.process.pid))
        subprocess.run(shlex.split(reload), check=True)
        eventually({"new": 1}, lambda: fetch(port, "/").json)
        # As KillMode=mixed says: to the main process only.
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE_S) == 0
    finally:
        running.kill()


# Docker


def instructions():
    """Return the instructions of the documented Dockerfile, as pairs."""
    (text,) = documented("dockerfile")
    lines = text.replace("\\\n", "").splitlines()
    return [tuple(line.split(None, 1)) for line in lines if not line.startswith("#")]


def only(name):
    """Return the value of an instruction that is there once."""
    (value,) = (value for instruction, value in instructions() if instruction == name)
    return value


def test_dockerfile_drops_its_rights_before_it_serves():
    """And it names only what exists."""
    names = [name for name, _value in instructions()]
    assert names[0] == "FROM"
    assert names.index("USER") < names.index("CMD") == len(names) - 1
    assert "useradd" in dict(reversed(instructions()))["RUN"]
    assert only("USER") != "root"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """Do in a virtual environment what the Dockerfile does; return the folder."""
    place = tmp_path_factory.mktemp("image")
    (place / "app.py").write_text(SOURCES["app.py"])
    ignored = shutil.ignore_patterns(".*", "__pycache__", "conformance", "benchmarks")
    shutil.copytree(ROOT, place / "costrel", ignore=ignored)
    venv.create(place / ".venv", with_pip=True)
    binaries = place / ".venv" / "bin"
    # The dependencies come from where the tests run, so that nothing is downloaded.
    (library,) = (place / ".venv" / "lib").glob("python*/site-packages")
    (library / "tests.pth").write_text(sysconfig.get_path("purelib"))
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
    }
    (install,) = (v for name, v in instructions() if name == "RUN" and "pip" in v)
    copied = [value.split()[0] for name, value in instructions() if name == "COPY"]
    assert all((place / name).exists() for name in copied)
    subprocess.run(["sh", "-c", install], cwd=place, env=environment, check=True)
    return place, binaries, environment


def test_container_serves_and_its_health_check_sees_it(image):
    """The command serves on all addresses; the check succeeds only while it does."""
    place, binaries, environment = image
    port = free_port()
    check = json.loads(re.search(r"CMD (\[.*\])", only("HEALTHCHECK"))[1])
    check = [str(binaries / check[0]), *(word.replace("8000", str(port)) for word in check[1:])]
    words = [word.replace("8000", str(port)) for word in json.loads(only("CMD"))]
    assert str(port) in words
    (compose,) = map(yaml.safe_load, documented("yaml"))
    variables = compose["services"]["app"]["environment"]
    running = Running(
        [str(binaries / words[0]), *words[1:]],
        place,
        cwd=place,
        PYTHONPATH="",
        FLASK_TRUSTED_PROXIES=variables["FLASK_TRUSTED_PROXIES"],
    )
    try:
        assert running.wait_ready(port, "/health").json == {"trusted": 1}
        where = subprocess.run(
            [str(binaries / "python"), "-c", "import costrel; print(costrel.__file__)"],
            cwd=place / ".venv", env=environment, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        assert Path(where).is_relative_to(place / ".venv")
        assert subprocess.run(check, check=False).returncode == 0
    finally:
        running.stop()
    assert subprocess.run(check, check=False, stderr=subprocess.DEVNULL).returncode != 0


def test_compose_publishes_nginx_only():
    """It is YAML, and leads to the application through the documented nginx."""
    (compose,) = map(yaml.safe_load, documented("yaml"))
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    assert services["nginx"]["depends_on"]["app"]["condition"] == "service_healthy"
    (site,) = documented("nginx")
    for volume in services["nginx"]["volumes"]:
        _source, target, mode = volume.split(":")
        assert mode == "ro"
        assert target in site or target.startswith("/etc/nginx/conf.d/")
    used = set(services["app"]["environment"])
    assert used == {"FLASK_SECRET_KEY", "FLASK_TRUSTED_PROXIES"}
