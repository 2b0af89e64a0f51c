"""Text that a client has chosen is sent in header fields as data, and never as another field.

What can be encoded is. What can't be is an error on the line that sets it, which says what to do.
"""

from __future__ import annotations

import asyncio
import io
import os
import typing as t

import pytest
from werkzeug.test import TestResponse

from costrel import Costrel, Flask, make_response, redirect, send_file, send_from_directory

HOSTILE = ["a\r\nX: y", "a\nb", "a\rb", "a\x00b", "a\x1b\x7fb"]
LONE = "a\ud800b"
Answer = t.Callable[[t.Callable[[], t.Any]], TestResponse]


@pytest.fixture(params=["WSGI", "ASGI"])
def interface(request: pytest.FixtureRequest) -> str:
    """Run a test over both interfaces."""
    return str(request.param)


def ask(kind: type[Flask], interface: str, view: t.Callable[[], t.Any]) -> TestResponse:
    """Return what a view answers, in a thread or on the event loop."""
    app = kind("heads", root_path=os.curdir)
    app.testing = True

    async def on_loop() -> t.Any:
        return view()

    app.add_url_rule("/thread", view_func=view)
    app.add_url_rule("/loop", view_func=on_loop)
    if interface == "ASGI":
        return t.cast("TestResponse", asyncio.run(app.async_test_client().get("/loop")))
    response = t.cast("TestResponse", app.test_client().get("/thread"))
    response.get_data()
    response.close()
    return response


@pytest.fixture(params=[Flask, Costrel], ids=lambda cls: cls.__name__)
def answer(request: pytest.FixtureRequest, interface: str, path: str) -> Answer:
    """Return what a view answers, on both classes and over both interfaces."""
    return lambda view: ask(request.param, interface, view)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_name_of_a_download_may_be_any_text(answer: Answer, text: str) -> None:
    """What no header field can have is an underscore, which browsers make of it too."""
    for attached in (False, True):
        response = answer(
            lambda attached=attached: send_file(
                io.BytesIO(b"x"), as_attachment=attached, download_name=f"{text}.txt"
            )
        )
        assert response.status_code == 200
        assert response.mimetype == "text/plain"
        assert response.headers["Content-Disposition"].startswith(
            ("inline; filename=", "attachment; filename=")
        )
        assert "_" in response.headers["Content-Disposition"]
        assert "X" not in response.headers


def test_name_of_a_download_may_have_half_a_surrogate_pair(answer: Answer) -> None:
    """JSON has such text, and so have names of files that are no UTF-8."""
    response = answer(lambda: send_file(io.BytesIO(b"x"), download_name=f"{LONE}é.txt"))
    assert response.headers["Content-Disposition"].endswith("filename*=UTF-8''a_b%C3%A9.txt")


@pytest.mark.parametrize("name", ["a\nb.txt", "a\x1b.txt", os.fsdecode(b"a\xff.txt")], ids=ascii)
def test_file_of_any_name_is_sent(answer: Answer, tmp_path: t.Any, name: str) -> None:
    """Also if nobody says what it is to be called; and again, with the headers that were kept."""
    try:
        (tmp_path / name).write_text("x")
    except (OSError, UnicodeError):
        pytest.skip("This file system has no such names.")
    for view in (
        lambda: send_file(tmp_path / name),
        lambda: send_file(str(tmp_path / name)),
        lambda: send_from_directory(tmp_path, name),
        lambda: send_from_directory(tmp_path, name, download_name=None),
    ):
        response = answer(view)
        assert (response.status_code, response.text) == (200, "x")
        assert "a_" in response.headers["Content-Disposition"]


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("text", [*HOSTILE, "a\tb"], ids=ascii)
def test_redirect_encodes_what_no_header_can_have(interface: str, text: str) -> None:
    """Nothing is dropped, which could make another URL of it; `Flask` drops tabs, as Flask does."""
    response = ask(Costrel, interface, lambda: redirect(f"/x/{text}?{text}"))
    assert response.status_code == 302
    assert response.location.startswith("/x/a%")
    assert "X" not in response.headers
    other = ask(Costrel, interface, lambda: redirect(f"/{text[1]}/evil.example"))
    assert other.location.startswith("/%")


def test_location_with_a_control_character_is_encoded_on_every_way(answer: Answer) -> None:
    """As Werkzeug sends it; one with a line break is an error of the line that sets it."""

    def view() -> t.Any:
        response = make_response("x")
        response.location = "/a\x00b"
        with pytest.raises(ValueError, match="newline"):
            response.headers["Location"] = "/a\nb"
        return response

    assert answer(view).location == "/a%00b"


@pytest.mark.parametrize("text", [*HOSTILE, LONE, "é;", 'a"b\\', "a\tb"], ids=ascii)
def test_cookie_has_one_name_and_no_attributes_but_its_own(answer: Answer, text: str) -> None:
    """Its value may be any text; a name or domain that would end early is refused."""

    def view() -> t.Any:
        response = make_response("x")
        for arguments in (
            {"key": f"a;{text}"},
            {"key": "k", "domain": f"a.example; {text}"},
            {"key": "k", "expires": f"; {text}"},
            {"key": "k", "domain": f"{'a' * 70}.example"},
            {"key": ""},
            {"key": "a=b"},
        ):
            with pytest.raises(ValueError, match="cookie"):
                response.set_cookie(**arguments)
        if text != LONE:
            response.set_cookie("k", text, path=f"/{text}", httponly=True)
        return response

    cookies = answer(view).headers.getlist("Set-Cookie")
    assert len(cookies) == (text != LONE)
    for cookie in cookies:
        assert cookie.isascii()
        assert cookie.isprintable()
        attributes = [part.partition("=")[0] for part in cookie.split("; ")[1:]]
        assert attributes == ["HttpOnly", "Path"]


@pytest.mark.parametrize("text", [*HOSTILE, LONE, "\u4e2d"], ids=ascii)
def test_other_values_are_never_sent_in_part(answer: Answer, text: str) -> None:
    """They are errors of the view, and name what can't be sent."""

    def etag() -> t.Any:
        response = make_response("x")
        response.set_etag(text)
        return response

    def realm() -> t.Any:
        response = make_response("x", 401)
        response.headers["WWW-Authenticate"] = f'Basic realm="{text}"'
        return response

    for view in (etag, realm, lambda: ("x", {"X-Own": text}), lambda: ("x", f"200 {text}")):
        with pytest.raises(ValueError, match=r"can't be sent|line break|newline") as caught:
            answer(view)
        notes = getattr(caught.value, "__notes__", [])
        assert (
            "encode" in str(caught.value)
            or any("Encode" in note for note in notes)
            or ("status" in str(caught.value))
        )
