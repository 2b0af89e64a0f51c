"""Answer ``import flask`` with Costrel's own modules.

This package is next to ``costrel``, not inside it, and uses only the standard library,
because ``costrel-as-flask.pth`` loads it while the interpreter starts. Importing
``costrel.anything`` would run ``costrel/__init__.py`` in every process that has
``COSTREL_AS_FLASK`` set, even in those that never import Flask. The public entry point is
`costrel.install_as_flask`. The reasons are in ``docs/decisions/0002-flask-alias.md``.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import typing as t
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder

if t.TYPE_CHECKING:
    import types
    from collections.abc import Iterable, Sequence
    from importlib.metadata import Distribution, DistributionFinder

ALIAS = "flask"
TARGET = "costrel"

# Modules that exist only so that Flask's paths resolve; they are in costrel.compat.
FACADES = frozenset({"sansio", "debughelpers"})

# The values that switch off Flask's own variables (FLASK_DEBUG, ...).
SWITCHED_OFF = frozenset({"", "0", "false", "no"})


def install() -> None:
    """Put the alias finder on `sys.meta_path`, before the finders that look for files.

    This is one list insertion: the first ``import flask`` imports Costrel itself. Further
    calls do nothing.

    COMPAT(newrelic, wrapt, ddtrace): finders that observe imports were put first and stay
    before this one. They ask the others, and wrap our loader in theirs.

    Raises `RuntimeError` if the real Flask has already been imported.
    """
    if any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        return
    refuse_real_flask()
    ordinary = (BuiltinImporter, FrozenImporter, PathFinder)
    places = (place for place, finder in enumerate(sys.meta_path) if finder in ordinary)
    sys.meta_path.insert(next(places, 0), AliasFinder())


def install_from_environment() -> None:
    """Install the alias if ``COSTREL_AS_FLASK`` asks for it."""
    if os.environ.get("COSTREL_AS_FLASK", "").lower() not in SWITCHED_OFF:
        install()


def refuse_real_flask() -> None:
    """Raise `RuntimeError` if modules of the real Flask are loaded."""
    for name, module in sys.modules.copy().items():
        if name.partition(".")[0] != ALIAS or module is None:
            continue
        if getattr(module, "__name__", "").partition(".")[0] != TARGET:
            origin = getattr(module, "__file__", None) or "an unknown place"
            raise RuntimeError(
                f"Costrel cannot stand in for Flask: {name!r} has already been imported from"
                f" {origin}. Part of the program would use Flask and the rest Costrel. Call"
                " costrel.install_as_flask() before anything imports flask, or start the program"
                " with COSTREL_AS_FLASK=1 in its environment."
            )


class AliasFinder:
    """Resolve ``flask`` and ``flask.*`` to the modules of Costrel.

    It also finds the distribution ``flask`` for `importlib.metadata`, because extensions and
    tracers read Flask's version there.

    INVARIANT: a ``flask.*`` name never reaches a later finder. A name without a counterpart
    raises instead of returning ``None``, because the finder of an editable install looks only
    at the name, and would load a module of a real Flask next to ours.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - named by the import system
        target: types.ModuleType | None = None,  # noqa: ARG002 - named by the import system
    ) -> ModuleSpec | None:
        """Return the spec of a ``flask`` name; ``None`` for any other name.

        Raises `ModuleNotFoundError` for a ``flask.*`` name that Costrel does not have.
        """
        if fullname.partition(".")[0] != ALIAS:
            return None
        target_name = counterpart(fullname)
        target_spec = importlib.util.find_spec(target_name)
        if target_spec is None:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: flask is Costrel here, and Costrel has no"
                f" {target_name!r}. A real Flask that is also installed is not used.",
                name=fullname,
            )
        # Imported here, because most processes with the alias never import flask.
        from .loading import AliasLoader

        # Not an importlib.abc.Loader: that module is slow to import.
        loader = t.cast(t.Any, AliasLoader(target_name))
        locations = target_spec.submodule_search_locations
        spec = ModuleSpec(
            fullname, loader, origin=target_spec.origin, is_package=locations is not None
        )
        if locations is not None:
            spec.submodule_search_locations = list(locations)
        return spec

    def find_distributions(self, context: DistributionFinder.Context) -> Iterable[Distribution]:
        """Yield the ``flask`` distribution if the query is about it.

        A query for one directory yields nothing, because the alias is in no directory. pip
        makes such queries to see what is installed there.
        """
        if context.name is not None and context.name.lower() != ALIAS:
            return
        if context.path is not sys.path and list(context.path) != sys.path:
            return
        # Imported here, because importlib.metadata is slow to import; the caller has it already.
        from .distribution import AliasDistribution

        yield AliasDistribution()


def counterpart(fullname: str) -> str:
    """Return the name of Costrel's module for a ``flask`` name."""
    inside = fullname.removeprefix(ALIAS)
    first = inside.split(".")[1] if inside else ""
    return f"{TARGET}.compat{inside}" if first in FACADES else f"{TARGET}{inside}"
