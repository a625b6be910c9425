"""Every total is a sum over the ledger, and the ledger says what the contracts say."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

import contracts_app
from contracts_app.accounts.roles import Role
from contracts_app.contracts import ledger
from contracts_app.contracts.ledger import Cause, DailyTotal, LedgerEntry
from contracts_app.contracts.models import Contract
from contracts_app.contracts.query import ContractQuery, sums
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import today
from contracts_app.core.db import db
from tests.factories import JINJIANG, QUANZHOU, SHISHI


def register(contract, person, number="2026350500000001", on=None):
    answers = {"registration_number": number, "registered_on": on or today(), "opinion": ""}
    CONTRACT.offer("register", contract, person).make(answers)


def counted():
    """(contracts, total, technology) of the whole ledger and of its summary."""
    return [
        tuple(db.session.execute(select(*(func.sum(getattr(table, name)) for name in ledger._SUMS))).one())
        for table in (LedgerEntry, DailyTotal)
    ]


def test_registering_counts_one_contract_with_what_it_was(make):
    contract = make.contract(
        state=State.REVIEWED, amount=Decimal("1234567.89"), technology=Decimal("1000000.01"), town_code="350582001"
    )
    register(contract, make.user(Role.REVIEWER), on=today())
    entry = db.session.scalars(select(LedgerEntry)).one()
    assert (entry.contract_id, entry.cause, entry.counts_on) == (contract.id, Cause.REGISTRATION, today())
    assert (entry.contracts, entry.total_amount, entry.technology_amount) == (
        1,
        Decimal("1234567.89"),
        Decimal("1000000.01"),
    )
    assert (entry.unit_code, entry.type_code, entry.field_code, entry.town_code) == (
        JINJIANG,
        "KF1",
        "01",
        "350582001",
    )
    assert (entry.seller_region_code, entry.buyer_region_code) == (JINJIANG, JINJIANG)
    assert ledger.verify() == []


@pytest.mark.parametrize("state", [state for state in State if state is not State.REGISTERED])
def test_nothing_else_counts(make, state):
    make.contract(state=state)
    assert counted()[0][0] is None
    assert ledger.verify() == []


def test_a_refused_move_counts_nothing(make, session):
    contract = make.contract(state=State.REVIEWED)
    other = make.contract(state=State.REGISTERED)
    before = counted()
    with pytest.raises(Exception, match=r"uq_contracts_registration_number|UNIQUE"):
        register(contract, make.user(Role.REVIEWER), number=other.registration_number)
    session.rollback()
    assert counted() == before
    assert ledger.verify() == []


def test_contracts_of_one_day_unit_and_type_share_a_row_of_the_summary(make):
    day = date(2025, 6, 30)
    for amount in (Decimal("0.01"), Decimal("100.10"), Decimal("9999999999999.99")):
        make.contract(state=State.REGISTERED, registered_on=day, amount=amount)
    row = db.session.scalars(select(DailyTotal)).one()
    assert (row.contracts, row.total_amount) == (3, Decimal("10000000000100.10"))
    assert ledger.verify() == []


def test_the_ledger_and_the_list_give_the_same_sums(make):
    for unit, day, amount in (
        (JINJIANG, date(2024, 12, 31), 100),
        (JINJIANG, date(2025, 1, 1), 20),
        (JINJIANG, date(2025, 12, 31), 3),
        (SHISHI, date(2025, 7, 1), 50),
        (JINJIANG, date(2026, 1, 1), 7),
    ):
        make.contract(state=State.REGISTERED, unit=unit, registered_on=day, amount=amount)
    manager = make.user(Role.MANAGER, region=QUANZHOU)
    for year, unit, expected in ((2024, JINJIANG, (1, 100)), (2025, JINJIANG, (2, 23)), (2025, SHISHI, (1, 50))):
        by_list = sums(ContractQuery(year=year, unit=unit), manager)
        by_ledger = db.session.execute(
            select(func.sum(LedgerEntry.contracts), func.sum(LedgerEntry.total_amount)).where(
                LedgerEntry.unit_code == unit, LedgerEntry.counts_on.between(date(year, 1, 1), date(year, 12, 31))
            )
        ).one()
        assert (by_list.contracts, by_list.total_amount) == tuple(by_ledger) == expected


def test_what_was_counted_keeps_its_dimensions(make, session):
    """A seller that moves away later does not take its old contracts along."""
    contract = make.contract(state=State.REGISTERED)
    contract.seller.region_code = SHISHI
    session.flush()
    assert session.scalars(select(LedgerEntry.seller_region_code)).one() == JINJIANG


# --- the proof finds what is wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        update(DailyTotal).values(total_amount=DailyTotal.total_amount + Decimal("0.01")),
        update(DailyTotal).values(contracts=2),
        delete(DailyTotal),
        update(LedgerEntry).values(technology_amount=Decimal(1)),
        update(LedgerEntry).values(counts_on=date(2020, 1, 1)),
        update(LedgerEntry).values(unit_code=SHISHI),
        delete(LedgerEntry),
        update(Contract).values(type_code="FW1"),
        update(Contract).values(total_amount=Decimal(2_000_000)),
        update(Contract).values(registered_on=date(2025, 1, 1)),
    ],
)
def test_verify_finds_every_difference(make, session, damage):
    make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5))
    assert ledger.verify() == []
    session.execute(damage)
    assert ledger.verify() != []


def test_a_row_of_the_summary_without_entries_is_found(session, app):
    session.add(
        DailyTotal(
            counts_on=date(2025, 1, 1),
            unit_code=JINJIANG,
            type_code="KF1",
            contracts=1,
            total_amount=Decimal(1),
            technology_amount=Decimal(1),
        )
    )
    session.flush()
    assert ledger.verify() != []


def test_entries_that_cancel_each_other_leave_zero(make, session):
    """What a cancellation will write: the same row with the signs turned, on its own day."""
    contract = make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5), amount=100)
    entry = session.scalars(select(LedgerEntry)).one()
    columns = {column.key for column in LedgerEntry.__table__.columns} - {"id", "recorded_at"}
    facts = {name: getattr(entry, name) for name in columns}
    minus = {name: -facts[name] for name in ledger._SUMS}
    ledger.append([LedgerEntry(**facts | minus | {"cause": Cause.CANCELLATION, "counts_on": date(2026, 1, 2)})])
    session.flush()
    assert counted() == [(0, 0, 0), (0, 0, 0)]
    years = select(func.sum(DailyTotal.total_amount)).where(
        DailyTotal.counts_on.between(date(2025, 1, 1), date(2025, 12, 31))
    )
    assert session.scalar(years) == Decimal(100), "the year that was published keeps what it counted"
    assert contract.state is State.REGISTERED


def test_the_ledger_only_grows():
    """No statement of the application updates or deletes an entry, or the summary but for its one writer."""
    changes = re.compile(r"\b(?:update|delete)\((?:ledger\.)?(?:LedgerEntry|DailyTotal)")
    sources = [file.read_text(encoding="utf-8") for file in Path(contracts_app.__file__).parent.rglob("*.py")]
    assert len(sources) > 30
    assert not any(changes.search(source) for source in sources)
