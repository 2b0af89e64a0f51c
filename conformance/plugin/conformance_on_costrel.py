"""A pytest plugin that makes ``flask.Flask`` the class `Costrel`, safe defaults included.

It has to be loaded after ``costrel.compat.pytest``. If ``CONFORMANCE_SETTINGS`` is there, it is a
JSON object of the configuration that every application begins with.
"""

from __future__ import annotations

import json
import os
import typing as t


def pytest_addoption() -> None:
    """Replace the class. This adds no option; pytest calls it before it loads any test."""
    import costrel

    # Only the name that users import: the class that `Costrel` derives from stays what it is.
    given = os.environ.get("CONFORMANCE_SETTINGS")
    costrel.Flask = with_settings(json.loads(given)) if given else costrel.Costrel  # type: ignore[misc]


def with_settings(settings: dict[str, t.Any]) -> type[t.Any]:
    """Return a `Costrel` whose applications begin with settings, as if they had set them."""
    import costrel

    class Costrel(costrel.Costrel):
        def __init__(self, *args: t.Any, **options: t.Any) -> None:
            super().__init__(*args, **options)
            self.config.update(settings)

    return Costrel
