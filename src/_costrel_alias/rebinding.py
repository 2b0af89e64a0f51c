"""Give a name that an import hook replaced to all who imported it.

Flask's modules import each other one after the other, and a hook runs when its module is
done: those that come later get what it put there. Costrel's modules are all imported by
then, so what they hold is replaced.
"""

from __future__ import annotations

import sys
import types
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


# Values of which one object may stand for several things.
EQUAL_EVERYWHERE = frozenset({type(None), bool, int, float, str, bytes, tuple, types.ModuleType})


def rebind(
    module: types.ModuleType,
    replaced: Mapping[str, tuple[t.Any, t.Any]],
    order: Sequence[str],
) -> None:
    """Replace names of a module in the modules and classes that have them from it.

    `replaced` has the old and the new value of each name. A name that the module itself has
    from another one stays what it is elsewhere, as it would in Flask. `order` names the
    modules such that whoever imports comes after what it imports.
    """
    for name, (old, new) in replaced.items():
        if type(old) in EQUAL_EVERYWHERE or not is_home(module, name, old, order):
            continue
        for holder, key in holders(name, old):
            setattr(holder, key, new)


def is_home(module: types.ModuleType, name: str, old: t.Any, order: Sequence[str]) -> bool:
    """Tell whether a module had a name of its own, not from another module."""
    # By type(): proxies and their like answer for something else when asked for a class.
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
    """Yield where Costrel holds a value: a module or class, and its name there."""
    for module_name, module in sys.modules.copy().items():
        if module is None or module_name.partition(".")[0] != "costrel":
            continue
        for key, found in dict(vars(module)).items():
            if found is value and key == name:
                yield module, key
            elif isinstance(found, type) and found.__module__ == module_name:
                held = dict(vars(found))
                yield from ((found, attr) for attr in held if held[attr] is value)
