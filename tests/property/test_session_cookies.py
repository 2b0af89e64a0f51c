"""A session cookie is accepted exactly when itsdangerous accepts it."""

from __future__ import annotations

import hashlib
import typing as t
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from werkzeug.http import dump_cookie

from costrel import Flask
from costrel.json.tag import TaggedJSONSerializer
from costrel.sessions.signing import Serializer

NOW = 1_800_000_000
LIFETIME_S = 3_600

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)
sessions = st.dictionaries(st.sampled_from(("a", " b", " t", "user_id")), values, max_size=3) | (
    st.text(alphabet="x", min_size=400, max_size=500).map(lambda text: {"compressed": text})
)
changes = st.one_of(
    st.just(lambda cookie: cookie),
    # One character is replaced, missing or doubled.
    st.tuples(st.integers(0, 999), st.sampled_from("Aa-_.=+/ é\x00") | st.just("")).map(
        lambda change: (
            lambda cookie: (
                cookie[: change[0] % len(cookie)]
                + change[1]
                + cookie[change[0] % len(cookie) + 1 :]
            )
        )
    ),
    st.integers(0, 999).map(lambda place: lambda cookie: cookie[: place % len(cookie)]),
    st.sampled_from(("", ".", "..", "=", "==", ".=")).map(lambda end: lambda cookie: cookie + end),
    # Bytes after the signature, some of them valid in base64; it skips the others.
    st.text(st.characters(max_codepoint=127), min_size=1, max_size=3).map(
        lambda end: lambda cookie: cookie + end
    ),
    st.sampled_from(("", ".", "x.")).map(lambda start: lambda cookie: start + cookie),
)


def signing(key: str, age_s: int = 0) -> URLSafeTimedSerializer:
    """Return itsdangerous' own serializer with a clock that is behind."""

    class Signer(TimestampSigner):
        def get_timestamp(self) -> int:
            return NOW - age_s

    return URLSafeTimedSerializer(
        key,
        salt="cookie-session",
        serializer=TaggedJSONSerializer(),
        signer=Signer,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )


@settings(max_examples=400, deadline=None)
@given(
    sessions,
    st.sampled_from(("today", "before", "foreign")),
    st.sampled_from((0, 1, LIFETIME_S, LIFETIME_S + 1, -1)),
    changes,
)
def test_session_is_read_as_itsdangerous_reads_it(
    data: dict[str, t.Any], key: str, age_s: int, change: t.Callable[[str], str]
) -> None:
    """For any change to the cookie, its age and its key, and any content."""
    app = Flask("generated")
    app.config.update(
        SECRET_KEY="today",
        SECRET_KEY_FALLBACKS=["before"],
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=LIFETIME_S),
    )
    cookie = change(t.cast(str, signing(key, age_s).dumps(data)))
    with app.test_request_context("/", headers={"Cookie": dump_cookie("session", cookie)}) as ctx:
        serializer = t.cast(t.Any, app.session_interface).get_signing_serializer(app)
        assert isinstance(serializer, Serializer)
        serializer.make_signer(serializer.salt).get_timestamp = lambda: NOW  # type: ignore[method-assign]
        expected: t.Any = {}
        brought = ctx.request.cookies.get("session")
        for known in ("today", "before"):
            try:
                expected = signing(known).loads(brought or "", max_age=LIFETIME_S)
            except BadData:
                continue
            break
        assert expected == dict(ctx.session)
        read = serializer.read_plainly(brought or "", LIFETIME_S)
        assert read is None or read == expected


def test_ordinary_cookie_is_read_plainly() -> None:
    """So the test above really tests the fast path."""
    app = Flask("plain")
    app.secret_key = "today"
    serializer = t.cast(t.Any, app.session_interface).get_signing_serializer(app)
    cookie = serializer.dumps({"user_id": 7, "tags": ("a",)})

    assert {"user_id": 7, "tags": ("a",)} == serializer.read_plainly(cookie, LIFETIME_S)


def test_signature_with_anything_behind_it_is_left_to_itsdangerous():
    """Any character, after the signature and anywhere in the cookie."""
    app = Flask("plain")
    app.secret_key = "today"
    serializer = t.cast(t.Any, app.session_interface).get_signing_serializer(app)
    cookie = serializer.dumps({"user_id": 7})
    ends = [cookie + chr(code) for code in range(128)]
    places = [cookie[:n] + c + cookie[n:] for n in range(len(cookie)) for c in "\x00 =-A.+\n"]
    for changed in (*ends, *places):
        read = serializer.read_plainly(changed, LIFETIME_S)
        if read is not None:
            assert read == serializer.loads(changed, max_age=LIFETIME_S)
