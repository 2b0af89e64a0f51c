"""Advisories about files: what a path may reach, and how much a range may cost."""

from __future__ import annotations

import os

import pytest
import werkzeug.security
from werkzeug.utils import secure_filename

from costrel import Flask, send_file, send_from_directory

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
def site(tmp_path):
    """Make an application with files beside its folders, which no path may reach."""
    for folder, name in (
        ("static", "a.txt"),
        ("static-secret", "s.txt"),
        ("files", "a.txt"),
        ("files-secret", "s.txt"),
        (".", "s.txt"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text("public" if name == "a.txt" else "secret")
    app = Flask(__name__, root_path=str(tmp_path))

    @app.get("/files/<path:name>")
    def files(name):
        return send_from_directory("files", name)

    @app.get("/one")
    def one():
        return send_file("files/a.txt")

    return app


ESCAPES = [
    "../s.txt",
    "..//s.txt",
    "x/../../s.txt",
    "./../s.txt",
    "../static-secret/s.txt",
    "../files-secret/s.txt",
    "%2e%2e/s.txt",
    "..%2fs.txt",
    "..%2Fs.txt",
    "%2e%2e%2fs.txt",
    "..%252fs.txt",
    "..%5cs.txt",
    "..\\s.txt",
    "/s.txt",
    "//s.txt",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//host/share/s.txt",
    "\\\\host\\share\\s.txt",
    "%5c%5chost%5cshare",
    "C:/s.txt",
    "C:%5cs.txt",
    "file:///etc/passwd",
    "..",
    "../",
    ".",
    "a.txt/../../s.txt",
    "a.txt%00.html",
    "%00",
    "..%00/s.txt",
    "..;/s.txt",
    "..%c0%afs.txt",
    "%ff",
    "x" * 300,
]


@pytest.mark.parametrize("folder", ["static", "files"])
@pytest.mark.parametrize("name", ESCAPES)
def test_path_does_not_leave_the_folder(site, folder, name):
    """CVE-2023-29159, CVE-2017-16762, CVE-2018-16516: 404, and nothing beside the folder.

    A folder whose name only begins alike is another folder.
    """
    response = site.test_client().get(f"/{folder}/{name}")
    assert response.status_code in {404, 308}
    assert b"secret" not in response.data
    if response.location:
        assert response.location.startswith("http://localhost/")
        assert b"secret" not in site.test_client().get(response.location).data
    response.close()


@pytest.mark.parametrize("folder", ["static", "files"])
def test_file_of_the_folder_is_sent(site, folder):
    """CVE-2023-29159: what is in the folder still is sent."""
    with site.test_client().get(f"/{folder}/a.txt") as response:
        assert response.text == "public"


@pytest.mark.parametrize(
    "name", ["//host/share/x", "/etc/passwd", "..//x", "\\\\host\\share", "/\\host\\share"]
)
def test_absolute_and_unc_path_is_refused_before_the_disk_is_asked(site, name, monkeypatch):
    """CVE-2026-48818, GHSA-wqp7-x3pw-xc5r, GHSA-f9vj-2wh5-fj8j: no file server is contacted.

    On Windows, to look whether ``//host/share`` exists is to log in at that host.
    """
    asked = []
    isfile = os.path.isfile
    monkeypatch.setattr(os.path, "isfile", lambda path: asked.append(path) or isfile(path))
    with site.test_request_context():
        for folder in (site.send_static_file, lambda name: send_from_directory("files", name)):
            with pytest.raises(werkzeug.exceptions.NotFound):
                folder(name)
    root = os.path.join(site.root_path, "")
    assert all(os.path.normpath(path).startswith(root) for path in asked)


@pytest.mark.parametrize(
    "name",
    [
        "CON",
        "con",
        "nul.txt",
        "a/NUL",
        "NUL/a",
        "COM1 .txt",
        "com1",
        "LPT9.x.y",
        "aux",
        "PRN:",
        "CONIN$",
        "a/COM¹",
        "nul::$DATA",
    ],
)
def test_windows_device_is_no_file(site, name, monkeypatch):
    """CVE-2025-66221, CVE-2026-21860, CVE-2026-27199: 404 on Windows, whatever its case or ending.

    Reading one would wait for ever. Elsewhere these are names like any other.
    """

    class Windows:
        """Stand for `os` as Werkzeug sees it on Windows."""

        name = "nt"
        path = os.path

    monkeypatch.setattr(werkzeug.security, "os", Windows)
    monkeypatch.setattr(os.path, "isfile", lambda path: pytest.fail(f"asked for {path}"))
    client = site.test_client()
    assert client.get(f"/static/{name}").status_code == 404
    assert client.get(f"/files/{name}").status_code == 404


@pytest.mark.parametrize("name", ["../../x", "..\\..\\x", "/etc/passwd", "a\0b", ".", "..", "~/x"])
def test_name_made_safe_is_a_plain_name(name):
    """CVE-2026-24486: what `secure_filename` gives leads to no other folder."""
    safe = secure_filename(name)
    assert not set(safe) & {"/", "\\", "\0"}
    assert not safe.startswith(".")


@pytest.mark.parametrize("ranges", ["0-1", "{n}-", "-{n}", "0-{n}", "{n}-{n}", " "])
def test_ten_thousand_ranges_cost_no_more_than_their_text(site, ranges, assert_linear):
    """CVE-2025-62727, GHSA-7f5h-v6xp-fcq8: refused (416) or ignored, in linear time."""
    client = site.test_client()

    def run(size):
        header = "bytes=" + ",".join(ranges.format(n=n) for n in range(size))
        with client.get("/one", headers={"Range": header}) as response:
            assert response.status_code in {200, 416}
            assert len(response.data) < 1000

    assert_linear(run, 1_250)
