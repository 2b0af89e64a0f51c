"""Both logins in one program, under the alias; prints what each says about the other."""

from __future__ import annotations

from click import echo
from flask import Flask
from flask_login import LoginManager, UserMixin
from flask_login import current_user as theirs
from flask_login import login_user as log_in_to_theirs

from costrel.login import Login, current_user, login_user


class User(UserMixin):
    """A model of Flask-Login."""

    id = "ada"


class Limiter:
    """Count nothing; never asked."""


def make_app():
    """Make an application with a key."""
    app = Flask(__name__)
    app.secret_key = "5f0c" * 16
    return app


def show(function, *args, **kwargs):
    """Print what a call returns or raises."""
    try:
        echo(repr(function(*args, **kwargs)))
    except RuntimeError as error:
        echo(f"RuntimeError: {error}")


# Flask-Login first: ours refuses, and theirs goes on.
app = make_app()
manager = LoginManager(app)
manager.user_loader(lambda user_id: User())
show(Login, app, limiter=Limiter())
show(Login, app, limiter=Limiter())
app.add_url_rule("/theirs", "theirs", lambda: [log_in_to_theirs(User()), theirs.id])
app.add_url_rule("/ours", "ours", lambda: str(bool(current_user)))
client = app.test_client()
echo(client.get("/theirs").json)
with app.test_request_context():
    show(lambda: bool(current_user))
    show(login_user, User())

# Ours first: it no longer answers once Flask-Login is there.
app = make_app()
Login(app, load_user=lambda user_id: User(), limiter=Limiter())
with app.test_request_context():
    show(login_user, User())
LoginManager(app)
with app.test_request_context():
    show(lambda: bool(current_user))

# One after the other on the same session: either finds the user of the other.
app = make_app()
Login(app, load_user=lambda user_id: User(), limiter=Limiter())
app.add_url_rule("/who", "who", lambda: current_user.get_id() or "nobody")
who = app.test_client()
who.set_cookie("session", client.get_cookie("session").value)
echo(who.get("/who").text)
