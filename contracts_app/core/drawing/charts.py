"""Geometry of the charts, in numbers an SVG can take: values in, places out; colours are the stylesheet's.

Pure functions. Amounts come as `Decimal` 元 (or counts), shares as fractions of one. Nothing here divides by a largest
value of zero, and empty data give an empty chart, never an error.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil

from contracts_app.core.web.filters import money_wan, money_yi, number, percent

Amount = Decimal | int
Share = Decimal | Fraction | float

BAR_WIDTH = 1000
_LETTER = 12  # height of the words in a drawing
WAN, YI = Decimal(10_000), Decimal(100_000_000)


# Scales


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


def axis_steps(largest: Amount, at_most: int = 6) -> list[Decimal]:
    """Round values from 0 to the first at or above ``largest``, `at_most` + 1 of them or fewer: 0, 6, 12 … 36."""
    if largest <= 0:
        return [Decimal(0), Decimal(1)]
    rough = Decimal(largest) / at_most
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(
        power * times for times in (1, Decimal("1.2"), Decimal("1.5"), 2, 3, 4, 5, 6, 8, 10) if power * times >= rough
    )
    count = ceil(Fraction(largest) / Fraction(step))
    return [step * place for place in range(count + 1)]


# Bars with a tick at the target


@dataclass(frozen=True)
class Bar:
    """One bar of a table; all bars of the table share the scale. Lengths are of ``BAR_WIDTH``."""

    length: float
    tick: float | None  # where the target stands
    track: float  # the pale ground, as long as the target
    behind: bool
    pace: float | None = None  # where it should be by now


def bars(rows: Sequence[tuple[Amount | None, Amount | None]], pace: Share = 1) -> list[Bar]:
    """A bar for each (value, target). ``pace`` is the share of the target that should be reached by now."""
    largest = max((amount for row in rows for amount in row if amount is not None), default=Decimal(0))
    full = Fraction(largest) * Fraction(103, 100) if largest > 0 else Fraction(1)

    def place(amount: Amount | None) -> float:
        return round(float(min(max(Fraction(amount or 0) / full, Fraction(0)), Fraction(1)) * BAR_WIDTH), 1)

    return [
        Bar(
            length=place(value),
            tick=place(target) if target else None,
            track=place(target) if target else 0.0,
            behind=bool(target) and Fraction(value or 0) < Fraction(target or 0) * Fraction(pace),
            pace=round(place(target) * float(pace), 1) if target and 0 < pace < 1 else None,
        )
        for value, target in rows
    ]


@dataclass(frozen=True)
class Piece:
    """One part of a bar that is cut into parts; lengths are of ``BAR_WIDTH``."""

    place: int  # 1 to 5: its colour
    start: float
    length: float


def stacked(rows: Sequence[Sequence[Amount]]) -> list[list[Piece]]:
    """A bar for each row, cut into its parts from left to right; parts of nothing or less get no piece."""
    largest = max((sum(max(part, Decimal(0)) for part in row) for row in rows), default=Decimal(0))
    full = Fraction(largest) if largest > 0 else Fraction(1)

    def cut(row: Sequence[Amount]) -> list[Piece]:
        pieces, before = [], Fraction(0)
        for place, part in enumerate(row, 1):
            if part > 0:
                length = Fraction(part) / full * BAR_WIDTH
                pieces.append(Piece(place, round(float(before), 1), round(float(length), 1)))
                before += length
        return pieces

    return [cut(row) for row in rows]


@dataclass(frozen=True)
class Progress:
    """How far something is, against how far it should be: percent of the whole length, cut off at the end."""

    done: float
    pace: float | None
    behind: bool


def progress(done: Share | None, pace: Share | None = None) -> Progress:
    """A bar of progress; ``done`` may be above 1, or None when there is nothing to measure."""
    return Progress(
        done=_percent_of_length(done or 0),
        pace=None if pace is None else _percent_of_length(pace),
        behind=pace is not None and Fraction(done or 0) < Fraction(pace),
    )


def _percent_of_length(share: Share) -> float:
    return round(min(max(float(share), 0.0), 1.0) * 100, 1)


# A cumulative line over the year


@dataclass(frozen=True)
class Note:
    """Words at a point of the chart; ``anchor`` as in SVG."""

    x: float
    y: float
    text: str
    anchor: str = "end"


@dataclass(frozen=True)
class Plot:
    """One drawing of the chart; wide and narrow are two of them."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    grid: tuple[Tick, ...]
    months: tuple[Tick, ...]
    actual: str  # points of a polyline
    last_year: str
    target: str
    forecast: str
    band: str
    now: tuple[float, float] | None  # the last actual point
    running: bool  # the year is not over: a line marks today
    notes: dict[str, Note]  # actual, target, forecast


@dataclass(frozen=True)
class Forecast:
    """What the year may end with, 元; without a band where nobody can tell it."""

    value: Decimal
    low: Decimal | None
    high: Decimal | None

    @property
    def top(self) -> Decimal:
        return self.value if self.high is None else self.high

    @property
    def bottom(self) -> Decimal:
        return self.value if self.low is None else self.low


@dataclass(frozen=True)
class MonthRow:
    label: str
    actual: Decimal | None
    last_year: Decimal | None


@dataclass(frozen=True)
class LineChart:
    year: int
    unit: str  # 亿元, 万元 or what was given
    words: str  # the chart in a sentence, for those who do not see it
    wide: Plot
    narrow: Plot
    table: tuple[MonthRow, ...]  # the same figures, in 元
    target_words: str  # the year's target with its unit, for the legend; empty where there is none
    forecast_words: str  # 32.64, empty without a forecast
    forecast_range: str  # 31.38–34.12


def cumulative(
    year: int,
    until: date,
    actual: Sequence[Amount],
    last_year: Sequence[Amount] = (),
    target: Amount | None = None,
    forecast: Forecast | None = None,
    unit: str | None = None,
    *,
    height: int = 286,
) -> LineChart:
    """The year's running total by month against a straight target, last year and a forecast.

    ``actual`` and ``last_year`` are running totals at the ends of January, February …; the last of ``actual`` stands
    at ``until`` when that month is not over. Amounts in 元 are drawn in 亿元 or 万元; with ``unit`` they are counts.
    ``height`` is that of the wide drawing, to its width of 760.
    """
    scale = _scale_of([*actual, *last_year, target or 0, forecast.top if forecast else 0], unit)
    lines = _Lines(year, until, tuple(actual[:12]), tuple(last_year[:12]), target, forecast, scale)
    return LineChart(
        year=year,
        unit=scale.unit,
        words=lines.words(),
        wide=lines.plot(760, height, left=44, room=30, months=1, steps=6),
        narrow=lines.plot(340, 230, left=38, room=10, months=3, steps=3),
        table=lines.table(),
        target_words=f"{lines.scale.show(target)} {lines.scale.unit}" if target else "",
        forecast_words=scale.show(forecast.value) if forecast else "",
        forecast_range=f"{scale.show(forecast.low)}–{scale.show(forecast.top)}" if forecast and forecast.low else "",
    )


@dataclass(frozen=True)
class _Scale:
    unit: str
    divisor: Decimal

    def show(self, amount: Amount) -> str:
        if self.divisor == YI:
            return money_yi(Decimal(amount))
        return money_wan(Decimal(amount)) if self.divisor == WAN else number(amount)


def _scale_of(amounts: Sequence[Amount], unit: str | None) -> _Scale:
    if unit is not None:
        return _Scale(unit, Decimal(1))
    return _Scale("亿元", YI) if max(amounts, default=0) >= YI else _Scale("万元", WAN)


@dataclass(frozen=True)
class _Lines:
    year: int
    until: date
    actual: tuple[Amount, ...]
    last_year: tuple[Amount, ...]
    target: Amount | None
    forecast: Forecast | None
    scale: _Scale

    def words(self) -> str:
        parts = [f"{self.year} 年累计"]
        if self.actual:
            parts.append(
                f"截至 {self.until.month} 月 {self.until.day} 日 {self.scale.show(self.actual[-1])} {self.scale.unit}"
            )
        if self.target:
            parts.append(f"目标 {self.scale.show(self.target)} {self.scale.unit}")
        if self.forecast:
            parts.append(f"预测年底 {self.scale.show(self.forecast.value)} {self.scale.unit}")
        return "，".join(parts)

    def table(self) -> tuple[MonthRow, ...]:
        def at(line: tuple[Amount, ...], place: int) -> Decimal | None:
            return Decimal(line[place]) if place < len(line) else None

        months = max(len(self.actual), len(self.last_year))
        return tuple(
            MonthRow(f"{place + 1}月", at(self.actual, place), at(self.last_year, place)) for place in range(months)
        )

    def plot(self, width: int, height: int, *, left: float, room: float, months: int, steps: int) -> Plot:
        """One drawing: every ``months``-th month named, about ``steps`` lines across."""
        levels = axis_steps(self.largest / self.scale.divisor, steps)
        frame = _Frame(left, width - room, 16.0, height - 28.0, levels[-1] * self.scale.divisor)
        end = self.actual[-1] if self.actual else Decimal(0)
        ahead, now_at = self.forecast, self.now_at
        return Plot(
            width=width,
            height=height,
            left=frame.left,
            right=frame.right,
            top=frame.top,
            bottom=frame.bottom,
            grid=tuple(Tick(frame.y(level * self.scale.divisor), _level_label(level)) for level in levels),
            months=tuple(Tick(frame.x(month), f"{month}月") for month in range(months, 13, months)),
            actual=frame.running(self.actual, now_at),
            last_year=frame.running(self.last_year),
            target=frame.line([(0, 0), (12, self.target)]) if self.target else "",
            forecast=frame.line([(now_at, end), (12, ahead.value)]) if ahead else "",
            band=frame.line([(now_at, end), (12, ahead.top), (12, ahead.bottom)]) if ahead and ahead.low else "",
            now=(frame.x(now_at), frame.y(end)) if self.actual else None,
            running=bool(self.actual) and now_at < 12,
            notes=self._notes(frame, roomy=width > 500),
        )

    @property
    def largest(self) -> Decimal:
        ahead = self.forecast.top if self.forecast else 0
        return Decimal(max([*self.actual, *self.last_year, self.target or 0, ahead]))

    @property
    def now_at(self) -> float:
        """Where the last running total stands, in months: at its month's end, or at ``until`` within that month."""
        months = len(self.actual)
        if self.until.year == self.year and self.until.month == months:
            return months - 1 + self.until.day / monthrange(self.year, months)[1]
        return float(months)

    def _notes(self, frame: "_Frame", roomy: bool) -> dict[str, Note]:
        """Words at the ends of the lines, apart from each other; where it is narrow the forecast's are left out."""
        notes: dict[str, Note] = {}
        if self.target and not self._ends_are_close(frame):
            notes["target"] = Note(
                frame.right, max(frame.y(self.target) - 8, 11), f"目标 {self.scale.show(self.target)}"
            )
        if self.actual:
            notes["actual"] = self._note_of_now(frame, notes.get("target"))
        if self.forecast and roomy:
            words = f"预测 {self.scale.show(self.forecast.value)}"
            notes["forecast"] = Note(frame.right, self._height_of_forecast(frame, notes), words)
        return notes

    def _height_of_forecast(self, frame: "_Frame", notes: dict[str, Note]) -> float:
        """Above its band where no other words stand, else below everything that ends there."""
        assert self.forecast is not None
        above = frame.y(self.forecast.top) - 8
        if above >= 11 and all(abs(above - note.y) >= 18 for note in notes.values()):
            return above
        ends = [frame.y(self.forecast.bottom), *(frame.y(amount) for amount in self.last_year[11:])]
        below = max(ends) + 18
        if "actual" in notes and self.now_at > 6:
            below = max(below, notes["actual"].y + 30)
        return min(below, frame.bottom - 6)

    def _ends_are_close(self, frame: "_Frame") -> bool:
        """Late in the year target and running total may stand side by side; the legend alone names the target then."""
        if not self.actual or not self.target or self.now_at <= 8:
            return False
        return abs(frame.y(self.target) - frame.y(self.actual[-1])) < 45

    def _note_of_now(self, frame: "_Frame", target: Note | None) -> Note:
        early = self.now_at < 5
        height = max(frame.y(self.actual[-1]) - 12, 11)
        if target and self.now_at > 9 and abs(height - target.y) < 15:
            height = min(target.y + 30, frame.bottom - 6)
        words = f"{self.until:%m-%d}　{self.scale.show(self.actual[-1])} {self.scale.unit}"
        width = 0.62 * _LETTER * (len(words) + 3)  # its four Chinese letters are wider than the figures
        now = frame.x(self.now_at)
        left, right = Note(now - 10, height, words), Note(now + 8, height, words, "start")
        usual, other = (right, left) if early else (left, right)
        above = [replace(side, y=height - higher) for higher in (0, 16, 32) for side in (usual, other)]
        below = [replace(other, y=height + 32), replace(usual, y=height + 34)]
        places = [above[0], above[2], *below, *above[1:]]
        return next((one for one in places if self._is_free(frame, one, width, target)), usual)

    def _is_free(self, frame: "_Frame", note: Note, width: float, target: Note | None) -> bool:
        """Whether a note as wide as this is inside, and neither a line nor the target's words run through it."""
        foot = note.y
        if target and abs(foot - target.y) < 15 and note.x > target.x - 100:
            return False
        edges = (note.x - width, note.x) if note.anchor == "end" else (note.x, note.x + width)
        if not 11 <= foot <= frame.bottom - 6 or edges[0] < frame.left or edges[1] > frame.right:
            return False
        months = [
            12 * (edges[0] + (edges[1] - edges[0]) * part / 8 - frame.left) / (frame.right - frame.left)
            for part in range(9)
        ]
        heights = [frame.y(amount) for month in months for amount in self._lines_at(month)]
        return not any(foot - _LETTER - 1 < height < foot + 5 for height in heights)

    def _lines_at(self, month: float) -> Iterator[Decimal]:
        """The amounts of target, forecast, last year and this year at a place between two months."""
        month = min(max(month, 0.0), 12.0)
        if self.forecast and self.actual and month > self.now_at:
            ahead, now = self.forecast, Decimal(self.actual[-1])
            for last in {ahead.bottom, ahead.value, ahead.top}:
                yield now + (last - now) * Decimal((month - self.now_at) / (12 - self.now_at))
        if self.target:
            yield Decimal(self.target) * Decimal(month) / 12
        for totals, end in ((self.last_year, float(len(self.last_year))), (self.actual, self.now_at)):
            if totals and month <= end:
                before = min(int(month), len(totals) - 1)
                start, stop = (Decimal(totals[before - 1]) if before else Decimal(0)), Decimal(totals[before])
                span = (end if before == len(totals) - 1 else before + 1) - before
                yield start + (stop - start) * Decimal(min((month - before) / span, 1.0))


@dataclass(frozen=True)
class _Frame:
    """The inside of a drawing: months to the right, amounts upwards."""

    left: float
    right: float
    top: float
    bottom: float
    ceiling: Decimal

    def x(self, month: float) -> float:
        return round(self.left + (self.right - self.left) * month / 12, 1)

    def y(self, amount: Amount) -> float:
        """A total that fell below nothing stays on the ground line."""
        share = float(Fraction(max(amount, 0)) / Fraction(self.ceiling))
        return round(self.bottom - (self.bottom - self.top) * share, 1)

    def line(self, points: Iterable[tuple[float, Amount]]) -> str:
        return " ".join(f"{self.x(month)},{self.y(amount)}" for month, amount in points)

    def running(self, totals: Sequence[Amount], last_at: float | None = None) -> str:
        """A line from nothing through the ends of the months, its last point at ``last_at``."""
        if not totals:
            return ""
        months = [float(month) for month in range(1, len(totals) + 1)]
        return self.line(zip([0.0, *months[:-1], last_at or months[-1]], [0, *totals], strict=True))


def _level_label(level: Decimal) -> str:
    return f"{level:,.0f}" if level % 1 == 0 else f"{level:,f}".rstrip("0")


# A ring of shares


@dataclass(frozen=True)
class Slice:
    label: str
    value: Decimal
    share: Fraction | None
    url: str | None
    place: int  # 1 to 5: its colour
    dash: str  # stroke-dasharray on a circle of length 100
    offset: float


@dataclass(frozen=True)
class Donut:
    total: Decimal
    middle: str
    unit: str
    slices: tuple[Slice, ...]


def donut(parts: Sequence[tuple[str, Amount, str | None]], unit: str | None = None) -> Donut:
    """A ring of (label, value, address) parts, largest first; from the fifth on they are put together as 其他.

    Parts of nothing or less get no piece of the ring but keep their row in the table.
    """
    largest_first = sorted(((label, Decimal(value), url) for label, value, url in parts), key=lambda part: -part[1])
    if len(largest_first) > 5:
        rest = sum((value for _, value, _ in largest_first[4:]), Decimal(0))
        largest_first = [*largest_first[:4], ("其他", rest, None)]
    total = sum((value for _, value, _ in largest_first), Decimal(0))
    scale = _scale_of([total], unit)
    drawn = sum((max(value, Decimal(0)) for _, value, _ in largest_first), Decimal(0))
    slices, before = [], 0.0
    for place, (label, value, url) in enumerate(largest_first, 1):
        length = float(max(value, Decimal(0)) / drawn * 100) if drawn else 0.0
        gap = 0.7 if 1.4 < length < 99 else 0.0
        slices.append(
            Slice(
                label,
                value,
                Fraction(value) / Fraction(total) if total > 0 else None,
                url,
                place,
                dash=f"{max(length - gap, 0):.2f} {100 - max(length - gap, 0):.2f}",
                offset=round(25 - before, 2),
            )
        )
        before += length
    return Donut(total, scale.show(total), scale.unit, tuple(slices))


# A schematic map of the units


# Column and row of each of Quanzhou's units by code, roughly as they lie. Not a map: no borders, no scale.
QUANZHOU = {
    "350526": (1, 0),
    "350525": (1, 1),
    "350504": (2, 1),
    "350505": (3, 1),
    "350524": (0, 2),
    "350583": (1, 2),
    "350503": (2, 2),
    "350521": (3, 2),
    "3505K1": (1, 3),
    "350502": (2, 3),
    "3505T1": (3, 3),
    "350582": (2, 4),
    "350581": (3, 4),
}
TILE_WIDTH, TILE_HEIGHT = 98, 60
LEVELS = {"q1": "低于 60%", "q2": "60–75%", "q3": "75%–序时", "q4": "达序时", "q5": "≥ 100%", "q0": "未设目标"}


@dataclass(frozen=True)
class Tile:
    name: str
    words: str  # its completion, or —
    level: str  # q0 to q5: its colour
    url: str | None
    x: int
    y: int


@dataclass(frozen=True)
class TileMap:
    width: int
    height: int
    tiles: tuple[Tile, ...]
    legend: tuple[tuple[str, str], ...]  # (level, words) of the levels that occur


def tile_map(
    units: Sequence[tuple[str, str, Share | None, str | None]],
    pace: Share = 1,
    places: dict[str, tuple[int, int]] | None = None,
) -> TileMap:
    """A tile for each (code, name, completion, address); units without a place in ``places`` stand in rows below."""
    places = QUANZHOU if places is None else places
    columns = max((column for column, _ in places.values()), default=3) + 1
    below = max((places[code][1] + 1 for code, *_ in units if code in places), default=0)
    homeless = [code for code, *_ in units if code not in places]
    extra = {code: (place % columns, below + place // columns) for place, code in enumerate(homeless)}
    tiles = []
    for code, name, completion, url in units:
        column, row = places.get(code) or extra[code]
        level = _level(completion, pace)
        words = percent(None if completion is None else Fraction(completion))
        tiles.append(Tile(name, words, level, url, column * TILE_WIDTH + 2, row * TILE_HEIGHT + 2))
    height = max((tile.y for tile in tiles), default=0) + TILE_HEIGHT + 2
    seen = {tile.level for tile in tiles}
    named = LEVELS if Fraction(pace) < 1 else LEVELS | {"q3": "75–100%"}  # at the end nothing but the whole is pace
    legend = tuple((level, words) for level, words in named.items() if level in seen)
    return TileMap(columns * TILE_WIDTH + 2, height, tuple(tiles), legend)


def _level(completion: Share | None, pace: Share) -> str:
    """Done and at pace come before the fixed steps: in March a unit with 25 % is ahead, not far behind."""
    if completion is None:
        return "q0"
    steps = (("q5", Fraction(1)), ("q4", Fraction(pace)), ("q3", Fraction(3, 4)), ("q2", Fraction(3, 5)))
    return next((level for level, least in steps if Fraction(completion) >= least), "q1")
