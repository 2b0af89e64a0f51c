"""A multipart form that can't be read is refused by `Costrel`; `Flask` does what Werkzeug does."""

from __future__ import annotations

import asyncio
import logging
import typing as t

import pytest
from werkzeug.test import TestResponse

from costrel import Costrel, Flask, request
from costrel.api import File, Form, UploadedFile
from costrel.security import protect

pytestmark = [
    pytest.mark.usefixtures("path"),
    # Werkzeug's parser leaves the files of a refused form to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning"),
]

MULTIPART = "multipart/form-data; boundary=b"
UNUSUAL = f'multipart/form-data; boundary="{"b" * 80}"'
NAMED = b'Content-Disposition: form-data; name="ok"'

NAMELESS = {
    "no name": b"Content-Disposition: form-data",
    "a file without a name": b'Content-Disposition: form-data; filename="a"',
    "a name that does not end": b'Content-Disposition: form-data; name="a',
    "nothing to read": b"Content-Disposition: ; ; =",
    "no disposition": b"Content-Disposition:",
    "a line break": b'Content-Disposition: form-data; name="a\rb"; filename="c\nd"',
}
CONTROLS = {
    "escape in a file name": b'Content-Disposition: form-data; name="f"; filename="\x1b[2J"',
    "NUL in a file name": b'Content-Disposition: form-data; name="f"; filename="a\x00.txt"',
    "a line break that is encoded": NAMED + b"; filename*=utf-8''a%0D%0Ab",
}
BROKEN = {
    "no header": b"no header",
    "another header": b"X-Y: z",
    "a name that is not UTF-8": b'Content-Disposition: form-data; name="\xff"',
    "a file name that is not UTF-8": b'Content-Disposition: form-data; name="f"; filename="\xff"',
    "half of a surrogate pair": b'Content-Disposition: form-data; name="\xed\xa0\x80"',
    "another header that is not UTF-8": NAMED + b"\r\nX-Y: \xff",
}
READABLE = {
    "two names": b'Content-Disposition: form-data; name="a"; name="b"',
    "two dispositions": NAMED + b'\r\nContent-Disposition: form-data; name="b"',
    "an empty name": b'Content-Disposition: form-data; name=""',
    "a tab": b'Content-Disposition: form-data; name="a\tb"; filename="c\td"',
    "an unknown encoding": b"Content-Disposition: form-data; name*=bogus''a; filename*=nope''b",
    "NUL in a name": b'Content-Disposition: form-data; name="a\x00b"',
    "escape in a name": b'Content-Disposition: form-data; name="\x1b[2J"',
    "a line break in a name": b"Content-Disposition: form-data; name*=utf-8''a%0D%0Ab",
    "a folded line": b'Content-Disposition: form-data;\r\n name="a"',
    "a length that is none": NAMED + b"\r\nContent-Length: abc",
    "an encoding of Python's": NAMED + b"\r\nContent-Type: text/plain; charset=idna",
}


def body_of(*heads: bytes, boundary: bytes = b"b") -> bytes:
    """Return a form whose parts have these heads."""
    parts = (b"--" + boundary + b"\r\n" + head + b"\r\n\r\nv\r\n" for head in heads)
    return b"".join(parts) + b"--" + boundary + b"--\r\n"


def make_app(cls: type[Flask] = Costrel, **config: t.Any) -> Flask:
    """Return an application that reads forms, in a thread, on the loop, and into parameters."""
    app = cls("forms", static_folder=None)
    app.config.update(config, PROPAGATE_EXCEPTIONS=False)

    def read() -> t.Any:
        names = sorted(map(str, [*request.form, *request.files]))
        return {"names": names, "fields": dict(request.form)}

    async def read_on_loop() -> t.Any:
        return read()

    app.add_url_rule("/sync", "sync", read, methods=["POST"])
    app.add_url_rule("/async", "async", read_on_loop, methods=["POST"])

    @app.errorhandler(400)
    def tell(error: t.Any) -> t.Any:
        return {"error": error.description, "left": [*request.form, *request.files]}, 400

    return app


def send(
    app: Flask, way: str, body: bytes, kind: str = MULTIPART, **arguments: t.Any
) -> TestResponse:
    """Send a form over WSGI or ASGI."""
    interface, _, view = way.partition(" ")
    if interface == "WSGI":
        client = app.test_client()
        return client.post(f"/{view}", data=body, content_type=kind, **arguments)
    loop_client = app.async_test_client()
    return asyncio.run(loop_client.post(f"/{view}", data=body, content_type=kind, **arguments))


WAYS = ("WSGI sync", "WSGI async", "ASGI sync", "ASGI async")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("head", [*NAMELESS.values(), *CONTROLS.values(), *BROKEN.values()])
def test_malformed_form_is_a_bad_request(way: str, head: bytes, caplog: t.Any) -> None:
    """Wherever the part is; its handler may look at the form, which is empty then."""
    app = make_app()
    long = b'Content-Disposition: form-data; name="f"; filename="x"\r\n\r\n' + b"x" * 70_000
    for heads in ((head,), (head, NAMED), (NAMED, head), (long, head)):
        response = send(app, way, body_of(*heads))
        assert response.status_code == 400
        assert "form" in response.json["error"]
        assert response.json["left"] == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [UNUSUAL, "multipart/form-data", "multipart/form-data; boundary="])
@pytest.mark.parametrize(
    "head", [NAMELESS["no name"], CONTROLS["NUL in a file name"], b"no header"]
)
def test_form_with_an_unusual_boundary_is_read_as_closely(way: str, kind: str, head: bytes) -> None:
    """Werkzeug's parser reads it, or nobody can."""
    app = make_app()
    boundary = b"b" * 80
    assert send(app, way, body_of(NAMED, head, boundary=boundary), kind).status_code == 400
    expected = 200 if kind is UNUSUAL else 400
    assert send(app, way, body_of(NAMED, boundary=boundary), kind).status_code == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [MULTIPART, UNUSUAL, "multipart/form-data"])
def test_request_without_a_body_has_an_empty_form(way: str, kind: str) -> None:
    """Whatever its content type is; a form without parts is empty too."""
    app = make_app()
    assert send(app, way, b"", kind).json == {"names": [], "fields": {}}
    assert send(app, way, b"--b--\r\n").json == {"names": [], "fields": {}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [b"garbage", b"--b", b"--b\r\n\r\n", body_of(NAMED)[:-9]])
def test_form_that_is_cut_off_is_a_bad_request(way: str, body: bytes) -> None:
    """Its end is missing, or its beginning."""
    assert send(make_app(), way, body).status_code == 400


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("head", READABLE.values(), ids=READABLE)
def test_form_that_is_only_odd_is_read_as_werkzeug_reads_it(way: str, head: bytes) -> None:
    """By both classes alike."""
    found = [send(make_app(cls), way, body_of(head, NAMED)) for cls in (Flask, Costrel)]
    assert [response.status_code for response in found] == [200, 200]
    assert found[0].json == found[1].json
    assert "ok" in found[0].json["names"]


@pytest.mark.parametrize("way", WAYS)
def test_form_is_what_werkzeug_makes_of_it_where_the_setting_is_off(way: str) -> None:
    """On `Flask`, which has it off, and on a `Costrel` that switches it off."""
    for app in (make_app(Flask), make_app(STRICT_FORMS=False)):
        assert send(app, way, body_of(BROKEN["no header"], NAMED)).json["names"] == []
        named = send(app, way, body_of(NAMELESS["no name"]))
        assert named.json["names"] == ["None"]
        assert send(app, way, body_of(CONTROLS["NUL in a file name"])).json["names"] == ["f"]


def test_protect_makes_forms_strict() -> None:
    """As it gives a `Flask` the other limits."""
    app = make_app(Flask)
    protect(app, hosts=False, csrf=False)
    assert send(app, "WSGI sync", body_of(NAMELESS["no name"])).status_code == 400


@pytest.mark.parametrize("head", [*NAMELESS.values(), *CONTROLS.values(), *BROKEN.values()])
def test_typed_view_gets_no_malformed_form(head: bytes) -> None:
    """It is refused before its parameters are filled."""
    app = Costrel(__name__, static_folder=None)

    @app.post("/")
    def add(
        ok: t.Annotated[str, Form()] = "", f: t.Annotated[UploadedFile | None, File()] = None
    ) -> dict[str, str]:
        return {"ok": ok, "f": str(f)}

    response = app.test_client().post("/", data=body_of(NAMED, head), content_type=MULTIPART)
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
