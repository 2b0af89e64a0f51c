"""Mapping an application's own exceptions to problems: the decorator ``problem``."""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import HTTPException

from ..ground.markers import PROBLEM, refuse_markers
from ..ground.wrapped import is_async
from .origin import caller, definition

Describe = t.TypeVar("Describe", bound=t.Callable[[t.Any], t.Any])


class MappedProblem:
    """What the exceptions of a class are answered with.

    Attributes:
        status: The status code, 400 to 599.
        title: The kind of problem, in a few words; None for the status in words.
        type: A URI that stands for this kind of problem; None if its status says enough.
        describe: Returns what else there is to say of an exception; None says nothing.
    """

    __slots__ = ("describe", "status", "title", "type")

    def __init__(self, status: int, title: str | None, type_: str | None) -> None:
        self.status = status
        self.title = title
        self.type = type_
        self.describe: t.Callable[[t.Any], t.Any] | None = None


class ProblemScaffold:
    """The exceptions that an application or a blueprint answers with problems."""

    #: Blueprint name (None for all) to exception class to problem. Looked up when an
    #: exception has no error handler.
    problem_spec: dict[str | None, dict[type[Exception], MappedProblem]]

    def _check_setup_finished(self, f_name: str) -> None:
        """Refuse setup that comes too late; defined in the class that uses this mixin."""
        raise NotImplementedError

    def problem(
        self,
        exception: type[Exception],
        status: int,
        *,
        title: str | None = None,
        type: str | None = None,  # noqa: A002  the member's name in RFC 9457
    ) -> t.Callable[[Describe], Describe]:
        """Answer a class of exceptions with an HTTP error: a problem, or a page.

        Args:
            exception: The class, with its subclasses. Of several, the most specific counts.
            status: The status code, 400 to 599. From 500 on, the exception is logged.
            title: The kind of problem, in a few words. Default: the status in words.
            type: A URI that stands for this kind of problem.

        As a decorator, it is for a function that takes the exception and returns what else the
        client sees: the ``detail`` as text, a dict of members, a `costrel.api.Problem`, or None.
        As a plain call, the client sees nothing else, not even the exception's message.

        Error handlers for the exception come first; those for the status get the HTTP error,
        whose ``__cause__`` is the exception. A blueprint's problems come before the
        application's. Raises `TypeError` for a class that can't be mapped and for a coroutine
        function, and `ValueError` for another status.
        """
        self._check_setup_finished("problem")
        _check(exception, status)
        mapped = MappedProblem(int(status), title, type)
        self.problem_spec.setdefault(None, {})[exception] = mapped

        def decorator(describe: Describe) -> Describe:
            if is_async(describe):
                raise TypeError(
                    f"{definition(describe)} describes a problem, but is a coroutine function."
                    f" Define it with `def`, or use @errorhandler. ({caller()})"
                )
            refuse_markers(describe, PROBLEM)
            mapped.describe = describe
            return describe

        return decorator


def _check(exception: t.Any, status: t.Any) -> None:
    if not isinstance(exception, type) or not issubclass(exception, Exception):
        raise TypeError(
            f"problem({exception!r}, ...) needs an Exception class, such as"
            f" problem(OutOfStock, status=409). ({caller()})"
        )
    if issubclass(exception, HTTPException):
        raise TypeError(
            f"{exception.__name__} is an HTTP error, which is a problem already. Give its class a"
            f" `description`, or use @errorhandler({exception.__name__}). ({caller()})"
        )
    if not isinstance(status, int) or not 400 <= status <= 599:
        raise ValueError(
            f"status={status!r} is no error's status, which are numbers from 400 to 599."
            f" ({caller()})"
        )


def problem_for_exception(
    app: t.Any, error: Exception, blueprints: t.Sequence[str]
) -> MappedProblem | None:
    """Find what an exception is answered with; None if it is mapped to nothing.

    `blueprints` are those of the request, innermost first.
    """
    spec: dict[str | None, dict[type[Exception], MappedProblem]] = app.problem_spec
    if not spec or isinstance(error, HTTPException):
        return None
    for name in (*blueprints, None):
        known = spec.get(name, {})
        for cls in type(error).__mro__:
            if cls in known:
                return known[cls]
    return None
