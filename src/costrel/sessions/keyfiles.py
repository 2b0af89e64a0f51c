"""Files that the environment names for a secret key, which an application may not read."""

from __future__ import annotations

import os

VARIABLES = ("SECRET_KEY_FILE", "APP_SECRET_KEY_FILE", "FLASK_SECRET_KEY_FILE")
"""What names a file for `costrel.settings.load`, and what people take for it."""


def about_unread_file() -> str:
    """Say that nothing has read the file of a key, and what to write; else an empty text.

    To be asked only where an application has no secret key, and appended to the message. If there
    is text, it begins with a space.
    """
    for name in VARIABLES:
        if os.environ.get(name):
            return (
                f" The environment has {name}, but this application doesn't read the file: only"
                " costrel.settings.load(app, Settings) does, from SECRET_KEY_FILE or"
                " APP_SECRET_KEY_FILE. Call that, or write"
                f' app.secret_key = Path(os.environ["{name}"]).read_text().strip()'
            )
    return ""
