"""Rate limits counted by a real Redis server, and through its outage."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from contextlib import closing

import pytest

from costrel import Costrel
from costrel.security import limit, limiter_of

PATIENCE_S = 30.0
SERVER = shutil.which("redis-server") or shutil.which("valkey-server") or "redis-server"


@pytest.fixture
def redis(tmp_path_factory):
    """Start a server on a Unix socket; give its process and its URL."""
    folder = tmp_path_factory.mktemp("redis")
    path = f"{folder}/socket"
    command = [SERVER, "--port", "0", "--unixsocket", path, "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + PATIENCE_S
        while not answers(path):
            assert process.poll() is None
            assert time.monotonic() < end
        yield process, f"redis+unix://{path}"
        process.kill()


def answers(path):
    """Whether a server listens on a Unix socket."""
    with closing(socket.socket(socket.AF_UNIX)) as client:
        try:
            client.connect(path)
        except OSError:
            return False
        return True


def make_app(url):
    """Make an application with a sync and an async view, each limited to three requests."""
    app = Costrel(__name__)
    app.config["RATE_LIMIT_STORE"] = url
    app.get("/", endpoint="index")(limit("3/hour; 10/day")(lambda: "hello"))

    @app.get("/async")
    @limit("3/hour")
    async def later():
        await asyncio.sleep(0)
        return "later"

    return app


def statuses(app, path, count):
    """Send requests; return their statuses."""
    client = app.test_client()
    return [client.get(path).status_code for _ in range(count)]


def test_processes_with_one_redis_count_together(redis):
    """Two applications of one name share a count, as worker processes do."""
    _process, url = redis
    first, second = make_app(url), make_app(url)

    assert statuses(first, "/", 2) == [200, 200]
    assert statuses(second, "/", 2) == [200, 429]
    assert statuses(first, "/", 1) == [429]


def test_client_of_redis_is_told_what_is_left(redis):
    """The fields are those that a store in memory has."""
    client = make_app(redis[1]).test_client()
    responses = [client.get("/") for _ in range(4)]

    assert responses[0].headers["RateLimit"] == '"3/hour";r=2;t=3600, "10/day";r=9;t=86400'
    assert 3_600 <= int(responses[3].headers["Retry-After"]) <= 7_200


def test_async_view_is_counted_in_redis(redis):
    """Over ASGI the store is asked in a thread."""
    app = make_app(redis[1])

    async def main():
        client = app.async_test_client()
        return [(await client.get("/async")).status_code for _ in range(4)]

    assert asyncio.run(main()) == [200, 200, 200, 429]


def test_attempts_in_redis_can_be_forgotten(redis):
    """`reset` gives a new start, for all processes."""
    limiters = [limiter_of(make_app(redis[1])) for _ in range(2)]
    for limiter in limiters:
        assert limiter.hit("login", "2/hour", "ada").allowed
    assert not limiters[0].hit("login", "2/hour", "ada").allowed

    limiters[1].reset("login", "ada")

    assert limiters[0].hit("login", "2/hour", "ada").remaining == 1


def test_outage_of_redis_is_borne(redis, caplog):
    """Once the server is gone, this process counts, and the log says so."""
    process, url = redis
    app = make_app(url)
    assert statuses(app, "/", 1) == [200]

    process.kill()
    process.wait()

    assert statuses(app, "/", 4) == [200, 200, 200, 429]
    assert caplog.text.count("RATE_LIMIT_ON_OUTAGE = 'memory'") == 1
