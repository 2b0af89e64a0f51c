"""200 connections of a kind on a pool of 5; prints how many messages or events were answered."""

from __future__ import annotations

import asyncio
import sys

from flask import EventStream, Flask, websocket
from flask_login import LoginManager, UserMixin, current_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

CONNECTIONS = 200
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


@app.before_request
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


@app.get("/events")
async def events():
    """Send the name from the database, twice, with a wait in between that others end."""
    first = current_user.name

    async def generate():
        yield first
        await goes_on.wait()
        async with app.app_context():
            name = await asyncio.to_thread(read_name)
        yield name
        await asyncio.Event().wait()

    return EventStream(generate())


@app.get("/sync-events")
def sync_events():
    """Do the same in a thread."""
    first = current_user.name

    def generate():
        yield first
        with app.app_context():
            name = read_name()
        yield name

    return EventStream(generate())


goes_on = asyncio.Event()


async def talk_over_sockets(client, pool):
    """Open all sockets, send on each, and count the connections in use."""
    opened = [client.websocket("/chat") for _ in range(CONNECTIONS)]
    sockets = [await socket.__aenter__() for socket in opened]
    for socket in sockets:
        await socket.send("hi")
    answers = [await socket.receive() for socket in sockets]
    in_use = pool.checkedout()
    for socket in opened:
        await socket.__aexit__(None, None, None)
    return answers.count("ada: hi"), in_use


async def listen(client, pool, path):
    """Open all streams, read two events of each, and count the connections in use."""
    opened = [client.events(path) for _ in range(CONNECTIONS)]
    streams = [await stream.__aenter__() for stream in opened]
    firsts = [(await stream.receive()).data for stream in streams]
    goes_on.set()
    seconds = [(await stream.receive()).data for stream in streams]
    in_use = pool.checkedout()
    for stream in opened:
        await stream.__aexit__(None, None, None)
    return sum(pair == ("ada", "ada") for pair in zip(firsts, seconds, strict=True)), in_use


async def main():
    """Use connections of the kind that the command line names."""
    with app.app_context():
        db.create_all()
        db.session.add(Member(id=1, name="ada"))
        db.session.commit()
        pool = db.engine.pool
    client = app.async_test_client()
    if sys.argv[2] == "/chat":
        answered, in_use = await talk_over_sockets(client, pool)
    else:
        answered, in_use = await listen(client, pool, sys.argv[2])
    print(answered, in_use, pool.checkedout())  # noqa: T201


asyncio.run(main())
