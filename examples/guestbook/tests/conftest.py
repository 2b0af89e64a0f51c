"""A guestbook for each test, with a database and a guest of its own."""

import pytest

from .. import create_app


@pytest.fixture
def app(tmp_path):
    """Build the application; its database is in a folder of the test."""
    app = create_app("testing", database=tmp_path / "guestbook.sqlite")
    add = ["add-guest", "Ada", "--password", "correct horse"]
    assert app.test_cli_runner().invoke(args=add).exit_code == 0
    return app


@pytest.fixture
def client(app):
    """Visit as somebody who is not logged in."""
    return app.test_client()


@pytest.fixture
def new_browser(app):
    """Return a function that logs Ada in, in a browser of its own."""

    def log_in(**fields):
        browser = app.test_client()
        browser.post("/login", data={"name": "Ada", "password": "correct horse", **fields})
        return browser

    return log_in


@pytest.fixture
def ada(new_browser):
    """Visit as Ada."""
    return new_browser()
