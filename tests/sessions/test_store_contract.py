"""Every store keeps the same promises."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading

import pytest

DAY_S = 86_400.0


def hash_of(name):
    """Return what a store calls a session."""
    return hashlib.sha256(name.encode()).hexdigest()


A, B, C = map(hash_of, "abc")


def test_new_session_is_read_as_it_was_written(store, clock):
    """Bytes of any value come back, with version 1 and the time."""
    data = bytes(range(256))
    assert store.set(A, data, DAY_S, "anna", 0)
    assert (data, 1, "anna", clock.now, clock.now) == store.get(A)
    assert store.get(B) is None


def test_session_that_exists_is_not_created_again(store):
    """A write that expects no session changes nothing if there is one."""
    store.set(A, b"1", DAY_S, None, 0)
    assert not store.set(A, b"2", DAY_S, "anna", 0)
    assert (b"1", 1, None) == store.get(A)[:3]


def test_write_of_the_version_that_is_there_succeeds(store, clock):
    """It keeps the time of creation, and counts the version up."""
    store.set(A, b"1", DAY_S, None, 0)
    created_at = clock.now
    clock.move(10)
    assert store.set(A, b"2", DAY_S, None, 1)
    assert (b"2", 2, None, created_at, clock.now) == store.get(A)


@pytest.mark.parametrize("version", [1, 3])
def test_write_of_another_version_changes_nothing(store, version):
    """Neither an older nor a newer one is taken."""
    store.set(A, b"1", DAY_S, None, 0)
    store.set(A, b"2", DAY_S, None, 1)
    assert not store.set(A, b"3", DAY_S, "anna", version)
    assert (b"2", 2, None) == store.get(A)[:3]
    assert store.of_user("anna") == []


def test_session_that_ended_is_not_written(store):
    """A concurrent request does not bring it back."""
    store.set(A, b"1", DAY_S, None, 0)
    store.delete(A)
    assert not store.set(A, b"2", DAY_S, None, 1)
    store.touch(A, DAY_S)
    assert store.get(A) is None


def test_moved_session_has_the_new_id_only(store, clock):
    """It begins anew, and its user's list has it once."""
    store.set(A, b"1", DAY_S, "anna", 0)
    store.set(A, b"2", DAY_S, "anna", 1)
    clock.move(10)
    assert store.move(A, B, b"3", DAY_S, "berta", 2)
    assert store.get(A) is None
    assert (b"3", 1, "berta", clock.now, clock.now) == store.get(B)
    assert store.of_user("anna") == []
    assert [B] == [kept.id_hash for kept in store.of_user("berta")]


def test_session_that_moves_all_the_time_is_ended_with_its_user(kind, url_of, opened):
    """Log out everywhere holds for it too, in every store: nobody escapes into another id."""
    store = opened(url_of(kind))
    for number in range(20):
        first = hash_of(f"{number}")
        store.set(first, b"1", DAY_S, "anna", 0)
        moving = threading.Event()

        def move(last=first, number=number, moving=moving):
            for step in range(100_000):
                new = hash_of(f"{number} {step}")
                if not store.move(last, new, b"1", DAY_S, "anna", 1):
                    return
                last = new
                moving.set()

        thread = threading.Thread(target=move)
        thread.start()
        moving.wait(10)
        store.delete_of_user("anna")
        thread.join()
        assert store.of_user("anna") == []


def test_session_is_not_moved_if_it_changed_or_ended(store):
    """Nothing is written under the new id."""
    store.set(A, b"1", DAY_S, None, 0)
    store.set(A, b"2", DAY_S, None, 1)
    assert not store.move(A, B, b"3", DAY_S, "anna", 1)
    assert store.get(A)[:2] == (b"2", 2)
    store.delete(A)
    assert not store.move(A, B, b"3", DAY_S, "anna", 2)
    assert store.get(B) is None
    assert store.of_user("anna") == []


def test_touch_notes_the_use_and_keeps_the_version(store, clock):
    """A concurrent write is not disturbed by it."""
    store.set(A, b"1", DAY_S, "anna", 0)
    created_at = clock.now
    clock.move(10)
    store.touch(A, DAY_S)
    assert (b"1", 1, "anna", created_at, clock.now) == store.get(A)
    assert store.set(A, b"2", DAY_S, "anna", 1)


def test_deleting_twice_is_no_error(store):
    """Two requests may end the same session."""
    store.set(A, b"1", DAY_S, "anna", 0)
    store.delete(A)
    store.delete(A)
    assert store.of_user("anna") == []


ODD_USERS = ["anna", "a/b", "../../x", "ü 'x\" *?", "-1", "x" * 300, "a\nb"]


@pytest.mark.parametrize("user", ODD_USERS)
def test_sessions_of_a_user_are_listed_and_ended(store, clock, user):
    """Whatever the id is, it means this user and nobody else."""
    store.set(A, b"1", DAY_S, user, 0)
    clock.move(5)
    store.set(B, b"1", DAY_S, user, 0)
    store.set(C, b"1", DAY_S, f"{user}2", 0)
    assert sorted([(A, clock.now - 5), (B, clock.now)]) == sorted(
        (kept.id_hash, kept.created_at) for kept in store.of_user(user)
    )
    assert store.delete_of_user(user, A) == 1
    assert [A] == [kept.id_hash for kept in store.of_user(user)]
    assert store.delete_of_user(user) == 1
    assert store.delete_of_user(user) == 0
    assert store.get(A) is store.get(B) is None
    assert store.get(C) is not None


def test_list_follows_the_user_of_a_session(store):
    """A session that gets another user, or none, leaves the list of the first."""
    store.set(A, b"1", DAY_S, "anna", 0)
    store.set(A, b"1", DAY_S, "berta", 1)
    assert store.of_user("anna") == []
    assert len(store.of_user("berta")) == 1
    store.set(A, b"1", DAY_S, None, 2)
    assert store.of_user("berta") == []


@pytest.mark.parametrize("kind", ["memory", "file", "sqlite", "postgresql"], indirect=True)
def test_session_ends_after_its_lifetime(store, clock):
    """Each write or touch starts it again; what ended is not listed."""
    store.set(A, b"1", 100, "anna", 0)
    clock.move(99)
    store.touch(A, 100)
    clock.move(99)
    assert store.set(A, b"2", 100, "anna", 1)
    clock.move(101)
    assert store.get(A) is None
    assert store.of_user("anna") == []
    assert not store.set(A, b"3", 100, "anna", 2)
    assert not store.move(A, B, b"3", 100, "anna", 2)
    store.touch(A, 100)
    assert store.get(A) is None


WRITERS, WRITES = 4, 10

COUNT = """
import sys
from costrel.sessions.stores import open_store
url, id_hash, writes = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = open_store(url)
for _ in range(writes):
    while True:
        found = store.get(id_hash)
        if store.set(id_hash, b"%d" % (int(found.data) + 1), 1000, None, found.version):
            break
"""


def test_threads_lose_no_write(kind, url_of, opened):
    """Of concurrent writes of one version, one succeeds."""
    store = opened(url_of(kind))
    store.set(A, b"0", DAY_S, None, 0)
    failures = []

    def count():
        try:
            for _ in range(WRITES):
                while True:
                    found = store.get(A)
                    data = b"%d" % (int(found.data) + 1)
                    if store.set(A, data, DAY_S, None, found.version):
                        break
        except BaseException as error:  # noqa: BLE001  raised below
            failures.append(error)

    threads = [threading.Thread(target=count) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.get(A)[:2] == (b"%d" % (WRITERS * WRITES), WRITERS * WRITES + 1)


def test_processes_lose_no_write(shared_kind, url_of, opened):
    """The check and the write are one step between processes too."""
    url = url_of(shared_kind)
    store = opened(url)
    store.set(A, b"0", DAY_S, None, 0)
    command = [sys.executable, "-c", COUNT, url, A, str(WRITES)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert store.get(A)[:2] == (b"%d" % (2 * WRITES), 2 * WRITES + 1)


def test_store_works_in_forked_processes(shared_kind, url_of, opened):
    """A server may load the application, and use it, before it forks its workers."""
    store = opened(url_of(shared_kind))
    store.set(A, b"0", DAY_S, None, 0)
    children = []
    for number in range(2):
        child = os.fork()
        if child == 0:
            done = False
            try:
                for _ in range(WRITES):
                    done = store.get(A) is not None
                done = done and store.set(hash_of(str(number)), b"", DAY_S, None, 0)
            finally:
                os._exit(0 if done else 1)
        children.append(child)
    for _ in range(WRITES):
        assert store.get(A) is not None
    assert [0, 0] == [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert store.get(hash_of("0")) is not None
    assert store.get(hash_of("1")) is not None


def test_store_that_was_closed_opens_again(store):
    """A server that stops closes it; the next life of the application uses it again."""
    store.set(A, b"1", DAY_S, None, 0)
    store.close()
    store.close()
    assert store.get(A) is not None
