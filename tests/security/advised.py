"""The advisories that tests are named after, and requests as servers read them."""

from __future__ import annotations

import typing as t

from werkzeug.test import TestResponse, create_environ

from costrel import Request

ADVISORIES: dict[str, tuple[str, ...]] = {
    # Sessions and cookies
    "CVE-2023-30861": ("GHSA-m2qf-hxjv-5gpq",),
    "CVE-2026-27205": ("GHSA-68rp-wp8r-4726",),
    "CVE-2025-47278": ("GHSA-4grg-w6v8-c28g",),
    "CVE-2021-33026": (),
    "CVE-2023-23934": ("GHSA-px8h-6qxv-m22q",),
    # Forms, files that are sent, and JSON
    "CVE-2018-1000656": (),
    "CVE-2019-1010083": (),
    "CVE-2023-25577": ("GHSA-xg9f-g7g7-2323",),
    "CVE-2023-46136": ("GHSA-hrfv-mqp8-q5rw",),
    "CVE-2024-49767": ("GHSA-q34m-jh98-gwm2",),
    "CVE-2023-30798": (),
    "CVE-2024-47874": ("GHSA-f96h-pmfr-66vw",),
    "CVE-2026-54283": ("GHSA-82w8-qh3p-5jfq",),
    "CVE-2025-54121": ("Starlette #2962",),
    "CVE-2021-32677": (),
    "CVE-2024-24762": (),
    "CVE-2026-24486": ("GHSA-wp53-j4wj-2cfg",),
    "CVE-2026-40347": ("GHSA-mj87-hwqh-73pj",),
    "CVE-2026-42561": ("GHSA-pp6c-gr5w-3c5g",),
    "FastAPI 0.132": (),
    # Files that are served
    "GHSA-f9vj-2wh5-fj8j": (),
    "CVE-2025-66221": ("GHSA-hgf8-39gv-g3f2",),
    "CVE-2026-21860": ("GHSA-87hc-h4r5-73f7",),
    "CVE-2026-27199": ("GHSA-29vq-49wr-vm6x",),
    "GHSA-g6x2-hccm-hh4m": (),
    "CVE-2025-62727": ("GHSA-7f5h-v6xp-fcq8",),
    "CVE-2026-48818": ("GHSA-wqp7-x3pw-xc5r",),
    "CVE-2023-29159": ("GHSA-v5gw-mw7f-84px",),
    "CVE-2017-16762": (),
    # Hosts, paths, methods, templates and logs
    "CVE-2020-28724": (),
    "CVE-2026-54282": ("GHSA-jp82-jpqv-5vv3",),
    "CVE-2026-48710": ("GHSA-86qp-5c8j-p5mr",),
    "Starlette #3286": (),
    "CVE-2018-16516": (),
    "CVE-2021-32838": (),
    "CVE-2020-28493": (),
    "GHSA-h5c8-rqwp-cp95": (),
    "GHSA-h75v-3vvj-5mfj": (),
    "GHSA-gmj6-6f8f-6699": (),
    "GHSA-q2x7-8rv6-6q7h": (),
    "GHSA-cpwx-vrp4-4pq7": (),
    "CVE-2018-1000164": (),
    "CVE-2020-7694": (),
    "CVE-2020-7695": (),
    "CPython #140947": (),
    # The debugger
    "CVE-2024-34069": ("GHSA-2g68-c3qc-8985",),
    "CVE-2019-14806": (),
    "CVE-2016-10516": (),
    # Other origins
    "CVE-2024-6221": (),
    "CVE-2024-1681": (),
    "CVE-2024-6839": (),
    "CVE-2024-6844": (),
    "CVE-2024-6866": (),
    "CVE-2020-25032": (),
    "CVE-2021-21241": (),
    "CVE-2021-32618": (),
    "CVE-2023-49438": (),
}
"""Each advisory about what a framework does, with its other names; those about servers are in
`test_server_advisories`."""


def named(advisory: str) -> str:
    """Return how the names of an advisory's tests begin."""
    return "test_" + "".join(c if c.isalnum() else "_" for c in advisory.lower()).replace("__", "_")


def ask_raw(app: t.Any, path: str = "/", method: str = "GET", **environ: t.Any) -> TestResponse:
    """Send a request as a server has read it, also one that no client would write."""
    made = {**create_environ("/", "http://localhost"), "REQUEST_METHOD": method, "PATH_INFO": path}
    for name in ("REQUEST_URI", "RAW_URI"):
        made.pop(name, None)
    made.update(environ)
    client = app.test_client(use_cookies=False)
    return TestResponse(*client.run_wsgi_app(made, buffered=True), Request(made))
