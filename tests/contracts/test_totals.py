"""A total is the sum of its list, by whatever it is split, before and after the ledger is folded, on both databases."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import delete, select, update

from contracts_app.accounts.models import Onlooker
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.facets import Band, Caliber, Flow
from contracts_app.contracts.books.ledger import Cause, LedgerEntry
from contracts_app.contracts.counting import summaries, totals
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.counting.summaries import FacetTotal
from contracts_app.contracts.counting.totals import sums, sums_by_tab
from contracts_app.contracts.desk import lists
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc
from contracts_app.core.web.pages import Sort
from contracts_app.platforms.models import Platform
from tests.factories import JINJIANG, QUANZHOU, SHISHI

ABROAD, ELSEWHERE, ANY_TOWN = "990000", "350200", "350582001"
TODAY = date(2026, 11, 20)
PAIRS = [(a, b) for a in DIMENSIONS for b in DIMENSIONS if a != b]


@pytest.fixture
def office(make, session):
    """Two counties, their brokers and platforms, and contracts that were registered, changed, struck off and paid."""

    def fill(seed, contracts):
        rng = Random(seed)
        places = (JINJIANG, JINJIANG, SHISHI, ELSEWHERE, ABROAD)
        parties = [make.enterprise(region=place, party_type_code=rng.choice(("150", "021", "170"))) for place in places]
        platforms = [None, *session.scalars(select(Platform.id).limit(2))]
        brokers = [None, make.broker().id]
        for _ in range(contracts):
            seller, buyer = rng.sample(parties, 2)
            if not {seller.region_code, buyer.region_code} & {JINJIANG, SHISHI}:
                continue
            day = date(rng.choice((2024, 2025, 2026)), rng.randint(1, 11), rng.randint(1, 20))
            fen = rng.choice((rng.randint(1, 10**9), rng.randint(1, 10**11)))
            contract = make.contract(
                state=State.REGISTERED,
                registered_on=day,
                unit=rng.choice((JINJIANG, SHISHI)),
                seller=seller,
                buyer=buyer,
                amount=Decimal(fen).scaleb(-2),
                technology=Decimal(rng.randint(1, fen)).scaleb(-2),
                type_code=rng.choice(("KF1", "KF2", "FW1", "ZR1")),
                field_code=rng.choice(("01", "02", None)),
                ip_code=rng.choice(("0201", "03", None)),
                plan_source_code=rng.choice(("11", "5", None)),
                payment_model_code=rng.choice(("lump_sum", "royalty")),
                platform_id=rng.choice(platforms),
                broker_id=rng.choice(brokers),
                town_code=rng.choice((ANY_TOWN, None)),
            )
            happen(rng, contract, day)
        session.flush()

    def happen(rng, contract, day):
        later = min(TODAY, day + timedelta(days=rng.randint(0, 300)))
        match rng.randint(0, 4):
            case 0:
                before = ledger.dimensions_of(contract)
                contract.total_amount += Decimal(rng.randint(1, 10**10)).scaleb(-2)
                contract.type_code = rng.choice((contract.type_code, "FW2"))
                ledger.count_change(contract, before, later)
            case 1:
                contract.state = State.CANCELLED
                ledger.strike_off(contract, Cause.CANCELLATION, later)
            case 2:
                ledger.count_receipt(contract, Decimal(rng.randint(1, 10**8)).scaleb(-2), later, now_utc())
                ledger.count_verification(contract, Decimal(rng.randint(1, 10**8)).scaleb(-2), later, now_utc())

    return fill


def queries(rng):
    """Questions at random: years, days, a caliber, a unit, none to three things that are asked of the contract."""
    asked = {
        "type": ("KF", "KF1", "FW"),
        "field": ("01",),
        "ip": ("02", "0201"),
        "plan_source": ("1", "11"),
        "payment_model": ("royalty",),
        "seller_kind": ("100", "150", "020"),
        "buyer_kind": ("021", "100"),
        "flow": tuple(Flow),
        "band": (Band.UNDER_10, Band.FROM_1000),
        "town": (ANY_TOWN,),
        "lacking": (("field",), ("platform", "broker"), ("ip",)),
    }
    while True:
        year = rng.choice((2024, 2025, 2026))
        more = {name: rng.choice(asked[name]) for name in rng.sample(sorted(asked), rng.choice((0, 0, 1, 2)))}
        if rng.random() < 0.3:
            more["since"] = 2024
        if rng.random() < 0.4:
            more["date_from"] = date(year, rng.randint(1, 6), rng.choice((1, 10)))
            more["date_to"] = date(year, rng.randint(6, 12), rng.choice((30, 15)))
        if rng.random() < 0.3:
            more["unit"] = rng.choice((JINJIANG, SHISHI))
        if rng.random() < 0.2:
            more["cause"] = rng.choice(tuple(Cause))
        yield ContractQuery(year=year, caliber=rng.choice(tuple(Caliber)), **more)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_total_is_the_sum_of_its_list(make, session, office, monkeypatch, seed):
    """However it is asked for, split by any two dimensions, and however much of the ledger is folded."""
    rng = Random(seed)
    office(seed, 40)
    assert summaries.fold() > 0
    assert summaries.fold() == 0
    office(seed + 100, 12)  # counted since
    people = [make.user(Role.MANAGER, region=region) for region in (QUANZHOU, JINJIANG, ANY_TOWN)]
    people.append(Onlooker.of_all())
    assert [*ledger.verify(), *summaries.verify()] == []

    asked = queries(rng)
    for a, b in rng.sample(PAIRS, 25):
        query, person = next(asked), rng.choice(people)
        by = [DIMENSIONS[a], DIMENSIONS[b]]
        cells = totals.totals(query, person, by)
        with monkeypatch.context() as unfolded:
            unfolded.setattr(totals, "folded_to", lambda kind: 0)
            assert cells == totals.totals(query, person, by), (query.to_args(), person.region.code, a, b)
        whole = totals.total(query, person)
        assert sum(cells.values(), totals.Sums()) == whole == sums(query, person), (query, a, b)
        for keys, cell in rng.sample(sorted(cells.items()), min(2, len(cells))):
            narrow = query
            for dimension, key in zip(by, keys, strict=True):
                narrow = dimension.narrowed(narrow, key)
            assert ContractQuery.from_args(narrow.to_args()) == narrow
            assert sums(narrow, person) == cell, (query, a, b, keys)
            assert_the_list_adds_up(narrow, person, cell)


def assert_the_list_adds_up(query, person, cell):
    rows = lists.contracts(query, person, sort=Sort("registered", True), number=1, size=500, total=cell.rows).rows
    assert len(rows) == cell.rows
    assert sum(row.counted for row in rows) == cell.contracts
    assert sum((row.total_amount for row in rows), Decimal(0)) == cell.total_amount
    assert sum((row.technology_amount for row in rows), Decimal(0)) == cell.technology_amount


def test_without_a_year_the_list_is_of_contracts_as_they_are(make, office):
    office(3, 25)
    manager = make.user(Role.MANAGER, region=QUANZHOU)
    everything = sums(ContractQuery(), manager)
    for words in (Flow, Band):
        name = {"Flow": "flow", "Band": "band"}[words.__name__]
        parts = [sums(ContractQuery(**{name: word}), manager) for word in words]
        assert sum(parts, totals.Sums()) == everything
    kinds = [
        sums(ContractQuery(seller_kind=kind), manager) for kind in ("010", "020", "030", "100", "200", "300", "400")
    ]
    assert sum(kinds, totals.Sums()) == everything


def test_money_that_came_in_is_no_registration(make, office):
    office(5, 30)
    manager = make.user(Role.MANAGER, region=QUANZHOU)
    for year in (2024, 2025, 2026):
        tabs = sums_by_tab(ContractQuery(year=year), manager)
        assert not {Cause.RECEIPT, Cause.VERIFICATION} & set(tabs)
        for cause in (Cause.RECEIPT, Cause.VERIFICATION):
            of_money = sums(ContractQuery(year=year, cause=cause), manager)
            assert (of_money.contracts, of_money.total_amount, of_money.technology_amount) == (0, 0, 0)
    received = [sums(ContractQuery(year=2026, since=2024, cause=cause), manager) for cause in Cause]
    assert sum(one.received_amount for one in received) > 0
    assert sum(one.verified_income for one in received) > 0


def test_verify_finds_every_difference(session, office):
    office(1, 6)
    summaries.fold()
    assert list(summaries.verify()) == []
    for damage in (
        update(FacetTotal).values(total_amount=FacetTotal.total_amount + Decimal("0.01")),
        update(FacetTotal).values(entries=9),
        delete(FacetTotal).where(FacetTotal.letters == "yf"),
        update(FacetTotal).values(letters="zz").where(FacetTotal.letters == "w"),
        update(LedgerEntry).values(field_code="03"),
    ):
        with session.begin_nested() as tried:
            session.execute(damage)
            assert next(summaries.verify(), None), damage
            tried.rollback()


def test_a_broker_counts_what_is_theirs(make):
    broker = make.user(Role.BROKER)
    mine = make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5), filed_by=broker, amount=100)
    make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5), amount=900)
    summaries.fold()
    assert totals.total(ContractQuery(year=2025), broker).total_amount == mine.total_amount
