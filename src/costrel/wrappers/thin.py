"""Responses that have few attributes until code asks for all of them."""

from __future__ import annotations

import typing as t

from werkzeug.sansio.response import Response as SansIOResponse
from werkzeug.wrappers import Response as ResponseBase

from ..ground.shortways import Watched, find

_OF_WERKZEUG = "headers response direct_passthrough _on_close _status _status_code".split()
"""The attributes of every response of Werkzeug's."""

_all, _class = vars(SansIOResponse)["__dict__"], vars(object)["__class__"]


def complete(response: t.Any) -> dict[str, t.Any]:
    """Give a response all of Werkzeug's attributes, and return all that it has.

    For code that copies them, or gives the response a class that can't create them.
    """
    own: dict[str, t.Any] = response._attributes_so_far
    for name in _OF_WERKZEUG:
        # A property in the place of one may itself look at what the response has.
        if name not in own and not hasattr(type(find(type(response), name)), "__set__"):
            own[name] = getattr(response, name)
    return own


def _change_class(response: t.Any, cls: type) -> None:
    complete(response)
    _class.__set__(response, cls)


class ThinResponse(ResponseBase, metaclass=Watched):
    """Complete a response whose ``__dict__`` is asked for, or whose class is changed.

    A class of its own, since methods that call `super` have another ``__class__`` in mind.
    """

    __class__: t.Any = property(type, _change_class)
    __dict__: t.Any = property(complete, _all.__set__)  # pyright: ignore[reportGeneralTypeIssues]
    _attributes_so_far: dict[str, t.Any] = _all
    """The attributes that it has, few as they may be: what ``__dict__`` is elsewhere."""
