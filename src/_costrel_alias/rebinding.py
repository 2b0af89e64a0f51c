"""Pass a name that an import hook replaced on to all modules that imported it.

Flask's modules import each other in sequence, and a hook runs when its module has been
imported: the modules that come later get what the hook put there. Costrel's modules are
already imported at that point, so the names that they hold are replaced.
"""

from __future__ import annotations

import sys
import types
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


# Types whose objects may be shared by unrelated names.
EQUAL_EVERYWHERE = frozenset({type(None), bool, int, float, str, bytes, tuple, types.ModuleType})


def rebind(
    module: types.ModuleType,
    replaced: Mapping[str, tuple[t.Any, t.Any]],
    order: Sequence[str],
) -> None:
    """Replace names of a module in the modules and classes that imported them.

    `replaced` has the old and the new value of each name. A name that the module itself
    imported is not replaced elsewhere, as in Flask. `order` lists the modules, each after
    those that it imports.
    """
    for name, (old, new) in replaced.items():
        if type(old) in EQUAL_EVERYWHERE or not is_home(module, name, old, order):
            continue
        for holder, key in holders(name, old):
            setattr(holder, key, new)


def is_home(module: types.ModuleType, name: str, old: t.Any, order: Sequence[str]) -> bool:
    """Return whether a module defines a name itself, instead of importing it."""
    # type(), because proxies report the class of the object that they stand for.
    if issubclass(type(old), (type, types.FunctionType)):
        # A module of Flask may be a package here, with its classes in modules below it.
        homes = [name for name in order if f"{old.__module__}.".startswith(f"{name}.")]
        if homes:
            return max(homes, key=len) == module.__name__
    earlier = order[: order.index(module.__name__)]
    return not any(
        vars(sys.modules[other]).get(name) is old for other in earlier if other in sys.modules
    )


def holders(name: str, value: t.Any) -> Iterator[tuple[t.Any, str]]:
    """Yield each module or class of Costrel that holds a value, with its name there."""
    for module_name, module in sys.modules.copy().items():
        if module is None or module_name.partition(".")[0] != "costrel":
            continue
        for key, found in dict(vars(module)).items():
            if found is value and key == name:
                yield module, key
            elif isinstance(found, type) and found.__module__ == module_name:
                held = dict(vars(found))
                yield from ((found, attr) for attr in held if held[attr] is value)
