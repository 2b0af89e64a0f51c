"""The chat: a page, and a WebSocket for members."""

import asyncio

from flask_login import current_user, login_required
from sqlalchemy import select

from costrel import Blueprint, render_template, websocket

from .channel import Channel
from .models import Message, db

bp = Blueprint("chat", __name__, url_prefix="/chat")
channel = Channel()
SHOWN = 20


def init_app(app):
    """Add the page and the WebSocket."""
    app.register_blueprint(bp)


@bp.get("/")
@login_required
def page():
    """Show the chat."""
    return render_template("chat.html")


@bp.before_websocket
def members_only():
    """Reject who is not logged in."""
    return None if current_user.is_authenticated else ("Log in first.", 401)


@bp.websocket("/messages")
async def messages():
    """Send what was said and what is being said, and receive what the member says."""
    await websocket.accept()
    with channel.listen() as inbox:
        async with websocket.scope():
            for message in await asyncio.to_thread(last):
                inbox.put_nowait(message)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send(inbox))
            tasks.create_task(receive())


async def send(inbox):
    """Send each message that arrives in the queue."""
    while True:
        await websocket.send_json(await inbox.get())


async def receive():
    """Store what the member says, and pass it on."""
    while True:
        text = str(await websocket.receive()).strip()[:500]
        if text:
            async with websocket.scope():
                channel.send(await asyncio.to_thread(store, text))


def store(text):
    """Store a message of the current member."""
    message = Message(text=text, member_id=current_user.id)
    db.session.add(message)
    db.session.commit()
    return shown(message)


def last():
    """Return the last messages, the oldest first."""
    found = db.session.scalars(select(Message).order_by(Message.id.desc()).limit(SHOWN))
    return [shown(message) for message in reversed(found.all())]


def shown(message):
    """Return what the page shows of a message."""
    return {"name": message.member.name, "text": message.text}
