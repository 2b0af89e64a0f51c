"""What tests of advisories share: how the work of an input grows with its size."""

from __future__ import annotations

import time
import typing as t

import pytest


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
