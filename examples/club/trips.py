"""The trips: a list, a form, and photos."""

import os
import secrets

from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from sqlalchemy import select
from wtforms import StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length

from costrel import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    send_from_directory,
    url_for,
)

from .models import Trip, db
from .news import announce

bp = Blueprint("trips", __name__)
KINDS = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}


def init_app(app):
    """Add the pages, and make the folder for photos."""
    os.makedirs(os.path.join(app.instance_path, "photos"), exist_ok=True)
    app.register_blueprint(bp)


class TripForm(FlaskForm):
    """What there is to tell of a trip."""

    title = StringField("Where to?", [InputRequired(), Length(max=80)])
    text = TextAreaField("What was it like?", [InputRequired(), Length(max=2_000)])
    photo = FileField("A photo, PNG or JPEG", render_kw={"accept": "image/png, image/jpeg"})

    def validate_photo(self, field):
        """Refuse what is not a photo, whatever its name says."""
        if field.data and not ending(field.data):
            raise ValidationError("This is neither a PNG nor a JPEG.")


def ending(file):
    """Return the ending for the name of a photo, from its first bytes; None for other files."""
    start = file.read(8)
    file.seek(0)
    return next((KINDS[kind] for kind in KINDS if start.startswith(kind)), None)


@bp.get("/trips")
def index():
    """List the trips, the newest first."""
    trips = db.session.scalars(select(Trip).order_by(Trip.id.desc()))
    return render_template("trips.html", trips=trips)


@bp.route("/trips/new", methods=["GET", "POST"])
@login_required
def new():
    """Show the form, and keep the trip that it describes."""
    form = TripForm()
    if form.validate_on_submit():
        save(form.title.data, form.text.data, form.photo.data)
        flash("Thank you! All members hear of it.")
        return redirect(url_for("trips.index"))
    return render_template("form.html", title="A new trip", form=form)


def save(title, text, photo=None):
    """Keep a trip, and its photo under a name of ours."""
    name = secrets.token_hex() + ending(photo) if photo else None
    if name:
        photo.save(os.path.join(current_app.instance_path, "photos", name))
    trip = Trip(title=title, text=text, photo=name, member_id=current_user.id)
    db.session.add(trip)
    db.session.commit()
    current_app.add_background_task(announce, trip.id)
    return trip


@bp.get("/photos/<name>")
def photo(name):
    """Send a photo."""
    return send_from_directory(os.path.join(current_app.instance_path, "photos"), name)
