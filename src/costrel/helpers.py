"""Helper functions for views: URLs, redirects, files, flashed messages, streams."""

from __future__ import annotations

import os
import re
import typing as t
from datetime import datetime, timedelta
from functools import update_wrapper
from inspect import iscoroutine
from weakref import ref

import werkzeug.utils
from werkzeug.exceptions import BadRequest
from werkzeug.exceptions import abort as _wz_abort
from werkzeug.utils import redirect as _wz_redirect
from werkzeug.wrappers import Response as BaseResponse

from .ground.current import (
    _request_context,
    context,
    current_app,
    request,
    request_view,
    session,  # noqa: F401  Flask has it here
)
from .ground.dates import with_readable_dates
from .ground.environment import get_debug_flag, get_load_dotenv
from .ground.targets import Allowed, is_safe_target
from .registration.scaffold import get_root_path
from .signals import message_flashed
from .wrappers import blueprint_path as _split_blueprint_path  # noqa: F401  extensions do
from .wrappers.files import key_of, may_send_kept

if t.TYPE_CHECKING:
    from .ctx import RequestContext
    from .wrappers import Response

__all__ = [
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "get_root_path",
    "get_template_attribute",
    "make_response",
    "redirect",
    "send_file",
    "send_from_directory",
    "stream_with_context",
    "url_for",
]


_get_current, _set_current, _reset_current = context.get, context.set, context.reset


class ContextStream:
    """Run each step of an iterator with a request current.

    The request's teardown waits until the stream is exhausted, closed or garbage-collected.
    Between two steps, the request is not current on the serving thread, nor is what the
    iterator has entered since.
    """

    def __init__(self, ctx: RequestContext, iterator: t.Iterator[t.Any]) -> None:
        self._ctx = ctx
        #: What is current in the next step: the request, or what the iterator has entered.
        self._current: t.Any = ctx
        self._iterator = iterator
        self._open = True
        ctx.hold()
        ctx.streams.append(ref(self))

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> t.Any:
        if not self._open:
            raise StopIteration
        try:
            return self._step(next, self._iterator)
        except BaseException as error:
            self._finish(None if isinstance(error, StopIteration) else error)
            raise

    def close(self) -> None:
        """Close the iterator and let the request's teardown run."""
        self._finish(None)

    def _finish(self, error: BaseException | None) -> None:
        if not self._open:
            return
        self._open = False
        try:
            close = getattr(self._iterator, "close", None)
            if close is not None:
                self._step(close)
        finally:
            self._ctx.release(error)

    def _step(self, function: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        token = _set_current(self._current)
        try:
            return function(*args)
        finally:
            self._current = _get_current()
            _reset_current(token)

    def __del__(self) -> None:
        # INVARIANT: the teardown also runs for a stream that is not read to its end.
        if getattr(self, "_open", False):
            self._finish(None)


def stream_with_context(
    generator_or_function: t.Iterable[t.AnyStr]
    | t.AsyncIterable[t.AnyStr]
    | t.Callable[..., t.Iterable[t.AnyStr] | t.AsyncIterable[t.AnyStr]],
) -> t.Any:
    """Keep the request current while a response is streamed.

    Wraps a sync or async iterator, or decorates a function that returns one. The
    request's teardown functions run when the stream ends. Raises `RuntimeError`
    outside a request, and `TypeError` for an object that is not iterable.
    """
    stream: t.Any = generator_or_function
    is_async = hasattr(stream, "__aiter__")
    if not is_async:
        try:
            stream = iter(stream)
        except TypeError:
            if not callable(stream):
                raise TypeError(_no_stream(stream)) from None

            def decorator(*args: t.Any, **kwargs: t.Any) -> t.Any:
                made: t.Any = stream(*args, **kwargs)
                return stream_with_context(made)

            return update_wrapper(decorator, stream)

    ctx = request_view.get(None)
    if ctx is None:
        raise RuntimeError(
            "stream_with_context() needs a request, but none is active here. Call it in a view,"
            " where the response is created."
        )
    if is_async:
        return ctx.app._stream_in_request(aiter(stream))
    return stream_in_context(ctx, stream)


def stream_in_context(
    ctx: RequestContext,
    iterator: t.Iterator[t.Any],
    at_end: t.Callable[[], object] | None = None,
) -> t.Iterator[t.Any]:
    """Return a stream of a request; `at_end` is called when it has been read to its end."""
    generator = _generate(ctx, iterator, at_end)
    next(generator)
    ctx.hold()
    ctx.streams.append(ref(generator))
    return generator


def _generate(
    ctx: RequestContext, iterator: t.Iterator[t.Any], at_end: t.Callable[[], object] | None
) -> t.Iterator[t.Any]:
    """Do what a `ContextStream` does, in a generator: extensions check for that type.

    PERF(streamed_context): 0.2 us for each step instead of 0.7 us.
    """
    current: t.Any = ctx
    failure: BaseException | None = None
    try:
        # The generator has started here, so closing it closes the iterator.
        yield None
        while True:
            token = _set_current(current)
            try:
                item = next(iterator)
            except StopIteration:
                if at_end is not None:
                    at_end()
                return
            finally:
                current = _get_current()
                _reset_current(token)
            yield item
    except GeneratorExit:
        raise
    except BaseException as error:
        failure = error
        raise
    finally:
        token = _set_current(current)
        try:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
        finally:
            _reset_current(token)
            ctx.release(failure)


def _no_stream(value: t.Any) -> str:
    if iscoroutine(value):
        value.close()
        return (
            f"stream_with_context() got the coroutine {value.__qualname__}(), not a stream."
            " Make it `yield` the chunks, or await it first."
        )
    return (
        "stream_with_context() takes a generator, an async generator, or a function that returns"
        f" one, not {value!r}."
    )


def make_response(*args: t.Any) -> Response:
    """Create a response from anything a view may return, to set headers or cookies on it.

    Without arguments the response is empty. Several arguments are treated as a tuple.
    """
    if not args:
        return t.cast("Response", current_app.response_class())
    if len(args) == 1:
        args = args[0]
    ctx = context.get(None)
    if ctx is not None:
        # PERF(cookie_set): as the response of a view that returns the same.
        engine = ctx.app._engine
        if engine is not None and engine.epoch == ctx.app._epoch.value and not engine.general:
            response = engine.coerce.response(args)
            if response is not None:
                return t.cast("Response", response)
    return t.cast("Response", current_app.make_response(args))


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: t.Any,
) -> str:
    """Build the URL of an endpoint with the current application.

    Args:
        endpoint: The view's name. A leading dot means the current blueprint.
        _anchor: Fragment to append; it is quoted.
        _method: Use the rule for this HTTP method.
        _scheme: Make the URL external, with this scheme.
        _external: Include the scheme and host. Default: only outside a request.
        **values: Values for the rule's variables; others go into the query string.

    Raises `werkzeug.routing.BuildError` if no rule fits, and `RuntimeError` outside a
    request unless ``SERVER_NAME`` is set.
    """
    url: str = current_app.url_for(
        endpoint,
        _anchor=_anchor,
        _method=_method,
        _scheme=_scheme,
        _external=_external,
        **values,
    )
    return url


def redirect(
    location: str,
    code: int = 302,
    Response: type[BaseResponse] | None = None,  # noqa: N803  Flask's name
    *,
    allow: Allowed | None = None,
) -> BaseResponse:
    """Create a redirect to a URL, using the current application's `redirect` if there is one.

    Args:
        location: The URL. If it comes from the client, pass `allow`: it may lead to another site.
            `Costrel` encodes control characters in it, and `Flask` raises `ValueError` for some.
        code: 301, 302, 303, 305, 307 or 308.
        Response: The response class to use if there is no current application.
        allow: For a URL that a client has sent: where it may lead, besides this site. Either
            ``"same-origin"`` or a list of hosts and origins; see
            `costrel.security.is_safe_redirect`. Any other URL is logged, and answered with 400.
    """
    ctx = context.get(None)
    if allow is not None:
        _check_target(location, allow)
    if ctx is not None:
        return t.cast(BaseResponse, ctx.app.redirect(location, code=code))
    return _wz_redirect(location, code=code, Response=Response)


def _check_target(location: t.Any, allow: Allowed) -> None:
    """Raise `BadRequest` (400) for a URL that leads to a site that is not allowed."""
    if is_safe_target(location, request.host, secure=request.is_secure, allow=allow):
        return
    current_app.logger.warning(
        "Refused to redirect to %a: it is neither of this site nor one of those that"
        " redirect(allow=%r) names.",
        location[:500] if isinstance(location, str) else location,
        allow,
    )
    raise BadRequest("The address to continue at is not one of this site.")


def abort(code: int | BaseResponse, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
    """Raise the HTTP error for a status code, or stop with the given response.

    The current application's `aborter` chooses the exception. Raises `LookupError`
    for an unknown code.
    """
    ctx = context.get(None)
    try:
        if ctx is not None:
            ctx.app.aborter(code, *args, **kwargs)
        _wz_abort(code, *args, **kwargs)
    except TypeError as error:
        name = next((name for name in kwargs if f"'{name}'" in str(error)), None)
        if name not in _ABORT_HABITS:
            raise
        raise TypeError(f"abort() has no argument {name!r}. {_ABORT_HABITS[name]}") from error


_ABORT_HABITS = {
    "detail": "Write abort(404, 'what is wrong'), or description='what is wrong'.",
    "headers": "Set header fields in an error handler, or pass a response: abort(response).",
    "message": "Write abort(404, 'what is wrong'), or description='what is wrong'.",
    "status_code": "The status comes first: abort(404).",
}
"""Arguments of other frameworks' errors, and what to write instead."""


def get_template_attribute(template_name: str, attribute: str) -> t.Any:
    """Return a macro or variable exported by a template."""
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)


def flash(message: str, category: str = "message") -> None:
    """Store a message in the session for the next page that shows messages.

    Args:
        message: The text.
        category: ``message``, ``info``, ``warning``, ``error`` or any other word.
    """
    ctx = _request_context()
    stored = ctx.session
    # Assigned, because appending would not mark the session as modified.
    stored["_flashes"] = [*stored.get("_flashes", ()), (category, message)]
    if message_flashed.receivers:
        app = ctx.app
        message_flashed.send(
            app, _async_wrapper=app.ensure_sync, message=message, category=category
        )


def get_flashed_messages(
    with_categories: bool = False, category_filter: t.Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Return the flashed messages and remove them from the session.

    Further calls in the same request return the same messages.

    Args:
        with_categories: Return ``(category, message)`` pairs.
        category_filter: Return only these categories.
    """
    ctx = _request_context()
    flashes = ctx.flashes
    if flashes is None:
        stored = ctx.session
        flashes = ctx.flashes = stored.pop("_flashes") if "_flashes" in stored else []
    if category_filter and (wanted := set(category_filter)):
        flashes = [flashed for flashed in flashes if flashed[0] in wanted]
    if with_categories:
        return list(flashes)
    return [message for _category, message in flashes]


def default_max_age(config: t.Mapping[str, t.Any]) -> int | None:
    """Read ``SEND_FILE_MAX_AGE_DEFAULT``: seconds, a timedelta, or None."""
    value = config["SEND_FILE_MAX_AGE_DEFAULT"]
    return int(value.total_seconds()) if isinstance(value, timedelta) else value


def _prepare_send_file_kwargs(**kwargs: t.Any) -> dict[str, t.Any]:
    app = current_app
    if kwargs.get("max_age") is None:
        kwargs["max_age"] = app.get_send_file_max_age
    kwargs.update(
        environ=with_readable_dates(request.environ),
        use_x_sendfile=app.config["USE_X_SENDFILE"],
        response_class=app.response_class,
        _root_path=app.root_path,
    )
    return kwargs


def send_file(
    path_or_file: os.PathLike[t.AnyStr] | str | t.IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | float | None = None,
    max_age: int | t.Callable[[str | None], int | None] | None = None,
) -> Response:
    """Send a file to the client, with ranges, ETag and caching headers.

    Never pass a path that comes from the client: use `send_from_directory` for that.

    Args:
        path_or_file: Path, relative to the application's root, or a binary file object.
        mimetype: The content type. Default: guessed from the name.
        as_attachment: Make the browser save the file instead of showing it.
        download_name: The name to save it under; required for a file object. It may come from
            a client: what no header can contain becomes an underscore.
        conditional: Support conditional and range requests (304, 206, 416).
        etag: Whether to compute an ETag, or the ETag itself.
        last_modified: Time of the last change. Default: the file's.
        max_age: Seconds that the client may cache it, or a function of the path.
            Default: ``SEND_FILE_MAX_AGE_DEFAULT``. On `Costrel`, a file of a request that has read
            the session is kept by no cache without it, and with it by the client's own only.
    """
    options = {
        "mimetype": mimetype,
        "as_attachment": as_attachment,
        "download_name": download_name,
        "conditional": conditional,
        "etag": etag,
        "last_modified": last_modified,
    }
    default = max_age is None
    return _send(werkzeug.utils.send_file, (path_or_file,), options, max_age, default)


def send_from_directory(
    directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: t.Any
) -> Response:
    """Send a file from a directory; `path` may come from the client.

    Args:
        directory: The directory, relative to the application's root.
        path: The file's path below it. A path that leads outside gives a 404.
        **kwargs: Passed to `send_file`.
    """
    # Static files are sent with the age of theirs, which may be None.
    default = "max_age" not in kwargs
    max_age = kwargs.pop("max_age", None)
    send = werkzeug.utils.send_from_directory
    return _send(send, (directory, path), kwargs, max_age, default)


def _send(
    send: t.Callable[..., t.Any],
    names: tuple[t.Any, ...],
    options: dict[str, t.Any],
    max_age: t.Any,
    default: bool,
) -> Response:
    """Send a file with Werkzeug's function, or with the headers that it made before.

    `default` is whether the caller has left out `max_age`.
    """

    def make(max_age: t.Any) -> Response:
        kwargs = _prepare_send_file_kwargs(max_age=max_age, **options)
        name = _sendable_name(options.get("download_name"), names[-1])
        if name is not None:
            kwargs["download_name"] = name
            if not _is_text(names) and kwargs.get("etag", True) is True:
                # COMPAT(werkzeug): it makes the ETag of the path, too.
                kwargs["etag"] = False
        return t.cast("Response", send(*names, **kwargs))

    ctx = context.get(None)
    if ctx is None:
        return make(max_age)
    if default or max_age is not None:
        max_age = _noting_age(ctx, max_age, default)
    if ctx.plan is None:
        return make(max_age)
    engine = ctx.app._engine
    if engine.file_heads is None or engine.epoch != ctx.app._epoch.value:
        return make(max_age)
    made = ctx.__dict__.get("request")
    environ = ctx.environ if made is None else made.environ
    key = key_of(ctx.app.root_path, names, options)
    if key is None or not may_send_kept(environ):
        return make(max_age)
    if max_age is None:
        max_age = ctx.app.get_send_file_max_age
    return t.cast("Response", engine.file_heads.send(environ, key, max_age, make))


def _noting_age(ctx: t.Any, max_age: t.Any, default: bool) -> t.Any:
    """Note for what finishes the response how long the client may cache a file, and who says so."""
    if max_age is not None and not callable(max_age):
        ctx.sent_file_age = max_age, default
        return max_age

    def decide(path: str | None) -> t.Any:
        age_s = (max_age or ctx.app.get_send_file_max_age)(path)
        ctx.sent_file_age = age_s, default
        return age_s

    return decide


def _sendable_name(name: t.Any, source: t.Any) -> str | None:
    """Return another name for a file, if its own can't be sent in a header field.

    Names of files on a disk may have any characters, and bytes that are no text.
    """
    if name is None and isinstance(source, (str, os.PathLike)):
        name = os.path.basename(os.fspath(source))
    if not isinstance(name, str):
        return None
    sendable = _UNSENDABLE.sub("_", name)
    return None if sendable == name else sendable


def _is_text(names: t.Iterable[t.Any]) -> bool:
    """Whether the names of a file have no bytes that are not UTF-8."""
    try:
        return bool("".join(map(str, names)).encode())
    except UnicodeEncodeError:
        return False


_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
