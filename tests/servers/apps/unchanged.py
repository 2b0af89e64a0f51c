"""An application that knows nothing about Costrel."""

from __future__ import annotations

from flask import Flask
from flask.views import MethodView

app = Flask(__name__)


class Answer(MethodView):
    """Return which Flask this is."""

    def get(self):
        """Name the module of the class."""
        return {"flask": Flask.__module__}


app.add_url_rule("/", view_func=Answer.as_view("answer"))
