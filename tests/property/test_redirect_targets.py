"""A target that is called safe stays at its site for a parser that works as browsers do."""

from __future__ import annotations

import ada_url
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.utils import redirect

from costrel.ground.targets import is_safe_target

PIECES = (
    "/", "//", "\\", "/\\", "http:", "https:", "HTTPS:", "javascript:", "data:", "//evil.example",
    "evil.example", "shop.example", "www.example", "localhost", "@", ":", ":80", ":443", ":8443",
    "?", "#", ".", "..", "%2f", "%5c", "%2e", "%00", "\t", "\n", "\r", " ", "\x00", "\x0b", "\x1f",
    "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\uff0f", "\u3002", "\uff0e", "\u017f", "\u212a",
    "\u00ad", "\u2044", "[::1]", "127.1", "0x7f.1", "xn--", "a", "b", ";", "&", "=", "*", "|", "^",
    "\ud800",
)  # fmt: skip
starts = st.sampled_from(
    ["", "/", "a", "?", "http://", "https://", "https://shop.example", "https://www.example"]
)
rests = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=12)
targets = st.tuples(starts, rests).map("".join)
bases = st.sampled_from(
    [
        ("http", "shop.example", "/a/b?c"),
        ("https", "shop.example", "/"),
        ("https", "shop.example:8443", "/a/"),
        ("http", "[::1]:5000", "/a"),
    ]
)

ALLOW = ("www.example", "https://evil.example:8443")
ALLOWED = ("http://www.example", "https://www.example", "https://evil.example:8443")


def origin_of(target, base):
    """Return the origin that a browser goes to; None for what it can't read."""
    try:
        return ada_url.URL(target, base=base).origin
    except ValueError:
        return None


@settings(max_examples=1_000, deadline=None)
@given(targets, bases)
@example("/\t/evil.example", ("https", "shop.example", "/"))
@example("http:evil.example", ("https", "shop.example", "/"))
@example("https:evil.example", ("https", "shop.example", "/"))
@example("https:/\\evil.example", ("https", "shop.example", "/"))
@example("/..//evil.example", ("https", "shop.example", "/a/b"))
@example("https://shop.example\\@evil.example", ("https", "shop.example", "/"))
def test_safe_target_leads_to_the_same_origin_or_an_allowed_one(target, base):
    """Both as it was sent and as a redirect sends it."""
    scheme, host, path = base
    if not is_safe_target(target, host, secure=scheme == "https", allow=ALLOW):
        return
    own = {f"{scheme}://{host}", f"https://{host}"}
    url = f"{scheme}://{host}{path}"
    sent = redirect(target).location
    assert origin_of(target, url) in own | {*ALLOWED}
    assert origin_of(sent, url) in own | {*ALLOWED}


@settings(deadline=None)
@given(st.lists(st.text("abc%2.-_~", min_size=1, max_size=5), max_size=4), bases)
def test_plain_path_of_the_site_is_safe(segments, base):
    """What `url_for` builds is not refused."""
    scheme, host, _path = base
    path = "/" + "/".join(segments)
    assert is_safe_target(path, host, secure=scheme == "https")
    assert is_safe_target(f"{scheme}://{host}{path}", host, secure=scheme == "https")
