"""`Costrel` with everything on bears what clients may send: `make fuzz-safe` sends more."""

from __future__ import annotations

import pytest
from everything.application import make_files
from everything.hostile import TOGETHER, make_together
from everything.judging import faults_of, is_ours
from everything.sending import GROWTH_BYTES, OverASGI, OverWSGI, memory_bytes
from everything.wire import Answer, Sent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

REQUESTS = 500
"""How many requests each interface gets."""


@pytest.fixture(scope="module", params=[OverWSGI, OverASGI])
def over(request, tmp_path_factory):
    """Put the application behind an interface; its memory may not grow much."""
    folder = tmp_path_factory.mktemp("everything")
    make_files(folder)
    over = request.param(folder)
    before = memory_bytes()
    yield over
    over.close()
    # What Hypothesis remembers, and modules that were loaded, are in it too.
    assert memory_bytes() - before < 2 * GROWTH_BYTES


# The same requests each time; `make fuzz-safe` looks for new ones.
@settings(
    max_examples=REQUESTS // TOGETHER,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[*HealthCheck],
)
@given(random=st.randoms(use_true_random=False))
def test_requests_of_attackers_get_no_500_and_take_little(over, random):
    """Each is answered in time, without an error, and with what protects the answer."""
    over.ask_all(make_together(random))


SENT = Sent("POST", "/write/a", (("Cookie", "a=b"), ("Sec-Fetch-Site", "cross-site")), (b"",))
FIELDS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'self'",
}


def test_answer_that_protects_itself_has_no_fault():
    """Otherwise the tests below would show nothing."""
    assert [*faults_of(SENT, Answer(403, [*FIELDS.items()], b""), {})] == []


@pytest.mark.parametrize(
    ("status", "fields", "body"),
    [
        (500, {}, b""),
        (200, {"X-Frame-Options": "SAMEORIGIN"}, b""),
        (302, {"Location": "//evil.test"}, b""),
        (200, {"Access-Control-Allow-Origin": "https://evil.test"}, b""),
        (
            200,
            {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"},
            b"",
        ),
        (200, {"Set-Cookie": "__Host-session=x; HttpOnly; SameSite=Lax"}, b""),
        (200, {"X-Text": "a\r\nb"}, b""),
        (200, {"X-Reached": "1"}, b""),
        (200, {}, b"what nobody may read"),
    ],
)
def test_answer_that_harms_is_a_fault(status, fields, body):
    """What the requests are sent for is noticed."""
    assert [*faults_of(SENT, Answer(status, [*(FIELDS | fields).items()], body), {})] != []


@pytest.mark.parametrize(
    ("location", "ours"),
    [
        ("/", True), ("http://localhost:8000/a", True), ("https://pay.test/x", True), ("a?b", True),
        ("//evil.test", False), ("https://evil.test", False), ("/\\evil.test", False),
        ("http://localhost@evil.test", False), ("javascript:alert(1)", False),
    ],
)  # fmt: skip
def test_redirect_is_ours_if_it_stays_or_leads_where_it_may(location, ours):
    """The judge of redirects sees what browsers see."""
    assert is_ours(location) == ours
