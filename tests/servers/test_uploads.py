"""Request bodies up to the limit and beyond it, on each server."""

from __future__ import annotations

import pytest
from proxy import CONTENT_LIMIT_BYTES as LIMIT_BYTES
from sites import BEHIND_NGINX, names

PIECE = b"y" * 16384


def whole(size):
    """Create a body with a Content-Length."""
    return b"y" * size


def chunked(size):
    """Create a body that is sent in chunks, without a length."""
    pieces, rest = divmod(size, len(PIECE))
    return iter([*[PIECE] * pieces, *([PIECE[:rest]] if rest else [])])


@pytest.mark.parametrize("body", [whole, chunked])
@pytest.mark.parametrize("path", ["/upload", "/upload/in-pieces"])
def test_body_of_exactly_the_limit_arrives_whole(site, body, path):
    """A body of exactly `MAX_CONTENT_LENGTH` is allowed, however the view reads it."""
    answer = site.fetch(path, "POST", body=body(LIMIT_BYTES))

    assert (answer.status, answer.json) == (200, {"length": LIMIT_BYTES})


@pytest.mark.parametrize("excess", [1, 16 * LIMIT_BYTES])
@pytest.mark.parametrize("body", [whole, chunked])
@pytest.mark.parametrize("path", ["/upload", "/upload/in-pieces"])
def test_body_beyond_the_limit_answers_413(site, body, path, excess):
    """A longer body is refused, never truncated, with or without a length."""
    answer = site.fetch(path, "POST", body=body(LIMIT_BYTES + excess))

    assert answer.status == 413
    assert "<title>413 Request Entity Too Large</title>" in answer.text


def test_form_beyond_the_limit_answers_413(site):
    """A form of unknown length is refused as well, before any field of it is used."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = site.fetch("/form", "POST", body=chunked(LIMIT_BYTES + 1), headers=form)

    assert answer.status == 413


def test_server_lives_on_after_a_refused_body(site):
    """The rest of a refused body is not mistaken for the next request."""
    site.fetch("/upload", "POST", body=chunked(16 * LIMIT_BYTES))

    assert site.fetch("/upload", "POST", body=b"next").json == {"length": 4}


@pytest.mark.parametrize("orderly", [True, False], ids=["closed", "crashed"])
def test_client_gone_before_the_announced_end_is_not_taken_for_complete(site, orderly):
    """A body that ends too early is not passed to the view, however the client left."""
    check_not_given_to_the_view(site, {"Content-Length": "1000"}, b"only the beginning", orderly)


@pytest.mark.parametrize("orderly", [True, False], ids=["closed", "crashed"])
@pytest.mark.parametrize(
    "site",
    # nginx waits for the whole body.
    names(able=lambda program: not program.hides_cut_uploads, ways=("",))
    + names(ways=(BEHIND_NGINX,)),
    indirect=True,
)
def test_client_gone_before_the_last_chunk_is_not_taken_for_complete(site, orderly):
    """This holds for a body of unknown length too, if the server can report it."""
    part = b"8\r\nonly the\r\n8\r\nbegin"
    check_not_given_to_the_view(site, {"Transfer-Encoding": "chunked"}, part, orderly)


def check_not_given_to_the_view(site, headers, part, orderly):
    """Break off an upload, send a whole one, and check that only that one has arrived."""
    check = site.growth("bodies", "left over", "alive")

    site.leave_uploading("/upload", headers, part, orderly=orderly)

    assert site.fetch("/upload", "POST", body=b"next").json == {"length": 4}
    check(1, 0, 0)
