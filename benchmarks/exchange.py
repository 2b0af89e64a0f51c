"""What a workload sends, and how it checks the answer."""

from __future__ import annotations

import dataclasses
import html.parser
import json
import typing as t


class WrongAnswerError(Exception):
    """A peer answered wrongly, so its figures mean nothing."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One request. `target` is path and query, percent-encoded as it goes over the wire.

    `refused` says that the right answer is a status of 400 or more.
    """

    method: str
    target: str
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""
    refused: bool = False


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer; names of headers in lower case."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes

    def expect(self, content_type: str) -> None:
        """Raise `WrongAnswerError` unless this is a 200 with that media type."""
        self.require(self.status == 200, "the status is not 200")
        actual = self.headers.get("content-type", "").partition(";")[0]
        self.require(actual == content_type, f"the media type is {actual!r}, not {content_type!r}")

    def require(self, truth: bool, otherwise: str) -> None:
        """Raise `WrongAnswerError`, with the start of the body, unless `truth` holds."""
        if not truth:
            raise WrongAnswerError(f"{otherwise}: {self.status} {self.body[:300]!r}")

    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()

    def json(self) -> t.Any:
        """Return the body as JSON."""
        self.expect("application/json")
        return json.loads(self.body)

    def page(self) -> Page:
        """Return what a reader of the HTML sees."""
        self.expect("text/html")
        page = Page()
        page.feed(self.text())
        page.close()
        return page


class Page(html.parser.HTMLParser):
    """Read a page as a browser does, so that different ways of escaping compare equal."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, where it links to, and rows and cells of tables."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        """Leave a cell."""
        if tag in {"td", "th"}:
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        """Note text, and the cell it is in."""
        if self._in_cell:
            self.rows[-1][-1] += data
        self.words += data.split()
