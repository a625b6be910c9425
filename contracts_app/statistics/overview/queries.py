"""The year in figures, from the ledger. Page, command and tests read the same functions.

Statements do not grow with contracts. One reading of the summary gives every month of this year and of those it is
compared with, by unit; one for each year more gives the month of the as-of day up to it. The few hundred cells that
come back are added up here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from sqlalchemy import select

from contracts_app.accounts.models import Onlooker, Reader, User
from contracts_app.codes.models import ContractType
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import Figures
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.counting.totals import Sums, totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.clock import local, month_edges, same_period_last_year, today, year_edges
from contracts_app.core.db import db
from contracts_app.regions.models import Region, Unit
from contracts_app.regions.queries import home_path, units_under
from contracts_app.rules.queries import rules_within, work_calendar
from contracts_app.statistics.periods import Period
from contracts_app.statistics.plan.beside import AMOUNT, CONTRACTS, plan_lines, published_beside
from contracts_app.statistics.publishing.sentences import Facts
from contracts_app.statistics.ranking import rank
from contracts_app.statistics.sums import add_up
from contracts_app.statistics.years import known_years
from contracts_app.targets import queries as targets
from contracts_app.targets.models import Target

from .forecast import MOST_YEARS, PastYear
from .pace import Half, Needed, is_shown_on, needed
from .year import Basis, MonthLine, Task, TypeLine, UnitLine, YearLine, YearOverview, total_of


def year_overview(
    year: int, person: User, on: date | None = None, *, region: Region | None = None, units: list[Unit] | None = None
) -> YearOverview:
    """The year in the person's region, or in one within it, as it stands at the end of the day ``on`` (today if none
    is said). ``units`` are those of the region, where the caller has read them."""
    on = on or today()
    as_of = on if on < today() else None
    region = region or person.region
    reader: Reader = person if region is person.region else Onlooker(region)
    units = units_under(region) if units is None else units
    years = known_years(region, year, on.year)
    cells = _cells(year, units, reader, on, since=years.counted.start if years.counted else year)
    tasks = _tasks(year, region, units, on)
    lines, total = _lines(year, units, cells, tasks, on)
    first, last = year_edges(year)
    facts = _facts(region, units, cells, lines, reader) if units and first <= on else None
    return YearOverview(
        year=year,
        on=on,
        as_of=as_of,
        region=region,
        rules=rules_within(first, max(first, min(on, last))),
        units=lines,
        total=total,
        task=tasks[AMOUNT, on].whole,
        months=_months(cells),
        last_year_months=_last_year_months(cells),
        knows_last_year=cells.knows_last_year,
        types=_types(facts) if units else (),
        halves=_halves(cells, tasks),
        needed=_needed(total, year, on),
        past=_past(cells),
        published=published_beside(year, region, units, _by_place(region, cells), on),
        plan=plan_lines(units, as_of),
        years=years.offered,
        facts=facts,
    )


def unit_totals(year: int, units: Sequence[Unit], on: date | None = None) -> tuple[tuple[UnitLine, ...], YearLine]:
    """A line for each of the city's units, in the order given, and the whole of them: what the page's table and
    ``flask totals`` show."""
    on, everybody = on or today(), Onlooker.of_all()
    cells = _cells(year, units, everybody, on, since=year - 1)
    return _lines(year, units, cells, _tasks(year, everybody.region, units, on), on)


def _lines(
    year: int, units: Sequence[Unit], cells: "_Cells", tasks: "_Tasks", on: date
) -> tuple[tuple[UnitLine, ...], YearLine]:
    """Each unit held against its task, and all of them against the task of the whole."""
    amounts, before = tasks[AMOUNT, on], _month_before(year, on)
    tasks_before = tasks[AMOUNT, before].of_units if before else {}
    lines = _unit_lines(units, cells, amounts.of_units, {code: basis.value for code, basis in tasks_before.items()})
    return lines, total_of(lines, amounts.whole)


# --- what the database adds up ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cells:
    """What each unit counted in each month of this year and of those before, as it stood on a day."""

    year: int
    on: date
    units: tuple[str, ...]
    years: tuple[int, ...]  # before this one, the newest first, of which anything may have been counted
    months: Mapping[tuple[str, str], Figures]  # by unit and month: 2025-03
    begun: Mapping[tuple[str, int], Figures]  # by unit and past year: of the as-of month, up to the same day
    knows_last_year: bool  # anything was counted, were it all taken back again

    @property
    def last_month(self) -> int:
        """The month of the last day that counts; 0 before the year, 12 after it."""
        return 12 if self.on.year > self.year else self.on.month if self.on.year == self.year else 0

    def of(self, unit: str, year: int, first: int = 1, last: int = 12) -> Figures:
        """Of a unit, or of all, from one month of a year to another."""
        return add_up(self.months.get((unit, f"{year}-{month:02d}"), _NOTHING) for month in range(first, last + 1))

    def by_same_day(self, unit: str, year: int) -> Figures:
        """Of a past year, up to the day this year has come to; of all of it where this year is over."""
        day = _same_day(self.year, year, self.on)
        if day == month_edges(year, day.month)[1]:
            return self.of(unit, year, 1, day.month)
        return self.of(unit, year, 1, day.month - 1) + self.begun.get((unit, year), _NOTHING)


Key = TypeVar("Key", str, int)
_NOTHING = Figures()
_ALL = ""  # units together


def _cells(year: int, units: Sequence[Unit], person: Reader, on: date, *, since: int) -> _Cells:
    """Of the years from ``since`` on, but not of more than a forecast looks at; of last year always."""
    if not units:
        return _Cells(year, on, (), (), {}, {}, knows_last_year=False)
    since = min(max(since, year - MOST_YEARS), year - 1)
    years = tuple(range(year - 1, since - 1, -1))
    until = month_edges(on.year, on.month)[1] if on.year <= year else None
    by_month = totals(ContractQuery(year=year, since=since, date_to=until), person, [DIMENSIONS["unit"], _MONTH])
    months = {(unit, month): sums.figures for (unit, month), sums in by_month.items()}
    knows_last_year = any(month.startswith(str(year - 1)) for _, month in by_month)

    begun = {}
    if on.year <= year:
        days = [day for each in years if (day := _same_day(year, each, on)) <= on]  # none later than the as-of day
        begun = {(unit, day.year): counted for day in days for unit, counted in _begun(day, person).items()}
        month = f"{on.year}-{on.month:02d}"
        cut = _begun(on, person) if on < today() else None
        months |= {(unit.code, month): cut.get(unit.code, _NOTHING) for unit in units} if cut is not None else {}
    codes = tuple(unit.code for unit in units)
    return _Cells(year, on, codes, years, _with_all(months), _with_all(begun), knows_last_year)


_MONTH = DIMENSIONS["month"]


def _with_all(cells: Mapping[tuple[str, Key], Figures]) -> dict[tuple[str, Key], Figures]:
    """The same, and under no unit what all of them make."""
    every: dict[tuple[str, Key], Figures] = dict(cells)
    for (_, key), counted in cells.items():
        every[_ALL, key] = every.get((_ALL, key), _NOTHING) + counted
    return every


def _begun(day: date, person: Reader) -> dict[str, Figures]:
    """What each unit counted in the month of a day, up to it."""
    days = ContractQuery(year=day.year, date_from=day.replace(day=1), date_to=day)
    return {unit: sums.figures for (unit,), sums in totals(days, person, [DIMENSIONS["unit"]]).items()}


def _same_day(year: int, past: int, on: date) -> date:
    """The day of a past year with which this one is compared; its last one once this year is over."""
    first, last = year_edges(year)
    day = min(max(on, first), last)
    for _ in range(year - past):
        day = same_period_last_year(day.replace(day=1), day)[1]
    return day


@dataclass(frozen=True)
class _InForce:
    """The tasks of one measure in force on a day: of each unit that has one, and of the whole."""

    of_units: Mapping[str, Basis]
    whole: Task | None


_Tasks = Mapping[tuple[str, date], _InForce]  # by measure and day


def _tasks(year: int, region: Region, units: Sequence[Unit], on: date) -> _Tasks:
    """The tasks of every day that the page looks at: of the day itself, of the end of the month before, of mid-year."""
    days = {on, _middle(year, on), *filter(None, [_month_before(year, on)])}
    codes = [*(unit.code for unit in units), region.code] if units else []
    found = targets.tasks_in_force(year, (AMOUNT, CONTRACTS), codes, days)
    return {key: _in_force(of_places, region, units) for key, of_places in found.items()}


def _in_force(found: Mapping[str, Target], region: Region, units: Sequence[Unit]) -> _InForce:
    """A task of the region itself stands for all of it, else the sum of its units' tasks."""
    of_units = {unit.code: _basis(found[unit.code], unit.name) for unit in units if unit.code in found}
    if region.code in found:
        own = of_units.get(region.code) or _basis(found[region.code], region.name)
        return _InForce(of_units, Task(own.value, (own,)))
    parts = tuple(of_units.values())
    whole = Task(sum((part.value for part in parts), Decimal(0)), parts, is_own=False) if parts else None
    return _InForce(of_units, whole)


def _basis(target: Target, place: str) -> Basis:
    recorded = local(target.recorded_at).date() if target.recorded_at else None
    return Basis(place, target.value, target.document, target.issued_on, recorded, target.version)


def _middle(year: int, on: date) -> date:
    """30 June, or the day itself where that is still to come."""
    return min(on, date(year, 6, 30))


def _month_before(year: int, on: date) -> date | None:
    """The end of the month before the last day that counts; None in January and before the year."""
    until = min(on, year_edges(year)[1])
    return until.replace(day=1) - timedelta(days=1) if until.year == year and until.month > 1 else None


def _facts(region: Region, units: list[Unit], cells: _Cells, lines: Sequence[UnitLine], reader: Reader) -> Facts:
    """For the sentence of the year so far, with what is counted already."""
    facts = Facts(region, Period(cells.year, 1, 12), reader, Caliber.REGISTERED, cells.on)
    amounts = {line.code: line.counted.total_amount for line in lines}
    facts.know(
        units=units,
        by_unit={line.code: _sums(line.counted) for line in lines},
        before=_sums(cells.by_same_day(_ALL, cells.year - 1)),
        knows_last_year=cells.knows_last_year,
        amounts_of_all_units=amounts if region.path == home_path() else None,
    )
    return facts


def _sums(figures: Figures) -> Sums:
    """How many rows made them, no clause asks."""
    return Sums(int(bool(figures)), *figures)


def _types(facts: Facts | None) -> tuple[TypeLine, ...]:
    counted = {code: sums.figures for code, sums in facts.by("type").items()} if facts else {}
    roots = select(ContractType.code, ContractType.name).where(ContractType.parent_code.is_(None))
    return tuple(
        TypeLine(code, name, counted.get(code, _NOTHING))
        for code, name in db.session.execute(roots.order_by(ContractType.position, ContractType.code))
    )


# --- what is added up here -------------------------------------------------------------------------------------------


def _unit_lines(
    units: Sequence[Unit], cells: _Cells, tasks: Mapping[str, Basis], tasks_before: Mapping[str, Decimal]
) -> tuple[UnitLine, ...]:
    lines = tuple(_unit_line(unit, cells, tasks.get(unit.code)) for unit in units)
    codes = [unit.code for unit in units]
    now = rank({line.code: line.counted.total_amount for line in lines})
    by_completion = rank({line.code: line.completion for line in lines if line.completion is not None})
    day = _month_before(cells.year, cells.on)
    amounts = {code: cells.of(code, cells.year, 1, day.month).total_amount for code in codes} if day else {}
    shares = {code: Fraction(amounts[code]) / Fraction(task) for code, task in tasks_before.items()}
    before, completion_before = rank(amounts), rank(shares)
    return tuple(
        replace(
            line,
            rank_by_amount=now.get(line.code),
            rank_by_completion=by_completion.get(line.code),
            amount_rank_before=before.get(line.code),
            completion_rank_before=completion_before.get(line.code),
        )
        for line in lines
    )


def _unit_line(unit: Unit, cells: _Cells, basis: Basis | None) -> UnitLine:
    counted = cells.of(unit.code, cells.year)
    return UnitLine(
        code=unit.code,
        name=unit.name,
        counted=counted,
        same_period=cells.by_same_day(unit.code, cells.year - 1),
        target=basis.value if basis else None,
        measured=counted.total_amount,
        basis=basis,
    )


def _months(cells: _Cells) -> tuple[MonthLine, ...]:
    """The months up to the as-of day."""
    year = cells.year
    return tuple(
        MonthLine(
            month=month,
            first_day=month_edges(year, month)[0],
            last_day=month_edges(year, month)[1],
            counted=cells.of(_ALL, year, month, month),
            counted_last_year=cells.of(_ALL, year - 1, month, month),
            running=cells.of(_ALL, year, 1, month),
            running_last_year=cells.of(_ALL, year - 1, 1, month),
            last_day_last_year=month_edges(year - 1, month)[1],
        )
        for month in range(1, cells.last_month + 1)
    )


def _last_year_months(cells: _Cells) -> tuple[Figures, ...]:
    months = tuple(cells.of(_ALL, cells.year - 1, month, month) for month in range(1, 13))
    return months if any(months) else ()


def _halves(cells: _Cells, tasks: _Tasks) -> tuple[Half, ...]:
    """双过半 of the amount and of the number, for each that has a task: from June on, of past years what it was.

    Held against the tasks in force on 30 June, or today where that is still to come.
    """
    if not is_shown_on(cells.year, cells.on):
        return ()
    day = _middle(cells.year, cells.on)
    halves = []
    for measure, label in ((AMOUNT, "成交额"), (CONTRACTS, "项数")):
        in_force = tasks[measure, day]
        task = in_force.whole
        if task:
            held = (_ALL,) if task.is_own else tuple(in_force.of_units)
            done = add_up(cells.of(unit, cells.year, 1, 6) for unit in held)
            halves.append(
                Half(
                    measure,
                    label,
                    Decimal(getattr(done, measure)),
                    task.value,
                    day,
                    cells.on >= date(cells.year, 6, 30),
                    task.documents,
                )
            )
    return tuple(halves)


def _needed(total: YearLine, year: int, on: date) -> Needed | None:
    """What is still to come in a running year whose task is not reached."""
    if on.year != year or total.gap is None or total.gap <= 0:
        return None
    return needed(total.gap, total.measured, on, work_calendar())


def _past(cells: _Cells) -> tuple[PastYear, ...]:
    return tuple(
        PastYear(
            _same_day(cells.year, year, cells.on),
            cells.by_same_day(_ALL, year).total_amount,
            tuple(cells.of(_ALL, year, month, month).total_amount for month in range(1, 13)),
        )
        for year in cells.years
    )


def _by_place(region: Region, cells: _Cells) -> dict[tuple[str, int], Figures]:
    places = {region.code: _ALL} | {code: code for code in cells.units}
    return {
        (place, year): cells.of(unit, year) for place, unit in places.items() for year in (cells.year, cells.year - 1)
    }
