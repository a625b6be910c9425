"""办理时效: which decisions count, which came in time, and that each number leads to what it counts."""

from datetime import datetime, time, timedelta
from decimal import Decimal

from contracts_app.accounts.roles import Role
from contracts_app.contracts.desk import timeliness
from contracts_app.contracts.desk.timeliness import Asked, Only
from contracts_app.contracts.models import HistoryLine
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import SHANGHAI, today
from contracts_app.core.db import db
from tests.factories import QUANZHOU, SHISHI

THIS_YEAR = today().year


def decided(make, *, late=False, **facts):
    """A refusal of today; the history keeps the limit as it stood."""
    contract = make.contract(state=State.REVIEWED, **facts)
    if late:
        contract.due_on = today() - timedelta(days=1)
    CONTRACT.offer("refuse", contract, make.user(Role.REVIEWER, region=QUANZHOU)).make(
        {"refusal_code": "R04", "opinion": "不清楚。"}
    )
    contract.due_on = today() + timedelta(days=900)  # what happens to it later does not matter
    db.session.commit()
    return contract


def page(person, only=Only.ALL, **asked):
    read = timeliness.overdue if only is Only.OVERDUE else timeliness.decisions
    found = read(person, Asked(THIS_YEAR, asked.get("month"), asked.get("unit"), only), 1, 50)
    return {row.id for row in found.rows}


def test_a_year_by_month_and_unit_with_the_lists_behind(make):
    city = make.user(Role.MANAGER, region=QUANZHOU)
    late, here, there = decided(make, late=True), decided(make, extended_days=3), decided(make, unit=SHISHI)
    found = timeliness.year_of(city, THIS_YEAR)
    assert (found.total.decisions, found.total.on_time, found.total.late, found.total.extended) == (3, 2, 1, 1)
    assert found.by_month.keys() == {today().month}
    assert found.by_unit[SHISHI].decisions == 1
    assert found.by_unit["350582"].share == Decimal(1) / 2
    assert page(city) == {late.id, here.id, there.id}
    assert page(city, Only.LATE) == {late.id}
    assert page(city, Only.ON_TIME, unit=SHISHI) == {there.id}
    assert page(city, Only.EXTENDED, month=today().month) == {here.id}
    assert page(city, month=today().month % 12 + 1) == set()
    assert page(make.user(Role.MANAGER, region=SHISHI)) == {there.id}


def test_what_was_taken_back_is_no_decision(make):
    contract, reviewer = make.contract(state=State.REVIEWED), make.user(Role.REVIEWER)
    for name, given in (("refuse", {"refusal_code": "R04", "opinion": "错。"}), ("undo", {"reason": "点错了。"})):
        CONTRACT.offer(name, contract, reviewer).make(given)
    assert timeliness.year_of(reviewer, THIS_YEAR).total.decisions == 0


def test_what_became_of_a_contract_later_leaves_its_first_decision_as_it_was(make):
    """Refused, objected to, examined anew: the first decision keeps its start and its extension, the second has its."""
    contract, reviewer = decided(make, extended_days=3), make.user(Role.REVIEWER)
    first = contract.history[-1]
    person = make.user(Role.MANAGER)
    CONTRACT.offer("object", contract, contract.filed_by).make(
        {"ground_code": "Y01", "grounds": "明确。", "paper": None}
    )
    CONTRACT.offer("decide_objection", contract, person).make({"outcome": "redo", "decision": "重新审查。"})
    db.session.commit()
    redone = contract.history[-1].at
    assert (first.begun_at, first.extended_days) == (contract.submitted_at, 3)
    contract.submitted_at = redone + timedelta(days=1)  # as if it was put right and handed in again
    db.session.commit()
    found = timeliness.year_of(reviewer, THIS_YEAR).total
    assert (found.decisions, found.extended, found.workdays > 0) == (1, 1, True)
    contract.submitted_at = first.begun_at
    db.session.commit()
    assert contract.clock_began_at == redone, "examined anew from that day on"


def test_the_day_is_that_of_shanghai(make):
    """A decision of half past midnight on New Year's Day belongs to the new year and its own day."""
    contract = decided(make)
    line: HistoryLine = contract.history[-1]
    contract.submitted_at = datetime.combine(today().replace(month=1, day=1), time(0, 10), SHANGHAI)
    line.begun_at = contract.submitted_at
    line.at, line.due_on = contract.submitted_at + timedelta(minutes=20), today().replace(month=1, day=1)
    db.session.commit()
    found = timeliness.year_of(make.user(Role.REVIEWER), THIS_YEAR)
    assert (found.by_month.keys(), found.total.on_time, found.total.workdays) == ({1}, 1, 0)


def test_what_is_overdue_is_named_and_the_page_asks_as_much_for_many_as_for_one(make, sign_in, count_queries):
    person = make.user()
    first = make.contract("拖了很久的合同", state=State.ACCEPTED, due_on=today() - timedelta(days=1))
    make.contract(state=State.ACCEPTED, due_on=today())
    decided(make)
    client = sign_in(person)
    assert page(person, Only.OVERDUE) == {first.id}
    client.get("/timeliness")
    with count_queries() as few:
        assert "拖了很久的合同" in client.get("/timeliness").text
    for _ in range(3):
        decided(make)
        make.contract(state=State.ACCEPTED, due_on=today() - timedelta(days=1))
    with count_queries() as many:
        client.get("/timeliness")
    assert len(many) == len(few)
    assert "拖了很久的合同" in client.get(f"/timeliness/list?year={THIS_YEAR}&only=overdue").text
    assert client.get(f"/timeliness/list?year={THIS_YEAR}&only=late&month=13&unit=x").status_code == 200
