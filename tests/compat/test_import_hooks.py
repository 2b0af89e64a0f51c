"""Import hooks that wait for Flask's modules work under the alias."""

from __future__ import annotations

import sys

import pytest

# What `import flask` imports in Flask 3.1.3, in the order in which the imports finish.
IMPORTED = """
    globals json.provider json signals helpers cli typing ctx config logging templating
    sansio.scaffold sansio.app json.tag sessions wrappers app sansio.blueprints blueprints
""".split()

# A finder whose loader wraps another one, as in tracers. `hooks` maps names of modules
# to functions, and `done` has the names of those that were imported.
HOOKS = """
import importlib.util, sys

hooks = {}
done = []

class Loader:
    def __init__(self, loader):
        self.loader = loader
    def create_module(self, spec):
        return self.loader.create_module(spec)
    def exec_module(self, module):
        self.loader.exec_module(module)
        done.append(module.__name__)
        if module.__name__ in hooks:
            hooks[module.__name__](module)

class Finder:
    busy = set()
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "flask" or name in self.busy:
            return None
        self.busy.add(name)
        try:
            spec = importlib.util.find_spec(name)
            spec.loader = Loader(spec.loader)
            return spec
        finally:
            self.busy.discard(name)
"""

AFTER = "import costrel\ncostrel.install_as_flask()\nsys.meta_path.insert(0, Finder())\n"
BEFORE = "sys.meta_path.insert(0, Finder())\nimport costrel\ncostrel.install_as_flask()\n"


def test_import_of_flask_imports_its_modules_by_name(run_python):
    """Of Flask's modules, exactly those that Flask imports are in sys.modules."""
    run_python(
        *IMPORTED,
        code="""
        import sys
        import costrel
        costrel.install_as_flask()
        from flask import Flask
        loaded = {name for name in sys.modules if name.startswith("flask.")}
        assert {f"flask.{name}" for name in sys.argv[1:]} | {"flask.sansio"} == loaded
        """,
    )


def test_import_of_flask_loads_nothing_slow(run_python):
    """The command line is imported as in Flask, but no server, test client or metadata."""
    done = run_python(
        code="""
        import sys
        import costrel
        costrel.install_as_flask()
        import flask
        print(*sys.modules)
        """
    )
    loaded = set(done.stdout.split())
    slow = {"importlib.metadata", "code", "granian", "uvicorn", "costrel.testing", "click.testing"}
    assert "costrel.cli" in loaded
    assert set() == slow & loaded


@pytest.mark.parametrize("install", [BEFORE, AFTER], ids=["hooks first", "alias first"])
def test_hooks_run_in_the_order_of_flask(run_python, install):
    """A hook works for any module, whether it is set before or after the alias."""
    done = run_python(code=HOOKS + install + "import flask\nprint(*done)\n")
    expected = [f"flask.{name}" for name in IMPORTED]
    found = [name for name in done.stdout.split() if name != "flask.sansio"]
    assert [*expected, "flask"] == found


def test_hook_of_a_module_imported_later_runs(run_python):
    """Modules that `import flask` does not import can be imported later."""
    done = run_python(code=HOOKS + AFTER + "import flask.views, flask.testing\nprint(*done)\n")
    assert ["flask.views", "flask.testing"] == done.stdout.split()[-2:]


def test_what_a_hook_sets_on_its_module_is_set_on_ours(run_python):
    """New names, replaced and deleted ones, by attribute and in the namespace."""
    run_python(
        code=HOOKS
        + AFTER
        + """
def hook(module):
    assert module.__name__ == "flask.templating"
    assert "render_template" in dir(module) and "render_template" in vars(module)
    module.fresh = "fresh"
    vars(module)["other"] = "other"
    module.passing = 1
    del module.passing
    module.render_template_string = len

hooks["flask.templating"] = hook
import flask
import costrel.templating
assert flask.templating is costrel.templating is sys.modules["flask.templating"]
assert costrel.templating.fresh == "fresh"
assert costrel.templating.other == "other"
assert costrel.templating.render_template_string is len
assert not hasattr(costrel.templating, "passing")
assert costrel.templating.__name__ == costrel.templating.__spec__.name == "costrel.templating"
"""
    )


def test_what_a_hook_of_the_package_sets_is_set_on_ours(run_python):
    """It runs last, so its replacement stays."""
    run_python(
        code=HOOKS
        + AFTER
        + """
hooks["flask.json"] = lambda module: setattr(module, "jsonify", "of flask.json")
hooks["flask"] = lambda module: setattr(module, "jsonify", module.jsonify + ", of flask")
from flask import jsonify
assert jsonify == costrel.jsonify == "of flask.json, of flask"
"""
    )


@pytest.mark.parametrize(
    "path",
    """
    app.Flask blueprints.Blueprint config.Config ctx.after_this_request globals.current_app
    globals.request helpers.url_for json.jsonify signals.request_started
    templating.render_template wrappers.Request wrappers.Response
    """.split(),
)
def test_name_that_a_hook_replaced_is_what_flask_exports(run_python, path):
    """`from flask import` gives the replacement, in Costrel's modules too."""
    module, _, name = path.rpartition(".")
    run_python(
        module,
        name,
        code=HOOKS
        + AFTER
        + """
module_name, name = sys.argv[1:]
old = getattr(costrel, name)
new = object()
hooks["flask." + module_name] = lambda module: setattr(module, name, new)
import flask
assert getattr(flask, name) is getattr(costrel, name) is new
for module in list(sys.modules.values()):
    if module.__name__.startswith("costrel") and "compat.sansio" not in module.__name__:
        assert vars(module).get(name) is not old, module
""",
    )


def test_class_that_a_hook_replaced_is_what_applications_use(run_python):
    """If a class attribute holds the class, the application uses the new one."""
    run_python(
        code=HOOKS
        + AFTER
        + """
def hook(module):
    class Marked(module.Response):
        default_mimetype = "text/marked"
    module.Response = Marked

hooks["flask.wrappers"] = hook
import flask
app = flask.Flask("app")
app.add_url_rule("/", view_func=lambda: "text")
assert app.test_client().get("/").mimetype == "text/marked"
"""
    )


def test_name_that_a_hook_replaced_where_it_was_imported_stays_elsewhere(run_python):
    """flask.app imports `send_from_directory` from flask.helpers, where it is unchanged."""
    run_python(
        code=HOOKS
        + AFTER
        + """
hooks["flask.app"] = lambda module: setattr(module, "send_from_directory", "replaced")
import flask
assert flask.app.send_from_directory == "replaced"
assert flask.send_from_directory is flask.helpers.send_from_directory != "replaced"
"""
    )


def test_constant_that_a_hook_replaced_stays_elsewhere(run_python):
    """None and similar objects are shared by names that have nothing in common."""
    run_python(
        code=HOOKS
        + """
import costrel.helpers, costrel.app
costrel.helpers.marker = costrel.app.marker = None
costrel.Flask.marker = None
"""
        + AFTER
        + """
hooks["flask.helpers"] = lambda module: setattr(module, "marker", 1)
import flask
assert flask.helpers.marker == 1
assert flask.app.marker is None
assert flask.Flask.marker is None
"""
    )


def test_hook_that_imports_flask_sees_what_is_there(run_python):
    """A hook's module that imports flask during that import gets a usable module."""
    run_python(
        code=HOOKS
        + AFTER
        + """
def hook(module):
    global early
    import flask as early
    from flask import Request
    early.set_early = Request

hooks["flask.app"] = hook
import flask
assert flask is sys.modules["flask"] is costrel
assert early.Flask is flask.Flask
assert costrel.set_early is costrel.Request
early.set_late = 1
assert costrel.set_late == 1
"""
    )


def test_thread_that_imports_flask_meanwhile_waits_for_the_hooks(run_python):
    """No thread gets a name before the hook that replaces it has run."""
    run_python(
        code=HOOKS
        + AFTER
        + """
import threading
found = []

def import_too():
    started.set()
    from flask import jsonify
    found.append(jsonify)

def hook(module):
    thread.start()
    started.wait(20)
    module.jsonify = "replaced"

started = threading.Event()
thread = threading.Thread(target=import_too)
hooks["flask.json"] = hook
import flask
thread.join(20)
assert ["replaced"] == found
"""
    )


def test_wrapt_patches_modules_of_flask(run_python):
    """`wrapt.when_imported` finds the modules by the names that Flask has."""
    run_python(
        code="""
        import wrapt
        import costrel
        costrel.install_as_flask()
        called = []

        @wrapt.when_imported("flask.app")
        def patch(module):
            def wrapper(wrapped, instance, args, kwargs):
                called.append(instance)
                return wrapped(*args, **kwargs)
            wrapt.wrap_function_wrapper(module, "Flask.dispatch_request", wrapper)

        from flask import Flask
        app = Flask("app")
        app.add_url_rule("/", view_func=lambda: "text")
        assert app.test_client().get("/").text == "text"
        assert called == [app]
        """
    )


TRACED = """
import sys
from newrelic.agent import current_transaction, register_application
from flask import Blueprint, Flask, render_template_string
from flask.views import MethodView

transactions = []
app = Flask("app")
blueprint = Blueprint("blueprint", "app")

@app.before_request
def note():
    transactions.append(current_transaction())

@app.get("/plain")
def plain():
    return render_template_string("text")

@app.get("/coroutine")
async def coroutine():
    return "text"

@blueprint.get("/inner")
def inner():
    return "text"

@app.errorhandler(404)
def missing(error):
    return "text", 404

class View(MethodView):
    def get(self):
        return "text"

app.add_url_rule("/class", view_func=View.as_view("class_view"))
app.register_blueprint(blueprint)
register_application(timeout=20)
client = app.test_client()
for path in ("/plain", "/coroutine", "/inner", "/class", "/missing"):
    client.get(path, buffered=True)
print("flask is", sys.modules["flask"].__name__)
for transaction in transactions:
    print(transaction.path)
"""

TRACED_AS = """\
flask is costrel
WebTransaction/Function/__main__:plain
WebTransaction/Function/__main__:coroutine
WebTransaction/Function/__main__:inner
WebTransaction/Function/__main__:class_view
WebTransaction/Function/__main__:missing
"""


@pytest.fixture
def new_relic(tmp_path):
    """Return the variables that configure New Relic's agent, which then sends nothing."""
    configuration = tmp_path / "newrelic.ini"
    configuration.write_text("[newrelic]\napp_name = test\nlog_file = stderr\n")
    return {"NEW_RELIC_CONFIG_FILE": str(configuration), "NEW_RELIC_DEVELOPER_MODE": "true"}


def test_new_relic_names_transactions_after_views(run_python, new_relic, tmp_path):
    """`newrelic-admin run-program` records the same under the alias as on Flask."""
    script = tmp_path / "traced.py"
    script.write_text(TRACED)
    done = run_python(
        *("-W", "default", "-m", "newrelic.admin", "run-program", sys.executable, script),
        COSTREL_AS_FLASK="1",
        **new_relic,
    )
    assert done.stdout == TRACED_AS


def test_new_relic_started_before_the_alias_names_transactions(run_python, new_relic):
    """An agent that is installed first is asked first."""
    start = "import newrelic.agent, costrel\nnewrelic.agent.initialize()\n"
    code = start + "costrel.install_as_flask()\n" + TRACED
    done = run_python("-W", "default", "-c", code, **new_relic)
    assert done.stdout == TRACED_AS
