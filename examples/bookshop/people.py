"""Who may do what: clerks have tokens, customers a cookie, and the courier a key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Annotated

import click
from sqlalchemy import select
from werkzeug.http import dump_cookie

from costrel import Blueprint, current_app, request
from costrel.api import APIKey, BearerAuth, Depends

from .database import Database
from .tables import ClerkRow, CustomerRow

commands = Blueprint("people", __name__, cli_group=None)

of_clerk = BearerAuth("clerk")
of_customer = APIKey("customer", place="cookie")
of_courier = APIKey("X-Courier-Key")


def init_app(app):
    """Add the command."""
    app.register_blueprint(commands)


def make_token() -> tuple[str, str]:
    """Return a new token and its hash, which is all that the shop keeps of it."""
    token = secrets.token_urlsafe()
    return token, hash_of(token)


def hash_of(token: str) -> str:
    """Return the hash of a token; a token is too long to be guessed, so it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_clerk(token: Annotated[str, Depends(of_clerk)], session: Database) -> ClerkRow:
    """Find who works here by the token that ``add-clerk`` has shown."""
    clerk = session.scalar(select(ClerkRow).filter_by(token_hash=hash_of(token)))
    if clerk is None:
        raise of_clerk.error("Nobody has this token.")
    return clerk


def find_customer(token: Annotated[str, Depends(of_customer)], session: Database) -> CustomerRow:
    """Find the customer by the cookie that ``POST /customers`` has set."""
    customer = session.scalar(select(CustomerRow).filter_by(token_hash=hash_of(token)))
    if customer is None:
        raise of_customer.error("Nobody has this cookie.")
    return customer


def check_courier(key: Annotated[str, Depends(of_courier)]) -> None:
    """Let the courier in."""
    expected = current_app.config["COURIER_KEY"]
    if not expected or not hmac.compare_digest(key.encode(), expected.encode()):
        raise of_courier.error("This is not the courier's key.")


Customer = Annotated[CustomerRow, Depends(find_customer)]
for_clerks = [Depends(find_clerk)]
for_the_courier = [Depends(check_courier)]


def cookie_of(token: str) -> dict[str, str]:
    """Return the header that sets a customer's cookie."""
    cookie = dump_cookie("customer", token, httponly=True, secure=request.is_secure, samesite="Lax")
    return {"Set-Cookie": cookie}


@commands.cli.command("add-clerk")
@click.argument("name")
def add_clerk(name):
    """Add somebody who works in the shop, and show the token, once."""
    token, token_hash = make_token()
    with current_app.extensions["sessions"]() as session:
        if session.scalar(select(ClerkRow).filter_by(name=name)):
            raise click.ClickException(f"There is a clerk called {name} already.")
        session.add(ClerkRow(name=name, token_hash=token_hash))
        session.commit()
    click.echo(token)
