"""What a view may return."""

from flask import (
    Response,
    after_this_request,
    make_response,
    redirect,
    request,
    stream_with_context,
    url_for,
)

from idioms import site, view

CSV = {"Content-Type": "text/csv"}


@view("text")
def hello():
    return "<p>Hello, World!</p>"


@view("(text, 200, headers)")
def text_headers():
    return "id,name\n1,Ada\n", 200, CSV


@view("make_response and a header")
def make_response_header():
    response = make_response("<p>Hello, World!</p>")
    response.headers["X-Something"] = "A value"
    return response


@view("a response with a cookie")
def cookie_set():
    response = make_response("<p>Hello, World!</p>")
    response.set_cookie("username", "the username")
    return response


@site("redirect(url_for(...))", status=302, served=True)
def redirect_url_for(app):
    app.get("/hello", endpoint="index")(hello)

    @app.get("/redirect_url_for")
    def view():
        return redirect(url_for("index"))


@view("a streamed response of 10 lines")
def streamed():
    def generate():
        for number in range(10):
            yield f"{number},Ada\n"

    return generate(), CSV


@view("a streamed response, stream_with_context", "/streamed_context?name=Ada")
def streamed_context():
    def generate():
        yield "Hello "
        yield request.args["name"]
        yield "!"

    return stream_with_context(generate())


@view("after_this_request")
def after_request():
    @after_this_request
    def set_header(response):
        response.headers["X-Something"] = "A value"
        return response

    return "<p>Hello, World!</p>"


@view(
    "conditional GET: ETag, 304",
    headers={"If-None-Match": '"65a8e27d8879283831b664bd8b7f0ad4"'},
    status=304,
)
def conditional():
    response = Response("Hello, World!")
    response.set_etag("65a8e27d8879283831b664bd8b7f0ad4")
    return response.make_conditional(request)
