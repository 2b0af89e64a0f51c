"""Streaming responses on each server."""

from __future__ import annotations

from http.client import RemoteDisconnected

import pytest
from sites import names

PIECE = b"x" * 65536


def test_stream_has_its_request_and_is_torn_down_once_at_its_end(site):
    """Each piece sees the request and ``g``; the teardown runs once, after the last."""
    (before,) = site.count("teardown of stream")
    check = site.growth("teardown of stream", "app teardown of stream", "left over", "alive")

    answer = site.fetch("/stream")

    assert answer.status == 200
    assert not answer.cut_off
    assert answer.text == "".join(f"{number} /stream kept {before}\n" for number in range(3))
    check(1, 1, 0, 0)


def test_stream_asked_for_by_head_is_torn_down_once(site):
    """A stream that is not read is closed, and its request is torn down once."""
    check = site.growth("teardown of stream", "app teardown of stream", "left over", "alive")

    answer = site.fetch("/stream", "HEAD")

    assert (answer.status, answer.body) == (200, b"")
    check(1, 1, 0, 0)


def test_client_gone_in_mid_stream_closes_it_and_tears_down_once(site):
    """When the client disconnects, the generator is closed inside its request."""
    check = site.growth(
        "generators closed",
        "closed with request",
        "teardown of endless",
        "app teardown of endless",
        "left over",
        "alive",
    )

    assert site.leave("/endless").startswith(b"HTTP/1.1 200 ")

    check(1, 1, 1, 1, 0, 0)


def test_failing_stream_is_torn_down_once_and_tells_only_the_log(site):
    """An error after the headers is logged and not shown to the client."""
    check = site.growth("teardown of failing_stream", "errors torn down", "left over", "alive")

    try:
        answer = site.fetch("/failing-stream")
    except RemoteDisconnected:
        # Granian drops what it has not sent yet, even the head.
        assert site.program.hides_cuts
    else:
        assert b"secret" not in answer.body
        if (answer.status, answer.body) != (200, PIECE):
            # nginx answers 502 then.
            assert site.program.hides_cuts
            assert answer.status == 502 or (answer.status, answer.body) == (200, b"")
    site.running.wait_logged("RuntimeError: the secret of the stream")
    check(1, 1, 0, 0)


@pytest.mark.parametrize("site", names(able=lambda program: not program.hides_cuts), indirect=True)
def test_failing_stream_is_not_taken_for_complete(site):
    """If the server can, it signals to the client that the response is incomplete."""
    assert site.fetch("/failing-stream").cut_off
