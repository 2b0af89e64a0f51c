# pyright: strict
"""Settings, as type checkers must accept them."""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import timedelta

import msgspec

from costrel import Costrel, Flask
from costrel.settings import URL, Loaded, Secret, Settings, environment, load, loaded


class Mail(msgspec.Struct):
    """Be a part."""

    host: str
    port: int = 25


class Base(Settings):
    """Be for all environments."""

    database_url: URL
    mail: Mail
    secret_key: Secret
    wait: timedelta = timedelta(seconds=1)
    names: list[str] = dataclasses.field(default_factory=list[str])


class Development(Base):
    """Have defaults for what must be set elsewhere."""

    database_url: URL = URL("sqlite:///shop.db")
    secret_key: Secret = Secret("development")
    mail: Mail = Mail("localhost")
    debug_toolbar: bool = True


class Production(Base):
    """Have a setting more."""

    session_cookie_secure: bool = True


@dataclasses.dataclass
class Plain:
    """Be a dataclass."""

    port: int = 1


app = Costrel(__name__)

t.assert_type(load(app, Production), Production)
t.assert_type(load(Flask(__name__), Plain, "testing", prefix="SHOP_", file="a.toml"), Plain)
settings: Base = load(
    app, {"development": Development, "production": Production}, values={"names": ["a"]}
)
t.assert_type(settings.database_url, URL)
t.assert_type(settings.secret_key.upper(), str)
text: str = settings.secret_key
t.assert_type(environment(), str)
t.assert_type(loaded(app), Loaded | None)
made = Production(database_url=URL("x:"), mail=Mail("h"), secret_key=Secret("k"))
t.assert_type(made.mail.port, int)
