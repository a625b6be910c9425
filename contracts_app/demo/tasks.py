"""Made-up yearly tasks that stand on those of the units: the city's, for other measures, and a split to towns.

They are worked out from the amounts of the units without drawing a number, so that nothing else changes.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from contracts_app.regions.models import Region
from contracts_app.targets.models import Comparison, Target, TargetKind

from . import plan

DOCUMENT = "演示任务（无文号）"
_TECHNOLOGY = Decimal("0.88")  # of the amount
_SPLIT = Decimal(100_000)  # 元: towns get round amounts
_STEP = 5  # contracts


def task(region_code: str, year: int, measure: str, value: Decimal, *, day: int = 20) -> Target:
    """A task that stands in no document, and says so."""
    return Target(
        region_code=region_code,
        year=year,
        measure_code=measure,
        kind=TargetKind.TASK,
        version=1,
        comparison=Comparison.EXACT,
        value=value,
        document=DOCUMENT,
        issued_on=date(year, 2, day),
        source=DOCUMENT,
        is_demo=True,
    )


def more_tasks(
    amounts: Iterable[Target], cells: Sequence[plan.Cell], city: str, towns: Sequence[Region]
) -> Iterator[Target]:
    """For the running year and the last: contracts and technology amount, the city's sums, 晋江市's towns."""
    years = plan.YEARS[-2:]
    counted = {(cell.unit_code, cell.year): cell.contracts for cell in cells}
    sums: dict[tuple[int, str], Decimal] = {}
    for amount in amounts:
        if amount.year not in years:
            continue
        others = {
            "technology_amount": _rounded(amount.value * _TECHNOLOGY, Decimal(1_000_000)),
            "contracts": _rounded(_whole_year(counted[amount.region_code, amount.year], amount.year), Decimal(_STEP)),
        }
        for measure, value in {"total_amount": amount.value, **others}.items():
            sums[amount.year, measure] = sums.get((amount.year, measure), Decimal(0)) + value
            if measure != "total_amount":
                yield task(amount.region_code, amount.year, measure, value)
        if amount.region_code == plan.JINJIANG:
            yield from _split(amount, towns)
    for (year, measure), value in sums.items():
        yield task(city, year, measure, value)


def _split(amount: Target, towns: Sequence[Region]) -> Iterator[Target]:
    parts = plan.shared_out(int(amount.value / _SPLIT), [1.0 + place % 5 for place in range(len(towns))])
    for town, part in zip(towns, parts, strict=True):
        yield task(town.code, amount.year, "total_amount", part * _SPLIT, day=26)


def _whole_year(contracts: int, year: int) -> Decimal:
    passed = Decimal(str(plan.USUALLY_PASSED)) if year == plan.YEARS[-1] else Decimal(1)
    return contracts / passed


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    return max(step, (value / step).to_integral_value() * step)
