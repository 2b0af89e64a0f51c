"""A builder gives the path that the rule builds, and leaves to the adapter what it can't."""

from __future__ import annotations

import pytest
from werkzeug.routing import Rule

from costrel.routing.builders import builds_nothing, make_builder
from costrel.routing.table import RuleMap


def builder(*rules: Rule):
    """Return the builder of the endpoint that all the rules have."""
    url_map = RuleMap(rules)
    return make_builder(url_map, list(url_map.iter_rules("e")))


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("/", {}),
        ("/a b/é", {}),
        ("/<name>", {"name": "Ada"}),
        ("/<name>", {"name": "a b/ü?#"}),
        ("/<name>", {"name": ""}),
        ("/<name>", {"name": 7}),
        ("/<int:n>/edit", {"n": 7}),
        ("/<int:n>/edit", {"n": "7"}),
        ("/<int:n>", {"n": -7}),
        ("/<int(fixed_digits=3):n>", {"n": 7}),
        ("/<int:a>-<int:b>/<c>", {"a": 1, "b": 22, "c": "x"}),
        ("/<c>/é/<int:b><a>", {"a": "z", "b": 3, "c": "y"}),
        ("/<path:rest>/end", {"rest": "a/b c"}),
        ("/<name>", {"name": "x", "page": 2}),
        # The numbers that a builder is made with.
        ("/7310000/<int:n>", {"n": 1}),
        ("/7310000/9550000/<int:n>", {"n": 7_310_000}),
    ],
)
def test_built_path_is_that_of_the_rule(rule: str, values: dict[str, object]) -> None:
    """For values of text and whole numbers."""
    bound = Rule(rule, endpoint="e")
    build = builder(bound)

    assert bound.build(values)[1] == build(dict(values))


@pytest.mark.parametrize("values", [{}, {"name": None}, {"name": True}, {"name": ["a"]}])
def test_values_of_another_kind_are_left_to_the_adapter(values: dict[str, object]) -> None:
    """As is a value that is missing."""
    assert builder(Rule("/<name>", endpoint="e"))(values) is None


@pytest.mark.parametrize(
    "rules",
    [
        (Rule("/a", endpoint="e"), Rule("/b", endpoint="e")),
        (Rule("/a", endpoint="e", subdomain="x"),),
        (Rule("/a", endpoint="e", defaults={"page": 1}),),
        (Rule("/a", endpoint="e", websocket=True),),
    ],
)
def test_rules_that_are_not_plain_are_left_to_the_adapter(rules: tuple[Rule, ...]) -> None:
    """Several rules, another domain, default values, WebSockets."""
    assert builder(*rules) is builds_nothing
