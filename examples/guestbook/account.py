"""The account of a guest: where they are logged in, and logging out there."""

from costrel import Blueprint, flash, redirect, render_template, request, url_for
from costrel.login import login_required, logout_user
from costrel.sessions import end_sessions_of, sessions_of

from .guests import login

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.before_request
@login_required
def only_guests():
    """Let the view run."""


@bp.get("/")
def show():
    """List the browsers in which the guest is logged in."""
    return render_template("account.html", sessions=sessions_of(login.require().id))


@bp.post("/end")
def end():
    """Log out in one browser."""
    if end_sessions_of(login.require().id, key=request.form["key"]):
        flash("You are logged out there.")
    return redirect(url_for(".show"))


@bp.post("/end-all")
def end_all():
    """Log out everywhere, also where the guest is only remembered."""
    guest = login.require()
    login.forget_devices(guest)
    count = end_sessions_of(guest.id)
    logout_user()
    flash(f"You are logged out everywhere: {count} sessions have ended.")
    return redirect(url_for("book.show"))
