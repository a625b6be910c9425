"""While the database is upgraded, the release before goes on showing it and leaves writing to the newer one."""

import pytest
from sqlalchemy import text

from contracts_app.accounts.roles import Role
from contracts_app.core.db import db, write_in_passing
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.enterprises.models import Enterprise


@pytest.fixture
def registrar(make, sign_in):
    return sign_in(make.user(Role.REGISTRAR))


def of_a_newer_release():
    db.session.execute(text("UPDATE alembic_version SET version_num = '9999_of_tomorrow'"))
    db.session.commit()


def test_reading_goes_on_and_writing_waits_for_the_newer_release(registrar):
    of_a_newer_release()
    assert registrar.get("/contracts/inbox").status_code == 200
    answer = registrar.post("/enterprises/new", data={"name": "晋江试验有限公司"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "正在升级" in answer.text
    assert db.session.query(Enterprise).filter_by(name="晋江试验有限公司").count() == 0


def test_what_is_read_is_not_witnessed_by_the_older_release_so_it_is_not_shown(registrar):
    told = db.session.query(AuditEntry).count()
    of_a_newer_release()
    answer = registrar.get("/users")  # a refusal would be written down
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "正在升级" in answer.text
    assert db.session.query(AuditEntry).count() == told


def test_nothing_is_written_in_passing(app):
    none = text("UPDATE audit_head SET count = count WHERE id < 0")
    assert write_in_passing(app, none)
    of_a_newer_release()
    assert not write_in_passing(app, none)


@pytest.mark.parametrize("words", ["users dormant --disable", "audit verify", "keys rotate"])
def test_commands_that_write_say_so_and_leave_it(app, words):
    told = db.session.query(AuditEntry).count()
    of_a_newer_release()
    ended = app.test_cli_runner().invoke(args=words.split())
    assert db.session.query(AuditEntry).count() == told
    assert ended.exit_code == 1
    assert "更新的版本" in ended.output


def test_nobody_is_kept_waiting_by_their_own_release(registrar):
    assert registrar.post("/enterprises/new", data={"name": ""}).status_code == 422
