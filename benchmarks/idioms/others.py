"""A handful of the rows by frameworks that have the same, each as its documentation writes it.

Each function returns the applications, by row. Starlette reads no form without a package of
its own, so it has no row for that.
"""

from __future__ import annotations

import typing as t

Apps = dict[str, t.Any]


def small_object() -> dict[str, t.Any]:
    """Return the dictionary of the row `dictionary`, new each time, as views do."""
    return {"id": 42, "name": "Ada", "active": True}


def falcon() -> Apps:
    """Return Falcon's."""
    import falcon as framework

    class Hello:
        def on_get(self, req, resp):
            resp.content_type = framework.MEDIA_HTML
            resp.text = "<p>Hello, World!</p>"

    class Dictionary:
        def on_get(self, req, resp):
            resp.media = small_object()

    class Redirect:
        def on_get(self, req, resp):
            raise framework.HTTPFound("/hello")

    class Form:
        def on_post(self, req, resp):
            form = req.get_media()
            resp.content_type = framework.MEDIA_HTML
            resp.text = f"{form['name']} is {form['age']}"

    app = framework.App()
    app.add_route("/hello", Hello())
    app.add_route("/dictionary", Dictionary())
    app.add_route("/redirect_url_for", Redirect())
    app.add_route("/form", Form())
    return dict.fromkeys(("hello", "dictionary", "not_found", "redirect_url_for", "form"), app)


def bottle() -> Apps:
    """Return Bottle's."""
    import bottle as framework

    app = framework.Bottle()

    @app.get("/hello", name="index")
    def hello():
        return "<p>Hello, World!</p>"

    app.get("/dictionary")(small_object)

    @app.get("/redirect_url_for")
    def redirect():
        framework.redirect(app.get_url("index"), 302)

    @app.post("/form")
    def form():
        values = framework.request.forms
        return f"{values.name} is {values.age}"

    return dict.fromkeys(("hello", "dictionary", "not_found", "redirect_url_for", "form"), app)


def django() -> Apps:
    """Return Django's, without middleware."""
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse, JsonResponse
    from django.shortcuts import redirect
    from django.urls import path

    settings.configure(
        ALLOWED_HOSTS=["*"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=[],
        ROOT_URLCONF=__name__,
        SECRET_KEY="measured-in-public-0123456789abcdef",  # noqa: S106 - guards nothing
    )

    def form(request):
        return HttpResponse(f"{request.POST['name']} is {request.POST['age']}")

    globals()["urlpatterns"] = [
        path("hello", lambda request: HttpResponse("<p>Hello, World!</p>"), name="index"),
        path("dictionary", lambda request: JsonResponse(small_object())),
        path("redirect_url_for", lambda request: redirect("index")),
        path("form", form),
    ]
    app = get_wsgi_application()
    return dict.fromkeys(("hello", "dictionary", "not_found", "redirect_url_for", "form"), app)


def starlette() -> Apps:
    """Return Starlette's, over ASGI."""
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
    from starlette.routing import Route

    async def hello(request):
        return HTMLResponse("<p>Hello, World!</p>")

    async def dictionary(request):
        return JSONResponse(small_object())

    async def redirect(request):
        return RedirectResponse(request.url_for("index"), 302)

    app = Starlette(
        routes=[
            Route("/hello", hello, name="index"),
            Route("/dictionary", dictionary),
            Route("/redirect_url_for", redirect),
        ]
    )
    return dict.fromkeys(("hello", "dictionary", "not_found", "redirect_url_for"), app)
