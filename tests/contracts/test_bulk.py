"""批量办理: only what was opened, is clean and has not changed; all or nothing; each with its own history."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select

from contracts_app.accounts.roles import Role
from contracts_app.contracts.checking.checks import findings
from contracts_app.contracts.desk import bulk
from contracts_app.contracts.models import BulkPick, Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.rules.models import Level, Setting
from tests.factories import SHISHI


@pytest.fixture
def clean(monkeypatch):
    """No rule finds anything: which rules there are is tried elsewhere."""
    monkeypatch.setattr(bulk.checks, "findings", lambda contract, on, section=None: [])


def aside(client, contract, **data):
    return client.post(f"/contracts/{contract.id}/aside", data={"version": contract.version, **data})


def shown(page):
    return re.findall(r'name="contract" value="([^"]+)"', page)


def test_what_was_put_aside_is_done_with_one_confirmation(make, sign_in, clean):
    registrar = make.user()
    client = sign_in(registrar)
    first, second = make.contract(state=State.SUBMITTED), make.contract(state=State.ACCEPTED, type_code="KF2")
    assert "已核对，加入批量办理" in client.get(f"/contracts/{first.id}").text
    assert "已核对，加入批量办理" in client.get(f"/contracts/{second.id}/review").text
    assert [aside(client, one).status_code for one in (first, second)] == [302, 302]
    assert "已加入 2 份" in client.get("/contracts/inbox").text
    page = client.get("/contracts/bulk").text
    for words in (
        first.title,
        second.acceptance_number,
        "技术开发 / 合作开发",
        "将要办理 2 份",
        first.due_on.isoformat(),
    ):
        assert words in page

    answer = client.post("/contracts/bulk", data={"contract": shown(page)})

    assert answer.status_code == 302
    assert (first.state, second.state) == (State.ACCEPTED, State.REVIEWED)
    assert second.reviewed_by_id == registrar.id
    assert "批量办理：共 2 份" in client.get(f"/contracts/{first.id}").text
    logged = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "move")).all()
    assert [entry.details["batch"] for entry in logged] == ["共 2 份"] * 2
    assert db.session.scalar(select(func.count()).select_from(BulkPick)) == 0


def test_one_that_left_the_region_can_be_taken_out_and_tells_nothing(make, sign_in, clean):
    client = sign_in(make.user())
    moved = make.contract("只有本区看的合同", state=State.SUBMITTED)
    aside(client, moved)
    moved.unit_code = SHISHI
    db.session.commit()
    db.session.expire_all()
    client.get("/contracts/inbox")  # which says what was put aside
    page = client.get("/contracts/bulk").text
    assert "已不在你的办理范围" in page
    assert "只有本区看的合同" not in page
    assert client.post(f"/contracts/{moved.id}/aside/remove").status_code == 302
    assert db.session.scalar(select(func.count()).select_from(BulkPick)) == 0


def test_what_changed_meanwhile_is_left_out_and_stops_the_whole_when_confirmed(make, sign_in, clean):
    client = sign_in(make.user())
    stays, changes = make.contract(state=State.SUBMITTED), make.contract(state=State.SUBMITTED)
    for one in (stays, changes):
        aside(client, one)
    seen = shown(client.get("/contracts/bulk").text)
    changes.title = "改过"

    page = client.get("/contracts/bulk").text
    assert "加入之后有变化" in page
    assert shown(page) == [f"{stays.id}:{stays.version}"]
    answer = client.post("/contracts/bulk", data={"contract": seen})
    assert answer.status_code == 409
    assert "一份都没有办" in answer.text
    assert (stays.state, stays.acceptance_number) == (State.SUBMITTED, None)

    assert client.post(f"/contracts/{changes.id}/aside/remove").status_code == 302
    assert "加入之后有变化" not in client.get("/contracts/bulk").text


def test_not_everything_can_be_put_aside(make, sign_in, clean):
    registrar = make.user(Role.REGISTRAR, Role.REVIEWER)
    client = sign_in(registrar)
    stale = aside(client, make.contract(state=State.SUBMITTED), version="1000")
    own = aside(client, make.contract(state=State.SUBMITTED, filed_by=registrar))
    registering = aside(client, make.contract(state=State.REVIEWED))
    elsewhere = aside(client, make.contract(state=State.SUBMITTED, unit="350581"))
    assert [one.status_code for one in (stale, own, registering, elsewhere)] == [409, 409, 409, 404]
    assert "这份合同是你申报的" in own.text
    assert "没有你可以批量办理的事项" in registering.text

    make.save(db.session.get(Setting, "bulk_most"), value="1")
    contracts = [make.contract(state=State.SUBMITTED) for _ in range(2)]
    assert [aside(client, one).status_code for one in contracts] == [302, 409]


def test_a_contract_with_a_warning_is_decided_by_itself(make, sign_in):
    contract = make.contract(state=State.SUBMITTED, content="短")
    assert any(one.level is Level.WARNING or one.level is Level.ERROR for one in findings(contract, today()))
    client = sign_in(make.user())
    answer = aside(client, contract)
    assert answer.status_code == 409
    assert "须单独办理" in answer.text
    assert "加入批量办理" not in client.get(f"/contracts/{contract.id}").text


def test_one_of_two_who_decide_the_same_in_bulk_is_told(live, clean):
    contracts = [live.make.contract(state=State.SUBMITTED) for _ in range(3)]
    ids, posted = [one.id for one in contracts], [f"{one.id}:{one.version}" for one in contracts]
    people = [live.visitor(live.make.user()) for _ in range(2)]
    for client in people:
        for one in contracts:
            assert aside(client, one).status_code == 302
    db.session.remove()
    start = Barrier(2)

    def decide(client):
        start.wait()
        return client.post("/contracts/bulk", data={"contract": posted}).status_code

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(decide, people)) == [302, 409]
    accepted = db.session.scalars(select(Contract).where(Contract.id.in_(ids))).all()
    assert {one.state for one in accepted} == {State.ACCEPTED}
    assert {len(one.history) for one in accepted} == {2}
