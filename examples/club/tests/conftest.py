"""An application for each test, with a database and two members of its own."""

import pytest
from werkzeug.security import generate_password_hash

from .. import create_app
from ..models import Member, db

SECRET = generate_password_hash("secret")  # once, because it takes its time


@pytest.fixture
def app(tmp_path):
    """Build the application; its files are in a folder of the test."""
    app = create_app("testing", instance_path=str(tmp_path))
    with app.app_context():
        db.create_all()
        for name in ("Ada", "Grace"):
            db.session.add(Member(name=name, password_hash=SECRET))
        db.session.commit()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app):
    """Visit as somebody who is not logged in."""
    return app.test_client()


@pytest.fixture
def ada(app):
    """Visit as Ada."""
    client = app.test_client()
    client.post("/login", data={"name": "Ada", "password": "secret"})
    return client
