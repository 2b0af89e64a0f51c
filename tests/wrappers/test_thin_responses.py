"""Whatever code does with a response, one made of few attributes is like one made by Werkzeug."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import weakref

import pytest
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wrappers import Response as BaseResponse

from costrel import Flask, Response, jsonify, redirect, send_file

KINDS = ["text", "page", "status", "headers", "json", "redirect", "file", "stream"]


class SubResponse(Response):
    """Be another class of ours."""


class OtherResponse(BaseResponse):
    """Be another class of Werkzeug's."""


def make(kind, folder):
    """Return a response that nobody has looked at yet."""
    app = Flask(__name__, root_path=str(folder))
    with app.test_request_context("/"):
        return {
            "text": lambda: Response.of_bytes(b"text", "text/html; charset=utf-8"),
            "page": lambda: app.make_response("page"),
            "status": lambda: app.make_response(("status", 404)),
            "headers": lambda: app.make_response(("headers", 201, {"X-Own": "1"})),
            "json": lambda: jsonify(a=1),
            "redirect": lambda: redirect("/elsewhere"),
            "file": lambda: send_file("file.txt"),
            "stream": lambda: app.make_response(piece for piece in ("a", "b")),
        }[kind]()


def sent(response):
    """Return what a response sends."""
    body, status, headers = run_wsgi_app(response, create_environ())
    content = b"".join(body)
    response.close()
    return status, [field for field in headers if field[0] != "Date"], content


def as_class(cls):
    """Return what gives a response another class."""

    def change(response):
        response.__class__ = cls
        assert type(response) is response.__class__ is cls
        return response

    return change


def copy_dict(cls):
    """Return what makes another response by copying the attributes of one."""

    def copy_to(response):
        other = cls.__new__(cls)
        other.__dict__.update(response.__dict__)
        return other

    return copy_to


def copy_vars_over(response):
    """Copy the attributes of a response over those of another one."""
    other = BaseResponse("other", 500, {"X-Other": "1"})
    vars(other).update(vars(response))
    return other


def copy_by_setattr(response):
    """Set the attributes of a response on another one."""
    other = BaseResponse("other", 500, {"X-Other": "1"})
    for name, value in vars(response).items():
        setattr(other, name, value)
    return other


def freeze(response):
    """Freeze a response, which adds an ETag, and take that away."""
    response.freeze()
    del response.headers["ETag"]
    return response


def weakly(response):
    """Refer to it weakly."""
    reference = weakref.ref(response)
    gc.collect()
    return reference()


def set_unknown(response):
    """Set an attribute that responses don't have, and read it."""
    response.unknown = {"a": 1}
    assert response.unknown == vars(response)["unknown"]
    return response


def replace_state(response):
    """Set the state of a response on one that was created without its constructor."""
    other = object.__new__(type(response))
    other.__dict__ = response.__dict__.copy()
    return other


ANY = {
    "weakref": weakly,
    "setattr": set_unknown,
    "force to Werkzeug's": BaseResponse.force_type,
    "force to ours": Response.force_type,
    "force to a subclass": SubResponse.force_type,
    "force to another": OtherResponse.force_type,
    "force there and back": lambda r: Response.force_type(BaseResponse.force_type(r)),
    "class Werkzeug's": as_class(BaseResponse),
    "class ours": as_class(Response),
    "class a subclass": as_class(SubResponse),
    "class another": as_class(OtherResponse),
    "dict to Werkzeug's": copy_dict(BaseResponse),
    "dict to ours": copy_dict(Response),
    "dict to a subclass": copy_dict(SubResponse),
    "vars over": copy_vars_over,
    "setattr over": copy_by_setattr,
    "dict replaced": replace_state,
    "copy": copy.copy,
}


def pickle_as(protocol):
    """Return what pickles a response, and loads it again."""
    return lambda response: pickle.loads(pickle.dumps(response, protocol))  # noqa: S301  ours


OF_COMPLETE_BODIES = {
    "deepcopy": copy.deepcopy,
    "pickle": pickle_as(pickle.DEFAULT_PROTOCOL),
    "pickle 2": pickle_as(2),
    "freeze": freeze,
    "freeze, pickle": lambda response: pickle_as(2)(freeze(response)),
}


@pytest.mark.parametrize("done", ANY)
@pytest.mark.parametrize("kind", KINDS)
def test_response_sends_the_same_after(kind, done, tmp_path):
    """None of its attributes are missing to another class, or to code that looks at them."""
    (tmp_path / "file.txt").write_text("file")
    expected = sent(make(kind, tmp_path))
    assert sent(ANY[done](make(kind, tmp_path))) == expected


@pytest.mark.parametrize("done", OF_COMPLETE_BODIES)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"file", "stream"}])
def test_response_with_its_body_sends_the_same_after(kind, done, tmp_path):
    """It can be kept in a cache."""
    expected = sent(make(kind, tmp_path))
    assert sent(OF_COMPLETE_BODIES[done](make(kind, tmp_path))) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_response_shows_the_attributes_of_werkzeug(kind, tmp_path):
    """Debuggers and caches list them."""
    (tmp_path / "file.txt").write_text("file")
    response = make(kind, tmp_path)
    shown = vars(response)
    for name in vars(BaseResponse()):
        assert shown[name] is getattr(response, name)
    response.close()


def answers(folder, hook, interface):
    """Return the answers of an application whose responses pass through a hook."""
    app = Flask(__name__, root_path=str(folder), static_folder=str(folder))
    app.testing = True
    app.add_url_rule("/", view_func=lambda: "page")
    if hook is not None:
        app.after_request(hook)
    found = []
    # A file's headers are kept from the second answer on.
    for path in ("/", *["/static/file.txt"] * 3):
        if interface == "wsgi":
            response = app.test_client().get(path)
        else:
            response = asyncio.run(app.async_test_client().get(path))
        headers = [field for field in response.headers if field[0] != "Date"]
        found.append((response.status, headers, response.get_data()))
        response.close()
    return found


@pytest.mark.parametrize("done", ANY)
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_after_hook_may_do_it(interface, done, tmp_path):
    """The answers are the same as without the hook."""
    (tmp_path / "file.txt").write_text("file")
    assert answers(tmp_path, ANY[done], interface) == answers(tmp_path, None, interface)


def test_class_stays_what_it_is():
    """A class that has a say in `__class__` is an instance of its metaclass all the same."""
    response = Response("x")
    assert response.__class__ is type(response) is Response
    assert Response.__class__ is type(Response)
    assert not isinstance(response, (str, OtherResponse))
    with pytest.raises(TypeError):
        response.__class__ = dict
    assert response.get_data() == b"x"
