"""Send a view's values as what it declares for each status: that, and nothing else."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

import msgspec
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as BaseResponse

from ..ground.current import request
from ..wrappers import Response
from .aliases import without_aliases
from .conditional import tag_of_json
from .filters import MISFITS, filter_of
from .lines import Lines
from .negotiation import JSON, Format, format_of_request
from .pages import links_for
from .problems import PROBLEM_TYPE, Problem
from .returns import NOT_SAID, NOTHING, Returns, declares_data
from .undeclared import Undeclared, undeclared_by
from .unsaid import Unsaid, unsaid_of

Send = t.Callable[[t.Any], t.Any]

_PROBLEM = Format(PROBLEM_TYPE, msgspec.json.encode, is_chosen=False)
"""The only format of problems, whatever the client accepts."""


_WITHOUT_BODY = frozenset((204, 205, 304))
"""SPEC(RFC 9110 §15): statuses whose answers have no content, as those below 200."""


class Answer:
    """Make the responses of values of one type, in the format that the client wants.

    Args:
        annotation: The type.
        view: What error messages call the view.
        with_etag: Whether GET gets an entity tag, and 304 for a version that the client has.
    """

    __slots__ = (
        "_annotation", "_encode", "_format", "_is_bare", "_links", "_view", "_with_etag",
    )  # fmt: skip

    def __init__(self, annotation: t.Any, view: str, *, with_etag: bool = False) -> None:
        cls = t.get_origin(annotation) or annotation
        is_problem = isinstance(cls, type) and issubclass(cls, Problem)
        self._annotation = annotation
        self._encode = filter_of(annotation).encode
        self._format = _PROBLEM if is_problem else None
        self._links = links_for(annotation)
        self._view = view
        self._with_etag = with_etag and not is_problem
        #: Whether most answers have no header fields of their own.
        self._is_bare = self._links is None and not self._with_etag

    def respond(
        self, value: t.Any, status: t.Any, headers: t.Any = None, format_: Format | None = None
    ) -> Response:
        """Return the response for a value; `format_` is that of the request, if it is known.

        Raises `TypeError` (500) for a value that does not fit, of which nothing is sent, and
        `NotAcceptable` (406) if the client accepts no format that there is.
        """
        format_ = self._format or format_ or format_of_request()
        copy, body = self.encode(value, format_)
        if status == 200 and Response._may_omit_response:
            # PERF(typed_post): the usual answer, without a look at the other arguments.
            response = Response.of_bytes(body, format_.media_type)
        else:
            response = Response(body, status, mimetype=format_.media_type)
        if not (self._is_bare and headers is None and not format_.is_chosen):
            self._add_headers(response, copy, headers, format_)
        return response

    @property
    def negotiates(self) -> bool:
        """Whether clients choose the format."""
        return self._format is None

    def encode(self, value: t.Any, format_: Format) -> tuple[t.Any, bytes]:
        """Return a copy of a value with what is declared, and the copy encoded."""
        try:
            return self._encode(value, format_.encode)
        except MISFITS as error:
            # Imported here, because only errors need it.
            from .misfits import describe

            raise TypeError(f"{self._view} {describe(value, self._annotation, error)}") from error

    def _add_headers(
        self, response: Response, copy: t.Any, headers: t.Any, format_: Format
    ) -> None:
        if headers is not None:
            response.headers.update(headers)
        if format_ is not _PROBLEM:
            # SPEC(RFC 9110 §12.5.5): also of JSON as soon as a cache may keep it, for which the
            # view or the tag below has to give it header fields.
            response.vary.add("Accept")
        links = None if self._links is None else self._links(copy)
        if links is not None:
            response.headers.add("Link", links)
        if self._with_etag and response.status_code == 200 and request.method in {"GET", "HEAD"}:
            if "ETag" not in response.headers:
                body = msgspec.json.encode(copy) if format_.is_packed else response.get_data()
                response.headers["ETag"] = tag_of_json(body, is_packed=format_.is_packed)
            response.make_conditional(request.environ)


class Nothing:
    """Make the responses of views that return None."""

    __slots__ = ("_view",)

    def __init__(self, view: str) -> None:
        self._view = view

    def respond(self, value: t.Any, status: t.Any, headers: t.Any = None) -> Response:
        """Return a response without a body; raises `TypeError` (500) for a value."""
        if value is not None and value not in ("", b""):
            raise TypeError(
                f"{self._view} returned {type(value).__name__}, but its return annotation says"
                " None."
            )
        response = Response(b"", status)
        if headers is not None:
            response.headers.update(headers)
        return response


Responder = Answer | Nothing | Lines | Undeclared

# Most views have these, which then share them.
_NONE: dict[int, Responder | None] = {}
_RESPONSES: tuple[type, ...] = (BaseResponse,)


class Answers:
    """Send what a view returns: values by the type of their status, responses as they are.

    Args:
        usual: What answers with a status that has no type of its own; None for Flask's rules.
        by_status: What answers with each other.
        status: The status of a value that comes without one.
        passed: Classes whose values are sent as Flask sends them, besides responses.
        narrow: Makes text of the data of an `EventStream`'s events; None to send it as it is.
        is_status_said: Whether Flask's rules have to send it with that status too.
        unsaid: Refuses data that Flask's rules would send, if the view does not declare it.
        view: What error messages call the view.
    """

    __slots__ = (
        "_by_status", "_is_problem", "_is_status_said", "_narrow", "_of_values", "_pages",
        "_passed", "_status", "_unsaid", "_usual", "_view",
    )  # fmt: skip

    def __init__(
        self,
        usual: Responder | None,
        by_status: t.Mapping[int, Responder | None],
        status: int,
        passed: tuple[type, ...] = (),
        narrow: t.Callable[[t.Any], str] | None = None,
        *,
        is_status_said: bool = False,
        unsaid: Unsaid | None = None,
        view: str = "The view",
    ) -> None:
        self._usual = usual
        self._by_status = by_status or _NONE
        self._status = status
        self._passed = (BaseResponse, *passed) if passed else _RESPONSES
        #: The classes of event streams that may be sent; None for any.
        self._pages = None if usual is None else passed
        self._view = view
        self._narrow = narrow
        self._unsaid = unsaid
        self._is_status_said = is_status_said
        self._of_values = by_status.get(status, usual)
        #: Whether the usual value has its status as a member.
        self._is_problem = isinstance(self._of_values, Answer) and not self._of_values.negotiates

    @property
    def negotiates(self) -> bool:
        """Whether clients choose the format of values that come without a status."""
        return isinstance(self._of_values, Answer) and self._of_values.negotiates

    def __call__(self, value: t.Any, format_: Format | None = None) -> t.Any:
        """Return the response; what Flask's rules send is returned as it is.

        Args:
            value: What the view returned.
            format_: The format that the client wants, if it is known and this negotiates.
        """
        if isinstance(value, self._passed):
            return self._pass(value)
        if type(value) is tuple and _has_more(value):
            return self._respond_to_tuple(value)
        answer = self._of_values
        if isinstance(value, Problem) or self._is_problem:
            status = _status_in(value, self._status)
            answer = self._by_status.get(status, self._usual)
            return self._checked(value) if answer is None else answer.respond(value, status)
        if format_ is not None and type(answer) is Answer:
            return answer.respond(value, self._status, None, format_)
        return self._plainly(value) if answer is None else answer.respond(value, self._status)

    def _plainly(self, value: t.Any) -> t.Any:
        """Return what Flask's rules send."""
        self._checked(value)
        return (value, self._status) if self._is_status_said else value

    def _checked(self, value: t.Any) -> t.Any:
        """Return a value; raises `TypeError` (500) for data that the view does not declare."""
        return value if self._unsaid is None else self._unsaid(value)

    def _respond_to_tuple(self, value: tuple[t.Any, ...]) -> t.Any:
        body, status, headers = _unpack(value)
        if isinstance(body, self._passed):
            self._pass(body)
            if status is None and self._is_status_said and not isinstance(body, BaseResponse):
                return body, self._status, headers
            return value
        if status is None:
            says = isinstance(body, Problem) or self._is_problem
            status = _status_in(body, self._status) if says else self._status
        answer = self._by_status.get(_code_of(status), self._usual)
        return self._checked(value) if answer is None else answer.respond(body, status, headers)

    def _pass(self, value: t.Any) -> t.Any:
        """Return a response or text as it is, but filter the events that it will send."""
        if not isinstance(value, BaseResponse):
            return self._plainly(value)
        if not hasattr(value, "narrow_data"):
            return value
        if self._narrow is not None:
            t.cast("t.Any", value).narrow_data(self._narrow)
        elif self._pages is not None and not isinstance(value, self._pages):
            raise TypeError(
                f"{self._view} returned {type(value).__name__}, but its return annotation does not"
                " say so: its events would not be filtered."
            )
        return value


def _has_more(value: tuple[t.Any, ...]) -> bool:
    """Whether a tuple is a value with its status, header fields or both, not several values."""
    if not 2 <= len(value) <= 3:
        return False
    second = value[1]
    if second is None or isinstance(second, (int, str, bytes)):
        return True
    return len(value) == 2 and isinstance(second, (Mapping, Headers, list, tuple))


def _status_in(value: t.Any, usual: int) -> int:
    """Return the status that a problem has as a member; `usual` if it has none."""
    found = value.get("status") if isinstance(value, Mapping) else getattr(value, "status", None)
    return found if type(found) is int else usual


def _unpack(value: tuple[t.Any, ...]) -> tuple[t.Any, t.Any, t.Any]:
    """Split a tuple, of two or three items, into body, status and headers, as Flask does."""
    if len(value) == 3:
        return value
    body, second = value
    is_status = second is None or isinstance(second, (int, str, bytes))
    return (body, second, None) if is_status else (body, None, second)


def _code_of(status: t.Any) -> int:
    """Return the number of a status, which may be a line such as ``404 NOT FOUND``."""
    if isinstance(status, (str, bytes)):
        digits = status[:3]
        return int(digits) if digits.isdigit() else 0
    return int(status)


def answers_of(
    annotation: t.Any, options: t.Mapping[str, t.Any], view: str
) -> tuple[Send | None, Unsaid | None, dict[int, t.Any]]:
    """Return what sends a view's values, None if Flask's rules do, and what it declares.

    Second is what refuses data that it does not declare, of values that Flask's rules send.

    Args:
        annotation: The return annotation, or `NOT_SAID`.
        options: What decorator, blueprints and application say: see `OperationOptions`.
        view: What error messages call the view.

    Raises `TypeError` for types that can't be filtered.
    """
    returns = Returns() if annotation is NOT_SAID else Returns.of(annotation)
    declared = _said(options)
    for code, members in returns.by_status.items():
        declared.setdefault(code, None if members[0] in NOTHING else _union(members))
    is_nothing = annotation in NOTHING
    status = status_of(annotation, options)
    with_etag = bool(options.get("etag"))

    usual = _usual(returns, view, with_etag=with_etag)
    if is_nothing:
        usual = Nothing(view)
    elif returns.by_status and usual is None and not returns.data:
        usual = Undeclared(declared, view)
    by_status: dict[int, Responder | None] = {}
    for code, said in declared.items():
        found = Returns() if said is None else Returns.of(said)
        of_status = _usual(found, view, with_etag=with_etag)
        by_status[code] = Nothing(view) if said is None else of_status
        returns.events += found.events
    _check_bodies(status, usual, by_status)
    if usual is None and all(member is t.Any for member in returns.data):
        by_status = {**undeclared_by(_said(options), view), **by_status}
    narrow = _narrow_by(returns.events, view)
    if returns.data or returns.passed or returns.lines:
        said = _union(returns.data) if isinstance(usual, Answer) else annotation
        if not isinstance(by_status.get(status), Undeclared) or returns.passed:
            declared.setdefault(status, None if is_nothing else said)
    is_status_said = "status" in options
    unsaid = None if annotation is NOT_SAID else unsaid_of(_unfiltered(returns), view, annotation)
    if usual is None and narrow is None and not is_status_said and not any(by_status.values()):
        return None, unsaid, declared
    # Text is no data of a view that does not say which data it returns.
    passed = (*returns.passed, *((str, bytes) if usual is None else ()))
    send = Answers(
        usual,
        by_status,
        status,
        passed,
        narrow,
        is_status_said=is_status_said,
        unsaid=unsaid,
        view=view,
    )
    return send, unsaid, declared


def _unfiltered(returns: Returns) -> list[t.Any]:
    """Return the types of data that Flask's rules may have to send."""
    return [*returns.data, *(one for many in returns.by_status.values() for one in many)]


def status_of(annotation: t.Any, options: t.Mapping[str, t.Any]) -> int:
    """Return the status of a value that comes without one: 204 for a view that returns None."""
    return int(options.get("status") or (204 if annotation in NOTHING else 200))


def _said(options: t.Mapping[str, t.Any]) -> dict[int, t.Any]:
    """Return the types of ``responses=`` by status; raises `TypeError` for anything else."""
    responses: t.Mapping[t.Any, t.Any] = options.get("responses") or {}
    for code, said in responses.items():
        _check_response(code, said)
    return {
        int(code): None if said in NOTHING else without_aliases(said)
        for code, said in responses.items()
    }


def _check_response(code: t.Any, said: t.Any) -> None:
    if not (isinstance(code, int) and 100 <= code <= 599):
        raise TypeError(f"responses={{{code!r}: ...}}: that is no status code from 100 to 599.")
    if isinstance(said, (str, bytes, dict, list, tuple)):
        raise TypeError(
            f"responses={{{int(code)}: {said!r}}}: write the type of its data, as in"
            f" {{{int(code)}: Problem}}, or None if it has no body."
        )


def _check_bodies(
    status: int, usual: Responder | None, by_status: t.Mapping[int, Responder | None]
) -> None:
    """Raise `TypeError` for data with a status whose answers have no body, so that it is lost."""
    for code, responder in {status: usual, **by_status}.items():
        if isinstance(responder, (Answer, Lines)) and (code < 200 or code in _WITHOUT_BODY):
            raise TypeError(
                f"It declares data for the status {code}, whose answers have no body. Let it return"
                " None, or give it another status."
            )


def _union(members: t.Sequence[t.Any]) -> t.Any:
    return t.Union[tuple(members)]  # noqa: UP007  made at run time


def _usual(returns: Returns, view: str, *, with_etag: bool) -> Responder | None:
    """Return what answers with data and iterators; None if Flask's rules do."""
    found: Responder | None = _responder(returns.data, view, with_etag=with_etag)
    is_one_of_several = bool(returns.data and (returns.lines or returns.by_status))
    if is_one_of_several and all(member in NOTHING for member in returns.data):
        # As of `Book | None`, it is the data null.
        found = Answer(type(None), view)
    return Lines(Answer(_union(returns.lines), view), found, view) if returns.lines else found


def _responder(members: t.Sequence[t.Any], view: str, *, with_etag: bool) -> Answer | None:
    """Return what answers with one of these types; None if Flask's rules do."""
    if all(member in NOTHING for member in members):
        return None
    declared = _union(members)
    return Answer(declared, view, with_etag=with_etag) if declares_data(declared) else None


def _narrow_by(members: t.Sequence[t.Any], view: str) -> t.Callable[[t.Any], str] | None:
    """Return what makes text of the data of events; None if that is sent as it is."""
    answer = _responder(members, view, with_etag=False)
    if answer is None:
        return None
    encode = answer.encode

    def narrow(value: t.Any) -> str:
        return encode(value, JSON)[1].decode()

    return narrow
