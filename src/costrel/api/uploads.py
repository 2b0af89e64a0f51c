"""Uploaded files: what a multipart form has of them, and what a view may ask of them."""

from __future__ import annotations

import os
import typing as t

from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from .parameters import File

MAX_NAME = 100
"""The most characters of a safe name: file systems refuse more than 255 bytes."""

_DEVICES = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(10)))
)


class UploadedFile(FileStorage):
    """A file of a form, with what views need to store it safely.

    Everything of Werkzeug's `FileStorage` is there: ``filename`` is the name as the client
    sent it, ``content_type`` what the client says that the file is. It is closed with the
    request, so store it in the view.
    """

    @property
    def safe_name(self) -> str:
        """The file's name without folders, in at most 100 ASCII letters, digits, ``._-``.

        SECURITY(upload): never empty, hidden, or a device of Windows. Two files may have the
        same, so add something of your own where both are kept.
        """
        name = secure_filename((self.filename or "").replace("\\", "/"))
        stem, ending = os.path.splitext(name)
        ending = ending[:20]
        stem = stem[: MAX_NAME - len(ending)]
        if stem.partition(".")[0].upper() in _DEVICES:
            stem = f"_{stem}"
        return f"{stem or 'file'}{ending}"

    @property
    def size(self) -> int:
        """How many bytes it has."""
        position = self.stream.tell()
        self.stream.seek(0, os.SEEK_END)
        size = self.stream.tell()
        self.stream.seek(position)
        return size


def uploaded(files: t.Iterable[FileStorage]) -> list[UploadedFile]:
    """Return files for views, without those that a browser sends for an empty field."""
    found = [
        UploadedFile(file.stream, file.filename or "", file.name, headers=file.headers)
        for file in files
    ]
    return [file for file in found if file.filename or file.size]


def problems_with(file: UploadedFile, wanted: File) -> t.Iterator[str]:
    """Yield what a marker refuses a file for: its size, its type, or both."""
    if wanted.max_size is not None and file.size > wanted.max_size:
        yield f"Expected a file of at most {wanted.max_size} bytes, got {file.size}"
    if wanted.types and not any(_is_of(file.mimetype, pattern) for pattern in wanted.types):
        types = " or ".join(f"`{pattern}`" for pattern in wanted.types)
        yield f"Expected {types}, got `{file.mimetype}`" if file.mimetype else f"Expected {types}"


def _is_of(mimetype: str, pattern: str) -> bool:
    pattern = pattern.lower()
    if pattern == "*/*":
        return True
    return mimetype.startswith(pattern[:-1]) if pattern.endswith("/*") else mimetype == pattern
