"""What belongs to one process: it is forgotten in another one that was forked from it.

Threads and event loops do not survive a fork. Python runs hooks in the child; a server written in
C that forks by itself (uWSGI, and there each interpreter but the first) does not, so what belongs
to a process also asks, by `notice`, before it is used.
"""

from __future__ import annotations

import os
import threading
import typing as t

Hook = t.TypeVar("Hook", bound=t.Callable[[], object])

_hooks: list[t.Callable[[], object]] = []
_lock = threading.Lock()
_process = os.getpid()


def forget_after_fork(hook: Hook) -> Hook:
    """Call a function in each process that is forked from this one; for as long as this lives."""
    _hooks.append(hook)
    return hook


def notice() -> None:
    """Call what is to be called in a new process, if this is one and it was not done yet."""
    if _process != os.getpid():
        with _lock:
            if _process != os.getpid():
                _forget()


def _forget() -> None:
    global _process  # noqa: PLW0603  one per process
    for hook in _hooks:
        hook()
    _process = os.getpid()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603  another thread of the parent may have held it
    _lock = threading.Lock()
    _forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
