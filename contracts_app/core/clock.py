"""Days and moments: moments are UTC, days are those of Shanghai, working days follow the State Council's schedule."""

import re
import unicodedata
from calendar import isleap, monthrange
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_TOLD: ContextVar[datetime | None] = ContextVar("told moment", default=None)


def now_utc() -> datetime:
    """This moment, aware, in UTC."""
    return _TOLD.get() or datetime.now(UTC)


def today() -> date:
    """The day it is in Shanghai, wherever the machine stands."""
    return now_utc().astimezone(SHANGHAI).date()


@contextmanager
def as_if(moment: datetime) -> Iterator[None]:
    """Let it be that moment (UTC) for what is done inside: demonstration data are made at the times they tell of."""
    token = _TOLD.set(moment)
    try:
        yield
    finally:
        _TOLD.reset(token)


def local(moment: datetime) -> datetime:
    """The same moment on a Shanghai clock; ValueError for a moment without a zone."""
    if moment.tzinfo is None:
        raise ValueError("A moment without a zone could be any of many; make it UTC first.")
    return moment.astimezone(SHANGHAI)


def year_edges(year: int) -> tuple[date, date]:
    """First and last day of a calendar year."""
    return date(year, 1, 1), date(year, 12, 31)


def quarter_edges(year: int, quarter: int) -> tuple[date, date]:
    """First and last day of quarter 1 to 4."""
    if quarter not in (1, 2, 3, 4):
        raise ValueError(f"There is no quarter {quarter}.")
    return date(year, quarter * 3 - 2, 1), month_edges(year, quarter * 3)[1]


def month_edges(year: int, month: int) -> tuple[date, date]:
    """First and last day of month 1 to 12."""
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def day_edges(day: date) -> tuple[datetime, datetime]:
    """The moments (UTC) at which a day in Asia/Shanghai begins and the next one begins."""
    day = min(max(day, date.min + _ONE_DAY), date.max - _ONE_DAY)  # the ends of the calendar have no day beyond
    begins = datetime.combine(day, time.min, SHANGHAI)
    return begins.astimezone(UTC), (begins + timedelta(days=1)).astimezone(UTC)


def share_of_year_elapsed(on: date, year: int) -> Decimal:
    """How much of `year` is over at the end of the day `on`: 0 before it, 1 from 31 December on."""
    first, last = year_edges(year)
    days_gone = (min(on, last) - first).days + 1
    return Decimal(max(days_gone, 0)) / Decimal((last - first).days + 1)


def same_period_last_year(first: date, last: date) -> tuple[date, date]:
    """The period to compare with (同期): same days a year before; one that ends with February still does."""
    ends_with_february = (last + _ONE_DAY).month == 3 and last.month == 2
    a_year_before = date(last.year - 1, 2, 29 if isleap(last.year - 1) else 28) if ends_with_february else None
    return _year_before(first), a_year_before or _year_before(last)


def _year_before(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)


class DayError(ValueError):
    """A text that is no day; the sentence says what to write instead."""


_DAY_FORMS = (
    re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})"),
    re.compile(r"([0-9]{4})(年)([0-9]{1,2})月([0-9]{1,2})[日号]?"),
    re.compile(r"([0-9]{4})()([0-9]{2})([0-9]{2})"),
)
_DAY_SIGNS = str.maketrans({"–": "-", "—": "-", "−": "-", "。": ".", "\u200b": "", "\ufeff": ""})


def parse_day(text: str) -> date:
    """The day written as 2026-02-28, 2026/2/28, 2026.2.28, 2026年2月28日 or 20260228; else DayError."""
    written = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).translate(_DAY_SIGNS))
    if not written:
        raise DayError("填写日期，例如 2026-03-01。")
    match = next((found for form in _DAY_FORMS if (found := form.fullmatch(written))), None)
    if not match or match[1] == "0000":
        raise DayError("按 2026-03-01 的样子填写日期，年份写满四位。")
    return _real_day(int(match[1]), int(match[3]), int(match[4]))


def _real_day(year: int, month: int, day: int) -> date:
    if not 1 <= month <= 12:
        raise DayError(f"一年没有 {month} 月，核对月份后填写。")
    if not 1 <= day <= monthrange(year, month)[1]:
        raise DayError(f"{year} 年 {month} 月没有 {day} 日，核对日期后填写。")
    return date(year, month, day)


@dataclass(frozen=True)
class WorkCalendar:
    """Working days in China: weekdays, minus holidays, plus make-up days (调休), as the State Council announces them.

    `known_years` are those whose schedule is out; any other day is a guess from the weekday alone (see `is_known`).
    """

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    known_years: frozenset[int] = frozenset()

    def is_workday(self, day: date) -> bool:
        """Whether offices work on that day; a make-up day wins over anything else."""
        if day in self.workdays:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays

    def is_known(self, day: date) -> bool:
        """Whether that year's schedule has been announced, so that the answer about the day is final."""
        return day.year in self.known_years

    def add_workdays(self, start: date, days: int) -> date:
        """The last day of a limit of `days` working days: the start does not count; 0 gives the start itself."""
        if days < 0:
            raise ValueError("A limit cannot have a negative number of days.")
        day = start
        while days:
            day += _ONE_DAY
            days -= self.is_workday(day)
        return day

    def workdays_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative if `end` comes first."""
        if end < start:
            return -self.workdays_between(end, start)
        return sum(self.is_workday(start + timedelta(days=step)) for step in range(1, (end - start).days + 1))
