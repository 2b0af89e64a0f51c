"""Answer ``import flask`` with Costrel's own modules.

A package beside ``costrel`` rather than inside it, and written on the standard library
alone, because ``costrel-as-flask.pth`` loads it while the interpreter starts: importing
``costrel.anything`` would run ``costrel/__init__.py`` in every process that has
``COSTREL_AS_FLASK`` set, also in those that never import Flask. The public entry point is
`costrel.install_as_flask`. Reasons: ``docs/decisions/0002-flask-alias.md``.
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

# Modules that exist only so that Flask's paths resolve live together in costrel.compat.
FACADES = frozenset({"sansio", "debughelpers"})

# The words with which Flask's own variables (FLASK_DEBUG, ...) are switched off.
SWITCHED_OFF = frozenset({"", "0", "false", "no"})


def install() -> None:
    """Put the alias finder on `sys.meta_path`, before those that find files.

    Costs one list insertion: Costrel itself is imported by the first ``import flask``.
    Calling it again does nothing.

    COMPAT(newrelic, wrapt, ddtrace): finders that were put first by who wants to know what
    is imported stay before it. They ask the others, and put their loader around ours.

    Raises `RuntimeError` when the real Flask has been imported already.
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
                f" {origin}. Code that holds Flask's objects would not see Costrel's, and half"
                " of the program would run on each. Call costrel.install_as_flask() before"
                " anything imports flask, or start the program with COSTREL_AS_FLASK=1 in its"
                " environment."
            )


class AliasFinder:
    """Resolve ``flask`` and ``flask.*`` to the modules of Costrel.

    Also answers `importlib.metadata` for the distribution ``flask``, because extensions and
    tracers read Flask's version from there.

    INVARIANT: a ``flask.*`` name never reaches a finder behind it. A name without a
    counterpart raises instead of returning ``None``: the finder of an editable install goes
    by name alone, and would load one module of a real Flask next to ours.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - named by the import system
        target: types.ModuleType | None = None,  # noqa: ARG002 - named by the import system
    ) -> ModuleSpec | None:
        """Return the spec of a ``flask`` name, ``None`` for every other name.

        Raises `ModuleNotFoundError` for a ``flask.*`` name that Costrel does not have.
        """
        if fullname.partition(".")[0] != ALIAS:
            return None
        target_name = counterpart(fullname)
        target_spec = importlib.util.find_spec(target_name)
        if target_spec is None:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: flask is Costrel here, and Costrel has no"
                f" {target_name!r}. A Flask installed beside it is not consulted.",
                name=fullname,
            )
        # Here, because most processes that the alias is installed in never import flask.
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
        """Return the ``flask`` distribution if the query is about it.

        A query for one particular directory, as pip makes it to see what is installed
        there, is not: the alias lies in no directory.
        """
        if context.name is not None and context.name.lower() != ALIAS:
            return
        if context.path is not sys.path and list(context.path) != sys.path:
            return
        # Here, because importlib.metadata is a slow import and its caller has it already.
        from .distribution import AliasDistribution

        yield AliasDistribution()


def counterpart(fullname: str) -> str:
    """Return the name of the module of Costrel behind a ``flask`` name."""
    inside = fullname.removeprefix(ALIAS)
    first = inside.split(".")[1] if inside else ""
    return f"{TARGET}.compat{inside}" if first in FACADES else f"{TARGET}{inside}"
