"""What runs in the parent of Granian's workers."""

from __future__ import annotations

import threading

import pytest

from costrel.serve.granian import Wakeup

PATIENCE_S = 20.0


@pytest.fixture
def wakeup():
    """Return an event that is not set."""
    return Wakeup()


def test_wakeup_that_is_set_wakes_who_waits(wakeup):
    """It is an event like any other."""
    assert not wakeup.wait(0)
    wakeup.set()

    assert wakeup.wait(PATIENCE_S)


def test_wakeup_set_on_the_way_into_wait_does_not_hang(wakeup):
    """A signal handler runs in the thread that it interrupts, whatever that holds."""

    def interrupted():
        with wakeup._cond:  # as at the beginning of `wait`
            wakeup.set()

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)

    assert not thread.is_alive()
    assert wakeup.wait(PATIENCE_S)
