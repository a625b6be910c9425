"""The table of totals: contracts split by one or two dimensions, every figure with the list it comes from.

One call of ``totals`` for the period and one for the same period of last year, whatever the size of the table. Sums at
the edges are of everything, also where a page shows a part of the rows or columns.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cached_property
from math import ceil

from contracts_app.accounts.models import Reader
from contracts_app.contracts.counting.dimensions import PERIOD_OF, Dimension, Of
from contracts_app.contracts.counting.totals import Sums, added, totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.web.filters import growth, percent
from contracts_app.core.web.pages import Page
from contracts_app.regions.queries import codes_of_units
from contracts_app.statistics.measures import GROWTH, MEASURES, Measure, Value, exact

from .question import Order, Question, Show

ROWS, COLUMNS = 50, 16  # of a page: every list but those of towns, platforms and brokers stands on one
ON_PAPER = 12  # columns that a sheet of A4 across holds in the usual type
IN_SMALL_TYPE = 16  # and in a smaller one: the months with the sums; of more columns the rest follow in a second table
UPRIGHT = 9  # columns that fit beside the names on a sheet that stands
DRAWN = 5  # columns that a chart can tell apart by colour
_COMPLETE = ("unit", "type", "flow", "band")  # short lists of which people look for what is missing, too
# Shading: from which shares of the largest cell it is a step darker; uneven, as one unit has half of everything.
_STEPS = (Fraction(5, 100), Fraction(15, 100), Fraction(35, 100), Fraction(65, 100))


class Written(Enum):
    """How the figures of a column are written."""

    MEASURE = "measure"
    PERCENT = "percent"
    GROWTH = "growth"


@dataclass(frozen=True)
class Head:
    """The head of a column: of a value of the dimension (with its key), or of a figure beside the whole row."""

    code: str
    label: str
    definition: str = ""
    key: str | None = None
    measure: Measure = MEASURES["total_amount"]
    written: Written = Written.MEASURE

    @property
    def is_closing(self) -> bool:
        """Whether it stands at the end of the row and is about all of it."""
        return self.code == "sum" or self.code in _CLOSING

    def text(self, value: Value | None) -> str:
        """A value of this column as pages write it."""
        if self.written is Written.MEASURE:
            return self.measure.written(value)
        ratio = None if value is None else Fraction(value)
        return growth(ratio) if self.written is Written.GROWTH else percent(ratio)


@dataclass(frozen=True)
class Figure:
    """One figure: what it is, how it is written, what it is made of, and the contracts behind it."""

    head: Head
    value: Value | None
    query: ContractQuery | None = None  # None: nothing was counted
    told: str = ""  # how it was worked out, or the figure in full
    heat: int = 0  # 1 to 5 of a cell that is shaded

    @cached_property
    def text(self) -> str:
        return self.head.text(self.value)  # once: a wide table writes it a second time for paper

    @property
    def is_sum(self) -> bool:
        """Whether the foot of its list shows this very figure."""
        return self.head.written is Written.MEASURE and self.head.measure.is_sum

    @property
    def tone(self) -> str:
        """up or down of a growth."""
        if self.head.written is not Written.GROWTH or not self.value:
            return ""
        return "up" if self.value > 0 else "down"


@dataclass(frozen=True)
class Row:
    """One line of the table; ``amount`` is the figure its bar draws."""

    key: str
    name: str
    rank: int | None  # by the measure; none for what has none of the measure or of the dimension
    figures: tuple[Figure, ...]
    amount: Value
    before: Value
    below: Question | None = None  # the same figures, split further
    parts: tuple[Decimal, ...] = ()  # its figure for each column, of the few that a chart can tell apart


@dataclass(frozen=True)
class Table:
    """The table as one page, or as a file, shows it."""

    question: Question
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    foot: tuple[Figure, ...]
    row_page: Page[str]  # of all keys
    column_page: Page[str]
    column_names: tuple[tuple[str, str], ...]  # of all columns
    is_empty: bool

    @property
    def is_wide(self) -> bool:
        """Whether it is printed across the sheet. Without columns bars stand beside the names."""
        return self.question.columns is None or len(self.heads) > UPRIGHT

    @property
    def is_small(self) -> bool:
        """Whether it takes smaller type to have all columns on a sheet."""
        return ON_PAPER < len(self.heads) <= IN_SMALL_TYPE

    @property
    def cut(self) -> int | None:
        """How many columns the first sheet has where they do not all fit, as many as the next as far as possible."""
        sheets = ceil(len(self.heads) / ON_PAPER)
        return ceil(len(self.heads) / sheets) if len(self.heads) > IN_SMALL_TYPE else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Of the pages that were asked for, those that there are not, in words."""
        asked = ((self.question.page, self.row_page, "行"), (self.question.across, self.column_page, "列"))
        return tuple(
            f"{what}没有第 {number} 页，共 {page.last} 页，这是最后一页。"
            for number, page, what in asked
            if number > page.last
        )


def table(question: Question, person: Reader, *, whole: bool = False) -> Table:
    """What the question's page shows to this person; ``whole``: every row and column, for files."""
    return _Builder(question, person).table(whole)


Cells = Mapping[tuple[str, str], Sums]


class _Builder:
    """Both periods' sums by row and column, and the table that is made of them."""

    def __init__(self, question: Question, person: Reader) -> None:
        self.question, self.person = question, person
        self.rows, self.columns, self.measure = question.rows, question.columns, question.measure
        both = [self.rows, *([self.columns] if self.columns else [])]
        # Last year's cells are added up only where they are shown: its rows alone come from a smaller summary.
        self.has_cells_before = self.columns is not None and question.show is Show.GROWTH
        self.before_query = question.before
        self.now = cells(question.query, person, both)
        self.before = cells(self.before_query, person, both if self.has_cells_before else both[:1], years=1)
        self._row_queries: dict[tuple[str | None, bool], ContractQuery] = {}

    def table(self, whole: bool) -> Table:
        keys, columns = self._row_keys(), self._column_keys()
        row_page = _page(keys, self.question.page, len(keys) or 1 if whole else ROWS)
        column_page = _page(columns, self.question.across, len(columns) or 1 if whole else COLUMNS)
        heads = self._heads(column_page.rows)
        names = self._names(self.columns, columns) if self.columns else {}
        rows = self._names(self.rows, row_page.rows)
        return Table(
            question=self.question,
            heads=heads,
            rows=tuple(self._row(key, rows[key], heads, columns) for key in row_page.rows),
            foot=tuple(self._figure(head, None) for head in heads),
            row_page=row_page,
            column_page=column_page,
            column_names=tuple(names.items()),
            is_empty=not any(sums.rows for sums in (*self.now.values(), *self.before.values())),
        )

    # --- keys and heads

    def _row_keys(self) -> list[str]:
        found = {row for row, _ in (*self.now, *self.before)}
        keys = _in_order(self.rows, found, self.question, self.person)
        if self.question.order is Order.AMOUNT:
            keys.sort(key=lambda key: (key == "", -(self.measure.of(self._sums(key)) or 0)))
        return keys

    def _column_keys(self) -> list[str]:
        if self.columns is None:
            return []
        found = {column for _, column in self.now}
        if self.has_cells_before:
            found |= {column for _, column in self.before}
        keys = _in_order(self.columns, found, self.question, self.person)
        if self.question.turned.order is Order.AMOUNT:  # a long list: the largest on the first page of columns
            keys.sort(key=lambda key: (key == "", -(self.measure.of(self._sums(None, key)) or 0)))
        return keys

    @staticmethod
    def _names(dimension: Dimension, keys: Iterable[str]) -> dict[str, str]:
        return {key: dimension.name_of(key) for key in keys}

    def _heads(self, keys: Sequence[str]) -> tuple[Head, ...]:
        own = self.measure
        if self.columns is not None:
            show = self.question.show
            written = {Show.VALUE: Written.MEASURE, Show.GROWTH: Written.GROWTH}.get(show, Written.PERCENT)
            cells = [Head(f"k:{key}", self.columns.name_of(key), "", key, own, written) for key in keys]
            return (*cells, _head("sum", "合计", own), *self._closing())
        if own.cause:
            return (_head(own.code, own.label, own), *self._closing())
        plain = ("contracts", "total_amount", "technology_amount", "average")
        return (*(_head(code, MEASURES[code].label, MEASURES[code]) for code in plain), *self._closing())

    def _closing(self) -> list[Head]:
        """What stands at the end of each row, about the measure that was chosen."""
        own = self.measure
        share = Head("share", "占比", f"{own.label}占全部合计的比例", measure=own, written=Written.PERCENT)
        first, last = self.before_query.edges
        days = f"{first.isoformat()} 至 {last.isoformat()} 的{own.label}"
        rest = [
            Head("before", "上年同期", days, measure=own),
            Head("growth", "同比", GROWTH, measure=own, written=Written.GROWTH),
        ]
        return [share, *rest] if own.is_sum else rest

    # --- figures

    def _row(self, key: str, name: str, heads: Sequence[Head], columns: Sequence[str]) -> Row:
        own = self.measure.of(self._sums(key)) or 0
        return Row(
            key=key,
            name=name,
            rank=1 + sum(other > own for other in self._ranked) if key and own > 0 else None,
            figures=tuple(self._figure(head, key) for head in heads),
            amount=own,
            before=self.measure.of(self._sums(key, before=True)) or 0,
            below=self.question.below_row(key),
            parts=tuple(exact(self.measure.of(self._sums(key, column)) or 0) for column in columns[:DRAWN]),
        )

    @cached_property
    def _ranked(self) -> list[Value]:
        return [self.measure.of(sums) or 0 for key, sums in self._by_row.items() if key]

    def _figure(self, head: Head, row: str | None) -> Figure:
        if head.code in _CLOSING:
            return _CLOSING[head.code](self, head, row)
        sums = self._sums(row, head.key)
        value: Value | None
        if head.written is Written.GROWTH:
            value, told = _growth(head.measure, sums, self._sums(row, head.key, before=True))
        elif not sums.rows:
            return _none(head)
        elif head.written is Written.PERCENT:
            value, told = _share(head.measure, sums, self._whole_for(row, head.key))
        else:
            value, told = head.measure.of(sums), _told(head.measure, sums)
        heat = self._heat(value) if value is not None and row is not None and head.key is not None else 0
        return _linked(head, value, told, self._query(row, head.key), heat)

    def _whole_for(self, row: str | None, column: str | None) -> Sums:
        """What a cell's share is a share of."""
        if self.question.show is Show.OF_ROW:
            return self._sums(row)
        return self._sums(None, column) if self.question.show is Show.OF_COLUMN else self._whole

    def _heat(self, value: Value) -> int:
        """A step of shading, by the largest cell of the whole table; growth is told by its sign alone."""
        if value <= 0 or self.question.show is Show.GROWTH or not self._largest:
            return 0
        return 1 + bisect_right(self._steps, Fraction(value))

    @cached_property
    def _steps(self) -> list[Fraction]:
        return [step * self._largest for step in _STEPS]

    @cached_property
    def _largest(self) -> Fraction:
        own = self.measure.of
        if not self.question.show.is_share:
            return Fraction(max((own(sums) or 0 for sums in self.now.values()), default=0))
        shares = (_ratio(own(sums), own(self._whole_for(*keys))) for keys, sums in self.now.items())
        return max((share for share in shares if share is not None), default=Fraction(0))

    # --- sums

    def _sums(self, row: str | None = None, column: str | None = None, before: bool = False) -> Sums:
        """Of a cell, a row, a column or everything."""
        if row is not None and column is not None:
            return (self.before if before else self.now).get((row, column), _NOTHING)
        if row is not None:
            return (self._by_row_before if before else self._by_row).get(row, _NOTHING)
        if column is not None:
            return (self._by_column_before if before else self._by_column).get(column, _NOTHING)
        return self._whole_before if before else self._whole

    @cached_property
    def _by_row(self) -> dict[str, Sums]:
        return _added(self.now, 0)

    @cached_property
    def _by_row_before(self) -> dict[str, Sums]:
        return _added(self.before, 0)

    @cached_property
    def _by_column(self) -> dict[str, Sums]:
        return _added(self.now, 1)

    @cached_property
    def _by_column_before(self) -> dict[str, Sums]:
        return _added(self.before, 1)

    @cached_property
    def _whole(self) -> Sums:
        return added(self._by_row.values())

    @cached_property
    def _whole_before(self) -> Sums:
        return added(self._by_row_before.values())

    def _query(self, row: str | None, column: str | None = None, *, before: bool = False) -> ContractQuery:
        if (row, before) not in self._row_queries:
            query = self.before_query if before else self.question.query
            shown = _years_later(self.rows, row, -1) if before and row is not None else row
            self._row_queries[row, before] = self.question.cell(query, shown)
        return self.question.cell(self._row_queries[row, before], None, column)

    # --- the figures at the end of a row

    def _share_of_whole(self, head: Head, row: str | None) -> Figure:
        sums = self._sums(row)
        return _linked(head, *_share(head.measure, sums, self._whole), self._query(row)) if sums.rows else _none(head)

    def _before(self, head: Head, row: str | None) -> Figure:
        sums = self._sums(row, before=True)
        if not sums.rows:
            return _none(head)
        return _linked(head, head.measure.of(sums), _told(head.measure, sums), self._query(row, before=True))

    def _growth(self, head: Head, row: str | None) -> Figure:
        value, told = _growth(head.measure, self._sums(row), self._sums(row, before=True))
        return _linked(head, value, told, self._query(row))


_CLOSING: Mapping[str, Callable[[_Builder, Head, str | None], Figure]] = {
    "share": _Builder._share_of_whole,
    "before": _Builder._before,
    "growth": _Builder._growth,
}
_NOTHING = Sums()


def _linked(head: Head, value: Value | None, told: str, query: ContractQuery, heat: int = 0) -> Figure:
    """A figure with the list behind it; what cannot be worked out has none."""
    return _none(head) if value is None else Figure(head, value, query, told, heat)


def _none(head: Head) -> Figure:
    return Figure(head, None)


def _head(code: str, label: str, measure: Measure) -> Head:
    return Head(code, label, measure.definition, measure=measure)


def cells(query: ContractQuery, person: Reader, by: Sequence[Dimension], years: int = 0) -> Cells:
    """Sums by row and column; with ``years`` under the keys of as many years later."""
    return {
        (_years_later(by[0], keys[0], years), _years_later(by[1], keys[1], years) if len(keys) > 1 else ""): sums
        for keys, sums in totals(query, person, by).items()
    }


def _years_later(dimension: Dimension, key: str, years: int) -> str:
    return f"{int(key[:4]) + years}{key[4:]}" if dimension.of is Of.TIME and years else key


def _in_order(dimension: Dimension, found: set[str], question: Question, person: Reader) -> list[str]:
    """The keys that are shown, in the order of their list; what no list knows comes last, then none."""
    if dimension.of is Of.TIME:
        return sorted(found | set(_periods(dimension, question)))
    names = list(dimension.names())
    asked = getattr(question.query, dimension.filter or dimension.code)
    if asked is None and dimension.code in _COMPLETE and not question.query.lacking:
        found = found | _all_of(dimension, names, person)
    places = {key: place for place, key in enumerate(names)}
    return sorted(found, key=lambda key: (key == "", places.get(key, len(names)), key))


def _all_of(dimension: Dimension, names: Sequence[str], person: Reader) -> set[str]:
    if dimension.of is not Of.PLACE:
        return set(names)
    paths = codes_of_units()
    return {code for code in names if paths[code].startswith(person.region.path)}


def _periods(dimension: Dimension, question: Question) -> list[str]:
    first, last = question.edges
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return list(dict.fromkeys(PERIOD_OF[dimension.code](month // 12 * 100 + month % 12 + 1) for month in months))


def _page(keys: Sequence[str], number: int, size: int) -> Page[str]:
    number = min(number, max(1, ceil(len(keys) / size)))
    return Page(keys[(number - 1) * size : number * size], number, size, len(keys))


def _added(cells: Cells, place: int) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for keys, sums in cells.items():
        found[keys[place]] = found.get(keys[place], _NOTHING) + sums
    return found


def _ratio(part: Value | None, whole: Value | None) -> Fraction | None:
    return Fraction(part or 0) / Fraction(whole) if whole and whole > 0 else None


def _share(measure: Measure, part: Sums, whole: Sums) -> tuple[Fraction | None, str]:
    own, all_of_it = measure.of(part), measure.of(whole)
    told = f"{measure.written(own)} ÷ {measure.written(all_of_it)} {measure.unit_shown}"
    return _ratio(own, all_of_it), told


def _growth(measure: Measure, now: Sums, before: Sums) -> tuple[Fraction | None, str]:
    own, earlier = measure.of(now) or 0, measure.of(before)
    if earlier is None or earlier <= 0:
        return None, ""
    told = f"（{measure.written(own)} − {measure.written(earlier)}）÷ {measure.written(earlier)} {measure.unit_shown}"
    return (Fraction(own) - Fraction(earlier)) / Fraction(earlier), told


def _told(measure: Measure, sums: Sums) -> str:
    """A sum in full; of what is worked out, from what."""
    if measure.is_sum:
        return measure.written_in_full(measure.of(sums))
    amount, contracts = MEASURES["total_amount"], MEASURES["contracts"]
    return f"成交额 {amount.written(sums.total_amount)} 万元 ÷ {contracts.written(sums.contracts)} 项"
