"""Sessions in Redis, or in Valkey, which speaks the same protocol.

A session is the hash ``<prefix>:<hash of the id>`` with the fields ``d`` data, ``v`` version,
``u`` user, ``c`` created and ``t`` used (milliseconds since the epoch). The server expires it.
The sorted set ``<prefix>:user:<user>`` lists a user's sessions by the time at which they expire.
Every write is one script, which the server runs as one step.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import time
import typing as t
from contextlib import suppress
from queue import Empty, SimpleQueue
from urllib.parse import parse_qsl, urlencode

from ...ground.redaction import check_server_address
from . import Clock, Kept, SessionStore, Stored, StoreUnavailableError, notice_fork

PREFIX = "costrel:session"
"""What the names of all keys begin with, unless the URL says ``?prefix=``."""

CONNECT_TIMEOUT_S = 1.0
"""How long connecting may take, unless the URL says ``?socket_connect_timeout=``."""

ANSWER_TIMEOUT_S = 2.0
"""How long the server may take to answer, unless the URL says ``?socket_timeout=``."""

# ARGV: the prefix, then what each says. Keys are made from it, as all are on one server.
_LIST = """
local function unlist(id, user)
    if user and user ~= '' then redis.call('ZREM', ARGV[1] .. ':user:' .. user, id) end
end
local function list(id, user, now, lifetime)
    if user == '' then return end
    local key = ARGV[1] .. ':user:' .. user
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    redis.call('ZADD', key, now + lifetime, id)
    if redis.call('PTTL', key) < tonumber(lifetime) then redis.call('PEXPIRE', key, lifetime) end
end
local function key_of(id) return ARGV[1] .. ':' .. id end
"""

_SET = f"""{_LIST}
local id, expected, data, user, now, lifetime = unpack(ARGV, 2)
local old = redis.call('HMGET', key_of(id), 'v', 'u')
if (old[1] or '0') ~= expected then return 0 end
if expected == '0' then redis.call('HSET', key_of(id), 'c', now) end
redis.call('HSET', key_of(id), 'd', data, 'v', expected + 1, 'u', user, 't', now)
redis.call('PEXPIRE', key_of(id), lifetime)
if old[2] ~= user then unlist(id, old[2]) end
list(id, user, now, lifetime)
return 1
"""

_MOVE = f"""{_LIST}
local id, expected, data, user, now, lifetime, new = unpack(ARGV, 2)
local old = redis.call('HMGET', key_of(id), 'v', 'u')
if old[1] ~= expected then return 0 end
redis.call('DEL', key_of(id))
unlist(id, old[2])
redis.call('HSET', key_of(new), 'd', data, 'v', 1, 'u', user, 'c', now, 't', now)
redis.call('PEXPIRE', key_of(new), lifetime)
list(new, user, now, lifetime)
return 1
"""

_TOUCH = f"""{_LIST}
local id, now, lifetime = unpack(ARGV, 2)
local user = redis.call('HGET', key_of(id), 'u')
if not user then return 0 end
redis.call('HSET', key_of(id), 't', now)
redis.call('PEXPIRE', key_of(id), lifetime)
list(id, user, now, lifetime)
return 1
"""

_DELETE = f"""{_LIST}
local id = ARGV[2]
unlist(id, redis.call('HGET', key_of(id), 'u'))
return redis.call('DEL', key_of(id))
"""

_DELETE_OF_USER = f"""{_LIST}
local user, except = unpack(ARGV, 2)
local ended = 0
for _, id in ipairs(redis.call('ZRANGE', ARGV[1] .. ':user:' .. user, 0, -1)) do
    if id ~= except then
        ended = ended + redis.call('DEL', key_of(id))
        unlist(id, user)
    end
end
return ended
"""

_FIELDS = ("d", "v", "u", "c", "t")
_HMGET = b"*%d\r\n$5\r\nHMGET\r\n" % (2 + len(_FIELDS))
_NAMES = b"".join(b"$%d\r\n%b\r\n" % (len(name), name.encode()) for name in _FIELDS)

R = t.TypeVar("R")


class _Script:
    """A script: what asks the server to run the one that it knows, and to learn and run it."""

    def __init__(self, text: str) -> None:
        code = text.encode()
        name = hashlib.sha1(code, usedforsecurity=False).hexdigest().encode()
        self.known = b"EVALSHA", name, b"0"
        self.whole = b"EVAL", code, b"0"


_set, _move, _touch = _Script(_SET), _Script(_MOVE), _Script(_TOUCH)
_delete, _delete_of_user = _Script(_DELETE), _Script(_DELETE_OF_USER)


class RedisStore(SessionStore):
    """Keep sessions in Redis or Valkey.

    Connections are opened when needed, one for each thread that uses one at the same time, and
    again after the server was restarted. Threads wait for each other if they need more than the
    client may open, which the option ``max_connections`` says. Give each application a ``prefix``
    of its own. The clocks of the machines should agree to the second; when a session expires, the
    server decides.

    Args:
        url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, with the options that
            ``redis.Redis.from_url`` takes, and ``prefix``.
        clock: Returns the seconds since the epoch.

    Raises `RuntimeError` if redis is not installed, and `ValueError` for a URL that it refuses.
    """

    def __init__(self, url: str, clock: Clock = time.time) -> None:
        super().__init__(clock)
        redis = _load("redis")
        exceptions, backoff, retry = map(
            _load, ("redis.exceptions", "redis.backoff", "redis.retry")
        )
        check_server_address("SESSION_STORE", url)
        url, self.prefix = _split_prefix(url)
        self._error: type[Exception] = exceptions.RedisError
        self._connection_error: type[Exception] = exceptions.ConnectionError
        self._refusal: type[Exception] = exceptions.ResponseError
        self._unknown_script: type[Exception] = exceptions.NoScriptError
        # When the client may open no more connections; redis 5 has no class for that.
        self._full: t.Any = getattr(exceptions, "MaxConnectionsError", ())
        self._kept: SimpleQueue[t.Any] = SimpleQueue()
        # A connection that the server has closed is opened again, once. One that does not answer
        # in time is not asked again: the client would wait for twice as long.
        again = retry.Retry(backoff.NoBackoff(), 1, supported_errors=(exceptions.ConnectionError,))
        self._client: t.Any = redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
            retry=again,
        )
        self._key_start = f"{self.prefix}:".encode()
        self._place = _without_secrets(url)

    def __repr__(self) -> str:
        return f"<RedisStore at {self._place}>"

    def get(self, id_hash: str) -> Stored | None:
        """Return a session: see `SessionStore.get`."""
        return _read(self._run(self._ask, _hmget(self._key_start + id_hash.encode())))

    def set(
        self,
        id_hash: str,
        data: bytes,
        lifetime_s: float,
        user: str | None,
        expected_version: int,
    ) -> bool:
        """Write a session if it has this version: see `SessionStore.set`."""
        args = id_hash, expected_version, data, user or "", self._now_ms(), _ms(lifetime_s)
        return bool(self._run(self._ask_script, _set, *args))

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
        args = id_hash, expected_version, data, user or "", self._now_ms(), _ms(lifetime_s)
        return bool(self._run(self._ask_script, _move, *args, new_hash))

    def touch(self, id_hash: str, lifetime_s: float) -> None:
        """Let a session last for this long from now: see `SessionStore.touch`."""
        self._run(self._ask_script, _touch, id_hash, self._now_ms(), _ms(lifetime_s))

    def delete(self, id_hash: str) -> None:
        """End a session: see `SessionStore.delete`."""
        self._run(self._ask_script, _delete, id_hash)

    def of_user(self, user: str) -> list[Kept]:
        """Return the sessions of a user: see `SessionStore.of_user`."""
        return self._run(self._of_user, user)

    def delete_of_user(self, user: str, except_: str | None = None) -> int:
        """End the sessions of a user: see `SessionStore.delete_of_user`."""
        return int(self._run(self._ask_script, _delete_of_user, user, except_ or ""))

    def close(self) -> None:
        """Close the connections that no thread is using; the next call opens new ones."""
        self._drop_kept()
        self._client.connection_pool.disconnect(inuse_connections=False)

    def after_fork(self) -> None:
        """Leave the connections to the parent process; the client's own pool does so itself."""
        self._kept = SimpleQueue()

    def _ask_script(self, script: _Script, *args: str | bytes | int) -> t.Any:
        """Run a script; the server learns it if it does not know it, as after a restart."""
        values = [self.prefix.encode(), *map(_argument, args)]
        try:
            return self._ask(_packed(*script.known, *values))
        except self._unknown_script:
            return self._ask(_packed(*script.whole, *values))

    def _ask(self, command: bytes, answers: int | None = None) -> t.Any:
        """Send a command; again, once, if the connection turns out to be closed.

        Keeps the connections that it uses, which takes a third of the time that it takes to get
        one from the client's pool and to give it back. With a number of `answers`, the command
        is as many, and a list is returned.
        """
        notice_fork()
        for is_last in (False, True):
            try:
                connection = self._kept.get_nowait()
            except Empty:
                connection = self._connect()
            try:
                connection.send_packed_command([command], check_health=False)
                read = connection.read_response
                if answers is None:
                    answer = read(disable_decoding=True)
                else:
                    answer = [read(disable_decoding=True) for _ in range(answers)]
            except BaseException as error:
                if answers is None and isinstance(error, self._refusal):
                    # An answer as any other to the connection.
                    self._kept.put(connection)
                    raise
                self._drop(connection)
                if is_last or not isinstance(error, self._connection_error):
                    raise
                # The server was restarted, so the others are closed as well.
                self._drop_kept()
            else:
                self._kept.put(connection)
                return answer
        raise AssertionError("It returns or raises.")

    def _connect(self) -> t.Any:
        """Open a connection; if the client has as many as it may, wait until one is free."""
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            try:
                return self._client.connection_pool.get_connection()
            except self._full:
                if time.monotonic() > until:
                    raise
            # Not for the whole time: one that fails goes back to the client.
            with suppress(Empty):
                return self._kept.get(timeout=ANSWER_TIMEOUT_S / 20)

    def _drop(self, connection: t.Any) -> None:
        connection.disconnect()
        self._client.connection_pool.release(connection)

    def _drop_kept(self) -> None:
        with suppress(Empty):
            while True:
                self._drop(self._kept.get_nowait())

    def _of_user(self, user: str) -> list[Kept]:
        listed = self._ask(_packed(b"ZRANGE", f"{self.prefix}:user:{user}".encode(), b"0", b"-1"))
        commands = [_hmget(self._key_start + each) for each in listed]
        answers = self._ask(b"".join(commands), len(commands)) if commands else []
        found = zip(listed, map(_read, answers), strict=True)
        # An expired one is still listed until the next write.
        return [Kept(each.decode(), s.created_at, s.used_at) for each, s in found if s is not None]

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)

    def _run(self, function: t.Callable[..., R], *args: t.Any) -> R:
        try:
            return function(*args)
        except self._error as error:
            reason = f"{type(error).__name__}: {error}"
            raise StoreUnavailableError(f"Redis at {self._place} failed: {reason}") from error


def _hmget(key: bytes) -> bytes:
    """Return the command that reads a session's fields, as it is sent.

    PERF(page_redis): 1 us instead of 5 us for the client's own. SPEC(RESP): bulk strings.
    """
    return b"%b$%d\r\n%b\r\n%b" % (_HMGET, len(key), key, _NAMES)


def _packed(*parts: bytes) -> bytes:
    """Return a command as it is sent. SPEC(RESP): an array of bulk strings."""
    strings = [b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]
    return b"*%d\r\n%b" % (len(parts), b"".join(strings))


def _argument(value: str | bytes | int) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _read(found: t.Sequence[bytes | None]) -> Stored | None:
    data, version, user, created_ms, used_ms = found
    if data is None or version is None or created_ms is None or used_ms is None:
        return None
    return Stored(
        data,
        int(version),
        user.decode() if user else None,
        int(created_ms) / 1000,
        int(used_ms) / 1000,
    )


def _ms(seconds: float) -> int:
    # 0 would delete it, and a negative number is an error.
    return max(1, int(seconds * 1000))


def _split_prefix(url: str) -> tuple[str, str]:
    """Return a URL without its ``prefix`` option, and the prefix."""
    # Not with `urlunsplit`, which writes unix:// with one slash.
    place, _mark, query = url.partition("?")
    options = parse_qsl(query, keep_blank_values=True)
    prefixes = [value for name, value in options if name == "prefix" and value]
    left = urlencode([(name, value) for name, value in options if name != "prefix"])
    return f"{place}?{left}" if left else place, prefixes[-1] if prefixes else PREFIX


def _without_secrets(url: str) -> str:
    """Return a URL without its user, password and options, for logs."""
    scheme, _slashes, rest = url.partition("?")[0].partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


@functools.cache
def _load(name: str) -> t.Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RuntimeError(
            "SESSION_STORE names Redis, but its client is not installed. Run: pip install"
            ' "costrel[redis]"'
        ) from error
