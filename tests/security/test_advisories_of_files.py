"""Advisories about files that are served, on `Flask` and on `Costrel` with everything on."""

from __future__ import annotations

import os

import pytest
import werkzeug.security
from werkzeug.exceptions import NotFound

from costrel import send_file, send_from_directory


@pytest.fixture
def site(make_app, tmp_path):
    """Make an application with files beside its folders, which no path may reach."""
    for name, text in {
        "static/a.txt": "public",
        "files/a.txt": "public",
        "static-secret/s.txt": "secret",
        "files-secret/s.txt": "secret",
        "s.txt": "secret",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    app = make_app()
    app.add_url_rule("/files/<path:name>", "files", lambda name: send_from_directory("files", name))
    app.add_url_rule("/one", "one", lambda: send_file("files/a.txt"))
    return app


@pytest.fixture
def windows(monkeypatch):
    """Have Werkzeug think that it runs on Windows, where a file must not even be looked for."""

    class Windows:
        name, path = "nt", os.path

    monkeypatch.setattr(werkzeug.security, "os", Windows)
    monkeypatch.setattr(os.path, "isfile", lambda path: pytest.fail(f"looked for {path}"))


def refused(app, *names):
    """Return those of the names that are served, or answered with anything but 404."""
    client = app.test_client()
    wrong = []
    for folder in ("static", "files"):
        for name in names:
            with client.get(f"/{folder}/{name}") as response:
                location = response.location
                if location and location.startswith("http://localhost/"):
                    with client.get(location) as followed:
                        wrong += [name] if followed.status_code != 404 else []
                elif response.status_code != 404 or b"secret" in response.data:
                    wrong.append(name)
    return wrong


def test_cve_2023_29159_a_folder_that_begins_alike_is_not_reached(site):
    """GHSA-v5gw-mw7f-84px: ``static-secret`` is beside ``static``, not in it."""
    assert refused(site, "../static-secret/s.txt", "../files-secret/s.txt", "-secret/s.txt") == []
    with site.test_client().get("/static/a.txt") as response:
        assert response.text == "public"


def test_cve_2017_16762_an_encoded_slash_leads_nowhere_else(site):
    """A path is decoded once, and judged after that."""
    names = (
        "..%2fs.txt",
        "%2e%2e%2fs.txt",
        "..%252fs.txt",
        "..%5cs.txt",
        "..%c0%afs.txt",
        "%2fetc%2fpasswd",
    )
    assert refused(site, *names) == []


@pytest.mark.usefixtures("windows")
def test_ghsa_f9vj_2wh5_fj8j_a_path_of_another_machine_is_refused(site, monkeypatch):
    """A UNC path is not joined to a folder on Windows, however it is written."""
    monkeypatch.setattr(werkzeug.security, "_os_alt_seps", ["\\"])
    for name in (
        "//host/share/x",
        "/host/share",
        "\\\\host\\share\\x",
        "/\\host/x",
        "a\\..\\..\\s.txt",
    ):
        for send in (site.send_static_file, lambda name: send_from_directory("files", name)):
            with site.test_request_context(), pytest.raises(NotFound):
                send(name)


@pytest.mark.usefixtures("windows")
def test_cve_2025_66221_a_device_of_windows_is_no_file(site):
    """GHSA-hgf8-39gv-g3f2: to read ``CON`` would wait for ever."""
    assert refused(site, "CON", "con", "NUL", "aux", "COM1", "LPT9", "CONIN$") == []


@pytest.mark.usefixtures("windows")
def test_cve_2026_21860_an_ending_does_not_hide_a_device(site):
    """GHSA-87hc-h4r5-73f7: ``nul.txt`` and ``COM1 .txt`` are devices too, and so is ``COM¹``."""
    assert refused(site, "nul.txt", "COM1 .txt", "LPT9.x.y", "CON%20", "COM¹") == []


@pytest.mark.usefixtures("windows")
def test_cve_2026_27199_a_folder_does_not_hide_a_device(site):
    """GHSA-29vq-49wr-vm6x: ``a/NUL`` is a device too, and so is ``NUL/a``."""
    assert refused(site, "a/NUL", "NUL/a", "a/b/con.txt", "a/COM1%20.x/b") == []


@pytest.mark.usefixtures("windows")
def test_ghsa_g6x2_hccm_hh4m_a_stream_does_not_hide_a_device(site):
    """``NUL:`` is the device with an empty name of a data stream."""
    names = ("NUL:", "nul::$DATA", "CON:", "COM1:.txt", "NUL%20:", "a/NUL:", "PRN:/a", "AUX.txt:x")
    assert refused(site, *names) == []


def test_cve_2026_48818_no_other_machine_is_asked_for_a_file(site, monkeypatch):
    """GHSA-wqp7-x3pw-xc5r: on Windows, to look for ``//host/x`` sends a password's hash there."""
    asked = []
    for name in ("isfile", "exists", "getsize", "realpath"):
        original = getattr(os.path, name)
        monkeypatch.setattr(
            os.path,
            name,
            lambda path, *a, _of=original, **k: asked.append(path) or _of(path, *a, **k),
        )
    assert refused(site, "//host/share/x", "%2f%2fhost/x", "%5c%5chost%5cx", "/%5chost/x") == []
    root = os.path.join(site.root_path, "")
    assert [
        path
        for path in asked
        if os.path.isabs(path) and not os.path.normpath(path).startswith(root)
    ] == []


@pytest.mark.parametrize("ranges", ["0-1", "{n}-", "-{n}", "0-{n}", " "])
def test_cve_2025_62727_ten_thousand_ranges_are_read_in_linear_time(site, ranges, assert_linear):
    """GHSA-7f5h-v6xp-fcq8: they are ignored or refused with 416, never merged one by one."""
    client = site.test_client()

    def run(size):
        header = "bytes=" + ",".join(ranges.format(n=n) for n in range(size))
        with client.get("/one", headers={"Range": header}) as response:
            assert response.status_code in {200, 416}
            assert len(response.data) < 2000

    assert_linear(run, 1_250)
