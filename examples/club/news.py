"""News of trips: an event stream for open pages, and a letter to each member."""

import asyncio
import os

from sqlalchemy import select

from costrel import Blueprint, EventStream, current_app

from .channel import Channel
from .models import Member, Trip, db

bp = Blueprint("news", __name__)
channel = Channel()


def init_app(app):
    """Add the event stream."""
    app.register_blueprint(bp)


@bp.get("/news")
async def stream():
    """Tell open pages of new trips, as they happen."""

    async def events():
        with channel.listen() as inbox:
            while True:
                yield await inbox.get()

    return EventStream(events())


async def announce(number):
    """Tell everybody of a trip. This is a background task: nobody waits for it."""
    channel.send(await asyncio.to_thread(write_letters, number))


def write_letters(number):
    """Write to all other members: into a file, until there is a mail server. Return the news."""
    trip = db.session.get(Trip, number)
    news = f"{trip.member.name} tells of a trip: {trip.title}"
    others = db.session.scalars(select(Member.name).where(Member.id != trip.member_id))
    with open(os.path.join(current_app.instance_path, "letters.txt"), "a") as letters:
        letters.writelines(f"Dear {name}, {news}\n" for name in others)
    return news
