"""Templates given as strings, compiled once as long as that changes nothing.

SECURITY(templates): Flask compiles a string each time it is rendered. What is kept here
must act like that: nothing in it may come from a request, and no setting may have changed.
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
"""The registries that templates are compiled with, and whose changes are noticed."""

_compiling = threading.Lock()


class TrackingEnvironment(Environment, metaclass=Watched):
    """A Jinja environment that notices when something changes that templates depend on."""

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
    """Hold the compiled strings of one environment, until its epoch moves."""

    __slots__ = ("capacity", "compiled", "environment", "epoch", "keeps")

    def __init__(self, environment: TrackingEnvironment) -> None:
        # The epoch first: a change while something is compiled must make it stale.
        self.epoch = environment._epoch.value
        self.environment = environment
        self.keeps = _compiles_alike(environment)
        self.capacity = getattr(environment.cache, "capacity", 400)
        #: Templates by source and escaping; None for what is compiled each time.
        self.compiled: dict[tuple[str, bool], Template | None] = {}

    def compile(self, source: str, key: tuple[str, bool]) -> Template:
        """Compile a string, and keep what depends on the environment alone."""
        template = _compile_unfolded(self.environment, source)
        with _compiling:
            while len(self.compiled) >= self.capacity:
                del self.compiled[next(iter(self.compiled))]
            self.compiled[key] = template
        return template or self.environment.from_string(source)


def _compiles_alike(environment: TrackingEnvironment) -> bool:
    """Tell whether everything that takes part in compiling is Jinja's own, or tracked."""
    return (
        environment.cache is not None
        and is_open_for("_may_keep_strings", environment)
        # It is applied to constants while they are compiled.
        and environment.finalize is None
        and all(_is_tracked(environment, name) for name in TRACKED)
        # Another one's tags may look at the request while they are parsed.
        and all(type(ext).__module__ == "jinja2.ext" for ext in environment.extensions.values())
    )


def _is_tracked(environment: TrackingEnvironment, name: str) -> bool:
    registry = getattr(environment, name)
    return type(registry) is TrackedDict and registry.epoch is environment._epoch


def _compile_unfolded(environment: Environment, source: str) -> Template | None:
    """Compile a string, and leave every call to when it is rendered; None if that can't be.

    Jinja calls filters and tests of constants while it compiles, in its optimizer and its
    code generator, and writes down what they returned.
    """
    tree = environment.parse(source)
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        if not _is_pure(environment, node):
            # What the optimizer and the generator ask each node.
            node.as_const = _is_not_constant  # type: ignore[method-assign, assignment]
    if any(map(_needs_constants, tree.find_all((nodes.Concat, *_MODIFIERS)))):
        return None
    try:
        return environment.from_string(tree)
    except TemplateSyntaxError:
        # Raised again with the source, which is shown then.
        return None


_MODIFIERS = (nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)


def _is_pure(environment: Environment, node: nodes._FilterTestCommon) -> bool:
    """Tell whether what is called is Jinja's own, and depends on its arguments alone."""
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
# The application's provider writes it.
del _FILTERS["tojson"]


def _needs_constants(node: nodes.Node) -> bool:
    """Tell whether Jinja writes other code here for constants, of which one is a call.

    It escapes the parts of a constant `~` in another way, and `{% autoescape %}` by a
    constant is no condition.
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
    """Compile a template given as a string, or find it compiled.

    PERF(template): compiling takes a hundred times as long as rendering. Kept per
    environment, in number at most what its own cache may hold, and not at all where that
    was turned off (``cache_size=0``), or something of the application's own compiles.
    """
    strings: KeptStrings | None = environment.__dict__.get("_costrel_strings")
    if (
        strings is None
        or strings.epoch != strings.environment._epoch.value
        # An overlay begins as a copy of all attributes.
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
