"""Attempts are counted by the application's own rate limits, if no other limiter is given."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from costrel import Costrel, Flask
from costrel.login import Login, login_user


@pytest.mark.parametrize("cls", [Flask, Costrel])
def test_attempts_are_counted_by_the_rate_limits(cls, path):
    """Five times a minute, until the login succeeds."""
    app = cls(__name__)
    app.testing = True
    app.secret_key = "5f0c" * 16
    login = Login(app, load_user=lambda user_id: None)

    @app.post("/try/<name>/<password>")
    def try_it(name, password):
        login.attempt(name)
        if password == "right":
            login_user(SimpleNamespace(id=name))
        return ""

    client = app.test_client()

    def statuses(name, password, count):
        answers = [client.post(f"/try/{name}/{password}") for _ in range(count)]
        return [answer.status_code for answer in answers]

    assert [200] * 5 == statuses("ada", "wrong", 4) + statuses("ada", "right", 1)
    assert [200] * 5 + [429] == statuses("ada", "wrong", 6)
    refused = client.post("/try/ada/right")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert [200] == statuses("bob", "wrong", 1)
