"""How the plan's indicators (表1—1) stand: base, target, what was published for each year, and what the system counts.

Progress depends on the nature of the number and is declared with it (``Indicator.nature``); the straight line from base
to target is ours, the plan has none. What a document holds open (待核), lacks (缺) or has without a unit is shown and
never reckoned with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from contracts_app.core.drawing.charts import Tick, axis_steps
from contracts_app.core.words import Word
from contracts_app.targets.models import YUAN, Comparison, Direction, Indicator, IndicatorValue, Nature, PublishedFigure

from .beside import PlanLine
from .registers import Counting


class Verdict(Word):
    """Whether a target was reached, as far as the published wording allows to say."""

    REACHED = "reached", "已达目标"
    MISSED = "missed", "未达目标"
    OPEN = "open", "不能判断"


class Light(Word):
    """A year against the straight line from base to target."""

    REACHED = "reached", "已达目标"
    AHEAD = "ahead", "不低于直线"
    BEHIND = "behind", "低于直线"
    OPEN = "open", "不能判断"


# --- what a wording allows to say ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Range:
    """Where a number lies as its document words it; None: without end. Open: the end itself is not in it."""

    low: Fraction | None
    high: Fraction | None
    is_open: bool = False


def range_of(value: Decimal, comparison: Comparison) -> Range:
    """超3 is more than 3 without an upper end; 近35万 is 35万 give or take half of its last place."""
    exact = Fraction(value)
    if comparison is Comparison.ABOUT:
        give = half_place(value.normalize())
        return Range(exact - give, exact + give)
    if comparison is Comparison.AT_MOST:
        return Range(None, exact)
    return {
        Comparison.EXACT: Range(exact, exact),
        Comparison.AT_LEAST: Range(exact, None),
        Comparison.MORE: Range(exact, None, is_open=True),
    }[comparison]


def half_place(value: Decimal) -> Fraction:
    """Half of the last place as written: of 6.01 it is 0.005."""
    return Fraction(Decimal(1).scaleb(int(value.as_tuple().exponent))) / 2


def verdict(
    value: Decimal, worded: Comparison, target: Decimal, asked: Comparison, direction: Direction = Direction.UP
) -> Verdict:
    """Whether a value, as it is worded, reaches a target, as that is worded.

    A target without a sign, or with ≥, is reached at its value; 超 only beyond it; ≤ and a number that is better low
    at its value or below. A bound that lies on the wrong side of the target says nothing.
    """
    if asked is Comparison.AT_MOST:
        direction = Direction.DOWN
    line, strict = Fraction(target), asked is Comparison.MORE
    if asked is Comparison.ABOUT:
        line += half_place(target.normalize()) * (-1 if direction is Direction.UP else 1)
    where = range_of(value, worded)
    near, far = (where.low, where.high) if direction is Direction.UP else (where.high, where.low)
    sign = 1 if direction is Direction.UP else -1
    if near is not None:
        beyond = sign * (near - line)
        if beyond > 0 or (beyond == 0 and (where.is_open or not strict)):
            return Verdict.REACHED
    if far is not None:
        beyond = sign * (far - line)
        if beyond < 0 or (beyond == 0 and strict):
            return Verdict.MISSED
    return Verdict.OPEN


# --- one indicator ---------------------------------------------------------------------------------------------------


def progress(indicator: Indicator, value: Decimal) -> Fraction | None:
    """How much of the way is done, not capped; None for a growth rate, which has none."""
    target, base = Fraction(indicator.target_value), Fraction(indicator.base_value)
    if indicator.nature is Nature.GROWTH:
        return None
    if indicator.nature is Nature.FLOW:
        return Fraction(value) / target if target else None
    return (Fraction(value) - base) / (target - base) if target != base else None


def expected(indicator: Indicator, year: int) -> Fraction | None:
    """Where the straight line stands in a year; the target from its year on, for a growth rate every year."""
    base, target = Fraction(indicator.base_value), Fraction(indicator.target_value)
    if year <= indicator.base_year:
        return None
    if indicator.nature is Nature.GROWTH or year >= indicator.target_year:
        return target
    gone = Fraction(year - indicator.base_year, indicator.target_year - indicator.base_year)
    return base + (target - base) * gone


@dataclass(frozen=True)
class Own:
    """What the system counts of an indicator in a year, in the indicator's unit; `amount` in 元."""

    value: Decimal
    amount: Decimal


@dataclass(frozen=True)
class YearRow:
    """An indicator in one year: what a document says, and what the system counts; either may be missing."""

    indicator: Indicator
    year: int
    published: IndicatorValue | None
    own: Own | None
    before: IndicatorValue | None = None  # what was published for the year before

    @property
    def expected(self) -> Fraction | None:
        return expected(self.indicator, self.year)

    @property
    def is_usable(self) -> bool:
        """Whether one may reckon with what was published."""
        return usable(self.published)

    @property
    def progress(self) -> Fraction | None:
        return progress(self.indicator, self.published.value) if self.published and self.is_usable else None

    @property
    def own_progress(self) -> Fraction | None:
        return progress(self.indicator, self.own.value) if self.own else None

    @property
    def verdict(self) -> Verdict:
        if self.published is None or not self.is_usable:
            return Verdict.OPEN
        return _against(self.indicator, self.published, self.indicator.target_value, self.indicator.comparison)

    @property
    def light(self) -> Light | None:
        """None where nothing was published for the year."""
        if self.published is None or self.expected is None:
            return None
        if self.verdict is Verdict.REACHED:
            return Light.REACHED
        if not self.is_usable:
            return Light.OPEN
        line = Decimal(self.expected.numerator) / self.expected.denominator
        found = _against(self.indicator, self.published, line, Comparison.EXACT)
        return {Verdict.REACHED: Light.AHEAD, Verdict.MISSED: Light.BEHIND, Verdict.OPEN: Light.OPEN}[found]

    @property
    def growth(self) -> "Growth | None":
        """Against the year before; None where one of the two is missing or not to be reckoned with, or for shares."""
        if self.indicator.nature is Nature.GROWTH or self.indicator.unit == "%":
            return None
        if not (self.published and self.before and usable(self.published) and usable(self.before)):
            return None
        return growth(self.published, self.before)

    @property
    def difference(self) -> Decimal | None:
        """What the system counts more than was published; None where one of the two is missing."""
        return self.own.value - self.published.value if self.own and self.published and self.is_usable else None


def usable(value: IndicatorValue | None) -> bool:
    """Whether there is a value whose document leaves nothing open that matters."""
    standings = value.figure.standings if value and value.figure else ()
    return value is not None and all(standing.is_usable for standing in standings)


def _against(indicator: Indicator, value: IndicatorValue, line: Decimal, asked: Comparison) -> Verdict:
    worded = value.figure.comparison if value.figure else Comparison.EXACT
    return verdict(value.value, worded, line, asked, indicator.direction)


@dataclass(frozen=True)
class Growth:
    """A growth between two published values, and between which ends their rounding leaves it."""

    ratio: Fraction
    low: Fraction
    high: Fraction

    @property
    def is_exact(self) -> bool:
        """Whether no rounding stands behind it: both were counted one by one."""
        return self.low == self.high


def growth(now: IndicatorValue, before: IndicatorValue) -> Growth | None:
    """(now − before) ÷ before with its rounding; None where there was nothing to grow from."""
    if before.value <= 0:
        return None
    ends = [(Fraction(one.value) - _give(one), Fraction(one.value) + _give(one)) for one in (now, before)]
    (now_low, now_high), (before_low, before_high) = ends
    ratio = Fraction(now.value) / Fraction(before.value) - 1
    return Growth(ratio, now_low / before_high - 1, now_high / before_low - 1)


def _give(value: IndicatorValue) -> Fraction:
    """By how much rounding may have moved a published value, in the indicator's unit."""
    figure = value.figure
    if figure is None or figure.value is None or not figure.value or _is_count(figure):
        return Fraction(0)
    return half_place(figure.value.normalize()) * Fraction(value.value) / Fraction(figure.value)


_COUNTED_IN = frozenset("家个人项名所支处")  # not 件: of 表1—1 they are so many for 10,000 people


def _is_count(figure: PublishedFigure) -> bool:
    """Whether it says of single things how many there are, not rounded: 14 家; 近14 家 and 35 万 are rounded."""
    is_whole = figure.value is not None and figure.value == figure.value.to_integral_value()
    return is_whole and figure.unit in _COUNTED_IN and figure.comparison is not Comparison.ABOUT


@dataclass(frozen=True)
class IndicatorLine:
    """One indicator with its years, the base first, and the register that comes nearest."""

    indicator: Indicator
    rows: Sequence[YearRow]  # of the years for which there is anything
    plan: PlanLine | None  # where contracts make it
    counting: Counting | None  # where another register has part of it

    @property
    def latest(self) -> YearRow | None:
        """The newest year for which something was published."""
        return next((row for row in reversed(self.rows) if row.published), None)

    @property
    def verdict(self) -> Verdict | None:
        return self.latest.verdict if self.latest else None


def lines(
    indicators: Sequence[Indicator], plans: Sequence[PlanLine], countings: Mapping[int, Counting]
) -> list[IndicatorLine]:
    """Every indicator with what was published and what is counted."""
    of = {plan.indicator.number: plan for plan in plans}
    return [line_of(one, of.get(one.number), countings.get(one.number)) for one in indicators]


def line_of(indicator: Indicator, plan: PlanLine | None, counting: Counting | None) -> IndicatorLine:
    published = {value.year: value for value in indicator.values}
    yuan = YUAN.get(indicator.unit, Decimal(1))
    own = {year.year: Own(year.amount / yuan, year.amount) for year in (plan.years if plan else ())}
    rows = [
        YearRow(indicator, year, published.get(year), own.get(year), published.get(year - 1))
        for year in sorted(published.keys() | own.keys())
    ]
    return IndicatorLine(indicator, rows, plan, counting)


# --- the drawing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    words: str
    words_at: float  # the foot of its words, where no line runs through them


@dataclass(frozen=True)
class Drawing:
    """Years to the right, the indicator's unit upwards: the line from base to target, published and counted values."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    grid: Sequence[Tick]
    years: Sequence[Tick]
    target: str  # points of a polyline
    published: Sequence[Dot]
    own: Sequence[Dot]
    base: Dot
    goal: Dot
    words: str


def drawing(line: IndicatorLine, width: int, height: int) -> Drawing:
    """The chart of one indicator; what is not to be reckoned with is left out of it."""
    one = line.indicator
    published = [(row.year, row.published.value) for row in line.rows if row.published and row.is_usable]
    own = [(row.year, row.own.value) for row in line.rows if row.own]
    last = max([one.target_year, *(year for year, _ in (*published, *own))])
    values = [one.base_value, one.target_value, *(value for _, value in (*published, *own))]
    levels = axis_steps(max(values) * Decimal("1.05"), 5)
    left, right, top, bottom = 52.0, width - 24.0, 22.0, height - 28.0
    ceiling = levels[-1]

    def x(year: int) -> float:
        return round(left + (right - left) * (year - one.base_year) / (last - one.base_year), 1)

    def y(value: Decimal | Fraction) -> float:
        share = min(max(Fraction(value) / Fraction(ceiling), Fraction(0)), Fraction(1))
        return round(bottom - (bottom - top) * float(share), 1)

    def line_at(place: float) -> float:
        """The height of the line from base to target at a place; of a growth rate it is level."""
        slope = (line_ends[1][1] - line_ends[0][1]) / max(line_ends[1][0] - line_ends[0][0], 1.0)
        return line_ends[0][1] + slope * (min(max(place, line_ends[0][0]), line_ends[1][0]) - line_ends[0][0])

    def dot(year: int, value: Decimal, beside: float, *, is_below: bool = False) -> Dot:
        """With its words above it, or below, and above or below the line as far as they reach to that side."""
        here, height = x(year), y(value)
        lines = [line_at(here), line_at(here + beside)]
        if is_below:
            return Dot(here, height, short(value), min(max(height, *lines) + 18, bottom - 4))
        near = [one for one in lines if abs(one - height) < 40]
        return Dot(here, height, short(value), max(min([height, *near]) - 9, 12))

    first = (one.base_year + 1, one.target_value) if one.nature is Nature.GROWTH else (one.base_year, one.base_value)
    ends = [first, (one.target_year, one.target_value), (last, one.target_value)]
    line_ends = [(x(year), y(value)) for year, value in ends[:2]]
    said = [f"{year} 年 {plain(value)}" for year, value in published]
    return Drawing(
        width, height, left, right, top, bottom,
        grid=[Tick(y(level), plain(level)) for level in levels],
        years=[Tick(x(year), str(year)) for year in range(one.base_year, last + 1)],
        target=" ".join(f"{x(year)},{y(value)}" for year, value in dict.fromkeys(ends)),
        published=[dot(*each, -50) for each in published],
        own=[dot(*each, -50) for each in own],
        base=dot(one.base_year, one.base_value, 80),
        goal=dot(one.target_year, one.target_value, -70, is_below=True),
        words=f"{one.name}，{one.base_year} 年基期 {one.base_wording}，{one.target_year} 年目标 {one.target_wording} "
        f"{one.unit}{'；公布 ' if said else ''}{'，'.join(said)}",
    )  # fmt: skip


def short(value: Decimal) -> str:
    """A number as a drawing has it: no more than two decimals, the table has the others."""
    return plain(value) if value == value.quantize(Decimal("0.01")) else f"{value:,.2f}"


def plain(value: Decimal) -> str:
    """A number as its document has it: 6.01, 1,000; what the system counts with two decimals."""
    rounded = value if value == value.quantize(Decimal("0.00001")) else value.quantize(Decimal("0.01"))
    return f"{rounded.normalize():,f}"
