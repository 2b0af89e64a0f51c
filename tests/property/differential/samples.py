"""Values from ordinary clients, and from attackers."""

from __future__ import annotations

LONG = "9" * 4_301
"""More digits than Python reads."""

DATES = (
    "Sun, 13 Sep 2020 12:26:40 GMT", "Sun, 13 Sep 2020 12:26:41 GMT",
    "Sun, 13 Sep 2020 12:26:39 GMT", "Mon, 01 Jan 2035 00:00:00 GMT",
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Mon, 01 Jan 2020 00:00:00 +99999999999999999999", "Mon, 01 Jan 2020 99:00:00 GMT",
    "Sunday, 13-Sep-20 12:26:40 GMT", "0", "-1", "today", "1970",
)  # fmt: skip

ETAGS = (
    '"tag"', 'W/"tag"', "tag", "*", '"other", "tag"', '"', 'W/"', ",", '"a\xe9"',
)  # fmt: skip

RANGES = (
    "bytes=0-1", "bytes=-1", "bytes=5-", "bytes=0-0,2-3", "bytes=1-0", "bytes=100-", "bytes=-",
    "bytes=", "items=0-1", "bytes=a-b", "bytes=0-99999", f"bytes={LONG}-", f"bytes=-{LONG}",
    "bytes=-0", "bytes 0-1", "bytes=0-1,", "BYTES=0-1", "bytes= 1 - 2",
    "bytes=\u0663-".encode().decode("latin-1"),
)  # fmt: skip

HOSTS = (
    "localhost", "localhost:8000", "example.test", "example.test:80", "x.example.test",
    "a.b.example.test", "EXAMPLE.TEST", "evil.test", "", " ", "a/b", "a b", "a@b", "[::1]",
    "[::1]:80", "[", "x:99999", "x:a", "x:", ":80", ".", "..", "-a", "a_b.test",
    "xn--e1afmkfd.test", "\xe9.test", "b\xc3\xbc.test", "a,b", "a?b", "a#b", "a\\b", "x" * 300,
    "127.0.0.1", "example.test.", "example.test:443", "x%2ey", "<b>", '"',
)  # fmt: skip

TYPES = (
    "application/json", "application/json; charset=utf-8", "application/problem+json", "text/plain",
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=latin-1",
    "multipart/form-data", "multipart/form-data; boundary=b", 'multipart/form-data; boundary="b"',
    "multipart/mixed; boundary=b", "multipart/form-data; boundary=", "APPLICATION/JSON", "a", "/",
    "text/plain; charset=utf-16", "text/plain; charset=nothing", "application/json;", ";",
    "\xe9/\xff", "multipart/form-data; boundary=b; boundary=c",
    "multipart/form-data; boundary=" + "b" * 80,
)  # fmt: skip

FORWARDED_FOR = (
    "192.0.2.7",
    "192.0.2.7, 192.0.2.8",
    "[::1]",
    "[::1]:80",
    "192.0.2.7:80",
    "",
    ",",
    "x",
)

CREDENTIALS = (
    "Basic dTpw", "Basic dQ==", "Basic", "Basic ====", "basic dTpw", "Basic \xff", "Bearer abc",
    "Bearer", 'Digest username="u", realm=x', "Digest", "X", "Basic /////w==", "Digest a", " ",
    "=",
)  # fmt: skip

PIECES = (
    "0", "1", "-1", LONG, "1e400", "nan", "0.5", "99999999999", ",", ";", "=", ":", '"', "'", "\\",
    "/", "*", "%", "%ff", " ", "\t", "..", "q=", "q=0.5", "gzip", "text/html", "*/*", "text/*;q=0",
    "en-GB", "charset=utf-16", "filename*=utf-8''%ff", "boundary=", "max-age=", "no-cache",
    "bytes 0-1/2", "a=b", "for=", "\xe9", "\xff", "\x7f", "\x01", "example.test", "https", "a",
    "<b>", "{{ 1 }}", "()" * 200,
)  # fmt: skip

TAGGED = (
    '{"a":{" t":[1,2]}}', '{"a":{" b":"/w=="}}', '{"a":{" b":"!"}}', '{"a":{" d":"no date"}}',
    '{"a":{" u":"12"}}', '{"a":{" u":"00000000000000000000000000000000"}}', '{"a":{" m":"<b>"}}',
    '{"a":{" di":{"x":1}}}', '{"a":{" t":1}}', "[]", "1", '"text"', "null", "{", "", "[" * 2_000,
    '{"a":NaN}', '{"a":1e999}', '{"a":"\\ud800"}', '{"_flashes":[{" t":["x","y"]}]}',
    '{"_flashes":1}', '{"_permanent":true,"a":1}', '{" t":[1]}', '{"a":' + LONG + "}",
    '{"list":"text"}', '{"a":1,"a":2}',
)  # fmt: skip

PATHS = (
    "/", "/echo", "/echo/@", "/args", "/key", "/data", "/text", "/json", "/json/silent",
    "/json/force", "/json/key", "/form", "/form/key", "/data-then-form", "/stream-in", "/small",
    "/unread", "/value/#", "/abort/#", "/abort/text", "/fail", "/stream", "/stream/context",
    "/template", "/template/stream", "/file", "/file/a.txt", "/file/@", "/conditional", "/header",
    "/cookie", "/redirect", "/later", "/session", "/session/set", "/session/typed",
    "/session/write", "/session/nested", "/session/permanent", "/session/clear", "/session/pop",
    "/flash", "/flash/here", "/flashed",
    "/int/@", "/int/@/", "/signed/@", "/fixed/@", "/float/@", "/float/@/s", "/uuid/@", "/any/@",
    "/path/@/@/end", "/path/@", "/three/@", "/short/@.@", "/list/@", "/%C3%A9/@", "/%E9/@",
    "/%E2%98%BA", "/%20/x", "/a%20b", "/branch", "/branch/", "/branch/@", "/branch/@/", "/leaf",
    "/leaf/", "/lax", "/lax/", "/lax/@", "/lax/@/", "/slashes//x", "/slashes/x", "/pages",
    "/pages/", "/pages/page/1", "/pages/page/@", "/old/@", "/no-options", "/own-options",
    "/made-up", "/post", "/put", "/same", "/one/@/@", "/one/@/fixed", "/one/@/@/@", "/built",
    "/item/#", "/old-view", "/urls", "/url/@", "/url/index", "/url/rule0", "/bp/@/page/@",
    "/bp/@/fail/key", "/bp/@/fail/404", "/bp/@/fail/value", "/bp/@/inner/", "/bp/@/inner",
    "/bp/none/page/x", "/static/a.txt", "/static/sub/index.html", "/static/%C3%A9%20%E2%98%BA.html",
    "/static/empty.css", "/static/data.bin", "/static/@", "/static/sub", "/static/../a.txt",
    "/static/%2e%2e/a.txt", "/nowhere", "/@", "//", "//@", "//branch", "/branch//", "/./leaf",
    "/deep/@", "*", "/;a=b", "/echo/;a=b",
)  # fmt: skip

JSON = (
    "{}", "[]", '{"a":1}', '{"a":"\\u263a"}', '{"a":"\\ud800"}', "NaN", "[1e400]", "1", '"x"',
    "null", "", " ", "{", '{"a":1}x', "\xef\xbb\xbf{}", '{"a":1,"a":2}', "[" * 400 + "]" * 400,
    "[" * 600 + "]" * 600, "[" * 5_000, LONG, "-0", "1.0", "1E5", "\xff", '"\xff"', '"\xc3\xa9"',
    "true", "True", "{'a':1}", '{"a":\t1}', '"\t"', "-", "\xfe\xff\0{\0}", "{\0}\0",
    "\0\0\0{\0\0\0}", '{"a":' + "9" * 100 + "}", '["[[[["]', "[1,]", "Infinity", "01",
    '{"a":1e-400}', '"\\u0000"', '{"":1}', '{"__proto__":{}}', "/**/1", "1.7976931348623157e309",
    "\x00",
)  # fmt: skip

FORMS = (
    "a=1&b=2", "a=1&a=2", "a", "=1", "a=%FF", "a=\xff", "a=\xc3\xa9", "a=%C3%A9", "&&", "a=1;b=2",
    "a=%", "a=+%2B", "a=1&" * 8, "a=" + "x" * 600, "a=" + "x" * 2_500, "%FF=1", "a=%00", "a[b]=1",
    "\0", "a=1\r\n", "a=%ED%A0%80",
)  # fmt: skip

NAMES = (
    'name="a"', 'name="b"; filename="f.txt"', 'name="f"; filename="../x"', 'name="\xff"', "name=a",
    'filename="x"', "", 'name="f"; filename="\xc3\xa9"', "name=\"f\"; filename*=utf-8''%C3%A9",
    'name="a\\"b"', 'name="f"; filename=""',
)  # fmt: skip

COOKIES = (
    "a=b", "a", "=x", "a=", "a=b=c", 'a="r s"', 'a="\\351"', "a=\xe9", "a=\xc3\xa9", "session=",
    "session", "session=x.y.z", "a=1; a=2", "A=1", ";;", "a=%20", "__proto__=1", "$Version=1",
    "a = b", "a,b=c",
)  # fmt: skip

SEGMENTS = (
    "a", "1", "x y", "\xe9", "\u263a", "0", "-3", "007", "1.5", "-0.5", "b c", "b", "d", "abc",
    "1+2", "+",
)  # fmt: skip

ODD_SEGMENTS = (
    LONG, "1e5", "\u0663", "..", ".", "", "%", "%41", "a/b", "\\", "<b>", "{{1}}", "\0", "\n",
    "x" * 3_000, "none", "00000000-0000-0000-0000-000000000001", "\ufeff", "nan", "1_0", " 1",
    "a;b", "a?b", "\r\nX: y",
)  # fmt: skip

ENCODED = (
    "%FF", "%C3", "%80a", "%2F", "%2f", "%", "%zz", "%00", "%C3%A9", "%c3%a9", "%E2%98%BA", "%25",
)  # fmt: skip

ODD_NAMES = (
    "", "_external", "_scheme", "_method", "_anchor", "rest", "%FF", "a%5B%5D", "m", "X-A", "Vary",
    "age", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "Location",
    "Set-Cookie", "ETag", "Last-Modified", "Date", "no", "stop", "w", "etag", "session", "%0d%0aX",
    "X%20A", "endpoint", "x",
)  # fmt: skip

ARGUMENTS = (
    "1", "3", "302", "308", "404", "-1", "0", "/leaf", "//evil.test", "http://evil.test/%0d%0aX:y",
    "+", "a+b", "a%0d%0aX:%20y", "true", "close", "chunked", "text/css",
    "Wed%2C%2021%20Oct%202015%2007:28:00%20GMT",
)  # fmt: skip

PART_HEADERS = (
    "\r\nContent-Type: a/b; charset=utf-16\r\n", "\r\nX: \xe9\r\n", "\n",
)  # fmt: skip

WITH_BODY = (
    "/data", "/text", "/json", "/form", "/stream-in", "/small", "/unread", "/echo",
)  # fmt: skip

METHODS = (
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "MADE-UP", "X",
    "get", "FOO", "__CLASS__", "M-SEARCH", "DISPATCH_REQUEST", "AS_VIEW", "PROPFIND",
)  # fmt: skip
