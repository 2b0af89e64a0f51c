"""Find misspelled names of header fields and of directives, which browsers would ignore."""

from __future__ import annotations

import typing as t

FIELDS = """
    Cache-Control Clear-Site-Data Content-Security-Policy Content-Security-Policy-Report-Only
    Cross-Origin-Embedder-Policy Cross-Origin-Embedder-Policy-Report-Only
    Cross-Origin-Opener-Policy Cross-Origin-Opener-Policy-Report-Only
    Cross-Origin-Resource-Policy Document-Policy Document-Policy-Report-Only Expect-CT
    Feature-Policy Integrity-Policy Integrity-Policy-Report-Only NEL Origin-Agent-Cluster
    Permissions-Policy Permissions-Policy-Report-Only Referrer-Policy Report-To
    Reporting-Endpoints Strict-Transport-Security X-Content-Type-Options X-DNS-Prefetch-Control
    X-Download-Options X-Frame-Options X-Permitted-Cross-Domain-Policies X-Robots-Tag
    X-XSS-Protection
""".split()
"""Header fields that protect users, or report; others may have any name that is not like these."""

DIRECTIVES = """
    base-uri block-all-mixed-content child-src connect-src default-src fenced-frame-src font-src
    form-action frame-ancestors frame-src img-src manifest-src media-src navigate-to object-src
    plugin-types prefetch-src report-to report-uri require-sri-for require-trusted-types-for
    sandbox script-src script-src-attr script-src-elem style-src style-src-attr style-src-elem
    trusted-types upgrade-insecure-requests webrtc worker-src
""".split()
"""SPEC(CSP 3 §6, and the specifications that extend it): all directives, also obsolete ones."""

_LIKE = 0.9
"""How much alike (0 to 1) a name has to be one of ours to be taken for it."""


def meant_field(name: str) -> str | None:
    """Return the header field that a misspelled name is meant for; None if it is no such name."""
    known = {field.lower(): field for field in FIELDS}
    return None if name.lower() in known else _nearest(name.lower(), known, _LIKE)


def meant_directive(name: str) -> str | None:
    """Return the directive that is most like a name; None if none is."""
    return _nearest(name.lower(), {known: known for known in DIRECTIVES}, 0.7)


def _nearest(name: str, known: t.Mapping[str, str], cutoff: float) -> str | None:
    # Imported here, because few applications have names that are not known.
    from difflib import get_close_matches

    found = get_close_matches(name, known, n=1, cutoff=cutoff)
    return known[found[0]] if found else None
