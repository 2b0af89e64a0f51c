"""Files are sent alike on both paths, whatever is asked for, and whatever changed before."""

from __future__ import annotations

import mimetypes
import os
import tempfile
import typing as t
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.http import http_date, parse_date

from costrel import Blueprint, Flask, Response, send_file, send_from_directory
from costrel.dispatch.plan import FORCE_GENERAL

MODIFIED = 1_600_000_000
OFTEN = ("/static/a.txt", "/static/sub/b.css")
NAMES = ("a.txt", "sub/b.css", "empty.js", "large.bin", "é ☺.html", "c.tar.gz", "link.svg")
TARGETS = (
    *(f"/static/{name}" for name in NAMES),
    "/bp/static/a.txt",
    "/static/./a.txt",
    "/static/sub//b.css",
    "/static/sub/../a.txt",
    "/static/sub",
    "/static/",
    "/static/missing",
    "/static/%2e%2e/secret.txt",
    "/static//etc/passwd",
    "/static/a%00b",
    "/static/con",
    "/static/sub%5cb.css",
    "/static/dangling",
    "/from/sub/b.css",
    "/send",
    "/attachment",
    "/tagged",
    "/untagged",
    "/empty-tag",
    "/dated",
    "/unconditional",
    "/typed",
    "/aged",
    "/object",
)
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "OPTIONS")

# What a condition is of: an earlier answer to the same request, or anything.
TAGS = ("{etag}", "{etag}", "W/{etag}", '"x", {etag}', '"x"', "*", "x", "", '""', "{bare}")
DATES = (
    "{modified}",
    "{modified}",
    "Sun, 13 Sep 2020 12:26:39 GMT",
    "Mon, 01 Jan 2035 00:00:00 GMT",
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "today",
    "",
)
RANGES = ("bytes=0-1", "bytes=-1", "bytes=5-", "bytes=0-0,2-3", "bytes=9999999-", "items=0-1", "")
conditions = st.fixed_dictionaries(
    {},
    optional={
        "If-None-Match": st.sampled_from(TAGS),
        "If-Modified-Since": st.sampled_from(DATES),
        "If-Match": st.sampled_from(TAGS),
        "If-Unmodified-Since": st.sampled_from(DATES),
        "If-Range": st.sampled_from(TAGS + DATES),
        "Range": st.sampled_from(RANGES),
        "Cookie": st.just("a=b"),
    },
)
# Mostly without any or with one, as browsers send them.
headers = st.one_of(
    st.just({}),
    st.sampled_from(
        (
            {"If-None-Match": "{etag}"},
            {"If-Modified-Since": "{modified}"},
            {"If-None-Match": '"x"', "If-Modified-Since": "{modified}"},
        )
    ),
    conditions,
)
requests = st.tuples(
    st.just("request"),
    st.sampled_from(METHODS),
    st.sampled_from(OFTEN) | st.sampled_from(TARGETS),
    headers,
)
CHANGES = ("content", "grow", "touch", "remove", "folder", "type", "max age", "x-sendfile", "link")
changes = st.tuples(st.just("change"), st.sampled_from(CHANGES))
HOOKS = ("none", "none", "header", "vary", "length", "status", "body", "close", "stream", "foreign")


class Site:
    """An application with files, on one of the paths."""

    def __init__(self, folder: Path, hook: str, max_age: int | None) -> None:
        self.folder = folder
        self.events: list[str] = []
        static = folder / "static"
        (static / "sub").mkdir(parents=True)
        (folder / "secret.txt").write_text("secret")
        for name in NAMES:
            self.write(name, b"" if name == "empty.js" else name.encode() * 9)
        self.write("large.bin", bytes(range(256)) * 1_000)
        (static / "link.svg").unlink()
        (static / "link.svg").symlink_to("a.txt")
        (static / "dangling").symlink_to("nothing")
        app = self.app = Flask("files", root_path=str(folder))
        app.logger.disabled = True
        app.config["SEND_FILE_MAX_AGE_DEFAULT"] = max_age
        blueprint = Blueprint("bp", "files", "static", root_path=str(folder), url_prefix="/bp")
        app.register_blueprint(blueprint)
        a = "static/a.txt"
        views: dict[str, t.Callable[..., t.Any]] = {
            "/from/<path:name>": lambda name: send_from_directory("static", name),
            "/send": lambda: send_file(Path(a)),
            "/attachment": lambda: send_file(a, as_attachment=True, download_name="é.txt"),
            "/tagged": lambda: send_file(a, etag="tag"),
            "/untagged": lambda: send_file(a, etag=False),
            "/empty-tag": lambda: send_file(a, etag=""),
            "/dated": lambda: send_file(a, last_modified=1),
            "/unconditional": lambda: send_file(a, conditional=False),
            "/typed": lambda: send_file(a, mimetype="text/x-own"),
            "/aged": lambda: send_file(a, max_age=len),
            "/object": lambda: send_file(folder.joinpath(a).open("rb"), download_name="o.txt"),
        }
        for rule, view in views.items():
            app.add_url_rule(rule, view_func=view, endpoint=rule[1:5], methods=["GET", "POST"])
        if hook != "none":
            app.after_request(getattr(self, f"_{hook}"))
        app.register_error_handler(OSError, lambda error: (type(error).__name__, 500))
        self.client = app.test_client()

    def write(self, name: str, content: bytes) -> None:
        """Write a file of a fixed age."""
        path = self.folder / "static" / name
        path.write_bytes(content)
        os.utime(path, (MODIFIED, MODIFIED))

    def change(self, what: str) -> None:
        """Change the files, or what they are sent with."""
        path = self.folder / "static" / "a.txt"
        exists = path.is_file()
        if what == "content":
            self.write("sub/b.css", b"changed, and longer than before")
        elif what == "grow" and exists:
            self.write("a.txt", path.read_bytes() + b"more")
        elif what == "touch" and exists:
            os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_001))
        elif what == "remove" and exists:
            path.unlink()
        elif what == "folder" and not path.exists():
            path.mkdir()
        elif what == "type":
            mimetypes.add_type("text/x-added", ".css")
        elif what == "max age":
            self.app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 7
        elif what == "x-sendfile":
            self.app.config["USE_X_SENDFILE"] = True
        elif what == "link":
            link = self.folder / "static" / "link.svg"
            link.unlink()
            link.symlink_to("sub/b.css")

    def _header(self, response: Response) -> Response:
        response.headers["X-Frame-Options"] = "DENY"
        return response

    def _vary(self, response: Response) -> Response:
        response.vary.add("Accept")
        response.set_cookie("seen", "1")
        return response

    def _length(self, response: Response) -> Response:
        del response.headers["Content-Length"]
        return response

    def _status(self, response: Response) -> Response:
        response.status_code = 203
        return response

    def _body(self, response: Response) -> Response:
        response.direct_passthrough = False
        pieces = response.response
        response.set_data(b"".join(response.iter_encoded())[:5])
        getattr(pieces, "close", bool)()
        return response

    def _close(self, response: Response) -> Response:
        response.call_on_close(lambda: self.events.append("closed"))
        return response

    def _stream(self, response: Response) -> Response:
        response.direct_passthrough = False
        return response

    def _foreign(self, response: Response) -> Response:
        return Response(response.response, response.status, response.headers)

    def ask(self, method: str, target: str, sent: dict[str, str]) -> list[t.Any]:
        """Send a request, with conditions that are made of the answer to it without any."""
        with self.client.open(target, method=method) as before:
            known = {
                "etag": before.headers.get("ETag", '"none"'),
                "bare": before.headers.get("ETag", "none").strip('"'),
                "modified": before.headers.get("Last-Modified", "none"),
            }
            answers = [_answer(before)]
        filled = {name: value.format_map(known) for name, value in sent.items()}
        with self.client.open(target, method=method, headers=filled) as response:
            answers.append(_answer(response))
        return answers


def _answer(response: t.Any) -> t.Any:
    fields = [_dateless(name, value) for name, value in response.headers]
    return response.status, fields, response.get_data()


def _dateless(name: str, value: str) -> tuple[str, str | int]:
    """Replace what depends on the time, after checking it."""
    if name not in {"Date", "Expires"}:
        return name, value
    date = parse_date(value)
    assert date is not None
    assert value == http_date(date)
    distance = date - datetime.now(UTC)
    if name == "Date":
        assert abs(distance) < timedelta(seconds=5)
        return name, 0
    # Within a second or two, on a slow machine more.
    return name, round(distance.total_seconds() / 5)


def answers(steps: list[t.Any], hook: str, max_age: int | None, general: str) -> list[t.Any]:
    """Take all steps on one path; returns all answers and events."""
    types = mimetypes.MimeTypes()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, {FORCE_GENERAL: general}),
        mock.patch.object(mimetypes, "guess_type", types.guess_type),
        mock.patch.object(mimetypes, "add_type", types.add_type),
        # It is in ETags.
        mock.patch("zlib.adler32", return_value=1),
        mock.patch("werkzeug.utils.adler32", return_value=1),
    ):
        site = Site(Path(folder, "site"), hook, max_age)
        given: list[t.Any] = []
        for kind, *step in steps:
            if kind == "change":
                site.change(*step)
            else:
                given += site.ask(*step)
        return [str(given).replace(folder, "folder"), *site.events]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(requests, requests, requests, changes), min_size=1, max_size=8),
    st.sampled_from(HOOKS),
    st.sampled_from((None, None, 0, 60, -1)),
)
def test_files_are_sent_alike_on_both_paths(
    steps: list[t.Any], hook: str, max_age: int | None
) -> None:
    """Headers that were kept are those that Werkzeug would make again."""
    assert answers(steps, hook, max_age, "0") == answers(steps, hook, max_age, "1")
