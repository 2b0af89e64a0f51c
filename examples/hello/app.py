"""Five routes: a page, a greeting, a search, a JSON echo and a health check."""

from __future__ import annotations

from costrel import Flask, render_template, request

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024

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


@app.post("/echo")
def echo():
    """Send back the JSON in the request."""
    return {"you sent": request.get_json()}


@app.get("/health")
def health():
    """Tell a load balancer that the application is up."""
    return {"status": "ok"}


@app.errorhandler(400)
@app.errorhandler(413)
@app.errorhandler(415)
def explain(error):
    """Explain, in JSON, what was wrong with the request."""
    return {"error": WRONG[error.code]}, error.code
