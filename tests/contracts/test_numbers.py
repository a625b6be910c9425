"""受理号: counted by office and year, without gaps, never given twice, also when many accept at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, text

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.deciding import numbers
from contracts_app.contracts.models import Contract, HistoryLine, NumberCounter
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.db import db, unit_of_work
from contracts_app.regions.models import Unit
from tests.factories import JINJIANG, SHISHI


def unit(code=JINJIANG):
    return db.session.get(Unit, code)


def test_numbers_follow_one_another(app):
    assert [numbers.next_acceptance_number(unit(), 2026) for _ in range(3)] == [
        "JJ-JSHT-2026-00001",
        "JJ-JSHT-2026-00002",
        "JJ-JSHT-2026-00003",
    ]


def test_each_office_and_year_counts_for_itself(app):
    assert numbers.next_acceptance_number(unit(), 2025) == "JJ-JSHT-2025-00001"
    assert numbers.next_acceptance_number(unit(), 2026) == "JJ-JSHT-2026-00001"
    assert numbers.next_acceptance_number(unit(SHISHI), 2026) == "SS-JSHT-2026-00001"
    assert numbers.next_acceptance_number(unit(), 2025) == "JJ-JSHT-2025-00002"


def test_a_number_beyond_five_digits_is_still_one(app, session):
    session.add(NumberCounter(unit_code=JINJIANG, year=2026, last=99_999))
    session.flush()
    assert numbers.next_acceptance_number(unit(), 2026) == "JJ-JSHT-2026-100000"


def test_a_failed_transaction_gives_its_number_back(app, session):
    numbers.next_acceptance_number(unit(), 2026)
    session.commit()
    numbers.next_acceptance_number(unit(), 2026)
    session.rollback()
    assert numbers.next_acceptance_number(unit(), 2026) == "JJ-JSHT-2026-00002"


def workers(app: Flask) -> int:
    return 4 if app.extensions["engine"].dialect.name == "sqlite" else 8


def at_once(app, tasks, work):
    """``work(task)`` for each task, each in an application context and a connection of its own, all begun together."""
    start = threading.Barrier(workers(app))

    def run(mine):
        start.wait()
        with app.app_context():
            return [work(task) for task in mine]

    with ThreadPoolExecutor(workers(app)) as pool:
        shares = [tasks[number :: workers(app)] for number in range(workers(app))]
        return [result for results in pool.map(run, shares) for result in results]


class Given(Exception):
    """A transaction that fails after it has taken a number."""


def test_many_who_accept_at_once_leave_no_gap_and_no_double(live):
    registrars = [live.make.user().id for _ in range(3)]
    ids = [live.make.contract(state=State.SUBMITTED).id for _ in range(24)]
    db.session.remove()

    def accept(task):
        place, contract_id = task
        try:
            with unit_of_work() as work:
                contract = work.get(Contract, contract_id)
                person = work.get(User, registrars[place % 3])
                CONTRACT.offer("accept", contract, person).make({"complete_papers": True})
                if place % 4 == 0:
                    raise Given
        except Given:
            return None
        return contract_id

    done = [one for one in at_once(live.app, list(enumerate(ids)), accept) if one]
    assert len(done) == 18
    contracts = db.session.scalars(select(Contract).where(Contract.id.in_(ids))).all()
    given = sorted(contract.acceptance_number for contract in contracts if contract.acceptance_number)
    year = given[0].split("-")[2]
    assert given == [f"JJ-JSHT-{year}-{number:05}" for number in range(1, 19)]
    assert {contract.id for contract in contracts if contract.state is State.ACCEPTED} == set(done)
    assert all(contract.acceptance_number is None for contract in contracts if contract.state is State.SUBMITTED)
    assert db.session.scalars(select(NumberCounter.last)).all() == [18]


def test_two_who_accept_the_same_contract_at_once_accept_it_once(live):
    contract = live.make.contract(state=State.SUBMITTED)
    people, contract_id, seen = [live.make.user() for _ in range(workers(live.app))], contract.id, contract.version
    visitors = [live.visitor(person) for person in people]
    db.session.remove()

    def accept(visitor):
        form = {"complete_papers": "y", "version": str(seen)}
        return visitor.post(f"/contracts/{contract_id}/accept", data=form).status_code

    answers = at_once(live.app, visitors, accept)
    assert sorted(answers) == [302] + [409] * (len(people) - 1)
    assert db.session.scalars(select(NumberCounter.last)).all() == [1]
    lines = db.session.scalars(select(HistoryLine.move).where(HistoryLine.contract_id == contract_id)).all()
    assert lines == ["submit", "accept"]


def test_one_registration_number_goes_to_one_contract(live):
    """The race past the form's check: one wins, the others are told in a sentence, nothing is half written."""
    count = workers(live.app)
    contracts = [live.make.contract(state=State.REVIEWED) for _ in range(count)]
    tasks = [(contract.id, contract.version, live.visitor(live.make.user(Role.REVIEWER))) for contract in contracts]
    day = str(contracts[0].accepted_on)
    db.session.remove()

    def register(task):
        contract_id, version, visitor = task
        form = {"registration_number": "2026350500000001", "registered_on": day, "opinion": "", "version": str(version)}
        page = visitor.post(f"/contracts/{contract_id}/register", data=form)
        return page.status_code, page.text

    answers = at_once(live.app, tasks, register)
    assert sorted(status for status, _ in answers)[0] == 302
    assert [status for status, _ in answers].count(302) == 1
    for status, page in answers:
        assert status == 302 or (status in (409, 422) and "编号" in page), page[:500]
    registered = db.session.scalars(select(Contract).where(Contract.state == State.REGISTERED)).all()
    assert len(registered) == 1
    left = db.session.scalars(select(Contract).where(Contract.state == State.REVIEWED)).all()
    assert len(left) == count - 1
    assert all(one.registration_number is one.registered_on is one.decided_by_id is None for one in left)
    assert db.session.scalar(text("SELECT count(*) FROM contract_history WHERE move = 'register'")) == 1
    assert db.session.scalar(text("SELECT count(*) FROM ledger_entries")) == 1
    assert ledger.verify() == []


@pytest.mark.parametrize("rounds", [3])
def test_many_who_register_on_one_day_lose_nothing_of_the_sum(live, rounds):
    """The summary's row is shared by all of them."""
    reviewer = live.make.user(Role.REVIEWER).id
    ids = [live.make.contract(state=State.REVIEWED, amount=100 + one).id for one in range(rounds * workers(live.app))]
    db.session.remove()

    def register(task):
        place, contract_id = task
        with unit_of_work() as work:
            contract = work.get(Contract, contract_id)
            CONTRACT.offer("register", contract, work.get(User, reviewer)).make(
                {"registration_number": f"20263505{place:08}", "registered_on": contract.accepted_on, "opinion": ""}
            )
        return contract_id

    assert sorted(at_once(live.app, list(enumerate(ids)), register)) == sorted(ids)
    total = db.session.execute(text("SELECT sum(contracts), sum(total_amount) FROM ledger_entries")).one()
    assert tuple(map(int, total)) == (len(ids), sum(10_000 + 100 * one for one in range(len(ids))))
    assert ledger.verify() == []
