"""Sessions in a table of a database, through SQLAlchemy.

Every method is one statement, committed at once, so that nothing holds a transaction open. The
version in the condition of each update makes it atomic on any database.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
import typing as t

from . import Clock, Kept, SessionStore, Stored, StoreUnavailableError, notice_fork

try:
    import sqlalchemy as sa
    from sqlalchemy import event
    from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
except ImportError as error:
    raise RuntimeError(
        "SESSION_STORE names a database, but SQLAlchemy is not installed. Run: pip install"
        ' "costrel[sqlalchemy]"'
    ) from error

TABLE = "costrel_sessions"
"""The name of the table."""

TIMEOUT_S = 2
"""How long connecting, a free connection or an answer may take, unless the URL says otherwise."""

SQLITE_TIMEOUT_S = 5
"""How long a write to SQLite waits for others, which it does not queue with."""

CLEAN_EVERY_S = 60.0
"""How often a process deletes expired sessions, at most."""

CLEANED_ROWS = 1_000
"""How many it deletes each time, at most."""

_USER_LENGTH = 255

metadata = sa.MetaData()

table = sa.Table(
    TABLE,
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("user_id", sa.String(_USER_LENGTH), index=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)
"""The table, for migrations: times are seconds since the epoch, `id` is a hash."""

_row = table.c
_of_version = (_row.id == sa.bindparam("old_id"), _row.version == sa.bindparam("old_version"))
_not_expired = _row.expires_at > sa.bindparam("now")

_GET = sa.select(
    _row.data, _row.version, _row.user_id, _row.created_at, _row.used_at
).where(_row.id == sa.bindparam("old_id"), _not_expired)  # fmt: skip
_INSERT = table.insert()
_UPDATE = table.update().where(*_of_version, _not_expired)
_TOUCH = table.update().where(_row.id == sa.bindparam("old_id"), _not_expired)
_DELETE = table.delete().where(_row.id == sa.bindparam("old_id"))
_OF_USER = sa.select(_row.id, _row.created_at, _row.used_at).where(
    _row.user_id == sa.bindparam("user"), _not_expired
)
_DELETE_OF_USER = table.delete().where(
    _row.user_id == sa.bindparam("user"), _row.id != sa.bindparam("except_id"), _not_expired
)
_EXPIRED = sa.select(_row.id).where(_row.expires_at <= sa.bindparam("now")).limit(CLEANED_ROWS)

R = t.TypeVar("R")


class SQLAlchemyStore(SessionStore):
    """Keep sessions in the table ``costrel_sessions``, which is created when it is missing.

    Args:
        database: A URL of SQLAlchemy with a sync driver, or an engine of your own, which shares
            its pool.
        clock: Returns the seconds since the epoch. The clocks of the machines should agree.

    Raises `ValueError` for a URL that is invalid, that names an async driver, or SQLite's memory,
    which each thread has its own of; and `RuntimeError` if the driver is not installed.
    """

    def __init__(self, database: str | sa.Engine, clock: Clock = time.time) -> None:
        super().__init__(clock)
        self._own = isinstance(database, str)
        engine = _make_engine(database) if isinstance(database, str) else database
        # Each statement is its own transaction: without BEGIN and COMMIT, a third of the messages.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._place = engine.url.set(query={}).render_as_string(hide_password=True)
        self._is_made = False
        self._next_cleaning = clock() + CLEAN_EVERY_S
        self._lock, self._cleaning = threading.Lock(), threading.Lock()

    def __repr__(self) -> str:
        return f"<SQLAlchemyStore at {self._place}>"

    def after_fork(self) -> None:
        """Leave the connections to the parent process, without closing them."""
        self._lock, self._cleaning = threading.Lock(), threading.Lock()
        if self._own:
            self._engine.dispose(close=False)

    def get(self, id_hash: str) -> Stored | None:
        """Return a session: see `SessionStore.get`."""
        row = self._run(_GET, _first, old_id=id_hash, now=self._now())
        return None if row is None else Stored(bytes(row[0]), *row[1:])

    def set(
        self,
        id_hash: str,
        data: bytes,
        lifetime_s: float,
        user: str | None,
        expected_version: int,
    ) -> bool:
        """Write a session if it has this version: see `SessionStore.set`."""
        now = self._now()
        self._clean_sometimes(now)
        values = _values(data, user, now, lifetime_s)
        if expected_version == 0:
            values.update(id=id_hash, version=1, created_at=now)
            return self._run(_INSERT, _was_inserted, **values)
        values["version"] = expected_version + 1
        return self._update(id_hash, expected_version, now, values)

    def move(
        self,
        id_hash: str,
        new_hash: str,
        data: bytes,
        lifetime_s: float,
        user: str | None,
        expected_version: int,
    ) -> bool:
        """Write a session under another id: see `SessionStore.move`."""
        now = self._now()
        values = _values(data, user, now, lifetime_s)
        values.update(id=new_hash, version=1, created_at=now)
        return self._update(id_hash, expected_version, now, values)

    def touch(self, id_hash: str, lifetime_s: float) -> None:
        """Let a session last for this long from now: see `SessionStore.touch`."""
        now = self._now()
        values = {"used_at": now, "expires_at": now + math.ceil(lifetime_s)}
        self._run(_TOUCH, _count, old_id=id_hash, now=now, **values)

    def delete(self, id_hash: str) -> None:
        """End a session: see `SessionStore.delete`."""
        self._run(_DELETE, _count, old_id=id_hash)

    def of_user(self, user: str) -> list[Kept]:
        """Return the sessions of a user: see `SessionStore.of_user`."""
        rows = self._run(_OF_USER, _all, user=_user_key(user), now=self._now())
        return [Kept(*row) for row in rows]

    def delete_of_user(self, user: str, except_: str | None = None) -> int:
        """End the sessions of a user: see `SessionStore.delete_of_user`."""
        key = _user_key(user)
        return self._run(
            _DELETE_OF_USER, _count, user=key, except_id=except_ or "", now=self._now()
        )

    def close(self) -> None:
        """Close the connections of an engine made here; the next call opens new ones."""
        if self._own:
            self._engine.dispose()

    def _now(self) -> int:
        return int(self.clock())

    def _update(self, id_hash: str, version: int, now: int, values: dict[str, t.Any]) -> bool:
        count = self._run(_UPDATE, _count, old_id=id_hash, old_version=version, now=now, **values)
        return count == 1

    def _run(
        self, statement: t.Any, result_of: t.Callable[[sa.CursorResult[t.Any]], R], **values: t.Any
    ) -> R:
        """Execute a statement; again, once, if the connection turns out to be closed."""
        notice_fork()
        try:
            if not self._is_made:
                self._make_table()
            try:
                return self._execute(statement, result_of, values)
            except DBAPIError as error:
                # The database was restarted. The pool has dropped all of its connections.
                if not error.connection_invalidated:
                    raise
            return self._execute(statement, result_of, values)
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise StoreUnavailableError(
                f"the database {self._place} failed: {type(cause).__name__}: {cause}"
            ) from error

    def _execute(
        self,
        statement: t.Any,
        result_of: t.Callable[[sa.CursorResult[t.Any]], R],
        values: dict[str, t.Any],
    ) -> R:
        with self._engine.connect() as connection:
            try:
                return result_of(connection.execute(statement, values))
            except IntegrityError:
                if statement is _INSERT:
                    return t.cast("R", False)
                raise

    def _make_table(self) -> None:
        with self._lock:
            if self._is_made:
                return
            try:
                metadata.create_all(self._engine)
            except SQLAlchemyError:
                # Another process may have made it in the meantime, or had to make it for us.
                if not sa.inspect(self._engine).has_table(TABLE):
                    raise
            self._is_made = True

    def _clean_sometimes(self, now: int) -> None:
        if now >= self._next_cleaning and self._cleaning.acquire(blocking=False):
            try:
                self._next_cleaning = now + CLEAN_EVERY_S
                self.clean()
            finally:
                self._cleaning.release()

    def clean(self) -> int:
        """Delete expired sessions, at most 1,000; return how many."""
        now = self._now()
        ids = [row[0] for row in self._run(_EXPIRED, _all, now=now)]
        if not ids:
            return 0
        # By id, because not every database limits a DELETE; and still only if expired.
        return self._run(table.delete().where(_row.id.in_(ids), _row.expires_at <= now), _count)


def _first(result: sa.CursorResult[t.Any]) -> t.Any:
    return result.first()


def _all(result: sa.CursorResult[t.Any]) -> t.Sequence[t.Any]:
    return result.all()


def _count(result: sa.CursorResult[t.Any]) -> int:
    return result.rowcount


def _was_inserted(_result: sa.CursorResult[t.Any]) -> bool:
    return True


def _values(data: bytes, user: str | None, now: int, lifetime_s: float) -> dict[str, t.Any]:
    return {
        "data": data,
        "user_id": None if user is None else _user_key(user),
        "used_at": now,
        "expires_at": now + math.ceil(lifetime_s),
    }


def _user_key(user: str) -> str:
    """Return a user's id, or the hash of one that is too long for the column."""
    if len(user) <= _USER_LENGTH:
        return user
    return f"sha256:{hashlib.sha256(user.encode()).hexdigest()}"


def _make_engine(text: str) -> sa.Engine:
    try:
        url = sa.make_url(text)
        is_async = url.get_dialect().is_async
    except SQLAlchemyError as error:
        # SECURITY(secrets): not the URL, since it may contain a password.
        raise ValueError(
            "SESSION_STORE is 'sqlalchemy:' and what SQLAlchemy does not take for a database:"
            f" {type(error).__name__}. Write, for example,"
            " 'sqlalchemy:postgresql+psycopg://user:password@localhost/app'."
        ) from None
    backend = url.get_backend_name()
    if is_async:
        raise ValueError(
            f"SESSION_STORE names the async driver {url.drivername!r}. Sessions are read in"
            " threads, so name a sync one, such as postgresql+psycopg, and leave the rest."
        )
    if backend == "sqlite" and url.database in {None, "", ":memory:"}:
        raise ValueError(
            "SESSION_STORE names a SQLite database in memory, of which each connection has its"
            " own. Write 'memory:', or a file: 'sqlalchemy:sqlite:////var/lib/app/sessions.db'."
        )
    limits = {name: value for name, value in _limits(backend).items() if name not in url.query}
    pool = {} if backend == "sqlite" else {"pool_timeout": TIMEOUT_S}
    try:
        engine = sa.create_engine(url, connect_args=limits, **pool)
    except ImportError as error:
        raise RuntimeError(
            f"SESSION_STORE names the driver {url.drivername!r}, which is not installed"
            f" ({error}). {_remedy(url)}"
        ) from error
    if backend == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


_DRIVERS = {
    "postgresql": ("postgresql+psycopg", '"psycopg[binary]"'),
    "mysql": ("mysql+pymysql", "pymysql"),
    "mariadb": ("mariadb+pymysql", "pymysql"),
    "oracle": ("oracle+oracledb", "oracledb"),
    "mssql": ("mssql+pyodbc", "pyodbc"),
}
"""For each kind of database a driver, and what to install for it."""


def _remedy(url: sa.URL) -> str:
    """Return what to do about a driver that is not installed."""
    driver, package = _DRIVERS.get(url.get_backend_name(), (url.drivername, ""))
    if not package:
        return "Install it with pip."
    if driver == url.drivername:
        return f"Run: pip install {package}"
    return f"Install that, or write 'sqlalchemy:{driver}://...' and run: pip install {package}"


def _prepare_sqlite(connection: t.Any, _record: t.Any) -> None:
    """Let readers and a writer not wait for each other, and a write for no disk."""
    for setting in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {setting}")


def _limits(backend: str) -> dict[str, t.Any]:
    """Return the arguments by which a database's driver limits how long it waits."""
    if backend == "postgresql":
        return {
            "connect_timeout": TIMEOUT_S,
            "tcp_user_timeout": TIMEOUT_S * 1000,
            "options": f"-c statement_timeout={TIMEOUT_S * 1000}",
        }
    if backend in {"mysql", "mariadb"}:
        return dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), TIMEOUT_S)
    return {"timeout": SQLITE_TIMEOUT_S} if backend == "sqlite" else {}
