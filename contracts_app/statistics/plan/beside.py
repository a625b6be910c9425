"""What was published or planned, beside what the system counts itself: never in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from contracts_app.accounts.models import Onlooker
from contracts_app.contracts.books.ledger import Figures
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.counting.totals import totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.clock import today
from contracts_app.regions.models import Region, Unit
from contracts_app.statistics.sums import registered
from contracts_app.targets import queries as targets
from contracts_app.targets.models import YUAN, Comparison, Indicator, PublishedFigure

AMOUNT, CONTRACTS = "total_amount", "contracts"


@dataclass(frozen=True)
class Beside:
    """What was published for a place and year beside what the system counts. A figure that is None was not found."""

    region: Region
    year: int
    amount: PublishedFigure | None
    contracts: PublishedFigure | None
    counted: Figures
    until: date | None  # the last day counted of a year that is running
    unit_code: str | None  # None for the whole region

    @property
    def is_running(self) -> bool:
        return self.until is not None

    @property
    def query(self) -> ContractQuery:
        """The contracts that the system's own numbers count."""
        cut = (date(self.year, 1, 1), self.until) if self.until and self.until < today() else (None, None)
        return registered(self.year, self.unit_code, None, *cut)

    @property
    def amounts_agree(self) -> bool | None:
        """Whether the system's amount is what was published, at the precision it was published in; None if unknown."""
        return _agrees(self.amount, self.counted.total_amount)

    @property
    def contracts_agree(self) -> bool | None:
        """The same of the number of contracts."""
        return _agrees(self.contracts, Decimal(self.counted.contracts))

    @property
    def doubts(self) -> list[str]:
        """What the sources leave open."""
        return [figure.doubt for figure in (self.amount, self.contracts) if figure and figure.doubt]


@dataclass(frozen=True)
class PlanYear:
    """A plan indicator in one year, by the system's own count: amount in 元 and the share of the target."""

    year: int
    amount: Decimal
    reached: Fraction


@dataclass(frozen=True)
class PlanLine:
    """A plan indicator that the system counts itself, with the years of the plan in which it counted something."""

    indicator: Indicator
    years: tuple[PlanYear, ...]  # the newest first
    as_of: date | None = None  # the day up to which was counted, where it lies in the past

    def query(self, year: int) -> ContractQuery:
        """The contracts that make one of these years."""
        is_cut = self.as_of is not None and self.as_of.year == year
        cut = (date(year, 1, 1), self.as_of) if is_cut else (None, None)
        return registered(year, self.indicator.region_code, None, *cut)


def plan_lines(units: Sequence[Unit], as_of: date | None = None) -> tuple[PlanLine, ...]:
    """The plan's indicators that the system counts itself, for the units among ``units``; up to a day, or all."""
    codes = {unit.code for unit in units}
    return tuple(
        PlanLine(indicator, _plan_years(indicator, as_of), as_of)
        for indicator in targets.indicators()
        if indicator.measure_code == AMOUNT and indicator.region_code in codes and indicator.unit in YUAN
    )


def _plan_years(indicator: Indicator, as_of: date | None) -> tuple[PlanYear, ...]:
    query = ContractQuery(
        year=indicator.target_year, since=indicator.base_year + 1, unit=indicator.region_code, date_to=as_of
    )
    counted = totals(query, Onlooker.of_all(), [DIMENSIONS["year"]])
    amounts = sorted(((int(year), sums.total_amount) for (year,), sums in counted.items()), reverse=True)
    target = Fraction(indicator.target_value * YUAN[indicator.unit])
    return tuple(PlanYear(int(year), amount, Fraction(amount) / target) for year, amount in amounts)


def published_beside(
    year: int, region: Region, units: Sequence[Unit], counted: Mapping[tuple[str, int], Figures], on: date
) -> tuple[Beside, ...]:
    """Places of which anything was published for this year or the last, each with both years.

    ``counted`` by place and year, as it stood at the end of the day ``on``.
    """
    places = {unit.code: unit.region for unit in units}
    if len(units) > 1:
        places[region.code] = region
    found = targets.published_of((AMOUNT, CONTRACTS), (year, year - 1), list(places))
    own = {unit.code for unit in units}
    return tuple(
        Beside(
            region=place,
            year=each,
            amount=found.get((AMOUNT, each, code)),
            contracts=found.get((CONTRACTS, each, code)),
            counted=counted[code, each],
            until=on if each == on.year else None,
            unit_code=code if code in own else None,
        )
        for code, place in places.items()
        if any(key[2] == code for key in found)
        for each in (year, year - 1)
    )


def _agrees(figure: PublishedFigure | None, own: Decimal) -> bool | None:
    if figure is None or figure.value is None or (figure.unit not in YUAN and figure.unit != "项"):
        return None
    shown = own / YUAN.get(figure.unit, Decimal(1))
    value = figure.value.normalize()
    places = value if value.as_tuple().exponent < 0 else Decimal(1)  # type: ignore[operator]
    at_its_precision = shown.quantize(places, ROUND_HALF_UP)
    return {
        Comparison.EXACT: at_its_precision == value,
        Comparison.ABOUT: at_its_precision == value,
        Comparison.AT_LEAST: shown >= value,
        Comparison.MORE: shown > value,
        Comparison.AT_MOST: shown <= value,
    }[figure.comparison]
