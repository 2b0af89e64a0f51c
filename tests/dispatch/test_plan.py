"""Whatever a plan was compiled from may change at any time, and is then seen."""

from __future__ import annotations

import abc
import sys
import threading
from collections import defaultdict
from unittest import mock

import pytest
from served import as_index, ask, served_app
from werkzeug.routing import Map, Rule

from costrel import Flask
from costrel.globals import request_ctx
from costrel.ground.shortways import STEPS

# Each step, and a request that goes through it.
CALLED = {
    "wsgi_app": ("/", "GET"),
    "full_dispatch_request": ("/", "GET"),
    "dispatch_request": ("/", "GET"),
    "preprocess_request": ("/", "GET"),
    "finalize_request": ("/", "GET"),
    "process_response": ("/", "GET"),
    "make_response": ("/", "GET"),
    "do_teardown_request": ("/", "GET"),
    "do_teardown_appcontext": ("/", "GET"),
    "ensure_sync": ("/", "GET"),
    "create_url_adapter": ("/", "GET"),
    "request_context": ("/", "GET"),
    "handle_exception": ("/error", "GET"),
    "log_exception": ("/error", "GET"),
    "should_ignore_error": ("/error", "GET"),
    "handle_user_exception": ("/nothing", "GET"),
    "handle_http_exception": ("/nothing", "GET"),
    "trap_http_exception": ("/nothing", "GET"),
    "raise_routing_exception": ("/nothing", "GET"),
    "make_default_options_response": ("/", "OPTIONS"),
}


# Which path


@pytest.mark.usefixtures("planned")
def test_plain_application_is_planned():
    """Nothing but the ordinary leaves an application on the planned path."""
    app = served_app()
    assert not app._engine.general
    app.before_request_funcs[None].append(lambda: None)
    ask(app)
    assert not app._engine.general


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize("path", ["/", "/a/view"])
def test_planned_request_is_matched_without_an_adapter(path):
    """Werkzeug's own matching is for what the table leaves to it."""
    app = served_app()
    seen = []
    app.before_request_funcs[None].append(
        lambda: seen.append("url_adapter" in vars(request_ctx._get_current_object()))
    )
    for _ in range(2):
        ask(app, path)
    assert seen == [False, False]
    ask(app, "/nothing")
    assert seen[-1] is False
    ask(app, "/a//view")
    assert seen[-1] is True


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize("step", STEPS)
def test_application_with_a_step_of_its_own_is_not_planned_until_it_is_gone(step):
    """A step that a plan takes over puts its application on the general path."""
    app = served_app()
    setattr(app, step, getattr(app, step))
    ask(app)
    assert app._engine.general
    delattr(app, step)
    ask(app)
    assert not app._engine.general


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize(
    "change",
    [
        lambda app: setattr(app, "url_map", Map([Rule("/", endpoint="index")])),
        lambda app: setattr(app, "view_functions", dict(app.view_functions)),
        lambda app: setattr(app, "before_request_funcs", defaultdict(list)),
        lambda app: app.after_request_funcs.update({None: []}),
        lambda app: app.teardown_request_funcs.update({None: []}),
        lambda app: app.url_value_preprocessors.update({None: []}),
        lambda app: setattr(app, "teardown_appcontext_funcs", []),
        lambda app: setattr(app, "config", dict(app.config)),
    ],
)
def test_application_whose_changes_can_not_be_seen_is_not_planned(change):
    """A plain container may change unseen, so nothing is compiled from it."""
    app = served_app()
    change(app)
    assert ask(app) == (200, "index")
    assert app._engine.general


@pytest.mark.usefixtures("planned")
def test_hosts_that_matter_are_not_planned():
    """With host matching, the table has no say."""
    app = Flask(__name__, host_matching=True, static_folder=None)
    app.get("/", host="<name>.com")(lambda name: name)
    client = app.test_client()
    assert client.get("/", base_url="http://a.com").text == "a"
    assert app._engine.general


# Steps


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("step", CALLED)
@pytest.mark.parametrize("where", ["instance", "class", "base"])
def test_replaced_step_is_called_until_it_is_put_back(step, where):
    """COMPAT(ddtrace, Flask-CORS): a step is replaced on any level after requests were served."""

    class Mine(Flask):
        pass

    app = served_app(Mine)
    owner = {"instance": app, "class": Mine, "base": Flask}[where]
    original = getattr(owner, step)
    calls = []

    def replacement(*args, **kwargs):
        calls.append(args)
        return original(*args, **kwargs)

    expected = ask(app, *CALLED[step])
    with mock.patch.object(owner, step, replacement):
        assert ask(app, *CALLED[step]) == expected
    assert len(calls) > 0
    calls.clear()
    assert ask(app, *CALLED[step]) == expected
    assert calls == []


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("step", CALLED)
def test_step_overridden_in_a_subclass_is_called(step):
    """COMPAT(APIFlask): an override calls the original with the arguments it was given."""
    calls = []

    def override(self, *args, **kwargs):
        calls.append(args)
        return getattr(Flask, step)(self, *args, **kwargs)

    mine = type("Mine", (Flask,), {step: override})
    expected = ask(served_app(), *CALLED[step])
    app = served_app(mine)
    calls.clear()
    assert ask(app, *CALLED[step]) == expected
    assert len(calls) > 0


@pytest.mark.usefixtures("path")
def test_step_replaced_in_the_view_is_called_for_its_own_response():
    """COMPAT: each step is looked up when it is its turn, also for the request that runs."""
    app = served_app()
    seen = []

    @as_index(app)
    def index():
        original = app.process_response

        def process(response):
            seen.append(response.status_code)
            return original(response)

        app.process_response = process
        return "index"

    assert ask(app) == (200, "index")
    assert seen == [200]


@pytest.mark.usefixtures("path")
def test_class_made_with_another_metaclass_works():
    """COMPAT: an application class may be an abstract one."""

    class Abstract(Flask, abc.ABC):
        @abc.abstractmethod
        def greet(self): ...

    class Mine(Abstract):
        def greet(self):
            return "hello"

    with pytest.raises(TypeError, match="abstract"):
        Abstract(__name__)
    app = Mine(__name__)
    app.get("/")(app.greet)
    assert ask(app) == (200, "hello")


@pytest.mark.usefixtures("planned")
def test_methods_that_clients_make_up_are_not_kept():
    """A rule that answers any method answers each, and remembers the ones of the standard."""
    app = Flask(__name__)
    app.url_map.add(Rule("/any", endpoint="any"))
    app.view_functions["any"] = lambda: request_ctx.request.method

    names = ["GET", "POST", *(f"METHOD{n}" for n in range(50))]
    for _ in range(2):
        assert names == [ask(app, "/any", name)[1] for name in names]
    assert {"GET", "POST"} == app._engine.fixed["/any"].keys()


@pytest.mark.usefixtures("path")
def test_rules_may_be_added_while_requests_are_served():
    """Other requests, in other threads, are answered as before."""
    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    for n in range(60):
        app.add_url_rule(f"/known/{n}/<name>/end", f"known{n}", lambda name: name)
    assert "a" == ask(app, "/known/0/a/end")[1]
    done = threading.Event()
    problems = []

    def request_known():
        while not done.is_set():
            for n in (0, 59):
                try:
                    if ask(app, f"/known/{n}/a/end")[1] != "a":
                        problems.append("another answer")
                except BaseException as error:  # noqa: BLE001  told by the test
                    problems.append(repr(error))

    threads = [threading.Thread(target=request_known) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for n in range(300):
            app.view_functions[f"new{n}"] = lambda name: f"new {name}"
            app.url_map.add(Rule(f"/new/{n}/<name>", endpoint=f"new{n}"))
            app.before_request_funcs[f"blueprint{n}"].append(lambda: None)
    finally:
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert [] == problems
    assert "new b" == ask(app, "/new/299/b")[1]
