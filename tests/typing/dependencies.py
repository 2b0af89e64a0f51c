# pyright: strict
"""Dependencies of every kind, as type checkers must accept them."""

from __future__ import annotations

import typing as t
from functools import partial

from costrel import Blueprint, Costrel
from costrel.api import APIKey, BasicAuth, BasicCredentials, BearerAuth, Depends


class Connection:
    """Stand for a connection to a database."""


def connect() -> t.Iterator[Connection]:
    """Be a generator function."""
    yield Connection()


async def connect_later() -> t.AsyncIterator[Connection]:
    """Be an async generator function."""
    yield Connection()


async def find_user(
    token: t.Annotated[str, Depends(BearerAuth(scopes=["read"]))],
    connection: t.Annotated[Connection, Depends(connect, use_cache=False)],
) -> str:
    """Be a coroutine function with dependencies of its own."""
    return f"{token} {connection}"


def check(user: t.Annotated[str, Depends(find_user)], role: str = "reader") -> None:
    """Be called for its effect."""


app = Costrel(__name__, dependencies=[Depends(check)], security=[APIKey("X-Key", "query")])
blueprint = Blueprint(
    "api", __name__, dependencies=[Depends(partial(check, role="admin"))], typed_views=True
)


@app.get("/", dependencies=[Depends(connect_later)])
def show(
    user: t.Annotated[str, Depends(find_user)],
    credentials: t.Annotated[BasicCredentials, Depends(BasicAuth())],
    connection: t.Annotated[Connection, Depends(Connection)],
) -> list[str]:
    """Depend on functions, a marker and a class."""
    return [user, credentials.username, repr(connection)]


with app.override(connect, connect_later), app.override(find_user, lambda: "test"):
    app.test_client().get("/")
app.override(connect, None)
