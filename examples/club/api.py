"""The API: trips as JSON, described by OpenAPI at ``/api/v1/openapi.json``."""

from flask_login import current_user
from flask_smorest import Api, Blueprint, abort
from marshmallow import Schema, fields, validate
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from . import pages, trips
from .members import csrf
from .models import Trip, db

api = Api()
bp = Blueprint("api", __name__, url_prefix="/api/v1")
bp.register_error_handler(HTTPException, api.handle_http_exception)
csrf.exempt(bp)  # A program has no form to read a token from: it sends a password.


def init_app(app):
    """Add the API and its description."""
    app.config.from_mapping(
        API_TITLE="The club",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
    )
    api.init_app(app)
    api.register_blueprint(bp)
    # Again, because flask-smorest would answer the errors of all pages with JSON.
    app.register_error_handler(HTTPException, pages.show_error)


class TripSchema(Schema):
    """A trip as JSON."""

    id = fields.Integer(dump_only=True)
    title = fields.String(required=True, validate=validate.Length(1, 80))
    text = fields.String(required=True, validate=validate.Length(1, 2_000))
    member = fields.Pluck("MemberSchema", "name", dump_only=True)
    at = fields.DateTime(dump_only=True)


class MemberSchema(Schema):
    """A member as JSON."""

    name = fields.String()


@bp.get("/trips")
@bp.response(200, TripSchema(many=True))
def index():
    """List the trips, the newest first."""
    return db.session.scalars(select(Trip).order_by(Trip.id.desc()))


@bp.post("/trips")
@bp.arguments(TripSchema)
@bp.response(201, TripSchema)
def add(trip):
    """Add a trip. Send your name and password with the request."""
    if not current_user.is_authenticated:
        abort(401, message="Send your name and password.")
    return trips.save(**trip)
