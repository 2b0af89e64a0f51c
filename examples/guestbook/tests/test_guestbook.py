"""What visitors and guests can do, and what others can't make them do."""

import pytest

from costrel.settings import SettingsError

from .. import create_app

CROSS_SITE = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}


def test_guest_signs_and_everybody_reads_it(ada, client):
    """What a guest writes is shown as text."""
    assert "Thank you!" in ada.post("/", data={"text": "<b>Hi</b>"}, follow_redirects=True).text

    assert "&lt;b&gt;Hi&lt;/b&gt;" in client.get("/").text
    (entry,) = client.get("/entries").json
    assert (entry["name"], entry["text"], entry["likes"]) == ("Ada", "<b>Hi</b>", 0)


@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_entry_that_is_empty_or_too_long_is_not_kept(ada, client, text):
    """The page says why."""
    page = ada.post("/", data={"text": text}, follow_redirects=True).text

    assert "at most 500 characters" in page
    assert client.get("/entries").json == []


def test_guest_likes_an_entry_once(ada, client):
    """Liking it again changes nothing; errors are problems."""
    ada.post("/", data={"text": "Hi"})

    assert [ada.post("/entries/1/likes").json for _ in range(2)] == [{"likes": 1}] * 2
    json = {"Accept": "application/json"}
    unknown = ada.post("/entries/2/likes", headers=json)
    assert unknown.json == {"title": "Not Found", "status": 404, "detail": "There is no entry 2."}
    assert client.post("/entries/1/likes", headers=json).json["status"] == 401


def test_visitor_comes_back_after_the_login(client):
    """The page that demanded the login is shown."""
    asked = client.get("/account/", headers={"Accept": "text/html"})
    answer = client.post(asked.location, data={"name": "Ada", "password": "correct horse"})

    assert answer.location == "/account/"
    assert "This browser" in client.get(answer.location).text


def test_wrong_password_is_refused(client):
    """As is a name that nobody has, with the same words."""
    for name in ("Ada", "Grace"):
        answer = client.post("/login", data={"name": name, "password": "guessed"})
        assert answer.status_code == 403
        assert "The name or the password is wrong." in answer.text
    assert client.post("/", data={"text": "Hi"}).status_code == 401


def test_sixth_attempt_is_refused(client):
    """Even with the right password."""
    for _ in range(5):
        client.post("/login", data={"name": "Ada", "password": "guessed"})
    right = {"name": "Ada", "password": "correct horse"}
    answer = client.post("/login", data=right, headers={"Accept": "text/html"})

    assert answer.status_code == 429
    assert "Back to the guestbook" in answer.text


def test_eleventh_entry_in_a_minute_is_refused(ada):
    """So that nobody fills the book."""
    statuses = [ada.post("/", data={"text": "Hi"}).status_code for _ in range(11)]

    assert statuses == [302] * 10 + [429]


@pytest.mark.parametrize("path", ["/", "/login", "/logout", "/entries/1/likes", "/account/end-all"])
def test_forged_request_is_refused(ada, path):
    """A page of another site can't act as a guest, nor log anybody in."""
    assert ada.post(path, data={"text": "Hi"}, headers=CROSS_SITE).status_code == 403
    assert ada.get("/entries").json == []
    assert "Ada" in ada.get("/").text


def test_form_has_a_token_for_old_browsers(ada):
    """Browsers that don't say where a form is from send it; without it, they are refused."""
    del ada.environ_base["HTTP_SEC_FETCH_SITE"]
    token = ada.get("/").text.partition('name="csrf_token" value="')[2].partition('"')[0]

    assert ada.post("/", data={"text": "Hi"}).status_code == 403
    assert ada.post("/", data={"text": "Hi", "csrf_token": token}).status_code == 302
    assert ada.post("/entries/1/likes", headers={"X-CSRF-Token": token}).json == {"likes": 1}


def test_log_out_everywhere(new_browser):
    """All sessions of the guest end, and remembered browsers are forgotten."""
    here, there, remembered = new_browser(), new_browser(), new_browser(remember="on")
    remembered.delete_cookie("session")

    page = here.post("/account/end-all", follow_redirects=True).text
    assert "You are logged out everywhere: 3 sessions have ended." in page
    for browser in (here, there, remembered):
        assert browser.get("/account/").status_code == 401


def test_log_out_in_another_browser(new_browser):
    """Only there."""
    here, there = new_browser(), new_browser()
    key = here.get("/account/").text.partition('name="key" value="')[2].partition('"')[0]

    assert "You are logged out there." in here.post("/account/end", data={"key": key},
                                                    follow_redirects=True).text  # fmt: skip
    assert there.get("/account/").status_code == 401
    assert here.get("/account/").status_code == 200


def test_logout_ends_the_session(ada):
    """A copy of its cookie is worth nothing afterwards."""
    copy = ada.get_cookie("session").value
    ada.post("/logout")
    ada.set_cookie("session", copy)

    assert ada.get("/account/").status_code == 401


def test_production_has_to_be_set():
    """Whoever forgets a setting is told of all of them."""
    with pytest.raises(SettingsError) as raised:
        create_app("production")

    for key in ("SECRET_KEY", "SESSION_STORE", "TRUSTED_HOSTS"):
        assert f"{key} is missing" in str(raised.value)


def test_command_takes_a_name_once(app):
    """There is one guest of a name."""
    again = app.test_cli_runner().invoke(args=["add-guest", "Ada", "--password", "other"])

    assert again.output == "Error: There is a guest called Ada already.\n"
