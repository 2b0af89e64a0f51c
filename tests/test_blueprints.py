"""A blueprint brings views, hooks and files to an application, once or often."""

from __future__ import annotations

import pytest

from costrel import Blueprint, Flask, current_app, g, render_template_string, request, url_for
from costrel.blueprints import BlueprintSetupState

# Hooks and handlers of blueprints are tested in tests/dispatch/.


def make_bp(name="bp", **kwargs):
    """Make a blueprint with one view, which says its endpoint."""
    bp = Blueprint(name, __name__, **kwargs)
    bp.get("/view", endpoint="view")(lambda **values: f"{request.endpoint} {values}")
    return bp


# Prefixes and names


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("own", "given", "rule", "path"),
    [
        (None, None, "/view", "/view"),
        ("/bp", None, "/view", "/bp/view"),
        ("/bp/", None, "/view", "/bp/view"),
        ("/bp", "/other", "/view", "/other/view"),
        ("/bp", None, "", "/bp"),
        ("/bp", None, "/", "/bp/"),
        ("/<n>", None, "/view", "/1/view"),
        ("/", None, "/view", "/view"),
    ],
)
def test_rules_are_below_the_prefix(own, given, rule, path):
    """The registration's prefix replaces the blueprint's; slashes are joined."""
    bp = Blueprint("bp", __name__, url_prefix=own)
    bp.get(rule, endpoint="view")(lambda **values: request.endpoint)
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(bp, **({"url_prefix": given} if given else {}))
    assert app.test_client().get(path).text == "bp.view"


@pytest.mark.usefixtures("path")
def test_blueprint_is_registered_often_under_several_names():
    """Each registration has endpoints of its own and the same hooks."""
    app = Flask(__name__)
    bp = make_bp()
    bp.before_request(lambda: setattr(g, "hooks", g.get("hooks", 0) + 1))
    bp.get("/hooks", endpoint="hooks")(lambda: f"{g.hooks} {url_for('.view')}")
    app.register_blueprint(bp, url_prefix="/a")
    app.register_blueprint(bp, url_prefix="/b", name="other")
    client = app.test_client()
    assert client.get("/a/view").text == "bp.view {}"
    assert client.get("/b/view").text == "other.view {}"
    assert client.get("/a/hooks").text == "1 /a/view"
    assert client.get("/b/hooks").text == "1 /b/view"
    assert list(app.blueprints.items()) == [("bp", bp), ("other", bp)]


def test_name_that_is_taken_is_refused():
    """By the same blueprint or another one; `url_for` could not choose."""
    app = Flask(__name__)
    bp = make_bp()
    app.register_blueprint(bp)
    with pytest.raises(ValueError, match=r"'bp' is taken.*this blueprint already.*name='\.\.\.'"):
        app.register_blueprint(bp)
    with pytest.raises(ValueError, match="a different blueprint"):
        app.register_blueprint(make_bp())


@pytest.mark.parametrize(("name", "message"), [("", "can't be empty"), ("a.b", "contains a dot")])
def test_name_that_could_not_be_in_an_endpoint_is_refused(name, message):
    """Names are joined by dots."""
    with pytest.raises(ValueError, match=message):
        Blueprint(name, __name__)


def test_endpoint_with_a_dot_is_refused():
    """The blueprint's name is put before it anyway."""
    bp = Blueprint("bp", __name__)
    with pytest.raises(ValueError, match="contains a dot"):
        bp.add_url_rule("/", endpoint="a.b")

    def view():
        return ""

    view.__name__ = "a.b"
    with pytest.raises(ValueError, match=r"'a\.b' contains a dot"):
        bp.add_url_rule("/", view_func=view)


@pytest.mark.usefixtures("path")
def test_default_values_are_joined():
    """The registration's come before the blueprint's, the rule's before both."""
    bp = make_bp(url_defaults={"a": 1, "b": 1, "c": 1})
    bp.get("/own", defaults={"c": 3}, endpoint="own")(lambda **values: values)
    app = Flask(__name__)
    app.register_blueprint(bp, url_defaults={"b": 2, "c": 2})
    client = app.test_client()
    assert client.get("/own").json == {"a": 1, "b": 2, "c": 3}
    assert client.get("/view").text == "bp.view {'a': 1, 'b': 2, 'c': 2}"


@pytest.mark.usefixtures("path")
def test_rules_are_of_the_subdomain():
    """Nested subdomains are joined, the innermost first."""
    app = Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.test"
    parent, child = make_bp("parent", subdomain="api"), make_bp("child", subdomain="v1")
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    client = app.test_client()
    assert client.get("/view", "http://api.example.test").text == "parent.view {}"
    assert client.get("/view", "http://v1.api.example.test").text == "parent.child.view {}"


# Nesting


@pytest.mark.usefixtures("path")
def test_nested_blueprints_join_names_and_prefixes():
    """Each level adds its own, whether it is the blueprint's or the registration's."""
    app = Flask(__name__, static_folder=None)
    parent, child, grandchild = make_bp("a", url_prefix="/a"), make_bp("b"), make_bp("c")
    child.register_blueprint(grandchild, url_prefix="/c", name="renamed")
    parent.register_blueprint(child, url_prefix="/b")
    app.register_blueprint(parent)
    client = app.test_client()
    assert client.get("/a/view").text == "a.view {}"
    assert client.get("/a/b/view").text == "a.b.view {}"
    assert client.get("/a/b/c/view").text == "a.b.renamed.view {}"
    assert set(app.blueprints) == {"a", "a.b", "a.b.renamed"}


def test_blueprint_can_not_be_nested_in_itself():
    """It would never end."""
    bp = make_bp()
    with pytest.raises(ValueError, match="on itself"):
        bp.register_blueprint(bp)


@pytest.mark.usefixtures("path")
def test_one_blueprint_nested_in_two():
    """It is registered with each of them."""
    app = Flask(__name__)
    shared = make_bp("shared")
    for name in ("a", "b"):
        parent = Blueprint(name, __name__, url_prefix=f"/{name}")
        parent.register_blueprint(shared)
        app.register_blueprint(parent)
    client = app.test_client()
    assert client.get("/a/view").text == "a.shared.view {}"
    assert client.get("/b/view").text == "b.shared.view {}"


# What is recorded


def test_recorded_functions_get_the_state_of_each_registration():
    """COMPAT(Flask-RESTful): it has application, blueprint, prefix, options and the rest."""
    states, once = [], []
    bp = make_bp(url_prefix="/own", subdomain="sub", url_defaults={"a": 1})
    bp.record(states.append)
    bp.record_once(lambda state: once.append(state.app))
    first, second = Flask("first"), Flask("second")
    first.register_blueprint(bp)
    first.register_blueprint(bp, name="other", url_prefix="/given", extra=1)
    second.register_blueprint(bp)
    assert once == [first, second]
    assert [state.first_registration for state in states] == [True, False, True]
    state = states[0]
    assert (state.app, state.blueprint, state.options) == (first, bp, {})
    assert (state.url_prefix, state.subdomain, state.url_defaults) == ("/own", "sub", {"a": 1})
    assert (state.name, state.name_prefix) == ("bp", "")
    assert states[1].options == {"name": "other", "url_prefix": "/given", "extra": 1}
    assert states[1].url_prefix == "/given"


@pytest.mark.usefixtures("path")
def test_monkeypatched_setup_state_is_used(monkeypatch):
    """COMPAT(Flask-RESTful): it replaces ``BlueprintSetupState.add_url_rule``."""
    original = BlueprintSetupState.add_url_rule

    def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
        original(self, f"/patched{rule}", endpoint, view_func, **options)

    monkeypatch.setattr(BlueprintSetupState, "add_url_rule", add_url_rule)
    app = Flask(__name__)
    app.register_blueprint(make_bp())
    assert app.test_client().get("/patched/view").text == "bp.view {}"


@pytest.mark.usefixtures("path")
def test_overridden_make_setup_state_is_used():
    """COMPAT(Flask-Admin): a subclass brings a state of its own."""

    class State(BlueprintSetupState):
        def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
            options["defaults"] = {"from_state": self.options["value"]}
            super().add_url_rule(rule, endpoint, view_func, **options)

    class Mine(Blueprint):
        def make_setup_state(self, app, options, first_registration=False):
            return State(self, app, options, first_registration)

    bp = Mine("bp", __name__)
    bp.get("/view", endpoint="view")(lambda from_state: f"{from_state}")
    app = Flask(__name__)
    app.register_blueprint(bp, value=7)
    assert app.test_client().get("/view").text == "7"


def test_overridden_register_is_called():
    """COMPAT: a subclass may do more when it is registered."""
    calls = []

    class Mine(Blueprint):
        def register(self, app, options):
            calls.append((app, options))
            super().register(app, options)

    app = Flask(__name__)
    app.register_blueprint(Mine("bp", __name__), url_prefix="/x")
    assert calls == [(app, {"url_prefix": "/x"})]


@pytest.mark.parametrize(
    "setup",
    [
        lambda bp: bp.route("/x"),
        lambda bp: bp.get("/x"),
        lambda bp: bp.add_url_rule("/x", "x"),
        lambda bp: bp.endpoint("x"),
        lambda bp: bp.before_request(print),
        lambda bp: bp.after_request(print),
        lambda bp: bp.teardown_request(print),
        lambda bp: bp.context_processor(print),
        lambda bp: bp.url_value_preprocessor(print),
        lambda bp: bp.url_defaults(print),
        lambda bp: bp.errorhandler(404),
        lambda bp: bp.register_error_handler(404, print),
        lambda bp: bp.register_blueprint(Blueprint("other", __name__)),
        lambda bp: bp.record(print),
        lambda bp: bp.record_once(print),
        lambda bp: bp.before_app_request(print),
        lambda bp: bp.after_app_request(print),
        lambda bp: bp.teardown_app_request(print),
        lambda bp: bp.app_context_processor(print),
        lambda bp: bp.app_errorhandler(404),
        lambda bp: bp.app_url_value_preprocessor(print),
        lambda bp: bp.app_url_defaults(print),
        lambda bp: bp.app_template_filter(),
        lambda bp: bp.add_app_template_filter(print),
        lambda bp: bp.app_template_test(),
        lambda bp: bp.add_app_template_test(print),
        lambda bp: bp.app_template_global(),
        lambda bp: bp.add_app_template_global(print),
    ],
)
def test_set_up_after_the_registration_is_refused(setup):
    """COMPAT: an application that has it already would not see the change."""
    setup(make_bp())
    bp = make_bp()
    Flask(__name__).register_blueprint(bp)
    with pytest.raises(AssertionError, match=r"setup method '\w+'.*'bp'.*registered"):
        setup(bp)


# What it brings to the whole application


@pytest.mark.usefixtures("path")
def test_functions_for_the_whole_application_run_for_other_views():
    """Each kind of hook has a form for all views, registered once."""
    log = []
    bp = Blueprint("bp", __name__)
    bp.before_app_request(lambda: log.append("before"))
    bp.after_app_request(lambda response: (log.append("after"), response)[1])
    bp.teardown_app_request(lambda error: log.append("teardown"))
    bp.app_context_processor(lambda: {"name": "processed"})
    bp.app_url_value_preprocessor(lambda endpoint, values: log.append("value"))
    bp.app_url_defaults(lambda endpoint, values: values.setdefault("lang", "en"))
    bp.app_errorhandler(404)(lambda error: ("handled", 404))
    app = Flask(__name__)
    app.register_blueprint(bp)
    app.register_blueprint(bp, name="again")
    app.get("/<lang>/view", endpoint="view")(
        lambda lang: render_template_string("{{ name }} {{ url_for('view') }}")
    )
    client = app.test_client()
    assert client.get("/de/view").text == "processed /en/view"
    assert log == ["value", "before", "after", "teardown"]
    assert client.get("/nothing").text == "handled"


def test_template_functions_for_the_whole_application():
    """Filters, tests and globals, by decorator or method, under a name or their own."""
    bp = Blueprint("bp", __name__)

    @bp.app_template_filter()
    def twice(text):
        return text * 2

    @bp.app_template_test("long")
    def is_long(text):
        return len(text) > 2

    @bp.app_template_global("one")
    def number():
        return 1

    bp.add_app_template_filter(twice, "double")
    bp.add_app_template_test(is_long)
    bp.add_app_template_global(number)
    app = Flask(__name__)
    app.register_blueprint(bp)
    with app.app_context():
        text = "{{ 'a'|twice }}{{ 'b'|double }}{{ 'abc' is long }}{{ 'a' is is_long }}"
        assert render_template_string(text + "{{ one() }}{{ number() }}") == "aabbTrueFalse11"


def test_commands_are_a_group_of_the_application():
    """Named after the blueprint, or otherwise, or merged into the application's own."""
    app = Flask(__name__)
    for name, kwargs, options in (
        ("own", {}, {}),
        ("given", {"cli_group": "chosen"}, {}),
        ("registered", {"cli_group": "unused"}, {"cli_group": "late"}),
        ("merged", {"cli_group": None}, {}),
        ("empty", {}, {}),
    ):
        bp = Blueprint(name, __name__, **kwargs)
        if name != "empty":
            bp.cli.command(f"do-{name}")(lambda: None)
        app.register_blueprint(bp, **options)
    assert set(app.cli.commands) == {"own", "chosen", "late", "do-merged"}
    assert list(app.cli.commands["own"].commands) == ["do-own"]


@pytest.mark.usefixtures("path")
def test_static_files_are_cached_as_the_application_says(tmp_path):
    """A subclass may decide by the file's name."""
    (tmp_path / "a.txt").write_text("a")

    class Mine(Blueprint):
        def get_send_file_max_age(self, filename):
            return 7 if filename == "a.txt" else None

    app = Flask(__name__)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    for name, cls in (("mine", Mine), ("plain", Blueprint)):
        app.register_blueprint(cls(name, __name__, str(tmp_path), f"/{name}"))
    client = app.test_client()
    for name, seconds in (("mine", 7), ("plain", 3600)):
        with client.get(f"/{name}/a.txt") as response:
            assert response.cache_control.max_age == seconds


def test_blueprint_without_a_static_folder_sends_no_static_file():
    """The method says what is missing."""
    with Flask(__name__).app_context(), pytest.raises(RuntimeError, match=r"'bp'.*static_folder"):
        Blueprint("bp", __name__).send_static_file("x")
    assert not current_app


def test_registered_blueprint_merges_into_the_registries_under_its_name():
    """COMPAT(Flask-Injector): the nesting is Flask's, and the copies are the application's."""
    app = Flask(__name__)
    bp, child = make_bp(), make_bp("child")

    def hook(*args):
        """Be any hook."""

    for owner in (bp, child):
        owner.before_request(hook)
        owner.register_error_handler(404, hook)
        owner.register_error_handler(KeyError, hook)
    bp.register_blueprint(child)
    app.register_blueprint(bp)
    assert app.before_request_funcs["bp"] == [hook]
    assert app.before_request_funcs["bp.child"] == [hook]
    for name in ("bp", "bp.child"):
        assert app.error_handler_spec[name][None] == {KeyError: hook}
        assert list(app.error_handler_spec[name][404].values()) == [hook]
        assert app.error_handler_spec[name][500] == {}
    app.before_request_funcs["bp"].clear()
    assert bp.before_request_funcs[None] == [hook]
