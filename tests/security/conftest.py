"""What these tests share: the ways of requests, and how work grows with the size of an input."""

from __future__ import annotations

import asyncio
import time
import typing as t
from pathlib import Path

import pytest
from everything.application import SECRET, switch_on

from costrel import Costrel, Flask
from costrel.dispatch.plan import FORCE_GENERAL, FORCE_LOOP


@pytest.fixture
def assert_linear() -> t.Callable[[t.Callable[[int], object], int], None]:
    """Hold a function of a size to work that grows no faster than the size does.

    Eight times the input takes 8 times the time if it is linear, 64 times if it is
    quadratic. Only this process's own time counts, so a busy machine is no matter.
    """

    def time_of(run: t.Callable[[int], object], size: int) -> float:
        times = []
        for _ in range(3):
            begin = time.process_time()
            run(size)
            times.append(time.process_time() - begin)
        return min(times)

    def check(run: t.Callable[[int], object], size: int) -> None:
        few, many = time_of(run, size), time_of(run, 8 * size)
        # What is over before the clock ticks is fast enough, however it grows.
        assert many < max(24 * few, 0.1)

    return check


@pytest.fixture(params=["Flask", "Costrel"])
def make_app(request: pytest.FixtureRequest, path: str, tmp_path: Path) -> t.Callable[..., t.Any]:
    """Make a `Flask`, and in another run of the test a `Costrel` with everything on.

    Settings can be passed. Each test runs with plans and without.
    """

    def make(**config: t.Any) -> t.Any:
        if request.param == "Flask":
            app = Flask("advised", root_path=str(tmp_path))
            app.config.update({"SECRET_KEY": SECRET, "PROPAGATE_EXCEPTIONS": False, **config})
            return app
        safe = Costrel("advised", root_path=str(tmp_path))
        usual = {key: safe.config[key] for key in safe.config if key.startswith("MAX_")}
        switch_on(safe, **{"PROPAGATE_EXCEPTIONS": False, **usual, **config})
        return safe

    return make


class Way:
    """One way that requests take: WSGI or ASGI, with plans or without."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ask(self, app: t.Any, path: str = "/", method: str = "GET", **arguments: t.Any) -> t.Any:
        """Send a request, and return the response."""
        if self.name in {"planned", "general"}:
            return app.test_client(use_cookies=False).open(path, method=method, **arguments)

        async def send() -> t.Any:
            client = app.async_test_client(use_cookies=False)
            return await client.open(path, method=method, **arguments)

        return asyncio.run(send())


@pytest.fixture(params=["planned", "general", "thread", "loop"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    """Run a test once for each way that requests take."""
    monkeypatch.setenv(FORCE_GENERAL, "1" if request.param == "general" else "0")
    monkeypatch.setenv(FORCE_LOOP, "1" if request.param == "loop" else "0")
    return Way(request.param)
