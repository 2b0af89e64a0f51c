"""Guests: logging in and out, and the command that adds them."""

import sqlite3
from dataclasses import dataclass

import click

from costrel import Blueprint, flash, redirect, render_template, request, url_for
from costrel.login import (
    Login,
    hash_password,
    login_required,
    login_user,
    logout_user,
    next_url,
    verify_password,
)

from .database import database

bp = Blueprint("guests", __name__, cli_group=None)
login = Login()


def init_app(app):
    """Add the pages and the command."""
    app.config["LOGIN_VIEW"] = "guests.show_login"
    login.init_app(app)
    app.register_blueprint(bp)


@dataclass
class Guest:
    """Somebody who may write into the book."""

    id: int
    name: str
    password_hash: str

    def get_session_secret(self):
        """Bind the guest's sessions to the password: another one ends them."""
        return self.password_hash


@login.user_loader
def load(number):
    """Find the guest whose number is in the session."""
    return find("id", int(number))


def find(column, value):
    """Return the guest with this id or name, or None."""
    query = {"id": "SELECT * FROM guest WHERE id = ?", "name": "SELECT * FROM guest WHERE name = ?"}
    row = database().execute(query[column], (value,)).fetchone()
    return row and Guest(**row)


@bp.get("/login")
def show_login():
    """Show the form."""
    return render_template("login.html")


@bp.post("/login")
def log_in():
    """Log in who knows the password."""
    name, password = request.form["name"], request.form["password"]
    login.attempt(name)
    guest = find("name", name)
    verified = verify_password(guest and guest.password_hash, password)
    if guest is None or not verified:
        return render_template("login.html", error="The name or the password is wrong."), 403
    if verified.renewed:
        guest.password_hash = verified.renewed
        with database() as db:
            db.execute(
                "UPDATE guest SET password_hash = :password_hash WHERE id = :id", vars(guest)
            )
    login_user(guest, remember="remember" in request.form)
    flash(f"Welcome, {guest.name}!")
    return redirect(next_url(default=url_for("book.show")))


@bp.post("/logout")
@login_required
def log_out():
    """Log out, in this browser."""
    logout_user()
    flash("Goodbye!")
    return redirect(url_for("book.show"))


@bp.cli.command("add-guest")
@click.argument("name")
@click.password_option()
def add_guest(name, password):
    """Add a guest, with a password."""
    try:
        with database() as db:
            values = (name, hash_password(password))
            db.execute("INSERT INTO guest (name, password_hash) VALUES (?, ?)", values)
    except sqlite3.IntegrityError:
        raise click.ClickException(f"There is a guest called {name} already.") from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{name} can log in now.")
