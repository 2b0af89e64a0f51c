"""Errors, and methods that no view has."""

import json

from flask import abort, jsonify
from werkzeug.exceptions import HTTPException

from idioms import site, view


def get_only():
    """Answer GET."""
    return "<p>Hello, World!</p>"


@site("automatic OPTIONS", method="OPTIONS")
def options(app):
    app.get("/options")(get_only)


@site("405", method="POST", status=405)
def method_not_allowed(app):
    app.get("/method_not_allowed")(get_only)


@site("404", status=404)
def not_found(app):
    app.get("/")(get_only)


@site("404, with a handler and two hooks", status=404)
def not_found_handled(app):
    app.get("/")(get_only)

    @app.before_request
    def before():
        """Go on to the view."""

    @app.after_request
    def after(response):
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response

    @app.errorhandler(404)
    def page_not_found(error):
        return "<h1>Nothing here.</h1>", 404


@view("abort(403)", status=403)
def abort_403():
    abort(403)


@site("abort(403) with a handler: jsonify", status=403)
def abort_jsonify(app):
    app.get("/abort_jsonify")(abort_403)

    @app.errorhandler(403)
    def forbidden(error):
        return jsonify(error=str(error)), 403


@site("errors as JSON: a handler of HTTPException", status=404)
def errors_as_json(app):
    @app.errorhandler(HTTPException)
    def handle(error):
        response = error.get_response()
        response.data = json.dumps(
            {"code": error.code, "name": error.name, "description": error.description}
        )
        response.content_type = "application/json"
        return response


class InvalidUsageError(Exception):
    """An error of the application itself."""


@site("an exception of one's own, with a handler", status=400)
def own_exception(app):
    @app.errorhandler(InvalidUsageError)
    def handle(error):
        return jsonify(message=str(error)), 400

    @app.get("/own_exception")
    def view():
        raise InvalidUsageError("no such user")
