"""The book: what guests have written, as a page and as JSON, and what they like of it."""

from datetime import datetime

from msgspec import Struct

from costrel import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from costrel.login import login_required
from costrel.security import limit

from .database import database
from .guests import login

bp = Blueprint("book", __name__)
LONGEST = 500

LATEST = """
SELECT entry.id, name, text, at, count(liked.guest_id) AS likes
FROM entry JOIN guest ON guest.id = entry.guest_id LEFT JOIN liked ON liked.entry_id = entry.id
GROUP BY entry.id ORDER BY entry.id DESC LIMIT ?
"""


class Entry(Struct):
    """What somebody has written."""

    id: int
    name: str
    text: str
    at: datetime
    likes: int


class Likes(Struct):
    """How many guests like an entry."""

    likes: int


@bp.get("/")
def show():
    """Show the latest entries."""
    return render_template("book.html", entries=latest(), longest=LONGEST)


@bp.post("/")
@login_required
@limit("10/minute")
def sign():
    """Write into the book."""
    text = request.form["text"].strip()
    if not 1 <= len(text) <= LONGEST:
        flash(f"Write something, in at most {LONGEST} characters.")
    else:
        with database() as db:
            values = (login.require().id, text)
            db.execute("INSERT INTO entry (guest_id, text) VALUES (?, ?)", values)
        flash("Thank you!")
    return redirect(url_for(".show"))


@bp.get("/entries")
def entries() -> list[Entry]:
    """Send the latest entries to a script."""
    return latest()


@bp.post("/entries/<int(max=999999999):number>/likes")
@login_required
def like(number: int) -> Likes:
    """Note that the guest likes an entry; the script of the page asks for this."""
    with database() as db:
        if not db.execute("SELECT 1 FROM entry WHERE id = ?", (number,)).fetchone():
            abort(404, f"There is no entry {number}.")
        values = (number, login.require().id)
        db.execute("INSERT OR IGNORE INTO liked (entry_id, guest_id) VALUES (?, ?)", values)
    count = "SELECT count(*) AS likes FROM liked WHERE entry_id = ?"
    return Likes(**database().execute(count, (number,)).fetchone())


def latest():
    """Return the latest entries, the newest first."""
    rows = database().execute(LATEST, (current_app.config["ENTRIES_SHOWN"],))
    return [Entry(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows]
