"""Keys rotate while clients keep their sessions: none is lost, and old keys are refused."""

from __future__ import annotations

import random
import threading
import typing as t

import pytest

from costrel import Flask, session
from costrel.sessions.keys import fresh_key

CLIENTS = 4
ROTATIONS = 3
REQUESTS = 5
"""How many requests each client makes at least between two steps."""


def make_worker(key: str) -> Flask:
    """Make an application that counts a client's requests in its session."""
    app = Flask(__name__)
    app.secret_key = key

    @app.get("/")
    def count() -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    return app


class Clients:
    """Threads that send requests to workers, each with a session of its own, until they are told.

    Attributes:
        counts: How many requests each has sent.
        lost: What was answered where a session had been lost.
    """

    def __init__(self, workers: t.Sequence[Flask]) -> None:
        self.counts = [0] * CLIENTS
        self.lost: list[str] = []
        self._workers = workers
        self._moved = threading.Condition()
        self._end = False
        self._threads = [
            threading.Thread(target=self._keep_session, args=(number,)) for number in range(CLIENTS)
        ]

    def __enter__(self) -> t.Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end = True
        for thread in self._threads:
            thread.join()

    def _keep_session(self, number: int) -> None:
        chosen = random.Random(number)  # noqa: S311  not for secrets
        cookie = ""
        expected = 1
        try:
            while not self._end:
                client = chosen.choice(self._workers).test_client(use_cookies=False)
                response = client.get("/", headers={"Cookie": cookie} if cookie else {})
                if response.text != str(expected):
                    self.lost.append(f"{response.text} instead of {expected}")
                    break
                cookie = response.headers["Set-Cookie"].partition(";")[0]
                expected += 1
                with self._moved:
                    self.counts[number] += 1
                    self._moved.notify_all()
        finally:
            with self._moved:
                self.counts[number] += 1_000_000  # nobody waits for it any more
                self._moved.notify_all()

    def wait_for_more(self) -> None:
        """Wait until each client has sent more requests."""
        with self._moved:
            wanted = [count + REQUESTS for count in self.counts]
            reached = self._moved.wait_for(
                lambda: all(map(int.__ge__, self.counts, wanted)), timeout=60
            )
        assert reached


@pytest.mark.usefixtures("path")
def test_no_session_is_lost_while_keys_rotate_on_two_workers() -> None:
    """By the steps of docs/secrets.md, each complete on both workers before the next begins."""
    key = fresh_key()
    workers = [make_worker(key), make_worker(key)]
    old_keys = []
    with Clients(workers) as clients:
        for _ in range(ROTATIONS):
            old_keys.append(key)
            new = fresh_key()
            for name, value in (
                ("SECRET_KEY_FALLBACKS", [new, key]),
                ("SECRET_KEY", new),
                ("SECRET_KEY_FALLBACKS", None),
            ):
                for worker in workers:
                    clients.wait_for_more()
                    worker.config[name] = value
                clients.wait_for_more()
            key = new
    assert clients.lost == []
    for old in old_keys:
        # SECURITY(rotation): what was signed with a key that was removed is not believed.
        stolen = make_worker(old).test_client()
        assert [stolen.get("/").text for _ in range(2)] == ["1", "2"]
        cookie = stolen.get_cookie("session")
        assert cookie is not None
        for worker in workers:
            response = worker.test_client(use_cookies=False).get(
                "/", headers={"Cookie": f"session={cookie.value}"}
            )
            assert response.text == "1"


def test_key_that_others_do_not_know_yet_loses_sessions() -> None:
    """So the first step is not left out: the test above would notice."""
    old, new = fresh_key(), fresh_key()
    first, second = make_worker(old), make_worker(old)
    first.config.update(SECRET_KEY=new, SECRET_KEY_FALLBACKS=[old])
    cookie = first.test_client().get("/").headers["Set-Cookie"].partition(";")[0]
    answer = second.test_client(use_cookies=False).get("/", headers={"Cookie": cookie})
    assert answer.text == "1"
