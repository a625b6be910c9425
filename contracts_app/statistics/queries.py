"""The year in figures, from the ledger. Page, command and tests read the same functions.

Caliber 登记: a contract counts for the unit that registers it, on its registration date. Amounts are 元, shares exact
fractions, never capped. Statements do not grow with contracts: the summary is folded by unit, type and month in the
database, and the few hundred cells that come back are added up here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from sqlalchemy import select

from contracts_app.accounts.models import Onlooker, Reader, User
from contracts_app.codes.models import ContractType
from contracts_app.contracts.dimensions import DIMENSIONS
from contracts_app.contracts.ledger import LedgerEntry
from contracts_app.contracts.query import ContractQuery, DateKind
from contracts_app.contracts.totals import Sums, totals
from contracts_app.core.clock import month_edges, same_period_last_year, share_of_year_elapsed, today, year_edges
from contracts_app.core.db import db
from contracts_app.regions.models import Region, Unit
from contracts_app.regions.queries import units_under
from contracts_app.targets import queries as targets
from contracts_app.targets.models import YUAN, Comparison, Indicator, PublishedFigure

AMOUNT, CONTRACTS = "total_amount", "contracts"


@dataclass(frozen=True)
class Counted:
    """A number of contracts and their amounts in 元."""

    contracts: int = 0
    total_amount: Decimal = Decimal(0)
    technology_amount: Decimal = Decimal(0)

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.contracts + other.contracts,
            self.total_amount + other.total_amount,
            self.technology_amount + other.technology_amount,
        )


def add_up(parts: Iterable[Counted]) -> Counted:
    """All parts together; nothing at all is zero."""
    return sum(parts, Counted())


def growth_of(now: Decimal | int, before: Decimal | int) -> Fraction | None:
    """(now − before) / before; None where there was nothing to grow from."""
    return Fraction(now - before) / Fraction(before) if before > 0 else None


@dataclass(frozen=True)
class YearLine:
    """One line of the year: what was counted, its task, and the same period of the year before."""

    counted: Counted
    same_period: Counted
    whole_last_year: Counted
    target: Decimal | None = None
    measured: Decimal = Decimal(0)  # the amount that is held against the target

    @property
    def completion(self) -> Fraction | None:
        """Amount over target, above 1 where it is exceeded; None without a target."""
        return Fraction(self.measured) / Fraction(self.target) if self.target else None

    @property
    def gap(self) -> Decimal | None:
        """What is missing to the target; negative when it is exceeded."""
        return self.target - self.measured if self.target else None

    @property
    def growth(self) -> Fraction | None:
        """Of the amount, against the same period of last year."""
        return growth_of(self.counted.total_amount, self.same_period.total_amount)

    @property
    def growth_in_number(self) -> Fraction | None:
        """Of the number of contracts, against the same period of last year."""
        return growth_of(self.counted.contracts, self.same_period.contracts)


@dataclass(frozen=True)
class UnitLine(YearLine):
    """A unit's year. Ranks are among the units shown; ties share one; only a unit with a target has the second."""

    code: str = ""
    name: str = ""
    rank_by_amount: int = 0
    rank_by_completion: int | None = None


@dataclass(frozen=True)
class TypeLine:
    code: str  # of a root type
    name: str
    counted: Counted


@dataclass(frozen=True)
class MonthLine:
    """A month, and the year up to its end."""

    month: int
    first_day: date
    last_day: date
    counted: Counted
    running: Counted
    running_last_year: Counted
    last_day_last_year: date


@dataclass(frozen=True)
class Beside:
    """What was published for a place and year beside what the system counts. A figure that is None was not found."""

    region: Region
    year: int
    amount: PublishedFigure | None
    contracts: PublishedFigure | None
    counted: Counted
    is_running: bool
    unit_code: str | None  # None for the whole region

    @property
    def query(self) -> ContractQuery:
        """The contracts that the system's own numbers count."""
        return registered(self.year, self.unit_code)

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

    def query(self, year: int) -> ContractQuery:
        """The contracts that make one of these years."""
        return registered(year, self.indicator.region_code)


@dataclass(frozen=True)
class YearOverview:
    """Everything the page of a year shows."""

    year: int
    on: date
    region: Region
    units: tuple[UnitLine, ...]
    total: YearLine
    months: tuple[MonthLine, ...]
    last_year_running: tuple[Decimal, ...]  # last year's amount at the end of each month; empty where there is none
    types: tuple[TypeLine, ...]
    published: tuple[Beside, ...]
    plan: tuple[PlanLine, ...]
    years: tuple[int, ...]

    @property
    def is_running(self) -> bool:
        return self.year == self.on.year

    @property
    def is_over(self) -> bool:
        """Nothing more can be registered in it: a task is done or it is not, there is no pace to keep."""
        return self.year < self.on.year

    @property
    def until(self) -> date:
        """The last day that can be counted: today, or the year's last."""
        return min(self.on, year_edges(self.year)[1])

    @property
    def first_day(self) -> date:
        return year_edges(self.year)[0]

    @property
    def pace(self) -> Fraction:
        """序时进度: the share of the year that is over."""
        return Fraction(share_of_year_elapsed(self.on, self.year))

    @property
    def is_empty(self) -> bool:
        """Nothing counted in this year, and nothing asked for."""
        return not self.total.counted.contracts and self.total.target is None

    @property
    def ranked(self) -> list[UnitLine]:
        """The units by amount, those of one rank in the office's order."""
        return sorted(self.units, key=lambda unit: unit.rank_by_amount)

    @property
    def technology_share(self) -> Fraction | None:
        """The technology amount as a share of the total; None where nothing was counted."""
        amount = self.total.counted.total_amount
        return Fraction(self.total.counted.technology_amount) / Fraction(amount) if amount else None

    @property
    def ahead_of_pace(self) -> Fraction | None:
        """Completion minus pace, a share; None without a target."""
        return None if self.total.completion is None else self.total.completion - self.pace

    @property
    def compared_until(self) -> date:
        """The last day of last year's period that this year is compared with."""
        return _same_period(self.year, self.on)[1]

    @property
    def units_without_target(self) -> int:
        return sum(unit.target is None for unit in self.units)

    @property
    def units_behind(self) -> list[UnitLine]:
        """Units below the pace, the furthest behind first."""
        behind = [unit for unit in self.units if unit.completion is not None and unit.completion < self.pace]
        return sorted(behind, key=lambda unit: (unit.completion or 0, unit.code))

    def query(
        self, *, unit: str | None = None, type: str | None = None, first: date | None = None, last: date | None = None
    ) -> ContractQuery:
        """The contracts that make a number of this year: of a unit, of a root type, registered between two days."""
        return registered(self.year, unit or self._only_unit, type, first, last)

    def query_before(self, *, unit: str | None = None, last: date | None = None) -> ContractQuery:
        """The same of last year up to the day ``last``, or of the same period if none is said."""
        first, last = year_edges(self.year - 1)[0], last or self.compared_until
        whole = last == year_edges(self.year - 1)[1]
        return registered(self.year - 1, unit or self._only_unit, None, *((None, None) if whole else (first, last)))

    @property
    def _only_unit(self) -> str | None:
        """What somebody filed elsewhere is theirs to see but not theirs to count: one unit is always named."""
        return self.units[0].code if len(self.units) == 1 else None


def year_overview(year: int, person: User, on: date | None = None) -> YearOverview:
    """The year in the person's region, as it stands at the end of the day ``on`` (today if none is said)."""
    on = on or today()
    units = units_under(person.region)
    cells = _cells(year, person, on) if units else []
    lines = _unit_lines(units, cells, _tasks(year, units))
    return YearOverview(
        year=year,
        on=on,
        region=person.region,
        units=lines,
        total=_total(lines),
        months=_months(year, cells, on),
        last_year_running=_last_year_running(cells),
        types=_types(cells),
        published=_published(year, person.region, units, lines, on),
        plan=plan_lines(units),
        years=_years(units, year, on),
    )


def unit_totals(year: int, units: Sequence[Unit], on: date | None = None) -> tuple[UnitLine, ...]:
    """One line for each unit, in the order given: what the page's table and ``flask totals`` show."""
    return _unit_lines(units, _cells(year, Onlooker.of_all(), on or today()), _tasks(year, units))


def plan_lines(units: Sequence[Unit]) -> tuple[PlanLine, ...]:
    """The plan's indicators that the system counts itself, for the units among ``units``."""
    codes = {unit.code for unit in units}
    return tuple(
        PlanLine(indicator, _plan_years(indicator))
        for indicator in targets.indicators()
        if indicator.measure_code == AMOUNT and indicator.region_code in codes and indicator.unit in YUAN
    )


# --- what the database adds up ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cell:
    """A unit's month of one root type, this year and last."""

    unit: str
    type: str
    month: int
    now: Counted
    before: Counted
    same_period: Counted


def _cells(year: int, person: Reader, on: date) -> list[_Cell]:
    first, last = _same_period(year, on)
    this_year, last_year = ContractQuery(year=year), ContractQuery(year=year - 1)
    by = [DIMENSIONS[name] for name in ("unit", "type", "month")]
    now, before = (totals(query, person, by) for query in (this_year, last_year))
    same = totals(replace(last_year, date_from=first, date_to=last), person, by)
    periods = [
        {(unit, kind, int(month[5:])): sums for (unit, kind, month), sums in each.items()}
        for each in (now, before, same)
    ]
    return [
        _Cell(*key, *(_counted(period.get(key, NOTHING)) for period in periods))
        for key in sorted({key for period in periods for key in period})
    ]


NOTHING = Sums()


def _counted(sums: Sums) -> Counted:
    return Counted(sums.contracts, sums.total_amount, sums.technology_amount)


def _same_period(year: int, on: date) -> tuple[date, date]:
    """The days of last year that a year is compared with: all of them once the year is over."""
    first, last = year_edges(year)
    return same_period_last_year(first, min(max(on, first), last))


def _tasks(year: int, units: Sequence[Unit]) -> dict[str, Decimal]:
    in_force = targets.targets_for(year, AMOUNT, [unit.code for unit in units])
    return {code: target.value for code, target in in_force.items()}


def _plan_years(indicator: Indicator) -> tuple[PlanYear, ...]:
    query = ContractQuery(year=indicator.target_year, since=indicator.base_year + 1, unit=indicator.region_code)
    counted = totals(query, Onlooker.of_all(), [DIMENSIONS["year"]])
    amounts = sorted(((int(year), sums.total_amount) for (year,), sums in counted.items()), reverse=True)
    target = Fraction(indicator.target_value * YUAN[indicator.unit])
    return tuple(PlanYear(int(year), amount, Fraction(amount) / target) for year, amount in amounts)


def _years(units: Sequence[Unit], year: int, on: date) -> tuple[int, ...]:
    """The years with figures or tasks, this one and the one asked for, the newest first."""
    codes = [unit.code for unit in units]
    day = select(LedgerEntry.counts_on).where(LedgerEntry.unit_code.in_(codes)).limit(1)
    first = db.session.scalar(day.order_by(LedgerEntry.counts_on, LedgerEntry.id))
    last = db.session.scalar(day.order_by(LedgerEntry.counts_on.desc(), LedgerEntry.id.desc()))
    counted = range(first.year, last.year + 1) if first and last else ()
    return tuple(sorted({*counted, *targets.task_years(AMOUNT, codes), year, on.year}, reverse=True))


# --- what is added up here -------------------------------------------------------------------------------------------


def _unit_lines(units: Sequence[Unit], cells: list[_Cell], tasks: dict[str, Decimal]) -> tuple[UnitLine, ...]:
    lines = [
        _unit_line(unit, [cell for cell in cells if cell.unit == unit.code], tasks.get(unit.code)) for unit in units
    ]
    amounts = [line.counted.total_amount for line in lines]
    completions = [line.completion for line in lines if line.completion is not None]
    return tuple(
        replace(
            line,
            rank_by_amount=_rank(line.counted.total_amount, amounts),
            rank_by_completion=None if line.completion is None else _rank(line.completion, completions),
        )
        for line in lines
    )


def _unit_line(unit: Unit, all_cells: list[_Cell], target: Decimal | None) -> UnitLine:
    cells = [cell for cell in all_cells if cell.unit == unit.code]
    counted = add_up(cell.now for cell in cells)
    return UnitLine(
        code=unit.code,
        name=unit.name,
        counted=counted,
        same_period=add_up(cell.same_period for cell in cells),
        whole_last_year=add_up(cell.before for cell in cells),
        target=target,
        measured=counted.total_amount,
    )


def _rank(value: Decimal | Fraction, among: Sequence[Decimal | Fraction]) -> int:
    return 1 + sum(other > value for other in among)


def _total(lines: Sequence[UnitLine]) -> YearLine:
    """All units together. Their completion holds only units with a target against the sum of the targets."""
    with_target = [line for line in lines if line.target is not None]
    return YearLine(
        counted=add_up(line.counted for line in lines),
        same_period=add_up(line.same_period for line in lines),
        whole_last_year=add_up(line.whole_last_year for line in lines),
        target=sum((line.target for line in with_target if line.target), Decimal(0)) if with_target else None,
        measured=sum((line.counted.total_amount for line in with_target), Decimal(0)),
    )


def _types(cells: list[_Cell]) -> tuple[TypeLine, ...]:
    roots = select(ContractType.code, ContractType.name).where(ContractType.parent_code.is_(None))
    return tuple(
        TypeLine(code, name, add_up(cell.now for cell in cells if cell.type == code))
        for code, name in db.session.execute(roots.order_by(ContractType.position, ContractType.code))
    )


def _months(year: int, cells: list[_Cell], on: date) -> tuple[MonthLine, ...]:
    """The months up to the day ``on``, or to the last in which something was counted."""
    begun = 12 if on.year > year else on.month if on.year == year else 0
    shown = max(begun, max((cell.month for cell in cells if cell.now.contracts), default=0))
    return tuple(
        MonthLine(
            month=month,
            first_day=month_edges(year, month)[0],
            last_day=month_edges(year, month)[1],
            counted=add_up(cell.now for cell in cells if cell.month == month),
            running=add_up(cell.now for cell in cells if cell.month <= month),
            running_last_year=add_up(cell.before for cell in cells if cell.month <= month),
            last_day_last_year=month_edges(year - 1, month)[1],
        )
        for month in range(1, shown + 1)
    )


def _last_year_running(cells: list[_Cell]) -> tuple[Decimal, ...]:
    if not any(cell.before.contracts for cell in cells):
        return ()
    return tuple(add_up(cell.before for cell in cells if cell.month <= month).total_amount for month in range(1, 13))


def _published(
    year: int, region: Region, units: Sequence[Unit], lines: Sequence[UnitLine], on: date
) -> tuple[Beside, ...]:
    """Places of which anything was published for this year or the last, each with both years."""
    places = {unit.code: unit.region for unit in units}
    if len(units) > 1:
        places[region.code] = region
    found = targets.published_of((AMOUNT, CONTRACTS), (year, year - 1), list(places))
    of_unit = {line.code: line for line in lines}
    total = _total(lines)
    return tuple(
        Beside(
            region=place,
            year=each,
            amount=found.get((AMOUNT, each, code)),
            contracts=found.get((CONTRACTS, each, code)),
            counted=_of_year(of_unit.get(code, total), each == year),
            is_running=each == on.year,
            unit_code=code if code in of_unit else None,
        )
        for code, place in places.items()
        if any(key[2] == code for key in found)
        for each in (year, year - 1)
    )


def _of_year(line: YearLine, this_year: bool) -> Counted:
    return line.counted if this_year else line.whole_last_year


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


def registered(
    year: int, unit: str | None, type: str | None = None, first: date | None = None, last: date | None = None
) -> ContractQuery:
    """The contracts registered in a year: those that make its numbers."""
    return ContractQuery(year=year, unit=unit, type=type, date_kind=DateKind.REGISTERED, date_from=first, date_to=last)
