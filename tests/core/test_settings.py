"""An installation is what its environment says; its key is made once, whole, and for the owner's eyes."""

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from contracts_app.core.settings import Misconfigured, Settings


def settings_of(folder, **environment):
    return Settings.from_environment({"INSTANCE_DIR": str(folder), **environment})


def test_a_fresh_machine_needs_nothing(tmp_path):
    settings = settings_of(tmp_path / "instance")
    assert settings.database_url == f"sqlite:///{tmp_path / 'instance' / 'contracts.db'}"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.secure_cookies is False
    assert settings.session_idle == timedelta(minutes=30)
    assert len(settings.secret_key) >= 64


def test_everything_can_be_said(tmp_path):
    settings = settings_of(
        tmp_path,
        DATABASE_URL="postgresql+psycopg://a@b/c",
        SECRET_KEY="k",
        HOST="0.0.0.0",
        PORT="81",
        THREADS="2",
        UPLOAD_LIMIT_MB="5",
        SESSION_IDLE_MINUTES="10",
    )
    assert settings.database_url == "postgresql+psycopg://a@b/c"
    assert (settings.secret_key, settings.host, settings.port, settings.threads) == ("k", "0.0.0.0", 81, 2)
    assert settings.upload_limit == 5 * 1024 * 1024
    assert settings.session_idle == timedelta(minutes=10)
    assert not (tmp_path / "secret-key").exists()


@pytest.mark.parametrize(
    ("word", "secure"),
    [("1", True), ("true", True), ("True", True), ("YES", True), ("on", True), ("0", False), ("", False)],
)
def test_secure_cookies_are_asked_for_in_any_spelling(tmp_path, word, secure):
    assert settings_of(tmp_path, SECURE_COOKIES=word).secure_cookies is secure


def test_an_empty_word_is_no_word(tmp_path):
    settings = settings_of(tmp_path, DATABASE_URL="", SECRET_KEY="", PORT="", HOST="", UPLOAD_LIMIT_MB="")
    assert settings.database_url.startswith("sqlite:///")
    assert settings.port == 8000
    assert settings.secret_key


def test_the_key_is_kept_and_readable_by_its_owner_only(tmp_path):
    folder = tmp_path / "instance"
    first, second = settings_of(folder).secret_key, settings_of(folder).secret_key
    assert first == second
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert os.listdir(folder) == ["secret-key"], "no draft of it is left lying about"


def test_installations_have_keys_of_their_own(tmp_path):
    assert settings_of(tmp_path / "a").secret_key != settings_of(tmp_path / "b").secret_key


def test_processes_that_start_together_have_one_key(tmp_path):
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _, folder=folder: settings_of(folder).secret_key, range(8)))
        assert len(keys) == 1
        assert len(keys.pop()) == 64


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"PORT": "abc"}, "PORT 是“abc”，改成 1 至 65535 的整数"),
        ({"PORT": "70000"}, "PORT"),
        ({"THREADS": "0"}, "THREADS"),
        ({"UPLOAD_LIMIT_MB": "-1"}, "UPLOAD_LIMIT_MB"),
        ({"DATABASE_URL": "nonsense"}, "postgresql+psycopg://"),
        ({"DATABASE_URL": "postgres://a@b/c"}, "postgresql+psycopg://"),
    ],
)
def test_a_word_that_cannot_be_is_told_of_before_anything_starts(tmp_path, environment, sentence):
    with pytest.raises(Misconfigured, match=re.escape(sentence)):
        settings_of(tmp_path, **environment)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="INSTANCE_DIR"):
        settings_of(tmp_path / "file" / "instance")
