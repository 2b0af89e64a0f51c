"""Where functions are registered whose parameters no marker fills.

Typed views have markers, such as ``Annotated[User, Depends(user)]``. Everything else is called with
what it is documented to take. SECURITY: a marker on one of those would be ignored, whoever sends
the request. What looks for them is `costrel.api`; nothing can be a marker before that is imported.
"""

from __future__ import annotations

import typing as t


class Unfilled(t.NamedTuple):
    """A kind of function whose parameters no marker fills.

    Attributes:
        what: What such functions are, in the plural.
        instead: What to do about a dependency, in a sentence.
        proxy: The proxy that has the values of the request; empty if there is no request.
    """

    what: str
    instead: str
    proxy: str = "request"


HOOK = Unfilled(
    "hooks",
    "Call the function in the hook, or write dependencies=[Depends(...)] for the application, a"
    " blueprint or a view.",
)
ERROR_HANDLER = Unfilled("error handlers", "Call the function in the handler.")
PROBLEM = Unfilled("functions that describe problems", "Call the function in it.")
PROCESSOR = Unfilled("context processors", "Call the function in the processor.")
SOCKET_HOOK = Unfilled(HOOK.what, "Call the function in the hook.", "websocket")
TEMPLATE = Unfilled(
    "filters, tests and globals of templates",
    "Call the function in it, or let the template pass the value.",
)
SERVING = Unfilled("what runs before, after and while serving", "Call the function in it.", "")
COMMAND = Unfilled("commands", "Call the function in the command.", "")
SHELL = Unfilled("shell context processors", "Call the function in the processor.", "")
LOADER = Unfilled("what loads users", "Call the function in it.")
RATE = Unfilled("what keys and costs of rate limits are", "Call the function in it.")

Look = t.Callable[[t.Any, Unfilled], None]
"""Raises `TypeError` for a function of a kind that has a marker."""

_looks: list[Look] = []


def look_with(look: Look) -> None:
    """Have a function look at everything that is registered from now on."""
    _looks.append(look)


def refuse_markers(function: t.Any, kind: Unfilled) -> None:
    """Raise `TypeError`, with its file and line, for a function that has a marker.

    Args:
        function: What is registered.
        kind: As what.
    """
    for look in _looks:
        look(function, kind)
