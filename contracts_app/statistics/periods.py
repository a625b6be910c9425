"""The periods a bureau publishes figures for: a month, a quarter, a half, a year, or a year up to a month's end."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from contracts_app.core.clock import month_edges, same_period_last_year, year_edges

FIRST_YEAR, LAST_YEAR = 1985, 2100
_NUMERALS = "一二三四"
_KEY = re.compile(r"([0-9]{4})(?:-(?:H([12])|Q([1-4])|M([1-9]|1[0-2])|(0[1-9]|1[0-2])))?")


class PeriodError(ValueError):
    """A text that names no period; the sentence says how to write one."""


@dataclass(frozen=True, order=True)
class Period:
    """Whole months of one year, both included."""

    year: int
    first_month: int
    last_month: int

    @classmethod
    def parse(cls, text: str) -> "Period":
        """2025, 2025-H1, 2025-Q3, 2025-03, or 2025-M2 for January and February together; else ``PeriodError``."""
        match = _KEY.fullmatch(text.strip().upper())
        if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            raise PeriodError("期间写成 2025、2025-H1、2025-Q1、2025-03 或 2025-M2（1—2月）。")
        year, half, quarter, until, month = match.groups()
        if half:
            return cls(int(year), int(half) * 6 - 5, int(half) * 6)
        if quarter:
            return cls(int(year), int(quarter) * 3 - 2, int(quarter) * 3)
        if month:
            return cls(int(year), int(month), int(month))
        return cls(int(year), 1, int(until or 12))

    @property
    def key(self) -> str:
        """What ``parse`` reads; the same for the same months."""
        return f"{self.year}{f'-{part}' if (part := self._part) else ''}"

    @property
    def _part(self) -> str:
        first, months = self.first_month, self.last_month - self.first_month + 1
        if months == 12:
            return ""
        if months == 6 and first in (1, 7):
            return f"H{1 if first == 1 else 2}"
        if months == 3 and first % 3 == 1:
            return f"Q{first // 3 + 1}"
        return f"{first:02d}" if months == 1 else f"M{self.last_month}"

    @property
    def name(self) -> str:
        """2025年, 2025年上半年, 2025年一季度, 2025年前三季度, 2025年1—2月, 2025年3月."""
        part = self._part
        if not part:
            return f"{self.year}年"
        if part[0] == "H":
            return f"{self.year}年{'上' if part == 'H1' else '下'}半年"
        if part[0] == "Q":
            return f"{self.year}年{_NUMERALS[int(part[1]) - 1]}季度"
        if part == "M9":
            return f"{self.year}年前三季度"
        return f"{self.year}年1—{self.last_month}月" if part[0] == "M" else f"{self.year}年{self.first_month}月"

    @property
    def first(self) -> date:
        return month_edges(self.year, self.first_month)[0]

    @property
    def last(self) -> date:
        return month_edges(self.year, self.last_month)[1]

    @property
    def begins_the_year(self) -> bool:
        return self.first_month == 1

    def until(self, on: date) -> date:
        """The last day of it that can be counted at the end of the day ``on``."""
        return min(on, self.last)

    def has_begun(self, on: date) -> bool:
        return self.first <= on

    def is_over(self, on: date) -> bool:
        """Whether its last day lies before the day ``on``: nothing more is registered in it."""
        return self.last < on

    def days_before(self, on: date) -> tuple[date, date]:
        """The same days of the year before, as many as are over at the end of the day ``on`` (上年同期)."""
        return same_period_last_year(self.first, self.until(on))

    def days(self, on: date) -> tuple[date, date] | tuple[None, None]:
        """Its days so far for a contract query of its year; nothing where that is the whole year."""
        edges = self.first, self.until(on)
        return (None, None) if edges == year_edges(self.year) else edges

    def __str__(self) -> str:
        return self.name


def periods_of(year: int, on: date) -> Iterator[Period]:
    """Every period of a year that has begun by the day ``on``: the year, halves, quarters, up to a month, months."""
    yield from (
        period
        for first, last in [(1, 12), (1, 6), (7, 12), *((month, month + 2) for month in (1, 4, 7, 10))]
        if (period := Period(year, first, last)).has_begun(on)
    )
    begun = [month for month in range(1, 13) if date(year, month, 1) <= on]
    yield from (Period(year, 1, last) for last in begun if last not in (1, 3, 6, 12))
    yield from (Period(year, month, month) for month in begun)
