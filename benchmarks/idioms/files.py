"""Files."""

import pathlib

from flask import send_file

from idioms import site, view

FILE = pathlib.Path(__file__).parent / "static" / "style.css"


@site("a static file", "/static/style.css", served=True)
def static(app):
    """Add nothing: the folder is served by default."""


@site(
    "a static file, 304", "/static/style.css", first="/static/style.css",
    follow="validators", status=304,
)  # fmt: skip
def static_unchanged(app):
    """Add nothing: the folder is served by default."""


@view("send_file")
def file_sent():
    return send_file(FILE)
