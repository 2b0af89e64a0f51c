"""Views that show what they read, return every kind of answer, or use the session."""

from __future__ import annotations

import io
import os
import typing as t
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import ModuleType


def add_views_of_requests(flask: ModuleType, app: t.Any) -> None:  # noqa: C901  many views
    """Add views that show what they read."""
    any_method = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    request = flask.request

    def started_clean() -> bool:
        clean = {*flask.g} <= {"x"}  # of the hook
        flask.g.seen = True
        return clean

    @app.route("/")
    def index() -> t.Any:
        return "index" if started_clean() else "g of another request"

    @app.route("/echo", methods=any_method)
    @app.route("/echo/<path:rest>", methods=any_method)
    def echo(rest: str | None = None) -> t.Any:
        names = (
            "method path full_path url base_url root_url url_root host host_url scheme script_root"
            " query_string mimetype mimetype_params content_length content_type content_encoding"
            " is_json is_secure remote_addr access_route endpoint view_args blueprint blueprints"
            " referrer origin max_forwards pragma date if_modified_since if_unmodified_since"
            " if_match if_none_match if_range range cache_control user_agent authorization"
            " accept_mimetypes accept_languages accept_charsets accept_encodings"
            " access_control_request_headers access_control_request_method"
            " is_multithread root_path"
        ).split()
        shown = {name: str(getattr(request, name)) for name in names if name != "is_multithread"}
        shown["user"] = str(request.authorization and request.authorization.get("username"))
        return {
            **shown,
            "clean": started_clean(),
            "rest": rest,
            "args": request.args.to_dict(flat=False),
            "cookies": request.cookies.to_dict(flat=False),
            "headers": sorted(request.headers.items()),
            "best": request.accept_mimetypes.best_match(["text/html", "application/json"]),
            "rule": str(request.url_rule),
        }

    @app.route("/args")
    def args() -> t.Any:
        found = request.args
        return [found.get("a"), found.get("n", 7, type=int), found.getlist("a"), sorted(found)]

    @app.route("/key")
    def key() -> t.Any:
        return [request.args["a"], request.headers["X-A"], request.cookies["a"]]

    @app.route("/data", methods=any_method)
    def data() -> t.Any:
        return request.get_data()

    @app.route("/text", methods=any_method)
    def text() -> t.Any:
        return request.get_data(as_text=True)

    @app.route("/json", methods=any_method)
    def json() -> t.Any:
        return {"got": request.get_json()}

    @app.route("/json/silent", methods=any_method)
    def json_silent() -> t.Any:
        return [request.get_json(silent=True, force=True), request.is_json]

    @app.route("/json/force", methods=any_method)
    def json_force() -> t.Any:
        return flask.jsonify(request.get_json(force=True), 1)

    @app.route("/json/key", methods=any_method)
    def json_key() -> t.Any:
        return str(request.json["a"])

    @app.route("/form", methods=any_method)
    def form() -> t.Any:
        return {
            "form": request.form.to_dict(flat=False),
            "values": request.values.to_dict(flat=False),
            "files": [
                (name, file.filename, file.content_type, sorted(file.headers.items()),
                 file.read().decode("latin-1"))
                for name, file in request.files.items(multi=True)
            ],
            "rest": request.get_data().decode("latin-1"),
        }  # fmt: skip

    @app.route("/form/key", methods=any_method)
    def form_key() -> t.Any:
        return request.form["a"]

    @app.route("/data-then-form", methods=any_method)
    def data_then_form() -> t.Any:
        return [len(request.data), request.form.to_dict(), len(request.get_data())]

    @app.route("/stream-in", methods=any_method)
    def stream_in() -> t.Any:
        return [request.stream.read(3).decode("latin-1"), len(request.stream.read())]

    @app.route("/small", methods=any_method)
    def small() -> t.Any:
        request.max_content_length = 5
        return str(len(request.get_data()))

    @app.route("/unread", methods=any_method)
    def unread() -> t.Any:
        return str(request.content_length)


def add_views_of_responses(flask: ModuleType, app: t.Any) -> None:  # noqa: C901  many views
    """Add views that return every kind of answer."""
    request = flask.request
    values: list[t.Callable[[], t.Any]] = [
        lambda: "text",
        lambda: b"\xff\x00",
        lambda: bytearray(b"array"),
        lambda: {"b": 1, "a": "\u263a<&>"},
        lambda: [1, 2.5, None, True, "\u20ac"],
        lambda: ("text", 201),
        lambda: ("text", "299 Made up"),
        lambda: ("text", {"X-A": "1"}),
        lambda: ("text", [("X-A", "1"), ("X-A", "2")]),
        lambda: ("text", 202, {"Content-Type": "text/css"}),
        lambda: ({"a": 1}, 404),
        lambda: ("", 204),
        lambda: ("text", 304),
        lambda: None,
        lambda: ("text", 200, {}, "fourth"),
        lambda: 5,
        lambda: flask.Response("r", 203, {"X-A": "1"}, mimetype="text/x"),
        lambda: (flask.Response("r", 203), 207, {"X-B": "2"}),
        lambda: flask.Response(["a", "b"], content_type="a/b"),
        lambda: (piece for piece in ("a", "\u263a", "")),
        lambda: iter([b"a", b"b"]),
        lambda: flask.redirect("/a b\u263a?\u263a#x"),
        lambda: flask.jsonify(1, 2),
        lambda: flask.jsonify(d=datetime(2020, 1, 1, tzinfo=UTC), n=Decimal("1.50")),
        lambda: {"d": timedelta(1)},
        lambda: {1: 2, "a": float("inf")},
        lambda: flask.make_response(("m", 206)),
        lambda: flask.Response(status=500),
        lambda: flask.json.dumps({"x": "</script>"}),
        lambda: ("text", 99),
        lambda: ("text", 700),
    ]

    @app.route("/value/<int:n>", methods=["GET", "POST"])
    def value(n: int) -> t.Any:
        return values[n % len(values)]()

    @app.route("/abort/<int:code>")
    def aborted(code: int) -> t.Any:
        flask.abort(code)

    @app.route("/abort/text")
    def aborted_with_text() -> t.Any:
        flask.abort(int(request.args.get("code", 400)), description=request.args.get("why"))

    @app.route("/fail")
    def fail() -> t.Any:
        raise {"value": ValueError, "key": KeyError}.get(request.args.get("a", ""), TypeError)("x")

    @app.route("/stream")
    def stream() -> t.Any:
        until = request.args.get("n", 3, type=int)

        def pieces() -> t.Iterator[str]:
            for n in range(5):
                if n == until:
                    raise LookupError(n)
                yield f"{n}\n"

        return pieces(), {"X-Streamed": "yes"}

    @app.route("/stream/context", methods=["GET", "POST"])
    def stream_context() -> t.Any:
        @flask.stream_with_context
        def pieces() -> t.Iterator[str]:
            yield request.path
            yield str(flask.session.get("a"))
            yield str(sorted(flask.g))

        return app.response_class(pieces(), mimetype="text/plain")

    @app.route("/template")
    def template() -> t.Any:
        return flask.render_template_string(
            "{{ request.args.a }} {{ session.a }} {{ g.x }} {{ url_for('index') }}"
            "{% for a in request.args.getlist('a') %}<{{ a|upper }}>{% endfor %}"
            "{% if request.args.b %}{{ request.args.b|tojson }}{% endif %}"
        )

    @app.route("/template/stream")
    def template_stream() -> t.Any:
        return flask.stream_template_string("{{ request.url }}<{{ request.args.a|e }}>")

    @app.route("/file")
    def file() -> t.Any:
        return flask.send_file(
            io.BytesIO(b"0123456789" * 3),
            download_name=request.args.get("name", "a.txt"),
            as_attachment="a" in request.args,
            etag=request.args.get("etag", "tag"),
            last_modified=1_600_000_000,
            max_age=request.args.get("age", type=int),
        )

    @app.route("/file/<path:name>")
    def from_directory(name: str) -> t.Any:
        return flask.send_from_directory(os.path.join(app.root_path, "static"), name)

    @app.route("/conditional", methods=["GET", "POST"])
    def conditional() -> t.Any:
        response = flask.make_response("0123456789")
        response.add_etag(weak="w" in request.args)
        response.last_modified = 1_600_000_000
        response.cache_control.max_age = 5
        response.vary.add("Accept")
        return response.make_conditional(request, accept_ranges=True, complete_length=10)

    @app.route("/header")
    def header() -> t.Any:
        response = flask.make_response("headers")
        for name, given in request.args.items(multi=True):
            response.headers.add(name, given)
        return response

    @app.route("/cookie")
    def cookie() -> t.Any:
        response = flask.make_response("cookies")
        for name, given in request.args.items(multi=True):
            response.set_cookie(name, given, httponly=True, max_age=5 if "m" in name else None)
        response.delete_cookie("gone", path="/x")
        return response

    @app.route("/redirect")
    def redirected() -> t.Any:
        code = request.args.get("code", 302, type=int)
        return flask.redirect(request.args.get("to", "/"), code)

    @app.route("/later")
    def later() -> t.Any:
        @flask.after_this_request
        def add(response: t.Any) -> t.Any:
            response.headers["X-Later"] = request.args.get("a", "none")
            return response

        return "later"


def add_views_of_sessions(flask: ModuleType, app: t.Any) -> None:
    """Add views that read and change the session."""
    request, session = flask.request, flask.session

    @app.route("/session")
    def session_shown() -> t.Any:
        return flask.jsonify(repr(sorted(dict(session).items(), key=repr)), session.permanent)

    @app.route("/session/set", methods=["GET", "POST"])
    def session_set() -> t.Any:
        session.update(request.args.to_dict())
        return "set"

    @app.route("/session/typed")
    def session_typed() -> t.Any:
        session["t"] = ("\u263a", b"\xff", datetime(2020, 1, 1, tzinfo=UTC), {" t": [1]})
        return "typed"

    @app.route("/session/write")
    def session_write() -> t.Any:
        session.clear()
        session[request.args.get("a", "a")] = request.args.get("b", "xy") * (len(request.args) + 1)
        return {"written": True} if "c" in request.args else "written"

    @app.route("/session/nested")
    def session_nested() -> t.Any:
        session.setdefault("list", []).append(1)
        session.modified = True
        return str(len(session["list"]))

    @app.route("/session/permanent")
    def session_permanent() -> t.Any:
        session.permanent = "no" not in request.args
        return "permanent"

    @app.route("/session/clear")
    def session_clear() -> t.Any:
        session.clear()
        return "cleared", {"Vary": "Accept"}

    @app.route("/session/pop")
    def session_pop() -> t.Any:
        return str(session.pop("a", "nothing"))

    add_views_of_messages(flask, app)


def add_views_of_messages(flask: ModuleType, app: t.Any) -> None:
    """Add views that flash messages, and show them."""
    request = flask.request

    @app.route("/flash")
    def flashing() -> t.Any:
        flask.flash(request.args.get("a", "message"), request.args.get("b", "message"))
        return flask.redirect(flask.url_for("flashed"))

    @app.route("/flash/here")
    def flash_here() -> t.Any:
        flask.flash(request.args.get("a", "message"))
        return [*flask.get_flashed_messages(category_filter=request.args.getlist("b"))]

    @app.route("/flashed")
    def flashed() -> t.Any:
        return flask.render_template_string(
            "{% for c, m in get_flashed_messages(with_categories=true) %}"
            "{{ c }}:{{ m }} {% endfor %}"
        )
