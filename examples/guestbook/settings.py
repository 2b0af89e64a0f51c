"""The settings of each environment. ``APP_...`` variables take precedence: see the README."""

from pathlib import Path

from costrel.login import HashCost
from costrel.settings import Secret, Settings


class Base(Settings):
    """What all environments share."""

    title: str = "The guestbook"
    entries_shown: int = 50
    database: Path = Path("guestbook.sqlite")  # in the instance folder
    session_store: str = "memory:"


class Development(Base):
    """On your own computer: nothing has to be set."""


class Testing(Base):
    """In tests, whose fixture sets the database."""

    secret_key: Secret = Secret("only for tests")
    login_hash_cost: HashCost = HashCost(time_cost=1, memory_kib=8, parallelism=1)


class Production(Base):
    """On a server: these have no default that would be right."""

    secret_key: Secret
    session_store: str
    trusted_hosts: list[str]


ENVIRONMENTS = {"development": Development, "testing": Testing, "production": Production}
