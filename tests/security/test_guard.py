"""The guard runs the checks of all features before anything else, on every way of a request."""

from __future__ import annotations

import asyncio

import pytest
from werkzeug.exceptions import BadRequest, Forbidden, ServiceUnavailable, TooManyRequests

from costrel import Costrel, Flask, Request, websocket
from costrel.ground.protection import Check, Finisher
from costrel.security import finish, guard, security_of
from costrel.testing.asgi import WebSocketRejected


def always(_endpoint, _rule):
    """Apply to every request."""
    return True


def make_app(*checks, finishers=()):
    """Make an application with these checks and nothing else that protects it."""
    app = Flask(__name__)
    guard.install(app)
    finish.install(app)
    security_of(app).checks.extend(checks)
    security_of(app).finishers.extend(finishers)
    app.add_url_rule("/", "view", lambda: "view", methods=["GET", "POST"])
    return app


def noting(log, name, **arguments):
    """Make a check that notes that it has run."""
    return Check(name, always, lambda request: log.append((name, request.method)), **arguments)


def refusing(error, **arguments):
    """Make a check that refuses every request."""

    def run(_request):
        raise error

    return Check("rates", always, run, **arguments)


def test_checks_run_in_the_order_of_their_features(way):
    """Whichever was installed first: hosts, limits, forged requests, rates, then others."""
    log = []
    names = ("other", "rates", "csrf", "suspects", "limits", "hosts")
    app = make_app(*(noting(log, name) for name in names))
    assert way.ask(app, method="POST").text == "view"
    assert [name for name, _ in log] == ["hosts", "limits", "suspects", "csrf", "rates", "other"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "PUT"])
def test_safe_methods_are_checked_only_if_the_check_wants_it(way, method):
    """A check of forged requests need not look at those that ask for no change."""
    log = []
    app = make_app(noting(log, "rates", safe_methods=True), noting(log, "csrf"))
    way.ask(app, method=method)
    expected = ["rates"] if method in {"GET", "HEAD", "OPTIONS"} else ["csrf", "rates"]
    assert [name for name, _ in log] == expected


def test_check_that_does_not_concern_a_request_does_not_run(way):
    """It is asked with the environ first."""
    log = []
    app = make_app(
        noting(log, "csrf", concerns=lambda environ: "HTTP_COOKIE" in environ),
        noting(log, "rates", concerns=lambda environ: environ["QUERY_STRING"], safe_methods=True),
    )
    assert way.ask(app, method="POST").text == "view"
    assert log == []
    assert way.ask(app, "/?q", method="POST", headers={"Cookie": "a=b"}).text == "view"
    assert [name for name, _ in log] == ["csrf", "rates"]


def test_check_decides_by_rule_what_runs(way):
    """It is asked once for each rule, and may return what to run for it."""
    asked, log = [], []

    def applies(endpoint, rule):
        asked.append(endpoint)
        assert (rule is None) == (endpoint is None)
        if endpoint == "own":
            return lambda request: log.append("own")
        return endpoint is None

    app = make_app(Check("rates", applies, lambda request: log.append("run"), safe_methods=True))
    app.add_url_rule("/own", "own", lambda: "own")
    for path in ("/", "/own", "/own", "/none", "/none"):
        way.ask(app, path)
    assert log == ["own", "own", "run", "run"]
    assert sorted(map(str, asked)) == sorted(map(str, dict.fromkeys(asked)))


@pytest.mark.parametrize("blocks", [True, False])
def test_refusal_goes_to_error_handlers_before_any_hook(way, blocks):
    """Neither a before-hook nor the view sees a request that was refused."""
    app = make_app(refusing(TooManyRequests(retry_after=3), safe_methods=True, blocks=blocks))
    app.before_request(lambda: pytest.fail("a hook ran"))
    app.register_error_handler(429, lambda error: (f"wait {error.retry_after}", 429))
    response = way.ask(app)
    assert (response.status_code, response.text) == (429, "wait 3")


@pytest.mark.parametrize("blocks", [True, False])
def test_refusal_of_async_view_goes_to_error_handlers(way, blocks):
    """The same for coroutine functions, with an async hook."""
    app = make_app(refusing(Forbidden(), safe_methods=True, blocks=blocks))

    @app.get("/async")
    async def on_loop():
        pytest.fail("the view ran")

    async def hook():
        pytest.fail("a hook ran")

    assert way.ask(app, "/async").status_code == 403
    app.before_request_funcs[None].append(hook)
    assert way.ask(app, "/async").status_code == 403


def test_value_preprocessors_run_before_the_checks(way):
    """As before any before-hook."""
    log = []
    app = make_app(noting(log, "csrf", safe_methods=True))
    app.url_value_preprocessor(lambda endpoint, values: log.append(endpoint))

    async def preprocess(endpoint, values):
        log.append("async")

    way.ask(app)
    assert log == ["view", ("csrf", "GET")]
    log.clear()
    app.url_value_preprocessors[None].append(preprocess)
    way.ask(app)
    assert log == ["view", "async", ("csrf", "GET")]


def test_hook_inserted_in_front_runs_before_the_checks(way):
    """Whoever inserts a hook at the front wants it there."""
    log = []
    app = make_app(noting(log, "csrf", safe_methods=True))
    app.before_request_funcs[None].insert(0, lambda: log.append("hook"))
    assert way.ask(app).text == "view"
    assert log == ["hook", ("csrf", "GET")]


def test_checks_run_when_a_preprocessor_changes_the_hooks(way):
    """A plan that has become stale runs the guard by its name."""
    log = []
    app = make_app(refusing(Forbidden(), safe_methods=True))

    @app.url_value_preprocessor
    def change(endpoint, values):
        app.before_request_funcs[None].append(lambda: log.append("added"))

    assert way.ask(app).status_code == 403
    assert log == []


def test_hook_added_by_a_hook_runs_once(way):
    """What a before-hook adds runs after it, and none runs twice."""
    log = []
    app = make_app(noting(log, "csrf", safe_methods=True))

    @app.before_request
    def first():
        log.append("first")
        app.before_request_funcs[None].append(lambda: log.append("added"))

    assert way.ask(app).text == "view"
    assert log == [("csrf", "GET"), "first", "added"]


def test_check_added_between_two_requests_runs(way):
    """The list of checks is tracked."""
    app = make_app()
    assert way.ask(app).text == "view"
    security_of(app).checks.append(refusing(ServiceUnavailable(), safe_methods=True))
    assert way.ask(app).status_code == 503


def test_request_that_calls_its_method_unsafe_is_checked(way):
    """A subclass that reads the method from elsewhere must not pass as safe."""

    class Overriding(Request):
        @property
        def method(self):
            return "POST"

        @method.setter
        def method(self, value):
            pass

    log = []
    app = make_app(noting(log, "csrf"))
    app.request_class = Overriding
    way.ask(app)
    assert log == [("csrf", "POST")]


def test_check_may_read_the_form_of_an_async_view(way):
    """On an event loop the body has been received before."""
    forms = []
    app = make_app(Check("csrf", always, lambda r: forms.append(r.form["a"]), blocks=True))

    @app.post("/async")
    async def on_loop():
        from costrel import request

        return request.form["a"]

    assert way.ask(app, "/async", "POST", data={"a": "b"}).text == "b"
    assert forms == ["b"]


def test_body_of_an_async_view_is_there_after_a_question(way):
    """To ask if a check concerns a request must not lose its body."""
    app = make_app(Check("csrf", always, pytest.fail, concerns=lambda environ: False))

    @app.post("/async")
    async def on_loop():
        from costrel import request

        return request.get_data()

    assert way.ask(app, "/async", "POST", data=b"body").data == b"body"


def test_error_of_a_check_is_a_server_error(way):
    """It is not taken for a refusal, nor ignored."""

    def fail(_request):
        raise ValueError

    app = make_app(Check("csrf", always, fail, safe_methods=True))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.logger.disabled = True
    assert way.ask(app).status_code == 500


def test_finisher_sees_every_response_object(way):
    """Plain values become one only if it concerns the request."""
    statuses = []

    def note(response):
        statuses.append(response.status_code)
        response.headers["X-Noted"] = "1"

    app = make_app(finishers=[Finisher("ids", note, lambda environ: environ["QUERY_STRING"])])
    app.add_url_rule("/error", "error", lambda: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.logger.disabled = True
    assert "X-Noted" not in way.ask(app).headers or way.name == "general"
    assert way.ask(app, "/?q").headers["X-Noted"] == "1"
    assert way.ask(app, "/error").headers["X-Noted"] == "1"
    assert statuses[-2:] == [200, 500]


def test_handshake_is_checked():
    """A WebSocket is refused by the same checks, before its view runs."""
    log = []
    app = make_app(noting(log, "hosts", safe_methods=True), noting(log, "csrf"))

    @app.websocket("/socket")
    async def socket():
        await websocket.send("hello")

    async def talk():
        async with app.async_test_client().websocket("/socket") as client:
            return await client.receive()

    assert asyncio.run(talk()) == "hello"
    assert log == [("hosts", "GET")]
    security_of(app).checks.append(refusing(BadRequest(), safe_methods=True, blocks=True))
    with pytest.raises(WebSocketRejected):
        asyncio.run(talk())


def test_refused_handshake_has_the_header_fields():
    """Its response is one like any other."""
    app = Costrel(__name__)

    @app.websocket("/socket")
    async def socket():
        pytest.fail("the view ran")

    @app.before_websocket
    def refuse():
        return "no", 403

    async def talk():
        async with app.async_test_client().websocket("/socket"):
            pass

    with pytest.raises(WebSocketRejected) as caught:
        asyncio.run(talk())
    assert caught.value.headers["X-Frame-Options"] == "DENY"


def test_installing_twice_changes_nothing():
    """There is one guard, in front, and one hook that finishes."""
    app = make_app()
    guard.install(app)
    finish.install(app)
    assert len(app.before_request_funcs[None]) == len(app.after_request_funcs[None]) == 1
    assert guard.is_guarded(app)
    assert not guard.is_guarded(Flask(__name__))


def test_plan_takes_the_hooks_out_of_its_chains(planned):
    """A request that no check concerns runs nothing but its view."""
    app = make_app(Check("csrf", always, pytest.fail))
    app.add_url_rule("/read", "read", lambda: "x")
    client = app.test_client()
    assert client.get("/").text == "view"
    assert client.get("/read").text == "x"
    engine = app._engine
    both, reads = (engine.fixed[path]["GET"] for path in ("/", "/read"))
    assert both.quiet
    assert reads.quiet
    assert both.detours({"REQUEST_METHOD": "POST"})
    assert not both.detours({"REQUEST_METHOD": "GET"})
    assert reads.detours is None
