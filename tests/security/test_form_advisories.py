"""Advisories about bodies: forms, their parts and files, and JSON.

As in Flask, a body of `Flask` is unlimited until ``MAX_CONTENT_LENGTH`` is set, and so is
an urlencoded form; a multipart form is limited by the default configuration. `Costrel` limits all.
"""

from __future__ import annotations

import io
import tracemalloc

import pytest
from werkzeug.utils import secure_filename

from costrel import Costrel, Flask, request

pytestmark = pytest.mark.usefixtures("path", "application")

PART = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\n\r\n%s\r\n'
END = b"--b--\r\n"


Application = Flask


@pytest.fixture(params=[Flask, Costrel])
def application(request, monkeypatch):
    """Run a test on both classes: `Costrel` must refuse whatever `Flask` refuses."""
    monkeypatch.setitem(globals(), "Application", request.param)
    return request.param


def make_client(**config):
    """Make an application that tells what it got, with these settings, and its client."""
    app = Application(__name__)
    app.config.update(config)

    @app.post("/")
    def index():
        files = {name: [file.filename, count(file)] for name, file in request.files.items()}
        return {"fields": len(request.form), "files": files}

    @app.post("/json")
    def json():
        return {"got": request.get_json()}

    @app.post("/force")
    def force():
        return {"got": request.get_json(force=True)}

    return app.test_client()


def count(file):
    """Count the bytes of an upload without holding them all."""
    return sum(len(part) for part in iter(lambda: file.read(1 << 16), b""))


def post(client, body, content_type="multipart/form-data; boundary=b"):
    """Send a form."""
    return client.post("/", data=body, content_type=content_type)


# Werkzeug's parser leaves the files of a refused form to the garbage collector.
@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
@pytest.mark.parametrize("part", [PART, FILE], ids=["field", "file"])
def test_form_of_more_than_1000_parts_is_refused(part):
    """CVE-2023-25577, CVE-2023-30798: a form of 1001 parts is answered with 413."""
    client = make_client()
    parts = b"".join(part % (b"n%d" % i, b"v") for i in range(1001))
    assert post(client, parts + END).status_code == 413
    one_less = parts[: parts.rindex(b"--b\r\n")] + END
    assert post(client, one_less).status_code == 200


@pytest.mark.parametrize(
    "filling", [b"a", b"\r", b"\n", b"\r\n", b"\r\n-", b"x--b", b"\r\n--bx"], ids=repr
)
def test_file_that_begins_with_a_line_break_is_read_in_linear_time(filling, assert_linear):
    """CVE-2023-46136: megabytes after a CR don't make the parser search again and again.

    Nor do those that look like the boundary over and over.
    """
    client = make_client()

    def run(size):
        content = b"\r" + filling * (size // len(filling))
        response = post(client, FILE % (b"x", content) + END)
        assert response.json == {"fields": 0, "files": {"f": ["x", len(content)]}}

    assert_linear(run, 1 << 20)


@pytest.mark.parametrize("position", ["first", "last"])
def test_field_over_the_memory_limit_is_refused(position):
    """GHSA-q34m-jh98-gwm2 (CVE-2024-49767), CVE-2024-47874: 413 wherever the field ends.

    The parser reads the body in pieces; a field's length counts over all of them.
    """
    client = make_client()
    field = PART % (b"big", b"x" * 500_001)
    others = PART % (b"a", b"b") * 3
    body = field + others + END if position == "first" else others + field + END
    assert post(client, body).status_code == 413
    fits = PART % (b"big", b"x" * 400_000) + END
    assert post(client, fits).json == {"fields": 1, "files": {}}


@pytest.mark.wsgi_only("the client reads the body into memory before it sends it over ASGI")
def test_file_is_not_held_to_the_memory_limit_and_not_held_in_memory():
    """CVE-2024-49767: a file is no field: it goes to disk, and does not fill the memory."""
    client = make_client(MAX_CONTENT_LENGTH=None)
    body = io.BytesIO(FILE % (b"x", b"a" * (16 << 20)) + END)
    size = body.seek(0, io.SEEK_END)
    body.seek(0)
    tracemalloc.start()
    try:
        response = client.post(
            "/",
            input_stream=body,
            content_length=size,
            content_type="multipart/form-data; boundary=b",
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert response.json == {"fields": 0, "files": {"f": ["x", 16 << 20]}}
    assert peak < 4 << 20


def test_urlencoded_form_of_a_million_fields_is_refused(application):
    """CVE-2026-54283, GHSA-82w8-qh3p-5jfq: 413 on `Costrel`, or with ``MAX_CONTENT_LENGTH``.

    Compatibility: without that, Flask limits multipart forms only, and so does `Flask`.
    """
    body = b"&".join([b"a=1"] * 10**6)
    urlencoded = "application/x-www-form-urlencoded"
    assert post(make_client(MAX_CONTENT_LENGTH=10**6), body, urlencoded).status_code == 413
    expected = 200 if application is Flask else 413
    assert post(make_client(), body, urlencoded).status_code == expected


@pytest.mark.parametrize(
    "option", ['boundary="%s', "boundary=%s", "x*=%s", "x*0*=%s", '!="%s', "%s"]
)
@pytest.mark.parametrize("filling", ['\\"', "\\", "a*", "%", " ", ";", "=", "'"])
def test_options_of_the_content_type_are_read_in_linear_time(option, filling, assert_linear):
    """CVE-2024-24762: no header makes the parser try the same text over and over."""
    client = make_client()

    def run(size):
        header = f"multipart/form-data; {option % (filling * size)}"
        assert post(client, b"", header).status_code == 200

    assert_linear(run, 4_000)


def test_file_name_that_leads_elsewhere_writes_nothing_there(tmp_path, monkeypatch):
    """CVE-2026-24486, GHSA-wp53-j4wj-2cfg: the name a client sent names no file here.

    Compatibility: `filename` is as sent, and `secure_filename` makes one of it.
    """
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    # So large that it goes to disk.
    body = FILE % (b"../../x", b"y" * 600_000) + END
    response = post(make_client(), body)
    assert response.json["files"] == {"f": ["../../x", 600_000]}
    assert [entry.name for entry in tmp_path.rglob("*")] == ["a", "b"]
    assert secure_filename("../../x") == "x"
    assert secure_filename("..\\..\\x") in {"x", "......x", ".._.._x"}


@pytest.mark.parametrize("where", ["preamble", "epilogue"])
@pytest.mark.parametrize("filling", [b"x", b"\r\n", b"--", b"\r\n--"], ids=repr)
def test_text_around_a_form_is_bounded_and_linear(where, filling, assert_linear):
    """CVE-2026-40347, GHSA-mj87-hwqh-73pj: what belongs to no part costs next to nothing."""
    client = make_client()

    def run(size):
        text = filling * (size // len(filling))
        form = PART % (b"a", b"v") + END
        body = text + b"\r\n" + form if where == "preamble" else form + text
        assert post(client, body).status_code in {200, 413}

    assert_linear(run, 1 << 20)


def test_headers_of_a_part_are_bounded_and_linear(assert_linear):
    """CVE-2026-42561, GHSA-pp6c-gr5w-3c5g: 10 000 headers of a part do no harm.

    They are read in linear time, and 413 if they exceed ``MAX_FORM_MEMORY_SIZE``.
    """
    client = make_client()

    def body(headers, line):
        head = b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
        return head + line * headers + b"\r\nv\r\n" + END

    def run(size):
        assert post(client, body(size, b"X: y\r\n")).json == {"fields": 1, "files": {}}

    assert_linear(run, 1_250)
    assert post(client, body(10_000, b"X: " + b"y" * 60 + b"\r\n")).status_code == 413


def test_long_boundary_is_searched_in_linear_time(assert_linear):
    """CVE-2026-42561: a boundary beyond the 70 characters of RFC 2046 costs no more."""
    client = make_client()

    def run(size):
        boundary = b"-" * size
        head = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="f"; filename="x"'
        body = head + b"\r\n\r\n" + b"-" * (1 << 18) + b"\r\n--" + boundary + b"--\r\n"
        content_type = f"multipart/form-data; boundary={boundary.decode()}"
        assert post(client, body, content_type).status_code == 200

    assert_linear(run, 250)


@pytest.mark.parametrize(
    "body", [b'"' + b"\xff" * (1 << 20) + b'"', b"\xff\xfe" * (1 << 19)], ids=["utf-8", "utf-16"]
)
def test_json_of_no_unicode_encoding_is_refused_in_bounded_memory(body):
    """CVE-2018-1000656, CVE-2019-1010083: 400, and no more memory than a few bodies take."""
    client = make_client()
    tracemalloc.start()
    try:
        response = client.post("/json", data=body, content_type="application/json")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert response.status_code == 400
    assert peak < 16 * len(body)


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"],
)
def test_json_without_its_content_type_is_not_read(content_type):
    """CVE-2021-32677: a form or text from another site is answered with 415, never read.

    A browser sends ``application/json`` across sites only if asked to allow it.
    Compatibility: ``get_json(force=True)`` reads any.
    """
    client = make_client()
    assert client.post("/json", data=b"{}", content_type=content_type).status_code == 415
    assert client.post("/force", data=b"{}", content_type=content_type).json == {"got": {}}


@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.api+json"])
def test_json_with_its_content_type_is_read(content_type):
    """CVE-2021-32677: the types that are JSON still are."""
    response = make_client().post("/json", data=b"[1]", content_type=content_type)
    assert response.json == {"got": [1]}
