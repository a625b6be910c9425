"""What must be told is told, wherever in the application it happens; and what cannot be told does not happen."""

import pytest
from flask import request
from sqlalchemy import select, text
from werkzeug.routing import Rule

from contracts_app.accounts.roles import Role
from contracts_app.accounts.watching import refusals
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry
from tests.accounts.pages import enter, with_password
from tests.factories import JINJIANG, SHISHI


def told(*actions):
    """(action, subject, number, details) of each entry of these actions."""
    wanted = select(AuditEntry).where(AuditEntry.action.in_(actions)).order_by(AuditEntry.id)
    return [(one.action, one.subject, one.subject_id, one.details) for one in db.session.scalars(wanted)]


def test_a_file_that_is_opened_is_told_once_however_often_its_pages_are_asked_for(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    file = make.attachment(contract)
    reader = sign_in(make.user(Role.REVIEWER))
    at = f"/contracts/{contract.id}/files/{file.id}"
    for path in (f"{at}/pages/1", f"{at}/pages/1.png", at, f"{at}?download=1"):
        assert reader.get(path).status_code == 200
    assert told("view_file") == [
        ("view_file", "contract", contract.id, {"file_id": file.id, "file_kind": file.kind.name})
    ]
    assert sign_in(make.user(Role.AUDITOR)).get(at).status_code == 200
    assert len(told("view_file")) == 2


def test_papers_and_figures_that_are_handed_out_are_told(make, sign_in):
    contract = make.contract(state=State.ACCEPTED)
    assert sign_in(make.user()).get(f"/contracts/{contract.id}/papers/acceptance.pdf").status_code == 200
    manager = sign_in(make.user(Role.MANAGER))
    assert manager.get("/statistics/totals/?format=json&year=2025").is_json
    assert manager.get("/statistics/sentence.docx?period=2025").status_code == 200
    paper, totals, sentence = told("make_paper", "export_totals", "export_sentence")
    assert paper[1:3] == ("contract", contract.id)
    assert paper[3]["file"] == ".pdf"
    assert totals[3]["file"] == "json"
    assert sentence[3]["file"] == ".docx"


def test_refused_access_is_told_once_a_minute_for_a_person_and_an_address(make, sign_in):
    elsewhere = make.contract(unit=SHISHI, state=State.SUBMITTED)
    person = make.user(Role.REGISTRAR, region=JINJIANG)
    visitor = sign_in(person)
    for path, status in ((f"/contracts/{elsewhere.id}", 404), ("/users", 403)):
        for _ in range(3):
            assert visitor.get(path).status_code == status
    assert visitor.get("/no/such/page").status_code == 404
    assert visitor.get("/codes/no-such-list").status_code == 404
    assert [
        (subject, number, facts["page"], facts["status"]) for _, subject, number, facts in told("refuse_access")
    ] == [
        ("contract", elsewhere.id, f"/contracts/{elsewhere.id}", 404),
        ("", None, "/users", 403),
    ]


def test_who_tries_many_addresses_does_not_flood_the_log(make, sign_in, monkeypatch):
    monkeypatch.setattr(refusals, "MOST", 4)
    visitor = sign_in(make.user())
    for number in range(900_000, 900_006):
        visitor.get(f"/contracts/{number}")
    assert len(told("refuse_access")) == 4


def test_a_refused_move_is_told_and_leaves_nothing_else(make, sign_in):
    contract = make.contract(state=State.ACCEPTED)
    visitor = sign_in(make.user(Role.REVIEWER))
    assert visitor.post(f"/contracts/{contract.id}/accept", data={"version": contract.version}).status_code in (
        403,
        409,
    )
    visitor.forget_token()
    assert visitor.post(f"/contracts/{contract.id}/accept").status_code == 400
    assert [facts for *_, facts in told("refuse_form")] == [{"page": f"/contracts/{contract.id}/accept"}]


# --- what cannot be told does not happen ------------------------------------------------------------------------------


@pytest.fixture
def mute(live):
    """An office whose log takes no entry any more."""
    contract = live.make.contract(state=State.SUBMITTED)
    file = live.make.attachment(contract)
    live.registrar = live.make.user(Role.REGISTRAR)
    live.contract_id, live.file_id, live.title = contract.id, file.id, contract.title
    db.session.commit()
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("CREATE TRIGGER mute BEFORE INSERT ON audit_entries FOR EACH ROW"
                                " EXECUTE FUNCTION refuse_to_change_the_log()"))  # fmt: skip
    else:
        db.session.execute(text("CREATE TRIGGER mute BEFORE INSERT ON audit_entries"
                                " BEGIN SELECT RAISE(ABORT, 'mute'); END"))  # fmt: skip
    db.session.commit()
    live.app.testing = False  # as on a server: no exception leaves the application
    return live


def test_a_move_that_cannot_be_told_is_not_made(mute):
    visitor = mute.visitor(mute.registrar)
    version = db.session.get(Contract, mute.contract_id).version
    answer = visitor.post(f"/contracts/{mute.contract_id}/accept", data={"version": version, "complete_papers": "y"})
    assert answer.status_code == 500
    assert "刚才的操作没有生效" in answer.text
    db.session.rollback()
    assert db.session.get(Contract, mute.contract_id).state is State.SUBMITTED


def test_a_file_whose_opening_cannot_be_told_stays_closed(mute):
    answer = mute.visitor(mute.registrar).get(f"/contracts/{mute.contract_id}/files/{mute.file_id}")
    assert answer.status_code == 500
    assert b"%PDF" not in answer.data
    assert "刚才的操作没有生效" in answer.text


def test_who_signs_in_unseen_is_not_signed_in(mute):
    person = with_password(mute.make.user())
    visitor = mute.visitor()
    assert enter(visitor, person).status_code == 500
    assert visitor.get("/me").status_code == 302


def test_secrets_in_an_address_are_not_told(app):
    for rule, path in {
        "/invitations/<token>": "/invitations/abc",
        "/things/<path:name>": "/things/a/b",
        "/contracts/<int:contract_id>/<any(a, b):move>": "/contracts/7/a",
    }.items():
        app_rule = Rule(rule, endpoint="x")
        with app.test_request_context(path):
            request.url_rule = app_rule
            assert refusals.address_told() == (path if "any" in rule else rule)
