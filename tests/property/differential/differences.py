"""What may differ from Flask: the entries of ``docs/differences.md`` visible in requests.

Each is as narrow as one request, Flask's answer and ours allow.
"""

from __future__ import annotations

import re
import typing as t

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from costrel.json.tag import TaggedJSONSerializer

from .application import LIMIT_BYTES, PROXIES, SECRET
from .requests import SALT, SIGNING
from .wire import Answer, Raw, environ_of

Listed = t.Callable[[Raw, Answer, Answer], bool]

WELL_FORMED = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]+)?")
CONNECTION = {"transfer-encoding", "keep-alive", "te", "trailer", "proxy-connection", "connection"}
DATED = {"if-modified-since", "if-unmodified-since", "if-range", "date"}


def is_utf_8(raw: bytes) -> bool:
    """Return whether bytes are text."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_failure(answer: Answer) -> bool:
    """Return whether an exception caused an answer: 500, a handler's, or a partial one."""
    return answer.code in {500, 422} or answer.raised == "UnicodeDecodeError"


def names(answer: Answer) -> set[str]:
    """Return the names of an answer's header fields."""
    return {name.lower() for name, _value in answer.fields}


def without(answer: Answer, left_out: set[str]) -> list[tuple[str, str]]:
    """Return an answer's header fields, except some."""
    return sorted((name.lower(), v) for name, v in answer.fields if name.lower() not in left_out)


def depth(text: str) -> int:
    """Return the deepest nesting of opening brackets in a JSON text."""
    return max(text.count("["), text.count("{"))


def environ_behind(raw: Raw) -> dict[str, t.Any]:
    """Return the environ that the application sees, after a trusted proxy if there is one."""
    environ = environ_of(raw)
    if raw.app == "proxied":
        ProxyFix(lambda _environ, _start: [], **PROXIES)(environ, _never_started)
    return environ


def host_of(raw: Raw) -> str:
    """Return the host named in a request."""
    host: str = environ_behind(raw).get("HTTP_HOST", "")
    return host


def server_of(raw: Raw) -> str:
    """Return the host used in URLs if the client names none."""
    environ = environ_behind(raw)
    scheme, port = environ["wsgi.url_scheme"], environ["SERVER_PORT"]
    name: str = environ["SERVER_NAME"]
    if is_malformed(f"{name}:{port}"):
        return "localhost"
    return name if (scheme, port) in {("http", "80"), ("https", "443")} else f"{name}:{port}"


def _never_started(*_args: t.Any) -> t.Any:
    raise NotImplementedError


def is_malformed(host: str) -> bool:
    """Return whether a named host is invalid."""
    matched = WELL_FORMED.fullmatch(host)
    if host == "" or matched is None:
        return host != ""
    # More digits than `int` accepts are not a port either.
    port = (matched[2] or ":0")[1:].lstrip("0")
    return len(port) > 5 or int(port or "0") > 65_535


def with_host(text: str, server: str) -> str:
    """Return Flask's text with the server's host where it has no host."""
    return text.replace(":///", f"://{server}/").replace('"host":""', f'"host":"{server}"')


def has_unreadable_session(raw: Raw) -> bool:
    """Return whether a session cookie is signed but unreadable or not a session."""
    options = {"salt": SALT, "signer_kwargs": SIGNING}
    serializer = URLSafeTimedSerializer(SECRET, serializer=TaggedJSONSerializer(), **options)
    for cookie in re.findall("session=([^;,]*)", raw.field("cookie")):
        try:
            TimestampSigner(SECRET, salt=SALT, **SIGNING).unsign(cookie.strip(' "'))
        except (BadSignature, UnicodeError):
            continue
        try:
            dict(serializer.loads(cookie.strip(' "')))
        except Exception:  # noqa: BLE001  in Flask too, all of them end in a 500
            return True
    return False


def is_unsendable(name: str, value: str) -> bool:
    """Return whether a header field cannot be sent."""
    return (
        not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)
        or bool(re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value))
        or any(ord(char) > 255 for char in value)
        or (name.lower() == "content-length" and not re.fullmatch("[0-9]+", value))
    )


LISTED: dict[str, Listed] = {
    "A body of unannounced length that exceeds `MAX_CONTENT_LENGTH`": lambda raw, _flask, ours: (
        raw.is_chunked and ours.code == 413
        and len(raw.content) > (5 if raw.path == "/small" else LIMIT_BYTES)
    ),
    "A malformed `Host` header": lambda raw, flask, ours: (
        # Nothing is matched then: the application's hooks may answer or fail before the 400,
        # and a blueprint's hooks do not run.
        is_malformed(host_of(raw)) and (ours.code != 200 or ours.body == flask.body)
    ),
    "A query that is not UTF-8": lambda raw, flask, ours: (
        # If the view runs, its use of the query may raise another error.
        is_failure(flask) and "codec can't decode" not in ours.body
        and not is_utf_8(raw.query.encode("latin-1"))
    ),
    "An urlencoded form with a byte that is not UTF-8": lambda raw, _flask, ours: (
        ours.code == 200 and raw.path in {"/form", "/form/key", "/data-then-form"}
        and raw.field("content-type").startswith("application/x-www-form-urlencoded")
        and not is_utf_8(raw.content)
    ),
    "An `Authorization` header of non-ASCII text": lambda raw, flask, ours: (
        is_failure(flask) and not is_failure(ours) and not raw.field("authorization").isascii()
    ),
    "JSON nested deeper than 500 levels": lambda raw, flask, ours: (
        (is_failure(flask) or flask.code == 200) and ours.code == 400
        and depth("".join(raw.body or ())) > 500
    ),
    "JSON with what can't be written back": lambda raw, flask, ours: (
        is_failure(flask) and ours.code == 400 and raw.path.startswith("/json")
    ),
    "A session cookie whose data can't be read": lambda raw, flask, _ours: (
        is_failure(flask) and has_unreadable_session(raw)
    ),
    "A date with a number that is too large": lambda raw, flask, ours: (
        is_failure(flask) and not is_failure(ours)
        and any("9999999999999" in value for name, value in raw.fields if name.lower() in DATED)
    ),
    "If the client names no host": lambda raw, flask, ours: (
        (host_of(raw) == "" or is_malformed(host_of(raw)))
        and flask.code == ours.code and with_host(flask.body, server_of(raw)) == ours.body
        and without(ours, {"content-length"})
        == [(k, with_host(v, server_of(raw))) for k, v in without(flask, {"content-length"})]
    ),
    "Under `stream_with_context`, teardown functions run once": lambda raw, flask, ours: (
        raw.path == "/stream/context" and flask.teardowns == 2 and flask.fields == ours.fields
        and flask.body == ours.body.replace("['x']", "[]")
    ),
    "A response that can't be sent": lambda raw, flask, ours: ours.code == 500 and (
        not 100 <= flask.code <= 999
        or any(is_unsendable(name, value) for name, value in flask.fields)
    ),
    "Header fields about one connection": lambda _raw, flask, ours: (
        flask.code == ours.code and flask.body == ours.body
        and bool(names(flask) & CONNECTION)
        and without(flask, CONNECTION) == without(ours, CONNECTION)
    ),
}  # fmt: skip
