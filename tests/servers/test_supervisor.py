"""How the parent of workers decides; what it does to real ones is tested with ``costrel run``."""

from __future__ import annotations

import threading
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
        (0, "Worker 1 (PID 7) ended with status 0"),
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


class Ended:
    """A worker whose process has ended with a code; it was serving if it is `ready`."""

    def __init__(self, code, *, ready=True):
        self.number, self.born, self.failure, self.kill_at = 1, time.monotonic(), None, None
        self.ready = object() if ready else None
        self.process = types.SimpleNamespace(
            exitcode=code, pid=7, sentinel=0, is_alive=lambda: False, terminate=lambda: None
        )
        self.channel = types.SimpleNamespace(closed=True, close=lambda: None)

    def read(self):
        """Read nothing more."""

    def fate(self):
        """Return how it ended."""
        return "Worker 1"


@pytest.fixture
def look(monkeypatch):
    """Return a function that has a supervisor find a dead worker, and returns the supervisor.

    The signal that stops it comes a moment later, if at all.
    """
    spawned, parents = [], []
    monkeypatch.setattr(supervisor, "Worker", lambda number, _spawn: spawned.append(number))

    def look(worker, *, signal_after_s=None, successor=False):
        parent = supervisor.Supervisor(
            lambda *_: None, 1, stop_timeout_s=1, on_ready=print, on_stopping=print
        )
        parents.append(parent)
        parent._started = True
        slot = parent.slots[0]
        if successor:
            slot.successor = worker
        else:
            slot.worker = worker
        if signal_after_s is not None:
            timer = threading.Timer(signal_after_s, parent._ask_to_stop, (15, None))
            timer.start()
        parent._look()
        if signal_after_s is not None:
            timer.join()
        return parent

    look.spawned = spawned
    yield look
    for parent in parents:
        parent._wakeup.close()
        parent._alarm.close()


@pytest.mark.parametrize("code", [0, -2, -15])
@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize("successor", [True, False])
def test_worker_that_was_stopped_with_its_parent_is_no_failure(
    look, caplog, code, ready, successor
):
    """The signal of the whole group may reach the worker first, also one that still loads."""
    caplog.set_level("INFO")
    parent = look(Ended(code, ready=ready), signal_after_s=0.05, successor=successor)
    assert parent.slots[0].due is None
    assert not look.spawned
    assert "a new one" not in caplog.text
    assert "could not start" not in caplog.text


@pytest.mark.parametrize("code", [0, 1, -9, -15])
def test_worker_that_ends_alone_is_replaced(look, caplog, code):
    """Also one that somebody has told to end."""
    look(Ended(code))
    assert look.spawned == [1]
    assert "a new one starts now" in caplog.text
