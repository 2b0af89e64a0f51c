"""Sessions in Redis, or in Valkey, which speaks the same protocol.

A session is the hash ``<prefix>:<hash of the id>`` with the fields ``d`` data, ``v`` version,
``u`` user, ``c`` created and ``t`` used (milliseconds since the epoch). The server expires it.
The sorted set ``<prefix>:user:<user>`` lists a user's sessions by the time at which they expire.
Every write is one script, which the server runs as one step.
"""

from __future__ import annotations

import functools
import importlib
import time
import typing as t
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


class RedisStore(SessionStore):
    """Keep sessions in Redis or Valkey.

    Connections are opened when needed, one for each thread that uses one at the same time, and
    again after the server was restarted. Give each application a ``prefix`` of its own. The
    clocks of the machines should agree to the second; when a session expires, the server decides.

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
        self._kept: list[t.Any] = []
        # A connection that the server has closed is opened again, once. One that does not answer
        # in time is not asked again: the client would wait for twice as long.
        again = retry.Retry(backoff.NoBackoff(), 1, supported_errors=(exceptions.ConnectionError,))
        self._client: t.Any = redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
            retry=again,
        )
        self._key_start: bytes = self._client.get_encoder().encode(f"{self.prefix}:")
        script = self._client.register_script
        self._set, self._move, self._touch = script(_SET), script(_MOVE), script(_TOUCH)
        self._delete, self._delete_of_user = script(_DELETE), script(_DELETE_OF_USER)
        self._place = _without_secrets(url)

    def __repr__(self) -> str:
        return f"<RedisStore at {self._place}>"

    def get(self, id_hash: str) -> Stored | None:
        """Return a session: see `SessionStore.get`."""
        return _read(self._run(self._fetch, id_hash))

    def set(
        self,
        id_hash: str,
        data: bytes,
        lifetime_s: float,
        user: str | None,
        expected_version: int,
    ) -> bool:
        """Write a session if it has this version: see `SessionStore.set`."""
        args = [id_hash, expected_version, data, user or "", self._now_ms(), _ms(lifetime_s)]
        return bool(self._run(self._set, [], [self.prefix, *args]))

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
        args = [id_hash, expected_version, data, user or "", self._now_ms(), _ms(lifetime_s)]
        return bool(self._run(self._move, [], [self.prefix, *args, new_hash]))

    def touch(self, id_hash: str, lifetime_s: float) -> None:
        """Let a session last for this long from now: see `SessionStore.touch`."""
        self._run(self._touch, [], [self.prefix, id_hash, self._now_ms(), _ms(lifetime_s)])

    def delete(self, id_hash: str) -> None:
        """End a session: see `SessionStore.delete`."""
        self._run(self._delete, [], [self.prefix, id_hash])

    def of_user(self, user: str) -> list[Kept]:
        """Return the sessions of a user: see `SessionStore.of_user`."""
        return self._run(self._of_user, user)

    def delete_of_user(self, user: str, except_: str | None = None) -> int:
        """End the sessions of a user: see `SessionStore.delete_of_user`."""
        return int(self._run(self._delete_of_user, [], [self.prefix, user, except_ or ""]))

    def close(self) -> None:
        """Close the connections that no thread is using; the next call opens new ones."""
        pool = self._client.connection_pool
        kept, self._kept = self._kept, []
        for connection in kept:
            pool.release(connection)
        pool.disconnect(inuse_connections=False)

    def after_fork(self) -> None:
        """Leave the connections to the parent process; the client's own pool does so itself."""
        self._kept = []

    def _fetch(self, id_hash: str) -> t.Any:
        """Read a session's fields; again, once, if the connection turns out to be closed.

        Keeps the connections that it uses, which takes a third of the time that it takes to get
        one from the client's pool and to give it back.
        """
        notice_fork()
        pool = self._client.connection_pool
        command = [_hmget(self._key_start + id_hash.encode())]
        for is_last in (False, True):
            try:
                connection = self._kept.pop()
            except IndexError:
                connection = pool.get_connection()
            try:
                connection.send_packed_command(command, check_health=False)
                found = connection.read_response()
            except BaseException as error:
                connection.disconnect()
                pool.release(connection)
                if is_last or not isinstance(error, self._connection_error):
                    raise
                # The server was restarted, so the others are closed as well.
                kept, self._kept = self._kept, []
                for closed in kept:
                    closed.disconnect()
                    pool.release(closed)
            else:
                self._kept.append(connection)
                return found
        raise AssertionError("It returns or raises.")

    def _of_user(self, user: str) -> list[Kept]:
        ids = [each.decode() for each in self._client.zrange(f"{self.prefix}:user:{user}", 0, -1)]
        if not ids:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for id_hash in ids:
            pipeline.hmget(f"{self.prefix}:{id_hash}", _FIELDS)
        found = zip(ids, map(_read, pipeline.execute()), strict=True)
        # An expired one is still listed until the next write.
        return [Kept(each, s.created_at, s.used_at) for each, s in found if s is not None]

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
