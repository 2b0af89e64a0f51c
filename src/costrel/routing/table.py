"""Step 2, match: a table compiled from Werkzeug's URL map.

`werkzeug.routing` stays the source of truth. The table answers only plain matches. For
everything else (a redirect, an error, a rule with ``redirect_to`` or an alias, hosts and
subdomains) it returns None, and Werkzeug's own matcher decides.

INVARIANT: if the table has an answer, it is the same as Werkzeug's.
"""

from __future__ import annotations

import re
import threading
import typing as t

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, Map, RuleFactory, ValidationError
from werkzeug.routing.matcher import State

from ..ground.shortways import WatchedObject, is_open_for

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..ground.registry import Epoch

Match = tuple["Rule", dict[str, t.Any]]


class RuleMap(WatchedObject, Map):
    """Werkzeug's map, which bumps an `Epoch` when a rule is added.

    Attributes:
        changing: A lock, held while the map changes or is read as a whole: a rule may be added
            while requests are served.
    """

    epoch: Epoch | None = None

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        self.changing = threading.RLock()
        super().__init__(*args, **kwargs)

    def add(self, rulefactory: RuleFactory) -> None:
        """Add a rule, or the rules of a factory."""
        with self.changing:
            super().add(rulefactory)
        if self.epoch is not None:
            self.epoch.bump()

    def update(self) -> None:
        """Sort the rules, if some were added."""
        if getattr(self, "_remap", True):
            with self.changing:
                super().update()


class UndecidedError(Exception):
    """Raised if only Werkzeug's matcher can decide the match."""


# What Werkzeug's default converter compiles to: any text, as a whole segment.
_whole_segment = re.compile(r"\(\?P<__werkzeug_\d+>\[\^/\]\{1,\}\)\\Z").fullmatch


class Pattern(t.NamedTuple):
    """An edge to the next node, for segments that match a regular expression."""

    match: t.Callable[[str], re.Match[str] | None] | None
    """The expression; None if it accepts any segment except an empty one."""
    names: tuple[str, ...]
    """The groups that are passed to converters, in order."""
    final: bool
    """Whether it matches all the rest of the path."""
    suffixed: bool
    """Whether its last group is an optional slash after the path."""
    node: Node


class Leaf(t.NamedTuple):
    """A rule, with the converters for the text that its variables matched."""

    rule: Rule
    variables: tuple[tuple[str, BaseConverter | None], ...]
    """Names with their converters; None if the text is the value."""


class Node:
    """The state after some segments of a path.

    ``static`` leads to the next nodes by a segment's exact text, ``dynamic`` by patterns, the
    more specific first. ``leaves`` are the rules that end here, in the order they are tried.
    """

    __slots__ = ("decidable", "dynamic", "leaves", "static")

    def __init__(self, state: t.Any, plain: t.Callable[[Rule], bool]) -> None:
        self.static = {text: Node(child, plain) for text, child in state.static.items()}
        self.dynamic = [_pattern(part, child, plain) for part, child in state.dynamic]
        self.leaves = [_leaf(rule) for rule in state.rules]
        self.decidable = all(map(plain, state.rules))


def _pattern(part: t.Any, state: t.Any, plain: t.Callable[[Rule], bool]) -> Pattern:
    compiled = re.compile(part.content)
    names = [name for name in compiled.groupindex if name.startswith("__werkzeug_")]
    names.sort(key=lambda name: int(name[11:]))
    match = None if _whole_segment(part.content) else compiled.match
    return Pattern(match, tuple(names), part.final, part.suffixed, Node(state, plain))


def _leaf(rule: Rule) -> Leaf:
    """Make a leaf, without converters that change nothing."""
    variables = (
        (name, None if is_open_for("_may_keep_text", converter) else converter)
        for name, converter in rule._converters.items()
    )
    return Leaf(rule, tuple(variables))


class RouteTable:
    """Match paths against the rules of one domain, in O(segments).

    Attributes:
        usable: Whether matching does not depend on the host or subdomain. False also if
            Werkzeug's internals are not as expected.
    """

    def __init__(self, url_map: Map) -> None:
        url_map.update()
        # Werkzeug's own states, because only they keep the rules in the order they were
        # added. They are private: if they are not as expected, only Werkzeug matches.
        domains = getattr(getattr(url_map, "_matcher", None), "_root", None)
        if not isinstance(domains, State):
            self.usable = False
            return
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

        Returns None if Werkzeug must decide, because the match is not plain. Raises `NotFound`
        if no rule matches, and `MethodNotAllowed` if those that match allow only other methods.
        """
        parts = path.split("/")
        try:
            found = _walk(self._root, parts, 0, (), method)
        except UndecidedError:
            # Merged slashes may match.
            allowed = None if "//" in path else _other_methods(self._root, parts, method)
            if allowed is None:
                return None
            raise MethodNotAllowed(allowed) from None
        if found is None:
            if "//" in path:
                # Merged slashes may match.
                return None
            raise NotFound
        (rule, variables), texts = found
        values: dict[str, t.Any] = {}
        for (name, converter), text in zip(variables, texts, strict=False):
            try:
                values[name] = text if converter is None else converter.to_python(text)
            except ValidationError:
                return None
        if rule.defaults:
            values.update(rule.defaults)
        return rule, values


def _walk(
    node: Node, parts: list[str], at: int, texts: tuple[str, ...], method: str
) -> tuple[Leaf, tuple[str, ...]] | None:
    """Follow the segments from `at` on: fixed text first, then patterns.

    PERF(template): loops while there is only one way to go on; where there are several, it
    recurses, so that it can backtrack.
    """
    end = len(parts)
    while at < end:
        part = parts[at]
        child = node.static.get(part)
        if child is not None:
            if node.dynamic or (part == "" and at + 1 == end and node.leaves):
                break
            node = child
        elif len(node.dynamic) == 1 and node.dynamic[0].match is None and part:
            node = node.dynamic[0].node
            texts = (*texts, part)
        else:
            break
        at += 1
    else:
        return _end(node, texts, method)
    return _branch(node, parts, at, texts, method)


def _branch(
    node: Node, parts: list[str], at: int, texts: tuple[str, ...], method: str
) -> tuple[Leaf, tuple[str, ...]] | None:
    """Try each edge from a node, in Werkzeug's order."""
    part = parts[at]
    child = node.static.get(part)
    if child is not None:
        found = _walk(child, parts, at + 1, texts, method)
        if found is not None:
            return found
    for match, names, final, suffixed, child in node.dynamic:
        more = texts
        if match is not None:
            matched = match("/".join(parts[at:]) if final else part)
            if matched is None:
                continue
            if suffixed and matched.groups()[-1] == "/":
                # A slash after a path variable: this may be a redirect.
                raise UndecidedError
            more += tuple(map(matched.__getitem__, names))
        elif part:
            more = (*texts, part)
        else:
            continue
        found = _walk(child, parts, len(parts) if final else at + 1, more, method)
        if found is not None:
            return found
    if part == "" and at + 1 == len(parts) and (node.leaves or not node.decidable):
        # One slash too many: whether it is accepted depends on the rule.
        raise UndecidedError
    return None


def _end(node: Node, texts: tuple[str, ...], method: str) -> tuple[Leaf, tuple[str, ...]] | None:
    if not node.decidable:
        raise UndecidedError
    for leaf in node.leaves:
        methods = leaf.rule.methods
        if methods is None or method in methods:
            return leaf, texts
    if node.leaves or "" in node.static:
        # Another method, or a missing slash, which may be a redirect.
        raise UndecidedError
    return None


def _other_methods(node: Node, parts: list[str], method: str) -> list[str] | None:
    """Return the methods that a path allows instead of another; None if Werkzeug must decide.

    Only for paths of fixed text and whole segments that nothing else could match.
    PERF(method_not_allowed): Werkzeug's adapter takes ten times as long.
    """
    for part in parts:
        child = node.static.get(part)
        if child is not None and not node.dynamic:
            node = child
        elif child is None and part and len(node.dynamic) == 1 and node.dynamic[0].match is None:
            node = node.dynamic[0].node
        else:
            return None
    if not node.leaves or not node.decidable or "" in node.static or method != method.upper():
        return None
    url_map = node.leaves[0].rule.map
    # Filled like Werkzeug's set, which looks twice if it merges slashes: the same order.
    allowed: set[str] = set()
    for leaf in node.leaves * (2 if url_map.merge_slashes else 1):
        methods = leaf.rule.methods
        if methods is None or method in methods:
            return None
        allowed.update(methods)
    return list(allowed)


def _plain(rule: Rule, url_map: Map) -> bool:
    """Whether a match of this rule always gives its endpoint and values, and nothing else."""
    if rule.redirect_to is not None or rule.alias or rule.websocket:
        return False
    if not url_map.redirect_defaults:
        return True
    return not any(
        other.provides_defaults_for(rule)
        for other in url_map.iter_rules(rule.endpoint)
        if other is not rule
    )
