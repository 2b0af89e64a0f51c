"""Templates see the request's names, and are found where they should be."""

from __future__ import annotations

import types

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined, TemplateNotFound, UndefinedError

from costrel import (
    Blueprint,
    Flask,
    Response,
    before_render_template,
    g,
    render_template,
    render_template_string,
    session,
    stream_template,
    stream_template_string,
    template_rendered,
    templating,
)


def with_templates(**templates):
    """Make an application with these templates, named without their ending."""
    app = Flask(__name__)
    app.jinja_loader = DictLoader({f"{name}.html": text for name, text in templates.items()})
    return app


# What a template sees


@pytest.mark.usefixtures("path")
def test_template_sees_request_session_g_and_config():
    """The standard names are there in a request, and the functions for links and flashes."""
    app = Flask(__name__)
    app.secret_key = "dev"
    app.config["SETTING"] = "set"
    app.add_url_rule("/x", "x")

    @app.get("/here")
    def view():
        g.value = "g"
        session["value"] = "s"
        return render_template_string(
            "{{ request.path }} {{ session.value }} {{ g.value }} {{ config.SETTING }}"
            " {{ url_for('x') }} {{ get_flashed_messages() }}"
        )

    assert app.test_client().get("/here").text == "/here s g set /x []"


def test_template_outside_of_a_request_sees_g():
    """With an application only there is no request, and ``g`` is the context's."""
    app = Flask(__name__)
    with app.app_context():
        g.value = 1
        assert render_template_string("{{ g.value }}") == "1"
        with pytest.raises(RuntimeError, match="outside of request context"):
            render_template_string("{{ request.path }}")


def test_macro_imported_without_context_sees_the_standard_names():
    """They are globals of the environment as well."""
    app = with_templates(
        macros="{% macro where() %}{{ request.path }}{{ g.x }}{{ session.y }}{% endmacro %}",
        page="{% from 'macros.html' import where %}{{ where() }}",
    )
    app.secret_key = "dev"
    with app.test_request_context("/p"):
        g.x = 1
        session["y"] = 2
        assert render_template("page.html") == "/p12"


def test_page_that_does_not_use_the_session_does_not_vary():
    """SECURITY(CVE-2026-27205): the session is accessed by templates that use it, only."""
    app = Flask(__name__)
    app.secret_key = "dev"
    app.get("/with", endpoint="a")(lambda: render_template_string("{{ session.x }}"))
    app.get("/without", endpoint="b")(lambda: render_template_string("{{ request.path }}"))
    client = app.test_client()
    assert client.get("/with").headers["Vary"] == "Cookie"
    assert "Vary" not in client.get("/without").headers


@pytest.mark.usefixtures("path")
def test_context_processors_add_names():
    """A blueprint's come after the application's, and what is passed wins over both."""
    app = Flask(__name__)
    bp = Blueprint("bp", __name__, url_prefix="/bp")
    text = "{{ a }}{{ b }}{{ c }}"

    @app.context_processor
    def of_the_app():
        return {"a": "app ", "b": "app ", "c": "app "}

    @bp.context_processor
    async def of_the_blueprint():
        return {"b": "bp ", "c": "bp "}

    bp.get("/", endpoint="v")(lambda: render_template_string(text, c="passed"))
    app.get("/", endpoint="v")(lambda: render_template_string(text))
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/").text == "app app app "
    assert client.get("/bp/").text == "app bp passed"


def test_context_processors_of_nested_blueprints_run_outside_in():
    """The innermost blueprint has the last word."""
    app = Flask(__name__)
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    inner.context_processor(lambda: {"a": "inner"})
    outer.context_processor(lambda: {"a": "outer", "b": "outer"})
    inner.add_url_rule("/", "v", lambda: render_template_string("{{ a }} {{ b }}"))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    assert app.test_client().get("/").text == "inner outer"


def test_processors_are_seeded_and_read_each_time():
    """COMPAT(Flask-Injector): the registry has the default, and may be changed at any time."""
    app = Flask(__name__)
    assert app.template_context_processors == {None: [templating._default_template_ctx_processor]}
    with app.app_context():
        assert render_template_string("{{ late }}") == ""
        app.template_context_processors[None].insert(0, lambda: {"late": "late"})
        assert render_template_string("{{ late }}") == "late"
        app.template_context_processors[None] = [lambda: {"late": "replaced"}]
        assert render_template_string("{{ late }}") == "replaced"


def test_overridden_update_template_context_is_used():
    """COMPAT: rendering goes through the method of the application."""

    class Mine(Flask):
        def update_template_context(self, context):
            super().update_template_context(context)
            context["mine"] = sorted(context)

    with Mine(__name__).app_context():
        assert render_template_string("{{ mine }}", a=1) == "[&#39;a&#39;, &#39;g&#39;]"


# Rendering


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("a.html", True),
        ("a.htm", True),
        ("a.xml", True),
        ("a.xhtml", True),
        ("a.svg", True),
        ("a.txt", False),
        ("a.js", False),
        (None, True),
    ],
)
def test_html_is_escaped_by_the_templates_ending(name, escaped):
    """Pages and strings escape what is put into them, other files do not."""
    app = Flask(__name__)
    app.jinja_loader = DictLoader({name: "{{ x }}"} if name else {})
    with app.app_context():
        if name is None:
            text = render_template_string("{{ x }}", x="<")
        else:
            text = render_template(name, x="<")
    assert text == ("&lt;" if escaped else "<")
    assert app.select_jinja_autoescape(name) is escaped


def test_first_template_of_several_that_exists_is_rendered():
    """Names and template objects may be mixed; none at all is an error."""
    app = with_templates(b="b{{ x }}")
    with app.app_context():
        assert render_template(["a.html", "b.html"], x=1) == "b1"
        assert render_template(app.jinja_env.get_template("b.html")) == "b"
        with pytest.raises(TemplateNotFound, match=r"a\.html"):
            render_template(["a.html", "c.html"])
        with pytest.raises(TemplateNotFound, match=r"a\.html"):
            render_template("a.html")


def test_string_is_rendered_with_what_is_current_each_time():
    """The same source gives what the context, the filters and the globals are now."""
    app = Flask(__name__)
    app.jinja_env.filters["f"] = lambda value: f"one {value}"
    source = "{{ x|f }}{{ late }}"
    with app.app_context():
        assert render_template_string(source, x=1) == "one 1"
        app.jinja_env.filters["f"] = lambda value: f"two {value}"
        app.jinja_env.globals["late"] = " late"
        assert render_template_string(source, x=2) == "two 2 late"
    other = Flask("other")
    other.jinja_env.filters["f"] = str
    with other.app_context():
        assert render_template_string(source, x=3) == "3"


def test_string_template_can_use_templates_by_name():
    """It extends and includes like one from a file."""
    app = with_templates(base="<{% block body %}{% endblock %}>")
    with app.app_context():
        text = "{% extends 'base.html' %}{% block body %}{{ x }}{% endblock %}"
        assert render_template_string(text, x=1) == "<1>"


def test_tojson_writes_as_the_application_does():
    """The filter uses the provider, and is safe inside of a script element."""
    app = Flask(__name__)
    with app.app_context():
        text = render_template_string("{{ x|tojson }}", x={"b": "</script>", "a": "é"})
    assert text == r'{"a": "\u00e9", "b": "\u003c/script\u003e"}'


# Streaming


@pytest.mark.usefixtures("path")
def test_streamed_template_keeps_the_request():
    """It is rendered piece by piece, with the request current."""
    app = with_templates(page="{{ request.path }}{% for i in range(3) %}{{ i }}{% endfor %}")
    app.get("/file", endpoint="a")(lambda: Response(stream_template("page.html")))
    app.get("/text", endpoint="b")(lambda: stream_template_string("{{ request.path }}{{ g }}"))
    client = app.test_client()
    assert client.get("/file").text == "/file012"
    assert client.get("/text").text.startswith("/text")


def test_template_streamed_outside_of_a_request_is_a_generator():
    """With an application only there is no request to keep."""
    app = Flask(__name__)
    with app.app_context():
        parts = stream_template_string("a{{ x }}", x=1)
        assert isinstance(parts, types.GeneratorType)
        assert "".join(parts) == "a1"


@pytest.mark.parametrize(
    "render", [render_template_string, lambda *a, **k: "".join(stream_template_string(*a, **k))]
)
def test_signals_tell_template_and_context(render):
    """They are sent around each rendering, and a receiver may change the context."""
    app = Flask(__name__)
    seen = []

    def before(sender, template, context, **extra):
        seen.append(("before", sender, dict(context, g=0)))
        context["x"] = 2

    def after(sender, template, context, **extra):
        seen.append(("after", sender, dict(context, g=0)))

    with (
        app.app_context(),
        before_render_template.connected_to(before, app),
        template_rendered.connected_to(after, app),
    ):
        assert render("{{ x }}", x=1) == "2"
    assert seen == [("before", app, {"x": 1, "g": 0}), ("after", app, {"x": 2, "g": 0})]


# Where templates are found


def test_applications_template_comes_before_a_blueprints(tmp_path):
    """The application may override what a blueprint brings; the rest is found in order."""
    for folder, names in (("app", ["a"]), ("one", ["a", "b"]), ("two", ["b", "c"])):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.html").write_text(f"{folder} {name}")
    app = Flask(__name__, root_path=str(tmp_path), template_folder="app")
    for name in ("one", "two"):
        app.register_blueprint(
            Blueprint(name, __name__, root_path=str(tmp_path), template_folder=name)
        )
    with app.app_context():
        assert render_template("a.html") == "app a"
        assert render_template("b.html") == "one b"
        assert render_template("c.html") == "two c"
    assert sorted(app.jinja_env.list_templates()) == ["a.html", "b.html", "c.html"]


def test_search_is_explained_if_configured(caplog):
    """``EXPLAIN_TEMPLATE_LOADING`` logs where it looked, found or not."""
    app = with_templates(page="text")
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    app.logger.setLevel("INFO")
    with app.app_context():
        assert render_template("page.html") == "text"
        with pytest.raises(TemplateNotFound):
            render_template("none.html")
    assert "trying loader of application 'test_templating'" in caplog.messages[0]
    assert "has it" in caplog.messages[0]
    assert "could not be found" in caplog.messages[1]


def test_environment_may_be_changed_after_it_was_made():
    """COMPAT(Flask-Babel): filters, extensions and globals are added at any time."""
    app = Flask(__name__)
    app.jinja_env.filters.update(twice=lambda value: value * 2)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(lambda s: f"[{s}]", lambda s, p, n: s)
    with app.app_context():
        assert render_template_string("{{ _('a')|twice }}{% trans %}b{% endtrans %}") == "[a][a][b]"


def test_environment_is_made_by_class_and_options_of_the_application():
    """``jinja_environment`` and ``jinja_options`` are what it is made with."""

    class Strict(templating.Environment):
        pass

    class Mine(Flask):
        jinja_environment = Strict
        jinja_options = {"trim_blocks": True}  # noqa: RUF012  as Flask's users write it

    app = Mine(__name__)
    assert type(app.jinja_env) is Strict
    assert isinstance(app.jinja_env, Environment)
    assert app.jinja_env.trim_blocks
    assert app.jinja_env.app is app


@pytest.mark.parametrize(
    ("debug", "setting", "reloads"),
    [(False, None, False), (True, None, True), (False, True, True), (True, False, False)],
)
def test_templates_reload_in_debug_mode_or_as_configured(debug, setting, reloads):
    """``TEMPLATES_AUTO_RELOAD`` decides, else debug mode."""
    app = Flask(__name__)
    app.config["TEMPLATES_AUTO_RELOAD"] = setting
    app.debug = debug
    assert app.jinja_env.auto_reload is reloads


def test_undefined_names_follow_the_environment():
    """Options of Jinja have the effect they have in Jinja."""
    app = Flask(__name__)
    app.jinja_env.undefined = StrictUndefined
    with app.app_context(), pytest.raises(UndefinedError, match="missing"):
        render_template_string("{{ missing }}")


class Rows(dict):
    """Has an attribute of the name of an item."""

    id = "attribute"


@pytest.mark.parametrize("source", ["{{ row.id }}", "{{ rows[0].id }}"])
@pytest.mark.parametrize("where", ["method", "class", "before", "none"])
def test_own_reading_of_attributes_reads_the_items_of_dicts(where, source, monkeypatch):
    """An environment may hide them, as a sandbox does, also from templates that it has."""
    app = Flask(__name__)

    class Own(app.jinja_environment):
        pass

    app.jinja_environment = Own
    app.jinja_env.loader = DictLoader({"row.html": source})
    read = []

    def hide(*args):
        read.append(args[-1])
        return "hidden"

    def render():
        rows = [{"id": 1}, Rows(id=2)]
        with app.test_request_context():
            return [render_template("row.html", row=row, rows=[row]) for row in rows]

    if where == "before":
        monkeypatch.setattr(Own, "getattr", hide)
    assert render() == (["hidden"] * 2 if where == "before" else ["1", "attribute"])
    if where == "method":
        app.jinja_env.getattr = hide
    elif where == "class":
        monkeypatch.setattr(Own, "getattr", hide)
    if where != "none":
        assert render() == ["hidden"] * 2
        assert set(read) == {"id"}
