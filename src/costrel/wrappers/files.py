"""Responses that send a file, with headers that are kept while the file doesn't change."""

from __future__ import annotations

import mimetypes
import os
import typing as t
from time import time

from werkzeug.exceptions import NotFound
from werkzeug.http import is_resource_modified
from werkzeug.security import safe_join
from werkzeug.wsgi import wrap_file

from ..ground.dates import date_of, with_readable_dates
from ..ground.shortways import sends_files_as_imported
from .fields import Fields, count_lengths, without_body
from .response import Response

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LIMIT = 1_000
"""How many files' headers an application keeps, at about 2 KB each."""


class FileHeads:
    """The headers that an application's files were sent with.

    Only headers are kept, and each request checks that its file is still the same.
    """

    def __init__(self) -> None:
        self._heads: dict[t.Any, FileHead] = {}

    def send(
        self,
        environ: WSGIEnvironment,
        key: tuple[t.Any, ...],
        max_age: t.Any,
        make: t.Callable[[t.Any], Response],
    ) -> Response:
        """Return the response that sends a file.

        PERF(static): an unchanged file is looked at once, and opened only to be sent.

        Args:
            environ: Of the request.
            key: What `key_of` returned.
            max_age: Seconds that the client may cache it, or a function of its path.
            make: Makes the response in Werkzeug's way, with such a `max_age`.
        """
        head = self._heads.get(key)
        if head is not None and head.is_current():
            if callable(max_age):
                max_age = max_age(head.path)
            if max_age == head.max_age and (max_age is None or type(max_age) is int):
                return Response.of_file(SentFile(head, environ))
        return self._make_and_keep(environ, key, max_age, make)

    def _make_and_keep(
        self,
        environ: WSGIEnvironment,
        key: tuple[t.Any, ...],
        max_age: t.Any,
        make: t.Callable[[t.Any], Response],
    ) -> Response:
        decided = []

        def decide(path: str | None) -> t.Any:
            decided.append(max_age(path) if callable(max_age) else max_age)
            return decided[0]

        root, paths, *options = key
        path = paths[0] if len(paths) == 1 else safe_join(*paths)
        head = None if path is None else _look(os.path.join(root, path), dict(options))
        if head is None and len(paths) == 2:
            raise NotFound
        response = make(decide)
        if head is not None and decided and head.take(response, environ, decided[0]):
            if len(self._heads) >= LIMIT:
                # SECURITY(memory): a path can be written in any number of ways.
                self._heads.clear()
            self._heads[key] = head
        return response


def key_of(
    root: str, paths: tuple[t.Any, ...], options: dict[str, t.Any]
) -> tuple[t.Any, ...] | None:
    """Return what a file's headers depend on; None if they can't be kept.

    Args:
        root: The directory that relative paths are relative to.
        paths: A file's path, or a directory and the path of a file in it.
        options: Further arguments of `costrel.send_file`, without `max_age`.
    """
    if options.get("last_modified") is not None or not options.get("conditional", True):
        return None
    try:
        names = tuple(map(os.fspath, paths))
        key = (root, names, *options.items())
        hash(key)
    except TypeError:
        return None
    return key if all(type(name) is str for name in names) else None


def may_send_kept(environ: WSGIEnvironment) -> bool:
    """Tell whether a request is answered with a whole file, or that it is unmodified.

    ``If-Range`` has no effect without ``Range`` (RFC 9110 §13.1.5).
    """
    return (
        environ["REQUEST_METHOD"] in {"GET", "HEAD"}
        and "HTTP_RANGE" not in environ
        and "HTTP_IF_MATCH" not in environ
        and sends_files_as_imported()
    )


class FileHead:
    """The headers of one file's response."""

    __slots__ = (
        "_date", "_etag", "_expires", "_fields", "_guessed", "_last_modified", "_name", "_stamp",
        "max_age", "path",
    )  # fmt: skip

    def __init__(self, path: str, name: str) -> None:
        self.path = path
        self._name = name
        self._stamp = _stamp_of(path)
        self._guessed = mimetypes.guess_type(name)

    def take(self, response: t.Any, environ: WSGIEnvironment, max_age: t.Any) -> bool:
        """Take the headers from Werkzeug's response; False if they can't be sent again.

        What is sent instead of Werkzeug's response is compared with that first.
        """
        if type(response) is not Response or response.status_code not in {200, 304}:
            return False
        fields: Fields = list(response.headers)
        names = [name for name, _value in fields]
        needed = ["Last-Modified", "Date"] + ([] if max_age is None else ["Expires"])
        if (
            count_lengths(fields) != 1
            or any(names.count(name) != 1 for name in needed)
            or (max_age is not None and type(max_age) is not int)
            or response.get_wsgi_headers(environ).to_wsgi_list()
            != (without_body(fields) if response.status_code == 304 else fields)
        ):
            return False
        self.max_age: int | None = max_age
        self._fields = fields
        self._date = names.index("Date")
        self._expires = None if max_age is None else names.index("Expires")
        self._etag = response.headers.get("ETag")
        self._last_modified = response.headers["Last-Modified"]
        return not (
            self._differs({"HTTP_IF_MODIFIED_SINCE": self._last_modified})
            or (self._etag is not None and self._differs({"HTTP_IF_NONE_MATCH": self._etag}))
        )

    def is_current(self) -> bool:
        """Check that the file has not changed, nor the type that its name stands for."""
        try:
            stamp = _stamp_of(self.path)
        except (OSError, ValueError):
            return False
        return stamp == self._stamp and mimetypes.guess_type(self._name) == self._guessed

    def is_modified(self, environ: WSGIEnvironment) -> bool:
        """Tell whether the client needs the file, because it doesn't have this version of it."""
        tags = environ.get("HTTP_IF_NONE_MATCH")
        since = environ.get("HTTP_IF_MODIFIED_SINCE")
        if tags is None and since is None:
            return True
        if (since == self._last_modified) if tags is None else (tags == self._etag):
            return False
        return self._differs(with_readable_dates(environ))

    def _differs(self, environ: WSGIEnvironment) -> bool:
        return is_resource_modified(environ, self._etag, last_modified=self._last_modified)

    def fields(self) -> Fields:
        """Return the header fields, with the dates of now."""
        fields = self._fields.copy()
        now = time()
        fields[self._date] = ("Date", date_of(int(now)))
        if self._expires is not None:
            fields[self._expires] = ("Expires", date_of(int(now + t.cast(int, self.max_age))))
        return fields


def _look(path: str, options: dict[str, t.Any]) -> FileHead | None:
    """Look at a file; None if it isn't there."""
    name = options.get("download_name")
    try:
        # Before Werkzeug does: what changes in between is seen with the next request.
        return FileHead(path, os.path.basename(path) if name is None else name)
    except (OSError, ValueError):
        return None


def _stamp_of(path: str) -> tuple[int, int, int]:
    """Return what differs after a file, or who may read it, has changed."""
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size, found.st_ctime_ns


class SentFile:
    """A file that is sent with headers that were kept, or these headers alone."""

    __slots__ = ("_environ", "_head", "_pieces", "headers", "unmodified")

    direct_passthrough = True

    def __init__(self, head: FileHead, environ: WSGIEnvironment) -> None:
        self._head = head
        self._environ = environ
        self._pieces: t.Any = None
        self.unmodified = not head.is_modified(environ)
        #: The header fields, if something has accessed them.
        self.headers: Fields | None = None
        if not self.unmodified and environ["REQUEST_METHOD"] != "HEAD":
            # Not when it is sent: an error is the view's.
            self.pieces()

    def pieces(self) -> t.Any:
        """Return the body, opening the file if it isn't open."""
        if self._pieces is None:
            # The server closes it.
            self._pieces = wrap_file(self._environ, open(self._head.path, "rb"))  # noqa: SIM115
        return self._pieces

    def fields(self) -> Fields:
        """Return the header fields before anything changes them."""
        return self._head.fields()

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Send the response: the same bytes that a `Response` would send."""
        fields = self.fields() if self.headers is None else self.headers
        if self.unmodified:
            start_response("304 NOT MODIFIED", without_body(fields))
            return []
        start_response("200 OK", fields)
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        return t.cast("t.Iterable[bytes]", self.pieces())

    def close(self) -> None:
        """Close the file, if it was opened and the response can't be sent."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
