"""A request read lazily has the values that Werkzeug reads at once."""

from __future__ import annotations

import io
import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request as RequestBase

from costrel import Request

ATTRIBUTES = (
    "method scheme server root_path path query_string remote_addr full_path url base_url"
    " script_root host content_length mimetype is_json args form data cookies"
).split()

latin = st.binary(max_size=12).map(lambda raw: raw.decode("latin-1"))
queries = st.one_of(
    st.text(alphabet="ab=&+%é;/?", max_size=16),
    st.lists(st.sampled_from(("a=1", "b", "c=", "=d", "", "a=x+y", "e=%20%C3%A9"))).map("&".join),
).map(lambda text: text.encode().decode("latin-1"))

# As browsers send them, and in every other spelling.
cookies = (
    st.lists(st.sampled_from(("a=b", "c=d", "=x", "a", "a=", "x=y=z", 'q="r s"', " ", "é=ü")))
    .flatmap(lambda parts: st.sampled_from(("; ", ";", " ;", ";  ")).map(lambda by: by.join(parts)))
    .map(lambda text: text.encode().decode("latin-1"))
) | st.text(alphabet='ab=;, \t"\\\x0b', max_size=16)


@st.composite
def environs(draw: st.DrawFn) -> dict[str, t.Any]:
    """Draw a WSGI environ with all required and some optional keys."""
    # Forms are ASCII here: Costrel reads other text, which Werkzeug drops.
    body = draw(st.text(alphabet="ab=&+%{}[]:1\n\x00", max_size=12)).encode()
    environ: dict[str, t.Any] = {
        "REQUEST_METHOD": draw(st.sampled_from(("GET", "POST", "put"))),
        "wsgi.url_scheme": draw(st.sampled_from(("http", "https"))),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": draw(st.sampled_from(("80", "5000"))),
        "wsgi.input": body,
    }
    optional = {
        "SCRIPT_NAME": st.sampled_from(("", "/app", "/app/")),
        "PATH_INFO": latin | st.sampled_from(("", "/", "//host/x", "/a b", "no-slash")),
        "QUERY_STRING": queries,
        "HTTP_HOST": st.sampled_from(("localhost", "example.test:8080")),
        "REMOTE_ADDR": st.just("192.0.2.1"),
        "HTTP_COOKIE": cookies,
        "CONTENT_TYPE": st.sampled_from(
            ("application/json", "application/json; charset=x", "application/problem+json",
             "text/plain", "application/x-www-form-urlencoded", "")
        ),
        "CONTENT_LENGTH": st.sampled_from((str(len(body)), "", "0", "x", "-1", "5", "٣")),
        "HTTP_TRANSFER_ENCODING": st.just("chunked"),
        "wsgi.input_terminated": st.booleans(),
    }  # fmt: skip
    for name, values in optional.items():
        if draw(st.booleans()):
            environ[name] = draw(values)
    announced = environ.get("CONTENT_LENGTH", "")
    if "wsgi.input_terminated" in environ and announced.isascii() and announced.isdigit():
        # A server that marks the body's end delivers what was announced. If the client disconnects
        # before that, we raise; Werkzeug does not.
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def read(cls: type[RequestBase], environ: dict[str, t.Any], names: list[str]) -> list[t.Any]:
    """Create a request and read attributes in this order; an error counts as a value."""
    request = cls({**environ, "wsgi.input": io.BytesIO(environ["wsgi.input"])})
    values: list[t.Any] = []
    for name in names:
        try:
            value = getattr(request, name)
        except HTTPException as error:
            value = type(error)
        values.append((name, value.to_dict(flat=False) if hasattr(value, "to_dict") else value))
    return values


@settings(max_examples=400, deadline=None)
@given(environs(), st.permutations(ATTRIBUTES))
def test_attributes_in_any_order_are_those_of_werkzeug(
    environ: dict[str, t.Any], names: list[str]
) -> None:
    """Each attribute has Werkzeug's value, whatever was read before it."""
    assert read(Request, environ, names) == read(RequestBase, environ, names)
