"""Ordinary requests and their responses on each server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from programs import APPS
from sites import names


def test_head_answers_like_get_without_the_body(site):
    """HEAD has the status and length of GET, and no body."""
    got = site.fetch("/place")
    head = site.fetch("/place", "HEAD")

    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Type"] == "application/json"
    assert head.headers["Content-Length"] == str(len(got.body))


def test_options_names_the_methods(site):
    """OPTIONS is answered with the methods of the URL, without the view."""
    answer = site.fetch("/upload", "OPTIONS")

    assert (answer.status, answer.body) == (200, b"")
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST", "PUT"}


def test_wrong_method_answers_405(site):
    """A method that is not allowed is answered with those that are."""
    answer = site.fetch("/upload", "DELETE")

    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]


def test_unknown_path_answers_404(site):
    """A path without a rule gets the application's own error page."""
    answer = site.fetch("/nowhere")

    assert answer.status == 404
    assert "<title>404 Not Found</title>" in answer.text


def test_failing_view_answers_500_and_logs_the_traceback(site):
    """An error is logged, not shown to the client, and the request is torn down once."""
    check = site.growth("teardown of error", "app teardown of error", "left over")

    answer = site.fetch("/error")

    assert answer.status == 500
    assert "<title>500 Internal Server Error</title>" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    site.running.wait_logged("Exception on /error [GET]")
    site.running.wait_logged("RuntimeError: the secret of the view")
    check(1, 1, 0)


def test_async_view_that_can_not_be_called_answers_500(site):
    """An async view that does not take the URL's variables fails; its request does not hang."""
    assert site.fetch("/async/misfit/x").status == 500


def test_file_is_sent_whole_in_part_or_not_at_all(site):
    """A file is sent, a range of it on request, or nothing if the client has it."""
    content = (APPS / "served.py").read_bytes()

    whole = site.fetch("/file")
    part = site.fetch("/file", headers={"Range": "bytes=4-9"})
    known = site.fetch("/file", headers={"If-None-Match": whole.headers["ETag"]})

    assert (whole.status, whole.body) == (200, content)
    assert (part.status, part.body) == (206, content[4:10])
    assert part.headers["Content-Range"] == f"bytes 4-9/{len(content)}"
    assert (known.status, known.body) == (304, b"")


def test_answer_without_a_body_has_none(site):
    """A 204 has no body and announces none."""
    answer = site.fetch("/nothing")

    assert (answer.status, answer.body) == (204, b"")
    assert "Transfer-Encoding" not in answer.headers


def test_session_cookie_comes_back(site):
    """What a view stores in the session is there in the client's next request."""
    first = site.fetch("/visits")
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    second = site.fetch("/visits", headers={"Cookie": cookie})

    assert (first.json, second.json) == ({"visits": 1}, {"visits": 2})


def test_path_beyond_ascii_reaches_the_view(site):
    """A percent-encoded path arrives decoded, as UTF-8."""
    assert site.fetch("/items/k%C3%A4se%20%26%20brot/").text == "item käse & brot"


@pytest.mark.parametrize("path", ["/meet", "/async/meet"])
@pytest.mark.parametrize("site", names(able=lambda program: program.concurrent), indirect=True)
def test_requests_at_the_same_time_keep_their_own_context(site, path):
    """Two requests in the same view at once each see their own ``g`` and ``request``."""
    with ThreadPoolExecutor() as clients:
        answers = list(clients.map(site.fetch, [f"{path}/a?word=one", f"{path}/b?word=two"]))

    assert [answer.json for answer in answers] == [
        {"g": "a", "path": f"{path}/a", "word": "one"},
        {"g": "b", "path": f"{path}/b", "word": "two"},
    ]


def test_event_loop_lives_on_between_requests(site):
    """A task started by one async view can be finished by another."""
    assert site.fetch("/async/start").json == {"path": "/async/start"}
    assert site.fetch("/async/finish").json == {
        "path": "/async/finish",
        "result": "the task of the first request",
    }
