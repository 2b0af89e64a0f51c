"""An application holds its configuration, its parts and what is registered."""

from __future__ import annotations

import os
import sys
import types
from collections import defaultdict
from datetime import timedelta

import pytest
from jinja2 import TemplateSyntaxError
from werkzeug.exceptions import Aborter, BadRequest, BadRequestKeyError, NotFound
from werkzeug.routing import BuildError, Map, Rule

from costrel import Blueprint, Config, Flask, current_app, render_template_string
from costrel.registration.application import App

# What it is made of


def test_registries_have_flasks_shapes():
    """COMPAT: extensions index, iterate, nest and rewrite them."""
    app = Flask(__name__)
    for name in (
        "before_request_funcs",
        "after_request_funcs",
        "teardown_request_funcs",
        "template_context_processors",
        "url_value_preprocessors",
        "url_default_functions",
    ):
        registry = getattr(app, name)
        assert isinstance(registry, defaultdict), name
        assert isinstance(registry["new"], list), name
    assert isinstance(app.error_handler_spec["new"][404], dict)
    for name in ("view_functions", "blueprints", "extensions", "config"):
        assert isinstance(getattr(app, name), dict), name
    for name in (
        "teardown_appcontext_funcs",
        "shell_context_processors",
        "url_build_error_handlers",
    ):
        assert isinstance(getattr(app, name), list), name
    assert isinstance(app.url_map, Map)


def test_application_takes_attributes():
    """COMPAT(Flask-Login): extensions put themselves on it."""
    app = Flask(__name__)
    app.login_manager = manager = object()
    assert app.login_manager is manager
    del app.login_manager
    with pytest.raises(AttributeError):
        app.login_manager  # noqa: B018  reading it is the test


def test_name_is_the_modules_or_the_scripts(monkeypatch):
    """A script is named after its file, an interactive session is ``__main__``."""
    assert Flask("a.b").name == "a.b"
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert Flask("__main__").name == "__main__"
    main.__file__ = "/folder/script.py"
    assert Flask("__main__").name == "script"


def test_instance_path_is_absolute_or_refused():
    """A relative one would depend on the working directory."""
    path = os.path.abspath("instance")
    assert Flask(__name__, instance_path=path).instance_path == path
    with pytest.raises(ValueError, match=r"'instance' is not.*os\.path\.abspath"):
        Flask(__name__, instance_path="instance")


def test_parts_are_made_by_the_classes_of_the_application():
    """Each may be another in a subclass."""

    class MyConfig(Config):
        pass

    class MyAborter(Aborter):
        pass

    class MyRule(Rule):
        pass

    class MyMap(Map):
        pass

    class Mine(Flask):
        config_class = MyConfig
        aborter_class = MyAborter
        url_rule_class = MyRule
        url_map_class = MyMap

    app = Mine(__name__)
    app.get("/")(lambda: "view")
    assert type(app.config) is MyConfig
    assert type(app.aborter) is MyAborter
    assert type(app.url_map) is MyMap
    assert {type(rule) for rule in app.url_map.iter_rules()} == {MyRule}
    assert app.test_client().get("/").text == "view"


def test_overridden_factories_are_called():
    """COMPAT: ``make_config``, ``make_aborter`` and ``create_jinja_environment`` decide."""

    class Mine(Flask):
        def make_config(self, instance_relative=False):
            config = super().make_config(instance_relative)
            config["MADE"] = True
            return config

        def make_aborter(self):
            aborter = super().make_aborter()
            aborter.mapping[999] = NotFound
            return aborter

        def create_jinja_environment(self):
            environment = super().create_jinja_environment()
            environment.globals["made"] = "made"
            return environment

    app = Mine(__name__)
    assert app.config["MADE"]
    with pytest.raises(NotFound):
        app.aborter(999)
    with app.app_context():
        assert render_template_string("{{ made }}") == "made"


def test_configuration_files_may_be_of_the_instance(tmp_path):
    """With ``instance_relative_config`` they are looked up there."""
    (tmp_path / "settings.py").write_text("VALUE = 'instance'")
    app = Flask(__name__, instance_path=str(tmp_path), instance_relative_config=True)
    app.config.from_pyfile("settings.py")
    assert app.config["VALUE"] == "instance"


def test_application_on_its_own_serves_nothing():
    """What registers is apart from what serves; the latter is added by `Flask`."""
    assert issubclass(Flask, App)
    with pytest.raises(NotImplementedError):
        App(__name__).wsgi_app({}, lambda *args: None)


# Settings as attributes


def test_attributes_are_settings():
    """Each reads and writes its entry of the configuration."""
    app = Flask(__name__)
    for attribute, setting, value in (
        ("testing", "TESTING", True),
        ("secret_key", "SECRET_KEY", "key"),
        ("debug", "DEBUG", True),
    ):
        assert not getattr(app, attribute)
        setattr(app, attribute, value)
        assert app.config[setting] == value
        app.config[setting] = None
        assert getattr(app, attribute) is None


def test_session_lifetime_is_a_timedelta():
    """The setting may be a number of seconds."""
    app = Flask(__name__)
    assert app.permanent_session_lifetime == timedelta(days=31)
    app.config["PERMANENT_SESSION_LIFETIME"] = 60
    assert app.permanent_session_lifetime == timedelta(minutes=1)
    app.permanent_session_lifetime = timedelta(hours=1)
    assert app.config["PERMANENT_SESSION_LIFETIME"] == timedelta(hours=1)


@pytest.mark.parametrize(("value", "debug"), [("1", True), ("0", False), ("", False)])
def test_debug_mode_is_taken_from_the_environment(value, debug, monkeypatch):
    """``FLASK_DEBUG`` decides when the application is made."""
    monkeypatch.setenv("FLASK_DEBUG", value)
    assert Flask(__name__).debug is debug


def test_debug_mode_turned_on_reloads_templates():
    """Unless the setting says otherwise, also in an environment that was made before."""
    app = Flask(__name__)
    assert not app.jinja_env.auto_reload
    app.debug = True
    assert app.jinja_env.auto_reload
    app = Flask(__name__)
    app.config["TEMPLATES_AUTO_RELOAD"] = False
    app.debug = True
    assert not app.jinja_env.auto_reload


# The end of the set-up


@pytest.mark.parametrize(
    "setup",
    [
        lambda app: app.route("/x"),
        lambda app: app.get("/x"),
        lambda app: app.add_url_rule("/x", "x"),
        lambda app: app.endpoint("x"),
        lambda app: app.before_request(print),
        lambda app: app.after_request(print),
        lambda app: app.teardown_request(print),
        lambda app: app.teardown_appcontext(print),
        lambda app: app.context_processor(print),
        lambda app: app.shell_context_processor(print),
        lambda app: app.url_value_preprocessor(print),
        lambda app: app.url_defaults(print),
        lambda app: app.errorhandler(404),
        lambda app: app.register_error_handler(404, print),
        lambda app: app.register_blueprint(Blueprint("bp", __name__)),
        lambda app: app.template_filter("x"),
        lambda app: app.add_template_filter(print),
        lambda app: app.template_test("x"),
        lambda app: app.add_template_test(print),
        lambda app: app.template_global("x"),
        lambda app: app.add_template_global(print),
    ],
)
def test_set_up_after_the_first_request_is_refused(setup):
    """COMPAT: what earlier requests did not see, later ones must not have; the error says so."""
    setup(Flask(__name__))
    app = Flask(__name__)
    app.test_client().get("/")
    with pytest.raises(AssertionError, match=r"setup method '\w+'.*first request"):
        setup(app)


# Templates


def test_filters_tests_and_globals_are_registered():
    """By decorator or method, under their own name or another."""
    app = Flask(__name__)

    @app.template_filter()
    def reverse(text):
        return text[::-1]

    @app.template_test("short")
    def is_short(text):
        return len(text) < 3

    @app.template_global()
    def two():
        return 2

    app.add_template_filter(reverse, "backwards")
    app.add_template_test(is_short)
    app.add_template_global(two, "zwei")
    with app.app_context():
        text = render_template_string(
            "{{ 'abc'|reverse }}{{ 'abc'|backwards }}{{ 'a' is short }}{{ 'abc' is is_short }}"
            "{{ two() }}{{ zwei() }}"
        )
        assert text == "cbacbaTrueFalse22"
        with pytest.raises(TemplateSyntaxError):
            render_template_string("{{")


# The shell


def test_shell_context_has_the_application_and_what_processors_add():
    """It is what ``costrel shell`` starts with."""
    app = Flask(__name__)
    app.shell_context_processor(lambda: {"value": 1})
    with app.app_context():
        names = app.make_shell_context()
    assert names["app"] is app
    assert names["value"] == 1
    assert "g" in names


# Decisions


def test_http_errors_are_trapped_as_configured():
    """All, all 400s, or missing keys in debug mode."""
    app = Flask(__name__)
    key_error = BadRequestKeyError("key")
    assert not app.trap_http_exception(key_error)
    app.debug = True
    assert app.trap_http_exception(key_error)
    assert not app.trap_http_exception(BadRequest())
    app.config["TRAP_BAD_REQUEST_ERRORS"] = False
    assert not app.trap_http_exception(key_error)
    app.config["TRAP_BAD_REQUEST_ERRORS"] = True
    assert app.trap_http_exception(BadRequest())
    assert not app.trap_http_exception(NotFound())
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    assert app.trap_http_exception(NotFound())


def test_url_build_error_without_a_handler_is_raised():
    """The last handler's error, or the first one."""
    app = Flask(__name__)
    error = BuildError("x", {}, None)
    with pytest.raises(BuildError) as caught:
        app.handle_url_build_error(error, "x", {})
    assert caught.value is error
    app.url_build_error_handlers.append(lambda error, endpoint, values: f"/{endpoint}")
    assert app.handle_url_build_error(error, "x", {}) == "/x"


def test_redirect_has_the_class_of_the_application():
    """Its response is one like any other of the application."""
    app = Flask(__name__)
    response = app.redirect("/x", 303)
    assert (type(response), response.status_code) == (app.response_class, 303)


def test_blueprints_are_iterated_in_order():
    """COMPAT(Flask-WTF): by their names, also nested ones."""
    app = Flask(__name__)
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    assert list(app.iter_blueprints()) == [outer, inner]
    assert list(app.blueprints) == ["outer", "outer.inner"]


def test_extension_finds_its_state_through_the_current_application():
    """COMPAT(Flask-Migrate): ``extensions`` is the application's own."""
    app = Flask(__name__)
    app.extensions["mine"] = state = object()
    with app.app_context():
        assert current_app.extensions["mine"] is state
    assert Flask(__name__).extensions == {}
