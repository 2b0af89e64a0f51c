"""Cheap checks come before dear ones: what one refuses, costs nothing of the next."""

from __future__ import annotations

import asyncio
import typing as t

import pytest

from costrel import Costrel, session, websocket
from costrel.security import limit, limiter_of
from costrel.security.quotas import quotas_of
from costrel.sessions.stores.memory import MemoryStore

if t.TYPE_CHECKING:
    from conftest import Way

RATE = "2/hour"
COOKIE = {"Cookie": f"session={'a' * 43}; __Host-session={'a' * 43}"}


class Counting(MemoryStore):
    """A store that counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def get(self, *args: t.Any) -> t.Any:
        """Count a session that is read."""
        self.calls += 1
        return super().get(*args)


def make_app(store: Counting, **config: t.Any) -> Costrel:
    """Return an application whose views, hooks and parts use the session, each of them limited."""
    app = Costrel("order", static_folder=None)
    app.config.update(SESSION_STORE=store, TRUSTED_HOSTS=["localhost"], **config)

    @app.route("/sync", methods=["GET", "POST"])
    @limit(RATE)
    def sync() -> str:
        return str(session.get("a"))

    @app.route("/async", methods=["GET", "POST"])
    @limit(RATE)
    async def on_loop() -> str:
        return str(session.get("a"))

    @app.websocket("/socket")
    @limit(RATE)
    async def socket() -> None:
        await websocket.accept()
        await websocket.send(str(session.get("a")))

    return app


@pytest.fixture(params=["/sync", "/async"])
def view(request: pytest.FixtureRequest) -> str:
    """Run a test with a sync view and with a coroutine function."""
    return str(request.param)


@pytest.mark.parametrize("hooks", ["none", "sync", "async", "both"])
def test_limited_client_costs_no_read_of_its_session(way: Way, view: str, hooks: str) -> None:
    """Whatever runs before the view: none of it runs."""
    store = Counting()
    app = make_app(store)
    if hooks in {"sync", "both"}:

        @app.before_request
        def before() -> None:
            session.get("a")

    if hooks in {"async", "both"}:

        @app.before_request
        async def before_on_loop() -> None:
            session.get("a")

    for _ in range(2):
        assert way.ask(app, view, headers=COOKIE).status_code == 200
    assert store.calls == 2
    for _ in range(3):
        assert way.ask(app, view, headers=COOKIE).status_code == 429
    assert store.calls == 2


@pytest.mark.parametrize("where", ["handler", "after"])
def test_async_code_that_tells_of_a_refusal_still_has_the_session(way: Way, where: str) -> None:
    """It is read when that begins, and in a thread."""
    store = Counting()
    app = make_app(store)
    read = store.get

    def read_in_thread(*args: t.Any) -> t.Any:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return read(*args)

    store.get = read_in_thread  # type: ignore[method-assign]
    if where == "handler":

        @app.errorhandler(429)
        async def tell(_error: object) -> t.Any:
            return f"wait, {session.get('a')}", 429

    else:

        @app.after_request
        async def note(response: t.Any) -> t.Any:
            response.headers["X-Own"] = str(session.get("a"))
            return response

    found = [way.ask(app, "/async", headers=COOKIE).status_code for _ in range(3)]
    assert found == [200, 200, 429]
    assert store.calls == 3


def test_limited_websocket_costs_no_read_of_its_session() -> None:
    """Nor do the hooks that come after the checks."""
    store = Counting()
    app = make_app(store)

    @app.before_websocket
    async def before() -> None:
        session.get("a")

    async def main() -> list[t.Any]:
        client = app.async_test_client(use_cookies=False)
        found: list[t.Any] = []
        for _ in range(4):
            try:
                async with client.websocket("/socket", headers=COOKIE) as socket:
                    found.append(await socket.receive())
            except Exception as error:  # noqa: BLE001  what a client is told depends on the server
                found.append(type(error).__name__)
        return found

    found = asyncio.run(main())
    assert found[:2] == ["None", "None"]
    assert "None" not in found[2:]
    assert store.calls == 2


WRONG = (
    # What is wrong with a request, and what it is answered with: in the order of the checks.
    ({"query_string": "x" * 9_000}, 414),
    ({"headers": {"Content-Type": "application/json"}, "data": b'"' + b"x" * 99 + b'"'}, 413),
    # Such a request matches no view, so nothing that is a view's is asked.
    ({"headers": {"Host": "evil.example"}}, 400),
    ({}, 429),
    ({"headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
)


def merge(parts: t.Iterable[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Return the arguments of one request that has all of these faults."""
    merged: dict[str, t.Any] = {"headers": dict(COOKIE)}
    for part in parts:
        headers = {**merged["headers"], **part.get("headers", {})}
        merged = {**merged, **part, "headers": headers}
    return merged


@pytest.mark.parametrize("place", range(len(WRONG)))
def test_first_check_that_refuses_decides(way: Way, view: str, place: int) -> None:
    """Sizes, hosts, rates, forged requests; nothing of it reads a session."""
    store = Counting()
    app = make_app(store, MAX_JSON_SIZE=50)
    rates = limiter_of(app)
    name = view.removeprefix("/").replace("async", "on_loop")
    limited = WRONG[place][1] != 403
    while limited and rates.spend(name, quotas_of(RATE), "127.0.0.1")[0].allowed:
        pass
    response = way.ask(app, view, method="POST", **merge(part for part, _ in WRONG[place:]))
    assert response.status_code == WRONG[place][1]
    assert store.calls == 0


@pytest.mark.parametrize("place", range(3))
def test_request_that_is_refused_before_counts_for_no_rate(way: Way, view: str, place: int) -> None:
    """So a stranger's host, or a URL that is too long, uses up nobody's limit."""
    app = make_app(Counting(), MAX_JSON_SIZE=50)
    arguments = merge([WRONG[place][0]])
    for _ in range(4):
        assert way.ask(app, view, method="POST", **arguments).status_code == WRONG[place][1]
    assert way.ask(app, view).headers["RateLimit"].startswith('"2/hour";r=1;')
