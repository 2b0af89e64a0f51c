"""The session, and pages that need a login."""

import functools

from flask import Blueprint, flash, g, get_flashed_messages, redirect, session, url_for

from idioms import site, view

USERS = {7: "Grace"}


def add_login(app, path):
    """Add a view that writes the session."""

    @app.get(f"{path}/login", endpoint="login")
    def login():
        session["user_id"] = 7
        return "Signed in."


@site("session read", first="/session_read/login", served=True)
def session_read(app):
    add_login(app, "/session_read")

    @app.get("/session_read")
    def view():
        return f"Logged in as {session['user_id']}"


@view("session written", served=True)
def session_written():
    session["user_id"] = 7
    return "Signed in."


@view("flash, and its message shown")
def flashed():
    flash("You were successfully logged in")
    return ", ".join(get_flashed_messages())


@site("a page that needs a login, as in the tutorial", first="/login_required/login", served=True)
def login_required(app):
    add_login(app, "/login_required")
    auth = Blueprint("auth", __name__)

    @auth.before_app_request
    def load_logged_in_user():
        user_id = session.get("user_id")
        g.user = None if user_id is None else USERS[user_id]

    def login_required(view):
        @functools.wraps(view)
        def wrapped_view(**kwargs):
            if g.user is None:
                return redirect(url_for("login"))
            return view(**kwargs)

        return wrapped_view

    app.register_blueprint(auth)

    @app.get("/login_required")
    @login_required
    def view():
        return f"Hello, {g.user}!"
