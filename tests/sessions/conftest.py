"""Fixtures of stores: each kind, with real servers that the tests share."""

from __future__ import annotations

import itertools

import pytest
from storeservers import postgresql_server, redis_server

from costrel.sessions.stores import open_store

KINDS = ("memory", "file", "redis", "sqlite", "postgresql")
SHARED = tuple(kind for kind in KINDS if kind != "memory")

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def redis():
    """Run Redis for all tests of this process."""
    server = redis_server()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgresql():
    """Run PostgreSQL for all tests of this process."""
    server = postgresql_server()
    yield server
    server.remove()


@pytest.fixture
def url_of(request, tmp_path):
    """Return a function that makes the URL of an empty store of a kind."""

    def make(kind):
        if kind == "memory":
            return "memory:"
        if kind == "file":
            return f"file://{tmp_path}/sessions"
        if kind == "redis":
            server = request.getfixturevalue("redis")
            return f"{server.url}?prefix=test{next(_numbers)}"
        if kind == "sqlite":
            return f"sqlalchemy:sqlite:///{tmp_path}/sessions.db"
        server = request.getfixturevalue("postgresql")
        _empty(server)
        return f"sqlalchemy:{server.url}"

    return make


def _empty(server):
    """Drop the table that another test has left."""
    import sqlalchemy as sa

    engine = sa.create_engine(server.url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS costrel_sessions"))
    engine.dispose()


@pytest.fixture(params=KINDS)
def kind(request):
    """Run a test with each kind of store."""
    return request.param


@pytest.fixture(params=SHARED)
def shared_kind(request):
    """Run a test with each kind of store that several processes share."""
    return request.param


@pytest.fixture
def opened():
    """Return a function that opens a store, which is closed at the end."""
    stores = []

    def make(url):
        stores.append(open_store(url))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


class StoppedClock:
    """A clock that stands still until it is moved."""

    now = 1_800_000_000.0

    def __call__(self):
        """Return the time, as `time.time` does."""
        return self.now

    def move(self, seconds):
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock():
    """Return a clock for stores."""
    return StoppedClock()


@pytest.fixture
def store(kind, url_of, opened, clock):
    """Return an empty store of each kind, with a clock that stands still."""
    store = opened(url_of(kind))
    store.clock = clock
    return store
