"""Advisories about forms, uploads and JSON, on `Flask` and on `Costrel` with everything on."""

from __future__ import annotations

import asyncio
import io
import threading
import tracemalloc

import msgspec
import pytest
from werkzeug.utils import secure_filename

from costrel import Costrel, request

MULTIPART = "multipart/form-data; boundary=b"
URLENCODED = "application/x-www-form-urlencoded"
FIELD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\n\r\n%s\r\n'
END = b"--b--\r\n"


@pytest.fixture
def client(make_app):
    """Make an application that tells what it got, and its client."""
    app = make_app()

    @app.post("/")
    def index():
        files = {key: [file.filename, len(file.read())] for key, file in request.files.items()}
        return {"fields": len(request.form), "files": files}

    @app.post("/json")
    def json():
        return {"got": request.get_json()}

    return app.test_client()


def post(client, body, content_type=MULTIPART, path="/"):
    """Send a body, and return the response."""
    return client.post(path, data=body, content_type=content_type)


def refused_within(client, body, times):
    """Send JSON that is refused, in no more memory than the body takes so many times."""
    tracemalloc.start()
    try:
        response = post(client, body, "application/json", "/json")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert response.status_code == 400
    assert peak < times * len(body)


def test_cve_2018_1000656_json_of_no_unicode_is_refused_in_bounded_memory(client):
    """The encoding is not guessed: what is not UTF-8 gets a 400."""
    refused_within(client, b'"' + b"\xff" * (1 << 20) + b'"', 16)


def test_cve_2019_1010083_json_of_another_encoding_is_refused_in_bounded_memory(client):
    """UTF-16 and UTF-32 are not expanded into text of four bytes for a character."""
    refused_within(client, b"\xff\xfe" + b"\xfe\xdc" * (1 << 19), 16)


@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_cve_2023_25577_a_form_of_more_than_1000_parts_is_refused(client):
    """GHSA-xg9f-g7g7-2323: fields and files count together."""
    fields = b"".join(FIELD % (b"n%d" % i, b"v") for i in range(500))
    assert post(client, fields + FILE % (b"x", b"v") * 501 + END).status_code == 413
    assert post(client, fields + FILE % (b"x", b"v") * 500 + END).status_code == 200


@pytest.mark.parametrize("filling", [b"\r", b"\n", b"x", b"\r\n--bx"], ids=repr)
def test_cve_2023_46136_a_part_that_begins_with_a_line_break_is_read_in_linear_time(
    client, filling, assert_linear
):
    """GHSA-hrfv-mqp8-q5rw: megabytes after a CR are not searched again with each piece."""

    def run(size):
        content = b"\r" + filling * (size // len(filling))
        answer = post(client, FILE % (b"x", content) + END).json
        assert answer == {"fields": 0, "files": {"f": ["x", len(content)]}}

    assert_linear(run, 1 << 19)


def test_cve_2024_49767_a_field_counts_over_all_pieces_of_the_body(client):
    """GHSA-q34m-jh98-gwm2: a field of more than ``MAX_FORM_MEMORY_SIZE`` gets a 413."""
    others = FIELD % (b"a", b"b") * 3
    for body in (
        FIELD % (b"big", b"x" * 500_001) + others,
        others + FIELD % (b"big", b"x" * 500_001),
    ):
        assert post(client, body + END).status_code == 413
    assert post(client, FIELD % (b"big", b"x" * 400_000) + END).json["fields"] == 1


def test_cve_2023_30798_the_number_of_fields_is_limited(client):
    """A million small fields are refused, and not collected first."""
    assert post(client, FIELD % (b"a", b"") * 20_000 + END).status_code == 413


def test_cve_2024_47874_a_field_without_an_end_is_refused(client):
    """GHSA-f96h-pmfr-66vw: a part that is no file can't fill the memory."""
    assert post(client, FIELD % (b"a", b"x" * 5_000_000)).status_code == 413


def test_cve_2026_54283_limits_count_for_urlencoded_forms_too(client):
    """GHSA-82w8-qh3p-5jfq: a million fields get a 413 on `Costrel`.

    Compatibility: Flask, and so `Flask`, limits such a form by ``MAX_CONTENT_LENGTH`` only.
    """
    is_safe = isinstance(client.application, Costrel)
    for body in (b"a=1&" * 240_000, b"a=" + b"x" * 1_000_001, b"a&" * 2_000):
        assert post(client, body, URLENCODED).status_code == (413 if is_safe else 200)
    client.application.config["MAX_CONTENT_LENGTH"] = 1000
    assert post(client, b"a=1&" * 1000, URLENCODED).status_code == 413


def test_cve_2025_54121_an_upload_that_goes_to_disk_does_not_hold_the_event_loop(make_app):
    """Starlette #2962: a sync view, which reads the form, is in a thread of its own."""
    app, threads = make_app(), []

    @app.post("/upload")
    def upload():
        threads.append(threading.current_thread())
        return str(request.files["f"].stream.seek(0, io.SEEK_END))

    async def send():
        client = app.async_test_client()
        body = FILE % (b"x", b"y" * 2_000_000) + END
        response = await client.post("/upload", data=body, content_type=MULTIPART)
        return response.text, threading.current_thread()

    size, loop_thread = asyncio.run(send())
    assert size == "2000000"
    assert threads != [loop_thread]


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", URLENCODED, "multipart/form-data", "json"]
)
def test_cve_2021_32677_json_is_read_only_if_it_was_sent_as_json(client, content_type):
    """What a form of another site can send gets a 415."""
    assert post(client, b"{}", content_type, "/json").status_code == 415
    assert post(client, b"{}", "application/json", "/json").json == {"got": {}}


class Item(msgspec.Struct):
    """What a typed view takes."""

    name: str


def test_fastapi_0_132_a_typed_view_takes_json_only_if_it_was_sent_as_json(make_app):
    """Neither without a content type, nor with that of a text."""
    app = make_app()
    if not isinstance(app, Costrel):
        return  # annotations do nothing on `Flask`

    @app.post("/items")
    def add(item: Item) -> Item:
        return item

    client = app.test_client()
    for content_type in (None, "text/plain", URLENCODED, "application/jsonx"):
        assert post(client, b'{"name": "a"}', content_type, "/items").status_code == 415
    assert post(client, b'{"name": "a"}', "application/json", "/items").json == {"name": "a"}


@pytest.mark.parametrize("filling", ['\\"', "\\", "%", ";", "=", "a*"])
def test_cve_2024_24762_options_of_a_content_type_are_read_in_linear_time(
    client, filling, assert_linear
):
    """No text in quotes makes the parser try every way to end it."""

    def run(size):
        assert post(client, b"", f'multipart/form-data; !="{filling * size}').status_code == 200

    assert_linear(run, 4_000)


def test_cve_2026_24486_a_file_name_writes_nothing_elsewhere(client, tmp_path, monkeypatch):
    """GHSA-wp53-j4wj-2cfg: the name is as it was sent, and no file of ours has it."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    answer = post(client, FILE % (b"../../x", b"y" * 600_000) + END)
    assert answer.json["files"] == {"f": ["../../x", 600_000]}
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["a", "b"]
    assert secure_filename("../../x") == "x"


@pytest.mark.parametrize("where", ["preamble", "epilogue"])
@pytest.mark.parametrize("filling", [b"x", b"\r\n", b"\r\n--"], ids=repr)
def test_cve_2026_40347_text_around_a_form_costs_no_more_than_it_is_long(
    client, where, filling, assert_linear
):
    """GHSA-mj87-hwqh-73pj: ten megabytes before or after the parts do no harm."""

    def run(size):
        text = filling * (size // len(filling))
        form = FIELD % (b"a", b"v") + END
        body = text + b"\r\n" + form if where == "preamble" else form + text
        assert post(client, body).status_code in {200, 413}

    assert_linear(run, 1 << 19)


def test_cve_2026_42561_headers_of_a_part_are_limited(client, assert_linear):
    """GHSA-pp6c-gr5w-3c5g: ten thousand get a 413; a boundary of any length costs no more."""
    head = b'--b\r\nContent-Disposition: form-data; name="a"\r\n'

    def run(size):
        body = head + b"X: y\r\n" * size + b"\r\nv\r\n" + END
        assert post(client, body).json == {"fields": 1, "files": {}}

    assert_linear(run, 1_250)
    assert (
        post(
            client, head + (b"X: " + b"y" * 60 + b"\r\n") * 10_000 + b"\r\nv\r\n" + END
        ).status_code
        == 413
    )
    long = "-" * 2000
    body = head[3:] + b"\r\n" + b"-" * 9000
    answer = post(
        client,
        f"--{long}".encode() + body + f"\r\n--{long}--\r\n".encode(),
        f"multipart/form-data; boundary={long}",
    )
    assert answer.status_code in {200, 400, 413}
