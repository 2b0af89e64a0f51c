"""The database: a file of SQLite, and a connection for each request."""

import os
import sqlite3
from contextlib import closing

from costrel import current_app, g

TABLES = """
CREATE TABLE IF NOT EXISTS guest (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY,
    guest_id INTEGER NOT NULL REFERENCES guest,
    text TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ'))
);
CREATE TABLE IF NOT EXISTS liked (
    entry_id INTEGER NOT NULL REFERENCES entry,
    guest_id INTEGER NOT NULL REFERENCES guest,
    PRIMARY KEY (entry_id, guest_id)
);
"""


def init_app(app, file):
    """Make the tables that do not exist yet."""
    path = os.path.join(app.instance_path, file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    app.extensions["guestbook"] = path
    app.teardown_appcontext(close)
    with closing(connect(path)) as connection:
        connection.executescript(TABLES)


def connect(path):
    """Connect with the database. The threads of a request use its connection in turn."""
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def database():
    """Return the connection of this request, which is a context manager for a transaction."""
    if "database" not in g:
        g.database = connect(current_app.extensions["guestbook"])
    return g.database


def close(_error):
    """Close the connection of a request, if it has used one."""
    if (connection := g.pop("database", None)) is not None:
        connection.close()
