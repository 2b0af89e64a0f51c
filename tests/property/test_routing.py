"""The routing table, and building URLs, agree with `werkzeug.routing`."""

from __future__ import annotations

import typing as t
import uuid
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError, Map, Rule

from costrel.routing import RouteTable

WORDS = ("a", "b", "ab", "item", "é", "a.b", "-")
CONVERTERS = {
    "": WORDS,
    "string:": WORDS,
    "string(length=2):": ("ab", "xy"),
    "string(minlength=2, maxlength=3):": ("ab", "abc"),
    "int:": (0, 7, 12345),
    "int(fixed_digits=4):": (7, 1234),
    "int(min=5, max=9):": (5, 9),
    "int(signed=True):": (-3, 4),
    "float:": (1.5, 0.25),
    "path:": ("a", "a/b", "x/y/z"),
    "any(a, item):": ("a", "item"),
    "uuid:": (uuid.UUID(int=1), uuid.UUID(int=2**100)),
}
METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS")


@st.composite
def segments(draw: st.DrawFn) -> tuple[str, ...]:
    """Draw a rule's segments: words, variables, and words around variables."""
    count = draw(st.integers(0, 4))
    found = []
    for number in range(count):
        kind = draw(st.sampled_from(("word", "word", "variable", "mixed")))
        if kind == "word":
            found.append(draw(st.sampled_from(WORDS)))
            continue
        variable = f"<{draw(st.sampled_from(tuple(CONVERTERS)))}v{number}>"
        found.append(variable if kind == "variable" else f"x{variable}")
    return tuple(found)


class RuleSpec(t.NamedTuple):
    """The parts of one generated rule, from which it can be created twice."""

    path: str
    options: dict[str, t.Any]

    def make(self, endpoint: str) -> Rule:
        """Create the rule."""
        return Rule(self.path, endpoint=endpoint, **self.options)


@st.composite
def rule_specs(draw: st.DrawFn) -> RuleSpec:
    """Draw a rule with the options that change how it matches."""
    parts = draw(segments())
    path = "/" + "/".join(parts) + (draw(st.sampled_from(("", "/"))) if parts else "")
    options: dict[str, t.Any] = {}
    methods = draw(st.none() | st.sets(st.sampled_from(METHODS), min_size=1))
    if methods is not None:
        options["methods"] = methods
    for name in ("strict_slashes", "merge_slashes"):
        if draw(st.integers(0, 4)) == 0:
            options[name] = False
    if draw(st.integers(0, 6)) == 0:
        options["defaults"] = {"extra": 1}
    if draw(st.integers(0, 9)) == 0:
        options["redirect_to"] = "/elsewhere"
    if draw(st.integers(0, 9)) == 0:
        options["build_only"] = True
    if (
        not options.get("methods", set()) - {"GET", "HEAD", "OPTIONS"}
        and draw(st.integers(0, 9)) == 0
    ):
        options["websocket"] = True
    if draw(st.integers(0, 9)) == 0:
        options["subdomain"] = "sub"
    return RuleSpec(path, options)


paths = st.one_of(
    st.lists(
        st.sampled_from((*WORDS, "", "7", "1234", "-3", "1.5", "xa", "x7", str(uuid.UUID(int=1)))),
        max_size=5,
    ).map(lambda parts: "/" + "/".join(parts)),
    st.text(alphabet="/ab7.é x-", max_size=12).map(lambda text: "/" + text),
)


def make_map(specs: list[RuleSpec], *, per_endpoint: int = 2, **options: t.Any) -> Map:
    """Create a map of the rules, with a number of them in a row for one endpoint."""
    rules = [spec.make(f"e{number // per_endpoint}") for number, spec in enumerate(specs)]
    return Map(rules, **options)


def by_werkzeug(url_map: Map, path: str, method: str) -> t.Any:
    """Match with Werkzeug: the rule and values, or the error."""
    try:
        return url_map.bind("host.test", subdomain="").match(path, method, return_rule=True)
    except HTTPException as error:
        return _told(error)


def by_table(table: RouteTable, path: str, method: str) -> t.Any:
    """Match with the table: the rule and values, the error, or None."""
    try:
        return table.match(path, method)
    except HTTPException as error:
        return _told(error)


def _told(error: HTTPException) -> tuple[t.Any, ...]:
    """Return an error's class, and the methods that it names in their order."""
    return "error", type(error), getattr(error, "valid_methods", None)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(rule_specs(), min_size=1, max_size=8),
    st.lists(st.tuples(paths, st.sampled_from(METHODS)), min_size=1, max_size=8),
    st.booleans(),
)
def test_match_where_the_table_answers_agrees_with_werkzeug(
    specs: list[RuleSpec], requests: list[tuple[str, str]], redirect_defaults: bool
) -> None:
    """If the table has an answer, Werkzeug finds the same rule and values."""
    url_map = make_map(specs, redirect_defaults=redirect_defaults)
    table = RouteTable(url_map)
    for path, method in requests:
        if path.startswith("//"):
            continue
        found = by_table(table, path, method)
        if found is not None:
            assert found == by_werkzeug(url_map, path, method)


@settings(max_examples=300, deadline=None)
@given(st.lists(rule_specs(), min_size=1, max_size=6), st.data())
def test_match_of_a_built_url_is_answered_by_the_table(
    specs: list[RuleSpec], data: st.DataObject
) -> None:
    """A URL built for a rule matches as in Werkzeug, mostly without using Werkzeug."""
    url_map = make_map(specs, per_endpoint=1)
    adapter = url_map.bind("host.test", subdomain="")
    table = RouteTable(url_map)
    for rule in list(url_map.iter_rules()):
        values = {
            name: data.draw(st.sampled_from(_values_of(rule, name)))
            for name in rule.arguments - set(rule.defaults or ())
        }
        method = min(rule.methods) if rule.methods else "GET"
        try:
            url = adapter.build(rule.endpoint, values, method=method)
        except BuildError:
            continue
        if "://" in url or url.startswith("//"):
            continue
        path = unquote(url.partition("?")[0])
        expected = by_werkzeug(url_map, path, method)
        found = by_table(table, path, method)
        if found is not None:
            assert found == expected
        elif expected[0] != "error":
            # Leaving it to Werkzeug is allowed, but not for a plain rule.
            assert not _alone_and_plain(expected[0], url_map)


def _values_of(rule: Rule, name: str) -> tuple[t.Any, ...]:
    """Return sample values of a rule's variable."""
    text = next(part for part in rule.rule.split("<") if f"{name}>" in part)
    return CONVERTERS[text.partition(name)[0]]


def _alone_and_plain(rule: Rule, url_map: Map) -> bool:
    """Return whether only one plain rule can match."""
    return (
        len(list(url_map.iter_rules())) == 1
        and rule.redirect_to is None
        and rule.strict_slashes is not False
        and not rule.websocket
        # The slash may be part of the path that a variable matches.
        and not ("path:" in rule.rule and rule.rule.endswith("/"))
    )
