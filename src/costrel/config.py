"""Configuration: a dict that knows how to fill itself.

Only names in upper case are configuration; everything else in a file, an
object or a mapping is left alone, so a configuration file may import and
compute as it likes.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import types
import typing as t

from werkzeug.utils import import_string

from .ground.registry import Epoch, tracked

T = t.TypeVar("T")

_UNREADABLE = "Unable to load configuration file ({})"


class ConfigAttribute(t.Generic[T]):
    """Forward an attribute of the application to a configuration key.

    ``get_converter`` is applied on reading only; what is written is stored as
    it is. Reading on the class returns the descriptor itself.
    """

    def __init__(self, name: str, get_converter: t.Callable[[t.Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @t.overload
    def __get__(self, obj: None, owner: t.Any = None) -> t.Self: ...

    @t.overload
    def __get__(self, obj: t.Any, owner: t.Any = None) -> T: ...

    def __get__(self, obj: t.Any, owner: t.Any = None) -> T | t.Self:
        """Return the configured value; `KeyError` when the key was deleted."""
        if obj is None:
            return self
        value = obj.config[self.__name__]
        if self.get_converter is None:
            return t.cast("T", value)
        return self.get_converter(value)

    def __set__(self, obj: t.Any, value: t.Any) -> None:
        """Store the value in the configuration."""
        obj.config[self.__name__] = value


class Config(dict[str, t.Any]):
    """Hold the configuration; load it from files, objects and environment.

    ``root_path`` is the folder that relative file names start from;
    ``defaults`` are the first entries. The loaders that find nothing to load
    and were told to be silent return False, otherwise True.
    """

    epoch = Epoch()
    """Moves when an entry changes; an application puts its own here."""

    def __init__(
        self,
        root_path: str | os.PathLike[str],
        defaults: dict[str, t.Any] | None = None,
    ) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Load the Python file whose name is in an environment variable.

        Raises `RuntimeError` when the variable is unset or empty and `OSError`
        when the file cannot be read, unless ``silent``.
        """
        filename = os.environ.get(variable_name)
        if filename:
            return self.from_pyfile(filename, silent=silent)
        if silent:
            return False
        raise RuntimeError(
            f"The environment variable {variable_name!r} is not set, so it names no"
            " configuration file. Set it to the path of one, or pass silent=True where"
            " the file is optional."
        )

    def from_prefixed_env(
        self, prefix: str = "FLASK", *, loads: t.Callable[[str], t.Any] = json.loads
    ) -> bool:
        """Load every environment variable that starts with ``prefix_``.

        The rest of the name is the key. Values are read by ``loads`` and stay
        text where that raises. A double underscore leads into a nested dict,
        made when missing: ``FLASK_DB__host=x`` sets ``config["DB"]["host"]``.
        Names are taken in sorted order, so that the outcome does not depend on
        the order of the environment. Raises `TypeError` when a name leads
        into a value that is no dict.
        """
        start = f"{prefix}_"
        for name in sorted(os.environ):
            if not name.startswith(start):
                continue
            value: t.Any = os.environ[name]
            # Any parser may be given, so any error means "not parseable".
            with contextlib.suppress(Exception):
                value = loads(value)
            self._set_nested(name.removeprefix(start), value, name)
        return True

    def _set_nested(self, path: str, value: t.Any, variable: str) -> None:
        if "__" not in path:
            # Through __setitem__ like any other key, for subclasses that watch it.
            self[path] = value
            return
        *parents, last = path.split("__")
        target: t.Any = self
        for parent in parents:
            if not isinstance(target, dict):
                break
            if parent not in target:
                target[parent] = {}
            target = target[parent]
        try:
            target[last] = value
        except TypeError:
            raise TypeError(
                f"The environment variable {variable!r} leads into the configuration value"
                f" {target!r}, which is no dict. Rename the variable, or set the whole value"
                " by a variable without a double underscore."
            ) from None

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and keep its names in upper case.

        A relative name starts from ``root_path``. Python's rules for source
        encodings apply. ``silent`` covers a file that is not there, is a
        folder, or lies under something that is no folder; every other
        `OSError` is raised, and so is what the file itself raises.
        """
        path = os.path.join(self.root_path, filename)
        module = types.ModuleType("config")
        module.__file__ = path
        try:
            # Bytes, so that compile() honours a coding comment.
            with open(path, "rb") as file:
                source = file.read()
        except OSError as error:
            if silent and error.errno in {errno.ENOENT, errno.EISDIR, errno.ENOTDIR}:
                return False
            error.strerror = _UNREADABLE.format(error.strerror)
            raise
        exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102  # a configuration file is code
        self.from_object(module)
        return True

    def from_object(self, obj: object | str) -> None:
        """Keep an object's attributes in upper case.

        The object is usually a module or a class, and inherited attributes
        count; a string is imported first (`ImportError` when it cannot be).
        Attributes are read, not copied: properties of an instance are
        evaluated, those of a class are not.
        """
        if isinstance(obj, str):
            obj = import_string(obj)
        for name in dir(obj):
            if name.isupper():
                self[name] = getattr(obj, name)

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: t.Callable[[t.IO[t.Any]], t.Mapping[str, t.Any]],
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Load a file by a given parser and keep its keys in upper case.

        ``load`` is given the open file and returns a mapping: `json.load`, or
        `tomllib.load` with ``text=False``, which opens the file as bytes.
        ``silent`` covers a file that is not there or is a folder; every other
        `OSError` is raised, and so is what ``load`` raises.
        """
        path = os.path.join(self.root_path, filename)
        try:
            with open(path, "r" if text else "rb") as file:
                mapping = load(file)
        except OSError as error:
            if silent and error.errno in {errno.ENOENT, errno.EISDIR}:
                return False
            error.strerror = _UNREADABLE.format(error.strerror)
            raise
        return self.from_mapping(mapping)

    def from_mapping(self, mapping: t.Mapping[str, t.Any] | None = None, **kwargs: t.Any) -> bool:
        """Keep the keys in upper case of a mapping, pairs, or keywords.

        Keywords win over the mapping. Always returns True.
        """
        merged: dict[str, t.Any] = {}
        if mapping is not None:
            merged.update(mapping)
        merged.update(kwargs)
        for key, value in merged.items():
            if key.isupper():
                self[key] = value
        return True

    def get_namespace(
        self,
        namespace: str,
        lowercase: bool = True,
        trim_namespace: bool = True,
    ) -> dict[str, t.Any]:
        """Return the entries whose keys start with ``namespace``, as a new dict.

        Made for keyword arguments: with ``IMAGE_STORE_TYPE`` configured,
        ``get_namespace("IMAGE_STORE_")`` gives ``{"type": ...}``.
        """
        found: dict[str, t.Any] = {}
        for key, value in self.items():
            if not key.startswith(namespace):
                continue
            name = key[len(namespace) :] if trim_namespace else key
            found[name.lower() if lowercase else name] = value
        return found

    def __repr__(self) -> str:
        """Show the class and every entry, secrets included."""
        return f"<{type(self).__name__} {dict.__repr__(self)}>"


for _name in "__setitem__ __delitem__ __ior__ pop popitem clear update setdefault".split():
    setattr(Config, _name, tracked(dict, _name))
