"""A shop for each test, with a database, a clerk and a customer of its own."""

import pytest

from .. import create_app


@pytest.fixture
def app(tmp_path):
    """Build the application; its database is in a folder of the test."""
    app = create_app(
        TESTING=True,
        DATABASE_URL=f"sqlite:///{tmp_path / 'bookshop.sqlite'}",
        COURIER_KEY="the courier's key",
    )
    app.test_cli_runner().invoke(args=["init-db"])
    yield app
    app.extensions["sessions"].kw["bind"].dispose()


@pytest.fixture
def client(app):
    """Visit as somebody who is not known."""
    return app.test_client()


@pytest.fixture
def clerk(app):
    """Return the header that a clerk sends."""
    token = app.test_cli_runner().invoke(args=["add-clerk", "Ada"]).output.strip()
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def customer(app):
    """Visit as a customer, who has a cookie."""
    client = app.test_client()
    assert client.post("/api/v2/customers", json={"name": "Grace"}).status_code == 201
    return client
