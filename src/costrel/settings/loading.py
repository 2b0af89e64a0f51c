"""Read the settings of an application from all sources, check them, and write them to it."""

from __future__ import annotations

import os
import typing as t

from ..config import Config
from ..ground.environment import (
    DEBUG_VARIABLE,
    is_debug_ignored,
    names_from_env_files,
    real_environ,
)
from .environments import (
    DEVELOPMENT,
    PRODUCTION,
    TESTING,
    VARIABLE,
    environment_name,
    is_ignored,
    logger,
)
from .files import (
    VARIABLE_OF_FILE,
    TomlFile,
    development_hint,
    env_file_variables,
    note_of_env_file,
    note_of_ignored,
)
from .framework import framework_fields
from .outcome import EXTENSION, Loaded
from .problems import Path, Report, SettingsError
from .reader import Reader
from .schema import Field, check_annotated, fields_of, flat
from .sources import Level, Variables, arguments_level, open_structures, refuse_unknown

T = t.TypeVar("T")
Classes = t.Mapping[str, type[T]] | type[T]

_HOSTS = "TRUSTED_HOSTS"

_ANY_HOST = "expected at least one name, because with an empty list any host is served."
"""SECURITY(host-header): such as an environment variable that is set, and empty by mistake."""


class Configurable(t.Protocol):
    """An application; this module can't import the class."""

    config: Config
    extensions: dict[str, t.Any]

    @property
    def debug(self) -> bool:
        """Whether debug mode is on."""
        ...


def load(
    app: Configurable,
    classes: Classes[T],
    environment: str | None = None,
    *,
    prefix: str = "APP_",
    file: str | os.PathLike[str] | None = None,
    values: t.Mapping[str, t.Any] | None = None,
) -> T:
    """Load the settings of an application, and return them.

    The setting ``api_url`` is taken from the first of these that has it:

    1. `values`;
    2. the environment variable ``APP_API_URL``, or the file that ``APP_API_URL_FILE`` or
       ``API_URL_FILE`` names, without the newline at its end;
    3. the same variables in ``.env`` and ``.flaskenv``, in development only;
    4. a TOML file, in the table of the environment or else in ``[default]``;
    5. the default in the class.

    Each is also written to the configuration, as ``app.config["API_URL"]``. Keys that the
    configuration has already can be set in the same way, without a class that declares them.

    Args:
        app: The application.
        classes: The class of the settings for each environment, by its name; or one class for
            all. Subclasses of `Settings`, dataclasses or ``msgspec.Struct``.
        environment: The name of the environment; None takes what
            `costrel.settings.environment` returns.
        prefix: How the names of environment variables begin. An empty one takes variables of
            any program, so no misspelled one is noticed.
        file: The TOML file, relative to the application's folder; None reads the one that the
            environment variable `COSTREL_SETTINGS` names, if it is set.
        values: Values by name, for tests and other callers of a factory.

    Raises `SettingsError`, with one list of everything missing, unknown or of a wrong type, if a
    server or command starts; and `TypeError` if `classes` has something else than such classes.
    """
    name = environment or environment_name(debug=app.debug)
    kind = _class_of(classes, name)
    report = Report(name)
    fields = fields_of(kind)
    check_annotated(kind, report)
    declared = flat(fields)
    others = framework_fields(app.config, declared)
    known: dict[Path, Field] = {**declared, **others}

    tables = classes if isinstance(classes, t.Mapping) else ()
    variables = Variables(prefix, known, report)
    levels = [
        arguments_level(values or {}),
        *_variable_levels(name, variables),
        *_toml_levels(app, file, name, tables, report),
    ]
    for level in levels:
        open_structures(level, fields, report)
        refuse_unknown(level, known, report)
    reader = Reader(levels, prefix, report)
    settings = reader.structure(kind, fields)
    also = reader.others(others)
    if reader.values.get(_HOSTS) in ([], ()):
        report.add(_HOSTS, f" ({reader.origins[_HOSTS]}): {_ANY_HOST}", (_HOSTS.lower(),))
    ignored = [] if name == DEVELOPMENT else _ignored(name, variables)
    if report.problems:
        report.notes.extend(_notes(name, ignored, missing=bool(reader.missing)))
        report.raise_if_any()
    if ignored:
        logger.warning("%s", note_of_ignored(name, ignored))

    written = {field.key: getattr(settings, field.attribute) for field in fields}
    written.update(also)
    if name == TESTING:
        written.setdefault("TESTING", True)
    app.config.update(written)
    app.config.hides_secrets = True
    app.extensions[EXTENSION] = Loaded(name, settings, reader.origins, reader.values)
    return t.cast("T", settings)


def _class_of(classes: Classes[T], name: str) -> type[T]:
    if not isinstance(classes, t.Mapping):
        return classes
    try:
        return classes[name]
    except KeyError:
        report = Report(name)
        names = ", ".join(map(repr, classes))
        report.add(
            VARIABLE,
            f": there are no settings for the environment {name!r}, only for {names}. Set"
            f" {VARIABLE} to one of these, or add a class for {name!r}.",
        )
        error = SettingsError(name, report.problems)
    raise error


def _variable_levels(name: str, variables: Variables) -> t.Iterator[Level]:
    """Yield the settings in the environment, and in development those in env files."""
    yield variables.level(real_environ(), {})
    if name == DEVELOPMENT:
        yield variables.level(*env_file_variables())


def _ignored(name: str, variables: Variables) -> list[str]:
    """Return the variables that the command line took from files which do not count here."""
    found = {one for one in names_from_env_files() if variables.is_setting(one)}
    if is_ignored(name):
        found.add(VARIABLE)
    if is_debug_ignored():
        found.add(DEBUG_VARIABLE)
    return sorted(found)


def _notes(name: str, ignored: list[str], *, missing: bool) -> t.Iterator[str]:
    """Yield what may be the reason of problems: files that are read in development only."""
    if name == DEVELOPMENT:
        return
    if ignored:
        yield note_of_ignored(name, ignored)
    elif missing and (note := note_of_env_file(name)):
        yield note
    elif missing and name == PRODUCTION:
        yield f"This is {PRODUCTION}. {development_hint()}"


def _toml_levels(
    app: Configurable,
    file: str | os.PathLike[str] | None,
    name: str,
    tables: t.Iterable[str],
    report: Report,
) -> list[Level]:
    if file is not None:
        path = os.path.join(app.config.root_path, file)
    else:
        path = real_environ().get(VARIABLE_OF_FILE, "")
        if not path:
            return []
    return TomlFile(path, tables, report).levels(name)
