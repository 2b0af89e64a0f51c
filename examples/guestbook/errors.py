"""Pages for errors; scripts get problems."""

from werkzeug.exceptions import HTTPException

from costrel import render_template, request


def init_app(app):
    """Show the errors of the application on a page of its own."""
    app.register_error_handler(HTTPException, show)


def show(error):
    """Show an error. The page leaves the session alone, which may be what has failed."""
    if not request.accept_mimetypes.accept_html:
        return error
    answer = error.get_response()
    answer.set_data(render_template("error.html", error=error))
    return answer
