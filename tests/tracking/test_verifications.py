"""核定: asked for by the filer, found by two others, never more than came in."""

from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import func, select

from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.tracking import queries
from contracts_app.tracking.models import Verification
from contracts_app.tracking.states import VerificationState
from contracts_app.tracking.workflow import VERIFICATION
from tests.factories import SHISHI
from tests.tracking.conftest import Office, amount_in
from tests.tracking.test_receipts import ids


def in_ledger(contract):
    wanted = select(func.sum(LedgerEntry.verified_income)).where(LedgerEntry.contract_id == contract.id)
    return db.session.scalar(wanted) or Decimal(0)


@pytest.fixture
def asked(office):
    """A contract, and where its request for 250 000 元 stands."""
    contract = office.contract()
    office.receive(contract, 300_000)
    return contract, office.request(contract, ids(contract), equipment="5", equipment_unit="wan")


def test_asked_checked_approved_counted(office, asked):
    contract, place = asked
    assert contract.title in office.at(office.registrar).get("/verifications").text
    assert contract.title not in office.at(office.reviewer).get("/verifications").text
    assert (
        office.step(
            office.registrar, place, "check", checked_amount="24", checked_amount_unit="wan", opinion="相符"
        ).status_code
        == 302
    )
    assert in_ledger(contract) == 0
    assert contract.title in office.at(office.reviewer).get("/verifications").text
    assert office.step(office.reviewer, place, "approve", opinion="同意核定").status_code == 302
    assert in_ledger(contract) == 240_000
    assert amount_in(office.page(contract), "核定技术性收入") == 24
    page = office.at(office.filer).get(place).text
    assert "贰拾肆万元整" in page
    assert "设备 50,000.00 元" in page
    assert office.at(office.filer).get(f"{place}.pdf").data.startswith(b"%PDF")
    assert queries.verify() == []
    assert office.strike(contract, ids(contract)[0]).status_code == 409  # it is the evidence
    assert office.step(office.reviewer, place, "revoke", reason="发票作废").status_code == 302
    assert in_ledger(contract) == 0
    assert office.strike(contract, ids(contract)[0]).status_code == 302
    assert queries.verify() == []


def test_money_is_taken_back_where_it_was_counted(office, asked):
    contract, place = asked
    office.step(office.registrar, place, "check", checked_amount="24", checked_amount_unit="wan", opinion="相符")
    office.step(office.reviewer, place, "approve", opinion="同意核定")
    before = ledger.dimensions_of(contract)
    contract.total_amount = Decimal(12_000_000)  # another band by now
    ledger.count_change(contract, before, today())
    office.step(office.reviewer, place, "revoke", reason="发票作废")
    office.strike(contract, ids(contract)[0])
    money = (LedgerEntry.received_amount, LedgerEntry.verified_income)
    counted = db.session.execute(
        select(LedgerEntry.amount_band, *map(func.sum, money)).group_by(LedgerEntry.amount_band)
    ).all()
    assert len(counted) == 2
    assert all((received, verified) == (0, 0) for _, received, verified in counted)


def test_neither_the_filer_nor_one_person_alone_decides(office, make):
    both = make.user(Role.REGISTRAR, Role.REVIEWER)
    office.filer = make.user(Role.REGISTRAR, Role.REVIEWER)  # who filed for a walk-in seller
    contract = office.contract()
    office.receive(contract, 300_000)
    place = office.request(contract, ids(contract))
    answers = {"checked_amount": "30", "checked_amount_unit": "wan", "opinion": "相符"}
    assert office.step(office.filer, place, "check", **answers).status_code == 409
    assert office.step(both, place, "check", **answers).status_code == 302
    assert office.step(office.filer, place, "approve", opinion="同意").status_code == 409
    page = office.step(both, place, "approve", opinion="同意")
    assert page.status_code == 409
    assert "核定须由另一人办理" in page.text
    assert contract.title not in office.at(both).get("/verifications").text
    stranger = make.user(Role.REVIEWER, region=SHISHI)
    assert office.step(stranger, place, "approve", opinion="同意").status_code == 404
    assert office.step(make.user(Role.MANAGER), place, "approve", opinion="同意").status_code == 403
    assert in_ledger(contract) == 0


def test_sent_back_it_is_revised_and_comes_again(office, asked):
    contract, place = asked
    assert office.step(office.registrar, place, "send_back", reason="缺发票").status_code == 302
    assert "缺发票" in office.at(office.filer).get(place).text
    revised = {"version": 4, "begins_on": "2020-01-01", "ends_on": "2020-02-01", "receipts": ids(contract)}
    version = db.session.scalar(select(Verification.version))
    wrong = office.at(office.filer).post(f"{place}/edit", data=revised | {"version": version})
    assert "不在期间内" in wrong.text
    stale = office.at(office.filer).post(f"{place}/edit", data=revised | {"version": 1, "ends_on": "2026-11-21"})
    assert stale.status_code in (409, 422)
    assert office.step(office.filer, place, "submit").status_code == 302
    assert (
        office.step(
            office.registrar, place, "check", checked_amount="26", checked_amount_unit="wan", opinion="x"
        ).status_code
        == 422
    )
    assert office.step(office.filer, place, "withdraw").status_code == 302


def test_a_decision_on_a_stale_copy_is_refused(office, asked):
    _, place = asked
    answers = {"checked_amount": "1", "opinion": "相符"}
    assert office.at(office.registrar).post(f"{place}/check", data=answers | {"version": 0}).status_code == 409
    assert office.at(office.registrar).post(f"{place}/check", data=answers).status_code == 409


def test_no_more_than_came_in_and_than_the_price_holds(office):
    contract = office.contract(technology=200_000)
    office.receive(contract, 300_000)
    page = office.request(contract, ids(contract), status=422)
    assert "不能超过技术交易额 200,000.00 元" in page.text
    office.request(contract, ids(contract), equipment="10", equipment_unit="wan")
    assert office.at(office.filer).get(f"/contracts/{contract.id}/verifications/new").status_code == 409  # none is free
    open_price = office.contract(technology=200_000, is_price_open=True)
    office.receive(open_price, 300_000)
    place = office.request(open_price, ids(open_price))
    assert "超过技术交易额 100,000.00 元" in office.at(office.registrar).get(place).text


def test_every_state_is_reached_and_every_move_explains_itself():
    ends = {end for move in VERIFICATION for source in move.sources for end in move.ends(source)}
    assert ends | {VERIFICATION.initial} == set(VerificationState)
    assert all(move.explains.endswith("。") and move.done.endswith("。") for move in VERIFICATION)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["receive", "strike", "ask", "decide"]), st.integers(1, 400)), min_size=4, max_size=6
    )
)
def test_whatever_is_done_sums_agree_and_stay_within_bounds(app, make, sign_in, acts):
    office = Office(make, sign_in)
    contract = office.contract(100, 200, 100)
    for place, (act, number) in enumerate(acts):
        known = ids(contract)
        if act == "receive":
            office.receive(contract, number, days_ago=place)
        elif act == "strike" and known:
            office.strike(contract, known[number % len(known)])
        elif act == "ask" and known:
            form = {"begins_on": "2020-01-01", "ends_on": "2099-01-01", "receipts": known}
            office.at(office.filer).post(f"/contracts/{contract.id}/verifications/new", data=form)
        elif act == "decide":
            for key, income in db.session.execute(select(Verification.id, Verification.income)).all():
                where = f"/contracts/{contract.id}/verifications/{key}"
                office.step(office.registrar, where, "check", checked_amount=str(income), opinion="相符")
                office.step(office.reviewer, where, "approve", opinion="同意")
        found = queries.performance_of(contract, office.filer)
        assert found.received == sum(one.amount for one in found.standing_receipts)
        assert 0 <= found.verified <= min(found.received, contract.technology_amount)
        assert sum(line.paid for line in found.lines) == min(found.received, contract.total_amount)
        assert queries.verify() == []
