"""The frames of an error's traceback that are the user's."""

from __future__ import annotations

import importlib
import os
import types
import typing as t

_NOT_USERS = (
    "<frozen importlib",
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
    str(importlib.__file__),
)


def users_frames(
    error: BaseException, others: t.Iterable[types.ModuleType] = ()
) -> types.TracebackType | None:
    """Return the traceback of an error from the user's code on.

    Skips the first frames in Costrel and in the packages `others`. A syntax error of the
    user's has no frame of theirs: its message names the file. Of any other error that is not
    in the user's code, the whole traceback is returned.
    """
    folders = (os.path.dirname(os.path.abspath(str(other.__file__))) for other in others)
    hidden = (*_NOT_USERS, *folders)
    frame = error.__traceback__
    while frame is not None:
        if not frame.tb_frame.f_code.co_filename.startswith(hidden):
            return frame
        frame = frame.tb_next
    return None if isinstance(error, SyntaxError) else error.__traceback__


ExcInfo = tuple[type[BaseException], BaseException, types.TracebackType | None]


def startup_error(error: BaseException) -> ExcInfo:
    """Return what a logger needs to show an error of a startup function from its code on."""
    import asyncio
    import concurrent.futures

    return type(error), error, users_frames(error, (asyncio, concurrent.futures))
