"""Which kept sums make up some days: whole years, whole months and days, some of them taken away again.

A period is a number: 2025, 202503, 20250317. What no sum is kept for is left over as days to be added up by themselves,
from the shorter side: of 28 days of a month the sum of the month without the other two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from contracts_app.core.clock import month_edges, year_edges

Days = tuple[date, date]


@dataclass(frozen=True)
class Cover:
    """What makes up some days: kept sums and days that are added, and such that are taken away."""

    plus: tuple[int, ...] = ()
    minus: tuple[int, ...] = ()
    plus_days: tuple[Days, ...] = ()
    minus_days: tuple[Days, ...] = ()


def cover(first: date, last: date, *, by_year: bool, by_day: bool) -> Cover:
    """The days from first to last of as few kept sums as can be; none where the first is after the last.

    ``by_year``: a sum may reach over months; ``by_day``: sums of single days are kept too.
    """
    plus: list[int] = []
    minus: list[int] = []
    plus_days: list[Days] = []
    minus_days: list[Days] = []
    for year in range(first.year, last.year + 1):
        begin, end = max(first, year_edges(year)[0]), min(last, year_edges(year)[1])
        whole, parts = _months(begin, end)
        others = [month for month in range(year * 100 + 1, year * 100 + 13) if month not in whole]
        if by_year and len(others) + 1 < len(whole):
            plus, minus = [*plus, year], [*minus, *others]
        else:
            plus += whole
        plus_days += [days for days, is_added in parts if is_added]
        minus_days += [days for days, is_added in parts if not is_added]
    if not by_day:
        return Cover(tuple(plus), tuple(minus), tuple(plus_days), tuple(minus_days))
    return Cover((*plus, *_singly(plus_days)), (*minus, *_singly(minus_days)))


def month_of_period(period: int) -> int:
    """The month of a period as the ledger has it: 202503; of a year 202500."""
    return period * 100 if period < 10_000 else period if period < 1_000_000 else period // 100


def _months(first: date, last: date) -> tuple[list[int], list[tuple[Days, bool]]]:
    """The months of a year that are taken whole, and the days that are then added (True) or taken away."""
    whole: list[int] = []
    parts: list[tuple[Days, bool]] = []
    for month in range(first.month, last.month + 1):
        begin, end = month_edges(first.year, month)
        inner = max(first, begin), min(last, end)
        outer = [(begin, inner[0] - _DAY), (inner[1] + _DAY, end)]
        outer = [days for days in outer if days[0] <= days[1]]
        if sum(map(_length, outer)) < _length(inner):
            whole.append(first.year * 100 + month)
            parts += [(days, False) for days in outer]
        elif inner[0] <= inner[1]:
            parts.append((inner, True))
    return whole, parts


_DAY = timedelta(days=1)


def _length(days: Days) -> int:
    return (days[1] - days[0]).days + 1


def _singly(spans: list[Days]) -> Iterator[int]:
    for first, last in spans:
        for offset in range(_length((first, last))):
            day = first + timedelta(days=offset)
            yield day.year * 10_000 + day.month * 100 + day.day
