"""Forms with files, in the shape that clients send; what has another, Werkzeug reads.

A part in the usual shape has its headers in one line each and names in plain quotes. The
first part that has another is handed to Werkzeug's parser, with all that follows it: so it
decides on folded headers, encoded names, missing ones and malformed forms. Its limits hold
for both: the parts, the bytes of a field, and what is kept of the body in memory.
"""

from __future__ import annotations

import io
import re
import typing as t
from tempfile import SpooledTemporaryFile

from werkzeug.datastructures import FileStorage, Headers
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser, MultiPartParser
from werkzeug.sansio.multipart import MultipartDecoder

from ..ground.shortways import is_open
from .limits import setting

PIECE_BYTES = 262_144
"""So much of a body is in memory at a time, and a part's content is stored in such pieces."""

AT_ONCE_BYTES = 65_536
"""A body that was announced to be shorter is read before it is taken apart."""

HELD_BYTES = 1_024
"""What is not searched before more of the body follows: a delimiter may begin in it."""

HEAD_BYTES = 8_192
"""Longer headers of a part are not usual."""

LIMIT_BYTES = 147_456
# Werkzeug holds a piece of 64 KiB, with what is left of the one before, to the limit of a
# field. A limit below this one may also refuse what is no field, which is left to it.

_BOUNDARY = re.compile(r"[\w'()+,./:=?-]{1,70}", re.ASCII).fullmatch
_OPTIONS = re.compile(r"boundary=([\w'+.-]{1,70})", re.ASCII).fullmatch
# Control characters are left to Werkzeug, whose names are looked at closely.
_DISPOSITION = re.compile(
    r'form-data; name="((?:[^"\\%\x00-\x1f\x7f]|%(?!22))*)"'
    r'(?:; filename="((?:[^"\\%\x00-\x1f\x7f]|%(?!22))*)")?'
).fullmatch
_has_controls = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search
_TAIL = rb"(?:(--)|[ \t\v\f]*(?:\r\n|\n|\r))"
_match_tail = re.compile(_TAIL).match

# What copies a piece as it is written, so that it can be shown a part of a buffer.
_COPYING = frozenset({SpooledTemporaryFile, io.BytesIO})

Fields = list[tuple[str, str]]
Files = list[tuple[str, FileStorage]]


def usual_boundary(text: str | None) -> bytes | None:
    """Return a boundary of the characters of RFC 2046 §5.1.1, but for spaces; or None."""
    return text.encode() if text and _BOUNDARY(text) else None


def boundary_of(options: str) -> bytes | None:
    """Return the boundary, where the options of a content type have it alone and unquoted."""
    found = _OPTIONS(options)
    return None if found is None else found[1].encode()


def may_read() -> bool:
    """Tell whether Werkzeug's parser is as it was imported, so that it need not be called."""
    return is_open("_may_decode_parts", MultiPartParser) and is_open(
        "_may_decode", MultipartDecoder
    )


class Rest:
    """Be the rest of a form that was read in part, as a stream for Werkzeug."""

    def __init__(self, begun: bytes, read: t.Callable[[int], bytes] | None) -> None:
        self._begun: io.BytesIO = io.BytesIO(begun)
        self._read_on = read

    def read(self, size: int) -> bytes:
        """Return so many bytes, or what there is until the end.

        COMPAT(werkzeug): where it gets less, its parser may take a byte of a delimiter that
        is cut in two for content.
        """
        return fill(self._begun.read(size), size, self._read_on)


def fill(begun: bytes, size: int, read: t.Callable[[int], bytes] | None) -> bytes:
    """Read on until there are so many bytes; less only at the end."""
    if read is None or len(begun) >= size:
        return begun
    pieces, missing = [begun], size - len(begun)
    while missing > 0 and (piece := read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


class MultipartReader:
    """Read one form, with the limits and the file streams of a parser.

    PERF(upload): no pattern is compiled per boundary, and little is copied.

    Args:
        parser: Whose limits hold.
        boundary: What is between the parts.
        length: The announced length of the body in bytes, for the file streams.
        body: The body, or its beginning.
        read: Reads on; None if that was all.
        read_into: Reads on as well, into a buffer, which saves copies.
    """

    def __init__(
        self,
        parser: FormDataParser,
        boundary: bytes,
        length: int | None,
        body: bytes = b"",
        read: t.Callable[[int], bytes] | None = None,
        read_into: t.Callable[[memoryview], int | None] | None = None,
    ) -> None:
        self._parser = parser
        self._boundary = boundary
        self._mark = b"--" + boundary
        self._length = length
        self._data: bytes | bytearray = body
        self._position = 0
        self._read = read
        self._read_into = read_into
        self._pattern: re.Pattern[bytes] | None = None
        self.fields: Fields = []
        self.files: Files = []

    def parse(self) -> None:
        """Fill `fields` and `files`; raises as Werkzeug's parser does."""
        self._read_on()
        first = self._mark + b"\r\n"
        begin = 2 if self._data.startswith(b"\r\n") else 0
        if not self._fits() or not self._data.startswith(first, begin):
            if self._read is not None or self._data.strip() or not is_strict():
                self._hand_over(b"")
            return
        self._position = begin + len(first)
        while self._read_part():
            pass

    def _fits(self) -> bool:
        """Tell whether only a field can exceed the limit of a field."""
        limit = self._parser.max_form_memory_size
        return (
            limit is None
            or limit >= LIMIT_BYTES
            or (self._read is None and len(self._data) <= limit)
        )

    def _read_on(self) -> None:
        """Have a piece in memory, unless the body ends before."""
        if self._read is not None:
            rest = bytes(self._data[self._position :])
            self._position = 0
            if self._read_into is None:
                self._data = fill(rest, PIECE_BYTES, self._read)
            else:
                self._fill_buffer(rest, self._read_into)
            if len(self._data) < PIECE_BYTES:
                self._read = None

    def _fill_buffer(self, rest: bytes, read_into: t.Callable[[memoryview], int | None]) -> None:
        """Read on behind the rest, in one buffer for the whole form."""
        buffer, size = self._data, len(rest)
        if not isinstance(buffer, bytearray):
            self._data = buffer = bytearray(PIECE_BYTES)
        buffer[:size] = rest
        with memoryview(buffer) as view:
            while size < PIECE_BYTES:
                with view[size:] as free:
                    count = read_into(free)
                if not count:
                    break
                size += count
        del buffer[size:]

    def _read_part(self) -> bool:
        """Read one part, whose head is next; False at the end of the form."""
        if self._read is not None and len(self._data) - self._position < HEAD_BYTES:
            self._read_on()
        data, start = self._data, self._position
        end = data.find(b"\r\n\r\n", start, start + HEAD_BYTES)
        head = None if end < 0 else _read_head(data[start:end])
        parser = self._parser
        if head is None or self._parts_left() == 0:
            self._hand_over(self._mark + b"\r\n")
            return False
        # The line break before the content may also be the one before the next delimiter.
        self._position = end + 2
        pairs, name, filename, kind, length = head
        headers = Headers(pairs)
        if filename is None:
            content: list[bytes] = []
            last = self._read_content(content.append, parser.max_form_memory_size)
            charset = "utf-8" if kind is None else MultiPartParser().get_part_charset(headers)
            self.fields.append((name, b"".join(content).decode(charset, "replace")))
        else:
            file = parser.stream_factory(
                total_content_length=self._length,
                filename=filename,
                content_type=kind,
                content_length=length,
            )
            last = self._read_content(file.write, None, may_show=type(file) in _COPYING)
            file.seek(0)
            self.files.append((name, FileStorage(file, filename, name, headers=headers)))
        if last:
            self._finish()
        return not last

    def _read_content(
        self, write: t.Callable[[t.Any], t.Any], limit: int | None, *, may_show: bool = False
    ) -> bool:
        """Write a part's content, up to `limit` bytes; True if it was the last part.

        Where the content is copied as it is written, `may_show` saves a copy before that.
        """
        skip, size = 2, 0
        while True:
            if self._read is not None and len(self._data) - self._position < 2 * HELD_BYTES:
                self._read_on()
            data, start = self._data, self._position
            searched = len(data) - (0 if self._read is None else HELD_BYTES)
            found = self._find_delimiter(data, start, searched)
            end = searched if found is None else found[0]
            start += skip
            skip = 0
            size += max(0, end - start)
            if limit is not None and size > limit:
                raise RequestEntityTooLarge
            if may_show:
                with memoryview(data) as view, view[start:end] as content:
                    write(content)
            else:
                write(bytes(data[start:end]))
            if found is not None:
                self._position = found[1]
                return found[2]
            if self._read is None:
                raise ValueError("The form ends within a part.")
            self._position = end

    def _find_delimiter(
        self, data: bytes | bytearray, start: int, stop: int
    ) -> tuple[int, int, bool] | None:
        """Find a delimiter that begins before `stop`; its bounds, and whether it is the last.

        SPEC(RFC 2046 §5.1.1): a line of its own, which may have spaces at its end.
        """
        if self._pattern is None:
            found = data.find(self._mark, start)
            if found < 0 or found > stop + 1:
                return None
            tail = _match_tail(data, found + len(self._mark))
            before = data[max(start, found - 2) : found]
            if tail is not None and before.endswith((b"\n", b"\r")):
                begin = found - (2 if before == b"\r\n" else 1)
                return None if begin >= stop else (begin, tail.end(), tail[1] is not None)
            # SECURITY(CVE-2023-46136): content full of what looks like a delimiter is not
            # searched step by step.
            line = rb"(?:\r\n|\n|\r)" + re.escape(self._mark) + _TAIL
            self._pattern = re.compile(line)
        match = self._pattern.search(data, start)
        if match is None or match.start() >= stop:
            return None
        return match.start(), match.end(), match[1] is not None

    def _finish(self) -> None:
        """Read the body to its end; Werkzeug limits what follows the last delimiter."""
        self._read_on()
        if self._read is not None or len(self._data) - self._position > AT_ONCE_BYTES:
            self._hand_over(self._mark + b"--")

    def _parts_left(self) -> int | None:
        limit = self._parser.max_form_parts
        return None if limit is None else max(0, limit - len(self.fields) - len(self.files))

    def _hand_over(self, before: bytes) -> None:
        """Have Werkzeug's parser read the rest, from the last delimiter on."""
        parser: t.Any = MultiPartParser(
            stream_factory=self._parser.stream_factory,
            max_form_memory_size=self._parser.max_form_memory_size,
            max_form_parts=self._parts_left(),
            cls=t.cast(t.Any, list),
        )
        rest = Rest(before + self._data[self._position :], self._read)
        fields, files = parser.parse(rest, self._boundary, self._length)
        check_names(fields, files)
        self.fields += fields
        self.files += files


def is_strict() -> bool:
    """Whether the current application refuses malformed forms: its ``STRICT_FORMS``."""
    return bool(setting("STRICT_FORMS"))


def refuse() -> t.NoReturn:
    """Answer 400 for a form that can't be read."""
    raise BadRequest("The body is not a valid form of the type 'multipart/form-data'.")


def check_names(
    fields: t.Iterable[tuple[str | None, str]],
    files: t.Iterable[tuple[str | None, FileStorage]],
) -> None:
    """Raise 400 for a part without a name, or with control characters in a name, if strict.

    COMPAT(werkzeug): it takes a missing name, and one that it can't read, for None.
    """
    names: list[str | None] = [name for name, _value in fields]
    for name, file in files:
        names += [name, file.filename]
    if None in names or any(map(_has_controls, map(str, names))):
        if not is_strict():
            return
        if None in names:
            raise BadRequest("A part of the form has no name that can be read.")
        raise BadRequest("A part of the form has control characters in its name or file name.")


Head = tuple[list[tuple[str, str]], str, str | None, str | None, int]


def _read_head(head: bytes | bytearray) -> Head | None:
    """Read the headers of a part; None if they are not in the usual shape.

    Returns all of them; the name, file name and content type, if any; and the length.
    """
    breaks = head.count(b"\r\n")
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks:
        return None
    pairs = []
    disposition = kind = None
    length: int | None = None
    for line in head.decode().split("\r\n"):
        name, colon, value = line.partition(":")
        value = value.strip(" \t")
        if not colon or not name or name[0] in " \t" or name[-1] in " \t":
            return None
        pairs.append((name, value))
        known = name.lower()
        if known == "content-disposition" and disposition is None:
            disposition = _DISPOSITION(value)
            if disposition is None:
                return None
        elif known == "content-type" and kind is None:
            kind = value
        elif known == "content-length":
            if length is not None or not value.isascii() or not value.isdigit() or len(value) > 18:
                return None
            length = int(value)
    if disposition is None:
        return None
    return pairs, disposition[1], disposition[2], kind, length or 0
