"""Replaced attributes of the response class and of errors count on the planned path too."""

from __future__ import annotations

import copy
import typing as t

import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response as BaseResponse

from costrel import Flask, Response, redirect


def get(app: Flask, path: str = "/", method: str = "GET") -> t.Any:
    """Send one request."""
    return app.test_client().open(path, method=method)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_location_made_absolute_on_the_class(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts that are sent without Werkzeug do not skip it."""
    monkeypatch.setattr(Response, "autocorrect_location_header", True)
    app = Flask("app")
    app.add_url_rule("/", "index", lambda: redirect("/there"))
    assert get(app, method=method).headers["Location"] == "http://localhost/there"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("default_status", 299, ("299 UNKNOWN", "text/html; charset=utf-8")),
        ("default_mimetype", "text/csv", ("200 OK", "text/csv; charset=utf-8")),
    ],
)
def test_default_changed_after_the_first_request(
    name: str, value: t.Any, expected: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual answer is compiled again."""
    app = Flask("app")
    app.add_url_rule("/", "index", lambda: "text")
    get(app)
    monkeypatch.setattr(Response, name, value)
    response = get(app)
    assert (response.status, response.content_type) == expected


def test_subclass_with_properties_instead_of_lazy_attributes() -> None:
    """The constructor assigns what a subclass wants to be told of."""

    class Own(Response):
        @property
        def headers(self) -> Headers:
            return self._own

        @headers.setter
        def headers(self, value: Headers) -> None:
            self._own = Headers([*value, ("X-Own", "1")])

    app = Flask("app")
    app.response_class = Own
    app.add_url_rule("/", "index", lambda: "text")
    assert get(app).headers["X-Own"] == "1"


def test_response_that_is_an_iterator_or_a_proxy_is_a_response() -> None:
    """It is looked at first whether a value is a response."""
    app = Flask("app")
    app.add_url_rule("/", "index", lambda: LocalProxy(lambda: Response("inner", 202)))
    response = get(app)
    assert (response.status_code, response.text) == (202, "inner")


def test_response_for_a_class_without_lazy_attributes() -> None:
    """Werkzeug gives the response another class, which has no lazy attributes."""
    app = Flask("app")
    app.response_class = BaseResponse  # type: ignore[assignment]
    app.add_url_rule("/", "index", lambda: Response("text", 202))
    response = get(app)
    assert (response.status_code, response.text) == (202, "text")


def test_error_without_a_content_type_has_werkzeugs_default() -> None:
    """Werkzeug's responses are text/plain unless they say otherwise."""

    class Untyped(NotFound):
        def get_headers(self, *_: t.Any) -> list[tuple[str, str]]:
            return [("X-Error", "1")]

    def view() -> t.NoReturn:
        raise Untyped

    app = Flask("app")
    app.add_url_rule("/", "index", view)
    assert get(app).headers["Content-Type"] == "text/plain; charset=utf-8"


def test_force_type_of_a_subclass_converts_errors() -> None:
    """A replaced conversion is called with the error, as in Flask."""
    seen: list[t.Any] = []

    class Own(Response):
        @classmethod
        def force_type(cls, response: t.Any, environ: t.Any = None) -> t.Any:
            seen.append(response)
            return super().force_type(response, environ)

    app = Flask("app")
    app.response_class = Own
    assert get(app).status_code == 404
    assert isinstance(seen[0], NotFound)


def test_plain_dict_as_headers() -> None:
    """Werkzeug sends such headers too."""

    def view() -> Response:
        response = Response("text")
        response.headers = {"X-A": "1"}  # type: ignore[assignment]
        return response

    app = Flask("app")
    app.add_url_rule("/", "index", view)
    assert get(app).headers.to_wsgi_list() == [("X-A", "1"), ("Content-Length", "4")]


def test_removed_body_is_not_sent() -> None:
    """An untouched body is not the same as one that was set to None."""
    response = Response("text")
    response.response = None  # type: ignore[assignment]
    assert response.plain_parts() is None


def test_copy_shares_headers_whatever_was_accessed() -> None:
    """An untouched response has its headers when it is copied."""
    response = Response("text")
    copy.copy(response).headers["X-A"] = "1"
    assert response.headers["X-A"] == "1"


def test_error_that_writes_bytes() -> None:
    """The page of a custom error need not be text."""

    class Own(NotFound):
        def get_body(self, *_: t.Any) -> t.Any:
            return b"bytes"

    def view() -> t.NoReturn:
        raise Own

    app = Flask("app")
    app.add_url_rule("/", "index", view)
    assert (get(app).status_code, get(app).text) == (404, "bytes")
