"""The difference between two documents."""

from __future__ import annotations

from copy import deepcopy

from openapi_library import make_app

from costrel.openapi import document_of
from costrel.openapi.check import differences


def test_equal_documents_have_no_difference() -> None:
    """The order of lists is none, except where it has a meaning."""
    document = document_of(make_app())
    other = deepcopy(document)
    other["paths"]["/v1/books/"]["get"]["parameters"].reverse()
    other["components"]["schemas"]["Book"]["required"].reverse()
    assert differences(document, other) == []
    pair = {"prefixItems": [{"type": "integer"}, {"type": "string"}]}
    swapped = {"prefixItems": [{"type": "string"}, {"type": "integer"}]}
    assert len(differences(pair, swapped)) == 2


def test_each_difference_is_a_line_that_names_its_place() -> None:
    """As people call it."""
    document = document_of(make_app())
    other = deepcopy(document)
    other["info"]["version"] = "2.0.0"
    del other["paths"]["/page"]
    del other["paths"]["/shelves/{number}"]["delete"]
    books = other["paths"]["/v1/books/"]["get"]
    books["parameters"] = [one for one in books["parameters"] if one["name"] != "tag"]
    next(one for one in books["parameters"] if one["name"] == "limit")["schema"]["maximum"] = 50
    other["components"]["schemas"]["Book"]["required"].remove("genre")
    other["components"]["schemas"]["Book"]["properties"]["isbn"] = {"type": "string"}
    assert differences(document, other) == [
        'changed: info, version: "1.0.0" is now "2.0.0"',
        "changed: GET /v1/books/, parameters > query limit > schema > maximum: 100 is now 50",
        "removed: GET /v1/books/, parameters > query tag",
        "removed: /page",
        "removed: DELETE /shelves/{number}",
        "added: schema Book, properties > isbn",
        'removed: schema Book, required: "genre"',
    ]


def test_what_is_no_document_differs_as_a_whole() -> None:
    """Whatever the file has."""
    assert differences(None, {"openapi": "3.1.1"}) == [
        'changed: the document: null is now {"openapi": "3.1.1"}'
    ]
