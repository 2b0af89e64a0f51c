"""The functions that views call answer as Flask's do."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import werkzeug.exceptions
from werkzeug.routing import BuildError

import costrel
from costrel import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    get_flashed_messages,
    make_response,
    redirect,
    request,
    send_file,
    send_from_directory,
    session,
    url_for,
)
from costrel.helpers import get_template_attribute

# make_response, redirect, abort


def test_make_response_takes_what_a_view_may_return():
    """No argument, one, a tuple or several all make a response of the application's class."""

    class Mine(Response):
        pass

    app = Flask(__name__)
    app.response_class = Mine
    with app.test_request_context():
        assert make_response().data == b""
        assert make_response("text").data == b"text"
        assert make_response(("made", 201)).status_code == 201
        assert make_response("made", 201, {"X-A": "1"}).headers["X-A"] == "1"
        assert make_response({"a": 1}).json == {"a": 1}
        assert all(type(make_response(*args)) is Mine for args in ((), ("a",), ("a", 201)))


@pytest.mark.usefixtures("path")
def test_redirect_answers_302_unless_asked_otherwise():
    """The default status is Flask's; the method of the application may decide."""
    app = Flask(__name__)
    app.get("/a")(lambda: redirect("/b"))
    app.get("/b", endpoint="b")(lambda: redirect("/c", 308))
    client = app.test_client()
    response = client.get("/a")
    assert (response.status_code, response.location) == (302, "/b")
    assert client.get("/b").status_code == 308


def test_redirect_goes_through_the_application():
    """An overridden ``app.redirect`` is used inside of its context, Werkzeug's outside."""

    class Mine(Flask):
        def redirect(self, location, code=302):
            return super().redirect(f"/prefix{location}", code)

    with Mine(__name__).app_context():
        assert redirect("/x").location == "/prefix/x"
    response = redirect("/x", 303, Response=Response)
    assert (response.location, response.status_code, type(response)) == ("/x", 303, Response)


def test_abort_raises_the_error_of_the_code():
    """Codes and arguments are Werkzeug's; a response is sent as it is."""
    with pytest.raises(werkzeug.exceptions.NotFound, match="gone"):
        abort(404, "gone")
    with pytest.raises(LookupError):
        abort(999)
    response = Response("mine")
    with pytest.raises(werkzeug.exceptions.HTTPException) as caught:
        abort(response)
    assert caught.value.response is response


def test_abort_asks_the_aborter_of_the_application():
    """An application may map codes to exceptions of its own."""

    class TeapotError(Exception):
        pass

    class Aborter(werkzeug.exceptions.Aborter):
        def __call__(self, code, *args, **kwargs):
            raise TeapotError(code)

    class Mine(Flask):
        aborter_class = Aborter

    with Mine(__name__).app_context(), pytest.raises(TeapotError, match="418"):
        abort(418)


# url_for


def linked_app():
    """Make an application with rules to link to."""
    app = Flask(__name__)
    bp = Blueprint("bp", __name__, url_prefix="/bp")
    bp.add_url_rule("/x", "x", lambda: url_for(".y"))
    bp.add_url_rule("/y", "y", lambda: "")
    app.register_blueprint(bp)
    app.add_url_rule("/", "index", lambda: "")
    app.add_url_rule("/user/<name>", "user", lambda name: "")
    app.add_url_rule("/get", "both", lambda: "", methods=["GET"])
    app.add_url_rule("/post", "both", methods=["POST"])
    return app


@pytest.mark.parametrize(
    ("endpoint", "values", "url"),
    [
        ("index", {}, "/"),
        ("index", {"a": "ä b", "c": [1, 2]}, "/?a=%C3%A4+b&c=1&c=2"),
        ("index", {"_anchor": "a b/ü?&'"}, "/#a%20b/%C3%BC?&'"),
        ("index", {"_external": True}, "http://localhost/"),
        ("index", {"_scheme": "https"}, "https://localhost/"),
        ("user", {"name": "a/b ü"}, "/user/a/b%20%C3%BC"),
        ("user", {"name": "x", "extra": None}, "/user/x"),
        ("bp.x", {}, "/bp/x"),
        (".index", {}, "/"),
        ("both", {}, "/get"),
        ("both", {"_method": "POST"}, "/post"),
        ("static", {"filename": "a/b c.css"}, "/static/a/b%20c.css"),
    ],
)
def test_url_is_built_inside_a_request(endpoint, values, url):
    """Variables fill the rule, others the query; what begins with ``_`` has a meaning."""
    with linked_app().test_request_context():
        assert url_for(endpoint, **values) == url


def test_endpoint_with_a_dot_in_front_is_of_the_blueprint():
    """It is relative to the blueprint whose view is running."""
    assert linked_app().test_client().get("/bp/x").text == "/bp/y"


def test_url_without_a_request_is_external_and_needs_a_server_name():
    """The settings stand for the request; without them the error names them."""
    app = linked_app()
    with app.app_context(), pytest.raises(RuntimeError, match=r"'index'.*SERVER_NAME"):
        url_for("index")
    app.config.update(
        SERVER_NAME="example.com:81", APPLICATION_ROOT="/root", PREFERRED_URL_SCHEME="https"
    )
    with app.app_context():
        assert url_for("index") == "https://example.com:81/root/"
        assert url_for("index", _external=False) == "/root/"
        assert url_for("index", _scheme="http") == "http://example.com:81/root/"
    with app.test_request_context():
        assert url_for("index") == "/root/"


def test_scheme_for_a_url_that_is_not_external_is_refused():
    """The two contradict each other."""
    with linked_app().test_request_context(), pytest.raises(ValueError, match="'https'"):
        url_for("index", _scheme="https", _external=False)


def test_url_that_can_not_be_built_is_an_error():
    """It names the endpoint, unless a handler of the application has a URL."""
    app = linked_app()
    with app.test_request_context():
        with pytest.raises(BuildError, match="nothing"):
            url_for("nothing")
        app.url_build_error_handlers.append(lambda error, endpoint, values: None)
        seen = []

        def build(error, endpoint, values):
            seen.append(values)
            return f"/built/{endpoint}"

        app.url_build_error_handlers.append(build)
        assert url_for("nothing", q=1, _anchor="top") == "/built/nothing"
    assert seen == [
        {"q": 1, "_anchor": "top", "_method": None, "_scheme": None, "_external": False}
    ]


def test_url_error_of_a_handler_takes_the_place_of_the_first():
    """A handler may say more in an error of its own."""
    app = linked_app()

    class BetterError(BuildError):
        pass

    def refuse(error, endpoint, values):
        raise BetterError(endpoint, values, None, error.adapter)

    app.url_build_error_handlers.append(refuse)
    with app.test_request_context(), pytest.raises(BetterError):
        url_for("nothing")


def test_url_defaults_fill_in_values():
    """The application's functions run for all endpoints, a blueprint's for its own."""
    app = Flask(__name__)
    bp = Blueprint("bp", __name__)
    bp.add_url_rule("/<lang>/<kind>/in", "view", lambda: "")
    bp.url_defaults(lambda endpoint, values: values.setdefault("kind", endpoint))
    app.register_blueprint(bp)
    app.add_url_rule("/<lang>/out", "view", lambda: "")
    app.url_defaults(lambda endpoint, values: values.setdefault("lang", "en"))
    with app.test_request_context():
        assert url_for("view") == "/en/out"
        assert url_for("view", lang="de") == "/de/out"
        assert url_for("bp.view") == "/en/bp.view/in"


def test_url_for_of_the_application_is_used():
    """COMPAT: a subclass may override it, and views call the override."""

    class Mine(Flask):
        def url_for(self, endpoint, **values):
            return f"mine:{endpoint}:{values['_anchor']}"

    with Mine(__name__).app_context():
        assert url_for("x", _anchor="a") == "mine:x:a"


# Flashes


@pytest.mark.usefixtures("path")
def test_flashed_messages_are_taken_once():
    """They wait for the next request that takes them, and can be read again in it."""
    app = Flask(__name__)
    app.secret_key = "dev"

    @app.get("/flash")
    def flash_two():
        flash("one")
        flash("two", "error")
        return ""

    @app.get("/take")
    def take():
        return [
            get_flashed_messages(),
            get_flashed_messages(with_categories=True),
            get_flashed_messages(category_filter=["error"]),
            get_flashed_messages(with_categories=True, category_filter=["error"]),
            "_flashes" in session,
        ]

    client = app.test_client()
    client.get("/flash")
    expected = [
        ["one", "two"],
        [["message", "one"], ["error", "two"]],
        ["two"],
        [["error", "two"]],
        False,
    ]
    assert client.get("/take").json == expected
    assert client.get("/take").json == [[], [], [], [], False]


def test_flash_after_taking_is_for_the_next_request():
    """What was taken in a request does not change any more."""
    app = Flask(__name__)
    app.secret_key = "dev"
    with app.test_request_context():
        flash("now")
        assert get_flashed_messages() == ["now"]
        flash("later")
        assert get_flashed_messages() == ["now"]
        assert session["_flashes"] == [("message", "later")]


# Files


@pytest.fixture
def folder(tmp_path):
    """Make a folder with a file and a secret beside it."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("content")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path


@pytest.mark.usefixtures("path")
def test_file_is_sent_from_the_applications_folder(folder):
    """A relative path is below the root; type, length and ETag are the file's."""
    app = Flask(__name__, root_path=str(folder))
    app.get("/")(lambda: send_file("files/a.txt"))
    client = app.test_client()
    response = client.get("/")
    assert response.text == "content"
    assert response.mimetype == "text/plain"
    assert response.content_length == 7
    assert response.cache_control.no_cache
    again = client.get("/", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    part = client.get("/", headers={"Range": "bytes=1-2"})
    assert (part.status_code, part.data) == (206, b"on")
    for sent in (response, again, part):
        sent.close()


def test_file_object_is_sent_as_a_download(folder):
    """A name makes it an attachment; a text file is refused."""
    app = Flask(__name__, root_path=str(folder))
    with app.test_request_context():
        response = send_file(io.BytesIO(b"x"), download_name="n.bin", as_attachment=True)
        assert response.headers["Content-Disposition"] == "attachment; filename=n.bin"
        assert type(response) is Response
        response.close()
        with pytest.raises(TypeError, match="mimetype"):
            send_file(io.BytesIO(b"x"))
        with pytest.raises(ValueError, match="binary"):
            send_file(io.StringIO("x"), mimetype="text/plain")


@pytest.mark.parametrize(
    ("setting", "expected"), [(None, None), (60, 60), (timedelta(minutes=2), 120)]
)
def test_files_are_cached_as_configured(folder, setting, expected):
    """``SEND_FILE_MAX_AGE_DEFAULT`` may be seconds or a timedelta, and the call decides."""
    app = Flask(__name__, root_path=str(folder))
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = setting
    with app.test_request_context():
        for max_age, seconds in ((None, expected), (5, 5)):
            response = send_file("files/a.txt", max_age=max_age)
            assert response.cache_control.max_age == seconds
            response.close()


def test_files_are_cached_as_the_application_says(folder):
    """An overridden ``get_send_file_max_age`` decides by the path."""

    class Mine(Flask):
        def get_send_file_max_age(self, filename):
            return 9 if filename.endswith(".txt") else None

    app = Mine(__name__, root_path=str(folder), static_folder="files")
    with app.test_request_context():
        for response in (send_file("files/a.txt"), app.send_static_file("a.txt")):
            assert response.cache_control.max_age == 9
            response.close()


def test_files_are_left_to_the_server_if_configured(folder):
    """With ``USE_X_SENDFILE`` the response has the path and no body."""
    app = Flask(__name__, root_path=str(folder))
    app.config["USE_X_SENDFILE"] = True
    with app.test_request_context():
        response = send_file("files/a.txt")
        assert response.headers["X-Sendfile"] == str(folder / "files" / "a.txt")
        response.close()


@pytest.mark.usefixtures("path")
def test_path_of_a_client_can_not_leave_the_directory(folder):
    """SECURITY: what leads outside is 404, as is what is not there."""
    app = Flask(__name__, root_path=str(folder))

    @app.get("/<path:name>")
    def view(name):
        return send_from_directory("files", name)

    client = app.test_client()
    with client.get("/a.txt") as response:
        assert response.text == "content"
    for name in ("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "nothing.txt", "."):
        assert client.get(f"/{name}").status_code == 404


def test_macro_of_a_template_can_be_used_in_python(folder):
    """`get_template_attribute` gives what the template exports."""
    (folder / "templates").mkdir()
    (folder / "templates" / "m.html").write_text("{% macro hi(n) %}Hi {{ n }}{% endmacro %}")
    app = Flask(__name__, root_path=str(folder))
    with app.app_context():
        assert get_template_attribute("m.html", "hi")("<x>") == "Hi &lt;x&gt;"


def test_helpers_have_the_names_that_extensions_import():
    """COMPAT(Flask-RESTX): also names that moved, and the private ones they use."""
    from costrel import helpers

    assert helpers._split_blueprint_path("a.b.c") == ["a.b.c", "a.b", "a"]
    assert helpers.get_debug_flag() is False
    assert helpers.get_root_path("costrel") == costrel.__path__[0]
    assert not request
