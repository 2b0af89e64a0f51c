"""What Costrel is for, in one file: pages, forms, JSON, a WebSocket, an event stream, errors."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from contextlib import suppress
from datetime import UTC, datetime

from werkzeug.exceptions import HTTPException

from costrel import (
    EventStream,
    Flask,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
    websocket,
)

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
# A new key at each start makes everybody anonymous again. An application that is not a demo reads
# its key from its configuration.
app.secret_key = secrets.token_bytes()

NAME_LENGTH = 30
TEXT_LENGTH = 300
WRONG = {
    400: "This could not be read. Is the body valid JSON?",
    413: "This is too long. Send 64 KiB at most.",
    415: "Send JSON, and say so in a header: 'Content-Type: application/json'.",
}
VESSELS = {
    "Bottle": "Narrow neck, stopper, made of glass.",
    "Canteen": "Flat and slung over the shoulder, made of metal.",
    "Costrel": "A flask with ears, for the cord by which it is carried on the road.",
    "Flask": "Flat and small, for the pocket, made of metal or glass.",
    "Gourd": "Grown rather than made: the dried shell of a fruit.",
    "Waterskin": "Made of the hide of a goat or sheep. Keeps water cool.",
}

inboxes = set()  # of the chat: a queue for each page that is open


@app.get("/")
def index():
    """Show the start page, with links to the other routes."""
    return render_template("index.html")


@app.get("/hello/<name>")
def hello(name):
    """Greet the name in the URL. The template escapes it."""
    return render_template("hello.html", name=name)


@app.get("/search")
def search():
    """List the vessels that match all words of ``?q=``, or all vessels without it."""
    words = request.args.get("q", "").lower().split()
    found = {
        name: about
        for name, about in VESSELS.items()
        if all(word in f"{name} {about}".lower() for word in words)
    }
    return render_template("search.html", found=found)


@app.route("/name", methods=["GET", "POST"])
def name():
    """Ask for a name, and keep it in the session: a signed cookie."""
    if request.method == "POST":
        session["name"] = " ".join(request.form["name"].split())[:NAME_LENGTH]
        flash("I will remember you." if session["name"] else "You are nobody in particular now.")
        return redirect(url_for("name"))
    return render_template("name.html", name_length=NAME_LENGTH)


@app.get("/chat")
def chat():
    """Show the chat. Its script opens the WebSocket below."""
    return render_template("chat.html", text_length=TEXT_LENGTH)


@app.websocket("/messages")
async def messages():
    """Send and receive messages until the page is closed."""
    name = session.get("name") or "Somebody"
    await websocket.accept()
    inbox = asyncio.Queue(maxsize=100)
    inboxes.add(inbox)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send(inbox))
            tasks.create_task(receive(name))
    finally:
        inboxes.remove(inbox)


async def send(inbox):
    """Send what arrives in the inbox."""
    while True:
        await websocket.send_json(await inbox.get())


async def receive(name):
    """Put what the page sends into every inbox that is not full."""
    while True:
        text = str(await websocket.receive()).strip()[:TEXT_LENGTH]
        for inbox in inboxes if text else ():
            with suppress(asyncio.QueueFull):
                inbox.put_nowait({"name": name, "text": text})


@app.get("/clock")
def clock():
    """Show the clock. Its script reads the event stream below."""
    return render_template("clock.html")


@app.get("/ticks")
async def ticks():
    """Tell the time, once a second, until the page is closed."""

    async def events():
        while True:
            yield {"time": f"{datetime.now(UTC):%H:%M:%S}", "chatting": len(inboxes)}
            await asyncio.sleep(1)

    return EventStream(events())


@app.post("/echo")
def echo():
    """Send back the JSON in the request."""
    return {"you sent": request.get_json()}


@app.get("/health")
def health():
    """Tell a load balancer that the application is up."""
    return {"status": "ok"}


@app.get("/broken")
def broken():
    """Fail. Visitors see the error page, and the log has the traceback."""
    return 1 / 0


@app.errorhandler(HTTPException)
def show_error(error):
    """Explain an error: in JSON to a program, on a page to a person."""
    if request.endpoint == "echo":
        return {"error": WRONG.get(error.code, error.description)}, error.code
    return render_template("error.html", error=error), error.code


@app.template_global()
def source(*names):
    """Return the source of functions, so that a page can show what makes it."""
    return "\n\n".join(inspect.getsource(globals()[name]) for name in names)
