"""Flask-WTF's protection on a protected application; prints what it answered."""

from __future__ import annotations

import re

from click import echo
from flask import Flask, render_template_string
from flask_wtf.csrf import CSRFProtect

from costrel.security import protect

OFF = dict.fromkeys(("limits", "rates", "headers", "sessions", "secrets", "logs"), False)

app = Flask(__name__)
app.config.update(SECRET_KEY="0123456789" * 4)
protect(app, **OFF)
csrf = CSRFProtect()


@app.route("/", methods=["GET", "POST"])
def index():
    """Show a form with a token, or take it."""
    return render_template_string("<input name=csrf_token value='{{ csrf_token() }}'>")


@csrf.exempt
@app.post("/hook")
def hook():
    """Take requests from anywhere, as Flask-WTF is told."""
    return "taken"


csrf.init_app(app)
client = app.test_client()
forged = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
token = re.search("value='(.*)'", client.get("/").text)[1]
echo(client.post("/").status_code)
echo(client.post("/", data={"csrf_token": token}).status_code)
echo(client.post("/", data={"csrf_token": token}, headers=forged).status_code)
echo(client.post("/hook", headers=forged).status_code)
