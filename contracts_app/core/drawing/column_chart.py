"""Columns side by side for the months of a year and of the one before: numbers an SVG can take. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from contracts_app.core.web.filters import money_wan, money_yi

from .charts import WAN, YI, Amount, Tick, axis_steps

MONTHS = 12


@dataclass(frozen=True)
class Column:
    """One month: a column of this year in front, last year's behind. What is below nothing stays on the ground."""

    month: int
    x: float
    width: float
    y: float
    height: float
    before_x: float
    before_y: float
    before_height: float
    words: str
    url: str | None
    is_running: bool  # the month is not over


@dataclass(frozen=True)
class ColumnPlot:
    width: int
    height: int
    left: float
    right: float
    bottom: float
    grid: tuple[Tick, ...]
    columns: tuple[Column, ...]
    names: tuple[Tick, ...]


@dataclass(frozen=True)
class ColumnChart:
    year: int
    unit: str  # 亿元 or 万元
    words: str  # the chart in a sentence
    wide: ColumnPlot
    narrow: ColumnPlot


def monthly(
    year: int,
    now: Sequence[tuple[Amount, str | None]],
    before: Sequence[Amount],
    running: int | None = None,
    *,
    height: int = 220,
) -> ColumnChart:
    """``now`` are the months so far with their addresses, ``before`` last year's; ``running`` is the month that is not
    over. Amounts in 元 are drawn in 亿元 or 万元. ``height`` is that of the wide drawing, to its width of 760."""
    largest = max([*(amount for amount, _ in now), *before], default=Decimal(0))
    divisor, unit = (YI, "亿元") if largest >= YI else (WAN, "万元")
    columns = _Columns(year, tuple(now), tuple(before), running, Decimal(largest), divisor, unit)
    wide, narrow = columns.plot(760, height, 44, 10, 6), columns.plot(340, 200, 40, 4, 4)
    return ColumnChart(year, unit, columns.words(), wide, narrow)


@dataclass(frozen=True)
class _Columns:
    year: int
    now: tuple[tuple[Amount, str | None], ...]
    before: tuple[Amount, ...]
    running: int | None
    largest: Decimal
    divisor: Decimal
    unit: str

    def words(self) -> str:
        if not self.now:
            return f"{self.year} 年各月成交额，还没有数据"
        month, amount = max(enumerate((amount for amount, _ in self.now), 1), key=lambda pair: pair[1])
        return f"{self.year} 年各月成交额，最多的是 {month} 月，{self._shown(amount)} {self.unit}"

    def plot(self, width: int, height: int, left: float, room: float, steps: int) -> ColumnPlot:
        levels = axis_steps(self.largest / self.divisor, steps)
        right, top, bottom = width - room, 14.0, height - 26.0
        slot = (right - left) / MONTHS

        def up(amount: Amount) -> float:
            share = Fraction(max(amount, 0)) / Fraction(levels[-1] * self.divisor)
            return round(bottom - (bottom - top) * float(share), 1)

        columns = []
        for place in range(max(len(self.now), len(self.before))):
            amount, url = self.now[place] if place < len(self.now) else (None, None)
            was = self.before[place] if place < len(self.before) else None
            y, before_y = up(amount or 0), up(was or 0)
            middle = left + slot * (place + 0.5)
            columns.append(
                Column(
                    month=place + 1,
                    x=round(middle - slot * 0.1, 1),
                    width=round(slot * 0.42, 1),
                    y=y,
                    height=round(bottom - y, 1),
                    before_x=round(middle - slot * 0.34, 1),
                    before_y=before_y,
                    before_height=round(bottom - before_y, 1),
                    words=self._column_words(place + 1, amount, was),
                    url=url,
                    is_running=self.running == place + 1,
                )
            )
        every = 1 if width > 500 else 2
        return ColumnPlot(
            width=width,
            height=height,
            left=left,
            right=right,
            bottom=bottom,
            grid=tuple(Tick(up(level * self.divisor), f"{level.normalize():,f}") for level in levels),
            columns=tuple(columns),
            names=tuple(
                Tick(round(left + slot * (month - 0.5), 1), f"{month}月") for month in range(1, MONTHS + 1, every)
            ),
        )

    def _column_words(self, month: int, amount: Amount | None, was: Amount | None) -> str:
        parts = [f"{month} 月"]
        if amount is not None:
            parts.append(f"{self._shown(amount)} {self.unit}" + ("（未完）" if self.running == month else ""))
        if was is not None:
            parts.append(f"上年 {self._shown(was)} {self.unit}")
        return "，".join(parts)

    def _shown(self, amount: Amount) -> str:
        return money_yi(Decimal(amount)) if self.divisor == YI else money_wan(Decimal(amount))
