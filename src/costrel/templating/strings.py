"""Templates given as strings, compiled once if that makes no difference.

SECURITY(templates): Flask compiles a string each time it is rendered. A kept template
must behave the same: it may not depend on a request or on a setting that has changed.
"""

from __future__ import annotations

import threading
import typing as t

from jinja2 import Environment, Template, TemplateSyntaxError, nodes
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from ..ground.registry import Epoch, TrackedDict
from ..ground.shortways import Watched, is_open_for

TRACKED = ("filters", "tests", "policies", "extensions")
"""The registries used to compile templates; their changes are tracked."""

_compiling = threading.Lock()


class TrackingEnvironment(Environment, metaclass=Watched):
    """A Jinja environment that tracks changes that affect templates."""

    _epoch: Epoch
    _may_keep_strings: t.ClassVar[bool]

    def __init__(self, **options: t.Any) -> None:
        self._epoch = Epoch()
        super().__init__(**options)
        for name in TRACKED:
            setattr(self, name, TrackedDict(self._epoch, getattr(self, name)))

    def __setattr__(self, name: str, value: t.Any) -> None:
        super().__setattr__(name, value)
        self._epoch.bump()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._epoch.bump()


class KeptStrings:
    """The compiled strings of an environment, valid until its epoch changes."""

    __slots__ = ("capacity", "compiled", "environment", "epoch", "keeps")

    def __init__(self, environment: TrackingEnvironment) -> None:
        # Read the epoch first: a change during compilation must make the result stale.
        self.epoch = environment._epoch.value
        self.environment = environment
        self.keeps = _compiles_alike(environment)
        self.capacity = getattr(environment.cache, "capacity", 400)
        #: Templates by source and escaping; None for one that is compiled each time.
        self.compiled: dict[tuple[str, bool], Template | None] = {}

    def compile(self, source: str, key: tuple[str, bool]) -> Template:
        """Compile a string, and keep the template if it depends only on the environment."""
        template = _compile_unfolded(self.environment, source)
        with _compiling:
            while len(self.compiled) >= self.capacity:
                del self.compiled[next(iter(self.compiled))]
            self.compiled[key] = template
        return template or self.environment.from_string(source)


def _compiles_alike(environment: TrackingEnvironment) -> bool:
    """Return whether everything that takes part in compiling is Jinja's own or tracked."""
    return (
        environment.cache is not None
        and is_open_for("_may_keep_strings", environment)
        # It is applied to constants at compile time.
        and environment.finalize is None
        and all(_is_tracked(environment, name) for name in TRACKED)
        # Tags of other extensions may read the request at parse time.
        and all(type(ext).__module__ == "jinja2.ext" for ext in environment.extensions.values())
    )


def _is_tracked(environment: TrackingEnvironment, name: str) -> bool:
    registry = getattr(environment, name)
    return type(registry) is TrackedDict and registry.epoch is environment._epoch


def _compile_unfolded(environment: Environment, source: str) -> Template | None:
    """Compile a string so that all calls happen at render time; None if that is impossible.

    Jinja's optimizer and code generator call filters and tests of constants at compile
    time, and store the results in the code.
    """
    tree = environment.parse(source)
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        if not _is_pure(environment, node):
            # The optimizer and the code generator call this for each node.
            node.as_const = _is_not_constant  # type: ignore[method-assign, assignment]
    if any(map(_needs_constants, tree.find_all((nodes.Concat, *_MODIFIERS)))):
        return None
    try:
        return environment.from_string(tree)
    except TemplateSyntaxError:
        # Raised again with the source, so that it is shown.
        return None


_MODIFIERS = (nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)


def _is_pure(environment: Environment, node: nodes._FilterTestCommon) -> bool:
    """Return whether the filter or test is Jinja's own and depends only on its arguments."""
    registry: t.Any
    own: dict[str, t.Any]
    if isinstance(node, nodes.Filter):
        registry, own = environment.filters, _FILTERS
    else:
        registry, own = environment.tests, _TESTS
    function = registry.get(node.name)
    return function is not None and function is own.get(node.name)


def _own(registry: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    modules = {"_operator", "builtins", "jinja2", "markupsafe"}
    return {
        name: function
        for name, function in registry.items()
        if function.__module__.partition(".")[0] in modules
    }


_FILTERS, _TESTS = _own(FILTERS), _own(TESTS)
# The application's JSON provider writes it.
del _FILTERS["tojson"]


def _needs_constants(node: nodes.Node) -> bool:
    """Return whether Jinja generates different code for constants here, and one is a call.

    It escapes the parts of a constant `~` differently, and `{% autoescape %}` with a
    constant generates no condition.
    """
    parts = node.options if isinstance(node, _MODIFIERS) else [node]
    for part in parts:
        calls = [call for call in part.find_all((nodes.Filter, nodes.Test)) if _is_unfolded(call)]
        if calls and next(part.find_all((nodes.Name, nodes.Call)), None) is None:
            return True
    return False


def _is_unfolded(node: nodes.Node) -> bool:
    return "as_const" in node.__dict__


def _is_not_constant(_eval_ctx: t.Any = None) -> t.NoReturn:
    raise nodes.Impossible


def template_from_string(environment: Environment, source: str) -> Template:
    """Compile a template given as a string, or return the kept one.

    PERF(template): compiling takes a hundred times as long as rendering. Each environment
    keeps at most as many as its own cache may hold, and none if that is turned off
    (``cache_size=0``) or a custom component takes part in compiling.
    """
    strings: KeptStrings | None = environment.__dict__.get("_costrel_strings")
    if (
        strings is None
        or strings.epoch != strings.environment._epoch.value
        # An overlay starts as a copy of all attributes.
        or strings.environment is not environment
    ):
        if not isinstance(environment, TrackingEnvironment):
            return environment.from_string(source)
        strings = vars(environment)["_costrel_strings"] = KeptStrings(environment)
    if not (strings.keeps and strings.environment._may_keep_strings):
        return environment.from_string(source)
    autoescape = environment.autoescape
    escapes = bool(autoescape(None) if callable(autoescape) else autoescape)
    key = (source, escapes)
    template = strings.compiled.get(key)
    if template is None:
        if key in strings.compiled:
            return environment.from_string(source)
        template = strings.compile(source, key)
    return template
