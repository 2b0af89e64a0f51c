"""Typed settings, one class for each environment, read once at the start.

`load` reads them from the environment, from files and from TOML, checks all of them, and raises
one `SettingsError` that lists everything wrong.
"""

from __future__ import annotations

from ..ground.redaction import URL as URL
from ..ground.redaction import Secret as Secret
from .classes import Settings as Settings
from .environments import environment as environment
from .loading import load as load
from .outcome import Loaded as Loaded
from .outcome import loaded as loaded
from .problems import Problem as Problem
from .problems import SettingsError as SettingsError

__all__ = [
    "URL",
    "Loaded",
    "Problem",
    "Secret",
    "Settings",
    "SettingsError",
    "environment",
    "load",
    "loaded",
]
