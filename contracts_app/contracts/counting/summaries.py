"""The ledger folded into sums: what is kept, how it is brought up to date, and the proof that it agrees.

For each caliber and place the sums of everything, of each dimension and of each pair of two; by year and by month, but
for the pairs by day too. What a question reads of them is ``totals``' affair.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

from sqlalchemy import BigInteger, String, func, or_, select, text, type_coerce, union_all
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import Cause, Difference, LedgerEntry
from contracts_app.contracts.finding.query import PLACES
from contracts_app.core.clock import month_edges
from contracts_app.core.db import Base, Money, db, unit_of_work, word_type

from .dimensions import FACETS

FOLDED_FROM = 10_000  # entries; fewer are added up from the ledger in a few milliseconds
AT_ONCE = 200_000  # entries that are held in memory while they are folded: some 400 MB
FIGURES = ("contracts", "total_amount", "technology_amount", "verified_income", "received_amount")


class FacetTotal(Base):
    """Sums of the ledger up to where it was folded. Written only by ``fold``."""

    __tablename__ = "facet_totals"
    __table_args__ = {"sqlite_with_rowid": False}

    letters: Mapped[str] = mapped_column(String(2), primary_key=True)  # of no dimension, of one, of two
    caliber: Mapped[Caliber] = mapped_column(word_type(Caliber, "caliber"), primary_key=True)
    period: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 2025, 202503; 20250317 up to one
    place: Mapped[str] = mapped_column(String(12), primary_key=True)  # the caliber's unit
    is_own: Mapped[bool] = mapped_column(primary_key=True)  # whether that unit registered it too
    cause: Mapped[Cause] = mapped_column(word_type(Cause, "cause"), primary_key=True)
    a: Mapped[str] = mapped_column(String(40), primary_key=True)  # "" for none
    b: Mapped[str] = mapped_column(String(40), primary_key=True)
    entries: Mapped[int]
    contracts: Mapped[int]
    total_amount: Mapped[Decimal] = mapped_column(Money)
    technology_amount: Mapped[Decimal] = mapped_column(Money)
    verified_income: Mapped[Decimal] = mapped_column(Money)
    received_amount: Mapped[Decimal] = mapped_column(Money)


class Fold(Base):
    """Up to which entry the ledger has been folded into one kind of sum; no row before the first time."""

    __tablename__ = "folds"

    letters: Mapped[str] = mapped_column(String(2), primary_key=True)
    caliber: Mapped[Caliber] = mapped_column(word_type(Caliber, "caliber"), primary_key=True)
    folded_to: Mapped[int]


@dataclass(frozen=True)
class Kind:
    """One kind of sum that is kept: of a caliber, by no, one or two dimensions."""

    letters: str
    caliber: Caliber

    @property
    def has_days(self) -> bool:
        """Whether it is kept by day: two dimensions by day would be as many rows as the ledger."""
        return len(self.letters) < 2

    @property
    def key(self) -> dict[str, Any]:
        return {"letters": self.letters, "caliber": self.caliber}


KINDS = tuple(
    Kind("".join(letters), caliber)
    for caliber in Caliber
    for size in (0, 1, 2)
    for letters in combinations(FACETS, size)
)


def folded_to(kind: Kind) -> int:
    """The last entry in one kind of sum; 0 where there is none yet."""
    wanted = select(Fold.folded_to).where(Fold.letters == kind.letters, Fold.caliber == kind.caliber)
    return db.session.scalar(wanted) or 0


def waiting() -> int:
    """How many numbers of entries have been given since all of the ledger was folded."""
    last = db.session.scalar(select(func.max(LedgerEntry.id))) or 0
    number, least = db.session.execute(select(func.count(), func.min(Fold.folded_to))).one()
    return last - (least if number == len(KINDS) else 0)


# --- counting ---------------------------------------------------------------------------------------------------------

Cell = tuple[int, str, bool, str, str, str]  # period, place, is_own, cause, a, b
_BITS = 80  # of one figure among the others: wide enough for any sum of amounts
_HALF, _MASK = 1 << (_BITS - 1), (1 << _BITS) - 1


class _Entries:
    """A stretch of the ledger in memory, as columns of small numbers that one pass for each kind adds up.

    All figures of an entry are packed into one number, and so are the cell's keys: then a pass is one addition an
    entry, and all kinds of sum of a million contracts are a matter of minutes.
    """

    def __init__(self, *which: Any) -> None:
        facets = [type_coerce(getattr(LedgerEntry, column), String) for column in FACETS.values()]
        places = [getattr(LedgerEntry, column) for column in PLACES.values()]
        figures = [type_coerce(getattr(LedgerEntry, name), BigInteger) for name in FIGURES]
        rows = db.session.execute(
            select(
                LedgerEntry.id,
                LedgerEntry.counts_on,
                type_coerce(LedgerEntry.cause, String),
                LedgerEntry.unit_code,
                *places,
                *facets,
                *figures,
            )
            .where(*which)
            .order_by(LedgerEntry.id)
        ).all()
        columns: list[Any] = list(zip(*rows, strict=True)) or [()] * (4 + len(places) + len(facets) + len(figures))
        del rows
        self.ids, days, causes, units = columns[:4]
        rest = columns[4:]
        self.figures = [_packed((1, *of)) for of in zip(*rest[-len(figures) :], strict=True)]
        coded = {letter: _coded(rest[len(places) + place]) for place, letter in enumerate(FACETS)}
        self.values = {letter: [_text(value) for value in values] for letter, (values, _) in coded.items()}
        self.width = max(map(len, self.values.values()), default=1) + 1
        self.low = {letter: codes for letter, (_, codes) in coded.items()}
        self.high = {letter: _times(self.width, *coded[letter]) for letter in FACETS}
        self.low[""] = self.high[""] = [0] * len(self.ids)
        self.where: dict[tuple[Caliber, bool], tuple[list[Any], list[int]]] = {}
        for caliber, of in zip(PLACES, rest, strict=False):
            for by_day in (True, False):
                spots = zip(map(_day if by_day else _month, days), of, units, causes, strict=True)
                values, codes = _coded([None if spot[1] is None else spot for spot in spots])
                self.where[caliber, by_day] = values, _times(self.width**2, values, codes)

    def counted(self, kind: Kind, begin: int = 0, end: int | None = None) -> dict[Cell, int]:
        """What the entries from one place to another add up to, by the shortest period; figures are packed."""
        spots, where = self.where[kind.caliber, kind.has_days]
        first, second = kind.letters[:1], kind.letters[1:]
        columns = [where, self.high[first], self.low[second], self.figures]
        if begin or end is not None:
            columns = [column[begin:end] for column in columns]
        found: dict[int, int] = defaultdict(int)
        for spot, high, low, figures in zip(*columns, strict=True):
            found[spot + high + low] += figures
        of_a, of_b = self.values.get(first, [""]), self.values.get(second, [""])
        cells: dict[Cell, int] = defaultdict(int)
        for key, figures in found.items():
            key, low = divmod(key, self.width)
            number, high = divmod(key, self.width)
            if (spot := spots[number]) is None:
                continue  # in no place that this caliber counts
            period, place, unit, cause = spot
            rest = (place, place == unit, cause, of_a[high], of_b[low])
            cells[(period, *rest)] += figures
        return cells

    def place_after(self, number: int) -> int:
        """Where the entries begin that come after one."""
        return bisect_right(self.ids, number)


def _with_longer(cells: Mapping[Cell, int], times: int) -> dict[Cell, int]:
    """The same, and what they make by so many longer periods: of days by month, of months by year."""
    every, shorter = dict(cells), cells
    for _ in range(times):
        longer: dict[Cell, int] = defaultdict(int)
        for (period, *rest), figures in shorter.items():
            longer[(period // 100, *rest)] += figures  # type: ignore[index]
        every |= longer
        shorter = longer
    return every


def _coded(values: Iterable[Any]) -> tuple[list[Any], list[int]]:
    """The values that occur, and for each value which of them it is."""
    places: dict[Any, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return list(places), codes


def _times(factor: int, values: list[Any], codes: list[int]) -> list[int]:
    """The codes times a number, each number made once."""
    made = [factor * code for code in range(len(values))]
    return [made[code] for code in codes]


def _text(value: Any) -> str:
    """A dimension's value as the summaries keep it; "" for none."""
    return "" if value is None else str(value)


def _day(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _month(day: date) -> int:
    return day.year * 100 + day.month


def _packed(figures: Iterable[int]) -> int:
    whole = 0
    for place, figure in enumerate(figures):
        whole += figure << (_BITS * place)
    return whole


def _figures(packed: int) -> tuple[int, ...]:
    """The number of entries and the five figures again; what is below nought borrowed from the next."""
    found = []
    for _ in _ADDED:
        figure = ((packed + _HALF) & _MASK) - _HALF
        found.append(figure)
        packed = (packed - figure) >> _BITS
    return tuple(found)


# --- folding ----------------------------------------------------------------------------------------------------------

_KEYS = ("letters", "caliber", "period", "place", "is_own", "cause", "a", "b")
_ADDED = ("entries", *FIGURES)
Told = Callable[[int, int], None]


def fold(told: Told = lambda done, whole: None) -> int:
    """Fold what the ledger holds into the summaries; returns how many entries that was. For commands and timers.

    Safe at any time and beside people who register: the kinds of sum are brought up to date some at a time.
    On PostgreSQL they wait only while the last entry's number is read; SQLite has one writer, so there they wait for
    some kinds at a time, a second or two. ``told`` hears how much of it is done.
    """
    with unit_of_work() as work:
        if work.get_bind().dialect.name == "postgresql":
            # Whoever is adding an entry finishes first: below the number that is read now, none will appear later.
            work.execute(text("LOCK TABLE ledger_entries IN SHARE MODE"))
        last = work.scalar(select(func.max(LedgerEntry.id))) or 0
        for kind in KINDS:  # one row for all time, also where two begin at once
            work.execute(_insert()(Fold).values(**kind.key, folded_to=0).on_conflict_do_nothing())
        begin = work.scalar(select(func.min(Fold.folded_to))) or 0
    for after in range(begin, last, AT_ONCE):
        until = min(after + AT_ONCE, last)
        with unit_of_work():
            entries = _Entries(LedgerEntry.id > after, LedgerEntry.id <= until)
        # Little is new as a rule: then all at once. Much of it by twelve, so that nobody waits long for the database.
        step = 12 if len(entries.ids) > FOLDED_FROM else len(KINDS)
        for place in range(0, len(KINDS), step):
            _bring_up_to(until, KINDS[place : place + step], entries)
            told(after - begin + (until - after) * (place + step) // len(KINDS), last - begin)
    return last - begin


def _insert() -> Any:
    """The insert of this database, which can say what to do where the row is there already."""
    return sqlite_insert if db.engine.dialect.name == "sqlite" else postgresql_insert


def _bring_up_to(last: int, kinds: Sequence[Kind], entries: _Entries) -> None:
    """Fold those of the entries, of which the newest is the ``last``, that these kinds of sum have not got yet."""
    of = (Fold.letters.in_([kind.letters for kind in kinds]), Fold.caliber.in_({kind.caliber for kind in kinds}))
    with unit_of_work() as work:
        wanted = select(Fold).where(*of).order_by(Fold.letters, Fold.caliber).with_for_update()
        found = work.scalars(wanted.execution_options(populate_existing=True)).all()
        marks = {Kind(mark.letters, mark.caliber): mark for mark in found}
        rows: list[tuple[Any, ...]] = []
        for kind in kinds:
            if (done := marks[kind].folded_to) < last:
                rows += _rows(kind, entries.counted(kind, entries.place_after(done)))
                marks[kind].folded_to = last
        _add(rows)


def _rows(kind: Kind, cells: Mapping[Cell, int]) -> Iterator[tuple[Any, ...]]:
    """What is kept of the cells, in the order of their key."""
    every = _with_longer(cells, 2 if kind.has_days else 1)
    return ((kind.letters, kind.caliber.value, *cell, *_figures(every[cell])) for cell in sorted(every))


def _add(rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_UPSERT.format(f"VALUES ({', '.join('?' * len(_ALL))})"), rows)
    else:
        arrays = [list(column) for column in zip(*rows, strict=True)]
        types = ", ".join(f"%s::{_TYPES.get(name, 'bigint')}[]" for name in _ALL)
        source = f"SELECT * FROM unnest({types})"  # noqa: S608  (names of our own)
        connection.exec_driver_sql(_UPSERT.format(source), tuple(arrays))


_ALL = (*_KEYS, *_ADDED)
_TYPES = dict.fromkeys(("letters", "caliber", "place", "cause", "a", "b"), "varchar") | {"is_own": "boolean"}
# Said as text: millions of rows, each looked at by the types of the columns, would take three times as long.
_UPSERT = (
    f"INSERT INTO facet_totals ({', '.join(_ALL)}) {{}} ON CONFLICT ({', '.join(_KEYS)}) DO UPDATE SET "
    + ", ".join(f"{name} = facet_totals.{name} + excluded.{name}" for name in _ADDED)
)


# --- the proof --------------------------------------------------------------------------------------------------------


def verify(told: Told = lambda done, whole: None) -> Iterator[Difference]:
    """Every row of the summaries that is not what the folded entries add up to; nothing where all agree.

    All sums are made anew month by month, from the ledger, and compared cell by cell; years are what their months add
    up to. The sums of everything are added up by the database besides.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(text("LOCK TABLE folds IN SHARE MODE"))  # nothing is folded meanwhile
    marks = {kind: folded_to(kind) for kind in KINDS}
    if not any(marks.values()) and db.session.scalar(select(FacetTotal.letters).limit(1)) is None:
        return  # nothing was folded and nothing is kept: every total comes from the ledger itself
    months = sorted({*db.session.scalars(select(LedgerEntry.month).distinct()), *_kept_months()})
    for done, month in enumerate(months, 1):
        edges = month_edges(month // 100, month % 100)
        entries = _Entries(LedgerEntry.counts_on.between(*edges))
        for caliber in Caliber:
            kept = _kept(caliber, month)
            for kind in (one for one in KINDS if one.caliber is caliber):
                cells = entries.counted(kind, 0, entries.place_after(marks[kind]))
                every = _with_longer(cells, 1 if kind.has_days else 0)
                counted = {cell: _figures(figures) for cell, figures in every.items()}
                yield from _differences(kind, kept[kind.letters], counted)
        told(done, len(months) + 1)
    for kind in KINDS:
        yield from _years_that_differ(kind)
    yield from _plainly_counted(marks)
    told(len(months) + 1, len(months) + 1)
    known = {kind.letters for kind in KINDS}
    unknown = select(FacetTotal.letters).where(FacetTotal.letters.not_in(known)).distinct()
    yield from (Difference(f"汇总 {letters}", "不是任何维度的汇总") for letters in db.session.scalars(unknown))


def _kept_months() -> Iterator[int]:
    """The months of which anything is kept."""
    periods = db.session.scalars(select(FacetTotal.period).distinct()).all()
    return (period if period < _FIRST_DAY else period // 100 for period in periods if period > _LAST_YEAR)


_LAST_YEAR, _FIRST_DAY = 9999, 1_000_000  # a period below or above is a year, or a day


def _kept(caliber: Caliber, month: int) -> dict[str, dict[Cell, tuple[int, ...]]]:
    """The rows of a month and of its days, by the letters of their kind."""
    period, kinds = FacetTotal.period, [kind for kind in KINDS if kind.caliber is caliber]
    plain = [type_coerce(getattr(FacetTotal, name), BigInteger) for name in _ADDED]
    words = [type_coerce(getattr(FacetTotal, name), String) for name in ("place", "cause", "a", "b")]
    rows = select(FacetTotal.letters, period, words[0], FacetTotal.is_own, *words[1:], *plain)
    found: dict[str, dict[Cell, tuple[int, ...]]] = {kind.letters: {} for kind in kinds}
    for letters, periods in (
        ([kind.letters for kind in kinds], period == month),
        ([kind.letters for kind in kinds if kind.has_days], period.between(month * 100, month * 100 + 99)),
    ):
        of = (FacetTotal.letters.in_(letters), FacetTotal.caliber == caliber)
        for row in db.session.execute(rows.where(*of, periods)):
            found[row[0]][row[1], row[2], bool(row[3]), row[4], row[5], row[6]] = tuple(map(int, row[7:]))
    return found


def _differences(
    kind: Kind, kept: Mapping[Cell, tuple[int, ...]], counted: Mapping[Cell, tuple[int, ...]]
) -> Iterator[Difference]:
    for cell in sorted({*kept, *counted}):
        ours, theirs = kept.get(cell, _NONE), counted.get(cell, _NONE)
        if ours != theirs:
            where = " ".join(str(key) for key in (kind.letters, kind.caliber, *cell) if key != "")
            amount = Decimal(ours[2] - theirs[2]).scaleb(-2)
            yield Difference(f"汇总 {where}", f"与台账相差 {ours[0] - theirs[0]} 项 {amount:.2f} 元")


_NONE = (0,) * len(_ADDED)


def _years_that_differ(kind: Kind) -> Iterator[Difference]:
    """Years that are not what their months add up to."""
    of = (FacetTotal.letters == kind.letters, FacetTotal.caliber == kind.caliber)
    keys, period = [getattr(FacetTotal, name) for name in ("place", "is_own", "cause", "a", "b")], FacetTotal.period
    figures = [getattr(FacetTotal, name) for name in _ADDED]
    own = select(period.label("period"), *keys, *figures).where(*of, period <= _LAST_YEAR)
    months = select((period // 100).label("period"), *keys, *((-one).label(one.key) for one in figures)).where(
        *of, period.between(_LAST_YEAR + 1, _FIRST_DAY - 1)
    )
    both = union_all(own, months).subquery()
    where, off = [both.c.period, *(both.c[key.key] for key in keys)], [func.sum(both.c[name]) for name in _ADDED]
    for row in db.session.execute(select(*where, *off).group_by(*where).having(or_(*(one != 0 for one in off)))):
        name = " ".join(str(key) for key in (kind.letters, kind.caliber, *row[:6]) if key != "")
        yield Difference(f"汇总 {name}", f"与各月之和相差 {row[6]} 项 {Decimal(row[8]):.2f} 元")


def _plainly_counted(marks: Mapping[Kind, int]) -> Iterator[Difference]:
    """Months of the sums of everything that are not what the database itself adds up from the ledger."""
    for caliber, column in PLACES.items():
        kind, place = Kind("", caliber), getattr(LedgerEntry, column)
        if kind not in marks:
            continue
        keys = [LedgerEntry.month, place, place == LedgerEntry.unit_code, type_coerce(LedgerEntry.cause, String)]
        figures = [type_coerce(func.sum(getattr(LedgerEntry, name)), BigInteger) for name in FIGURES]
        rows = db.session.execute(
            select(*keys, func.count(), *figures)
            .where(LedgerEntry.id <= marks[kind], place.is_not(None))
            .group_by(*keys)
        )
        counted = {(*row[:2], bool(row[2]), row[3], "", ""): tuple(map(int, row[4:])) for row in rows}
        kept: dict[Cell, tuple[int, ...]] = {}
        for month in sorted({cell[0] for cell in counted}):
            kept |= {cell: figures for cell, figures in _kept(caliber, month)[""].items() if cell[0] == month}
        yield from _differences(kind, kept, counted)
