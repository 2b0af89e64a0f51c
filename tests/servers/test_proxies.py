"""The URL as the application sees it, directly and behind nginx."""

from __future__ import annotations

from exchange import HOST, fetch
from proxy import PREFIX
from sites import behind_nginx, directly

FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
}


def place(base, host, *, scheme="http", prefix=""):
    """Return the expected answer to a request for ``/place``."""
    return {
        "scheme": scheme,
        "secure": scheme == "https",
        "host": host,
        "root": prefix,
        "path": "/place",
        "url": f"{base}/place",
        "client": HOST,
        "built": f"{base}/items/k%C3%A4se%20&%20brot/",
        "relative": f"{prefix}/items/x/",
    }


@directly
def test_direct_request_is_placed_by_what_the_client_sent(site):
    """Without a proxy, URLs are built from the Host header."""
    host = f"{HOST}:{site.port}"

    assert site.fetch("/place").json == place(f"http://{host}", host)


@directly
def test_direct_request_with_forged_headers_is_not_believed(site):
    """Without `ProxyFix`, forwarding headers change nothing."""
    host = f"{HOST}:{site.port}"
    # The program does this itself, for local clients only.
    scheme = "https" if site.program.believes_local_proxies else "http"

    answer = site.fetch("/place", headers=FORGED)

    assert answer.json == place(f"{scheme}://{host}", host, scheme=scheme)


@directly
def test_direct_redirect_leads_to_the_same_host(site):
    """A redirect to a view is relative; one that adds a slash is absolute."""
    assert site.fetch("/go").headers["Location"] == "/items/x/"
    assert site.fetch("/items/x").headers["Location"] == f"http://{HOST}:{site.port}/items/x/"


@behind_nginx
def test_proxied_request_is_placed_by_the_proxy(site):
    """Host, port, prefix and client address are those that nginx's client uses."""
    host = f"{HOST}:{site.port}"

    answer = site.fetch("/place")

    assert answer.json == place(f"http://{host}{PREFIX}", host, prefix=PREFIX)


@behind_nginx
def test_proxied_request_by_name_builds_urls_with_that_name(site):
    """URLs contain the host name that the client used."""
    answer = site.fetch("/place", headers={"Host": "shop.example"})

    assert answer.json == place(f"http://shop.example{PREFIX}", "shop.example", prefix=PREFIX)


@behind_nginx
def test_proxied_request_with_forged_headers_is_not_believed(site):
    """Forwarding headers that a client has forged are replaced by nginx."""
    host = f"{HOST}:{site.port}"

    answer = site.fetch("/place", headers=FORGED)

    assert answer.json == place(f"http://{host}{PREFIX}", host, prefix=PREFIX)


@behind_nginx
def test_request_over_https_builds_https_urls(site):
    """If the proxy terminates TLS, the application still sees https."""
    headers = {"Host": "shop.example"}

    answer = fetch(site.nginx.https_port, f"{PREFIX}/place", headers=headers)

    base = f"https://shop.example{PREFIX}"
    assert answer.json == place(base, "shop.example", scheme="https", prefix=PREFIX)


@behind_nginx
def test_proxied_redirects_stay_below_the_prefix(site):
    """Redirects use the client's scheme, host and prefix, not those of the backend."""
    headers = {"Host": "shop.example"}
    plain = site.fetch("/items/x", headers=headers)
    https = fetch(site.nginx.https_port, f"{PREFIX}/items/x", headers=headers)

    assert plain.status == https.status == 308
    assert plain.headers["Location"] == f"http://shop.example{PREFIX}/items/x/"
    assert https.headers["Location"] == f"https://shop.example{PREFIX}/items/x/"
    assert site.fetch("/go").headers["Location"] == f"{PREFIX}/items/x/"


@behind_nginx
def test_request_at_the_root_has_no_prefix_even_if_forged(site):
    """A client cannot set a prefix for an application at the root of a site."""
    headers = {**FORGED, "Host": "shop.example"}

    answer = fetch(site.nginx.root_port, "/place", headers=headers)

    assert answer.json == place("http://shop.example", "shop.example")
