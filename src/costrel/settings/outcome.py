"""What was loaded, kept on the application for commands and audits."""

from __future__ import annotations

import typing as t

EXTENSION = "costrel.settings"
"""The key in ``app.extensions``."""


class Loaded:
    """The settings of an application, and where they are from. Its repr shows no values.

    - `environment`: the environment they were loaded for;
    - `settings`: the instance that `load` returned;
    - `origins`: for each setting, by its configuration key, where its value is from; the parts of
      a structure have keys of their own, such as ``MAIL__HOST``;
    - `values`: the values by the same keys.
    """

    __slots__ = ("environment", "origins", "settings", "values")

    def __init__(
        self,
        environment: str,
        settings: object,
        origins: t.Mapping[str, str],
        values: t.Mapping[str, t.Any],
    ) -> None:
        self.environment = environment
        self.settings = settings
        self.origins = origins
        self.values = values

    def __repr__(self) -> str:
        """Show the environment and the class."""
        return f"<Loaded {type(self.settings).__name__} for {self.environment!r}>"


class HasExtensions(t.Protocol):
    """An application; this module can't import the class."""

    extensions: dict[str, t.Any]


def loaded(app: HasExtensions) -> Loaded | None:
    """Return what `load` has loaded into an application, or None if it was not called."""
    found: Loaded | None = app.extensions.get(EXTENSION)
    return found
