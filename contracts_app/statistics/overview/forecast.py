"""What a running year may end with: what was registered so far, divided by what past years had by the same day.

1. Each full past year tells which share of its amount was registered by this day of the year. The mean of these shares,
   with the share of the calendar counted in as half a year more (few years say little about the season), is what this
   year is taken to have reached: forecast = registered ÷ share.
2. The 80 % band comes from how wrong the same rule would have been on each past year, its share taken from the
   others: from three years on, the root mean square of these errors times Student's t for so many years. Of two years
   the band is drawn by chance from how the months strayed from their means, always with the same seed. Of one year
   there is none.

Pure functions. The same figures give the same answer on any machine; amounts are 元, to the 分.
"""

from calendar import isleap, monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import sqrt
from random import Random

from contracts_app.core.words import Word

MOST_YEARS = 5  # older ones tell of another time
LEAST_MONTHS = 6  # with something registered: of a year that began in autumn nobody knows the season
LEAST_SHARE = Fraction(1, 20)  # below, a single contract would make the year
CALENDAR_WEIGHT = Fraction(1, 2)  # of the calendar's share among those of the years
# Student's t for 80 % both ways, by the number of errors (their mean is taken to be nought).
STUDENT: Mapping[int, Decimal] = {3: Decimal("1.638"), 4: Decimal("1.533"), 5: Decimal("1.476")}
DRAWS, SEED = 200, 20260101
_FEN = Decimal("0.01")


class Band(Word):
    """Where the band comes from."""

    ERRORS = "errors", "按往年同日预测误差"
    DRAWN = "drawn", "按往年各月波动（只有两年，误差太少）"
    NONE = "none", "往年只有一年，给不出区间"


_CAUTIONS = {
    Band.ERRORS: "区间来自往年同日的预测误差，仅供参考",
    Band.DRAWN: "可参照的往年只有两年，区间仅供参考",
    Band.NONE: "可参照的往年只有一年，给不出区间，仅供参考",
}


@dataclass(frozen=True)
class PastYear:
    """A year that is over: its twelve months, and what it had on the same day. Amounts are 元."""

    until: date  # the same day of that year
    by_then: Decimal
    months: tuple[Decimal, ...]

    @property
    def year(self) -> int:
        return self.until.year

    @property
    def whole(self) -> Decimal:
        return sum(self.months, Decimal(0))

    @property
    def is_usable(self) -> bool:
        """Whether it shows a season."""
        return self.whole > 0 and sum(month > 0 for month in self.months) >= LEAST_MONTHS

    @property
    def share(self) -> Fraction:
        """What it had by then, of the whole; revocations do not lead it out of 0 to 1."""
        return min(max(Fraction(self.by_then) / Fraction(self.whole), Fraction(0)), Fraction(1))


@dataclass(frozen=True)
class Trial:
    """What would have been said of a past year on the same day, and what came."""

    year: int
    by_then: Decimal
    exact: Fraction
    came: Decimal
    low: Decimal | None = None  # of the 80 % band that the other years would have given
    high: Decimal | None = None  # None where these were too few

    @property
    def is_inside(self) -> bool | None:
        """Whether the year ended inside that band; None where there was none."""
        return None if self.low is None or self.high is None else self.low <= self.came <= self.high

    @property
    def said(self) -> Decimal:
        return _amount(self.exact)

    @property
    def error(self) -> Fraction:
        """How much too high it was, as a share of what came; negative: too low."""
        return self.exact / Fraction(self.came) - 1


@dataclass(frozen=True)
class Forecast:
    """What the year may end with; without ``low`` and ``high`` where there are too few years for a band."""

    value: Decimal
    low: Decimal | None
    high: Decimal | None
    share: Fraction  # that this year is taken to have reached
    past: tuple[PastYear, ...]
    trials: tuple[Trial, ...]  # the newest first
    band: Band

    @property
    def caution(self) -> str:
        """What has to be said wherever the forecast is."""
        return _CAUTIONS[self.band]


@dataclass(frozen=True)
class NoForecast:
    """Why nothing is said, in a sentence."""

    reason: str


def forecast(done: Decimal, on: date, past: Sequence[PastYear]) -> Forecast | NoForecast:
    """From what was registered by the end of the day ``on`` and the years before."""
    usable = tuple(sorted((year for year in past if year.is_usable), key=lambda year: -year.year))[:MOST_YEARS]
    elapsed = Fraction(on.timetuple().tm_yday, 366 if isleap(on.year) else 365)
    if not usable:
        return NoForecast(f"没有可参照的往年：至少要有一个完整年度、其中 {LEAST_MONTHS} 个月以上有登记。")
    if done <= 0:
        return NoForecast("本年还没有登记额，无从推算。")
    share = _share(usable, elapsed)
    if share < LEAST_SHARE:
        return NoForecast(f"年初数据太少：往年到这一天平均只登记了全年的 {float(share):.1%}，满 5% 后开始预测。")
    exact = Fraction(done) / share
    value = _amount(exact)
    trials = tuple(_trials(usable, elapsed))
    band, low, high = _band(exact, done, usable, trials, on)
    tried = []
    for trial in trials:
        others = [year for year in usable if year.year != trial.year]
        edges = _band(trial.exact, trial.by_then, others, tuple(_trials(others, elapsed)), on)
        tried.append(replace(trial, low=edges[1], high=edges[2]))
    return Forecast(value, low, high, share, usable, tuple(tried), band)


def _band(
    exact: Fraction, done: Decimal, past: Sequence[PastYear], trials: Sequence[Trial], on: date
) -> tuple[Band, Decimal | None, Decimal | None]:
    """Where the band comes from and its edges round a forecast from these years; never below what is registered."""
    half = _half_width(trials)
    if half is not None:
        band, edges = Band.ERRORS, (1 - half, 1 + half)
    elif len(past) > 1:
        band, edges = Band.DRAWN, _drawn(past, on)
    else:
        return Band.NONE, None, None
    low = max(done, _amount(exact * min(edges[0], Fraction(1))))
    return band, min(low, _amount(exact)), _amount(exact * max(edges[1], Fraction(1)))


def _share(past: Sequence[PastYear], elapsed: Fraction) -> Fraction:
    """The share that years had by then; the calendar's stands for what so few of them cannot tell."""
    return (sum((year.share for year in past), Fraction(0)) + CALENDAR_WEIGHT * elapsed) / (len(past) + CALENDAR_WEIGHT)


def _trials(past: Sequence[PastYear], elapsed: Fraction) -> list[Trial]:
    """The same rule on each past year, its share taken from the others; a year it would not have spoken of is left
    out."""
    trials = []
    for year in past:
        others = [other for other in past if other is not year]
        if others and year.by_then > 0 and (share := _share(others, elapsed)) >= LEAST_SHARE:
            trials.append(Trial(year.year, year.by_then, Fraction(year.by_then) / share, year.whole))
    return trials


def _half_width(trials: Sequence[Trial]) -> Fraction | None:
    """Half the band as a share of the forecast; None where errors are too few to tell."""
    if len(trials) not in STUDENT:
        return None
    errors = [Fraction(trial.came) / trial.exact - 1 for trial in trials]
    mean_square = sum((error**2 for error in errors), Fraction(0)) / len(errors)
    root = (Decimal(mean_square.numerator) / mean_square.denominator).sqrt()
    return Fraction(root * STUDENT[len(trials)])


def _drawn(past: Sequence[PastYear], on: date) -> tuple[Fraction, Fraction]:
    """Lower and upper edge as shares of the forecast: years are put together from the mean months, each straying as
    months did, and the middle 80 % of them are kept."""
    shares = [[max(float(Fraction(month) / Fraction(year.whole)), 0.0) for month in year.months] for year in past]
    means = [sum(months) / len(past) for months in zip(*shares, strict=True)]
    widened = sqrt(len(past) / (len(past) - 1))  # means of few years lie too near to each of them
    strayed = [
        max(1 + (own / mean - 1) * widened, 0.0)
        for months in shares
        for own, mean in zip(months, means, strict=True)
        if mean
    ]
    part = on.day / monthrange(on.year, on.month)[1]
    gone = [1.0] * (on.month - 1) + [part] + [0.0] * (12 - on.month)
    usual = _part_of(means, gone)
    rng = Random(SEED)  # noqa: S311  # the same draws each time are what is wanted
    found = []
    for _ in range(DRAWS):
        drawn = _part_of([mean * factor for mean, factor in zip(means, rng.choices(strayed, k=12), strict=True)], gone)
        found.append(usual / drawn if drawn else 1.0)
    found.sort()
    tenth = DRAWS // 10
    return Fraction(found[tenth]), Fraction(found[-1 - tenth])


def _part_of(months: Sequence[float], gone: Sequence[float]) -> float:
    whole = sum(months)
    return sum(month * part for month, part in zip(months, gone, strict=True)) / whole if whole else 0.0


def _amount(exact: Fraction) -> Decimal:
    """To the 分, half up."""
    return (Decimal(exact.numerator) / exact.denominator).quantize(_FEN, ROUND_HALF_UP)
