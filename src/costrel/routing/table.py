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
from dataclasses import dataclass, field

from werkzeug.routing import Map, RuleFactory, ValidationError

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


class Undecided(Exception):
    """Matching ran into something that only Werkzeug's matcher decides."""


@dataclass(slots=True)
class Node:
    """One state after some segments of a path.

    ``static`` leads on by a segment's text, ``dynamic`` by a pattern, the more
    specific first; ``rules`` end here.
    """

    static: dict[str, Node] = field(default_factory=dict)
    dynamic: list[tuple[t.Any, t.Callable[[str], t.Any], bool, Node]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    decidable: bool = True


class RouteTable:
    """Match paths against the rules of one domain, in O(segments)."""

    def __init__(self, url_map: Map) -> None:
        url_map.update()
        self._root = Node()
        self.usable = not url_map.host_matching
        self.static: dict[str, list[Rule]] = {}
        for rule in url_map.iter_rules():
            self._add(rule, url_map)
        self._sort(self._root)

    def _add(self, rule: Rule, url_map: Map) -> None:
        if rule.build_only:
            return
        domain, *parts = rule._parts
        if not domain.static:
            # A domain with variables could also match the empty one.
            self.usable = False
            return
        if domain.content != url_map.default_subdomain:
            return
        node = self._root
        for part in parts:
            node = self._step(node, part)
        node.rules.append(rule)
        if not _plain(rule, url_map):
            node.decidable = False
        elif all(part.static for part in parts):
            self.static.setdefault("/".join(part.content for part in parts), node.rules)

    def _step(self, node: Node, part: t.Any) -> Node:
        if part.static:
            return node.static.setdefault(part.content, Node())
        for known, _match, _final, child in node.dynamic:
            if known == part:
                return child
        child = Node()
        node.dynamic.append((part, re.compile(part.content).match, part.final, child))
        return child

    def _sort(self, node: Node) -> None:
        node.dynamic.sort(key=lambda entry: entry[0].weight)
        for child in node.static.values():
            self._sort(child)
        for _part, _match, _final, child in node.dynamic:
            self._sort(child)

    def match(self, path: str, method: str) -> Match | None:
        """Return the rule for a path and its converted values.

        Args:
            path: The decoded path, beginning with one slash.
            method: The method, in upper case.

        Returns None where Werkzeug must decide: no match, or not a plain one.
        """
        try:
            found = self._walk(self._root, path.split("/"), 0, (), method)
        except Undecided:
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
        for pattern, match, final, child in node.dynamic:
            matched = match("/".join(parts[at:]) if final else part)
            if matched is not None:
                if pattern.suffixed and matched.groups()[-1] == "/":
                    # A slash after a path variable; that may be a redirect.
                    raise Undecided
                more = texts + _converter_texts(matched)
                found = self._walk(child, parts, len(parts) if final else at + 1, more, method)
                if found is not None:
                    return found
        if part == "" and at + 1 == len(parts) and node.rules:
            # A slash too many; whether that is accepted depends on the rule.
            raise Undecided
        return None

    def _end(
        self, node: Node, texts: tuple[str, ...], method: str
    ) -> tuple[Rule, tuple[str, ...]] | None:
        if not node.decidable:
            raise Undecided
        for rule in node.rules:
            if not rule.websocket and (rule.methods is None or method in rule.methods):
                return rule, texts
        if "" in node.static:
            # A slash too few; that may be a redirect.
            raise Undecided
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


def _converter_texts(matched: re.Match[str]) -> tuple[str, ...]:
    """Return what the converters of a pattern matched, in the rule's order."""
    groups = matched.groupdict()
    names = [name for name in groups if name.startswith("__werkzeug_")]
    names.sort(key=lambda name: int(name[11:]))
    return tuple(groups[name] for name in names)
