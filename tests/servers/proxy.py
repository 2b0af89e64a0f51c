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
    {servers}
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


class Nginx:
    """An nginx in front of a server: under a prefix, as if over https, and at the root."""

    def __init__(self, upstream_port, place):
        self.port, self.https_port, self.root_port = free_port(), free_port(), free_port()
        (block,) = documented("nginx")
        block = replaced(
            block,
            upstream=("http://127.0.0.1:8000/", f"http://{HOST}:{upstream_port}/"),
            limit=("client_max_body_size 16m;", f"client_max_body_size {CONTENT_LIMIT_BYTES};"),
        )
        servers = [
            replaced(block, port=("listen 80;", f"listen {HOST}:{self.port};")),
            replaced(
                block,
                port=("listen 80;", f"listen {HOST}:{self.https_port};"),
                scheme=("$scheme", "https"),
            ),
            replaced(
                block,
                port=("listen 80;", f"listen {HOST}:{self.root_port};"),
                location=(f"location {PREFIX}/ ", "location / "),
                prefix=(f"X-Forwarded-Prefix {PREFIX};", 'X-Forwarded-Prefix "";'),
            ),
        ]
        configuration = place / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(servers="\n".join(servers)))
        self.running = Running(
            ["nginx", "-p", str(place), "-e", "stderr", "-c", str(configuration)], place, cwd=place
        )
        try:
            self.running.wait_ready(self.port)
        except BaseException:
            self.running.stop()
            raise
