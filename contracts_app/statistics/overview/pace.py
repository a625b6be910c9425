"""The year against the calendar: half of the task by mid-year, and what is needed from now on. Pure functions."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal
from fractions import Fraction

from contracts_app.core.clock import WorkCalendar

_FEN = Decimal("0.01")


@dataclass(frozen=True)
class Half:
    """双过半: whether half of a task was reached by 30 June: of the task in force on that day, as in the half-year
    report, whatever was revised later. Amounts are 元, counts contracts."""

    measure: str  # total_amount or contracts
    label: str
    done: Decimal  # by 30 June, or so far
    task: Decimal
    last_day: date  # 30 June, or the day up to which was counted
    is_over: bool  # 30 June has passed
    documents: tuple[str, ...] = ()  # that set the task it is held against

    @property
    def share(self) -> Fraction:
        """Of the whole year's task."""
        return Fraction(self.done) / Fraction(self.task)

    @property
    def is_met(self) -> bool:
        return self.share >= Fraction(1, 2)

    @property
    def missing(self) -> Decimal:
        """To half of the task; nothing where it is reached."""
        return max(self.task / 2 - self.done, Decimal(0))


def is_shown_on(year: int, on: date) -> bool:
    """Whether mid-year is near or past: from 1 June on."""
    return on >= date(year, 6, 1)


@dataclass(frozen=True)
class Needed:
    """What each month and each working day still has to bring so that the task is reached; amounts are 元."""

    gap: Decimal
    months: Fraction  # that are left, the begun one by its days
    workdays: int
    is_announced: bool  # the year's holidays are known; else only weekends are left out
    monthly_so_far: Decimal

    @property
    def monthly(self) -> Decimal | None:
        """None on the last day of the year."""
        return _rounded(Fraction(self.gap) / self.months) if self.months else None

    @property
    def daily(self) -> Decimal | None:
        """None where no working day is left."""
        return _rounded(Fraction(self.gap) / self.workdays) if self.workdays else None

    @property
    def times_as_much(self) -> Fraction | None:
        """How many times the monthly average so far that is."""
        if self.monthly is None or self.monthly_so_far <= 0:
            return None
        return Fraction(self.monthly) / Fraction(self.monthly_so_far)


def needed(gap: Decimal, done: Decimal, on: date, calendar: WorkCalendar) -> Needed:
    """From the day after ``on`` to 31 December, to bring what is missing; ``done`` since 1 January."""
    last = date(on.year, 12, 31)
    gone = on.month - 1 + Fraction(on.day, monthrange(on.year, on.month)[1])
    return Needed(
        gap=gap,
        months=12 - gone,
        workdays=calendar.workdays_between(on, last),
        is_announced=calendar.is_known(last),
        monthly_so_far=_rounded(Fraction(done) / gone),
    )


def _rounded(exact: Fraction) -> Decimal:
    """To the 分, upwards: a 分 too little does not reach the task."""
    return (Decimal(exact.numerator) / exact.denominator).quantize(_FEN, ROUND_UP)
