"""The commands that make an installation ready, on an empty folder: whatever happens between, they come to an end."""

import shutil
import socket
import stat
from dataclasses import replace

import pytest
from sqlalchemy import select

from contracts_app import create_app, reference
from contracts_app.core.db import db
from contracts_app.core.settings import Settings
from contracts_app.regions.models import Unit


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the reference files that a test may tear."""
    copy = shutil.copytree(reference.FOLDER, tmp_path / "reference")
    monkeypatch.setattr(reference.load_reference, "__defaults__", (copy,))
    monkeypatch.setattr(reference.edition, "__defaults__", (copy,))
    return copy


@pytest.fixture
def office(tmp_path):
    """An application on a machine where nothing is yet."""
    app = create_app(Settings.from_environment({"INSTANCE_DIR": str(tmp_path / "instance")}))
    yield app
    app.extensions["engine"].dispose()


def run(app, *words):
    with app.app_context():
        return app.test_cli_runner().invoke(args=words)


def test_init_goes_on_where_a_torn_file_stopped_it(office, folder):
    units = folder / "units.csv"
    whole = units.read_text(encoding="utf-8")
    units.write_text(whole.replace(",", ";", 1), encoding="utf-8")
    torn = run(office, "init")
    assert torn.exit_code == 1
    assert "units.csv:1" in torn.stderr

    units.write_text(whole, encoding="utf-8")
    assert run(office, "init").exit_code == 0
    with office.app_context():
        assert len(db.session.scalars(select(Unit)).all()) == 13


def test_reference_data_of_a_new_release_are_taken_over_and_old_ones_not_read_again(office, folder):
    assert "新增或更新" in run(office, "init").stderr
    assert "新增或更新" not in run(office, "init").stderr

    units = folder / "units.csv"
    units.write_text(units.read_text(encoding="utf-8").replace("晋江市科", "晋江市新科", 1), encoding="utf-8")
    assert "新增或更新 1 行" in run(office, "init").stderr


def test_the_database_is_for_the_owner_only(office, tmp_path):
    run(office, "init")
    files = list((tmp_path / "instance").glob("contracts.db*"))
    assert files
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize("command", ["init", "demo", "start"])
def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path, command):
    url = "postgresql+psycopg://office:secret@127.0.0.1:1/nothing"
    said = run(create_app(Settings(instance=tmp_path, database_url=url, secret_key="k")), command)
    assert said.exit_code == 1
    assert "数据库打不开：postgresql+psycopg://office:***@127.0.0.1:1/nothing" in said.stderr
    assert "secret" not in said.stderr


def test_a_port_that_is_taken_is_said_in_a_sentence(office):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        office.config["SETTINGS"] = replace(office.config["SETTINGS"], port=other.getsockname()[1])
        said = run(office, "start", "--no-demo")
    assert said.exit_code == 1
    assert "已被别的程序占用" in said.stderr
    assert "技术合同认定登记与跟踪系统：" not in said.stderr
