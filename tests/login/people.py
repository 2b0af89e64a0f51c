"""An application with two users, and the fakes that its logins are given in tests."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from costrel import Flask, request
from costrel.login import (
    HashCost,
    Login,
    MemoryRememberStore,
    current_user,
    login_user,
    logout_user,
)

CHEAP = HashCost(time_cost=1, memory_kib=8, parallelism=1)
"""The least that Argon2 allows, so that tests don't take long."""


@dataclass
class User:
    """A user as an application may have it."""

    id: str
    is_active: bool = True
    password_hash: str = "a stored hash"

    def get_session_secret(self):
        return self.password_hash


class Clock:
    """A clock that tests set."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@dataclass
class Counted:
    """What the fake limiter says."""

    allowed: bool
    reset_s: float = 30.2


class Limiter:
    """Counts without end, and refuses what is over a number; the store is not asked."""

    def __init__(self):
        self.counts: dict[tuple[str, str, str], int] = {}

    def hit(self, name, limit, key):
        for each in limit.split(";"):
            place = (name, each.strip(), key)
            self.counts[place] = self.counts.get(place, 0) + 1
            if self.counts[place] > int(place[1].partition("/")[0]):
                return Counted(allowed=False)
        return Counted(allowed=True)

    def reset(self, name, key):
        for place in [place for place in self.counts if place[0] == name and place[2] == key]:
            del self.counts[place]


class App(t.NamedTuple):
    """An application, and what its logins are made of."""

    app: Flask
    login: Login[User]
    users: dict[str, User]
    clock: Clock
    store: MemoryRememberStore
    limiter: Limiter


def make(cls=Flask, load_user=None, **config):
    """Make an application with the views ``/login``, ``/logout`` and ``/who``."""
    app = cls(__name__)
    app.testing = True
    app.secret_key = "5f0c" * 16
    users = {name: User(name) for name in ("ada", "bob")}
    clock, store, limiter = Clock(), MemoryRememberStore(), Limiter()
    login: Login[User] = Login(
        app,
        load_user=load_user(users) if load_user else users.get,
        remember_store=store,
        limiter=limiter,
        clock=clock,
    )
    # Requests of the test clients come over HTTPS.
    app.config.update(LOGIN_HASH_COST=CHEAP, **{"PREFERRED_URL_SCHEME": "https", **config})

    @app.post("/login/<name>")
    def log_in(name):
        done = login_user(users[name], remember="remember" in request.args)
        return "in" if done else "refused"

    @app.post("/logout")
    def log_out():
        logout_user()
        return "out"

    @app.get("/who")
    def who():
        return current_user.id if current_user else "nobody"

    return App(app, login, users, clock, store, limiter)


def async_loader(users):
    """Make a coroutine function that finds users."""

    async def load_user(user_id):
        return users.get(user_id)

    return load_user


def cookie_of(client, name="__Host-remember"):
    """Return the value of a cookie that the client has, or None."""
    found = client.get_cookie(name)
    return None if found is None else found.value
