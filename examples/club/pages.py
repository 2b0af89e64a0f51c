"""The first page, error pages, and the headers that every response has."""

from werkzeug.exceptions import HTTPException

from costrel import Blueprint, render_template

bp = Blueprint("pages", __name__)


def init_app(app):
    """Add the pages."""
    app.register_blueprint(bp)


@bp.get("/")
def home():
    """Show the first page."""
    return render_template("home.html")


@bp.app_errorhandler(HTTPException)
def show_error(error):
    """Show any error on a page of the club's own."""
    return render_template("error.html", error=error), error.code


@bp.after_app_request
def add_headers(response):
    """Let browsers load only what comes from here, and believe what type it has."""
    response.headers["Content-Security-Policy"] = "default-src 'self'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
