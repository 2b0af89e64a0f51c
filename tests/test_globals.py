"""The public proxies are the package's own, under the names that Flask has."""

from __future__ import annotations

import pytest
from werkzeug.local import LocalProxy

import costrel
from costrel import Flask, globals  # noqa: A004  the module's name is Flask's
from costrel.ground import current


@pytest.mark.parametrize(
    "name", ["app_ctx", "current_app", "g", "request", "request_ctx", "session"]
)
def test_proxy_is_the_same_object_everywhere(name):
    """What tests patch or compare in one place is what all others use."""
    proxy = getattr(globals, name)
    assert isinstance(proxy, LocalProxy)
    assert proxy is getattr(current, name)
    if hasattr(costrel, name):
        assert proxy is getattr(costrel, name)


def test_variables_of_both_contexts_can_be_read():
    """COMPAT: code that reads ``_cv_app`` and ``_cv_request`` finds the contexts."""
    assert globals._cv_app.get(None) is None
    assert globals._cv_request.get(None) is None
    app = Flask(__name__)
    with app.app_context() as ctx:
        assert globals._cv_app.get() is ctx
        assert globals._cv_request.get(None) is None
        with app.test_request_context() as request_context:
            assert globals._cv_app.get() is ctx
            assert globals._cv_request.get() is request_context


def test_attributes_can_be_set_through_the_proxies():
    """COMPAT(prometheus-flask-exporter): request, app and ``g`` take attributes."""
    app = Flask(__name__)
    with app.test_request_context() as ctx:
        globals.request.prom_start = 1
        globals.current_app.swag = 2
        globals.g.user = 3
        assert ctx.request.prom_start == 1
        assert ctx.g.user == 3
    assert app.swag == 2
