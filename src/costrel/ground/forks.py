"""Reset per-process state after a fork.

Threads and event loops do not survive a fork. Python runs hooks in the child, but a server in C
that forks on its own (uWSGI, in each interpreter but the first) does not. So code that uses
per-process state also calls `notice` first.
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
    """Register a function to be called in each process that is forked from this one."""
    _hooks.append(hook)
    return hook


def notice() -> None:
    """Call the registered functions if this is a forked process in which they have not run yet."""
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
    global _lock  # noqa: PLW0603  another thread of the parent process may have held it
    _lock = threading.Lock()
    _forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
