"""Debug mode explains the mistakes that are easily made."""

from __future__ import annotations

import logging

import pytest
from jinja2 import DictLoader, TemplateNotFound
from werkzeug.exceptions import BadRequestKeyError
from werkzeug.routing import RequestRedirect

from costrel import Blueprint, Flask, render_template, request
from costrel.ground.debughints import (
    DebugFilesKeyError,
    FormDataRoutingRedirect,
    attach_enctype_error_multidict,
)


def test_file_sent_in_a_form_of_the_wrong_type_is_explained():
    """The missing enctype is named where the form has the file's name."""
    app = Flask(__name__)
    with app.test_request_context("/", method="POST", data={"photo": "me.png"}):
        attach_enctype_error_multidict(request)
        with pytest.raises(DebugFilesKeyError, match='enctype="multipart/form-data"') as caught:
            request.files["photo"]
        assert "'me.png'" in str(caught.value)
        # Everything else is as without the explanation.
        assert request.files.get("photo") is None
        assert type(request.files).__name__ == "ImmutableMultiDict"
        with pytest.raises(BadRequestKeyError):
            request.files["other"]


def test_redirect_that_loses_the_form_names_both_urls():
    """Where the request went and where it should go is in the message."""
    app = Flask(__name__)
    with app.test_request_context("/user", method="POST"):
        request.routing_exception = RequestRedirect("http://localhost/user/")
        message = str(FormDataRoutingRedirect(request))
    assert "'http://localhost/user'" in message
    assert "canonical URL 'http://localhost/user/'" in message
    assert "trailing slash" in message


def test_template_that_is_missing_lists_where_it_was_looked_for():
    """Every loader is named with its owner, and the blueprint of the request is too."""
    app = Flask("shop")
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    app.jinja_loader = DictLoader({})
    blueprint = Blueprint("cart", __name__, template_folder="nowhere")
    blueprint.add_url_rule("/", "index", lambda: render_template("missing.html"))
    app.register_blueprint(blueprint)
    text = explained(app)
    assert "'missing.html'" in text
    assert "1: trying loader of application 'shop'" in text
    assert f"2: trying loader of blueprint 'cart' ({__name__})" in text
    assert "nowhere" in text
    assert "Error: the template could not be found" in text
    assert "belongs to the blueprint 'cart'" in text


def test_template_that_two_loaders_have_is_a_warning():
    """Which of the two is used is not what the author may think."""
    app = Flask("shop")
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    app.jinja_loader = DictLoader({"page.html": "app"})
    blueprint = Blueprint("cart", __name__, template_folder="unused")
    blueprint.jinja_loader = DictLoader({"page.html": "blueprint"})
    blueprint.add_url_rule("/", "index", lambda: render_template("page.html"))
    app.register_blueprint(blueprint)
    assert "Warning: more than one loader" in explained(app, missing=False)


def explained(app, *, missing=True):
    """Request ``/`` and return what is logged about the search for its template."""
    app.testing = True
    records = []

    class Keep(logging.Handler):
        def emit(self, record):
            records.append(record.getMessage())

    handler = Keep()
    app.logger.addHandler(handler)
    app.logger.setLevel(logging.INFO)
    try:
        if missing:
            with pytest.raises(TemplateNotFound):
                app.test_client().get("/")
        else:
            app.test_client().get("/")
    finally:
        app.logger.removeHandler(handler)
        app.logger.setLevel(logging.NOTSET)
    [text] = records
    return text
