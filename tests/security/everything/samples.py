"""Samples of what clients and attackers send, for `hostile` to put together."""

from __future__ import annotations

from itsdangerous import URLSafeTimedSerializer

from .application import FRIEND, PAYER, SECRET

PIECES = (
    "", "a", "0", "-1", " ", '"', "'", ",", ";", "=", "&", "%", "%00", "%0d%0a", "\\", "/", "//",
    "..", "../", "\t", "\x0b", "\x1b[31m", "\x7f", "\xa0", "\xe9", "\xff", "<script>", "{{7*7}}",
    "${x}", "{", "[", "NaN", "1e999", "9" * 400, "x" * 3000, "null", "evil.test",
    "http://evil.test", "@", ":", "#", "?", "*", "CON", "a:$DATA",
    "\u202e".encode().decode("latin-1"), "bytes=", "q=0.5",
)  # fmt: skip
PATHS = (
    "/", "/", "/async/@", "/async/@/@", "/numbers/#/1.5/00000000-0000-0000-0000-00000000000#/",
    "/numbers/@/@/@", "/go", "/back", "/stream", "/cookies", "/limited", "/open", "/items",
    "/files/@", "/files/a.css", "/static/a.css", "/static/@", "/static/@/@", "/download",
    "/account", "/async-account", "/login", "/@", "//@", "@", "*", "/\\@", "http://@/",
    "/api/orders/@", "/account/",
)  # fmt: skip
WITH_BODY = (
    "/write/@", "/async", "/json", "/data", "/upload", "/webhook", "/items", "/back", "/login",
    "/login", "/logout", "/api/orders/#", "/api/subscriptions", "/async/x", "/",
)  # fmt: skip
METHODS = (
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND",
    "get", "HELPER", "__INIT__", "A-B",
)  # fmt: skip
TYPES = (
    "", "application/json", "application/json; charset=utf-16", "text/json", "application/x+json",
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=",
    'multipart/form-data; boundary="b\\""', "multipart/form-data; boundary=" + "b" * 300,
    "multipart/form-data; boundary=\xe9", "multipart/mixed; boundary=b", "text/plain", "/", ";",
    "a;b*=c", "application/msgpack", "application/x-msgpack", "application/merge-patch+json",
)  # fmt: skip
HOSTS = (
    "example.test", "x.example.test:8443", "evil.test", "localhost.evil.test", "example.test.",
    "[::1]", "[::1", "a/../x?", "u@example.test", "", " ", "LOCALHOST", "example.test:x",
    "\xe9.example.test", "xn--.example.test", ".example.test", "example.test,evil.test", "127.1",
    "a" * 300,
)  # fmt: skip
ORIGINS = (
    FRIEND, PAYER, "null", "https://evil.test", "http://localhost", "https://localhost",
    "https://a.cdn.test", "https://a.cdn.test.evil.test", "https://front.example.test.evil.test",
    "https://front.example.test\x0b", "HTTPS://FRONT.EXAMPLE.TEST", "https://[::1",
    "http://localhost:x", "", "*", "file://", "http://u@localhost",
)  # fmt: skip
TARGETS = (
    "/", "/account", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test",
    "https:evil.test", "http://localhost@evil.test", "javascript:alert(1)", "/%09/evil.test",
    "\t//evil.test", "http://[", PAYER + "/x", "http://localhost/", "https://example.test/", "?a",
    "#a", "a:b", "/\r\nX: y", "http:",
)  # fmt: skip
JSON = (
    "{}", "[]", "1", "NaN", "-Infinity", "1e999", "9" * 5000, '"\\ud800"', "\xff\xfe",
    '{"a":1,"a":2}', "[" * 600, '{"a":' * 600, "[" * 100_000, "", "{", '"', "nul",
    "\ufeff".encode().decode("latin-1"), '{"name":"a"}', '{"name":"a","count":-1}',
    '{"name":"","price":1e400}', '{"name":null}',
    '{"name":"a","addresses":[{"street":"b","number":2.0}]}', '{"name":"a","more":{"b":[[[]]]}}',
    '{"name":"a","count":99999999999999999999999}', '{"name":"\\u0000"}', "\x81\xa4name\xa1a",
)  # fmt: skip
FORMS = (
    "", "a=1", "a=1&b=2&a=3", "&&", "=", "a", "a=%", "a=%ff%fe", "a=\xff", "a=" + "x" * 60_000,
    "&".join(["a=1"] * 1200), "name=ada&password=correct+horse+battery", "email=a&age=1",
    "email=a&age=x", "name=ada&password=correct+horse+battery&remember=1",
    "name=ada&password=guess", "name=" + "é" * 9, "name=ada&password=" + "x" * 2000,
    "name=%00&password=%00", "next=//evil.test", "csrf_token=x.y.z",
)  # fmt: skip
DISPOSITIONS = (
    'name="a"', 'name="a"; filename="x.txt"', 'name="f"; filename="../../x"', "name=a", "name", "",
    'name="a"; filename*=utf-8\'\'%ff', 'name="' + "a" * 2000 + '"',
    'name="\xff"; filename="\xff"', 'name="a"; filename=""', 'name="csrf_token"', 'name="a\\"b"',
    'filename="x"',
)  # fmt: skip
RANGES = (
    "bytes=0-1", "bytes=-1", "bytes=5-2", "bytes=0-0,2-3", "bytes=-0", "bytes=99999-", "bytes=",
    "0-1", "bytes=a-b", "bytes=" + "0-1," * 500, "lines=1-2", "bytes=" + "9" * 400 + "-",
    "bytes=\xb2-\xb3",
)  # fmt: skip
DATES = (
    "Wed, 21 Oct 2065 07:28:00 GMT", "Mon, 99 Foo 0000", "0", "x",
    "Wed, 21 Oct 1015 07:28:00 +9999",
)  # fmt: skip
FORWARDED = (
    "203.0.113.7", "203.0.113.7, 10.0.0.9", "10.0.0.1, 10.0.0.2, 10.0.0.3", "unknown", "", ",",
    ", ,", "[2001:db8::1]:443", "2001:db8::1", "203.0.113.7:80", "::ffff:10.0.0.1", "a" * 500,
    "1.2.3", "999.1.1.1", "203.0.113.7 , evil", ",".join(["10.0.0.1"] * 300), "fe80::1%eth0",
)  # fmt: skip
IDS = ("a-b", "x" * 129, "\x1b[31m", "a b", "", "\xe9", "{id}")
serializer = URLSafeTimedSerializer(SECRET, salt="cookie-session")
COOKIE_VALUES = (
    "A" * 43, "x", "", "../../etc/passwd", serializer.dumps({"_user_id": "ada"}), "a|b", "a.b.c",
    "\xff", '"', '"\\', "." + "A" * 3900, "1:2:3", "A" * 43 + "." + "B" * 43,
)  # fmt: skip
COOKIE_NAMES = (
    "session", "__Host-session", "remember", "__Host-remember", "csrf", "__Host-csrf", "a", "",
    "$Version",
)  # fmt: skip

PARAMETERS = (
    "a", "b", "to", "to", "next", "name", "title", "message", "page", "piece", "onclick", "x%20y",
)  # fmt: skip
QUERIES = ("&" * 1100, "a=1&" * 1100, "=", "%", "a=%ff", "\xff", "a=" + "x" * 9000)
PART_NAMES = ("Content-Disposition",) * 6 + ("content-disposition ", "X", "")
PART_FIELDS = (
    "", "", "", "\r\nContent-Type: text/plain", "\r\nContent-Type: a; charset=x",
    "\r\nX: y" * 1500,
)  # fmt: skip
PART_BODIES = ("x", "", "\r\n", "--b", "\r\n--b", "\xff\0", "x" * 30_000)
PREAMBLES = ("", "", "", "preamble\r\n", "\r" * 9000)
ENDS = (
    "--b--\r\n", "--b--\r\n", "--b--\r\n", "--b--", "--b", "", "--b\r\n\r\n",
    "--b--\r\n" + "x" * 9000,
)  # fmt: skip
TEXTS = ("x" * 250_000, "x" * 900, "")

FIELDS: dict[str, tuple[str, ...]] = {
    "Origin": ORIGINS,
    "Sec-Fetch-Site": ("same-origin", "same-site", "cross-site", "cross-site", "none", "x", ""),
    "Sec-Fetch-Mode": ("navigate", "cors", "no-cors"),
    "Referer": TARGETS + ORIGINS,
    "X-CSRF-Token": ("x", "x.y.z", ""),
    "Authorization": (
        "Bearer x",
        "Bearer",
        "Basic",
        "Basic !",
        "Basic /w==",
        "Digest a=b",
        "Negotiate x",
        "",
        '="',
    ),
    "X-Forwarded-For": FORWARDED,
    "X-Forwarded-Proto": ("https", "http", "https, http", "ftp", "HTTPS", ""),
    "X-Forwarded-Host": HOSTS,
    "X-Forwarded-Port": ("443", "8443", "x", "-1", "99999999", "", "\xb2"),
    "X-Forwarded-Prefix": (
        "/pre",
        "//evil.test",
        "pre",
        "/",
        "/\\evil.test",
        "/a?b",
        "/a, /b",
        "/\xff",
    ),
    "Forwarded": ("for=203.0.113.7;proto=https", "for=_x", "for"),
    "X-Request-ID": IDS,
    "X-API-Key": ("a", ""),
    "X-A": ("1", "x", "", "9" * 5000, "1.0", "1_0", "\xb2"),
    "Access-Control-Request-Method": METHODS,
    "Access-Control-Request-Headers": ("content-type", "x-a, x-b", "*"),
    "Access-Control-Request-Private-Network": ("true",),
    "Content-Type": TYPES,
    "Content-Encoding": ("gzip", "identity", "br"),
    "Accept": (
        "text/html",
        "application/json",
        "*/*;q=x",
        "text/*",
        "," * 500,
        "a/b;q=1e999",
        ";q=nan",
    ),
    "Accept-Language": ("de, en;q=0.5", "*", "de;q=x", "-"),
    "User-Agent": ("curl/8", "\x1b]0;x\x07"),
    "Range": RANGES,
    "If-Range": (*DATES, '"e"', 'W/"e"'),
    "If-None-Match": ("*", '"e"', 'W/"x"', '"', '"' * 3000),
    "If-Match": ("*", '"e"', "x"),
    "If-Modified-Since": DATES,
    "If-Unmodified-Since": DATES,
    "Upgrade": ("websocket", "h2c"),
    "X-HTTP-Method-Override": ("DELETE", "HELPER"),
    "Expect": ("100-continue", "x"),
}
