"""Load Costrel's modules under Flask's names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import typing as t

from . import ALIAS, counterpart
from .rebinding import rebind

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec

# The modules that a package of Flask imports when it is imported, in that order.
IMPORTED = {
    "flask": """
        globals json signals helpers cli typing ctx config logging templating sansio.scaffold
        sansio.app json.tag sessions wrappers app sansio.blueprints blueprints
    """.split(),
    "flask.json": ["provider"],
}

# The attributes that a stand-in has itself, instead of those of its target.
OWN = frozenset({"__name__", "__spec__", "__loader__", "__package__", "__path__"})


class AliasLoader:
    """Load a module of Costrel under a second name.

    `create_module` must not return that module itself: the import system would overwrite its
    ``__spec__`` with the alias' spec, and loaders that wrap this one look at ``__name__``. So
    it returns a stand-in, which `exec_module` replaces in `sys.modules`, where the import
    system looks for the result.
    """

    def __init__(self, target_name: str) -> None:
        self.target_name = target_name

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """Import Costrel's module and return its stand-in."""
        return StandIn(spec.name, importlib.import_module(self.target_name))

    def exec_module(self, module: types.ModuleType) -> None:
        """Import what Flask's module imports, and replace the stand-in.

        COMPAT(newrelic, wrapt): import hooks wait for names such as ``flask.app``, and run
        when these are imported here.
        """
        name = module.__name__
        target = importlib.import_module(self.target_name)
        # Not at the top: this package must load without Costrel.
        importlib.import_module("costrel.compat.names").widen(target, name)
        for inner in IMPORTED.get(name, ()):
            import_inner(f"{name}.{inner}")
        sys.modules[name] = target

    def get_code(self, fullname: str) -> types.CodeType | None:  # noqa: ARG002 - as runpy calls it
        """Return the code of Costrel's module, for ``python -m flask``."""
        spec = importlib.util.find_spec(self.target_name)
        if spec is None or spec.loader is None:
            return None
        code: types.CodeType | None = t.cast(t.Any, spec.loader).get_code(self.target_name)
        return code


class StandIn(types.ModuleType):
    """The module object that the import system sees while an alias is imported.

    Attribute access goes to the module that it stands for.

    INVARIANT: it never looks empty. A thread that imports the same name at the same time
    waits, and then continues with the object that it found before it waited.
    """

    __target: types.ModuleType

    def __init__(self, name: str, target: types.ModuleType) -> None:
        super().__init__(name, target.__doc__)
        super().__setattr__("_StandIn__target", target)

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self.__target, name)

    def __setattr__(self, name: str, value: t.Any) -> None:
        if name in OWN:
            super().__setattr__(name, value)
        else:
            setattr(self.__target, name, value)

    def __delattr__(self, name: str) -> None:
        if name in OWN:
            super().__delattr__(name)
        else:
            delattr(self.__target, name)

    def __dir__(self) -> list[str]:
        return dir(self.__target)

    @property
    def __dict__(self) -> dict[str, t.Any]:  # type: ignore[override]
        """The namespace of the module that it stands for."""
        return vars(self.__target)


def import_inner(name: str) -> None:
    """Import an alias, and pass on to other modules what import hooks replaced in it."""
    target = importlib.import_module(counterpart(name))
    before = dict(vars(target))
    importlib.import_module(name)
    replaced = {
        key: (value, target.__dict__[key])
        for key, value in before.items()
        if target.__dict__.get(key, value) is not value
    }
    if replaced:
        rebind(target, replaced, [counterpart(alias) for alias in in_order(ALIAS)])


def in_order(package: str) -> Iterator[str]:
    """Yield the modules that a package imports, each after its own imports."""
    for inner in IMPORTED.get(package, ()):
        yield from in_order(f"{package}.{inner}")
        yield f"{package}.{inner}"
