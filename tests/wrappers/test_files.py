"""A file that did not change is sent with the headers that it was sent with before."""

from __future__ import annotations

import io
import mimetypes
import os
from datetime import UTC, datetime, timedelta

import pytest
import werkzeug.utils

from costrel import Flask, Response, send_file, send_from_directory
from costrel.wrappers import files

DAY = timedelta(days=1)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Make an application with a file."""
    monkeypatch.delenv("COSTREL_GENERAL_PATH", raising=False)
    return Site(tmp_path, monkeypatch)


class Site:
    """An application with one file, which knows when Werkzeug made a file's headers."""

    def __init__(self, folder, monkeypatch):
        self.made = []
        self.file = folder / "static" / "a.txt"
        self.file.parent.mkdir()
        self.file.write_text("content")
        self.app = Flask("site", root_path=str(folder))
        self.app.add_url_rule("/open/<name>", "open", lambda name: send_file(f"static/{name}"))
        self.client = self.app.test_client()
        # No short way leaves this out by name, so patching it closes none.
        monkeypatch.setattr(
            "werkzeug.wrappers.response.Response._is_range_request_processable",
            _telling(self.made),
        )

    def get(self, path="/static/a.txt", **headers):
        """Return the answer to a request."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.client.get(path, headers=names) as response:
            response.get_data()
            return response

    def is_made(self):
        """Tell whether Werkzeug made headers since the last time."""
        made = bool(self.made)
        self.made.clear()
        return made


def _telling(made):
    original = werkzeug.wrappers.Response._is_range_request_processable

    def process(response, *args):
        made.append(response)
        return original(response, *args)

    return process


def test_unchanged_file_is_sent_with_kept_headers(site):
    """The headers are Werkzeug's, and are not made again."""
    site.get()
    assert site.is_made()
    first = site.get()
    assert not site.is_made()
    assert first.status_code == 200
    assert first.text == "content"
    assert first.content_length == 7
    assert first.mimetype == "text/plain"
    assert first.get_etag()[0]
    assert datetime.now(UTC) - first.date < DAY


@pytest.mark.parametrize("general", ["0", "1"])
def test_general_path_keeps_nothing(site, general, monkeypatch):
    """Every step is called there, and gives the same."""
    monkeypatch.setenv("COSTREL_GENERAL_PATH", general)
    site.app.config["CHANGED"] = True
    site.get()
    site.is_made()
    site.get()
    assert site.is_made() == (general == "1")


@pytest.mark.parametrize("hooked", [False, True])
def test_unmodified_file_is_looked_at_once_and_not_opened(site, hooked, monkeypatch):
    """Nor is it if a hook sets headers."""

    def add_header(response):
        response.headers["X-Added"] = "1"
        return response

    if hooked:
        site.app.after_request(add_header)
    first = site.get()
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    looked, opened = [], []
    stat = os.stat

    def look(path, **options):
        looked.append(path)
        return stat(path, **options)

    for condition in (
        {"If_None_Match": etag},
        {"If_None_Match": f"W/{etag}"},
        {"If_Modified_Since": modified},
    ):
        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", look)
            patch.setattr(files, "open", opened.append, raising=False)
            response = site.get(**condition)
        assert response.status_code == 304
        assert response.headers["ETag"] == etag
        assert ("X-Added" in response.headers) is hooked
        assert "Content-Type" not in response.headers
        assert not response.data
        assert looked.count(str(site.file)) == 1
        assert not opened
        looked.clear()


def test_entity_tag_goes_before_the_date(site):
    """SPEC(RFC 9110 §13.1.3): with ``If-None-Match``, ``If-Modified-Since`` is ignored."""
    modified = site.get().headers["Last-Modified"]
    assert site.get(If_None_Match='"other"', If_Modified_Since=modified).status_code == 200


def test_changed_file_is_seen(site):
    """Its content, its time, its permissions, and that it is gone or a directory."""
    etags = {site.get().headers["ETag"]}
    site.is_made()
    site.file.write_text("longer content")
    assert site.get().text == "longer content"
    assert site.is_made()
    os.utime(site.file, (1, 1))
    etags.add(site.get().headers["ETag"])
    assert site.is_made()
    assert len(etags) == 2
    site.file.chmod(0o640)
    site.get()
    assert site.is_made()
    site.file.unlink()
    assert site.get().status_code == 404
    site.file.mkdir()
    assert site.get().status_code == 404
    site.file.rmdir()
    site.file.write_text("back")
    assert site.get().text == "back"


def test_type_that_is_added_later_is_seen(site, monkeypatch):
    """`mimetypes.add_type` takes effect with the next request."""
    types = mimetypes.MimeTypes()
    monkeypatch.setattr(mimetypes, "guess_type", types.guess_type)
    assert site.get().mimetype == "text/plain"
    types.add_type("text/x-own", ".txt")
    assert site.get().mimetype == "text/x-own"


def test_setting_that_decides_headers_is_seen(site):
    """The age that clients may cache it for, the server's own way of sending it, the class."""

    class Own(Response):
        default_mimetype = "text/x-own"

    config = site.app.config
    assert site.get().cache_control.max_age is None
    for seconds in (60, timedelta(seconds=90)):
        config["SEND_FILE_MAX_AGE_DEFAULT"] = seconds
        for _ in range(2):
            response = site.get()
            assert response.cache_control.max_age == (90 if seconds == timedelta(0, 90) else 60)
            assert timedelta(0) <= response.expires - response.date < DAY
    config["USE_X_SENDFILE"] = True
    assert site.get().headers["X-Sendfile"] == str(site.file)
    config["USE_X_SENDFILE"] = False
    site.app.response_class = Own
    assert [site.get().status_code, site.is_made(), site.is_made()] == [200, True, False]
    assert [site.get().status_code, site.is_made(), site.is_made()] == [200, True, False]


def test_age_may_differ_between_requests(tmp_path):
    """An override is asked for the file's path in each request, by either kind of folder."""
    ages = [1, 1, None, 2, 2, None, True, 1, 1.0]
    asked = []

    class Site(Flask):
        def get_send_file_max_age(self, filename):
            asked.append(filename)
            return ages[0]

    (tmp_path / "a.txt").write_text("a")
    app = Site("site", root_path=str(tmp_path))
    app.add_url_rule("/", "file", lambda: send_file("a.txt"))
    client = app.test_client()
    sent = []
    while ages:
        asked.clear()
        with client.get("/") as response:
            sent.append(response.headers["Cache-Control"])
        assert asked == [str(tmp_path / "a.txt")]
        ages.pop(0)
    assert sent == [
        "public, max-age=1", "public, max-age=1", "no-cache", "public, max-age=2",
        "public, max-age=2", "no-cache", sent[6], "public, max-age=1", sent[8],
    ]  # fmt: skip


def test_dates_are_those_of_the_request(site, monkeypatch):
    """What is kept has the dates of its time replaced."""
    site.app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 60
    site.get()
    monkeypatch.setattr(files, "time", lambda: 1_700_000_000.9)
    response = site.get()
    assert response.headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert response.headers["Expires"] == "Tue, 14 Nov 2023 22:14:20 GMT"


@pytest.mark.parametrize("name", ["send_file", "send_from_directory"])
def test_patched_function_of_werkzeug_is_called(site, name, monkeypatch):
    """Whatever it is patched with decides."""
    site.get()
    monkeypatch.setattr(werkzeug.utils, name, lambda *_args, **_kwargs: Response("patched"))
    assert site.get().text == "patched"


def test_error_of_opening_is_one_of_the_view(site, monkeypatch):
    """Its handler answers it."""
    site.app.register_error_handler(OSError, lambda _error: ("handled", 503))

    def refuse(*_args):
        raise PermissionError

    site.get()
    monkeypatch.setattr(files, "open", refuse, raising=False)
    assert site.get().text == "handled"


def test_hook_may_change_anything_of_it(site):
    """It sees a response as Werkzeug makes them."""
    changes = [
        lambda response: response.headers.pop("Content-Length"),
        lambda response: setattr(response, "status_code", 203),
        lambda response: response.set_cookie("a", "b"),
        lambda response: response.headers.set("Content-Location", "/é"),
    ]
    site.app.after_request(lambda response: [changes[0](response), response][1])
    site.get()
    site.get()
    expected = [
        lambda response: "Content-Length" not in response.headers,
        lambda response: response.status_code == 203,
        lambda response: response.headers["Set-Cookie"] == "a=b; Path=/",
        lambda response: response.headers["Content-Location"] == "/%C3%A9",
    ]
    for is_right in expected:
        response = site.get()
        assert is_right(response)
        assert response.text == "content"
        changes.pop(0)


@pytest.mark.wsgi_only("ASGI has no such key")
def test_server_sends_it_in_its_own_way(site):
    """``wsgi.file_wrapper`` gets the open file, and what it returns is sent unchanged."""
    wrapped = []

    class Wrapper:
        def __init__(self, file, size):
            wrapped.append(self)
            self.file = file
            self.close = file.close

    environ = {"wsgi.file_wrapper": Wrapper, "REQUEST_METHOD": "GET", "PATH_INFO": "/static/a.txt"}
    environ |= {"wsgi.url_scheme": "http", "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    for _ in range(2):
        sent = site.app({**environ, "wsgi.input": io.BytesIO()}, lambda *_: None)
        assert sent is wrapped.pop()
        assert os.fstat(sent.file.fileno()).st_size == 7
        sent.close()


def test_teardown_that_fails_closes_the_file(site):
    """The server never gets it."""
    opened = []

    @site.app.after_request
    def remember(response):
        opened.append(response._file)
        return response

    @site.app.teardown_request
    def fail(_error):
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            site.get()
    assert opened[-1].pieces().file.closed


def test_number_of_kept_headers_is_bounded(site, monkeypatch):
    """SECURITY(memory): whatever paths are asked for."""
    monkeypatch.setattr(files, "LIMIT", 3)
    site.get()
    heads = site.app._engine.file_heads._heads
    for number in range(20):
        assert site.get(f"/static/{'./' * number}a.txt").status_code == 200
        assert len(heads) <= 3
    for _ in range(20):
        site.get("/static/missing")
        assert len(heads) <= 3


@pytest.mark.parametrize(
    "options",
    [
        {"last_modified": 1},
        {"conditional": False},
        {"etag": ["not hashable"]},
        {"etag": ""},
    ],
)
def test_file_with_unusual_options_is_made_each_time(site, options):
    """They are Werkzeug's to handle."""
    answers = []

    def view():
        try:
            return send_from_directory("static", "a.txt", **options)
        except Exception as error:  # noqa: BLE001  an answer as well
            return repr(error)

    site.app.add_url_rule("/options", "options", view)
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    site.app.logger.disabled = True
    for _ in range(3):
        response = site.get("/options")
        answers.append((response.status_code, response.text, response.headers.get("ETag")))
        assert not site.app._engine.file_heads._heads
    assert answers[0] == answers[1] == answers[2]
