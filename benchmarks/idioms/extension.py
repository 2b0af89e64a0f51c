"""A page that needs a login, by Flask-Login."""

import flask_login

from idioms import site


class User(flask_login.UserMixin):
    """Somebody who may sign in."""

    def __init__(self, user_id):
        self.id = user_id


@site("a page that needs a login, Flask-Login", first="/login_extension/login")
def login_extension(app):
    manager = flask_login.LoginManager(app)
    manager.user_loader(User)

    @app.get("/login_extension/login", endpoint="login")
    def login():
        flask_login.login_user(User("7"))
        return "Signed in."

    @app.get("/login_extension")
    @flask_login.login_required
    def view():
        return f"Hello, {flask_login.current_user.id}!"
