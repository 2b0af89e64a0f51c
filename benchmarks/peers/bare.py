"""The bare WSGI callable: the server's own speed, and the upper limit for all others."""

from material import bare, content

PEER = {
    "title": "bare callable",
    "package": "",
    "interface": "wsgi",
    "servers": ["granian", "gunicorn-sync", "gunicorn-gthread"],
    "defaults": ["granian-defaults", "gunicorn-defaults"],
    "quick": ["granian"],
}


def hello(environ, start_response):
    """Answer with static HTML."""
    start_response("200 OK", [("Content-Type", bare.HTML), ("Content-Length", "22")])
    return [bare.HELLO]


def json(environ, start_response):
    """Answer with the small object."""
    return send(start_response, bare.encode(content.small_object()), bare.JSON)


def echo(environ, start_response):
    """Answer with the JSON of the body."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return send(start_response, bare.encode(bare.decode(body)), bare.JSON)


def template(environ, start_response):
    """Answer with the greeting."""
    return send(start_response, bare.answer_template(environ["PATH_INFO"][10:]), bare.HTML)


def query(environ, start_response):
    """Answer with the parameters."""
    return send(start_response, bare.answer_query(environ["QUERY_STRING"]), bare.JSON)


def login(environ, start_response):
    """Answer with a signed cookie."""
    return send(start_response, b"Signed in.", bare.HTML, ("Set-Cookie", bare.make_cookie()))


def page(environ, start_response):
    """Answer with the page of the user."""
    body = bare.answer_page(environ["HTTP_COOKIE"])
    return send(start_response, body, bare.HTML, *content.AFTER)


def fortunes(environ, start_response):
    """Answer with the fortunes."""
    return send(start_response, bare.answer_fortunes(), bare.HTML)


def send(start_response, body, content_type, *headers):
    """Send a body."""
    fields = [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers]
    start_response("200 OK", fields)
    return [body]


PATHS = {
    "/": hello,
    "/json": json,
    "/echo": echo,
    "/query": query,
    "/login": login,
    "/page": page,
    "/fortunes": fortunes,
}


def app(environ, start_response):
    """Find the function of the path; any other path is the template's."""
    return PATHS.get(environ["PATH_INFO"], template)(environ, start_response)
