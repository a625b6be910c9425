"""到账: written down once, struck out and never edited; shown, counted and listed alike."""

import io
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import func, select

from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.closings import Closing
from contracts_app.contracts.books.ledger import Cause, LedgerEntry
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.tracking import queries
from contracts_app.tracking.models import Receipt
from tests.factories import PDF, SHISHI
from tests.tracking.conftest import amount_in


def ids(contract):
    wanted = select(Receipt.id).where(Receipt.contract_id == contract.id, Receipt.strikes_id.is_(None))
    return db.session.scalars(wanted.order_by(Receipt.id)).all()


def in_ledger(contract):
    wanted = select(func.sum(LedgerEntry.received_amount)).where(LedgerEntry.contract_id == contract.id)
    return db.session.scalar(wanted) or Decimal(0)


def test_received_is_the_same_on_the_page_in_the_ledger_and_in_the_receipts(office):
    contract = office.contract()
    office.receive(contract, "25", amount_unit="wan", days_ago=9)
    office.receive(contract, 1_000.55, office.registrar, days_ago=8)
    office.receive(contract, 77, days_ago=7)
    assert office.strike(contract, ids(contract)[2]).status_code == 302
    assert amount_in(office.page(contract), "到账额") == Decimal("25.10")
    assert amount_in(office.at(office.reviewer).get(f"/contracts/{contract.id}"), "到账额") == Decimal("25.10")
    assert in_ledger(contract) == Decimal("251000.55")
    entries = select(LedgerEntry.contracts, LedgerEntry.total_amount).where(LedgerEntry.cause == Cause.RECEIPT)
    assert {tuple(row) for row in db.session.execute(entries)} == {(0, Decimal(0))}
    assert queries.verify() == []
    assert ledger.verify() == []
    acts = db.session.scalars(select(AuditEntry.action).where(AuditEntry.action.endswith("_receipt"))).all()
    assert sorted(acts) == ["record_receipt"] * 3 + ["strike_receipt"]


def test_the_proof_finds_money_that_was_not_counted(office):
    contract = office.contract()
    office.receive(contract, 500)
    db.session.query(Receipt).update({Receipt.amount: Decimal(400)})
    (found,) = queries.verify()
    assert contract.acceptance_number in found.where
    assert "台账 500.00 元，记录 400.00 元" in found.what


def test_money_pays_the_named_lines_first_and_the_rest_by_their_days(office):
    contract = office.contract(300_000, 300_000, 400_000)
    second, third = contract.payments[1].id, contract.payments[2].id
    office.receive(contract, 350_000, lines=[second])  # 50 000 of it pour to the first
    page = office.page(contract).text
    assert page.count("已到账") == 1
    assert "逾期 40 天" in page
    office.receive(contract, 100_000, lines=[third], days_ago=1)
    office.receive(contract, 9_000, pays="other", days_ago=2)  # beside the plan: no line is paid by it
    assert "还有 550,000.00 元未到" in office.page(contract).text
    office.strike(contract, ids(contract)[0])
    page = office.page(contract).text
    assert "还有 900,000.00 元未到" in page
    assert "逾期 10 天" in page
    assert "金额多记一位" in page


def test_what_is_overdue_is_listed_by_its_day_for_whom_it_concerns(office, make, count_queries):
    late, paid = office.contract(), office.contract()
    office.receive(paid, 700_000)
    office.receive(late, 100_000)
    make.contract(state=State.REGISTERED, unit=SHISHI, payments=[])
    for person in (office.filer, office.reviewer, make.user(Role.MANAGER), make.user(Role.AUDITOR)):
        page = office.at(person).get("/overdue").text
        assert page.count(late.title) == 2, person.name
        assert paid.title not in page
        assert "合计 2 笔" in page
        assert "50.00</td></tr></tfoot>" in page  # 20 of the first line, 30 of the second
    assert late.title not in office.at(make.user(Role.BROKER)).get("/overdue").text
    assert late.title not in office.at(make.user(Role.REVIEWER, region=SHISHI)).get("/overdue").text
    with count_queries() as few:
        office.at(office.reviewer).get("/overdue")
    for _ in range(3):
        office.contract()
    with count_queries() as many:
        office.at(office.reviewer).get("/overdue")
    assert len(many) == len(few)


def test_what_cannot_be_is_told_beside_the_field(office):
    contract = office.contract()
    for amount, more, sentence in (
        ("0", {}, "到账金额要大于 0"),
        ("", {}, "填写到账金额"),
        ("5", {"received_on": "2199-01-01"}, "日期不能晚于今天"),
        ("5", {"received_on": "1026-11-01"}, "不能早于 1985 年"),
        ("5", {"pays": "royalty-9"}, "选择列表里有的一项"),
        ("5", {"payer": ""}, "填写付款单位"),
    ):
        assert sentence in office.receive(contract, amount, status=422, **more).text
    assert ids(contract) == []


def test_the_same_sum_on_the_same_day_is_asked_about(office):
    contract = office.contract()
    office.receive(contract, 500)
    assert "这一天已经登记过同样金额的到账" in office.receive(contract, 500, status=422).text
    office.receive(contract, 500, is_another="y")
    assert len(ids(contract)) == 2


def test_more_than_the_price_is_taken_and_warned_of(office):
    contract = office.contract()
    office.receive(contract, 1_000_000)
    office.receive(contract, 1, days_ago=1)
    page = office.page(contract).text
    assert "累计到账超过应收 1.00 元" in page
    assert "累计到账 1,000,001.00 元，超过应收 1,000,000.00 元" in page


def test_a_slip_is_checked_kept_and_shown(office):
    contract = office.contract()
    wrong = office.receive(contract, 5, status=422, slip=(io.BytesIO(b"MZ"), "slip.pdf"))
    assert "内容不是 PDF" in wrong.text
    office.receive(contract, 5, slip=(io.BytesIO(PDF), "slip.pdf"), voucher_number="HD-1", invoice_numbers="2599、2600")
    page = office.page(contract).text
    assert "slip.pdf" in page
    assert "凭证 HD-1" in page
    assert "发票 2599、2600" in page


def test_who_may_write_down_and_strike_out(office, make):
    contract = office.contract()
    address = f"/contracts/{contract.id}/receipts/new"
    assert [
        office.at(person).get(address).status_code
        for person in (
            office.registrar,
            office.reviewer,
            make.user(Role.MANAGER),
            make.user(Role.AUDITOR),
            make.user(Role.BROKER),
            make.user(Role.REGISTRAR, region=SHISHI),
        )
    ] == [200, 403, 403, 403, 404, 404]
    office.receive(contract, 5)
    assert "登记到账" not in office.page(contract, make.user(Role.AUDITOR)).text
    assert office.strike(contract, ids(contract)[0], reason="").status_code == 422
    assert office.strike(contract, ids(contract)[0], office.registrar).status_code == 302
    assert office.strike(contract, ids(contract)[0]).status_code == 409  # once only
    assert in_ledger(contract) == 0


def test_also_while_a_case_is_open_and_not_once_it_is_struck_off(office):
    for state, status in ((State.CHANGING, 302), (State.CANCELLED, 409), (State.SUBMITTED, 409)):
        office.receive(office.contract(state=state), 5, status=status)


def test_money_of_a_closed_period_counts_on_the_first_open_day(office):
    contract = office.contract()
    until = today() - timedelta(days=3)
    closing = Closing(unit_code=contract.unit_code, closed_until=until, reason="年报", closed_by_id=office.reviewer.id)
    office.make.save(closing)
    office.receive(contract, 5, days_ago=20)
    assert db.session.scalar(select(Receipt.counts_on)) == until + timedelta(days=1)
    assert "已经封账" in office.page(contract).text


def test_a_royalty_becomes_due_is_paid_and_leads_to_the_change_of_the_amount(office):
    contract = office.contract(
        payment_model_code="entry_and_royalty",
        royalty_base=RoyaltyBase.SALES,
        royalty_rate=Decimal(3),
        is_price_open=True,
    )
    address, data = (
        f"/contracts/{contract.id}/royalties/new",
        {
            "year": today().year - 1,
            "base_amount": "100",
            "base_amount_unit": "wan",
            "bounds": "year",
            "due_on": str(today() - timedelta(days=1)),
        },
    )
    visitor = office.at(office.filer)
    assert "30,000.00 元" in visitor.post(address, data=data | {"go": "reckon"}).text
    assert "与计算不同" in visitor.get(address).text
    assert visitor.post(address, data=data | {"amount": "2", "amount_unit": "wan"}).status_code == 422  # says no why
    assert visitor.post(address, data=data).status_code == 302
    assert visitor.post(address, data=data).status_code == 422  # one for each year
    page = office.page(contract).text
    assert "成交额改为 <b>1,030,000.00 元</b>" in page
    assert f"{today().year - 1} 年提成" in visitor.get("/overdue").text
    (key,) = queries.performance_of(contract, office.filer).standing_royalties
    office.receive(contract, 30_000, pays=f"royalty-{key.id}")
    assert f"{today().year - 1} 年提成" not in visitor.get("/overdue").text
    refused = visitor.post(f"/contracts/{contract.id}/royalties/{key.id}/withdraw", data={"version": 1, "reason": "错"})
    assert refused.status_code == 409
    office.strike(contract, ids(contract)[0])
    kept = visitor.post(f"/contracts/{contract.id}/royalties/{key.id}/withdraw", data={"version": 1, "reason": "错"})
    assert kept.status_code == 302
    assert "已作废" in office.page(contract).text


def test_a_corrected_price_asks_for_the_royalty_in_its_plan_and_not_twice(office):
    contract = office.contract(
        *(600_000, 400_000),
        days=(-40, -20),
        payment_model_code="entry_and_royalty",
        royalty_base=RoyaltyBase.SALES,
        royalty_rate=Decimal(3),
    )
    office.receive(contract, 1_000_000)
    due = {"year": today().year - 1, "base_amount": 1_000_000, "base_amount_unit": "yuan", "bounds": "year"}
    address = f"/contracts/{contract.id}/royalties/new"
    assert (
        office.at(office.filer).post(address, data=due | {"due_on": str(today() - timedelta(days=5))}).status_code
        == 302
    )
    assert queries.overdue(office.filer).amount == 30_000
    lines = [{"due_on": one.due_on, "condition": "", "amount": one.amount} for one in contract.payments]
    lines.append({"due_on": today() - timedelta(days=5), "condition": "提成", "amount": Decimal(30_000)})
    asked = {"ground_code": "C01", "event_on": today(), "total_amount": Decimal(1_030_000), "payments": lines}
    CONTRACT.offer("ask_change", contract, office.filer).make(asked | {"grounds": "提成计入。", "has_benefits": False})
    CONTRACT.offer("review_case", contract, office.registrar).make({"opinion": "属实。"})
    CONTRACT.offer("grant_change", contract, office.reviewer).make({"counts_on": today(), "opinion": "同意。"})
    late = queries.overdue(office.filer)
    assert (late.page.total, late.amount) == (1, 30_000)
    assert "已列入付款计划" in office.page(contract).text
    (statement,) = queries.performance_of(contract, office.filer).standing_royalties
    office.receive(contract, 30_000, pays=f"royalty-{statement.id}")
    assert queries.overdue(office.filer).page.total == 0
    found = queries.performance_of(contract, office.filer)
    assert (found.outstanding, found.over, found.uncounted_royalties) == (0, 0, 0)


def test_benefits_are_listed_with_their_source_and_can_be_taken_back(office):
    contract = office.contract()
    visitor, address = office.at(office.filer), f"/contracts/{contract.id}/benefits"
    data = {"kind_code": "VAT", "party": "seller", "claimed_on": str(today()), "amount": "6", "amount_unit": "wan"}
    assert visitor.post(f"{address}/new", data=data | {"kind_code": "OTHER"}).status_code == 422
    assert visitor.post(f"{address}/new", data=data).status_code == 302
    (benefit,) = queries.benefits_of(contract)
    page = office.page(contract).text
    assert "财税〔2016〕36号" in page
    assert "待核" in page
    assert visitor.post(f"{address}/{benefit.id}/withdraw", data={"version": 9, "reason": "错"}).status_code == 409
    assert visitor.post(f"{address}/{benefit.id}/withdraw", data={"version": 1, "reason": "错"}).status_code == 302
    assert "作废：错" in office.page(contract).text
