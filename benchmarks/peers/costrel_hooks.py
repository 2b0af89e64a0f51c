"""Costrel with one before-hook, one after-hook and one teardown, which do nothing."""

from material.flask_interface import make_app

import costrel

PEER = {
    "title": "Costrel, three hooks",
    "package": "costrel",
    "interface": "wsgi",
    "servers": [],
    "quick": [],
}

app = make_app(costrel)


@app.before_request
def before():
    """Go on to the view."""


@app.after_request
def after(response):
    """Leave the response as it is."""
    return response


@app.teardown_request
def teardown(error):
    """Release nothing."""
