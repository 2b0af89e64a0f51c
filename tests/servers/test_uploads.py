"""Request bodies up to the limit and beyond it, on each server."""

from __future__ import annotations

import pytest
from proxy import CONTENT_LIMIT_BYTES as LIMIT_BYTES
from sites import BEHIND_NGINX, names

PIECE = b"y" * 16384


def whole(size):
    """Make a body whose length is announced."""
    return b"y" * size


def chunked(size):
    """Make a body that is sent piece by piece, of a length that nobody knows before its end."""
    pieces, rest = divmod(size, len(PIECE))
    return iter([*[PIECE] * pieces, *([PIECE[:rest]] if rest else [])])


@pytest.mark.parametrize("body", [whole, chunked])
@pytest.mark.parametrize("path", ["/upload", "/upload/in-pieces"])
def test_body_of_exactly_the_limit_arrives_whole(site, body, path):
    """`MAX_CONTENT_LENGTH` itself is allowed, however the view reads."""
    answer = site.fetch(path, "POST", body=body(LIMIT_BYTES))

    assert (answer.status, answer.json) == (200, {"length": LIMIT_BYTES})


@pytest.mark.parametrize("excess", [1, 16 * LIMIT_BYTES])
@pytest.mark.parametrize("body", [whole, chunked])
@pytest.mark.parametrize("path", ["/upload", "/upload/in-pieces"])
def test_body_beyond_the_limit_answers_413(site, body, path, excess):
    """A longer body is refused, never cut, whether its length was announced or not."""
    answer = site.fetch(path, "POST", body=body(LIMIT_BYTES + excess))

    assert answer.status == 413
    assert "<title>413 Request Entity Too Large</title>" in answer.text


def test_form_beyond_the_limit_answers_413(site):
    """A form of unknown length is refused as well, before any field of it is used."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = site.fetch("/form", "POST", body=chunked(LIMIT_BYTES + 1), headers=form)

    assert answer.status == 413


def test_server_lives_on_after_a_refused_body(site):
    """What is left of a refused body is not taken for the next request."""
    site.fetch("/upload", "POST", body=chunked(16 * LIMIT_BYTES))

    assert site.fetch("/upload", "POST", body=b"next").json == {"length": 4}


@pytest.mark.parametrize("orderly", [True, False], ids=["closed", "crashed"])
def test_client_gone_before_the_announced_end_is_not_taken_for_complete(site, orderly):
    """A body that ends too early is not given to the view, however the client went."""
    check_not_given_to_the_view(site, {"Content-Length": "1000"}, b"only the beginning", orderly)


@pytest.mark.parametrize("orderly", [True, False], ids=["closed", "crashed"])
@pytest.mark.parametrize(
    "site",
    # Where nginx is, it waits for all of the body.
    names(able=lambda program: not program.hides_cut_uploads, ways=("",))
    + names(ways=(BEHIND_NGINX,)),
    indirect=True,
)
def test_client_gone_before_the_last_chunk_is_not_taken_for_complete(site, orderly):
    """Where the server can say so, this holds for a body of unknown length as well."""
    part = b"8\r\nonly the\r\n8\r\nbegin"
    check_not_given_to_the_view(site, {"Transfer-Encoding": "chunked"}, part, orderly)


def check_not_given_to_the_view(site, headers, part, orderly):
    """Break off an upload, send a whole one, and see that only that has arrived."""
    check = site.growth("bodies", "left over", "alive")

    site.leave_uploading("/upload", headers, part, orderly=orderly)

    assert site.fetch("/upload", "POST", body=b"next").json == {"length": 4}
    check(1, 0, 0)
