"""Whatever a short way skips is asked again where it is replaced: the table, entry by entry."""

from __future__ import annotations

import functools
import types
import typing as t

import jinja2
import pytest
import wrapt
from itsdangerous import HMACAlgorithm, TimestampSigner, URLSafeTimedSerializer
from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.formparser import MultiPartParser
from werkzeug.routing import (
    BaseConverter,
    IntegerConverter,
    MapAdapter,
    Rule,
    UnicodeConverter,
)
from werkzeug.sansio.multipart import MultipartDecoder
from werkzeug.wrappers import Response as BaseResponse

import costrel.signals
from costrel import (
    Flask,
    Request,
    Response,
    jsonify,
    render_template_string,
    request,
    send_file,
    session,
    url_for,
)
from costrel.ctx import RequestContext
from costrel.dispatch.plan import FORCE_GENERAL
from costrel.ground.shortways import SHORT_WAYS, Watched, find
from costrel.json.provider import DefaultJSONProvider
from costrel.routing import RuleMap
from costrel.sessions import SecureCookieSession, SecureCookieSessionInterface
from costrel.sessions.safe import SafeSessionInterface
from costrel.sessions.signing import HMAC, Serializer, Signer
from costrel.sessions.stored import StoredSessionInterface
from costrel.sessions.stores.memory import MemoryStore
from costrel.templating import Environment, Template
from costrel.views import MethodView
from costrel.wrappers.request import FormParser

ROOTS: tuple[type, ...] = (
    BaseConverter, BaseResponse, DefaultJSONProvider, Flask, FormParser, HTTPException,
    IntegerConverter, RuleMap, MapAdapter, MethodView, MultiPartParser, MultipartDecoder, Request,
    RequestContext, Response, Rule, SecureCookieSession, SecureCookieSessionInterface,
    UnicodeConverter, Environment, jinja2.Template, HMAC, Serializer, Signer, SafeSessionInterface,
    StoredSessionInterface,
)  # fmt: skip
# Ours only stand for these, which is where others replace methods.
STANDS_FOR = {HMAC: HMACAlgorithm, Serializer: URLSafeTimedSerializer, Signer: TimestampSigner}
PATHS = {f"{root.__module__}.{root.__qualname__}": root for root in ROOTS}
ENTRIES = sorted({(root, name) for root, names in SHORT_WAYS.values() for name in names.split()})

# Which class is used in a class's place, where it may be replaced by a subclass.
SUBCLASSED: dict[type, type] = {
    BaseConverter: UnicodeConverter,
    BaseResponse: Response,
    DefaultJSONProvider: DefaultJSONProvider,
    Flask: Flask,
    FormParser: FormParser,
    HTTPException: Forbidden,
    IntegerConverter: IntegerConverter,
    MethodView: MethodView,
    Request: Request,
    RuleMap: RuleMap,
    Response: Response,
    Rule: Rule,
    SecureCookieSession: SecureCookieSession,
    SecureCookieSessionInterface: SecureCookieSessionInterface,
    SafeSessionInterface: SafeSessionInterface,
    StoredSessionInterface: StoredSessionInterface,
    UnicodeConverter: UnicodeConverter,
    Environment: Environment,
    jinja2.Template: Template,
}
OBJECTS = {
    Flask, Request, Response, DefaultJSONProvider, SecureCookieSessionInterface, HTTPException,
    RuleMap, Rule, UnicodeConverter, IntegerConverter, BaseConverter, Environment,
    BaseResponse, SafeSessionInterface, StoredSessionInterface,
}  # fmt: skip

# Werkzeug makes its rules' functions of these, and has no further question.
COMPILED = {"to_url"}
# Its map calls this by its own class, whatever ours has.
BY_CLASS = {"bind"}
# Jinja asks these for constants with subscripts, for errors, and where extensions call them; and
# whether saving a session would wait for its store is asked on an event loop.
RARELY = {
    "autocorrect_location_header", "getitem", "handle_exception", "lex", "parse", "needs_store",
}  # fmt: skip
# What decides how sessions are opened, and on which thread they are saved, is asked for each
# request by one path only.
DECIDES = {"session_class", "needs_store"}
# A response that hooks see has its body already.
NOT_OF_OBJECTS = {
    *BY_CLASS, *RARELY, "set_data", "set_etag", "make_conditional", "_process_range_request",
}  # fmt: skip
# What is replaced on Werkzeug's own classes and objects tells nobody. It is noticed with the
# next change of the application, unless it is looked at where it is used.
NOTICED_LATER = {"__init__", "match", "bind", "bind_to_environ", "update", "to_python", "to_url"}

UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n2\r\n--b--\r\n'
)
REQUESTS: tuple[tuple[str, str, dict[str, t.Any]], ...] = (
    ("GET", "/text", {}),
    ("HEAD", "/text", {}),
    ("OPTIONS", "/text", {}),
    ("GET", "/dict", {}),
    ("GET", "/jsonify", {}),
    ("GET", "/args/a/7?q=1", {}),
    ("GET", "/links", {}),
    ("POST", "/json", {"json": {"a": 1}}),
    ("POST", "/data", {"data": b"data"}),
    ("POST", "/form", {"data": {"a": "1"}}),
    ("POST", "/upload", {"data": UPLOAD, "content_type": "multipart/form-data; boundary=b"}),
    ("GET", "/session", {}),
    ("GET", "/session", {}),
    ("GET", "/session/varying", {}),
    ("GET", "/session/permanent", {}),
    ("GET", "/session", {"headers": {"Cookie": "session=signed.before.change"}}),
    ("GET", "/session/end", {}),
    ("GET", "/text", {}),
    ("GET", "/template", {}),
    ("GET", "/template", {}),
    ("GET", "/response", {}),
    ("GET", "/stream", {}),
    ("GET", "/pieces", {}),
    ("GET", "/file", {}),
    ("GET", "/file", {}),
    ("HEAD", "/file", {}),
    ("GET", "/file", {"headers": {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}}),
    ("GET", "/conditional", {"headers": {"If-None-Match": '"a"'}}),
    ("GET", "/foreign", {}),
    ("GET", "/forbidden", {}),
    ("GET", "/missing", {}),
    ("GET", "/error", {}),
    ("GET", "/methods", {}),
    ("GET", "/coroutines", {}),
)


class Site:
    """One application with a view of each kind; `uses` are subclasses in their class's place."""

    def __init__(self, uses: dict[type, type], *, root: type = Flask) -> None:
        def of(root: type) -> t.Any:
            return uses.get(root) or SUBCLASSED[root]

        self.error = of(HTTPException)
        self.on_request: t.Callable[[Request], object] = id
        self.on_response: t.Callable[[Response], object] = id
        self.on_error: t.Callable[[HTTPException], object] = id
        app = self.app = self._make(of(Flask), of)
        app.secret_key = "test"
        app.config["SESSION_REFRESH_EACH_REQUEST"] = False
        app.logger.disabled = True
        app.json = of(DefaultJSONProvider)(app)
        app.request_class = of(Request)
        if FormParser in uses:
            app.request_class = type("Own", (Request,), {"form_data_parser_class": of(FormParser)})
        app.response_class = uses.get(BaseResponse) or of(Response)
        app.url_rule_class = of(Rule)
        if root is StoredSessionInterface:
            app.session_interface = of(root)(MemoryStore())
        else:
            safe = root is SafeSessionInterface
            app.session_interface = of(root if safe else SecureCookieSessionInterface)()
        if SecureCookieSession in uses:
            app.session_interface.session_class = of(SecureCookieSession)
        app.jinja_environment = of(Environment)
        app.jinja_env.template_class = of(jinja2.Template)
        default = uses.get(BaseConverter) or of(UnicodeConverter)
        app.url_map.converters.update(default=default, int=of(IntegerConverter))
        self._add_views(of(MethodView))
        app.before_request(self._before)
        app.after_request(self._after)

    def _make(self, cls: type[Flask], of: t.Callable[[type], t.Any]) -> Flask:
        # Not by setting it on `Flask`, which would be a patch as well.
        return type("Site", (cls,), {"url_map_class": of(RuleMap)})("site", static_folder=None)

    def _before(self) -> None:
        if request.method == "POST":
            self.on_request(request._get_current_object())

    def _after(self, response: Response) -> t.Any:
        if request.path == "/foreign":
            return BaseResponse("foreign")
        self.on_response(response)
        return response

    def _add_views(self, method_view: type[MethodView]) -> None:
        app = self.app
        app.add_url_rule("/text", "text", lambda: "text")
        app.add_url_rule("/dict", "dict", lambda: {"a": 1})
        app.add_url_rule("/jsonify", "jsonify", lambda: jsonify(a=1))
        app.add_url_rule(
            "/args/<name>/<int:n>",
            "args",
            lambda name, n: f"{name} {n} {request.args['q']} {request.cookies.get('c')}",
        )
        app.add_url_rule(
            "/links", "links", lambda: url_for("args", name="x", n=3) + url_for("text", q=1)
        )
        app.add_url_rule("/json", "json", _json, methods=["POST"])
        app.add_url_rule("/data", "data", _data, methods=["POST"])
        app.add_url_rule("/form", "form", lambda: request.form["a"], methods=["POST"])
        app.add_url_rule("/upload", "upload", _upload, methods=["POST"])
        app.add_url_rule("/session", "session", _count)
        app.add_url_rule("/session/varying", "varying", lambda: (_count(), {"Vary": "Accept"}))
        app.add_url_rule("/session/permanent", "permanent", _keep)
        app.add_url_rule("/session/end", "end", lambda: session.clear() or "ended")
        app.add_url_rule(
            "/template",
            "template",
            lambda: render_template_string("{{ request.path }} {{ url_for('text') }}"),
        )
        app.add_url_rule("/conditional", "conditional", lambda: _conditional(app.response_class))
        app.add_url_rule("/response", "response", lambda: app.response_class("response"))
        app.add_url_rule("/stream", "stream", lambda: iter(["a", "b"]))
        app.add_url_rule("/pieces", "pieces", lambda: aiter(_pieces()))
        app.add_url_rule("/file", "file", lambda: send_file(costrel.signals.__file__, max_age=60))
        app.add_url_rule("/foreign", "foreign", lambda: "")
        app.add_url_rule("/forbidden", "forbidden", self._refuse)
        app.add_url_rule("/error", "error", lambda: 1 / 0)
        view = type("View", (method_view,), {"get": lambda _self: "methods"})
        app.add_url_rule("/methods", view_func=view.as_view("methods"))
        coroutine = type("View", (method_view,), {"get": _get})
        app.add_url_rule("/coroutines", view_func=coroutine.as_view("coroutines"))

    def _refuse(self) -> t.NoReturn:
        error = self.error()
        self.on_error(error)
        raise error

    def answers(self, asked: list[str]) -> list[tuple[str, str, bool]]:
        """Send every request; returns the path and answer of each, and whether it asked."""
        answers = []
        client = self.app.test_client()
        client.set_cookie("c", "1")
        for method, path, options in REQUESTS:
            asked.clear()
            response = client.open(path, method=method, **options)
            body = response.get_data(as_text=True) if path != "/error" else ""
            response.close()
            answers.append((f"{method} {path}", f"{response.status} {body}", bool(asked)))
        return answers


async def _pieces() -> t.AsyncIterator[str]:
    yield "a"
    yield "b"


async def _get(_self: t.Any) -> str:
    return "coroutines"


def _json() -> t.Any:
    return request.get_json()


def _data() -> bytes:
    return request.get_data()


def _upload() -> bytes:
    return request.form["a"].encode() + request.files["f"].read()


def _conditional(cls: type[Response]) -> t.Any:
    response = cls("conditional")
    response.set_etag("a")
    return response.make_conditional(request)


def _count() -> str:
    session["n"] = session.get("n", 0) + 1
    return str(session["n"])


def _keep() -> str:
    session.permanent = True
    return _count()


def telling(original: t.Any, name: str, asked: list[str]) -> t.Any:
    """Return what does the same as an attribute of a class, and says that it was asked."""
    if isinstance(original, types.FunctionType):

        @functools.wraps(original)
        def method(*args: t.Any, **kwargs: t.Any) -> t.Any:
            asked.append(name)
            return original(*args, **kwargs)

        return method
    has_set = hasattr(type(original), "__set__")

    class Attribute:
        def __get__(self, obj: t.Any, owner: type) -> t.Any:
            if obj is None:
                return self
            asked.append(name)
            if not has_set and name in obj.__dict__:
                return obj.__dict__[name]
            return original.__get__(obj, owner) if hasattr(original, "__get__") else original

        def __set__(self, obj: t.Any, value: t.Any) -> None:
            if has_set:
                asked.append(name)
                original.__set__(obj, value)
            else:
                obj.__dict__[name] = value

    return Attribute()


def replace_on_object(obj: t.Any, name: str, asked: list[str]) -> None:
    """Let an object have a method of its own, as `mock.patch.object` does."""
    original = getattr(obj, name)

    def method(*args: t.Any, **kwargs: t.Any) -> t.Any:
        asked.append(name)
        return original(*args, **kwargs)

    setattr(obj, name, method)


def replace_on_objects(site: Site, root: type, name: str, asked: list[str]) -> None:
    """Replace a method on every object of a class that a site has, or will have."""
    app = site.app

    def replace(obj: t.Any) -> None:
        replace_on_object(obj, name, asked)

    rules: list[Rule] = list(app.url_map.iter_rules())
    hooks = {
        Request: "on_request", Response: "on_response", BaseResponse: "on_response",
        HTTPException: "on_error",
    }  # fmt: skip
    objects: dict[type, list[t.Any]] = {
        Flask: [app],
        DefaultJSONProvider: [app.json],
        SecureCookieSessionInterface: [app.session_interface],
        SafeSessionInterface: [app.session_interface],
        StoredSessionInterface: [app.session_interface],
        RuleMap: [app.url_map],
        Environment: [app.jinja_env],
        Rule: rules,
    }
    if root in hooks:
        setattr(site, hooks[root], replace)
    converters = [converter for rule in rules for converter in rule._converters.values()]
    for obj in objects.get(root) or converters:
        if isinstance(obj, root):
            replace(obj)


def is_method(root: str, name: str) -> bool:
    """Tell whether an object may have its own: not of special methods, nor of properties."""
    original = find(PATHS[root], name)
    return isinstance(original, types.FunctionType) and not name.startswith("__")


def both_paths(
    run: t.Callable[[], list[tuple[str, str, bool]]], monkeypatch: pytest.MonkeyPatch
) -> tuple[t.Any, t.Any]:
    """Run on the planned path, then on the general one."""
    monkeypatch.delenv(FORCE_GENERAL, raising=False)
    planned = run()
    monkeypatch.setenv(FORCE_GENERAL, "1")
    general = run()
    monkeypatch.delenv(FORCE_GENERAL)
    return planned, general


@pytest.mark.parametrize("when", ["early", "late"])
@pytest.mark.parametrize(("root", "name"), ENTRIES)
def test_replaced_on_its_class_is_asked(root, name, when, monkeypatch):
    """Before the first request or after it, as tracers do, it is asked in each that asks it."""
    cls, asked = STANDS_FOR.get(PATHS[root], PATHS[root]), []

    def run():
        site = Site({}, root=PATHS[root])
        if when == "late":
            site.answers([])
        with monkeypatch.context() as patch:
            patch.setattr(cls, name, telling(find(cls, name), name, asked))
            if when == "early":
                site = Site({}, root=cls)
            elif not isinstance(cls, Watched) and (
                name in NOTICED_LATER or cls in {BaseResponse, *STANDS_FOR.values()}
            ):
                site.app.config["CHANGED"] = True
            return site.answers(asked)

    planned, general = both_paths(run, monkeypatch)
    assert planned == general or name in DECIDES
    if name not in BY_CLASS | RARELY and (when == "early" or name not in COMPILED):
        assert any(was_asked for *_, was_asked in planned)


@pytest.mark.parametrize(
    ("root", "name"), [entry for entry in ENTRIES if PATHS[entry[0]] in SUBCLASSED]
)
def test_replaced_in_a_subclass_is_asked(root, name, monkeypatch):
    """A subclass in the place of a class is asked for what it overrides."""
    asked = []
    base = SUBCLASSED[PATHS[root]]
    own = telling(find(base, name), name, asked)

    def run():
        uses = {PATHS[root]: type("Own", (base,), {name: own})}
        return Site(uses, root=PATHS[root]).answers(asked)

    planned, general = both_paths(run, monkeypatch)
    assert planned == general or name in DECIDES
    if name not in BY_CLASS | RARELY:
        assert any(was_asked for *_, was_asked in planned)


@pytest.mark.parametrize("when", ["early", "late"])
@pytest.mark.parametrize(
    ("root", "name"),
    [entry for entry in ENTRIES if PATHS[entry[0]] in OBJECTS and is_method(*entry)],
)
def test_replaced_on_an_object_is_asked(root, name, when, monkeypatch):
    """An object's own method is asked, whenever the object was given it."""
    asked = []

    def run():
        site = Site({}, root=PATHS[root])
        if when == "late":
            site.answers([])
        replace_on_objects(site, PATHS[root], name, asked)
        if when == "late" and issubclass(PATHS[root], (Rule, BaseConverter)):
            site.app.config["CHANGED"] = True
        return site.answers(asked)

    planned, general = both_paths(run, monkeypatch)
    assert planned == general or name in DECIDES
    if name not in COMPILED | NOT_OF_OBJECTS or (when, name) == ("early", "to_url"):
        assert any(was_asked for *_, was_asked in planned)


def test_nothing_replaced_leaves_every_way_open():
    """Patches that were taken back leave nothing behind: the short ways are taken again."""
    Site({}).answers([])
    closed = [
        name
        for name, (root, _skipped) in SHORT_WAYS.items()
        if getattr(PATHS[root], name, True) is False
    ]
    assert closed == []


def test_battery_reaches_the_table():
    """Every class of the table is one that these tests know how to replace."""
    assert {root for root, _names in SHORT_WAYS.values()} == set(PATHS)


def test_wrapper_that_is_equal_to_a_step_is_asked(monkeypatch):
    """As `wrapt` makes them, for tracers."""
    called = []

    def wrapper(wrapped, _instance, args, kwargs):
        called.append(wrapped.__name__)
        return wrapped(*args, **kwargs)

    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "text")
    app.test_client().get("/")
    monkeypatch.setattr(
        Flask, "dispatch_request", wrapt.FunctionWrapper(Flask.dispatch_request, wrapper)
    )
    assert app.test_client().get("/").text == "text"
    assert called == ["dispatch_request"]
