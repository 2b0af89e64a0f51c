"""Responses that servers treat differently or that stop them, on `costrel run`."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from exchange import fetch
from programs import Program, serve


@pytest.fixture(scope="module", params=["wsgi", "asgi"])
def served(request, tmp_path_factory):
    """Serve the application over one interface; no worker may end."""
    program = Program(
        "costrel-run",
        lambda port, app: [
            *("costrel", "--app", app, "run", "--interface", request.param, "--port", str(port))
        ],
    )
    running, port = serve(program, "unsendable:app", tmp_path_factory.mktemp(request.param))
    yield running, port
    running.stop()
    assert "panicked" not in running.log
    assert "Unexpected exit" not in running.log


@pytest.mark.parametrize("status", [-200, 0, 1, 99, 1000, 70_000, 2**70])
def test_status_that_http_does_not_have_is_the_views_error(served, status):
    """The client sees 500, the log names the view, and the server answers the next request."""
    running, port = served

    assert fetch(port, f"/{status}").status == 500
    running.wait_logged(f"The response of 'by_status' has the status '{status} UNKNOWN'")
    assert fetch(port, "/").text == "index"


@pytest.mark.parametrize("status", [200, 299, 404, 599, 600, 999])
def test_status_of_three_digits_arrives(served, status):
    """Also if HTTP does not define that number."""
    _running, port = served

    assert fetch(port, f"/{status}").status == status


@pytest.mark.parametrize("path", ["/relay", "/relay-stream"])
@pytest.mark.parametrize(
    "field",
    [
        {"Transfer-Encoding": "chunked"},
        {"Transfer-Encoding": "gzip, chunked", "Trailer": "Expires"},
        {"Connection": "keep-alive", "Keep-Alive": "timeout=5"},
        {"Connection": "close"},
        {"TE": "trailers", "Proxy-Connection": "keep-alive"},
        {"Upgrade": "h2c"},
    ],
    ids=str,
)
def test_fields_of_another_connection_lose_no_response(served, path, field):
    """A view may pass on what another service has sent."""
    _running, port = served
    answer = fetch(port, f"{path}?{urlencode(field)}")

    assert (answer.status, answer.text, answer.cut_off) == (200, "text", False)


@pytest.mark.parametrize(
    "field",
    [
        {"Content-Length": "abc"},
        {"Content-Length": "-1"},
        {"Content-Length": ""},
        {"Bad Name": "x"},
        {"X-A": "a\x00b"},
        {"X-A": "€"},
    ],
    ids=str,
)
def test_field_that_cannot_be_sent_is_the_views_error(served, field):
    """It is answered with 500 and logged, on every server."""
    running, port = served

    assert fetch(port, f"/relay-stream?{urlencode(field)}").status == 500
    running.wait_logged("UnsendableError: The response of 'relay_stream' has")
