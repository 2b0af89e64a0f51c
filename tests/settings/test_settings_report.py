"""Everything that is wrong is reported at once, with its place and what to do."""

from __future__ import annotations

import pickle

import pytest

from costrel import Flask
from costrel.settings import Secret, Settings, SettingsError, load


class Shop(Settings):
    """The settings of a shop."""

    database_url: str
    secret_key: Secret
    port: int = 80
    workers: int = 1

    def __post_init__(self) -> None:
        """Compare settings with each other."""
        if self.workers > self.port:
            raise ValueError(f"There are more workers than ports, says {self.secret_key}.")


class Unannotated(Settings):
    """Values without annotations, as in a configuration of Flask."""

    DEBUG_TOOLBAR = True
    port: int = 1

    def helper(self) -> None:
        """Be no setting."""


class Overridden(Shop):
    """A new default without an annotation, which a dataclass would ignore."""

    port = 81


def report(kind=Shop, environment="production", **options):
    """Return the text of the error that `load` raises."""
    with pytest.raises(SettingsError) as caught:
        load(Flask(__name__), kind, environment, **options)
    return str(caught.value)


def test_all_problems_are_in_one_report(variables, folder):
    """Missing, wrong and unknown settings of every source are listed, sorted by name."""
    (folder / "settings.toml").write_text("[default]\nwokers = 2\n\n[prodution]\nport = 1\n")
    variables(APP_DATABSE_URL="sqlite:", APP_PORT="eighty", COSTREL_SETTINGS="settings.toml")
    assert report() == (
        "6 problems with the settings for 'production':\n"
        "\n"
        "- APP_DATABSE_URL: there is no such setting. Did you mean APP_DATABASE_URL?\n"
        "- DATABASE_URL is missing: expected a text. Set APP_DATABASE_URL, or database_url in the"
        " TOML file.\n"
        "- PORT (APP_PORT): expected a whole number, got 'eighty'.\n"
        "- SECRET_KEY is missing: expected a text that is kept secret. Set SECRET_KEY_FILE to the"
        " path of a file that contains it, or set APP_SECRET_KEY.\n"
        "- [prodution] (settings.toml): there is no such setting. Did you mean [production]?\n"
        "- wokers (settings.toml:2 [default]): there is no such setting. Did you mean workers?\n"
        "\n"
        "This is production. For development, use --debug, or write FLASK_DEBUG=1 into .flaskenv."
    )


def test_nothing_is_written_if_anything_is_wrong(variables):
    """The application keeps the configuration that it had."""
    app = Flask(__name__)
    before = dict(app.config)
    variables(APP_PORT="81")
    with pytest.raises(SettingsError):
        load(app, Shop)
    assert dict(app.config) == before
    assert "costrel.settings" not in app.extensions


def test_setting_from_two_sources_of_a_kind_is_refused(variables, folder):
    """A value and a file, or files under two names, contradict each other."""
    (folder / "key").write_text("k" * 40)
    variables(
        APP_SECRET_KEY="x", APP_SECRET_KEY_FILE="key", SECRET_KEY_FILE="key", APP_DATABASE_URL="d"
    )
    text = report()
    assert "SECRET_KEY is set twice: by APP_SECRET_KEY and by APP_SECRET_KEY_FILE." in text
    assert "SECRET_KEY is set twice: by APP_SECRET_KEY and by SECRET_KEY_FILE." in text
    assert "missing" not in text


def test_settings_that_do_not_go_together_are_reported_by_the_class(variables):
    """A ValueError of `__post_init__` is in the report, with the secrets in it hidden."""
    variables(APP_DATABASE_URL="d", APP_SECRET_KEY="do-not-show-me", APP_WORKERS="9", APP_PORT="8")
    text = report()
    assert "- Shop: There are more workers than ports, says (hidden)." in text


def test_value_without_annotation_is_reported():
    """It would not be a setting, which nobody would notice."""
    text = report(Unannotated)
    assert "Unannotated.DEBUG_TOOLBAR has no annotation" in text
    assert "Write DEBUG_TOOLBAR: bool = ..." in text
    assert "helper" not in text
    assert "Overridden.port has no annotation" in report(Overridden)


def test_file_that_cannot_be_read_is_named(variables, folder):
    """The report has the path, the variable and the reason, and no second line of the setting."""
    (folder / "latin").write_bytes(b"\xff\xfe\xfa")
    (folder / "big").write_bytes(b"x" * 1_000_001)
    for file, reason in [
        ("gone", "No such file or directory"),
        (str(folder), "Is a directory"),
        ("latin", "it is not UTF-8"),
        ("big", "it has more than 1,000,000 bytes"),
    ]:
        variables(SECRET_KEY_FILE=file, APP_DATABASE_URL="d")
        text = report()
        assert f"SECRET_KEY: the file {file!r}, which SECRET_KEY_FILE names" in text
        assert f"can't be read: {reason}." in text
        assert "missing" not in text


def test_toml_that_cannot_be_read_is_named(folder):
    """A missing file, a broken one, and settings outside of tables are problems."""
    assert "gone.toml can't be read: No such file" in report(file=folder / "gone.toml")
    broken = folder / "broken.toml"
    broken.write_text("[default\n")
    assert "broken.toml is not TOML" in report(file=broken)
    broken.write_bytes(b"\xff")
    assert "broken.toml is not UTF-8" in report(file=broken)
    broken.write_text("port = 1\n")
    assert "port (broken.toml:1) is in no table. Move it below [default]" in report(file=broken)
    broken.write_text("[default]\nport = 1\nPORT = 2\n")
    assert "PORT is set twice in [default] of broken.toml" in report(file=broken)


def test_argument_that_is_no_setting_is_reported():
    """A test that passes a wrong name learns the right one."""
    assert "prot (values['prot']): there is no such setting. Did you mean port?" in report(
        values={"prot": 1, "database_url": "", "secret_key": ""}
    )


def test_variables_of_kubernetes_are_no_mistakes(variables):
    """It sets some for a service that is called "app"."""
    variables(
        APP_SERVICE_HOST="10.0.0.1",
        APP_SERVICE_PORT="80",
        APP_SERVICE_PORT_HTTP="80",
        APP_PORT_80_TCP="tcp://10.0.0.1:80",
        APP_PORT_80_TCP_ADDR="10.0.0.1",
    )
    load(Flask(__name__), Shop, values={"database_url": "d", "secret_key": "k"})


def test_error_can_be_sent_to_another_process():
    """It has the same text there."""
    with pytest.raises(SettingsError) as caught:
        load(Flask(__name__), Shop)
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  made here
    assert str(copy) == str(caught.value)
    assert copy.problems == caught.value.problems
