"""One `Costrel` application with every protection on, and a view for every way into it."""

from __future__ import annotations

import io
import re
import typing as t
from pathlib import Path
from urllib.parse import quote

import msgspec
from werkzeug.utils import secure_filename

from costrel import (
    Blueprint,
    Costrel,
    abort,
    flash,
    get_flashed_messages,
    redirect,
    render_template_string,
    request,
    send_file,
    send_from_directory,
    session,
    stream_with_context,
    url_for,
)
from costrel.api import Cookie, Form, Header
from costrel.login import (
    HashCost,
    Login,
    current_user,
    hash_password,
    login_required,
    login_user,
    logout_user,
    next_url,
    verify_password,
)
from costrel.security import (
    body_limit,
    content_security_policy,
    cors,
    cors_route,
    csrf_exempt,
    limit,
    redirect_back,
)
from costrel.views import MethodView

HOSTS = ["localhost", ".example.test"]
FRIEND = "https://front.example.test"
CDN = re.compile(r"https://[a-z]+\.cdn\.test")
PAYER = "https://pay.test"
SECRET = "0f5b8c2e6a9d4713b1c8e7f2a6d9053c"
REACHED = "X-Reached"
"""The field of responses whose view has run; the exempt view does not send it."""

PAGE = """
<!doctype html>
<title>{{ title }}</title>
<script nonce="{{ csp_nonce() }}">start({{ seen|tojson }})</script>
<form method="post" action="{{ url_for('write', name=title) }}">{{ csrf_field() }}</form>
<a href="{{ url_for('page', _external=True) }}">{{ current_user.id }}</a>
{% for each in messages %}<p {{ attributes|xmlattr }}>{{ each|urlize }}{% endfor %}
"""


class Address(msgspec.Struct):
    """A part of what the typed view takes."""

    street: t.Annotated[str, msgspec.Meta(max_length=100)]
    number: int = 0


class Order(msgspec.Struct):
    """What the typed view takes."""

    name: t.Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    count: t.Annotated[int, msgspec.Meta(ge=0)] = 1
    price: float | None = None
    addresses: list[Address] = []
    more: dict[str, t.Any] = {}


class Subscription(msgspec.Struct):
    """A typed form."""

    email: str
    age: int | None = None


class User(msgspec.Struct):
    """Somebody who can log in."""

    id: str
    password_hash: str

    def get_session_secret(self) -> str:
        """Bind sessions to the password."""
        return self.password_hash


def make_files(folder: Path) -> None:
    """Write the files that the application sends, and one beside them that it must not."""
    (folder / "static").mkdir()
    (folder / "static" / "a.css").write_text("a {}" * 500)
    (folder / "static" / "ü b.txt").write_text("text")
    (folder / "secret.txt").write_text("what nobody may read")


def make_app(name: str, folder: Path, **config: t.Any) -> Costrel:
    """Make the application; `name` is also that of its logger, and `folder` has its files."""
    app = Costrel(name, root_path=str(folder))
    switch_on(app, **config)
    _add_pages(app)
    _add_echoes(app)
    _add_bodies(app)
    _add_methods(app)
    _add_files(app)
    _add_login(app)
    return app


def switch_on(app: Costrel, **config: t.Any) -> None:
    """Configure what is not on by itself, with limits that are soon reached, and other settings."""
    app.config.update(
        SECRET_KEY=SECRET,
        SESSION_STORE="memory:?max_sessions=300",
        SESSION_IDLE_LIFETIME=600,
        SESSION_ABSOLUTE_LIFETIME=3600,
        TRUSTED_HOSTS=HOSTS,
        TRUSTED_PROXIES={
            "networks": ["10.0.0.0/8", "2001:db8::/32", "unix"],
            "hops": 2, "x_host": 1, "x_port": 1, "x_prefix": 1,
        },
        CSRF_TRUSTED_ORIGINS=[PAYER],
        CONTENT_SECURITY_POLICY_REPORT_ONLY={"report-uri": "/reports"},
        RATE_LIMIT_DEFAULT="100000/second",
        REQUEST_ID_TRUSTED=True,
        LOG_LEVEL="INFO",
        VIEW_TIMEOUT_S=30,
        MAX_CONTENT_LENGTH=200_000,
        MAX_FORM_MEMORY_SIZE=20_000,
        MAX_URLENCODED_SIZE=50_000,
        LOGIN_VIEW="show_login",
        LOGIN_HASH_COST=HashCost(time_cost=1, memory_kib=8, parallelism=1),
        LOGIN_REMEMBER_STORE="memory:",
    )  # fmt: skip
    app.config.update(config)
    cors(app, [FRIEND, CDN], credentials=True)


def _add_pages(app: Costrel) -> None:
    @app.get("/")
    def page() -> str:
        session["seen"] = seen = session.get("seen", 0) + 1
        app.logger.info("seen by %s from %s", request.user_agent, request.referrer)
        return render_template_string(
            PAGE,
            title=request.args.get("title", "a"),
            seen=seen,
            attributes={"title": request.referrer},
            messages=get_flashed_messages(),
        )

    @app.get("/async/<path:rest>")
    @content_security_policy({"img-src": "*"})
    async def read(rest: str) -> dict[str, t.Any]:
        return {
            "rest": rest, "url": request.url, "root": request.root_url, "host": request.host,
            "address": request.remote_addr, "route": request.access_route,
            "secure": request.is_secure, "link": url_for("read", rest=rest, _external=True),
            "accept": str(request.accept_mimetypes.best), "languages": [*request.accept_languages],
            "authorization": repr(request.authorization), "etags": str(request.if_none_match),
            "range": str(request.range), "since": str(request.if_modified_since),
        }  # fmt: skip

    @app.get("/numbers/<int:a>/<float:b>/<uuid:c>/")
    def numbers(a: int, b: float, c: t.Any) -> list[str]:
        return [str(a), str(b), str(c)]

    @app.get("/limited")
    @limit("3/second", key=lambda: request.headers.get("X-API-Key", "none"))
    def limited() -> str:
        return "within the limit"

    @app.get("/open")
    @cors_route("*")
    def open_() -> t.Any:
        return {"open": True}, {"ETag": '"x"'}


def _add_echoes(app: Costrel) -> None:
    @app.get("/go")
    def go() -> t.Any:
        return redirect(request.args["to"], allow=[PAYER])

    @app.route("/back", methods=["GET", "POST"])
    def back() -> t.Any:
        flash(request.values.get("message", ""))
        return redirect_back("/")

    @app.get("/stream")
    def stream() -> t.Any:
        pieces = request.args.getlist("piece")
        return app.response_class(stream_with_context(iter(pieces)))

    @app.get("/cookies")
    def cookies() -> t.Any:
        response = app.make_response(dict(request.cookies))
        for name in ("a", "b"):
            if value := request.args.get(name):
                # Werkzeug leaves some control characters as they are, which can't be sent.
                response.set_cookie(name, quote(value), path="/")
        return response


def _add_bodies(app: Costrel) -> None:
    @app.post("/write/<path:name>")
    def write(name: str) -> t.Any:
        session[name[:50]] = request.form.get("a", "")[:50]
        files = [
            [key, f.filename, f.mimetype, len(f.read())]
            for key, f in request.files.items(multi=True)
        ]
        return {"form": [*request.form.items(multi=True)], "files": files}, {REACHED: "1"}

    @app.post("/async")
    async def write_async() -> t.Any:
        session.setdefault("list", []).append(len(request.form))
        session.modified = True
        return {"fields": len(request.form), "files": len(request.files)}, {REACHED: "1"}

    @app.post("/json")
    def read_json() -> t.Any:
        return {"json": repr(request.get_json())[:1000]}, {REACHED: "1"}

    @app.route("/data", methods=["POST", "PUT", "PATCH", "DELETE"])
    def data() -> t.Any:
        return {"length": len(request.get_data())}, {REACHED: "1"}

    @app.post("/upload")
    @body_limit(1000)
    def upload() -> t.Any:
        return str(len(request.stream.read())), {REACHED: "1"}

    @app.post("/webhook")
    @csrf_exempt(reason="it is signed")
    def webhook() -> str:
        return str(len(request.values))


def _add_methods(app: Costrel) -> None:
    class Items(MethodView):
        def get(self) -> str:
            return "all"

        def put(self) -> t.Any:
            return "stored", {REACHED: "1"}

        def helper(self) -> t.NoReturn:
            raise AssertionError("no method of HTTP")

    app.add_url_rule("/items", view_func=Items.as_view("items"))
    api = Blueprint("api", __name__, url_prefix="/api")

    @api.post("/orders/<int:number>")
    def order(
        number: int,
        order: Order,
        x_a: t.Annotated[int | None, Header()] = None,
        a: t.Annotated[str, Cookie()] = "",
        page: t.Annotated[int, msgspec.Meta(ge=1, le=100)] = 1,
    ) -> Order:
        order.count += number + page + (x_a or 0) + len(a)
        return order

    @api.post("/subscriptions")
    async def subscribe(form: t.Annotated[Subscription, Form()]) -> Subscription:
        return form

    app.register_blueprint(api)


def _add_files(app: Costrel) -> None:
    @app.get("/files/<path:name>")
    def files(name: str) -> t.Any:
        return send_from_directory("static", name)

    @app.get("/download")
    def download() -> t.Any:
        return send_file(
            io.BytesIO(b"0123456789" * 100), as_attachment=True, etag="e", conditional=True,
            download_name=secure_filename(request.args.get("name", "")) or "a.txt",
            mimetype="text/plain",
        )  # fmt: skip


def _add_login(app: Costrel) -> None:
    users = {"ada": User("ada", "")}
    with app.app_context():
        users["ada"].password_hash = hash_password("correct horse battery")
    login = Login(app, load_user=users.get)

    @app.get("/login")
    def show_login() -> str:
        return "log in"

    @app.post("/login")
    def log_in() -> t.Any:
        name = request.form["name"]
        login.attempt(name)
        user = users.get(name)
        verified = verify_password(user and user.password_hash, request.form["password"])
        if user is None or not verified:
            abort(403)
        login_user(user, remember="remember" in request.form)
        return redirect(next_url(default=url_for("account"))), {REACHED: "1"}

    @app.post("/logout")
    def log_out() -> t.Any:
        logout_user()
        return redirect("/"), {REACHED: "1"}

    @app.get("/account")
    @login_required
    def account() -> str:
        return f"Hello {current_user.id}"

    @app.get("/async-account")
    @login_required
    async def async_account() -> str:
        return f"Hello {current_user.id}"
