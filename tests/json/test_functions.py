"""The functions of `costrel.json` ask the current application's provider."""

from __future__ import annotations

import io
import uuid

import pytest

from costrel import Flask, json, jsonify
from costrel.json.provider import DefaultJSONProvider


class Loud(DefaultJSONProvider):
    def dumps(self, obj, **kwargs):
        return super().dumps(obj, **kwargs).upper()

    def loads(self, s, **kwargs):
        return ("loaded", super().loads(s, **kwargs))


def test_application_that_is_current_decides():
    """Every function goes to the provider of the application."""
    app = Flask(__name__)
    app.json = Loud(app)
    with app.app_context():
        file = io.StringIO()
        json.dump({"b": "x", "a": 1}, file)
        assert file.getvalue() == '{"A": 1, "B": "X"}'
        assert json.dumps("x") == '"X"'
        assert json.loads("1") == ("loaded", 1)
        assert json.load(io.BytesIO(b"1")) == ("loaded", 1)
        assert jsonify("x").data == b'"X"\n'


def test_functions_without_an_application_use_the_standard_library():
    """Flask's conversions apply, and keys keep their order."""
    file = io.StringIO()
    json.dump({"b": uuid.UUID(int=0), "a": 1}, file)
    assert file.getvalue() == '{"b": "00000000-0000-0000-0000-000000000000", "a": 1}'
    assert json.dumps({"b": 1, "a": 1}, sort_keys=True) == '{"a": 1, "b": 1}'
    assert json.loads(b"[1]") == [1]
    file.seek(0)
    assert json.load(file)["a"] == 1


def test_jsonify_without_an_application_is_refused():
    """A response is of an application's class."""
    with pytest.raises(RuntimeError, match="application context"):
        jsonify(1)


def test_view_that_returns_a_document_answers_as_jsonify():
    """A dict or list returned, and the same by jsonify, are the same bytes."""
    app = Flask(__name__)
    documents = [{"b": "é", "a": [1.5, None, True]}, [{"x": {}}, []], {}, []]
    for number, document in enumerate(documents):
        app.add_url_rule(f"/v{number}", f"v{number}", lambda d=document: d)
        app.add_url_rule(f"/j{number}", f"j{number}", lambda d=document: jsonify(d))
    client = app.test_client()
    for debug in (False, True):
        app.debug = debug
        for number in range(len(documents)):
            one, other = client.get(f"/v{number}"), client.get(f"/j{number}")
            assert one.data == other.data
            assert one.headers == other.headers
