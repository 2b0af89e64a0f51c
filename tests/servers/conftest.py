"""Each server program with the application in ``apps/served.py``, with and without nginx.

Each program is started once for all tests that use it, as a separate process with one worker.
"""

from __future__ import annotations

from contextlib import ExitStack

import asgisites
import pytest
from programs import PROGRAMS, serve
from proxy import PREFIX, Nginx
from sites import BEHIND_NGINX, Site, names


@pytest.fixture(scope="session", params=names())
def site(request, tmp_path_factory):
    """Serve the application with one program, directly or behind nginx."""
    name = request.param.removesuffix(BEHIND_NGINX)
    behind_nginx = request.param != name
    program = PROGRAMS[name]
    with ExitStack() as started:
        running, port = serve(
            program, "served:app", tmp_path_factory.mktemp(name), PROXIES=str(int(behind_nginx))
        )
        started.callback(running.stop)
        if not behind_nginx:
            yield Site(program, running, port)
            return
        nginx = Nginx(port, tmp_path_factory.mktemp("nginx"))
        started.callback(nginx.running.stop)
        yield Site(program, running, nginx.port, PREFIX, nginx)


@pytest.fixture(scope="session", params=asgisites.PROGRAMS)
def asgi_site(request, tmp_path_factory):
    """Serve the application of ``apps/asgi_faults.py`` on one ASGI server."""
    program = asgisites.PROGRAMS[request.param]
    site = asgisites.begin(program, tmp_path_factory.mktemp(program.name))
    try:
        site.warm_up()
        yield site
    finally:
        site.running.stop()


@pytest.fixture
def site_left(asgi_site):
    """Fail a test that leaves a context, task, thread or file, or tears down twice."""
    yield asgi_site
    asgi_site.wait_settled(asgi_site.held)


@pytest.fixture
def start(tmp_path):
    """Start a server program with an application; it ends after the test."""
    with ExitStack() as started:

        def start(program, app, **variables):
            running, port = serve(program, app, tmp_path, **variables)
            started.callback(running.stop)
            return running, port

        yield start
