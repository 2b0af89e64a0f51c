"""Forms are read as Werkzeug reads them: fields, files, limits and what is refused."""

from __future__ import annotations

import io
import typing as t
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Request as RequestBase

from costrel import Request
from costrel.wrappers import multipart
from costrel.wrappers.request import FormParser, _Body

BOUNDARY = "b0und"

names = st.sampled_from(
    ("a", "b", "", "ä", "a b", "a%20b", "a%22b", 'a\\"b', "a\\\\b", "a;b", "a'b", "x*", "[]", "😀")
)
dispositions = st.one_of(
    names.map('form-data; name="{}"'.format),
    st.builds('form-data; name="{}"; filename="{}"'.format, names, names),
    st.sampled_from(
        (
            "form-data",
            "",
            "form-data; name=a",
            "form-data;name=a;filename=b",
            'attachment; name="a"',
            'form-data; name="a"; filename*=UTF-8\'\'%C3%A9.txt',
            'form-data; name*0="a"; name*1="b"',
            'form-data; filename="f"; name="a"',
            'form-data; name="a"; name="b"',
            'form-data; name="a"; filename="b',
            'form-data; name="a" ; filename="b" ',
            'FORM-DATA; NAME="a"; FILENAME="b"',
        )
    ),
)  # fmt: skip
others = st.sampled_from(
    (
        "Content-Type: text/plain", "content-type:text/plain; charset=iso-8859-1",
        "Content-Type: image/png", "Content-Length: 5", "Content-Length: -5", "Content-Length: x",
        "Content-Transfer-Encoding: binary", "X-Folded: a\r\n b", "X-Lf: a\nX-More: b", "X\r: a",
        "no colon", ": no name", " X: begins with a space", "X : y", "", "X: ä",
    )
)  # fmt: skip
contents = st.lists(
    st.sampled_from(
        (
            b"text", b"", b"\r", b"\n", b"\r\n", b"-", b"--", b"\xff\xe9", "é".encode(),
            b"--b0und", b"\r\n--b0un", b"\n--b0undx", b"\r\n--b0und-", b"\r--b0und \t x", b"x" * 70,
        )
    ),
    max_size=6,
).map(b"".join)  # fmt: skip
breaks = st.sampled_from((b"\r\n",) * 8 + (b"\n", b"\r", b"", b" \r\n", b"\r\n\r\n"))


@st.composite
def parts(draw: st.DrawFn) -> bytes:
    """Draw a part with the delimiter before it, usual or not."""
    lines = [f"Content-Disposition: {draw(dispositions)}"]
    for line in draw(st.lists(others, max_size=2)):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return b"".join(
        (
            b"--b0und", draw(breaks), "\r\n".join(lines).encode(), draw(breaks), draw(breaks),
            draw(contents), draw(breaks),
        )
    )  # fmt: skip


usual_parts = st.builds(
    '--b0und\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'.format,
    st.sampled_from(("a", "b", "ä")),
    st.sampled_from(("", '; filename="f"', '; filename="ü.png"\r\nContent-Type: image/png')),
).flatmap(lambda head: contents.map(lambda content: head.encode() + content + b"\r\n"))
ends = st.sampled_from((b"--b0und--\r\n",) * 5 + (b"", b"--b0und--", b"--b0und-", b"--b0und-- x\n"))


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw a multipart form, the usual shape as often as not."""
    begin = draw(st.sampled_from((b"",) * 6 + (b"\r\n", b"preamble\r\n", b"--b0undx\r\n")))
    middle = draw(st.lists(usual_parts, max_size=4)) + draw(st.lists(parts(), max_size=2))
    body = begin + b"".join(middle) + draw(ends)
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.sampled_from((b"\x00", b"\r", b"\n", b"--b0und", b"\xff")))
        body += draw(st.sampled_from((b"", b"\r\n--b0und--\r\n")))
    return body


limits = st.fixed_dictionaries(
    {
        "max_form_memory_size": st.sampled_from((None, 500_000, 500_000, 0, 10, 200)),
        "max_form_parts": st.sampled_from((None, 1000, 1000, 0, 1, 3)),
    }
)


class Pieces:
    """Be a stream that returns less than it was asked for."""

    def __init__(self, body: bytes, sizes: list[int]) -> None:
        self.left = io.BytesIO(body)
        self.sizes = sizes or [1 << 20]
        self.reads = 0

    def read(self, size: int) -> bytes:
        self.reads += 1
        return self.left.read(min(size, self.sizes[self.reads % len(self.sizes)]))


def describe(form: t.Any, files: t.Any) -> t.Any:
    """Return all that a view can see of a form."""
    return list(form.items(multi=True)), [
        (name, file.name, file.filename, file.content_type, file.mimetype_params,
         file.content_length, list(file.headers), file.read())
        for name, file in files.items(multi=True)
    ]  # fmt: skip


def parse(cls: type[FormDataParser], stream: t.Any, length: int, **options: t.Any) -> t.Any:
    """Parse a form; an error is a result too."""
    streams: list[t.Any] = []

    def factory(**about: t.Any) -> t.IO[bytes]:
        streams.append(sorted(about.items()))
        return io.BytesIO()

    parser = cls(stream_factory=t.cast(t.Any, factory), silent=False, **options)
    try:
        _rest, form, files = parser.parse(
            stream, "multipart/form-data", length, {"boundary": BOUNDARY}
        )
    except HTTPException as error:
        return type(error)
    except ValueError:
        return ValueError
    return describe(form, files), streams


LARGE = {"PIECE_BYTES": multipart.PIECE_BYTES}
SMALL = {"PIECE_BYTES": 160, "HELD_BYTES": 24, "HEAD_BYTES": 110, "AT_ONCE_BYTES": 20}


@pytest.mark.parametrize("source", ["any stream", "a server's stream"])
@pytest.mark.parametrize("memory", ["large", "small"])
@settings(max_examples=500, deadline=None)
@given(body=bodies(), options=limits, sizes=st.lists(st.integers(1, 90), max_size=3))
def test_multipart_forms_in_pieces_are_read_as_werkzeug_reads_them_whole(
    memory: str, source: str, body: bytes, options: dict[str, int | None], sizes: list[int]
) -> None:
    """However the body is cut, and though it is many times what is in memory of it.

    What a server passes is read into a buffer.
    Werkzeug's own result may depend on the cut by a byte, and on a low limit.
    """
    if memory == "small" and options["max_form_memory_size"] != 500_000:
        options = {**options, "max_form_memory_size": None}
    expected = parse(FormDataParser, io.BytesIO(body), len(body), **options)
    with mock.patch.multiple(multipart, **SMALL if memory == "small" else LARGE):
        stream: t.Any = Pieces(body, sizes)
        if source == "a server's stream":
            stream = _Body(stream, len(body))
        assert parse(FormParser, stream, len(body), **options) == expected


class Listing(io.BytesIO):
    """Keep what it is given, which is no copy of it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[t.Any] = []

    def write(self, data: t.Any) -> int:
        self.written.append(data)
        return super().write(data)


def test_an_own_file_stream_is_given_bytes_that_stay() -> None:
    """Though the body is read into one buffer: a stream may keep them."""
    content = bytes(range(256)) * 5_000
    head = b'--b0und\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    body = head + content + b"\r\n--b0und--\r\n"
    file = Listing()
    parser = FormParser(stream_factory=t.cast(t.Any, lambda **_about: file))
    stream = t.cast(t.Any, _Body(t.cast(t.Any, io.BytesIO(body)), len(body)))
    parser.parse(stream, "multipart/form-data", len(body), {"boundary": BOUNDARY})
    assert {type(piece) for piece in file.written} == {bytes}
    assert len(file.written) > 1
    assert b"".join(file.written) == content


urlencoded = st.lists(
    st.sampled_from(
        ("a=1", "b", "c=", "=d", "", "a=x+y", "e=%20%C3%A9", "%61=%", "f=%zz%4", "g=%E9%ff",
         "a=b=c", "+", "%26=%3D", "h=;", "é=ü", "%00=\x00")
    )
).map("&".join)  # fmt: skip


def read(cls: type[RequestBase], kind: str, body: bytes, limit: int | None, first: str) -> t.Any:
    """Read the form of a request, after something else of it."""
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    request = cls(environ)
    request.max_content_length = limit
    try:
        if first == "part of the stream":
            request.stream.read(3)
        elif first == "part, then data":
            request.stream.read(3)
            request.get_data()
        elif first == "get_data":
            request.get_data()
        elif first == "get_data without keeping it":
            request.get_data(cache=False)
        elif first == "type":
            request.mimetype  # noqa: B018
        found = describe(request.form, request.files)
        return found, type(request.form), request.stream.read(), request.get_data(), request.data
    except HTTPException as error:
        return type(error)
    finally:
        request.close()


FIRST = (
    "form", "part of the stream", "part, then data", "get_data", "get_data without keeping it",
    "type",
)  # fmt: skip


# Werkzeug's parser leaves the files of a refused form to the garbage collector.
@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.tuples(
            st.sampled_from(
                ("application/x-www-form-urlencoded", "application/X-WWW-form-urlencoded",
                 "application/x-www-form-urlencoded; charset=utf-8", "text/plain", "")
            ),
            urlencoded.map(lambda text: text.encode()),
        ),
        st.tuples(
            st.sampled_from(
                ("multipart/form-data; boundary=b0und", 'multipart/form-data; boundary="b0und"',
                 "multipart/form-data; boundary=b0und; x=y", "multipart/form-data;boundary=b0und",
                 "multipart/form-data; boundary=b0und=", "multipart/form-data",
                 "multipart/form-data; boundary=", "multipart/form-data; boundary=b0und(")
            ),
            bodies(),
        ),
    ),
    st.sampled_from((None, 10, 10_000)),
    st.sampled_from(FIRST),
)  # fmt: skip
def test_forms_of_requests_are_those_of_werkzeug(
    sent: tuple[str, bytes], limit: int | None, first: str
) -> None:
    """Whatever was read of the request before."""
    kind, body = sent
    with mock.patch.object(RequestBase, "form_data_parser_class", Lenient):
        expected = read(RequestBase, kind, body, limit, first)
    assert read(Request, kind, body, limit, first) == expected


class Lenient(FormDataParser):
    """Be Werkzeug's, but keep bytes that are not UTF-8, which is one of our differences."""

    def _parse_urlencoded(self, stream: t.Any, *args: t.Any) -> t.Any:
        text = stream.read().decode(errors="werkzeug.url_quote").encode()
        return super()._parse_urlencoded(io.BytesIO(text), *args)
