"""Forms: fields, files and JSON parts, urlencoded or multipart."""

from __future__ import annotations

import enum
import typing as t

import msgspec
from msgspec import inspect as types
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from ..ground.current import request
from ..json.depth import TOO_DEEP, check_depth
from ..wrappers.limits import check_json
from ..wrappers.request import MULTIPART, URLENCODED
from . import mismatches
from .intake import part_reader
from .kinds import ARRAYS, without_none
from .negotiation import JSON_TYPE, PACKED_TYPES
from .parameters import File, Form
from .places import lists_of
from .problems import Detail
from .text import is_text
from .uploads import UploadedFile, problems_with, uploaded
from .values import Entry, Source, Values, text_source
from .walks import WalkError


class FormValues(Values):
    """The parameters of a view from a form: its fields and files, converted together.

    A field is text, read as in a query, except for what no input of a browser can leave out: see
    `Blank`. What text can't stand for is JSON: an object, or a list of objects, each a part of its
    own.

    Args:
        entries: The parameters that are marked `Form` or `File`.

    Raises `TypeError` for a file that is marked as something else, and the other way round.
    """

    __slots__ = ("_absent", "_files", "_json", "_plain")

    def __init__(self, entries: t.Sequence[Entry]) -> None:
        #: What is asked of files, by key; None if it is not a file.
        self._files: dict[str, File] = {
            entry.key: entry.marker for entry in entries if isinstance(entry.marker, File)
        }
        #: What decodes the parts that are JSON, by key.
        self._json: dict[str, t.Callable[[bytes | str], t.Any]] = {}
        #: The keys of fields that are missing if they are empty.
        self._absent: set[str] = set()
        super().__init__(Form, entries)
        #: The keys whose texts are taken as they are.
        self._plain = self.names - self._files.keys() - self._json.keys() - self._absent

    def _source(self, key: str, field: str, kind: types.Type, *, is_required: bool) -> Source:
        many = isinstance(without_none(kind), ARRAYS)
        if is_file(kind):
            self._files.setdefault(key, File())
            return Source(key, field, None, many)
        if key in self._files:
            raise TypeError(
                f"{key!r} is marked File(), but it is no file. Annotate it with UploadedFile or"
                " list[UploadedFile] of costrel.api."
            )
        if is_text(kind):
            source = text_source(Form, key, field, kind)
            blank = blank_of(kind, is_required=is_required)
            if blank is Blank.MISSING:
                self._absent.add(key)
            return _with_none(source) if blank is Blank.NONE else source
        inner = without_none(kind)
        self._json[key] = part_reader(inner.item_type if isinstance(inner, ARRAYS) else kind)
        return Source(key, field, None, many)

    def _given(self, errors: list[Detail]) -> dict[str, t.Any]:
        _check_is_form(has_files=bool(self._files))
        form, files = request.form, request.files
        take_field, take_file = lists_of(form), lists_of(files)

        def take(key: str) -> t.Sequence[t.Any] | None:
            texts = take_field(key)
            if key in self._plain:
                return texts
            if key in self._files:
                if texts:
                    errors.append(self._detail([key], "Expected a file, got text"))
                return self._checked(key, uploaded(take_file(key) or ()), errors)
            if key in self._json:
                return self._decoded(key, [*(texts or ()), *(take_file(key) or ())], errors)
            return None if texts == [""] else texts

        return self._taken(take, form.keys() | files.keys(), errors)

    def _checked(
        self, key: str, files: list[UploadedFile], errors: list[Detail]
    ) -> list[UploadedFile]:
        for number, file in enumerate(files):
            path = [key, str(number)] if len(files) > 1 else [key]
            errors += (
                self._detail(path, problem) for problem in problems_with(file, self._files[key])
            )
        return files

    def _decoded(
        self, key: str, parts: t.Sequence[str | FileStorage], errors: list[Detail]
    ) -> list[t.Any]:
        """Return the values of JSON parts; add what is wrong with those that are broken."""
        found = []
        decode = self._json[key]
        for number, part in enumerate(parts):
            is_packed = not isinstance(part, str) and part.mimetype in PACKED_TYPES
            try:
                text = part if isinstance(part, str) else _read(part)
                check_depth(text)
                check_json(text)
                found.append(decode(text))
            except WalkError as error:
                path = [key, str(number), *error.path] if len(parts) > 1 else [key, *error.path]
                errors.append(self._detail(path, error.detail))
            except RecursionError:
                errors.append(self._detail([key], TOO_DEEP))
            except (msgspec.DecodeError, ValueError) as error:
                errors.append(
                    self._detail(
                        [key], f"Invalid {'MessagePack' if is_packed else 'JSON'}: {error}"
                    )
                )
        return found

    def _detail(self, path: t.Sequence[str], detail: str) -> Detail:
        key = path[0] if path else None
        detail = mismatches.cut(detail)
        if key in self._files:
            return Detail(File.place, mismatches.pointer_of(path), detail)
        if key in self._json:
            return Detail(Form.place, mismatches.pointer_of(path), detail)
        return super()._detail(path, detail)


class Blank(enum.Enum):
    """What an empty field of a form is: browsers send an input that nothing was typed in.

    Attributes:
        TEXT: Empty text, which the type takes, or refuses.
        NONE: None, since the type has it.
        MISSING: As if it had not been sent: the default counts.
    """

    TEXT = 0
    NONE = 1
    MISSING = 2


def blank_of(kind: types.Type, *, is_required: bool) -> Blank:
    """Return what an empty field is, of a type that text can stand for.

    An empty item of a list is what the type makes of it: without it, the others would move.
    """
    if isinstance(without_none(kind), ARRAYS) or not mismatches.find("", kind):
        return Blank.TEXT
    if not mismatches.find(None, kind):
        return Blank.NONE
    return Blank.TEXT if is_required else Blank.MISSING


def _with_none(source: Source) -> Source:
    """Return how a field is read that is None if it is empty."""
    read = source.read
    if read is None:
        return source._replace(read=lambda text: text or None)
    return source._replace(read=lambda text: read(text) if text else None)


def is_file(kind: types.Type) -> bool:
    """Whether a type is an uploaded file, or a list of these."""
    kind = without_none(kind)
    if isinstance(kind, ARRAYS):
        kind = without_none(kind.item_type)
    return isinstance(kind, types.CustomType) and kind.cls in {UploadedFile, FileStorage}


def _check_is_form(*, has_files: bool) -> None:
    """Raise 415 for a body that is no form, and 400 for a broken one.

    Without a body, the form is empty: then each field that has to be there is an error.
    """
    mimetype = request.mimetype
    if mimetype == MULTIPART:
        _check_is_whole()
    elif mimetype != URLENCODED and (request.content_length or request.get_data()):
        wanted = MULTIPART if has_files else f"{URLENCODED}' or '{MULTIPART}"
        raise UnsupportedMediaType(
            f"The body has to be a form. Send it with the header 'Content-Type: {wanted}'."
        )


def _check_is_whole() -> None:
    """Raise 400 for a form that can't be read: Werkzeug takes it for an empty one."""
    boundary = request.mimetype_params.get("boundary", "")
    no_parts = f"--{boundary}--".encode()
    length = request.content_length
    is_empty = False
    if length is not None and length <= len(no_parts) + len("\r\n\r\n"):
        is_empty = request.get_data().strip() in {b"", no_parts}
    if not is_empty and not request.form and not request.files:
        raise BadRequest("The body is not a valid form of the type 'multipart/form-data'.")


def _read(file: FileStorage) -> bytes:
    """Return a JSON part that has a file name, as browsers send a ``Blob``.

    One of MessagePack becomes JSON. Raises `ValueError` for another content type, or for broken
    MessagePack, and 413 above ``MAX_FORM_MEMORY_SIZE``.
    """
    is_packed = file.mimetype in PACKED_TYPES
    if not (is_packed or file.mimetype == JSON_TYPE or file.mimetype.endswith("+json")):
        raise ValueError(
            f"its content type is {file.mimetype!r}, not {JSON_TYPE!r} or {PACKED_TYPES[0]!r}"
        )
    limit = request.max_form_memory_size
    # Dependencies may have read it before.
    file.stream.seek(0)
    content: bytes = file.read() if limit is None else file.read(limit + 1)
    if limit is not None and len(content) > limit:
        raise RequestEntityTooLarge
    if not is_packed:
        return content
    from .packed import to_json

    return to_json(content).json
