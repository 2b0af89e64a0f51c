"""Compare what can be imported from Flask's modules with what the alias provides.

Run as a script in one of the two environments, it prints what it finds there. It inspects
Flask at run time: `dir` of each module and class, base classes and signatures.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import inspect
import json
import os
import pkgutil
import subprocess
import sys
import types
import typing as t

if t.TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

OURS = frozenset({"flask", "costrel"})


@dataclasses.dataclass
class Namespaces:
    """A suite in which each name, base class and parameter counts as a test."""

    name: str = "names"
    at_least: int = 5000
    not_by_asgi: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    modules: list[str] = dataclasses.field(default_factory=list)

    def run(
        self,
        _way: str,
        python: pathlib.Path,
        _options: t.Sequence[str] = (),
        variables: t.Mapping[str, str] | None = None,
    ) -> t.Any:
        """Return the names in an interpreter's ``flask``, as tests that all passed.

        The first run is on Flask and determines the list of modules.
        """
        from comparison import Outcomes

        done = subprocess.run(
            [python, __file__, *self.modules],
            check=True,
            env=dict(os.environ) | dict(variables or {}),
            stdout=subprocess.PIPE,
            text=True,
        )
        found = json.loads(done.stdout)
        self.modules = self.modules or found["modules"]
        return Outcomes(found["flask"], dict.fromkeys(found["names"], ("passed", "")))


def describe_module(name: str) -> Iterator[str]:
    """Yield a line for everything in a module that users can rely on."""
    module = importlib.import_module(name)
    for key in dir(module):
        if key.startswith("__"):
            continue
        value = getattr(module, key)
        yield f"{name}.{key}"
        # type(), because proxies report the class of the object that they stand for.
        if issubclass(type(value), type):
            yield from describe_class(f"{name}.{key}", value)
        elif type(value) is types.FunctionType:
            yield from describe_parameters(f"{name}.{key}", value)


def describe_class(name: str, kind: type) -> Iterator[str]:
    """Yield the foreign bases of a class, and the attributes of a class of ours."""
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] not in OURS:
            yield f"{name} is a {base.__module__}.{base.__qualname__}"
    if kind.__module__.partition(".")[0] not in OURS:
        return
    yield from describe_parameters(name, kind)
    for key in dir(kind):
        if key.startswith("__"):
            continue
        yield f"{name}.{key}"
        value = inspect.getattr_static(kind, key, None)
        function = getattr(value, "__func__", value)
        if type(function) is types.FunctionType:
            yield from describe_parameters(f"{name}.{key}", function)


def describe_parameters(name: str, function: t.Any) -> Iterator[str]:
    """Yield how each parameter can be passed, and whether it is required."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return
    for place, parameter in enumerate(parameters):
        if parameter.kind is parameter.VAR_POSITIONAL:
            yield f"{name}(*)"
        elif parameter.kind is parameter.VAR_KEYWORD:
            yield f"{name}(**)"
        else:
            if parameter.kind is not parameter.KEYWORD_ONLY:
                yield f"{name}({place}: {parameter.name})"
            if parameter.kind is not parameter.POSITIONAL_ONLY:
                yield f"{name}({parameter.name}=)"
            if parameter.default is not parameter.empty:
                yield f"{name}() without {parameter.name}"


def list_modules(flask: types.ModuleType) -> list[str]:
    """Return the names of Flask's modules: those in its folder and those it imports."""
    lying = {found.name for found in pkgutil.walk_packages(flask.__path__, "flask.")}
    imported = {name for name in sys.modules if name.partition(".")[0] == "flask"}
    return sorted((lying | imported) - {"flask.__main__"})


def main() -> None:
    """Print the names in ``flask``, in the modules given on the command line or in all."""
    if importlib.util.find_spec("costrel") is not None:
        importlib.import_module("costrel").install_as_flask()
    flask = importlib.import_module("flask")
    modules = sys.argv[1:] or list_modules(flask)
    names = sorted({line for module in modules for line in describe_module(module)})
    print(json.dumps({"flask": flask.__name__, "modules": modules, "names": names}))


if __name__ == "__main__":
    main()
