"""Where rate limits are counted: sliding windows in memory, a store elsewhere, and its outages."""

from __future__ import annotations

import threading
from random import Random

import pytest
from limits.errors import StorageError

from costrel import Costrel
from costrel.security import limit, limiter_of
from costrel.security.limiter import PAUSE_S, Limiter
from costrel.security.quotas import quotas_of
from costrel.security.windows import MemoryWindows


class Clock:
    """A clock that a test turns."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """Time that passes only when the test says so."""
    return Clock()


def hits(limiter, count, text="10/minute", key="ada", cost=1):
    """Hit a limit so many times; return how many were allowed."""
    return sum(limiter.hit("name", text, key, cost).allowed for _ in range(count))


def test_window_slides(clock):
    """There is no moment at which a client may send twice its limit."""
    limiter = Limiter(clock=clock)
    clock.now += 1
    assert hits(limiter, 12) == 10

    # The window began with the first request; at its end nothing is free yet.
    clock.now += 60
    assert hits(limiter, 12) == 0
    clock.now += 6.1
    assert hits(limiter, 12) == 2
    clock.now += 23.9
    assert hits(limiter, 12) == 3
    clock.now += 200
    assert hits(limiter, 12) == 10


def test_refused_client_may_come_again_when_it_was_told_to(clock):
    """``reset_s`` is enough, and not much more than enough."""
    limiter = Limiter(clock=clock)
    hits(limiter, 10)
    for pause in (0, 25, 61, 75, 0, 3):
        clock.now += pause
        status = limiter.hit("name", "10/minute", "ada")
        while status.allowed:
            status = limiter.hit("name", "10/minute", "ada")
        clock.now += status.reset_s
        assert limiter.hit("name", "10/minute", "ada").allowed
        hits(limiter, 20)


def test_refused_request_is_not_counted(clock):
    """A client that asks on and on gets in as early as one that waits."""
    limiter = Limiter(clock=clock)
    hits(limiter, 1_000)
    clock.now += 67

    assert hits(limiter, 1) == 1


def test_request_that_costs_more_than_the_limit_is_never_allowed(clock):
    """It waits for a window, and is refused again."""
    limiter = Limiter(clock=clock)
    status = limiter.hit("name", "10/minute", "ada", cost=11)

    assert (status.allowed, status.remaining, status.reset_s) == (False, 10, 61)


def test_costly_request_waits_until_there_is_room_for_it(clock):
    """``reset_s`` is about such a request, not about one that costs less."""
    limiter = Limiter(clock=clock)
    hits(limiter, 8)
    status = limiter.hit("name", "10/minute", "ada", cost=5)
    assert (status.allowed, status.remaining) == (False, 2)

    clock.now += status.reset_s

    assert limiter.hit("name", "10/minute", "ada", cost=5).allowed


def test_number_of_keys_in_memory_is_bounded(clock):
    """However many clients come, the store holds no more than its greatest number."""
    store = MemoryWindows(most_keys=50, clock=clock)
    for number in range(1_000):
        store.acquire_sliding_window_entry(f"key {number}", 5, 60)

    assert len(store) == 50


def test_keys_that_are_over_are_forgotten(clock):
    """Those whose windows have passed make room one after the other."""
    store = MemoryWindows(clock=clock)
    for number in range(100):
        store.acquire_sliding_window_entry(f"old {number}", 5, 60)
    clock.now += 121
    for number in range(50):
        store.acquire_sliding_window_entry(f"new {number}", 5, 60)

    assert len(store) == 50


def test_threads_count_exactly():
    """Concurrent requests are never allowed more than the limit."""
    limiter = Limiter()
    allowed = []
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        allowed.append(hits(limiter, 100, "150/hour"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(allowed) == 150


class Store:
    """A store on the network that a test takes down."""

    def __init__(self, clock):
        self.inner = MemoryWindows(clock=clock)
        self.is_down = False
        self.asked = 0

    def acquire_sliding_window_entry(self, *args):
        self.asked += 1
        if self.is_down:
            raise StorageError(ConnectionError("no route"))
        return self.inner.acquire_sliding_window_entry(*args)

    def get_sliding_window(self, *args):
        return self.inner.get_sliding_window(*args)

    def clear_sliding_window(self, *args):
        if self.is_down:
            raise StorageError(ConnectionError("no route"))
        self.inner.clear_sliding_window(*args)


@pytest.fixture
def store(clock, monkeypatch):
    """Let every URL lead to one store, which can be taken down."""
    found = Store(clock)

    class Strategy:
        storage = found

        def hit(self, item, *names, cost):
            key = item.key_for(*names)
            return found.acquire_sliding_window_entry(key, item.amount, item.get_expiry(), cost)

        def clear(self, item, *names):
            found.clear_sliding_window(item.key_for(*names), item.get_expiry())

    def open_store(self):
        self._errors = (StorageError,)
        return Strategy()

    monkeypatch.setattr(Limiter, "_open", open_store)
    return found


def test_limiters_of_one_store_count_together(store, clock):
    """Two processes with one store have one count, and one may forget it for both."""
    first, second = (Limiter("redis://one", clock=clock) for _ in range(2))

    assert (hits(first, 6), hits(second, 6)) == (6, 4)
    second.reset("name", "ada")
    assert hits(first, 6) == 6


@pytest.mark.parametrize(("on_outage", "allowed"), [("memory", 10), ("allow", 15), ("refuse", 0)])
def test_outage_is_handled_as_it_is_set(store, clock, caplog, on_outage, allowed):
    """Counting in memory, allowing or refusing; one line of the log, and no request waits long."""
    limiter = Limiter("redis://one", on_outage, clock=clock)
    store.is_down = True

    assert hits(limiter, 15) == allowed
    assert store.asked == 1
    assert caplog.text.count("RATE_LIMIT_STORE") == 1
    assert f"RATE_LIMIT_ON_OUTAGE = '{on_outage}'" in caplog.text


def test_store_that_is_back_is_used_again(store, clock):
    """After a pause it is asked again."""
    limiter = Limiter("redis://one", clock=clock)
    store.is_down = True
    assert hits(limiter, 3) == 3
    limiter.reset("name", "ada")

    store.is_down = False
    clock.now += PAUSE_S

    assert hits(limiter, 15) == 10
    assert store.asked == 16


@pytest.mark.usefixtures("store")
def test_view_answers_503_if_an_outage_refuses(store):
    """With ``refuse``, the client is told to come again soon."""
    app = Costrel(__name__)
    app.config.update(RATE_LIMIT_STORE="redis://one", RATE_LIMIT_ON_OUTAGE="refuse")
    app.get("/")(limit("1/hour")(lambda: ""))
    store.is_down = True

    response = app.test_client().get("/")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"


@pytest.mark.usefixtures("store")
def test_store_on_the_network_is_not_asked_on_the_event_loop():
    """On a loop, the check runs in a thread, so nothing else waits for the store."""
    import asyncio

    app = Costrel(__name__)
    app.config["RATE_LIMIT_STORE"] = "redis://one"
    threads = []
    limiter = limiter_of(app)
    spend = limiter.spend
    limiter.spend = lambda *args: threads.append(threading.current_thread()) or spend(*args)

    @app.get("/")
    @limit("1/hour")
    async def index():
        return ""

    async def main():
        return (await app.async_test_client().get("/")).status_code, threading.current_thread()

    status, loop_thread = asyncio.run(main())

    assert status == 200
    assert threads
    assert loop_thread not in threads


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"RATE_LIMIT_STORE": "ftp://x"}, "RATE_LIMIT_STORE"),
        ({"RATE_LIMIT_ON_OUTAGE": "panic"}, "RATE_LIMIT_ON_OUTAGE"),
    ],
)
def test_setting_that_makes_no_sense_is_an_error(settings, named):
    """The error names the setting, and what it may be."""
    app = Costrel(__name__)
    app.config.update(settings)

    with pytest.raises(ValueError, match=named):
        limiter_of(app)


def test_counting_in_one_step_is_what_the_methods_of_limits_do(clock):
    """Whatever was counted, and however much time passes."""
    random = Random(7)  # noqa: S311  a test
    one, other = MemoryWindows(clock=clock), MemoryWindows(clock=clock)
    for _ in range(3_000):
        clock.now += random.choice([0, 0, 0.5, 3, 9, 11, 25])
        key, limit, cost = random.choice("ab"), random.choice([1, 3, 8]), random.choice([1, 2, 9])
        allowed = other.acquire_sliding_window_entry(key, limit, 10, cost)
        window = other.get_sliding_window(key, 10)
        assert one.spend(key, limit, 10, cost) == (allowed, window)


def test_keys_are_those_that_limits_makes(clock):
    """Counts in Redis go on with another version, and a client's can be forgotten."""
    limiter = Limiter(prefix="app:", clock=clock)
    names = set()
    for text in ("2/minute", "5 per 15 minutes; 9/day", "2/minute"):
        assert limiter.hit("a/b", text, "ada").allowed
        names |= {quota.item.key_for("app:a/b", "ada") for quota in quotas_of(text)}
    storage = limiter._main.storage
    assert set(storage._counts) == names
    limiter.reset("a/b", "ada")
    assert not storage._counts
