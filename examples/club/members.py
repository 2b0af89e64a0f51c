"""Logging in and out, and the command that adds members."""

import click
from flask_login import LoginManager, login_required, login_user, logout_user
from flask_wtf import CSRFProtect, FlaskForm
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from costrel import Blueprint, flash, redirect, render_template, session, url_for

from .models import Member, db

bp = Blueprint("members", __name__, cli_group=None)
csrf = CSRFProtect()
login_manager = LoginManager()
login_manager.login_view = "members.login"
login_manager.login_message = "Please log in first."


def init_app(app):
    """Add the pages and the command, and protect all forms."""
    csrf.init_app(app)
    login_manager.init_app(app)
    app.register_blueprint(bp)


class LoginForm(FlaskForm):
    """Who somebody says they are."""

    name = StringField("Name", [InputRequired()], render_kw={"autocomplete": "username"})
    password = PasswordField("Password", [InputRequired()])


@login_manager.user_loader
def load(number):
    """Find the member whose number is in the session."""
    return db.session.get(Member, int(number))


@login_manager.request_loader
def load_from_header(request):
    """Find the member whose name and password a program sends with each request."""
    sent = request.authorization
    return find(sent.username, sent.password) if sent and sent.type == "basic" else None


def find(name, password):
    """Return the member with this name and password, or None."""
    member = db.session.scalar(select(Member).filter_by(name=name))
    return member if member and check_password_hash(member.password_hash, password) else None


@bp.route("/login", methods=["GET", "POST"])
def login():
    """Show the form, and log in who fills it in correctly."""
    form = LoginForm()
    if form.validate_on_submit():
        member = find(form.name.data, form.password.data)
        if member:
            session.clear()
            login_user(member)
            flash(f"Welcome, {member.name}!")
            return redirect(url_for("pages.home"))
        form.password.errors = ["This is not the password of a member with this name."]
    return render_template("form.html", title="Log in", form=form)


@bp.post("/logout")
@login_required
def logout():
    """Log out."""
    logout_user()
    return redirect(url_for("pages.home"))


@bp.cli.command("add-member")
@click.argument("name")
@click.password_option()
def add_member(name, password):
    """Add a member, with a password."""
    db.session.add(Member(name=name, password_hash=generate_password_hash(password)))
    try:
        db.session.commit()
    except IntegrityError:
        raise click.ClickException(f"There is a member called {name} already.") from None
    click.echo(f"{name} can log in now.")
