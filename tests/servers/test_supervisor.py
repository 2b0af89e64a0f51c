"""How the parent of workers decides; what it does to real ones is tested with ``costrel run``."""

from __future__ import annotations

import time
import types

import pytest

from costrel.servers import supervisor
from costrel.servers.supervisor import LIVED_S, LONGEST_PAUSE_S, Slot


def worker(*, lived_s=0.0, ready=True):
    """Return a worker that has ended after so long."""
    return types.SimpleNamespace(
        born=time.monotonic() - lived_s, ready=object() if ready else None, number=1
    )


def test_pauses_double_up_to_a_bound():
    """The first replacement is started at once."""
    slot = Slot(1)

    pauses = [slot.pause_s(worker()) for _ in range(10)]

    assert pauses == [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5]
    assert max(slot.pause_s(worker()) for _ in range(2000)) == LONGEST_PAUSE_S


def test_pauses_begin_anew_after_a_worker_lived_a_while():
    """A death now and then is no reason to wait."""
    slot = Slot(1)
    for _ in range(5):
        slot.pause_s(worker())

    assert slot.pause_s(worker(lived_s=LIVED_S)) == 0
    assert slot.pause_s(worker()) == 0.1


def test_time_that_loading_took_is_no_life():
    """A worker that fails to start after long fails all the same."""
    slot = Slot(1)
    slot.pause_s(worker())

    assert slot.pause_s(worker(lived_s=LIVED_S, ready=False)) == 0.1


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        (0, "Worker 1 (PID 7) ended unexpectedly with status 0"),
        (3, "Worker 1 (PID 7) ended unexpectedly with status 3"),
        (-9, "Worker 1 (PID 7) was terminated by SIGKILL"),
        (-250, "Worker 1 (PID 7) was terminated by signal 250"),
    ],
)
def test_end_of_a_worker_is_told(code, fate):
    """The log says which worker it was, and what ended it."""
    ended = worker()
    ended.process = types.SimpleNamespace(exitcode=code, pid=7)

    assert supervisor.Worker.fate(ended) == fate
