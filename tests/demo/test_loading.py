"""Loaded once, whole, into a new database only; the passwords lie in one file and nowhere else."""

import csv
import hashlib
import json
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.desk.inbox import inbox
from contracts_app.contracts.models import Attachment, Contract, DraftInput
from contracts_app.contracts.states import State
from contracts_app.core.db import Base, db, unit_of_work
from contracts_app.core.installation import fact
from contracts_app.core.keeping.files import FileKind, sniff
from contracts_app.core.keeping.sealing import Envelope
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.demo import loading
from contracts_app.demo.pdf import one_page
from contracts_app.targets.models import Target
from tests.demo.conftest import AS_OF
from tests.factories import JINJIANG, Make
from tests.visitors import visitor

SIGN_INS = {
    ("broker", "晋江市", "jj-broker"),
    ("registrar", "晋江市", "jj-registrar"),
    ("reviewer", "晋江市", "jj-reviewer"),
    ("manager", "晋江市", "jj-manager"),
    ("admin", "晋江市", "jj-admin"),
    ("auditor", "晋江市", "jj-auditor"),
    ("security", "晋江市", "jj-security"),
    ("manager", "泉州市", "qz-manager"),
    ("registrar", "石狮市", "ss-registrar"),
}
NOT_GENERATED = {
    *("users.password_hash", "users.session_key", "draft_inputs.stamp"),
    *("kept_passwords.password_hash", "kept_passwords.set_at"),
}


def person(username):
    return db.session.scalar(select(User).where(User.username == username))


def accounts(report):
    with report.accounts.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(app, words):
    """What ``flask --app wsgi …`` answers."""
    with app.app_context():
        return app.test_cli_runner().invoke(args=words)


def fingerprint():
    """One hash over every row of every table, passwords left out."""
    digest = hashlib.sha256()
    for table in Base.metadata.sorted_tables:
        columns = [column for column in table.columns if str(column) not in NOT_GENERATED]
        for row in db.session.execute(select(*columns).order_by(*table.primary_key.columns)):
            digest.update(repr([value.open() if isinstance(value, Envelope) else value for value in row]).encode())
    return digest.hexdigest()


# ---- who signs in ---------------------------------------------------------------------------------------------------


def test_the_accounts_file_names_the_nine_and_is_for_the_owner_only(demonstration):
    file = demonstration.report.accounts
    assert file.stat().st_mode & 0o777 == 0o600
    assert {(line["role"], line["region"], line["username"]) for line in accounts(demonstration.report)} == SIGN_INS


def test_a_password_of_the_file_opens_the_door(demonstration):
    line = next(line for line in accounts(demonstration.report) if line["username"] == "jj-manager")
    client = visitor(demonstration.app)
    answer = client.post("/sign-in", data={"username": line["username"], "password": line["password"]})
    assert answer.status_code == 302


def test_nobody_else_has_a_password(demonstration):
    with_password = db.session.scalars(select(User.username).where(User.password_hash != "")).all()
    assert set(with_password) == {username for _, _, username in SIGN_INS}


def test_the_broker_has_contracts_in_every_state_and_something_unfinished(demonstration):
    own = db.session.scalars(select(Contract).where(Contract.filed_by_id == person("jj-broker").id)).all()
    assert {contract.state for contract in own} == set(State)
    assert any(contract.open_corrections for contract in own)
    unfinished = db.session.scalars(select(DraftInput.contract_id)).all()
    assert any(contract.id in unfinished for contract in own)


@pytest.mark.parametrize(
    ("username", "least", "most"), [("jj-registrar", 10, 20), ("jj-reviewer", 10, 20), ("jj-manager", 3, 8)]
)
def test_desks_hold_a_days_work(demonstration, username, least, most):
    assert least <= len(inbox(person(username))) <= most


def test_the_papers_of_the_contracts_open(demonstration):
    store = demonstration.app.extensions["files"]
    files = db.session.execute(select(Attachment.sha256, Attachment.size).distinct()).all()
    submitted = db.session.scalar(select(func.count()).where(Contract.state != State.DRAFT))
    assert len(files) >= submitted, "a contract's text is nobody else's, else it would look like one filed twice"
    for sha256, size in files[:50]:
        with store.open(sha256) as stream:
            assert sniff(stream, "合同.pdf") is FileKind.PDF
            assert len(stream.read()) == size


def test_the_cross_references_of_the_pdf_point_at_its_objects():
    paper = one_page(("技术合同文本",))
    table = int(paper.split(b"startxref\n")[1].split(b"\n")[0])
    assert paper[table:].startswith(b"xref")
    for number, line in enumerate(paper[table:].splitlines()[3:10], 1):
        assert paper[int(line[:10]) :].startswith(f"{number} 0 obj".encode())


# ---- once, whole, and never into a real office ----------------------------------------------------------------------


def test_same_seed_and_day_give_the_same_data(sqlite_office):
    prints = []
    for seed in (7, 7):
        with sqlite_office.app_context():
            loading.load(contracts=loading.FEWEST, seed=seed, as_of=AS_OF)
            prints.append(fingerprint())
            db.session.rollback()
    assert prints[0] == prints[1]


def test_years_that_are_over_do_not_depend_on_the_day(sqlite_office):
    facts = [column for column in LedgerEntry.__table__.columns if column.name != "id"]
    wanted = select(*facts).where(LedgerEntry.counts_on < date(2026, 1, 1)).order_by(LedgerEntry.contract_id)
    tasks = select(Target.region_code, Target.year, Target.value).where(Target.year < 2026, Target.is_demo)
    seen = []
    for as_of in (date(2026, 4, 9), AS_OF):
        with sqlite_office.app_context():
            loading.load(contracts=loading.FEWEST, as_of=as_of)
            seen.append((db.session.execute(wanted).all(), db.session.execute(tasks.order_by(Target.id)).all()))
            db.session.rollback()
    assert len(seen[0][0]) > 397
    assert len(seen[0][1]) == 25 + 2 * 12 + 3 + 19  # units; their other measures, the city, the towns of 2025
    assert seen[0] == seen[1]


def test_the_log_of_the_last_weeks_is_in_the_order_of_time(demonstration):
    moments = db.session.scalars(select(AuditEntry.at).where(AuditEntry.action == "move").order_by(AuditEntry.id)).all()
    assert len(moments) > 100
    assert moments == sorted(moments)


def test_an_office_with_people_in_it_is_refused_and_left_alone(new_office):
    run(new_office, ["seed"])
    with new_office.app_context():
        Make().user(Role.REGISTRAR)
        before = fingerprint()
    result = run(new_office, ["demo"])
    assert result.exit_code == 1
    assert "已有业务用户" in result.stderr
    with new_office.app_context():
        assert fingerprint() == before
        assert fact("mode") is None


def test_an_office_with_contracts_in_it_is_refused(new_office):
    with new_office.app_context():
        Make().contract(state=State.DRAFT)
    result = run(new_office, ["demo"])
    assert result.exit_code == 1
    assert "已有真实合同" in result.stderr


def test_loading_again_changes_nothing(new_office):
    first = run(new_office, ["demo", "--contracts", str(loading.FEWEST), "--as-of", str(AS_OF), "--format", "json"])
    assert first.exit_code == 0, first.stderr
    loaded = json.loads(first.stdout)
    assert loaded["contracts"] == loading.FEWEST
    file = Path(loaded["accounts"])
    with new_office.app_context():
        before, written = fingerprint(), file.read_bytes()
    second = run(new_office, ["demo"])
    assert second.exit_code == 0
    assert "已经载入" in second.stderr
    assert second.stdout == ""
    with new_office.app_context():
        assert fingerprint() == before
        assert fact("mode") == "demonstration"
        assert file.read_bytes() == written


def test_what_fails_leaves_nothing_behind(sqlite_office, monkeypatch):
    def torn(*rest):
        raise OSError("disk full")

    monkeypatch.setattr(loading, "write_accounts", torn)
    run(sqlite_office, ["seed"])
    with sqlite_office.app_context():
        before = fingerprint()
    result = run(sqlite_office, ["demo", "--contracts", str(loading.FEWEST)])
    assert result.exit_code == 1
    with sqlite_office.app_context():
        assert fingerprint() == before


def test_an_accounts_file_already_there_is_kept_aside(sqlite_office):
    settings = sqlite_office.config["SETTINGS"]
    settings.instance.mkdir(parents=True, exist_ok=True)
    (settings.instance / loading.ACCOUNTS).write_text("others")
    with sqlite_office.app_context(), unit_of_work():
        report = loading.load(contracts=loading.FEWEST, as_of=AS_OF)
    assert report.kept_aside.read_text() == "others"
    assert len(accounts(report)) == 9


def test_the_strongest_office_is_there_from_the_fewest_contracts_on(sqlite_office):
    with sqlite_office.app_context():
        loading.load(contracts=loading.FEWEST, as_of=loading.FIRST_AS_OF)
        registered = select(Contract.id).where(Contract.unit_code == JINJIANG, Contract.state == State.REGISTERED)
        assert len(db.session.scalars(registered).all()) > 397
        db.session.rollback()
