"""A string is rendered as if compiled each time, whatever has changed in between."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from functools import partial

import jinja2
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2.ext import Extension
from markupsafe import Markup

from costrel import Flask
from costrel.templating.strings import template_from_string

USERS = ("ann", "<bob>", "")

STATE = {"user": "ann"}
"""Stands for a request: the functions below read it."""


def named(value: t.Any, *args: t.Any, **kwargs: t.Any) -> str:
    """A filter or a function."""
    return f"{STATE['user']}:{value}{args}{sorted(kwargs.items())}"


def marked(value: t.Any) -> Markup:
    """A filter that returns markup."""
    return Markup("<i>{}</i>").format(f"{STATE['user']}{value}")


def refused(value: t.Any) -> t.Any:
    """A filter that fails for some values."""
    if not STATE["user"]:
        raise LookupError(str(value))
    return STATE["user"]


@jinja2.pass_environment
def of_environment(environment: jinja2.Environment, value: t.Any) -> str:
    """A filter that takes the environment."""
    return f"{STATE['user']}{value}{environment.newline_sequence!r}"


@jinja2.pass_eval_context
def of_escaping(context: t.Any, value: t.Any) -> str:
    """A filter that takes the evaluation context."""
    return f"{STATE['user']}{value}{context.autoescape}"


@jinja2.pass_context
def of_context(context: jinja2.runtime.Context, value: t.Any) -> str:
    """A filter that takes the context."""
    return f"{STATE['user']}{value}{context.get('x')}"


def mine(value: t.Any, other: t.Any = "ann") -> bool:
    """A template test."""
    return STATE["user"] in {value, other}


FUNCTIONS = {
    function.__name__: function
    for function in (named, marked, refused, of_environment, of_escaping, of_context)
}

constants = st.sampled_from(("'ann'", "'<b>'", "1", "2.5", "none", "true", "[1, 'a']", "{'a': 1}"))
filters = st.sampled_from((*FUNCTIONS, "upper", "tojson", "e", "list|join", "missing"))
expressions = st.recursive(
    constants | st.just("x"),
    lambda inner: st.one_of(
        st.builds("{}|{}".format, inner.map("({})".format), filters),
        st.builds("({})|named({}, a={})".format, inner, inner, inner),
        st.builds("({})|named(*[{}], **{{'b': {}}})".format, inner, inner, inner),
        inner.map("({}) is mine".format),
        st.builds("(({}) is not mine({}))".format, inner, inner),
        st.builds("({} ~ {})".format, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} and {} or not {})".format, inner, inner, inner),
        st.builds("[{}, ({},)]".format, inner, inner),
        st.builds("{{'k': {}}}['k']".format, inner),
        st.builds("({} == {})".format, inner, inner),
        st.builds("named({})".format, inner),
        inner.map("({}).real".format),
    ),
    max_leaves=4,
)
statements = st.recursive(
    expressions.map("{{{{ {} }}}}".format) | st.just("<p>\r\n"),
    lambda inner: st.one_of(
        st.builds(str.__add__, inner, inner),
        st.builds("{{% if {} %}}{}{{% else %}}-{{% endif %}}".format, expressions, inner),
        st.builds("{{% for y in [{}] %}}{}{{{{ y }}}}{{% endfor %}}".format, expressions, inner),
        st.builds("{{% set y = {} %}}{{{{ y }}}}{}".format, expressions, inner),
        st.builds(
            "{{% macro m(z={}) %}}{}{{{{ z }}}}{{% endmacro %}}{{{{ m() }}}}".format,
            expressions,
            inner,
        ),
        st.builds(
            "{{% autoescape {} %}}{}{{{{ '<'|safe ~ '<' }}}}{{% endautoescape %}}".format,
            expressions,
            inner,
        ),
        st.builds("{{% filter named({}) %}}{}{{% endfilter %}}".format, expressions, inner),
        st.builds("{{% with y = {} %}}{{{{ y }}}}{}{{% endwith %}}".format, expressions, inner),
        st.builds("{{% include {} ignore missing %}}{}".format, expressions, inner),
        st.builds("{{% block b scoped %}}{}{{% endblock %}}".format, inner),
    ),
    max_leaves=4,
)


class Shouting(Extension):
    """Read the request before a template is parsed."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return source.replace("<p>", f"<p>{len(STATE['user'])}")


def changed(value: t.Any, *args: t.Any, **kwargs: t.Any) -> str:
    """Replace a function with one that takes no context."""
    return f"changed {value}"


@jinja2.pass_environment
def wanting(environment: jinja2.Environment, value: t.Any, *args: t.Any, **kwargs: t.Any) -> str:
    """Replace a function with one that takes a context."""
    return f"wanting {value}"


def overlaid(environment: t.Any) -> t.Any:
    """Continue with an overlay, which shares nearly everything."""
    return environment.overlay(trim_blocks=True, autoescape=False)


def as_set(name: str, value: t.Any) -> t.Callable[[t.Any], None]:
    """Return a function that changes a setting."""
    return lambda environment: setattr(environment, name, value)


def nothing(_environment: t.Any) -> None:
    """Change nothing."""


def with_plain_filters(environment: t.Any) -> None:
    """Assign a dict whose changes are not observed."""
    environment.filters = {**environment.filters, "named": wanting, "missing": wanting}


def with_changed_filter(environment: t.Any) -> None:
    """Replace a filter in place."""
    environment.filters.update(named=changed)


preprocessing = as_set("preprocess", lambda source, *_: source + STATE["user"])

CHANGES: tuple[t.Callable[[t.Any], t.Any], ...] = (
    nothing,
    with_changed_filter,
    with_plain_filters,
    preprocessing,
    lambda environment: environment.filters.update(named=wanting, missing=changed),
    lambda environment: environment.filters.pop("marked"),
    lambda environment: environment.tests.update(mine=lambda *args: False),
    lambda environment: environment.tests.__delitem__("mine"),
    lambda environment: environment.globals.update(named=changed),
    lambda environment: setattr(environment, "globals", {"named": changed}),
    lambda environment: environment.policies.update({"json.dumps_function": lambda *_, **__: "J"}),
    lambda environment: environment.add_extension(Shouting),
    as_set("autoescape", False),
    as_set("autoescape", lambda _name: bool(STATE["user"])),
    as_set("finalize", lambda value: f"{STATE['user']}{value}"),
    as_set("undefined", jinja2.StrictUndefined),
    as_set("trim_blocks", True),
    as_set("newline_sequence", "\r"),
    as_set("keep_trailing_newline", True),
    as_set("variable_start_string", "{{ 'a' ~"),
    as_set("loader", jinja2.DictLoader({"ann": "another"})),
    as_set("optimized", False),
    overlaid,
)


def make_environment() -> t.Any:
    """Return an application's environment, with everything registered."""
    environment: t.Any = Flask("generated").jinja_env
    environment.autoescape = True
    environment.loader = jinja2.DictLoader({"ann": "included {{ 'a'|named }}"})
    environment.filters.update(FUNCTIONS)
    environment.tests["mine"] = mine
    environment.globals["named"] = named
    return environment


def rendered(make: t.Callable[[], jinja2.Template]) -> tuple[type, str]:
    """Return the result or the error."""
    try:
        return str, make().render(x=STATE["user"])
    except Exception as error:  # noqa: BLE001  the same for both
        return type(error), str(error)


@settings(max_examples=150, deadline=None)
@given(
    statements,
    st.lists(st.tuples(st.sampled_from(USERS), st.sampled_from(CHANGES)), min_size=2, max_size=4),
)
@example("{{ 'ann'|named }}{{ 'ann' is mine }}", [("ann", nothing), ("<bob>", nothing)])
@example(
    "{% autoescape 'ann' is mine %}{{ 'a'|marked ~ x }}{% endautoescape %}", [("ann", nothing)]
)
@example("{{ 'ann'|marked ~ '<' }}", [("ann", nothing), ("<bob>", nothing)])
@example("{{ 1 }}", [("ann", preprocessing), ("<bob>", nothing)])
@example("{{ x|named }}", [("ann", with_plain_filters), ("ann", with_changed_filter)])
def test_string_is_rendered_as_if_compiled_each_time(
    source: str, turns: list[tuple[str, t.Callable[[t.Any], t.Any]]]
) -> None:
    """For each user and after each change of the environment, with the same errors."""
    environment = make_environment()
    for user, change in turns:
        if change is overlaid:
            environment = overlaid(environment)
        else:
            # It may have been removed already.
            with suppress(KeyError):
                change(environment)
        STATE["user"] = user
        for _again in range(2):
            kept = rendered(partial(template_from_string, environment, source))
            anew = rendered(partial(environment.from_string, source))
            assert anew == kept


def test_string_is_compiled_once() -> None:
    """So the test above really tests cached strings."""
    environment = make_environment()
    source = "{{ 'a'|named }}{{ x }}{% autoescape false %}{{ 'ann' is mine }}{% endautoescape %}"
    first = template_from_string(environment, source)

    assert first is template_from_string(environment, source)
    environment.tests["mine"] = changed
    assert first is not template_from_string(environment, source)
