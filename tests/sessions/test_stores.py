"""What is particular to each store, and how a URL names it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from costrel.sessions.stores import SessionStore, StoreUnavailableError, open_store
from costrel.sessions.stores.file import FileStore
from costrel.sessions.stores.memory import MemoryStore
from costrel.sessions.stores.redis import RedisStore
from costrel.sessions.stores.sqlalchemy import SQLAlchemyStore, metadata

A, B = "a" * 64, "b" * 64
DAY_S = 86_400.0


@pytest.mark.parametrize(
    "url",
    [
        "memcached://localhost", "redis", "postgresql://localhost/app", "sqlalchemy:", "",
        "memory:?max_sessions=0", "memory:?max=1", "memory://x", "file:sessions", "file://host/x",
        "file:///", "file:///x?mode=1", "sqlalchemy:nonsense", "sqlalchemy:sqlite://",
        "sqlalchemy:sqlite:///:memory:", "sqlalchemy:sqlite+aiosqlite:///x.db",
    ],
)  # fmt: skip
def test_url_that_names_no_store_is_refused(url):
    """The error says what to write."""
    with pytest.raises((ValueError, RuntimeError), match="SESSION_STORE"):
        open_store(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:pass-word@localhost/0?socket_timeout=1",
        "rediss://anna:pass-word@localhost/0",
        "sqlalchemy:postgresql+psycopg://anna:pass-word@localhost/app?sslpassword=pass-word",
    ],
)
def test_password_is_not_shown(url):
    """Neither in the representation of a store, nor in the error of one that fails."""
    store = open_store(url)
    assert "pass-word" not in repr(store)
    if isinstance(store, RedisStore):
        with pytest.raises(StoreUnavailableError) as raised:
            store._run(_raise, store._error("no"))
        assert "pass-word" not in str(raised.value)


def _raise(error):
    raise error


@pytest.mark.parametrize(
    "url", ["mystery+x://user:pass-word@h/d", "sqlalchemy:x://u:pass-word@h/d"]
)
def test_password_is_not_in_the_error_for_a_wrong_url(url):
    """It would end up in logs."""
    with pytest.raises(ValueError, match="SESSION_STORE") as raised:
        open_store(url)
    assert "pass-word" not in str(raised.value)


@pytest.mark.parametrize(
    ("package", "url", "extra"),
    [
        ("redis", "redis://localhost", "costrel[redis]"),
        ("sqlalchemy", "sqlalchemy:sqlite:///x.db", "costrel[sqlalchemy]"),
    ],
)
def test_missing_package_is_named_with_the_command(package, url, extra):
    """Also once, when the application starts, and not in the middle of a request."""
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from costrel.sessions.stores import open_store\n"
        f"try: open_store({url!r})\n"
        "except RuntimeError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert f'pip install "{extra}"' in done.stdout


def test_missing_driver_is_named():
    """A database's driver is a package of its own."""
    with pytest.raises(RuntimeError, match=r"driver 'mysql\+pymysql'.*not installed"):
        open_store("sqlalchemy:mysql+pymysql://localhost/app")


def test_application_and_cookie_sessions_load_no_store():
    """Whoever keeps sessions in cookies pays for nothing."""
    code = (
        "import sys, costrel\n"
        "from costrel.sessions.installing import install\n"
        "app = costrel.Flask(__name__)\n"
        "install(app)\n"
        "app.secret_key = 'x'\n"
        "app.add_url_rule('/', 'x', lambda: str(costrel.session.get('x')))\n"
        "assert app.test_client().get('/').text == 'None'\n"
        "print([name for name in sys.modules if name.startswith('costrel.sessions.stor')"
        " or name in ('redis', 'sqlalchemy')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_memory_keeps_the_sessions_that_were_used_last():
    """It is bounded, whoever asks for new sessions."""
    store = open_store("memory:?max_sessions=3")
    for name in "abc":
        store.set(name * 64, b"", DAY_S, name, 0)
    store.touch(A, DAY_S)
    store.set("d" * 64, b"", DAY_S, None, 0)
    assert isinstance(store, MemoryStore)
    assert store.size == 3
    assert store.get(B) is None
    assert store.of_user("b") == []
    assert store.get(A) is not None


def test_files_and_folders_are_for_their_owner_only(tmp_path):
    """Whatever the umask says; and names tell nothing."""
    outer = os.umask(0)
    try:
        store = open_store(f"file://{tmp_path}/sessions%20of/app")
        store.set(A, b"data", DAY_S, "anna@example.com", 0)
    finally:
        os.umask(outer)
    root = tmp_path / "sessions of" / "app"
    found = [root, *root.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_file()} == {0o600}
    assert not any("anna" in path.name for path in found)


def test_folder_that_others_may_write_to_is_refused(tmp_path):
    """They could make sessions."""
    tmp_path.chmod(0o777)
    with pytest.raises(RuntimeError, match="chmod 700"):
        FileStore(tmp_path)


def test_folder_that_is_gone_is_an_outage_until_it_is_back(tmp_path):
    """Such as one on a disk that is not mounted."""
    store = FileStore(tmp_path / "sessions")
    store.set(A, b"1", DAY_S, "anna", 0)
    (tmp_path / "sessions").rename(tmp_path / "elsewhere")
    for call in (
        lambda: store.get(A),
        lambda: store.of_user("anna"),
        lambda: store.set(B, b"1", DAY_S, None, 0),
        lambda: store.touch(A, DAY_S),
        lambda: store.delete(A),
    ):
        with pytest.raises(StoreUnavailableError):
            call()
    (tmp_path / "elsewhere").rename(tmp_path / "sessions")
    assert store.get(A) is not None


def test_expired_files_are_swept(tmp_path, clock):
    """With what a crash has left, and never the lock or a session that lasts."""
    store = FileStore(tmp_path, clock)
    for name in "abcdef":
        store.set(name * 64, b"1", 100 if name in "abc" else 1_000, "anna", 0)
    left = Path(tmp_path, "aa", ".1-2-crash")
    left.write_bytes(b"")
    os.utime(left, (0, 0))
    clock.move(200)
    store.sweep(256)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]
    assert {"d" * 64, "e" * 64, "f" * 64} == {path.name for path in files}
    assert len(files) == 6  # each with its entry in the user's folder


def test_write_sweeps_at_times(tmp_path, clock):
    """No other program has to clean up."""
    store = FileStore(tmp_path, clock)
    store._next_folder = 0xAA
    store.set(A, b"1", 10, None, 0)
    clock.move(61)
    store.set(B, b"1", 10, None, 0)
    assert not Path(tmp_path, "aa", A).exists()


def test_file_that_is_none_of_ours_is_no_session(tmp_path):
    """It is not read as one."""
    store = FileStore(tmp_path)
    Path(tmp_path, "aa").mkdir(0o700)
    Path(tmp_path, "aa", A).write_bytes(b"nonsense")
    assert store.get(A) is None
    assert store.set(A, b"1", DAY_S, None, 0)


def test_full_disk_is_an_outage(tmp_path, monkeypatch):
    """It is reported, and leaves no half-written file."""
    store = FileStore(tmp_path)
    store.set(A, b"1", DAY_S, None, 0)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(StoreUnavailableError, match="No space left"):
        store.set(A, b"2", DAY_S, None, 1)
    assert store.get(A)[:2] == (b"1", 1)
    assert {".lock", A} == set(os.listdir(tmp_path / "aa"))


def test_redis_expires_a_session_and_its_users_list(redis, opened):
    """The server does that, so that nothing has to clean up."""
    store = opened(f"{redis.url}?prefix=expiry")
    store.set(A, b"1", 100, "anna", 0)
    client = store._client
    for key in (f"expiry:{A}", "expiry:user:anna"):
        assert 99_000 < client.pttl(key) <= 100_000
    store.set(B, b"1", 50, "anna", 0)
    assert 99_000 < client.pttl("expiry:user:anna") <= 100_000
    store.touch(A, 200)
    assert 199_000 < client.pttl(f"expiry:{A}") <= 200_000
    client.delete(f"expiry:{A}")  # as at its end
    assert [B] == [kept.id_hash for kept in store.of_user("anna")]


def test_redis_is_used_through_a_unix_socket(redis, opened):
    """As one may on the same machine."""
    store = opened(f"unix://{redis.folder}/socket?db=1")
    store.set(A, b"1", DAY_S, None, 0)
    assert store.get(A) is not None
    assert repr(store) == f"<RedisStore at unix://{redis.folder}/socket>"


def test_applications_with_their_own_prefixes_share_nothing(redis, opened):
    """Logging out everywhere means everywhere in one of them."""
    one, other = (opened(f"{redis.url}?prefix={name}") for name in ("one", "other"))
    one.set(A, b"1", DAY_S, "anna", 0)
    assert other.get(A) is None
    assert other.delete_of_user("anna") == 0
    assert one.get(A) is not None


def test_redis_that_forgot_the_scripts_gets_them_again(redis, opened):
    """As after a restart."""
    store = opened(f"{redis.url}?prefix=scripts")
    store.set(A, b"1", DAY_S, None, 0)
    store._client.script_flush()
    assert store.set(A, b"2", DAY_S, None, 1)


def test_threads_wait_for_each_other_if_the_client_may_open_no_more_connections(redis, opened):
    """More of them than connections are no outage, whatever they ask."""
    store = opened(f"{redis.url}?prefix=full&max_connections=2")
    failed = []

    def use(number):
        try:
            for _ in range(20):
                store.get(A)
                store.set(f"{number:064x}", b"1", DAY_S, "anna", 0)
                store.of_user("anna")
        except StoreUnavailableError as error:
            failed.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(store.of_user("anna")) == 12


def test_expired_rows_are_deleted(tmp_path, clock):
    """By a write, at most each minute."""
    store = SQLAlchemyStore(f"sqlite:///{tmp_path}/x.db", clock)
    store.set(A, b"1", 10, None, 0)
    clock.move(30)
    store.set(B, b"1", 10, None, 0)
    assert _rows(store) == 2
    clock.move(61)
    store.set("c" * 64, b"1", 10, None, 0)
    assert _rows(store) == 1
    clock.move(30)
    assert store.clean() == 1
    store.close()


def _rows(store):
    with store._engine.connect() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM costrel_sessions").scalar()


def test_engine_of_the_application_is_used_and_not_closed(tmp_path):
    """One pool serves both."""
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{tmp_path}/x.db")
    store = SQLAlchemyStore(engine)
    store.set(A, b"1", DAY_S, None, 0)
    pool = engine.pool
    store.close()
    assert engine.pool is pool
    assert "costrel_sessions" in sa.inspect(engine).get_table_names()
    assert "costrel_sessions" in metadata.tables
    engine.dispose()


def test_table_that_another_made_needs_no_right_to_make_one(postgresql, opened, url_of):
    """An application may have a role that only reads and writes rows."""
    import sqlalchemy as sa

    opened(url_of("postgresql")).set(A, b"1", DAY_S, None, 0)
    admin = sa.create_engine(postgresql.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS worker")
        connection.exec_driver_sql("CREATE ROLE worker LOGIN")
        connection.exec_driver_sql(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON costrel_sessions TO worker"
        )
    store = opened(f"sqlalchemy:{postgresql.url.replace('app@', 'worker@')}")
    assert store.get(A) is not None
    assert store.set(B, b"1", DAY_S, None, 0)
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP OWNED BY worker")
        connection.exec_driver_sql("DROP ROLE worker")
    admin.dispose()


def test_store_of_ones_own_needs_five_methods():
    """The rest works by these."""

    class DictStore(SessionStore):
        def __init__(self):
            super().__init__()
            self.inner = MemoryStore()
            for name in ("get", "set", "touch", "delete", "of_user"):
                setattr(self, name, getattr(self.inner, name))

        get = set = touch = delete = of_user = None

    store = DictStore()
    store.set(A, b"1", DAY_S, "anna", 0)
    assert store.move(A, B, b"2", DAY_S, "anna", 1)
    assert not store.move(A, B, b"2", DAY_S, "anna", 1)
    assert store.delete_of_user("anna", B) == 0
    assert store.delete_of_user("anna") == 1
