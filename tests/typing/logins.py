# pyright: strict
"""Logins, as type checkers must accept them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from costrel import Costrel, websocket
from costrel.api import Depends
from costrel.login import (
    HashCost,
    Login,
    MemoryRememberStore,
    RememberStore,
    Series,
    fresh_login_required,
    load_current_user,
    login_required,
    login_user,
    login_user_async,
    logout_user,
    logout_user_async,
    verify_password,
    verify_password_async,
)
from costrel.views import MethodView


@dataclass
class User:
    """Be a user of the application."""

    id: int
    name: str


def find(user_id: str) -> User | None:
    """Find a user."""
    return User(int(user_id), "ada")


async def find_later(user_id: str) -> User | None:
    """Find a user in a coroutine."""
    return find(user_id)


class Store:
    """Be a store of one's own."""

    def add(self, series: Series) -> None:
        """Store it."""

    def get(self, selector: str) -> Series | None:
        """Find it."""

    def replace(self, series: Series, expected_hash: str) -> bool:
        """Replace it."""
        return bool(expected_hash)

    def delete(self, selector: str) -> None:
        """Delete it."""

    def delete_of_user(self, user_id: str) -> None:
        """Delete those of a user."""


app = Costrel(__name__)
app.config["LOGIN_HASH_COST"] = HashCost(memory_kib=19_456)
store: RememberStore = Store()
login = Login(app, load_user=find, remember_store=store)
by_coroutine = Login(load_user=find_later, remember_store=MemoryRememberStore())
later = Login[User]()


@later.user_loader
def load(user_id: str) -> User | None:
    """Be registered by a decorator."""
    return find(user_id)


t.assert_type(login, Login[User])
t.assert_type(by_coroutine, Login[User])
t.assert_type(load("1"), User | None)


@app.get("/sync/<int:number>")
@login_required
def show(number: int) -> str:
    """Keep its parameters."""
    t.assert_type(login.user(), User | None)
    t.assert_type(login.require(), User)
    return login.current_user.name + str(number)


@app.post("/login")
def log_in() -> dict[str, bool]:
    """Log in and out."""
    login.attempt("ada")
    verified = verify_password(None, "guess")
    t.assert_type(verified.renewed, str | None)
    logout_user()
    return {"in": login_user(User(1, "ada"), remember=True)}


@app.get("/async")
@fresh_login_required
async def show_async(user: t.Annotated[User, Depends(login.require_async)]) -> str:
    """Await everything."""
    await login.attempt_async("ada")
    await load_current_user()
    await logout_user_async()
    await login_user_async(user)
    verified = await verify_password_async("stored", "given")
    t.assert_type(await login.user_async(), User | None)
    return str(verified.ok)


t.assert_type(show(1), str)


class Account(MethodView):
    """Have a decorated method, and be decorated."""

    decorators = [login_required]  # noqa: RUF012  as users write it

    @fresh_login_required
    def delete(self) -> str:
        """Delete the account."""
        login.forget_devices(login.require())
        return ""


@app.websocket("/chat")
@login_required
async def chat() -> None:
    """Be refused before it opens."""
    await websocket.send(login.require().name)
