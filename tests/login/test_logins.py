"""Logging in and out: what the session holds, and for how long that is good."""

from __future__ import annotations

import asyncio
import types

import pytest
from people import User, async_loader, make

from costrel import Costrel, Flask, render_template_string, session, websocket
from costrel.login import (
    AnonymousUser,
    Login,
    current_user,
    fresh_login_required,
    load_current_user,
    login_required,
    login_user,
    login_user_async,
    logout_user,
    logout_user_async,
    user_logged_in,
    user_logged_out,
)
from costrel.sessions import SecureCookieSession, SecureCookieSessionInterface
from costrel.sessions.stored import StoredSessionInterface
from costrel.sessions.stores.memory import MemoryStore


@pytest.fixture(params=[Flask, Costrel])
def made(request, path):
    """Make an application of each class, on each path."""
    return make(request.param)


def test_login_lasts_until_logout(made):
    """Each request knows who is logged in."""
    client = made.app.test_client()
    assert "nobody" == client.get("/who").text
    assert "in" == client.post("/login/ada").text
    assert "ada" == client.get("/who").text
    client.post("/logout")
    assert "nobody" == client.get("/who").text


def test_responses_that_depend_on_the_user_are_not_shared(made):
    """Caches are told so, whoever is logged in."""
    client = made.app.test_client()
    assert "Cookie" in client.get("/who").headers["Vary"]
    client.post("/login/ada")
    assert "Cookie" in client.get("/who").headers["Vary"]


def test_async_loader_works_in_sync_views(path):
    """The thread waits for it."""
    made = make(load_user=async_loader)
    client = made.app.test_client()
    client.post("/login/ada")
    assert "ada" == client.get("/who").text


@pytest.mark.parametrize("loader", [None, async_loader])
def test_async_view_awaits_the_user(loader):
    """`load_current_user` returns it; afterwards the proxy has it."""
    made = make(load_user=loader)

    @made.app.get("/later")
    async def later():
        user = await load_current_user()
        assert user is await made.login.user_async() is made.login.user()
        return [None if user is None else user.id, bool(current_user)]

    @made.app.post("/enter")
    async def enter():
        return str(await login_user_async(made.users["ada"]))

    @made.app.post("/leave")
    async def leave():
        await logout_user_async()
        return ""

    async def main():
        client = made.app.async_test_client()
        answers = [(await client.get("/later")).json]
        await client.post("/enter")
        answers.append((await client.get("/later")).json)
        await client.post("/leave")
        answers.append((await client.get("/later")).json)
        return answers

    expected = [[None, False], ["ada", True], [None, False]]
    assert expected == asyncio.run(main())
    client = made.app.test_client()
    client.post("/enter")
    assert ["ada", True] == client.get("/later").json


def test_async_loader_in_an_async_view_says_what_to_await():
    """A loop can't wait for itself, so the proxy names the way."""
    made = make(load_user=async_loader)

    @made.app.get("/early")
    async def early():
        return str(bool(current_user))

    async def main():
        client = made.app.async_test_client()
        await client.post("/login/ada")
        await client.get("/early")

    with pytest.raises(RuntimeError, match="await load_current_user"):
        asyncio.run(main())


def test_user_is_loaded_once_per_request(made):
    """However often it is asked for, and not at all if it is not."""
    loaded = []
    made.login.user_loader(lambda user_id: loaded.append(user_id) or made.users[user_id])
    made.app.get("/twice", endpoint="twice")(lambda: f"{current_user.id} {current_user.id}")
    made.app.get("/not", endpoint="not")(lambda: "")
    client = made.app.test_client()
    client.post("/login/ada")
    assert [] == loaded
    client.get("/not")
    assert [] == loaded
    assert "ada ada" == client.get("/twice").text
    assert ["ada"] == loaded


def test_user_is_not_kept_in_an_outer_context(made):
    """A test that pushes an application context still sees who is logged in to each request."""
    client = made.app.test_client()
    with made.app.app_context():
        client.post("/login/ada")
        assert "ada" == client.get("/who").text
        assert "nobody" == made.app.test_client().get("/who").text


def test_what_an_anonymous_visitor_had_stays_and_what_another_user_had_goes(made):
    """The cart survives the login; the next user of the browser does not see it."""

    @made.app.route("/cart", methods=["GET", "POST"])
    def cart():
        session.setdefault("cart", "full")
        return session["cart"]

    @made.app.get("/look")
    def look():
        return session.get("cart", "empty")

    client = made.app.test_client()
    client.post("/cart")
    client.post("/login/ada")
    assert "full" == client.get("/look").text
    client.post("/login/ada")
    assert "full" == client.get("/look").text
    client.post("/login/bob")
    assert "empty" == client.get("/look").text
    client.post("/cart")
    client.post("/logout")
    assert "empty" == client.get("/look").text


def test_session_is_renewed_at_login_and_destroyed_at_logout():
    """A session that has an identity gets another one: nobody who knew it is logged in with it."""
    calls = []

    class Session(SecureCookieSession):
        def regenerate(self):
            calls.append("regenerate")

        def destroy(self):
            calls.append("destroy")
            self.clear()

    made = make()
    made.app.session_interface = SecureCookieSessionInterface()
    made.app.session_interface.session_class = Session
    client = made.app.test_client()
    client.post("/login/ada")
    assert ["regenerate"] == calls
    client.post("/logout")
    assert ["regenerate", "destroy"] == calls


@pytest.mark.parametrize("loader", [None, async_loader])
def test_stored_session_gets_another_id_at_each_login(path, loader):
    """The id of before is worth nothing, over both interfaces; logout leaves nothing behind."""
    made = make(Costrel, load_user=loader)
    store = MemoryStore()
    made.app.session_interface = StoredSessionInterface(store)

    @made.app.route("/visit", methods=["GET", "POST"])
    def visit():
        session["visited"] = True
        return ""

    @made.app.get("/later")
    @login_required
    async def later():
        return current_user.id

    @made.app.websocket("/chat")
    @login_required
    async def chat():
        await websocket.send(current_user.id)

    client = made.app.test_client()
    client.post("/visit")
    before = next(iter(client._cookies.values()))
    client.post("/login/ada")
    after = next(iter(client._cookies.values()))
    assert before.value != after.value
    assert 1 == len(store.of_user("ada"))
    assert "ada" == client.get("/later").text
    old = made.app.test_client()
    old.set_cookie(before.key, before.value)
    assert "nobody" == old.get("/who").text

    async def main():
        client = made.app.async_test_client()
        client.set_cookie(after.key, after.value)
        async with client.websocket("/chat") as socket:
            return (await client.get("/later")).text, await socket.receive()

    assert ("ada", "ada") == asyncio.run(main())
    client.post("/logout")
    assert [] == store.of_user("ada")
    assert 401 == client.get("/later").status_code


def test_session_of_an_interface_that_renews_is_renewed():
    """Flask-Session has the method on its interface."""
    renewed = []

    class Interface(SecureCookieSessionInterface):
        def regenerate(self, session):
            renewed.append(session)

    made = make()
    made.app.session_interface = Interface()
    made.app.test_client().post("/login/ada")
    assert 1 == len(renewed)


def test_change_of_the_password_ends_other_sessions(made):
    """The session is bound to it, and the browser that changed it logs in again."""

    @made.app.post("/change")
    def change():
        user = made.login.require()
        user.password_hash = "another hash"
        login_user(current_user)
        return ""

    mine, other = made.app.test_client(), made.app.test_client()
    for client in (mine, other):
        client.post("/login/ada")
    mine.post("/change")
    assert "ada" == mine.get("/who").text
    assert "nobody" == other.get("/who").text
    with other.session_transaction() as left:
        assert "_user_id" not in left


def test_hash_is_not_in_the_session(made):
    """What binds the session says nothing about the password."""
    client = made.app.test_client()
    client.post("/login/ada")
    with client.session_transaction() as held:
        assert {"_user_id", "_fresh", "_login"} <= set(held)
        assert "a stored hash" not in str(dict(held))
        at, fingerprint = held["_login"]
        assert made.clock.now == at
        assert 22 == len(fingerprint)
    assert not next(c for c in client._cookies.values() if "session" in c.key).value.startswith(".")


@pytest.mark.parametrize("login", [None, "x", [], [1], ["x", 1], [None, None], [1, 2, 3], {}])
def test_session_that_was_written_by_something_else_is_not_fresh(login):
    """Whatever it holds, it is no error; it logs in who is not bound to a password."""
    made = make()
    made.login.user_loader(lambda user_id: types.SimpleNamespace(id=user_id))
    made.app.get("/fresh", endpoint="fresh")(fresh_login_required(lambda: current_user.id))
    client = made.app.test_client()
    with client.session_transaction() as held:
        held.update(_user_id="ada", _fresh=True, _login=login)
    found = client.get("/who").text, client.get("/fresh").status_code
    assert found in {("ada", 401), ("nobody", 401)}
    made.login.user_loader(made.users.get)
    assert "nobody" == client.get("/who").text


def test_session_survives_a_change_of_the_secret_key(made):
    """What binds it does not depend on the key that signs it."""
    client = made.app.test_client()
    client.post("/login/ada")
    made.app.config["SECRET_KEY_FALLBACKS"] = [made.app.secret_key]
    made.app.secret_key = "0d9a" * 16
    assert "ada" == client.get("/who").text


def test_user_that_is_deleted_or_inactive_is_logged_out(made):
    """At the next request, not at the end of the session."""
    client = made.app.test_client()
    client.post("/login/ada")
    made.users["ada"].is_active = False
    assert "nobody" == client.get("/who").text
    assert "refused" == client.post("/login/ada").text
    client.post("/login/bob")
    del made.users["bob"]
    assert "nobody" == client.get("/who").text


def test_user_needs_an_id():
    """The error says what to define."""
    made = make()
    with made.app.test_request_context(), pytest.raises(TypeError, match="no id"):
        login_user(User(None))
    with made.app.test_request_context(), pytest.raises(TypeError, match="AnonymousUser"):
        login_user(current_user)


def test_user_may_be_any_object():
    """With ``get_id()``, like the models of Flask-Login, or an id of any type."""
    made = make()
    model = types.SimpleNamespace(get_id=lambda: "7")
    with made.app.test_request_context():
        assert login_user(model)
        assert "7" == session["_user_id"]
        assert current_user.is_authenticated
        assert not current_user.is_anonymous
        assert login_user(types.SimpleNamespace(id=8))
        assert "8" == session["_user_id"]
        assert 8 == current_user.id


def test_nobody_is_an_anonymous_user():
    """It is false, and has the attributes that templates ask for."""
    made = make()
    with made.app.test_request_context():
        assert not current_user
        assert current_user.id is None
        assert current_user.get_id() is None
        assert not current_user.is_authenticated
        assert not current_user.is_active
        assert current_user.is_anonymous
        assert isinstance(current_user, AnonymousUser)
        assert made.login.user() is None
        assert "<AnonymousUser>" == repr(current_user)


def test_current_user_outside_a_request_is_false():
    """Like the other proxies."""
    assert not current_user
    with pytest.raises(RuntimeError, match="outside of request context"):
        current_user.id  # noqa: B018


def test_templates_know_the_user(made):
    """`current_user` is there without being passed."""
    text = "{% if current_user %}{{ current_user.id }}{% else %}nobody{% endif %}"
    made.app.get("/page", endpoint="page")(lambda: render_template_string(text))
    client = made.app.test_client()
    assert "nobody" == client.get("/page").text
    client.post("/login/ada")
    assert "ada" == client.get("/page").text


def test_signals_tell_who_came_and_went():
    """With the user, after the session has changed."""
    made = make()
    seen = []

    def came(app, user):
        seen.append(("came", user.id, current_user.id))

    def went(app, user):
        seen.append(("went", user and user.id, bool(current_user)))

    made.app.post("/both", endpoint="both")(lambda: f"{current_user.id}{logout_user()}")
    client = made.app.test_client()
    with user_logged_in.connected_to(came, made.app), user_logged_out.connected_to(went, made.app):
        client.post("/login/ada")
        client.post("/both")
        client.post("/logout")
    assert [("came", "ada", "ada"), ("went", "ada", False), ("went", None, False)] == seen


def test_application_without_logins_says_what_to_write():
    """Forgetting `Login(app)` is an error, not an anonymous user."""
    app = Flask(__name__)
    with app.test_request_context(), pytest.raises(RuntimeError, match=r"Login\(app"):
        bool(current_user)


def test_application_without_a_loader_says_what_to_write():
    """So is forgetting how to find users."""
    app = Flask(__name__)
    app.secret_key = "5f0c" * 16
    Login(app, limiter=make().limiter)
    with app.test_request_context():
        session["_user_id"] = "ada"
        with pytest.raises(RuntimeError, match="user_loader"):
            bool(current_user)


def test_second_login_of_an_application_is_refused():
    """The same one may be initialised again."""
    made = make()
    made.login.init_app(made.app)
    with pytest.raises(RuntimeError, match="Login already"):
        Login(made.app, limiter=made.limiter)


def test_one_login_serves_two_applications():
    """Each has settings of its own."""
    made = make()
    other = Flask("other")
    made.login.init_app(other)
    other.config["LOGIN_VIEW"] = "elsewhere"
    assert made.app.config["LOGIN_VIEW"] is None


def test_without_a_secret_key_the_login_says_what_to_set():
    """Nobody believes to be logged in."""
    made = make()
    made.app.secret_key = None
    with pytest.raises(RuntimeError, match=r"(?i)secret.key"):
        made.app.test_client().post("/login/ada")
