"""Forms in the usual shape are read the short way; the others, and large ones, as carefully."""

from __future__ import annotations

import asyncio
import io
import tempfile
import tracemalloc

import pytest
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.formparser import FormDataParser, MultiPartParser
from werkzeug.sansio.multipart import MultipartDecoder
from werkzeug.test import run_wsgi_app

from costrel import Flask, Request, request
from costrel.wrappers import multipart
from costrel.wrappers.request import FormParser

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b0und"
FIELD = b'--b0und\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n'
FILE = (
    b'--b0und\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\n'
    b"Content-Type: image/png\r\n\r\n%s\r\n"
)
END = b"--b0und--\r\n"


def make_app(**config):
    """Make an application that tells what it read, in a sync view and in a coroutine."""
    app = Flask(__name__)
    app.config.update(config)

    def tell():
        files = [
            [name, file.filename, file.content_type, len(file.read())]
            for name, file in request.files.items(multi=True)
        ]
        return {"form": list(request.form.items(multi=True)), "files": files}

    async def tell_in_coroutine():
        return tell()

    app.add_url_rule("/sync", "sync", tell, methods=["POST"])
    app.add_url_rule("/async", "async", tell_in_coroutine, methods=["POST"])
    return app


def send(app, body, kind, way):
    """Send a form over WSGI or ASGI; returns the answer."""
    interface, _, view = way.partition(" ")
    if interface == "WSGI":
        return app.test_client().post(f"/{view}", data=body, content_type=kind)
    client = app.async_test_client()
    return asyncio.run(client.post(f"/{view}", data=body, content_type=kind))


WAYS = ("WSGI sync", "WSGI async", "ASGI sync", "ASGI async")


@pytest.fixture
def decoders(monkeypatch):
    """Count the forms that Werkzeug's parser was asked for."""
    asked = []
    fill = MultiPartParser.parse

    def parse(self, *args):
        asked.append(self)
        return fill(self, *args)

    monkeypatch.setattr(MultiPartParser, "parse", parse)
    # That is what is looked at otherwise.
    monkeypatch.setattr(multipart, "is_open", lambda _name, _cls: True)
    return asked


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [0, 2_000, 100_000, 700_000])
def test_usual_form_is_not_handed_to_werkzeug(decoders, way, size):
    """A form as browsers send it, of any size, over either interface."""
    body = FIELD % b"1" + FILE % (b"x" * size) + FIELD % b"2" + END
    response = send(make_app(), body, MULTIPART, way)
    assert response.json == {
        "form": [["a", "1"], ["a", "2"]],
        "files": [["f", "x.png", "image/png", size]],
    }
    assert decoders == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "part",
    [
        (FIELD % b"2").replace(b'"a"', b'"a"\nX: y'),
        (FIELD % b"2").replace(b'"a"', b"a"),
        (FIELD % b"2").replace(b'"a"', b'"a";\r\n x=y'),
        (FIELD % b"2").replace(b'name="a"', b"name*=UTF-8''a"),
    ],
)
def test_unusual_part_is_handed_to_werkzeug_with_what_follows(decoders, way, part):
    """What came before it is kept, and its parser goes on from there."""
    body = FIELD % b"1" + FILE % b"x" + part + FILE % b"yy" + END
    response = send(make_app(), body, MULTIPART, way)
    assert response.json == {
        "form": [["a", "1"], ["a", "2"]],
        "files": [["f", "x.png", "image/png", 1], ["f", "x.png", "image/png", 2]],
    }
    assert len(decoders) == 1


@pytest.mark.parametrize("name", ["a%22b", 'a\\"b', "a\\\\b", "50%", "%2", "ä", "a;b"])
def test_names_are_decoded_as_werkzeug_decodes_them(name):
    """A quote that a browser has encoded is one again, and a percent sign stays."""
    body = (FIELD % b"1").replace(b'"a"', f'"{name}"'.encode())
    body += (FILE % b"2").replace(b"x.png", name.encode()) + END
    found, expected = (
        cls(stream_factory=lambda **_: io.BytesIO()).parse(
            io.BytesIO(body), "multipart/form-data", len(body), {"boundary": "b0und"}
        )
        for cls in (FormParser, FormDataParser)
    )
    assert found[1] == expected[1]
    assert found[2]["f"].filename == expected[2]["f"].filename


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parts", [3, 4])
def test_parts_count_over_both_parsers(way, parts):
    """The limit is on the form, whoever reads which part."""
    unquoted = (FIELD % b"2").replace(b'"a"', b"a")
    body = FIELD % b"1" + unquoted * (parts - 1) + END
    response = send(make_app(MAX_FORM_PARTS=3), body, MULTIPART, way)
    assert response.status_code == (200 if parts == 3 else 413)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("limit", [100, 50_000, 500_000])
@pytest.mark.parametrize("excess", [0, 1])
def test_field_over_the_limit_answers_413_and_one_of_the_limit_does_not(way, limit, excess):
    """To the byte, where only the field counts; a low limit is one for what is in memory."""
    body = FIELD % (b"x" * (limit + excess)) + END
    expected = 413 if excess or limit < 500_000 else 200
    response = send(make_app(MAX_FORM_MEMORY_SIZE=limit), body, MULTIPART, way)
    assert response.status_code == expected


def test_large_file_is_exactly_what_was_sent():
    """Wherever the pieces end, also within what looks like a delimiter."""
    near = b"\r\n--b0un\r\n--b0undx\r\n--b0und-\r\n-\r"
    content = near * (3 * multipart.PIECE_BYTES // len(near))
    for begin in range(len(near)):
        body = FIELD % b"1" + FILE % content[begin:] + END
        parser = FormParser(stream_factory=lambda **_: io.BytesIO(), silent=False)
        _stream, form, files = parser.parse(
            io.BytesIO(body), "multipart/form-data", len(body), {"boundary": "b0und"}
        )
        assert files["f"].read() == content[begin:]
        assert form["a"] == "1"


def test_file_of_many_megabytes_takes_little_memory():
    """It is never in memory as a whole, and is read in pieces."""
    sizes = []

    left = [END, b"\r\n", *[b"x" * 65_536] * 512, FILE.partition(b"%s")[0]]

    class Upload:
        def read(self, size):
            sizes.append(size)
            return left.pop() if left else b""

    tracemalloc.start()
    try:
        _stream, _form, files = FormParser().parse(
            Upload(), "multipart/form-data", None, {"boundary": "b0und"}
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    with files["f"].stream as stream:
        assert isinstance(stream, tempfile.SpooledTemporaryFile)
        assert stream.seek(0, io.SEEK_END) == 512 * 65_536
    assert peak < 3 << 20
    assert max(sizes) <= multipart.PIECE_BYTES


def make_request(body, kind, cls=Request):
    """Make a request with a form."""
    return cls(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
    )


FORMS = [(b"a=1", URLENCODED), (FIELD % b"1" + END, MULTIPART)]


@pytest.mark.parametrize(("body", "kind"), FORMS)
@pytest.mark.parametrize("storage", [MultiDict, type("Own", (ImmutableMultiDict,), {})])
def test_storage_class_is_the_one_of_the_request(body, kind, storage):
    """Applications replace it on their class, or on the object."""

    class Own(Request):
        parameter_storage_class = storage

    of_object = make_request(body, kind)
    of_object.parameter_storage_class = storage
    for made in (make_request(body, kind, Own), of_object):
        assert type(made.form) is type(made.files) is storage
        assert made.form["a"] == "1"


@pytest.mark.parametrize(("body", "kind"), FORMS)
@pytest.mark.parametrize("how", ["class", "object", "method"])
def test_parser_of_the_application_is_asked(body, kind, how):
    """One of its own, also if that derives from ours."""
    asked = []

    class Parser(FormParser if how == "object" else FormDataParser):
        def parse(self, *args):
            asked.append(args[1])
            return super().parse(*args)

    class Own(Request):
        if how == "class":
            form_data_parser_class = Parser
        elif how == "method":

            def make_form_data_parser(self):
                return Parser(cls=self.parameter_storage_class)

    made = make_request(body, kind, Own)
    if how == "object":
        made.form_data_parser_class = Parser
    assert made.form["a"] == "1"
    assert asked == [kind.partition(";")[0]]


def test_file_stream_of_the_application_is_used():
    """It is told what is known of the file, and whatever it returns is in the form."""
    about = []

    class Own(Request):
        def _get_file_stream(self, **known):
            about.append(known)
            return io.BytesIO()

    body = FILE.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n") % b"abc" + END
    made = make_request(body, MULTIPART, Own)
    assert type(made.files["f"].stream) is io.BytesIO
    assert made.files["f"].read() == b"abc"
    assert about == [
        {
            "total_content_length": len(body),
            "content_type": "image/png",
            "filename": "x.png",
            "content_length": 3,
        }
    ]


@pytest.mark.parametrize("cls", [MultiPartParser, MultipartDecoder])
def test_patched_parser_of_werkzeug_is_asked(cls, monkeypatch):
    """As tracers patch it."""
    asked = []
    original = cls.__init__

    def init(self, *args, **kwargs):
        asked.append(cls)
        original(self, *args, **kwargs)

    monkeypatch.setattr(cls, "__init__", init)
    assert make_request(*FORMS[1]).form["a"] == "1"
    assert asked == [cls]


@pytest.mark.parametrize(("body", "kind"), FORMS)
def test_form_after_part_of_the_stream_has_the_rest(body, kind):
    """What was read of the stream is gone."""
    made = make_request(b"xx" + body, kind)
    assert made.stream.read(2) == b"xx"
    assert made.form["a"] == "1"
    assert made.get_data() == b""


@pytest.mark.parametrize(("body", "kind"), FORMS)
def test_body_that_was_read_as_data_is_still_a_form(body, kind):
    """And the data stays what it was."""
    made = make_request(body, kind)
    assert made.get_data() == body
    assert made.form["a"] == "1"
    assert made.get_data() == body


@pytest.mark.parametrize(("body", "kind"), FORMS)
@pytest.mark.parametrize("missing", [1, 4])
def test_form_that_breaks_off_is_a_400(body, kind, missing):
    """Also if what came of it could be read."""
    app = make_app()
    environ = make_request(body[:-missing], kind).environ
    environ.update(CONTENT_LENGTH=str(len(body)), PATH_INFO="/sync", HTTP_HOST="localhost")
    environ.update({"wsgi.url_scheme": "http", "SERVER_NAME": "localhost", "SERVER_PORT": "80"})
    assert run_wsgi_app(app, environ)[1] == "400 BAD REQUEST"


def test_boundary_in_a_list_of_options_is_werkzeugs_to_find(decoders):
    """Quoted, of characters that need quotes, or among others."""
    for options in ('boundary="b0und"', "charset=utf-8; boundary=b0und", "boundary=b0und;x=y"):
        made = make_request(FIELD % b"1" + END, f"multipart/form-data; {options}")
        assert made.form["a"] == "1"
    assert decoders == []
    # Unquoted, it ends where a token does.
    made = make_request(FIELD % b"1" + END, "multipart/form-data; boundary=b0und=more")
    assert made.form["a"] == "1"
