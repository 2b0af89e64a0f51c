"""An application with extensions, as type checkers must accept it with the stubs of ``flask``."""

from __future__ import annotations

import typing as t

from flask import Blueprint, Flask, current_app, g, jsonify, request, websocket
from flask.cli import with_appcontext
from flask.sansio.app import App
from flask.sessions import SessionMixin
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_required
from flask_migrate import Migrate
from flask_smorest import Api
from flask_smorest import Blueprint as ApiBlueprint
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import costrel


class Base(DeclarativeBase):
    """The base of the models."""


db = SQLAlchemy(model_class=Base)
login = LoginManager()
migrate = Migrate()
pages = Blueprint("pages", __name__)
books = ApiBlueprint("books", __name__, url_prefix="/books")


if t.TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


class Member(Model):
    """A model."""

    id: Mapped[int] = mapped_column(primary_key=True)


@login.user_loader
def load_member(member_id: str) -> Member | None:
    """Find a member."""
    return db.session.get(Member, int(member_id))


@pages.get("/")
@login_required
def index() -> ResponseReturnValue:
    """Answer with JSON."""
    return jsonify(id=current_user.get_id(), path=request.path)


@pages.websocket("/chat")
async def chat() -> None:
    """Use the attributes that Flask does not have."""
    await websocket.accept()
    t.assert_type(await websocket.receive(), str | bytes)


async def welcome(member: int) -> None:
    """Run after the response."""


@pages.post("/jobs")
def start() -> str:
    """Start a background task."""
    t.cast(Flask, current_app).add_background_task(welcome, 1)
    g.started = True
    return "started"


@with_appcontext
def count() -> int:
    """Keep the signature."""
    return 1


def create_app() -> Flask:
    """Give one application to every extension."""
    app = Flask(__name__)
    db.init_app(app)
    login.init_app(app)
    migrate.init_app(app, db)
    api = Api(app)
    api.register_blueprint(books)
    app.register_blueprint(pages)
    return app


app: costrel.Flask = create_app()
db.init_app(costrel.Flask(__name__))
base: App = app
opened: type[SessionMixin] = costrel.sessions.SecureCookieSession
app.asgi  # noqa: B018


@app.websocket("/no")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
def sync() -> None:
    """Be refused, as with ``from costrel import Flask``."""
