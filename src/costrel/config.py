"""Configuration: a dict that can load itself from files, objects and the environment.

Only upper-case names are configuration. Everything else in a file, an object or
a mapping is ignored, so a configuration file may import modules and define helpers.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import types
import typing as t

from werkzeug.utils import import_string

from .ground.redaction import hide, shown_dict
from .ground.registry import Epoch, tracked

T = t.TypeVar("T")

_UNREADABLE = "Unable to load configuration file ({})"


class ConfigAttribute(t.Generic[T]):
    """Forward an attribute of the application to a configuration key.

    ``get_converter`` applies to reading only; a written value is stored unchanged.
    Reading it on the class returns the descriptor itself.
    """

    def __init__(self, name: str, get_converter: t.Callable[[t.Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @t.overload
    def __get__(self, obj: None, owner: t.Any = None) -> t.Self: ...

    @t.overload
    def __get__(self, obj: t.Any, owner: t.Any = None) -> T: ...

    def __get__(self, obj: t.Any, owner: t.Any = None) -> T | t.Self:
        """Return the configured value; `KeyError` if the key was deleted."""
        if obj is None:
            return self
        value = obj.config[self.__name__]
        if self.get_converter is None:
            return t.cast("T", value)
        return self.get_converter(value)

    def __set__(self, obj: t.Any, value: t.Any) -> None:
        """Store the value in the configuration."""
        obj.config[self.__name__] = value


class InDebugMode(str):
    """A default that holds in debug mode only, unlike the same value that somebody has set."""

    __slots__ = ()


class ThisMachine(tuple[str, ...]):
    """The hosts that are served while ``TRUSTED_HOSTS`` is not set, on `Costrel`.

    What is in it stands for all names of the machine's loopback, and for ``SERVER_NAME``. It holds
    outside debug mode only, unlike the same names in a list that somebody has set.
    """

    __slots__ = ()

    is_default = True
    """Whether nobody has chosen these names, so that they are not trusted as origins."""

    def __new__(cls) -> t.Self:
        """Return the names, as ``TRUSTED_HOSTS`` would list them."""
        return super().__new__(cls, ("localhost", ".localhost", "127.0.0.1", "[::1]"))

    def __getnewargs__(self) -> tuple[()]:
        """Let copies be made, which pass no names."""
        return ()


class _Part(dict[str, t.Any]):
    """Entries of a configuration that hides its secrets, which does so too."""

    def __repr__(self) -> str:
        return shown_dict(self)


class Config(dict[str, t.Any]):
    """The configuration: a dict that loads itself from files, objects and the environment.

    ``root_path`` is the base of relative file names, and ``defaults`` are the initial
    entries. The loading methods return True, or False if there was nothing to load
    and ``silent`` is set.
    """

    epoch = Epoch()
    """Changes with every entry; an application replaces it with its own."""

    _hides = False

    _check: t.Callable[[t.Collection[str]], None] | None = None
    """Called with the keys that were set, once the application has started; raises an error if one
    of them is wrong, and they get the values back that they had."""

    def __init__(
        self,
        root_path: str | os.PathLike[str],
        defaults: dict[str, t.Any] | None = None,
    ) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path
        #: The keys that were set after the start, also to the values that they had before.
        self._chosen: set[str] = set()

    @property
    def hides_secrets(self) -> bool:
        """Whether `repr` hides secrets: keys, passwords and tokens, by their names and types.

        Then the values hide themselves too, wherever they are shown: see
        `costrel.ground.redaction.hide`.
        """
        return self._hides

    @hides_secrets.setter
    def hides_secrets(self, hides: bool) -> None:
        self._hides = hides
        if hides:
            for key, value in self.items():
                # Equal to what it replaces, so without a new epoch.
                dict.__setitem__(self, key, hide(key, value))

    def __getstate__(self) -> dict[str, t.Any]:
        """Return what is pickled and copied besides the entries."""
        return {name: value for name, value in vars(self).items() if name != "_check"}

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Load the Python file named by an environment variable.

        Raises `RuntimeError` if the variable is unset or empty, and `OSError` if the
        file can't be read. ``silent`` suppresses both: see `from_pyfile`.
        """
        filename = os.environ.get(variable_name)
        if filename:
            return self.from_pyfile(filename, silent=silent)
        if silent:
            return False
        raise RuntimeError(
            f"The environment variable {variable_name!r} is not set, so no configuration"
            " file can be loaded. Set it to the path of one, or pass silent=True if the"
            " file is optional."
        )

    def from_prefixed_env(
        self, prefix: str = "FLASK", *, loads: t.Callable[[str], t.Any] = json.loads
    ) -> bool:
        """Load all environment variables that start with the prefix and an underscore.

        The rest of the name is the key. Values are parsed with ``loads`` and stay strings
        if it raises. A double underscore sets a key of a nested dict, which is created if
        missing: ``FLASK_DB__host=x`` sets ``config["DB"]["host"]``. Variables are loaded
        in sorted order, so the result does not depend on the order of the environment.
        Raises `TypeError` if a name refers to a key of a value that is not a dict.
        """
        start = f"{prefix}_"
        for name in sorted(os.environ):
            if not name.startswith(start):
                continue
            value: t.Any = os.environ[name]
            # `loads` may be any parser, so any error means "can't be parsed".
            with contextlib.suppress(Exception):
                value = loads(value)
            self._set_nested(name.removeprefix(start), value, name)
        return True

    def _set_nested(self, path: str, value: t.Any, variable: str) -> None:
        if "__" not in path:
            # With __setitem__ like any other key, for subclasses that override it.
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
                f"The environment variable {variable!r} sets a key of the configuration value"
                f" {target!r}, which is not a dict. Rename the variable, or set the whole value"
                " with a variable without a double underscore."
            ) from None

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and load its upper-case names.

        A relative path is relative to ``root_path``. Python's rules for source encodings
        apply. ``silent`` ignores a file that does not exist, is a folder, or has a parent
        that is not a folder. Any other `OSError`, and any error in the file, is raised.
        """
        path = os.path.join(self.root_path, filename)
        module = types.ModuleType("config")
        module.__file__ = path
        try:
            # Bytes, so that compile() respects a coding comment.
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
        """Load the upper-case attributes of an object.

        The object is usually a module or a class; inherited attributes are included. A
        string is imported first, which may raise `ImportError`. Properties are evaluated
        on an instance, but not on a class.
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
        """Parse a file with the given function and load its upper-case keys.

        ``load`` takes the open file and returns a mapping: `json.load`, or `tomllib.load`
        with ``text=False``, which opens the file in binary mode. ``silent`` ignores a file
        that does not exist or is a folder. Any other `OSError`, and any error that
        ``load`` raises, is raised.
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
        """Load the upper-case keys of a mapping, pairs, or keyword arguments.

        Keyword arguments override the mapping. Always returns True.
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
        """Return a new dict of the entries whose keys start with ``namespace``.

        Useful for keyword arguments: with ``IMAGE_STORE_TYPE`` configured,
        ``get_namespace("IMAGE_STORE_")`` returns ``{"type": ...}``.
        """
        found: dict[str, t.Any] = {}
        for key, value in self.items():
            if not key.startswith(namespace):
                continue
            name = key[len(namespace) :] if trim_namespace else key
            found[name.lower() if lowercase else name] = value
        return _Part(found) if self.hides_secrets else found

    def copy(self) -> dict[str, t.Any]:
        """Return a dict of all entries."""
        return _Part(self) if self.hides_secrets else dict(self)

    def __repr__(self) -> str:
        """Show the class and every entry; secrets too, unless `hides_secrets` is set."""
        if self.hides_secrets:
            return f"<{type(self).__name__} {shown_dict(self)}>"
        return f"<{type(self).__name__} {dict.__repr__(self)}>"


_MISSING = object()


def _choosing(name: str) -> t.Callable[..., t.Any]:
    """Wrap a method of dict that sets keys: it bumps the epoch, and the keys are remembered.

    Secrets are hidden if need be. If the application has started, wrong values are taken back.
    """
    change = tracked(dict, name)

    def method(self: Config, *args: t.Any, **kwargs: t.Any) -> t.Any:
        # In a dict first, because it may be pairs that can be read only once.
        given = {args[0]: args[1]} if name == "__setitem__" else dict(*args, **kwargs)
        if self._hides:
            given = {key: hide(key, value) for key, value in given.items()}
        check = self._check
        before = None if check is None else {key: self.get(key, _MISSING) for key in given}
        result = (
            change(self, *next(iter(given.items())))
            if name == "__setitem__"
            else change(self, given)
        )
        if check is not None and before is not None:
            try:
                check(before)
            except BaseException:
                _take_back(self, before)
                raise
        # A copy, as pickle makes it, sets its entries before its attributes.
        vars(self).setdefault("_chosen", set()).update(given)
        return result

    method.__name__ = name
    method.__qualname__ = f"Config.{name}"
    method.__doc__ = getattr(dict, name).__doc__
    return method


def _take_back(config: Config, before: t.Mapping[str, t.Any]) -> None:
    """Give entries the values that they had."""
    for key, value in before.items():
        if value is _MISSING:
            dict.pop(config, key, None)
        else:
            dict.__setitem__(config, key, value)
    config.epoch.bump()


def _setdefault(self: Config, key: str, default: t.Any = None) -> t.Any:
    """Set an entry unless there is one, and return it."""
    return _set_absent(self, key, hide(key, default) if self._hides else default)


_set_absent: t.Callable[..., t.Any] = tracked(dict, "setdefault")
_setdefault.__name__, _setdefault.__qualname__ = "setdefault", "Config.setdefault"
Config.setdefault = _setdefault  # type: ignore[method-assign,assignment]

for _name in "__setitem__ __ior__ update".split():
    setattr(Config, _name, _choosing(_name))
for _name in "__delitem__ pop popitem clear".split():
    setattr(Config, _name, tracked(dict, _name))
