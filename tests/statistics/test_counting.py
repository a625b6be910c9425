"""Whatever happens to contracts after registration: a total, its list and a count from scratch are one number."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import Cause, Figures
from contracts_app.contracts.counting.totals import sums, sums_by_tab
from contracts_app.contracts.desk import lists
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.states import State
from contracts_app.core.web.pages import Sort
from contracts_app.statistics.overview.queries import year_overview
from tests.factories import JINJIANG, QUANZHOU, SHISHI

YEARS, UNITS, TYPES = (2024, 2025, 2026), (JINJIANG, SHISHI), ("KF1", "KF2", "FW1")


class Happenings:
    """Contracts that are registered, changed and struck off at random; beside them, what ought to be counted."""

    def __init__(self, make, session, rng):
        self.make, self.session, self.rng = make, session, rng
        self.expected = defaultdict(Figures)  # (year, unit, type)
        self.parties = {unit: [make.enterprise(region=unit) for _ in range(2)] for unit in UNITS}

    def register(self):
        unit, kind = self.rng.choice(UNITS), self.rng.choice(TYPES)
        day = date(self.rng.choice(YEARS), self.rng.randint(1, 10), self.rng.randint(1, 28))
        seller, buyer = self.parties[unit]
        contract = self.make.contract(
            state=State.REGISTERED,
            unit=unit,
            type_code=kind,
            registered_on=day,
            **self._amounts(),
            seller=seller,
            buyer=buyer,
        )
        self._count(day, contract, 1)
        return contract, day

    def change(self, contract, day):
        day += timedelta(days=self.rng.randint(0, (date(2026, 11, 20) - day).days))
        before = ledger.dimensions_of(contract)
        self._count(day, contract, -1)
        amounts = self._amounts()
        contract.total_amount, contract.technology_amount = amounts["amount"], amounts["technology"]
        if self.rng.random() < 0.5:
            contract.type_code = self.rng.choice(TYPES)
        self._count(day, contract, 1)
        ledger.count_change(contract, before, day)
        self.session.flush()
        return contract, day

    def strike_off(self, contract, day):
        day += timedelta(days=self.rng.randint(0, (date(2026, 11, 20) - day).days))
        self._count(day, contract, -1)
        cause, contract.state = self.rng.choice(
            [(Cause.CANCELLATION, State.CANCELLED), (Cause.REVOCATION, State.REVOKED)]
        )
        ledger.strike_off(contract, cause, day)
        self.session.flush()

    def _amounts(self):
        fen = self.rng.randint(2, 10**9)
        return {"amount": Decimal(fen).scaleb(-2), "technology": Decimal(self.rng.randint(1, fen)).scaleb(-2)}

    def _count(self, day, contract, sign):
        figures = Figures(1, contract.total_amount, contract.technology_amount)
        self.expected[day.year, contract.unit_code, contract.type_code] += figures if sign > 0 else -figures


@pytest.mark.parametrize("seed", [1, 2])
def test_a_total_its_list_and_a_count_from_scratch_are_one_number(make, session, seed):
    rng = Random(seed)
    office = Happenings(make, session, rng)
    for _ in range(7):
        standing = office.register()
        for _ in range(rng.randint(0, 2)):
            standing = office.change(*standing)
        if rng.random() < 0.4:
            office.strike_off(*standing)
    session.commit()
    manager = make.user(Role.MANAGER, region=QUANZHOU)

    assert ledger.verify() == []
    for year in YEARS:
        counted = {line.code: line.counted for line in year_overview(year, manager).units}
        for unit in UNITS:
            cells = [office.expected[year, unit, kind] for kind in TYPES]
            assert _three(counted[unit]) == _three(sum(cells, Figures())), (year, unit)
            for kind, expected in zip(TYPES, cells, strict=True):
                query = ContractQuery(year=year, unit=unit, type=kind)
                footer = sums(query, manager)
                assert _three(footer) == _three(expected), (year, unit, kind)
                by_cause = sums_by_tab(query, manager).values()
                assert sum((Figures(*_three(part)) for part in by_cause), Figures()) == expected
                rows = lists.contracts(
                    query, manager, sort=Sort("registered", True), number=1, size=100, total=footer.rows
                ).rows
                assert len(rows) == footer.rows
                assert sum(row.counted for row in rows) == footer.contracts
                assert sum(row.total_amount for row in rows) == footer.total_amount


def _three(counted):
    return counted.contracts, counted.total_amount, counted.technology_amount


def test_a_years_list_says_what_happened_to_what_was_counted_before(make, sign_in, session):
    changed = make.contract("改过的", state=State.REGISTERED, registered_on=date(2025, 5, 1), amount=1_000_000)
    before = ledger.dimensions_of(changed)
    changed.total_amount = Decimal(1_200_000)
    ledger.count_change(changed, before, date(2026, 5, 3))
    make.contract(
        "注销的", state=State.CANCELLED, registered_on=date(2025, 6, 1), struck_off_on=date(2026, 2, 1), amount=300_000
    )
    make.contract("变更中的", state=State.CHANGING, registered_on=date(2026, 3, 1), amount=500_000)
    session.commit()
    client = sign_in(make.user(Role.MANAGER))

    page = client.get("/contracts/?year=2026").get_data(as_text=True)
    assert "2026-05-03 变更" in page
    assert "+20.00 万元" in page
    assert "2026-02-01 注销" in page
    assert "-1 项 · -30.00 万元" in page
    assert "符合条件 0 项（万元）" in page, "one registered, one taken back"
    assert '<td class="num" data-label="成交额">40.00</td>' in page
    assert "符合条件 2 项（万元）" in client.get("/contracts/?year=2025").get_data(as_text=True)

    only = client.get("/contracts/?year=2026&cause=change").get_data(as_text=True)
    assert "改过的" in only
    assert "注销的" not in only
