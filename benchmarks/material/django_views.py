"""The views of Django's applications, and the middleware of the page.

They are the ``ROOT_URLCONF``, which Django loads once it is configured.
"""

from __future__ import annotations

import json as stdlib_json

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import Context, Template
from django.urls import path

from material import content
from material.fortunes import load_fortunes


def hello(request):
    """Answer with static HTML."""
    return HttpResponse(content.HELLO)


def json(request):
    """Answer with the small object."""
    return JsonResponse(content.small_object())


def echo(request):
    """Answer with the JSON of the body."""
    return JsonResponse(stdlib_json.loads(request.body))


def template(request, name):
    """Answer with the greeting."""
    return HttpResponse(greeting.render(Context({"name": name})))


def query(request):
    """Answer with the parameters."""
    values = request.GET
    return JsonResponse(
        {"name": values["name"], "count": int(values["count"]), "tag": values["tag"]}
    )


def item(request, number):
    """Answer with an item, to be linked to."""
    return HttpResponse(str(number))


def login(request):
    """Sign the user in."""
    request.session["user_id"] = content.LOGGED_IN
    return HttpResponse("Signed in.")


def page(request):
    """Answer with the page of the user."""
    values = {"user": request.user, "rows": content.ROWS, "pages": range(1, 7)}
    return render(request, "page.html", values)


def fortunes(request):
    """Answer with the fortunes."""
    return render(request, "fortunes.html", {"fortunes": load_fortunes()})


def load_user(get_response):
    """Load the user of the session before the view."""

    def middleware(request):
        user_id = request.session.get("user_id")  # the login has none yet
        request.user = content.USERS.get(user_id)
        return get_response(request)

    return middleware


def set_header(name, value):
    """Make a middleware that sets one header after the view."""

    def factory(get_response):
        def middleware(request):
            response = get_response(request)
            response[name] = value
            return response

        return middleware

    return factory


set_first, set_second, set_third = (set_header(*pair) for pair in content.AFTER)

urlpatterns = [
    path("", hello, name="hello"),
    path("json", json, name="json"),
    path("echo", echo, name="echo"),
    path("template/<name>", template, name="template"),
    path("query", query, name="query"),
    path("items/<int:number>", item, name="item"),
    path("login", login, name="login"),
    path("page", page, name="page"),
    path("fortunes", fortunes, name="fortunes"),
]

greeting = Template(content.TEMPLATE)
