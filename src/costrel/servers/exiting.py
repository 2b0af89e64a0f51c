"""End a process in which Granian has served."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import typing as t
from contextlib import suppress


def end_process(status: int) -> t.NoReturn:
    """End this process as Python would, but do not finalize the interpreter.

    Waits for threads that are not daemons, calls what is registered with `atexit` and flushes
    standard output and error.

    COMPAT(Granian): its own threads go on for a moment after it has stopped. Python ends a
    thread that asks for the GIL of an interpreter being finalized, and Rust then aborts the
    process.
    """
    join_threads: t.Callable[[], None] = getattr(threading, "_shutdown")  # noqa: B009  untyped
    try:
        join_threads()
    finally:
        try:
            atexit._run_exitfuncs()
        finally:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                # It may be closed, or its terminal.
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(status)
