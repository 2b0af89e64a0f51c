"""What visitors and members can do."""

import asyncio
import io

import pytest

from costrel.testing.asgi import WebSocketRejected

PNG = b"\x89PNG\r\n\x1a\n and the rest"
TRIP = {"title": "To the sea", "text": "It was wide."}


def test_error_has_a_page(client):
    """A page that does not exist is answered with the club's own page."""
    answer = client.get("/nowhere")

    assert answer.status_code == 404
    assert "Back to the start" in answer.text
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"


def test_wrong_password_is_refused(client):
    """The form is shown again, and says why."""
    answer = client.post("/login", data={"name": "Ada", "password": "guessed"})

    assert "This is not the password" in answer.text
    assert client.get("/trips/new").status_code == 302


def test_member_logs_in_and_out(ada):
    """Members may add trips, until they log out."""
    assert ada.get("/trips/new").status_code == 200
    ada.post("/logout")
    assert ada.get("/trips/new").location == "/login?next=%2Ftrips%2Fnew"


def test_forms_need_a_token(app, client):
    """A form on another site can't log anybody in."""
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post("/login", data={"name": "Ada", "password": "secret"})

    assert answer.status_code == 400
    assert "token is missing" in answer.text


def test_command_adds_a_member(app, client):
    """A member added by the command can log in; a name can be taken once."""
    run = app.test_cli_runner().invoke
    command = ["add-member", "Mary", "--password", "other"]

    assert run(args=command).output == "Mary can log in now.\n"
    assert run(args=command).output == "Error: There is a member called Mary already.\n"
    answer = client.post("/login", data={"name": "Mary", "password": "other"})
    assert answer.status_code == 302


def test_trip_is_shown_with_its_photo(ada, client):
    """The photo is stored under another name, and sent with its type."""
    photo = (io.BytesIO(PNG), "../../evil.html")
    ada.post("/trips/new", data={**TRIP, "photo": photo})

    page = client.get("/trips").text
    assert "To the sea" in page
    path = page.partition('<img src="/photos/')[2].partition('"')[0]
    with client.get(f"/photos/{path}") as answer:
        assert (answer.data, answer.mimetype) == (PNG, "image/png")


@pytest.mark.parametrize(
    ("content", "status", "shown"),
    [
        (b"<script>", 200, "This is neither a PNG nor a JPEG."),
        (PNG + b"x" * 9_000, 413, "exceeds the capacity limit"),
    ],
)
def test_upload_that_is_no_photo_is_refused(app, ada, content, status, shown):
    """A file of another kind, or one too large, is not stored."""
    app.config["MAX_CONTENT_LENGTH"] = 9_000
    answer = ada.post("/trips/new", data={**TRIP, "photo": (io.BytesIO(content), "me.png")})

    assert (answer.status_code, shown in answer.text) == (status, True)
    assert "To the sea" not in ada.get("/trips").text


def test_api_adds_and_lists_trips(client):
    """Programs send a name and password; what is wrong is explained in JSON."""
    assert client.post("/api/v1/trips", json=TRIP).json["message"].startswith("Send your name")
    ada = ("Ada", "secret")
    wrong = client.post("/api/v1/trips", json={"title": "x"}, auth=ada)
    assert wrong.json["errors"]["json"] == {"text": ["Missing data for required field."]}

    added = client.post("/api/v1/trips", json=TRIP, auth=ada)
    assert (added.status_code, added.json["member"]) == (201, "Ada")
    assert client.get("/api/v1/trips").json == [added.json]
    assert "/api/v1/trips" in client.get("/api/v1/openapi.json").json["paths"]


def test_news_and_letters_tell_of_a_trip(app, tmp_path):
    """Open pages hear of a trip, and all other members get a letter."""

    async def main():
        async with app.async_test_client() as client, client.events("/news") as events:
            await client.post("/api/v1/trips", json=TRIP, auth=("Ada", "secret"))
            return (await events.receive()).data

    assert asyncio.run(main()) == "Ada tells of a trip: To the sea"
    letters = (tmp_path / "letters.txt").read_text()
    assert letters == "Dear Grace, Ada tells of a trip: To the sea\n"


def test_chat_is_for_members(app):
    """What a member says is heard, and stored for those who come later."""

    async def main():
        client = app.async_test_client()
        with pytest.raises(WebSocketRejected) as rejected:
            async with client.websocket("/chat/messages"):
                pass
        assert rejected.value.status_code == 401

        await client.post("/login", data={"name": "Ada", "password": "secret"})
        async with client.websocket("/chat/messages") as socket:
            await socket.send("Hello?")
            assert await socket.receive_json() == {"name": "Ada", "text": "Hello?"}
        async with client.websocket("/chat/messages") as socket:
            assert await socket.receive_json() == {"name": "Ada", "text": "Hello?"}

    asyncio.run(main())
