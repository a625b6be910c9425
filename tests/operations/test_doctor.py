"""What doctor says of an installation that is well, and of each thing that is not."""

import json
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import text

from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Attachment
from contracts_app.contracts.states import State
from contracts_app.core.clock import as_if, now_utc
from contracts_app.core.database import migrations
from contracts_app.core.db import db
from contracts_app.core.installation import set_fact
from contracts_app.operations import doctor, doctor_commands
from contracts_app.operations.doctor import Check, Level
from contracts_app.reference import edition


@pytest.fixture
def office(live):
    set_fact("reference_edition", edition())
    set_fact("mode", "demonstration")  # a real one lacks backups, a scanner and people
    for role in (Role.ADMIN, Role.SECURITY, Role.AUDITOR):
        live.make.user(role, password_hash="$x")
    db.session.commit()
    return live


def told(app, *words):
    """Exit status, and what of each check was found."""
    with app.app_context():
        ended = app.test_cli_runner().invoke(args=["doctor", "--format", "json", *words])
    found = json.loads(ended.stdout)
    return ended.exit_code, {one["name"]: (one["level"], one["sentence"]) for one in found["checks"]}


def test_an_installation_that_is_well_is_told_so_and_stays_as_it_was(office, databases):
    office.make.contract(state=State.REGISTERED)
    status, found = told(office.app)
    bad = {name: says for name, says in found.items() if says[0] != "ok"}
    on_postgresql = (
        {"database-settings"} if databases.name != "sqlite" else set()
    )  # that of the tests survives no power cut
    assert bad.keys() - {"disk", "database-size", "memory"} - on_postgresql == set(), bad
    assert status == (1 if on_postgresql else 0) or {level for level, _ in bad.values()} == {"fail"}
    assert not (office.app.config["SETTINGS"].instance / "data-keys").exists() or found["data-keys"][0] == "ok"
    assert all(sentence.endswith("。") for _, sentence in found.values())


def test_what_is_not_well_is_named_with_what_to_do(office):
    app = office.app
    secret = app.config["SETTINGS"].instance / "secret-key"
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("k")
    secret.chmod(0o644)
    set_fact("reference_edition", "of another release")
    with as_if(now_utc() + timedelta(hours=1)):
        office.make.contract(state=State.REGISTERED)
    db.session.query(Attachment).update({"sha256": "0" * 64})
    db.session.execute(text("DELETE FROM contract_search"))
    db.session.execute(text("DELETE FROM calendar_days"))
    db.session.execute(text("UPDATE users SET is_active = false WHERE id IN (SELECT user_id FROM user_roles)"))
    db.session.commit()
    status, found = told(app)
    assert status == 1
    for name, words in {
        "secret-files": "chmod 600",
        "clock-records": "拨回",
        "files": "从备份取回",
        "calendar": "放假安排",
        "duties": "没有能登录的",
    }.items():
        assert found[name][0] == "fail", (name, found[name])
        assert words in found[name][1]
    for name, words in {"reference": "seed", "search": "reindex"}.items():
        assert found[name][0] == "warn", (name, found[name])
        assert words in found[name][1]

    db.session.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": migrations.known()[0]})
    db.session.commit()
    _, found = told(app)
    assert found["migrations"][0] == "fail"
    assert "init" in found["migrations"][1]
    assert "search" not in found, "what lies in tables of another release is not looked at"


def test_the_slow_ones_read_everything(office):
    contract = office.make.contract(state=State.REGISTERED)
    store = office.app.extensions["files"]
    kept = store.keep(BytesIO(b"what was signed"), 100)
    db.session.query(Attachment).update({"sha256": kept.sha256, "size": kept.size})
    db.session.commit()
    assert told(office.app, "--deep")[1]["files-whole"][0] == "ok"

    (place,) = store.root.rglob(kept.sha256)
    place.write_bytes(b"What was signed")
    db.session.execute(text("UPDATE contracts SET total_amount = total_amount + 1 WHERE id = :id"), {"id": contract.id})
    db.session.commit()
    status, found = told(office.app, "--deep")
    assert status == 1
    assert found["files"][0] == "ok", "its size is right: only reading tells"
    assert found["files-whole"][0] == found["totals"][0] == "fail"
    assert found["audit-whole"][0] == "ok"


# --- without a database -----------------------------------------------------------------------------------------------


def test_a_check_that_breaks_down_is_a_finding_and_the_others_are_made():
    def broken():
        raise OSError("no such device 350582199001011234")

    tidied = []
    checks = [Check("a", "甲", broken), Check("b", "乙", lambda: doctor.ok("好。"))]
    examined = doctor.examine(checks, tidy=lambda: tidied.append(1))
    assert len(tidied) == 2
    assert [one.finding.level for one in examined] == [Level.FAIL, Level.OK]
    assert "350582199001011234" not in examined[0].finding.sentence
    assert doctor.worst(examined) is Level.FAIL
    assert doctor.worst([]) is Level.OK


def test_what_needs_something_that_failed_is_not_tried():
    fine = lambda: doctor.ok("好。")  # noqa: E731
    failing = Check("database", "库", lambda: doctor.fail("没有应答。"), needs=None)
    checks = [failing, Check("migrations", "构", fine, needs="database"), Check("a", "甲", fine)]
    made = doctor.examine([*checks, Check("b", "乙", fine, needs=None)], tidy=lambda: None)
    assert [one.check.name for one in made] == ["database", "b"]


def test_every_check_has_a_name_of_its_own():
    names = [check.name for check in doctor_commands.CHECKS]
    assert len(set(names)) == len(names)
