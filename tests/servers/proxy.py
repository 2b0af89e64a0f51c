"""A real nginx in front of a server, configured as the documentation says."""

from __future__ import annotations

import re
from pathlib import Path

from exchange import HOST, free_port
from programs import Running

DOCUMENT = Path(__file__).parents[2] / "docs" / "deploying.md"
PREFIX = "/app"
CONTENT_LIMIT_BYTES = 256 * 1024  # as in the application that is served

# nginx writes only below its own folder, so that it needs no rights. It runs as one process,
# so that its id is enough to stop it.
CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events {{}}
http {{
    access_log off;
    client_body_temp_path temp-body;
    proxy_temp_path temp-proxy;
    fastcgi_temp_path temp-fastcgi;
    uwsgi_temp_path temp-uwsgi;
    scgi_temp_path temp-scgi;
    {site}
}}
"""


def documented(language):
    """Return the code blocks of a language in the documentation."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL
    )


def replaced(text, **changes):
    """Replace parts of the documented block; each must occur exactly once."""
    for old, new in changes.values():
        assert text.count(old) == 1, f"{old!r} is not once in the nginx block of {DOCUMENT}"
        text = text.replace(old, new)
    return text


def site(upstream_port):
    """Return the parts of the documented site: the map, the redirect, and the server."""
    (block,) = documented("nginx")
    block = replaced(
        block,
        upstream=("http://127.0.0.1:8000;", f"http://{HOST}:{upstream_port};"),
        limit=("client_max_body_size 16m;", f"client_max_body_size {CONTENT_LIMIT_BYTES};"),
    )
    return re.split(r"^(?=server \{)", block, flags=re.MULTILINE)


def below_prefix(server):
    """Return the documented server with the lines that the page gives for a prefix."""
    (lines,) = (text for text in documented("text") if "location" in text)
    location, passing, header = (line.partition("  #")[0].strip() for line in lines.splitlines())
    (upstream,) = re.findall(r"proxy_pass (.*);", server)
    assert passing == "proxy_pass http://127.0.0.1:8000/;"
    return replaced(
        server,
        location=("location / {", location),
        passing=(f"proxy_pass {upstream};", f"proxy_pass {upstream}/;"),
        header=('proxy_set_header X-Forwarded-Prefix "";', header),
    )


def plain(server, port, **changes):
    """Return the documented server without TLS, on a port."""
    server = re.sub(r"^ *ssl_.*\n", "", server, flags=re.MULTILINE)
    return replaced(server, port=("listen 443 ssl;", f"listen {HOST}:{port};"), **changes)


def run_nginx(configuration, place, port):
    """Start nginx with the content of its ``http`` block, and wait until it answers."""
    file = place / "nginx.conf"
    file.write_text(CONFIGURATION.format(site=configuration))
    command = ["nginx", "-p", str(place), "-e", "stderr", "-c", str(file)]
    running = Running(command, place, cwd=place)
    try:
        running.wait_ready(port)
    except BaseException:
        running.stop()
        raise
    return running


class Nginx:
    """An nginx in front of a server: under a prefix, as if over https, and at the root."""

    def __init__(self, upstream_port, place):
        self.port, self.https_port, self.root_port = free_port(), free_port(), free_port()
        head, _redirect, server = site(upstream_port)
        prefixed = below_prefix(server)
        servers = [
            plain(prefixed, self.port),
            plain(prefixed, self.https_port, scheme=("$scheme", "https")),
            plain(server, self.root_port),
        ]
        self.running = run_nginx(head + "".join(servers), place, self.port)


class TlsNginx:
    """An nginx in front of a server, with the documented site as it is, but for its ports.

    With `prefixed`, it also has the lines that the page gives for a prefix.
    """

    def __init__(self, upstream_port, place, certificate, key, *, prefixed=False):
        self.port, self.tls_port = free_port(), free_port()
        head, redirect, server = site(upstream_port)
        if prefixed:
            server = below_prefix(server)
        redirect = replaced(redirect, port=("listen 80;", f"listen {HOST}:{self.port};"))
        server = replaced(
            server,
            port=("listen 443 ssl;", f"listen {HOST}:{self.tls_port} ssl;"),
            certificate=("/etc/ssl/example.com/fullchain.pem", str(certificate)),
            key=("/etc/ssl/example.com/privkey.pem", str(key)),
        )
        self.running = run_nginx(head + redirect + server, place, self.port)
