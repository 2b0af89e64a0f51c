"""Passwords are hashed with Argon2id; old hashes are renewed; unknown names cost the same."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from people import CHEAP
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.security import generate_password_hash

from costrel import Flask
from costrel.login import (
    HashCost,
    Verified,
    hash_password,
    hash_password_async,
    passwords,
    verify_password,
    verify_password_async,
)


@pytest.fixture(autouse=True)
def app():
    """Push an application whose hashes are cheap."""
    app = Flask(__name__)
    app.config["LOGIN_HASH_COST"] = CHEAP
    with app.app_context():
        yield app


class Counting:
    """A hasher that counts the hashes that it computes, whatever for."""

    def __init__(self, stored):
        self.stored = stored
        self.count = 0

    def verify(self, stored, given):
        self.count += 1
        if stored != self.stored or given != "right":
            raise VerifyMismatchError
        return True

    def hash(self, password):
        self.count += 1
        return f"$argon2id$new {password}"

    def check_needs_rehash(self, stored):
        return False


def test_password_hashed_is_verified_and_up_to_date():
    """The hash is Argon2id with a salt of its own; nothing has to be stored again."""
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert stored != hash_password("correct horse")
    assert Verified(ok=True) == verify_password(stored, "correct horse")
    assert Verified(ok=False) == verify_password(stored, "Correct horse")
    assert verify_password(stored, "correct horse")
    assert not verify_password(stored, "wrong")


def test_default_cost_is_the_one_of_rfc_9106(app):
    """Without a setting, an application gets the second recommended option."""
    app.config["LOGIN_HASH_COST"] = None
    assert hash_password("a").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_cost_of_another_type_is_refused(app):
    """The error says what to write."""
    app.config["LOGIN_HASH_COST"] = 12
    with pytest.raises(TypeError, match="HashCost"):
        hash_password("a")


@pytest.mark.parametrize("method", ["scrypt:1024:1:1", "pbkdf2:sha256:1"])
def test_hash_of_werkzeug_is_verified_and_renewed(method):
    """The right password gets an Argon2id hash, a wrong one nothing."""
    stored = generate_password_hash("pass\tword", method=method)
    assert Verified(ok=False) == verify_password(stored, "other")
    # It can't be hashed again: control characters are no longer accepted.
    assert Verified(ok=True) == verify_password(stored, "pass\tword")
    stored = generate_password_hash("password", method=method)
    renewed = verify_password(stored, "password").renewed
    assert renewed is not None
    assert Verified(ok=True) == verify_password(renewed, "password")


def test_hash_of_another_cost_is_renewed(app):
    """When the cost is raised, the next login of each user stores a dearer hash."""
    stored = hash_password("a")
    app.config["LOGIN_HASH_COST"] = HashCost(time_cost=2, memory_kib=8, parallelism=1)
    renewed = verify_password(stored, "a").renewed
    assert renewed is not None
    assert "t=2" in renewed
    assert verify_password(stored, "b").renewed is None


def test_unknown_name_costs_what_a_wrong_password_costs(monkeypatch):
    """One hash is computed in either case, so the time does not tell which names exist."""
    hasher = Counting("$argon2id$stored")
    monkeypatch.setattr(passwords, "_hasher", lambda cost: hasher)
    for stored, given in [
        ("$argon2id$stored", "wrong"),
        ("$argon2id$stored", "bad\0"),
        ("$argon2id$stored", ""),
        (None, "wrong"),
        (None, "bad\0"),
        (None, ""),
        ("", "wrong"),
    ]:
        hasher.count = 0
        assert Verified(ok=False) == verify_password(stored, given)
        assert hasher.count == 1, (stored, given)


def test_work_for_an_unknown_name_is_that_of_a_real_hash():
    """What is verified for nobody is a hash of the same parameters and lengths."""
    real, made = hash_password("a").split("$"), passwords._dummy(CHEAP).split("$")
    assert real[:4] == made[:4]
    assert [len(part) for part in real] == [len(part) for part in made]
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify("$".join(made), "a")


def test_long_password_is_refused_without_hashing(monkeypatch):
    """A megabyte costs nothing, for known and unknown names."""
    hasher = Counting("$argon2id$stored")
    monkeypatch.setattr(passwords, "_hasher", lambda cost: hasher)
    for stored in (None, "$argon2id$stored", generate_password_hash("a" * 2000)):
        assert Verified(ok=False) == verify_password(stored, "a" * 2000)
    with pytest.raises(ValueError, match="1025 characters"):
        hash_password("a" * 1025)
    assert hasher.count == 0


@pytest.mark.parametrize("password", ["", "a\0b", "a\nb", "\ud800", "\x7f"])
def test_password_that_can_not_be_typed_is_refused(password):
    """It is a mistake in a new password, and wrong in a login."""
    with pytest.raises(ValueError, match="control characters"):
        hash_password(password)
    assert not verify_password(hash_password("a"), password)
    assert not verify_password(None, password)


def test_password_is_the_same_on_every_keyboard():
    """RFC 8265: composed or decomposed letters and kinds of space don't matter, case does."""
    stored = hash_password("Caf\u00e9 \u00c5")
    assert verify_password(stored, "Cafe\u0301\u00a0\u212b")
    assert not verify_password(stored, "caf\u00e9 \u00c5")
    assert not verify_password(stored, "Cafe \u00c5")


@pytest.mark.parametrize(
    ("stored", "said"),
    [("md5$a$b", "unknown format"), ("$argon2id$v=19$m=8", "damaged"), ("scrypt:x", "")],
)
def test_damaged_hash_never_matches_and_is_logged(caplog, stored, said):
    """The client learns nothing, and the operator does."""
    assert Verified(ok=False) == verify_password(stored, "a")
    assert said in caplog.text


def test_async_twins_hash_in_a_thread():
    """An event loop goes on while a password is hashed."""

    async def main():
        stored = await hash_password_async("a")
        return await verify_password_async(stored, "a"), await verify_password_async(None, "a")

    assert (Verified(ok=True), Verified(ok=False)) == asyncio.run(main())


def test_async_twins_run_elsewhere(monkeypatch):
    """They don't use the thread of the loop."""
    names = []
    monkeypatch.setattr(
        passwords, "_hash_by", lambda *_: names.append(threading.current_thread().name)
    )
    asyncio.run(hash_password_async("a"))
    assert ["costrel-passwords"] == [name.partition("_")[0].rstrip("-0123456789") for name in names]


def test_hashing_too_much_at_once_is_a_503(monkeypatch, caplog):
    """Memory stays bounded: who waits for too long for a turn is told to try again."""
    monkeypatch.setattr(passwords, "WAIT_S", 0)
    taken = [passwords._slots.acquire(blocking=False) for _ in range(passwords.HASHES_AT_ONCE)]
    try:
        with pytest.raises(ServiceUnavailable) as caught:
            hash_password("a")
    finally:
        for _ in taken:
            passwords._slots.release()
    assert caught.value.get_response().headers["Retry-After"]
    assert "503" in caplog.text
    monkeypatch.undo()
    assert hash_password("a")


def test_async_calls_wait_no_longer_than_others(app, monkeypatch):
    """Their time begins with the call, not when a thread is free: whoever comes too late gets 503.

    What is refused so is not hashed, so calls can't pile up for longer than that time.
    """
    monkeypatch.setattr(passwords, "WAIT_S", 0.2)
    stored, hashed = hash_password("a"), []

    class Slow:
        def verify(self, *_args):
            hashed.append(time.sleep(0.15))

        def check_needs_rehash(self, _stored):
            return False

    monkeypatch.setattr(passwords, "_hasher", lambda _cost: Slow())

    async def main():
        calls = [verify_password_async(stored, "a") for _ in range(20)]
        return await asyncio.gather(*calls, return_exceptions=True)

    begin = time.monotonic()
    results = asyncio.run(main())
    assert time.monotonic() - begin < 1
    assert len(hashed) == results.count(Verified(ok=True)) <= 6
    assert len(results) - len(hashed) == sum(isinstance(r, ServiceUnavailable) for r in results)


def test_missing_argon2_is_named(monkeypatch):
    """The error is the command that installs it."""
    monkeypatch.setitem(sys.modules, "argon2", None)
    passwords._hasher.cache_clear()
    with pytest.raises(RuntimeError, match=r'pip install "costrel\[login\]"'):
        hash_password("a")


def test_import_loads_no_extra():
    """Hashing, limits and databases are loaded when they are used."""
    code = (
        "import sys, costrel.login\n"
        "print({'argon2', 'limits', 'redis', 'sqlalchemy'} & sys.modules.keys() or 'none')"
    )
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert "none" == output.strip()


def test_time_for_an_unknown_name_is_of_the_same_order(app):
    """The dummy really is as dear as a real hash (the least of several runs of each)."""
    app.config["LOGIN_HASH_COST"] = HashCost(time_cost=2, memory_kib=4096, parallelism=1)
    stored = hash_password("a")

    def least(known):
        times = []
        for _ in range(5):
            begin = time.process_time()
            verify_password(known, "b")
            times.append(time.process_time() - begin)
        return min(times)

    assert 0.4 < least(None) / least(stored) < 2.5
