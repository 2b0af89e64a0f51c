"""Step 2, match: a table compiled from Werkzeug's map of rules.

`werkzeug.routing` stays the source of truth. The table holds the rules whose
outcome is a plain match; everything else (a redirect, an error, a rule with
``redirect_to`` or an alias, hosts and subdomains) is left to Werkzeug's own
matcher by answering None.

INVARIANT: where the table has an answer, it is the one Werkzeug gives.
"""

from __future__ import annotations

import re
import typing as t

from werkzeug.routing import Map, RuleFactory, ValidationError
from werkzeug.routing.matcher import State

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registry import Epoch

Match = tuple["Rule", dict[str, t.Any]]


class RuleMap(Map):
    """Werkzeug's map, which tells an `Epoch` when a rule is added."""

    epoch: Epoch | None = None

    def add(self, rulefactory: RuleFactory) -> None:
        """Add a rule, or the rules of a factory."""
        super().add(rulefactory)
        if self.epoch is not None:
            self.epoch.bump()


class UndecidedError(Exception):
    """Matching ran into something that only Werkzeug's matcher decides."""


class Pattern(t.NamedTuple):
    """One way on from a node, by a regular expression."""

    match: t.Callable[[str], re.Match[str] | None]
    names: tuple[str, ...]
    """The groups that converters read, in their order."""
    final: bool
    """Whether it takes all that is left of the path."""
    suffixed: bool
    """Whether its last group is an optional slash after the path."""
    node: Node


class Node:
    """One state after some segments of a path.

    ``static`` leads on by a segment's text, ``dynamic`` by patterns, the more
    specific first; ``rules`` end here, in the order they are tried.
    """

    __slots__ = ("decidable", "dynamic", "rules", "static")

    def __init__(self, state: t.Any, plain: t.Callable[[Rule], bool]) -> None:
        self.static = {text: Node(child, plain) for text, child in state.static.items()}
        self.dynamic = [_pattern(part, child, plain) for part, child in state.dynamic]
        self.rules: list[Rule] = state.rules
        self.decidable = all(map(plain, state.rules))


def _pattern(part: t.Any, state: t.Any, plain: t.Callable[[Rule], bool]) -> Pattern:
    compiled = re.compile(part.content)
    names = [name for name in compiled.groupindex if name.startswith("__werkzeug_")]
    names.sort(key=lambda name: int(name[11:]))
    return Pattern(compiled.match, tuple(names), part.final, part.suffixed, Node(state, plain))


class RouteTable:
    """Match paths against the rules of one domain, in O(segments).

    Attributes:
        usable: Whether the domain has no say in what matches.
    """

    def __init__(self, url_map: Map) -> None:
        url_map.update()
        # Werkzeug's own states, because only they keep the rules in the order they
        # were added.
        domains = url_map._matcher._root
        # A domain with variables could also match the empty one.
        self.usable = not url_map.host_matching and not domains.dynamic
        self._root = Node(
            domains.static.get(url_map.default_subdomain) or State(),
            lambda rule: _plain(rule, url_map),
        )

    def match(self, path: str, method: str) -> Match | None:
        """Return the rule for a path and its converted values.

        Args:
            path: The decoded path, beginning with one slash.
            method: The method, in upper case.

        Returns None where Werkzeug must decide: no match, or not a plain one.
        """
        try:
            found = self._walk(self._root, path.split("/"), 0, (), method)
        except UndecidedError:
            return None
        if found is None:
            return None
        rule, texts = found
        values: dict[str, t.Any] = {}
        for (name, converter), text in zip(rule._converters.items(), texts, strict=False):
            try:
                values[name] = converter.to_python(text)
            except ValidationError:
                return None
        if rule.defaults:
            values.update(rule.defaults)
        return rule, values

    def _walk(
        self, node: Node, parts: list[str], at: int, texts: tuple[str, ...], method: str
    ) -> tuple[Rule, tuple[str, ...]] | None:
        """Follow the segments from `at` on: fixed ones first, then patterns."""
        if at == len(parts):
            return self._end(node, texts, method)
        part = parts[at]
        child = node.static.get(part)
        if child is not None:
            found = self._walk(child, parts, at + 1, texts, method)
            if found is not None:
                return found
        for pattern in node.dynamic:
            final = pattern.final
            matched = pattern.match("/".join(parts[at:]) if final else part)
            if matched is None:
                continue
            if pattern.suffixed and matched.groups()[-1] == "/":
                # A slash after a path variable; that may be a redirect.
                raise UndecidedError
            more = texts + tuple(map(matched.__getitem__, pattern.names))
            found = self._walk(pattern.node, parts, len(parts) if final else at + 1, more, method)
            if found is not None:
                return found
        if part == "" and at + 1 == len(parts) and node.rules:
            # A slash too many; whether that is accepted depends on the rule.
            raise UndecidedError
        return None

    def _end(
        self, node: Node, texts: tuple[str, ...], method: str
    ) -> tuple[Rule, tuple[str, ...]] | None:
        if not node.decidable:
            raise UndecidedError
        for rule in node.rules:
            if not rule.websocket and (rule.methods is None or method in rule.methods):
                return rule, texts
        if "" in node.static:
            # A slash too few; that may be a redirect.
            raise UndecidedError
        return None


def _plain(rule: Rule, url_map: Map) -> bool:
    """Tell whether matching this rule can only give its endpoint and values."""
    if rule.redirect_to is not None or rule.alias:
        return False
    if not url_map.redirect_defaults:
        return True
    return not any(
        other.provides_defaults_for(rule)
        for other in url_map.iter_rules(rule.endpoint)
        if other is not rule
    )
