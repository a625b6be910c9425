"""What a year's base comes to, with floor and cap, each year or over the whole term. Nothing here asks a database."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from contracts_app.contracts.details import RoyaltyBase
from contracts_app.tracking.royalties import Bounds, royalty


def terms(rate="3.5", floor=None, cap=None, note=""):
    return SimpleNamespace(
        royalty_base=RoyaltyBase.SALES,
        royalty_rate=None if rate is None else Decimal(rate),
        royalty_rate_note=note,
        royalty_floor=floor and Decimal(floor),
        royalty_cap=cap and Decimal(cap),
    )


@pytest.mark.parametrize(
    ("contract", "base", "bounds", "earlier", "last", "amount"),
    [
        (terms(), "1000000", Bounds.YEAR, [], False, "35000.00"),
        (terms("0.33"), "1001.5", Bounds.YEAR, [], False, "3.30"),  # 3.30495, rounded once
        (terms("1.5"), "1000.33", Bounds.YEAR, [], False, "15.00"),
        (terms(floor=50000), "1000000", Bounds.YEAR, [90000], False, "50000"),
        (terms(cap=30000), "1000000", Bounds.YEAR, [90000], False, "30000"),
        (terms(cap=100000), "1000000", Bounds.TERM, [90000], False, "10000"),
        (terms(cap=100000), "1000000", Bounds.TERM, [120000], False, "0"),
        (terms(floor=100000), "1000000", Bounds.TERM, [10000], False, "35000.00"),  # the term is not over
        (terms(floor=100000), "1000000", Bounds.TERM, [10000], True, "90000"),
    ],
)
def test_what_is_due(contract, base, bounds, earlier, last, amount):
    found = royalty(contract, Decimal(base), bounds, map(Decimal, earlier), last=last)
    assert found.amount == Decimal(amount)
    assert "销售额" in found.reasoning


def test_a_rate_by_steps_is_reckoned_by_people():
    found = royalty(terms(None, note="第一年3%，以后2%"), Decimal(5), Bounds.YEAR, last=False)
    assert found.amount is None
    assert "第一年3%，以后2%" in found.reasoning
