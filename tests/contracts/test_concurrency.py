"""Two people at the same contract in the same moment: one is served, the other is told, nothing is mixed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.counting import summaries
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.core.db import db


def together(*works):
    """Run each in a thread of its own, begun in the same moment; their results in order."""
    start = threading.Barrier(len(works))

    def run(work):
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def post(visitor, contract, move, **form):
    path = f"/contracts/{contract.id}/{move}"
    data = {"version": str(contract.version), **form}
    return lambda: visitor.post(path, data=data)


@pytest.mark.parametrize("attempt", range(3))
def test_the_broker_withdraws_while_the_office_accepts(live, attempt):
    contract = live.make.contract(state=State.SUBMITTED)
    broker, registrar = live.visitor(contract.filed_by), live.visitor(live.make.user())
    works = (
        post(broker, contract, "withdraw", reason="不再申请。"),
        post(registrar, contract, "accept", complete_papers="y"),
    )
    contract_id = contract.id
    db.session.remove()
    pages = together(*works)
    assert sorted(page.status_code for page in pages) == [302, 409]
    contract = db.session.get(Contract, contract_id)
    winner = [page.status_code for page in pages].index(302)
    assert contract.state is (State.WITHDRAWN, State.ACCEPTED)[winner]
    assert [line.move for line in contract.history] == ["submit", ("withdraw", "accept")[winner]]
    assert (contract.acceptance_number is None) == (contract.state is State.WITHDRAWN)


def test_one_reviewer_registers_while_the_other_refuses(live):
    contract = live.make.contract(state=State.REVIEWED)
    one, two = (live.visitor(live.make.user(Role.REVIEWER)) for _ in range(2))
    works = (
        post(
            one, contract, "register", registration_number="2026350500000001", registered_on=str(contract.accepted_on)
        ),
        post(two, contract, "refuse", refusal_code="R04", opinion="标的不清楚。"),
    )
    contract_id = contract.id
    db.session.remove()
    pages = together(*works)
    assert sorted(page.status_code for page in pages) == [302, 409]
    contract = db.session.get(Contract, contract_id)
    assert (contract.state is State.REGISTERED) == (pages[0].status_code == 302)
    assert db.session.scalar(text("SELECT count(*) FROM ledger_entries")) == (contract.state is State.REGISTERED)
    assert ledger.verify() == []


def test_a_form_sent_twice_is_done_once(live):
    contract = live.make.contract(state=State.REVIEWED)
    reviewer = live.visitor(live.make.user(Role.REVIEWER))
    work = post(
        reviewer, contract, "register", registration_number="2026350500000001", registered_on=str(contract.accepted_on)
    )
    contract_id = contract.id
    db.session.remove()
    pages = together(work, work, work)
    assert sorted(page.status_code for page in pages) == [302, 409, 409]
    moves = db.session.scalars(select(HistoryLine.move).where(HistoryLine.contract_id == contract_id)).all()
    assert moves.count("register") == 1
    assert db.session.scalar(text("SELECT count(*) FROM ledger_entries")) == 1


def test_the_loser_is_told_in_chinese_and_may_go_on(live):
    contract = live.make.contract(state=State.SUBMITTED)
    one, two = (live.visitor(live.make.user()) for _ in range(2))
    first, second = (post(who, contract, "accept", complete_papers="y") for who in (one, two))
    contract_id = contract.id
    db.session.remove()
    assert first().status_code == 302
    page = second()
    assert page.status_code == 409
    assert "已受理" in page.text or "别人" in page.text
    assert f"/contracts/{contract_id}" in page.text


def test_readers_are_not_kept_waiting_by_a_writer(live):
    """A write that is not finished yet stops nobody from opening a page, and is not seen."""
    contract = live.make.contract("原来的名称", state=State.SUBMITTED)
    reader, contract_id = live.visitor(live.make.user()), contract.id
    db.session.remove()
    with live.app.extensions["engine"].begin() as writer:
        writer.execute(text("UPDATE contracts SET title = '写到一半'"))
        with ThreadPoolExecutor(1) as pool:  # a request of its own, beside the open transaction
            page = pool.submit(reader.get, f"/contracts/{contract_id}").result(timeout=60)
        assert page.status_code == 200
        assert "原来的名称" in page.text
        assert "写到一半" not in page.text


def test_writers_wait_for_each_other(live):
    """Nobody is told that the database is locked."""
    people = [live.visitor(live.make.user()) for _ in range(4)]
    contracts = [live.make.contract(state=State.SUBMITTED) for _ in range(12)]
    works = [
        [post(people[place], contract, "accept", complete_papers="y") for contract in contracts[place::4]]
        for place in range(4)
    ]
    db.session.remove()
    answers = together(*(lambda mine=mine: [work().status_code for work in mine] for mine in works))
    assert answers == [[302] * 3] * 4


def test_two_who_fold_for_the_first_time_add_everything_once(live, monkeypatch):
    live.make.contract(state=State.REGISTERED)
    monkeypatch.setattr(summaries, "KINDS", summaries.KINDS[:3])
    db.session.commit()
    db.session.remove()

    def fold():
        with live.app.app_context():
            return summaries.fold()

    assert max(together(fold, fold)) == 1
    assert list(summaries.verify()) == []
