"""What a year comes to: the values of the overview, and the lists that make each of them. Nothing here asks a database.

Caliber 登记: a contract counts for the unit that registers it, on its registration date. Amounts are 元, shares exact
fractions, never capped.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from contracts_app.contracts.books.ledger import Figures
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.clock import same_period_last_year, share_of_year_elapsed, year_edges
from contracts_app.regions.models import Region
from contracts_app.statistics.plan.beside import Beside, PlanLine
from contracts_app.statistics.publishing.sentences import Facts
from contracts_app.statistics.sums import add_up, growth_of, registered

from .forecast import Forecast, NoForecast, PastYear, forecast
from .pace import Half, Needed


@dataclass(frozen=True)
class Basis:
    """Which version of a yearly task is in force: what completion is divided by."""

    place: str
    value: Decimal
    document: str  # 文号 or name, empty where it has none
    issued_on: date | None
    recorded_on: date | None  # the day on which it was entered, where that is known
    version: int

    @property
    def holds_since(self) -> date | None:
        """The day from which this version counts."""
        return self.issued_on or self.recorded_on

    def is_revision_of(self, year: int) -> bool:
        """Whether it replaced another one within the year."""
        return self.version > 1 and self.holds_since is not None and self.holds_since.year >= year

    @property
    def words(self) -> str:
        """泉科〔2026〕1号（2026-01-05）."""
        return self.document + (f"（{self.issued_on}）" if self.issued_on else "")


@dataclass(frozen=True)
class Task:
    """What is to be reached in the year, in 元 or contracts; ``bases`` are the versions that set it."""

    value: Decimal
    bases: tuple[Basis, ...] = ()
    is_own: bool = True  # set for the place itself; else the sum of its units' tasks

    @property
    def documents(self) -> tuple[str, ...]:
        """文号 and day of each document, each once."""
        return tuple(dict.fromkeys(basis.words for basis in self.bases if basis.document))


@dataclass(frozen=True)
class YearLine:
    """One line of the year: what was counted, its task, and the same period of the year before."""

    counted: Figures
    same_period: Figures
    target: Decimal | None = None
    measured: Decimal = Decimal(0)  # the amount that is held against the target

    @cached_property
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
    """A unit's year. Ranks are among the units shown that have registered anything; ties share one; only a unit with a
    target has the second.

    ``before`` are the ranks at the end of the month before; None in January and where there was none.
    """

    code: str = ""
    name: str = ""
    basis: Basis | None = None  # of its task
    rank_by_amount: int | None = None
    rank_by_completion: int | None = None
    amount_rank_before: int | None = None
    completion_rank_before: int | None = None


@dataclass(frozen=True)
class TypeLine:
    code: str  # of a root type
    name: str
    counted: Figures


@dataclass(frozen=True)
class MonthLine:
    """A month, and the year up to its end; last year's month beside it."""

    month: int
    first_day: date
    last_day: date
    counted: Figures
    counted_last_year: Figures
    running: Figures
    running_last_year: Figures
    last_day_last_year: date

    @property
    def first_day_last_year(self) -> date:
        return self.last_day_last_year.replace(day=1)


@dataclass(frozen=True)
class YearOverview:
    """Everything the page of a year shows, as it stood at the end of the day ``on``."""

    year: int
    on: date
    as_of: date | None  # the same day where it lies in the past: lists are cut there too
    region: Region
    rules: str  # those in force within the year so far
    units: tuple[UnitLine, ...]
    total: YearLine
    task: Task | None
    months: tuple[MonthLine, ...]
    last_year_months: tuple[Figures, ...]  # twelve; empty where nothing was counted or all of it taken back
    knows_last_year: bool  # anything was counted: if not, last year was not kept here, and is no nought to compare with
    types: tuple[TypeLine, ...]
    halves: tuple[Half, ...]
    needed: Needed | None
    past: tuple[PastYear, ...]
    published: tuple[Beside, ...]
    plan: tuple[PlanLine, ...]
    years: tuple[int, ...]
    facts: Facts | None = None  # for the published sentence; None before the year, and where there are no units

    @property
    def is_running(self) -> bool:
        return self.year == self.on.year

    @property
    def is_over(self) -> bool:
        """Nothing more can be registered in it: a task is done or it is not, there is no pace to keep."""
        return self.year < self.on.year

    @property
    def until(self) -> date:
        """The last day that can be counted: that of the overview, or the year's last."""
        return min(self.on, year_edges(self.year)[1])

    @property
    def first_day(self) -> date:
        return year_edges(self.year)[0]

    @cached_property
    def pace(self) -> Fraction:
        """序时进度: the share of the year that is over."""
        return Fraction(share_of_year_elapsed(self.on, self.year))

    @property
    def is_empty(self) -> bool:
        """Nothing counted in this year, and nothing asked for."""
        return not self.total.counted and self.total.target is None

    @property
    def ranked(self) -> list[UnitLine]:
        """The units by amount, those of one amount in the office's order."""
        return sorted(self.units, key=lambda unit: -unit.counted.total_amount)

    @property
    def ranked_by_completion(self) -> list[UnitLine]:
        """The units that have a task, by completion."""
        reached = [(unit, unit.completion) for unit in self.units if unit.completion is not None]
        return [unit for unit, completion in sorted(reached, key=lambda one: -one[1])]

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
        return same_period(self.year, self.on)[1]

    @property
    def last_year_running(self) -> tuple[Decimal, ...]:
        """Last year's amount at the end of each month; empty where there is none."""
        months = self.last_year_months
        return tuple(add_up(months[:place]).total_amount for place in range(1, len(months) + 1))

    @property
    def revisions(self) -> tuple[Basis, ...]:
        """The tasks, of the place itself and of its units, that were revised within the year."""
        every = [*(self.task.bases if self.task else ()), *(unit.basis for unit in self.units if unit.basis)]
        return tuple(basis for basis in dict.fromkeys(every) if basis.is_revision_of(self.year))

    @property
    def tasks_of_units(self) -> Decimal | None:
        """What the units' tasks add up to beside a task of the region itself; None where there is nothing beside it."""
        parts = [unit.target for unit in self.units if unit.target is not None]
        is_apart = self.task is not None and self.task.is_own and len(self.units) > 1 and parts
        return sum(parts, Decimal(0)) if is_apart else None

    @property
    def units_without_target(self) -> int:
        return sum(unit.target is None for unit in self.units)

    @property
    def units_behind(self) -> list[UnitLine]:
        """Units below the pace, the furthest behind first."""
        behind = [unit for unit in self.units if unit.completion is not None and unit.completion < self.pace]
        return sorted(behind, key=lambda unit: (unit.completion or 0, unit.code))

    @cached_property
    def outlook(self) -> Forecast | NoForecast | None:
        """What the running year may end with; None for any other year."""
        if not self.is_running:
            return None
        return forecast(self.total.counted.total_amount, self.until, self.past)

    @property
    def forecast(self) -> Forecast | None:
        """The same where there is enough to say anything from."""
        return self.outlook if isinstance(self.outlook, Forecast) else None

    @property
    def forecast_completion(self) -> Fraction | None:
        """The forecast as a share of the task, where the task is that of everything counted."""
        if self.forecast is None or self.task is None or self.total.measured != self.total.counted.total_amount:
            return None
        return Fraction(self.forecast.value) / Fraction(self.task.value)

    def query(
        self, *, unit: str | None = None, type: str | None = None, first: date | None = None, last: date | None = None
    ) -> ContractQuery:
        """The contracts that make a number of this year: of a unit, of a root type, registered between two days."""
        if self.as_of and not self.is_over:
            first, last = first or self.first_day, min(last or self.as_of, self.as_of)
        return registered(self.year, unit or self.only_unit, type, first, last)

    def query_before(
        self, *, unit: str | None = None, first: date | None = None, last: date | None = None
    ) -> ContractQuery:
        """The same of last year up to the day ``last``, or of the same period if none is said."""
        begins, ends = year_edges(self.year - 1)
        first, last = first or begins, min(last or self.compared_until, self.on)
        whole = (first, last) == (begins, ends)
        return registered(self.year - 1, unit or self.only_unit, None, *((None, None) if whole else (first, last)))

    def query_past(self, past: PastYear, *, is_whole: bool = False) -> ContractQuery:
        """The contracts of a past year up to the same day, or all of them."""
        cut = (None, None) if is_whole else (year_edges(past.year)[0], past.until)
        return registered(past.year, self.only_unit, None, *cut)

    @property
    def only_unit(self) -> str | None:
        """What somebody filed elsewhere is theirs to see but not theirs to count: one unit is always named."""
        return self.units[0].code if len(self.units) == 1 else None


def same_period(year: int, on: date) -> tuple[date, date]:
    """The days of last year that a year is compared with: all of them once the year is over."""
    first, last = year_edges(year)
    return same_period_last_year(first, min(max(on, first), last))


def total_of(lines: Iterable[UnitLine], task: Task | None) -> YearLine:
    """All units together. A task of the place itself stands for all; else only units with a task are held against
    the sum of their tasks."""
    lines = list(lines)
    measured = lines if task and task.is_own else [line for line in lines if line.target is not None]
    return YearLine(
        counted=add_up(line.counted for line in lines),
        same_period=add_up(line.same_period for line in lines),
        target=task.value if task else None,
        measured=sum((line.counted.total_amount for line in measured), Decimal(0)),
    )
