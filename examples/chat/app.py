"""A chat room with a WebSocket, server-sent events and a background task."""

from __future__ import annotations

import asyncio
import secrets

from costrel import (
    EventStream,
    Flask,
    abort,
    redirect,
    render_template,
    request,
    session,
    url_for,
    websocket,
)

from .room import Room

app = Flask(__name__)
# A new key at each start signs everybody out. That is fine: nothing is stored anyway.
app.secret_key = secrets.token_bytes()
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
app.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 4_096

NAME_LENGTH = 20
TEXT_LENGTH = 500
WELCOME_AFTER_S = 1.0

room = Room()


@app.get("/")
async def index():
    """Show the room, or ask for a name first."""
    if "name" not in session:
        return render_template("join.html", name_length=NAME_LENGTH)
    return render_template("room.html", name=session["name"], text_length=TEXT_LENGTH)


@app.post("/join")
async def join():
    """Store the name in the session."""
    name = " ".join(request.form.get("name", "").split())[:NAME_LENGTH]
    if name:
        session["name"] = name
    return redirect(url_for("index"))


@app.post("/leave")
async def leave():
    """Forget the name."""
    session.clear()
    return redirect(url_for("index"))


@app.websocket("/messages")
async def messages():
    """Send and receive chat messages until either side closes the connection."""
    name = session.get("name")
    if name is None:
        abort(401)
    await websocket.accept()
    with room.visit(name) as inbox:
        app.add_background_task(welcome, name)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send(inbox))
            tasks.create_task(receive(name))


async def send(inbox):
    """Send each message that arrives in the inbox."""
    while True:
        await websocket.send_json(await inbox.get())


async def receive(name):
    """Say in the room what the client sends. On disconnect `receive` raises and ends the group."""
    while True:
        text = await websocket.receive()
        if isinstance(text, str) and text.strip():
            room.say(name, text.strip()[:TEXT_LENGTH])


async def welcome(name):
    """Greet a newcomer after a moment. No request waits for this."""
    await asyncio.sleep(WELCOME_AFTER_S)
    room.say("the host", f"Welcome, {name}!")


@app.get("/people")
async def people():
    """Send the list of people in the room, now and after each change."""

    async def events():
        while True:
            changed = room.changed
            yield room.people()
            await changed.wait()

    return EventStream(events(), retry_ms=1_000)
