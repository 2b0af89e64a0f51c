"""200 WebSockets on a pool of 5 connections; prints how many messages were answered."""

from __future__ import annotations

import asyncio
import sys

from flask import Flask, websocket
from flask_login import LoginManager, UserMixin, current_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SOCKETS = 200
POOL = {"pool_size": 5, "max_overflow": 0, "pool_timeout": 2}


class Base(DeclarativeBase):
    """The base of the models."""


app = Flask(__name__)
app.secret_key = "dev"
app.testing = True
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{sys.argv[1]}"
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = POOL
db = SQLAlchemy(app, model_class=Base)
login = LoginManager(app)


class Member(UserMixin, db.Model):
    """A user, and how many messages they sent."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


@login.request_loader
def load(_request):
    """Find the user whatever the request."""
    return db.session.get(Member, 1)


@app.before_websocket
def check():
    """Let users in, and nobody else."""
    return None if current_user.is_authenticated else ("log in first", 401)


def read_name():
    """Ask the database, in a thread, with the scope's session."""
    return db.session.get(Member, 1).name


@app.websocket("/chat")
async def chat():
    """Answer each message with the name from the database."""
    await websocket.accept()
    async for message in websocket:
        async with websocket.scope():
            name = await asyncio.to_thread(read_name)
        await websocket.send(f"{name}: {message}")


async def main():
    """Open all sockets, send on each, and count the connections in use."""
    with app.app_context():
        db.create_all()
        db.session.add(Member(id=1, name="ada"))
        db.session.commit()
        pool = db.engine.pool
    client = app.async_test_client()
    opened = [client.websocket("/chat") for _ in range(SOCKETS)]
    sockets = [await socket.__aenter__() for socket in opened]
    for socket in sockets:
        await socket.send("hi")
    answers = [await socket.receive() for socket in sockets]
    in_use = pool.checkedout()
    for socket in opened:
        await socket.__aexit__(None, None, None)
    print(  # noqa: T201
        answers.count("ada: hi"),
        in_use,
        pool.checkedout(),
    )


asyncio.run(main())
