"""JSON, out and in."""

from flask import Flask, jsonify, request

from idioms import JSON, site, view


def make_rows(count):
    """Return so many rows of three columns, new each time, as a query does."""
    return [
        {"id": number, "name": f"Part {number}", "price": number * 1.5} for number in range(count)
    ]


def add_hooks(app: Flask):
    """Add a hook before and a hook after each request."""

    @app.before_request
    def before():
        """Go on to the view."""

    @app.after_request
    def after(response):
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response


@view("a dictionary of 3 keys")
def dictionary():
    return {"id": 42, "name": "Ada", "active": True}


@site("a dictionary of 3 keys, two hooks")
def dictionary_hooks(app):
    add_hooks(app)
    app.get("/dictionary_hooks")(dictionary)


@view("jsonify of 3 keys", served=True)
def jsonify_keys():
    return jsonify(id=42, name="Ada", active=True)


@site("jsonify of 3 keys, two hooks")
def jsonify_hooks(app):
    add_hooks(app)
    app.get("/jsonify_hooks")(jsonify_keys)


@view("a dictionary of 20 rows")
def dictionary_rows():
    return {"rows": make_rows(20)}


@view("jsonify of 20 rows", served=True)
def jsonify_rows():
    return jsonify(rows=make_rows(20))


@view("jsonify of 1,000 rows")
def jsonify_many_rows():
    return jsonify(rows=make_rows(1000))


@view("a list of 20 rows")
def list_rows():
    return make_rows(20)


@view("(dictionary, 201)", status=201)
def dictionary_status():
    return {"id": 42, "name": "Ada", "active": True}, 201


@view("request.get_json()", method="POST", headers=JSON, body=b'{"name": "Ada", "age": 36}')
def get_json():
    data = request.get_json()
    return data["name"]


@view(
    "JSON by POST, answered with jsonify and 201",
    method="POST",
    headers=JSON,
    body=b'{"name": "Ada", "age": 36}',
    status=201,
)
def json_created():
    data = request.get_json()
    return jsonify(id=42, name=data["name"]), 201
