"""Templates render as in Jinja, although Costrel escapes their output itself."""

from __future__ import annotations

import traceback
import typing as t
from pathlib import Path

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from costrel import Flask
from costrel.templating import Context, Environment
from costrel.templating.code import JoiningGenerator


class Described:
    """Has its own text, which is not safe."""

    def __str__(self) -> str:
        return "<described> & 'quoted'"


class Safe:
    """Has its own HTML."""

    def __html__(self) -> str:
        return "<b>safe</b>"


class Shout(str):
    """Is text of another class."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


texts = st.text(alphabet="ab<>&'\"é\x00 ", max_size=8)
values = (
    texts
    | texts.map(Markup)
    | texts.map(Shout)
    | st.integers()
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False)
    | st.builds(Described)
    | st.builds(Safe)
    | st.lists(texts, max_size=2)
    | st.dictionaries(st.sampled_from(("x", "d", "keys")), texts, max_size=2)
)
SOURCES = (
    "{{ x }}",
    "{% autoescape false %}{{ x }}{% endautoescape %}{{ x }}",
    "{% set y %}<i>{{ x }}</i>{% endset %}{{ y }}",
    (
        "{% macro m(z) %}<p title='{{ z }}'>{{ caller() }}</p>{% endmacro %}"
        "{% call m(x) %}{{ x }}{% endcall %}"
    ),
    "{% filter upper %}{{ x }}{% endfilter %}",
    "{{ x ~ '<' ~ x }} {{ x|e }} {{ x|safe }} {{ [x, x]|join('<') }}",
    "{% block b %}{{ x }}{% endblock %}{{ self.b() }}",
    "{{ missing }}{{ x.missing }}",
    "{{ d.x }}{{ d.d.x }}{{ d.missing }}{{ d.items }}{{ d.d.d.x }}{{ (d.d or d).x }}",
    "{% for r in [d, x, d.d] if r.x %}{{ r.x }}{{ loop.index }}{{ r.d.x|upper }}{% endfor %}",
    "{% macro m(r) %}{{ r.x }}{{ r.d.x }}{% endmacro %}{{ m(d) }}{{ m(x) }}{{ m(r=d.d) }}",
    (
        "{% set y = d.d %}{{ y.x ~ d.x }}"
        "{% if d.x is defined %}{{ [d.x, d.d.x]|join(y.x) }}{% endif %}"
    ),
    "{% for c in [x, x] %}{{ loop.index }}{{ c }}{{ loop.cycle('<', '>') }}{% endfor %}",
    "a{{ x }}b{{ 1 + 1 }}{{ '<' }}c{{ [x, [x, x]|join(', ')] }}{{ x if x else '<' }}",
    "{% for c in [x] recursive %}<{{ c }}>{{ loop([]) }}{% else %}-{{ x }}-{% endfor %}",
    "{% set ns = namespace(y=x) %}{{ ns.y }}:{{ ns.y }}{% with z = x %}({{ z }}){% endwith %}",
    (
        "{% macro outer(a) %}[{{ a }}{{ inner(a) }}]{% endmacro %}"
        "{% macro inner(b) %}({{ b }}-{{ b }}){% endmacro %}{{ outer(x) }}!{{ outer(inner(x)) }}"
    ),
    "{% block outer %}<{{ x }}{% block inner scoped %}{{ x }}|{{ x }}{% endblock %}>{% endblock %}",
)


def environments() -> tuple[jinja2.Environment, jinja2.Environment]:
    """Return our environment and Jinja's, with the same configuration."""
    ours = Environment(Flask(__name__), autoescape=True)
    theirs = jinja2.Environment(autoescape=True)
    return ours, theirs


OURS, THEIRS = environments()


def rendered(env: jinja2.Environment, source: str, **context: t.Any) -> str:
    """Return what a template writes, or its error."""
    try:
        return env.from_string(source).render(context)
    except jinja2.UndefinedError as error:
        return repr(error)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SOURCES), values)
def test_written_values_are_those_of_jinja(source: str, value: t.Any) -> None:
    """In blocks, macros, filters and without escaping."""
    rows = {"x": value, "d": {"x": value, "get": value}, "items": value}
    ours, theirs = (rendered(env, source, x=value, d=rows) for env in (OURS, THEIRS))
    assert ours == theirs


@pytest.mark.parametrize("source", ["{{ f(1, b=2) }}", "{% for i in [1] %}{{ f(i) }}{% endfor %}"])
@pytest.mark.parametrize(
    "wants", [None, jinja2.pass_context, jinja2.pass_eval_context, jinja2.pass_environment]
)
def test_functions_get_what_they_want(source: str, wants: t.Any) -> None:
    """Context, evaluation context or environment come first; else just the arguments."""
    rendered = []
    for env in (OURS, THEIRS):
        seen: list[t.Any] = []

        def function(*args: t.Any, seen: list[t.Any] = seen, **kwargs: t.Any) -> str:
            names = [t.__name__ for t in type(args[0]).__mro__ if t.__module__ != "builtins"]
            seen.append((names[-1:], args[1:], kwargs))
            return "<called>"

        function = wants(function) if wants else function
        rendered.append((env.from_string(source).render(f=function), seen))
    assert rendered[0] == rendered[1]


def test_callable_object_may_want_the_context() -> None:
    """The mark is on `__call__` of its class."""

    class Callable:
        @jinja2.pass_context
        def __call__(self, context: jinja2.runtime.Context) -> str:
            return str(context["x"])

    assert OURS.from_string("{{ f() }}").render(f=Callable(), x="<") == "&lt;"


def test_stop_iteration_of_a_function_does_not_end_the_page() -> None:
    """The result is an undefined value, which renders as nothing."""

    def exhausted() -> t.Any:
        raise StopIteration

    assert OURS.from_string("a{{ f() }}b").render(f=exhausted) == "ab"


def test_environment_uses_our_context() -> None:
    """So the tests above really test our escaping."""
    template = OURS.from_string("{{ x }}")
    assert isinstance(template.new_context(), Context)
    assert OURS.code_generator_class is JoiningGenerator


BASE = (
    "<h1>{% block title %}{{ x }}!{% endblock %}</h1>{{ x }}, {{ x }}{% block body %}{% endblock %}"
)
DERIVED = (
    "{% extends 'base' if both else 'other' %}ignored {{ x }}"
    "{% block title %}{{ super() }} {{ x }}{% endblock %}"
    "{% block b %}{% for y in [x, 1] %}<li>{{ y }}: {{ loop.index }}</li>{% endfor %}{% endblock %}"
)


@settings(deadline=None)  # it compiles two templates each time
@given(values, st.booleans())
def test_inherited_templates_are_those_of_jinja(value: t.Any, both: bool) -> None:
    """Blocks of bases that are chosen at run time, and `super()`."""
    sources = {"base": BASE, "other": f"({BASE})", "derived": DERIVED}
    rendered = []
    for env in (OURS, THEIRS):
        overlaid = env.overlay(loader=jinja2.DictLoader(sources))
        rendered.append(overlaid.get_template("derived").render(x=value, both=both))
    assert rendered[0] == rendered[1]


def test_compiled_templates_of_files_are_rendered(tmp_path: Path) -> None:
    """Modules that Jinja compiled for its `ModuleLoader` have all that they need."""
    source = OURS.overlay(loader=jinja2.DictLoader({"page": "<{{ x }}> & {{ x }}"}))
    source.compile_templates(tmp_path, zip=None)
    loaded = OURS.overlay(loader=jinja2.ModuleLoader(tmp_path))

    assert loaded.get_template("page").render(x="<") == "<&lt;> & &lt;"


def test_error_in_a_joined_piece_names_the_line_of_the_template() -> None:
    """Even though adjacent output is one expression in the compiled code."""
    template = OURS.overlay(loader=jinja2.DictLoader({"page": "a{{ x }}\n{{ x }}\n{{ x.y.z }}b"}))
    with pytest.raises(jinja2.UndefinedError) as caught:
        template.get_template("page").render(x=1)

    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [3] == [frame.lineno for frame in frames if frame.filename == "<template>"]


def test_streamed_template_gives_a_row_at_a_time() -> None:
    """Each iteration of a loop is one piece, sent before the next iteration begins."""
    template = OURS.from_string("{% for row in rows %}<li>{{ row }}</li>{% endfor %}")
    asked = []

    def rows() -> t.Iterator[str]:
        for row in "ab":
            asked.append(row)
            yield row

    pieces = template.generate(rows=rows())
    assert "<li>a</li>" == next(pieces)
    assert ["a"] == asked
