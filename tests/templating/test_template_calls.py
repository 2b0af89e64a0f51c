"""Templates call `url_for` and read attributes as Jinja does."""

from __future__ import annotations

import jinja2
import pytest
from werkzeug.routing import BuildError

from costrel import Flask, g, render_template_string, templating

CALLS = (
    "'item', n=1",
    "'item', n=1, q='a b'",
    "'item', n=number",
    "'item', n=1, _anchor='x'",
    "'item', n=1, _external=True",
    "'item', **{'n': 1}",
    "*['item'], n=1",
    "'item', n=url_for('item', n=2)",
    "'named', **{'class': 'x'}",
    "'named', class='x'",
    "'item'",
    "'item', n=none",
    "'unknown', n=1",
    "'.item', n=1",
    "endpoint='item', n=1",
    "'item', endpoint='x'",
    "7",
    "nothing",
    "",
)


def make_app(cls: type[Flask] = Flask) -> Flask:
    """Make an application with views to link to, and one that renders ``g.source``."""
    app = cls(__name__)
    app.add_url_rule("/items/<int:n>", "item", str)
    app.add_url_rule("/named/<class>", "named", lambda **names: str(names))

    @app.get("/")
    def page():
        return render_template_string(g.source, number=7, **g.names)

    return app


def render(app: Flask, source: str, **names: object) -> str:
    """Return what a template writes in a request, or the class of its error."""

    @app.before_request
    def prepare():
        g.source, g.names = source, names

    with app.test_client() as client:
        app.testing = True
        try:
            return client.get("/").text
        except (BuildError, TypeError, ValueError, AttributeError, jinja2.UndefinedError) as error:
            return type(error).__name__


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "source", ["{{ %s }}", "{% for number in [3] %}{{ %s }}{% endfor %}", "{% set y = %s %}{{ y }}"]
)
def test_url_for_in_a_template_is_what_its_function_returns(source, call):
    """Also its errors: compared with the same function under another name."""
    ours = render(make_app(), source.replace("%s", f"url_for({call})"))
    app = make_app()
    source = source.replace("%s", f"link({call.replace('url_for', 'link')})")
    assert ours == render(app, source, link=app.url_for)


@pytest.mark.parametrize("how", ["subclass", "class", "instance", "variable", "call", "base"])
def test_replaced_url_for_is_called(how, monkeypatch):
    """Wherever it is replaced, or what calls it."""

    class Own(Flask):
        pass

    def replacement(*args, **kwargs):
        return "replaced"

    if how == "subclass":
        Own.url_for = replacement
    app = make_app(Own)
    names = {}
    if how == "class":
        monkeypatch.setattr(Flask, "url_for", replacement)
    elif how == "instance":
        app.url_for = replacement
    elif how == "variable":
        names["url_for"] = replacement
    elif how == "call":
        monkeypatch.setattr(templating.Context, "call", replacement)
    elif how == "base":
        monkeypatch.setattr(jinja2.runtime.Context, "call", replacement)
    assert render(app, "{{ url_for('item', n=1) }}", **names) == "replaced"


def test_url_for_of_a_template_may_want_its_variables():
    """A function of that name may ask for the context, also in a loop and a block."""

    @jinja2.pass_context
    def url_for(context, endpoint, **values):
        return f"{endpoint}{context['x']}{values}"

    source = (
        "{% block b %}{% set x = 1 %}{{ url_for('e') }}{% endblock %}"
        "{% for y in [2] %}{% set x = y %}{{ url_for('e', n=3) }}{% endfor %}"
    )
    theirs = jinja2.Environment(autoescape=True).from_string(source)
    assert render(make_app(), source, url_for=url_for) == theirs.render(url_for=url_for)


def test_attribute_is_looked_for_once_and_then_the_item():
    """Whatever has no such attribute may have an item, or gives an undefined value."""
    asked = []

    class Row:
        present = "<attribute>"

        def __getattr__(self, name):
            asked.append(name)
            raise AttributeError(name)

        def __getitem__(self, name):
            if name == "absent":
                raise KeyError(name)
            return f"<{name}>"

    source = "{{ row.present }} {{ row.item }} {{ row.absent }} {{ row.absent is defined }}"
    assert render(make_app(), source, row=Row()) == "&lt;attribute&gt; &lt;item&gt;  False"
    assert [name for name in asked if name[:2] != "__"] == ["item", "absent", "absent"]
