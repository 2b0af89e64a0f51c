"""Header fields that are appended where none of that name is there."""

import pytest
from werkzeug.datastructures import Headers

from costrel.wrappers.fields import append_absent

VARY = ("Vary", "Cookie")


def test_fields_are_appended_in_their_order():
    """All of them, behind what is there."""
    headers = Headers([("Content-Type", "text/html")])
    assert append_absent(headers, VARY, ("Age", "1"))
    assert headers.to_wsgi_list() == [("Content-Type", "text/html"), VARY, ("Age", "1")]


@pytest.mark.parametrize("name", ["Vary", "vary", "VARY"])
def test_nothing_is_appended_if_one_is_there(name):
    """However its name is written, and whichever of them it is."""
    headers = Headers([(name, "Origin")])
    assert not append_absent(headers, ("Age", "1"), VARY)
    assert headers.to_wsgi_list() == [(name, "Origin")]


def test_headers_of_other_classes_are_left_to_the_caller():
    """They may do more when a field is set."""

    class Counting(Headers):
        pass

    headers = Counting()
    assert not append_absent(headers, VARY)
    assert not append_absent({}, VARY)
    assert headers.to_wsgi_list() == []
