"""Every total is a sum over the ledger, and the ledger says what the contracts say."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

import contracts_app
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.facets import Band, Flow
from contracts_app.contracts.books.ledger import Cause, Dimensions, Figures, LedgerEntry, difference, dimensions_of
from contracts_app.contracts.counting.totals import sums
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import NUMBERED, STRUCK_OFF, State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import today
from contracts_app.core.db import constraint_of, db
from tests.factories import JINJIANG, QUANZHOU, SHISHI


def register(contract, person, number="2026350500000001", on=None):
    answers = {"registration_number": number, "registered_on": on or today(), "opinion": ""}
    CONTRACT.offer("register", contract, person).make(answers)


def counted():
    """(contracts, total, technology) of the whole ledger."""
    return tuple(db.session.execute(select(*(func.sum(getattr(LedgerEntry, name)) for name in ledger._SUMS))).one())


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


@pytest.mark.parametrize("state", [*sorted(NUMBERED), State.OBJECTION])
def test_what_is_registered_counts_until_it_is_struck_off(make, state):
    make.contract(state=state)
    assert counted()[0] == (0 if state in STRUCK_OFF else 1)
    assert ledger.verify() == []


@pytest.mark.parametrize("state", sorted({State.SUBMITTED, State.REVIEWED, State.REFUSED, State.WITHDRAWN}))
def test_nothing_else_counts(make, state):
    make.contract(state=state)
    assert counted()[0] is None
    assert ledger.verify() == []


# --- what an event adds ---------------------------------------------------------------------------------------------

HERE = Dimensions(
    unit_code=JINJIANG,
    type_code="KF1",
    field_code="01",
    platform_id=None,
    broker_id=None,
    seller_region_code=JINJIANG,
    buyer_region_code=JINJIANG,
    town_code=None,
    filed_by_id=1,
    seller_unit_code=JINJIANG,
    buyer_unit_code=JINJIANG,
    seller_kind_code="150",
    buyer_kind_code="150",
    ip_code=None,
    plan_source_code=None,
    payment_model_code="lump_sum",
    flow=Flow.WITHIN,
    amount_band=Band.UNDER_10,
)
ONE = Figures(1, Decimal(100), Decimal(80))


def test_a_change_of_amounts_adds_the_delta_and_counts_no_contract():
    wanted = {HERE: Figures(1, Decimal(120), Decimal(70))}
    assert difference({HERE: ONE}, wanted) == [(HERE, Figures(0, Decimal(20), Decimal(-10)))]
    assert difference({HERE: ONE}, {HERE: ONE}) == []


def test_a_change_of_place_takes_back_what_stands_and_enters_it_anew():
    there = replace(HERE, field_code="02")
    wanted = {there: Figures(1, Decimal(120), Decimal(80))}
    assert difference({HERE: ONE}, wanted) == [(HERE, -ONE), (there, wanted[there])]


def test_striking_off_takes_back_exactly_what_stands():
    there = replace(HERE, broker_id=7)
    left_over = {HERE: ONE, there: Figures(0, Decimal(5), Decimal(0))}
    assert dict(difference(left_over, {})) == {where: -figures for where, figures in left_over.items()}


def test_a_change_moves_only_what_it_touched(make, session):
    """A party that moved away since the registration does not take the contract along because its amount changes."""
    contract = make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5), amount=100)
    contract.seller.region_code = SHISHI
    before = dimensions_of(contract)
    contract.total_amount, contract.buyer = Decimal(130), make.enterprise(region=SHISHI)
    ledger.count_change(contract, before, date(2026, 2, 1))
    session.flush()
    added = session.scalars(select(LedgerEntry).where(LedgerEntry.cause == Cause.CHANGE).order_by(LedgerEntry.id)).all()
    assert [(one.contracts, one.total_amount, one.seller_region_code, one.buyer_region_code) for one in added] == [
        (-1, Decimal(-100), JINJIANG, JINJIANG),
        (1, Decimal(130), JINJIANG, SHISHI),
    ]
    assert ledger.verify() == []


def test_a_contract_is_registered_once(make, session):
    contract = make.contract(state=State.REGISTERED)
    with pytest.raises(IntegrityError) as broken:
        ledger.count_registration(contract)
    assert constraint_of(broken.value) == "uq_ledger_entries_registration"


def test_a_refused_move_counts_nothing(make, session):
    contract = make.contract(state=State.REVIEWED)
    other = make.contract(state=State.REGISTERED)
    before = counted()
    with pytest.raises(Exception, match=r"uq_contracts_registration_number|UNIQUE"):
        register(contract, make.user(Role.REVIEWER), number=other.registration_number)
    session.rollback()
    assert counted() == before
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
        update(LedgerEntry).values(amount_band=Band.FROM_1000),
        update(LedgerEntry).values(month=202504),
        update(LedgerEntry).values(total_amount=LedgerEntry.total_amount + Decimal("0.01")),
        update(LedgerEntry).values(technology_amount=Decimal(1)),
        update(LedgerEntry).values(counts_on=date(2020, 1, 1)),
        update(LedgerEntry).values(unit_code=SHISHI),
        delete(LedgerEntry),
        update(Contract).values(type_code="FW1"),
        update(Contract).values(total_amount=Decimal(2_000_000)),
        update(Contract).values(registered_on=date(2025, 6, 1)),
    ],
)
def test_verify_finds_every_difference(make, session, damage):
    make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5))
    assert ledger.verify() == []
    session.execute(damage)
    assert ledger.verify() != []


@pytest.mark.parametrize(("state", "cause"), [("cancelled", Cause.CANCELLATION), ("revoked", Cause.REVOCATION)])
def test_striking_off_counts_in_the_year_of_the_decision(make, session, state, cause):
    make.contract(
        state=State(state), registered_on=date(2025, 5, 5), struck_off_on=date(2026, 1, 2), amount=100, technology=60
    )
    session.flush()
    assert counted() == (0, 0, 0)
    years = select(func.sum(LedgerEntry.total_amount)).where(
        LedgerEntry.counts_on.between(date(2025, 1, 1), date(2025, 12, 31))
    )
    assert session.scalar(years) == Decimal(100), "the year that was published keeps what it counted"
    last = session.scalars(select(LedgerEntry).order_by(LedgerEntry.id.desc())).first()
    assert (last.cause, last.counts_on, last.contracts) == (cause, date(2026, 1, 2), -1)
    assert ledger.verify() == []


def test_the_ledger_only_grows():
    """No statement of the application updates or deletes an entry."""
    changes = re.compile(r"\b(?:update|delete)\((?:ledger\.)?LedgerEntry")
    sources = [file.read_text(encoding="utf-8") for file in Path(contracts_app.__file__).parent.rglob("*.py")]
    assert len(sources) > 30
    assert not any(changes.search(source) for source in sources)
