"""Totals: what a contract query adds up to, split by any dimensions. One way for page, list, file and command.

Sums come from the ledger itself. Where it has grown long, most of it has been folded into a summary: by month for
each dimension, by year for each pair of two, for each caliber and place. What was counted since the last folding is
added from the ledger, so a sum is exact at any moment and writing a contract never touches the summary. What a query
asks decides which of the two is read; ``verify`` proves that they agree.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    String,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from contracts_app.accounts.models import Reader
from contracts_app.accounts.permissions import READERS
from contracts_app.core.clock import today
from contracts_app.core.db import Base, Money, db, unit_of_work, word_type
from contracts_app.core.words import Word
from contracts_app.regions.models import Level
from contracts_app.regions.queries import codes_of_units

from .dimensions import DIMENSIONS, FACETS, PERIOD_OF, Dimension, Of
from .facets import Caliber
from .ledger import OF_REGISTRATION, Cause, Difference, Figures, LedgerEntry, month_of
from .models import Contract
from .queries import sees_all_units
from .query import PLACES, ContractQuery, codes_under

FOLDED_FROM = 10_000  # entries; fewer are added up from the ledger in a few milliseconds


class FacetTotal(Base):
    """Sums of the ledger up to where it was folded. Written only by ``fold``."""

    __tablename__ = "facet_totals"
    __table_args__ = {"sqlite_with_rowid": False}

    letters: Mapped[str] = mapped_column(String(2), primary_key=True)  # of no dimension, of one, of two
    caliber: Mapped[Caliber] = mapped_column(word_type(Caliber, "caliber"), primary_key=True)
    period: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 202503; of two dimensions 202500
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


# --- what a query adds up to ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sums:
    """What a list's footer says of everything that matches. Amounts are 元.

    Rows are as many as contracts, but for a year's list: there a change is a row that counts no contract, and a
    cancellation one that takes a contract away.
    """

    rows: int = 0
    contracts: int = 0
    total_amount: Decimal = Decimal(0)
    technology_amount: Decimal = Decimal(0)
    verified_income: Decimal = Decimal(0)
    received_amount: Decimal = Decimal(0)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(ours + theirs for ours, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def figures(self) -> Figures:
        """The same without the number of rows."""
        return Figures(*tuple(vars(self).values())[1:])


Keys = tuple[str, ...]


def totals(
    query: ContractQuery, person: Reader, by: Sequence[Dimension] = (), *, causes: bool = False
) -> dict[Keys, Sums]:
    """What was counted that matches, split by these dimensions; the query must name a year.

    With ``causes`` the keys begin with the cause. Keys that nothing was counted for are absent.
    """
    letters = _letters(query, by) if _may_be_folded(query, person) else None
    while True:
        folded_to = _folded_to(letters, query.caliber)
        found: dict[Keys, Sums] = {}
        for keys, sums in _parts(query, person, by, letters if folded_to else None, folded_to):
            shown = _rolled(keys[1:], by)
            shown = (keys[0], *shown) if causes else shown
            found[shown] = found.get(shown, Sums()) + sums
        if _folded_to(letters, query.caliber) == folded_to:  # else an entry may have been read twice or not at all
            return found


def total(query: ContractQuery, person: Reader) -> Sums:
    """All of it as one sum."""
    return totals(query, person).get((), Sums())


def sums(query: ContractQuery, person: Reader) -> Sums:
    """Count and sum of all that matches: contracts as they are, or with a year what was counted."""
    tabs = sums_by_tab(query, person)
    return added(tabs[tab] for tab in asked_tabs(query) or tabs if tab in tabs)


def sums_by_tab(query: ContractQuery, person: Reader) -> dict[Word, Sums]:
    """The same for each tab of the list: for each state that occurs, of a year for each cause that occurs.

    Whatever tab the query asks for. The sum over the tabs asked for is what ``sums`` says, so a list needs one
    statement for tabs and footer.
    """
    if query.is_counted:
        everything = query if query.cause not in OF_REGISTRATION else query.without("cause")
        words = {cause.value: cause for cause in Cause}
        return {words[keys[0]]: sums for keys, sums in totals(everything, person, causes=True).items() if sums.rows}
    amounts = [func.coalesce(func.sum(column), 0) for column in (Contract.total_amount, Contract.technology_amount)]
    rows = db.session.execute(
        query.without("states")
        .matching(person)
        .with_only_columns(Contract.state, func.count(), *amounts, maintain_column_froms=True)
        .group_by(Contract.state)
    )
    return {row[0]: Sums(row[1], row[1], Decimal(row[2]), Decimal(row[3])) for row in rows}


def asked_tabs(query: ContractQuery) -> tuple[Word, ...]:
    """The tabs the query asks for; empty: all of them."""
    return ((query.cause,) if query.cause else ()) if query.is_counted else query.states


def added(parts: Iterable[Sums]) -> Sums:
    """Several counts and sums as one."""
    return sum(parts, Sums())


# --- from the ledger and from the summary -----------------------------------------------------------------------------

Part = tuple[tuple[str, ...], Sums]  # cause and stored keys


def _parts(
    query: ContractQuery, person: Reader, by: Sequence[Dimension], letters: str | None, folded_to: int
) -> Iterator[Part]:
    """What the query adds up to in stored keys, from as few rows as can be read for it."""
    span = _folded_span(query, letters, by) if letters is not None else None
    if letters is None or span is None:
        yield from _from_ledger(query, person, by)
        return
    yield from _from_summary(query, person, by, letters, span)
    yield from _from_ledger(_of_days(query, *span), person, by, after=folded_to)
    first, last = query.edges
    for rest in ((first, span[0] - timedelta(days=1)), (span[1] + timedelta(days=1), last)):
        if rest[0] <= rest[1]:
            yield from _from_ledger(_of_days(query, *rest), person, by)


def _may_be_folded(query: ContractQuery, person: Reader) -> bool:
    """Whether everything asked is kept in the summaries."""
    if person.region.level == Level.TOWN or not person.roles & READERS:
        return False
    if query.mine or query.enterprise or query.q or query.states or not query.counts_by_day:
        return False
    if query.amount_from is not None or query.amount_to is not None:
        return False
    return sees_all_units(person) or query.unit is None or query.unit in _inside(person)


_FILTERS = {dimension.filter or dimension.code: dimension for dimension in DIMENSIONS.values() if dimension.letter}


def _asked_facets(query: ContractQuery) -> list[tuple[Dimension, Any]]:
    """The dimensions by which the query is narrowed, each with its value; None where it asks for none."""
    asked = [(one, getattr(query, name)) for name, one in _FILTERS.items() if getattr(query, name) is not None]
    return asked + [(_FILTERS[name], None) for name in query.lacking]


def _letters(query: ContractQuery, by: Sequence[Dimension]) -> str | None:
    """The letters of the summary that holds the answer; None where it takes more than two dimensions."""
    used = {one.letter for one in (*by, *(dimension for dimension, _ in _asked_facets(query))) if one.of is Of.FACET}
    return "".join(letter for letter in FACETS if letter in used) if len(used) <= 2 else None


def _folded_span(query: ContractQuery, letters: str, by: Sequence[Dimension]) -> tuple[date, date] | None:
    """The days that whole months make, or whole years where two dimensions are asked; None where there are none."""
    first, last = query.edges
    fine = any(one.of is Of.TIME and one.code != "year" for one in by)
    if len(letters) == 2 and fine:
        return None
    if last >= today():  # nothing is counted on a day to come: the month and the year are whole
        last = date(last.year, 12, 31)
    begins, ends = (_next_year, _last_year) if len(letters) == 2 else (_next_month, _last_month)
    first, last = begins(first), ends(last)
    return (first, min(last, query.edges[1])) if first <= last else None


def _next_year(day: date) -> date:
    return day if (day.month, day.day) == (1, 1) else date(day.year + 1, 1, 1)


def _last_year(day: date) -> date:
    return day if (day.month, day.day) == (12, 31) else date(day.year - 1, 12, 31)


def _next_month(day: date) -> date:
    return day if day.day == 1 else (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _last_month(day: date) -> date:
    tomorrow = day + timedelta(days=1)
    return day if tomorrow.day == 1 else day.replace(day=1) - timedelta(days=1)


def _of_days(query: ContractQuery, first: date, last: date) -> ContractQuery:
    since = None if first.year == last.year else first.year
    return replace(query, year=last.year, since=since, date_from=first, date_to=last)


_FIGURES = ("contracts", "total_amount", "technology_amount", "verified_income", "received_amount")


def _from_ledger(
    query: ContractQuery, person: Reader, by: Sequence[Dimension], after: int | None = None
) -> Iterator[Part]:
    keys = [_of_ledger(one, query.caliber) for one in by]
    matching = query.matching(person)
    if after is not None:
        # By its number: few were added since. Another index would find the whole period first, unless SQLite is told.
        newer = LedgerEntry.id > after
        is_sqlite = db.engine.dialect.name == "sqlite"
        matching = matching.where(func.likelihood(newer, literal_column("0.000001")) if is_sqlite else newer)
    figures = [func.sum(getattr(LedgerEntry, name)) for name in _FIGURES]
    statement = matching.with_only_columns(
        LedgerEntry.cause, *keys, func.count(), *figures, maintain_column_froms=True
    ).group_by(LedgerEntry.cause, *keys)
    yield from _read(statement, len(by))


def _of_ledger(dimension: Dimension, caliber: Caliber) -> Any:
    if dimension.of is Of.TIME:
        return LedgerEntry.month if dimension.code != "year" else LedgerEntry.month // 100 * 100
    column = PLACES[caliber] if dimension.of is Of.PLACE else dimension.column
    return getattr(LedgerEntry, column)


def _from_summary(
    query: ContractQuery, person: Reader, by: Sequence[Dimension], letters: str, span: tuple[date, date]
) -> Iterator[Part]:
    of = dict(zip(letters, (FacetTotal.a, FacetTotal.b), strict=False))
    keys: list[Any] = [
        FacetTotal.period if one.of is Of.TIME else FacetTotal.place if one.of is Of.PLACE else of[one.letter]
        for one in by
    ]
    # Two dimensions are kept by year, under a month of nought.
    first, last = (month_of(day) // 100 * 100 if len(letters) == 2 else month_of(day) for day in span)
    wanted = select(
        FacetTotal.cause, *keys, func.sum(FacetTotal.entries), *(func.sum(getattr(FacetTotal, one)) for one in _FIGURES)
    ).where(
        FacetTotal.letters == letters,
        FacetTotal.caliber == query.caliber,
        FacetTotal.period.between(first, last),
        FacetTotal.cause == query.cause if query.cause else FacetTotal.cause.in_(OF_REGISTRATION),
        *_places(query, person),
        *(_is_kept(one, value, of[one.letter]) for one, value in _asked_facets(query)),
    )
    yield from _read(wanted.group_by(FacetTotal.cause, *keys), len(by))


def _places(query: ContractQuery, person: Reader) -> Iterator[ColumnElement[bool]]:
    """The places that count for this person: all of the city's, or what their own unit registered."""
    if query.unit is not None:
        yield FacetTotal.place == query.unit
    if not sees_all_units(person):
        yield FacetTotal.place.in_(_inside(person))
        yield FacetTotal.is_own.is_(True)


def _inside(person: Reader) -> list[str]:
    return sorted(code for code, path in codes_of_units().items() if path.startswith(person.region.path))


def _is_kept(dimension: Dimension, value: Any, column: Any) -> ColumnElement[bool]:
    """Whether a row of the summary is of the value asked for, as ``ContractQuery`` has it; None asks for none."""
    if value is None:
        return column == ""
    if dimension.column == "type_code":
        return column == value if value[-1].isdigit() else column.startswith(value)
    if dimension.codes is not None:
        return column.in_(codes_under(dimension.codes, value))
    return column == str(value)


def _read(statement: Select[Any], keys: int) -> Iterator[Part]:
    for cause, *row in db.session.execute(statement):
        figures = [Decimal(value or 0) for value in row[keys + 2 :]]
        yield (cause.value, *row[:keys]), Sums(int(row[keys]), int(row[keys + 1] or 0), *figures)


def _rolled(stored: tuple[Any, ...], by: Sequence[Dimension]) -> Keys:
    """From what the database keeps to the keys that are shown."""
    return tuple(
        PERIOD_OF[one.code](int(value)) if one.of is Of.TIME else one.rolled(str(value)) if value else ""
        for one, value in zip(by, stored, strict=True)
    )


# --- folding ----------------------------------------------------------------------------------------------------------


def _folded_to(letters: str | None, caliber: Caliber) -> int:
    """The last entry in one kind of sum; 0 where there is none yet, or no kind has what is asked."""
    if letters is None:
        return 0
    wanted = select(Fold.folded_to).where(Fold.letters == letters, Fold.caliber == caliber)
    return db.session.scalar(wanted) or 0


def waiting() -> int:
    """How many numbers of entries have been given since all of the ledger was folded."""
    last = db.session.scalar(select(func.max(LedgerEntry.id))) or 0
    number, least = db.session.execute(select(func.count(), func.min(Fold.folded_to))).one()
    return last - (least if number == len(_foldings()) else 0)


def fold(told: Callable[[int, int], None] = lambda done, whole: None) -> int:
    """Fold what the ledger holds into the summaries; returns how many entries that was. For commands and timers.

    Safe at any time and beside people who register: each kind of sum is brought up to date in a moment of its own.
    On PostgreSQL they wait only while the last entry's number is read; SQLite has one writer, so there they wait for
    one kind at a time, a second or two for a million entries. ``told`` hears how many of the sums are done.
    """
    with unit_of_work() as work:
        if work.get_bind().dialect.name == "postgresql":
            # Whoever is adding an entry finishes first: below the number that is read now, none will appear later.
            work.execute(text("LOCK TABLE ledger_entries IN SHARE MODE"))
        last = work.scalar(select(func.max(LedgerEntry.id))) or 0
    folded, foldings = 0, _foldings()
    for done, folding in enumerate(foldings, 1):
        folded = max(folded, _bring_up_to(last, folding))
        told(done, len(foldings))
    return folded


def _bring_up_to(last: int, folding: "_Folding") -> int:
    """Fold the entries up to one into one kind of sum; returns how many there were."""
    kind = {"letters": folding.letters, "caliber": folding.caliber}
    with unit_of_work() as work:
        # One row for all time, also where two begin at once: the second waits for the first.
        work.execute(_insert()(Fold).values(**kind, folded_to=0).on_conflict_do_nothing())
        mark = work.get_one(Fold, kind, with_for_update=True, populate_existing=True)
        if last <= mark.folded_to:
            return 0
        _add(folding, mark.folded_to, last)
        folded, mark.folded_to = last - mark.folded_to, last
    return folded


@dataclass(frozen=True)
class _Folding:
    """One sum that is kept: of a caliber, by no, one or two dimensions."""

    letters: str
    caliber: Caliber

    def of(self, *entries: ColumnElement[bool]) -> Select[Any]:
        """The rows of the summary that these entries make, column by column."""
        place = getattr(LedgerEntry, PLACES[self.caliber])
        values = [_stored(letter) for letter in self.letters] + [literal("")] * (2 - len(self.letters))
        month = LedgerEntry.month // 100 * 100 if len(self.letters) == 2 else LedgerEntry.month
        keys = (month, place, place == LedgerEntry.unit_code, LedgerEntry.cause, *values)
        plain = [key for key in keys if not isinstance(key, BindParameter)]
        names = ("period", "place", "is_own", "cause", "a", "b")
        labelled = [key.label(name) for key, name in zip(keys, names, strict=True)]
        figures = [func.sum(getattr(LedgerEntry, name)).label(name) for name in _FIGURES]
        return (
            select(
                literal(self.letters).label("letters"),
                literal(self.caliber, FacetTotal.caliber.type).label("caliber"),
                *labelled,
                func.count().label("entries"),
                *figures,
            )
            .where(place.is_not(None), *entries)
            .group_by(*plain)
        )


def _stored(letter: str) -> ColumnElement[str]:
    """A dimension's column as text; "" for none."""
    return func.coalesce(cast(getattr(LedgerEntry, FACETS[letter]), String), "")


def _foldings() -> list[_Folding]:
    kept = ["", *FACETS, *("".join(pair) for pair in combinations(FACETS, 2))]
    return [_Folding(letters, caliber) for letters in kept for caliber in Caliber]


_KEYS = ("letters", "caliber", "period", "place", "is_own", "cause", "a", "b")
_ADDED = ("entries", *_FIGURES)


def _insert() -> Any:
    """The insert of this database, which can say what to do where the row is there already."""
    return sqlite_insert if db.engine.dialect.name == "sqlite" else postgresql_insert


def _add(folding: _Folding, after: int, last: int) -> None:
    entries = folding.of(LedgerEntry.id > after, LedgerEntry.id <= last)
    statement = _insert()(FacetTotal).from_select([*_KEYS, *_ADDED], entries)
    added_up = {name: getattr(FacetTotal, name) + getattr(statement.excluded, name) for name in _ADDED}
    db.session.execute(statement.on_conflict_do_update(index_elements=_KEYS, set_=added_up))


def verify(told: Callable[[int, int], None] = lambda done, whole: None) -> Iterator[Difference]:
    """Every row of the summaries that is not what the folded entries add up to; nothing where all agree."""
    foldings = _foldings()
    for done, folding in enumerate(foldings, 1):
        last = _folded_to(folding.letters, folding.caliber)
        kept = select(*(getattr(FacetTotal, name).label(name) for name in (*_KEYS, *_ADDED))).where(
            FacetTotal.letters == folding.letters, FacetTotal.caliber == folding.caliber
        )
        counted = folding.of(LedgerEntry.id <= last).subquery()
        again = select(*(counted.c[name] for name in _KEYS), *((-counted.c[name]).label(name) for name in _ADDED))
        both = union_all(kept, again).subquery()
        keys, off = [both.c[name] for name in _KEYS], [func.sum(both.c[name]) for name in _ADDED]
        differing = select(*keys, *off).group_by(*keys).having(or_(*(one != 0 for one in off))).order_by(*keys)
        for row in db.session.execute(differing):
            where = " ".join(str(key) for key in row[: len(_KEYS)] if key != "")
            yield Difference(f"汇总 {where}", f"与台账相差 {row[-5]} 项 {Decimal(row[-4]):.2f} 元")
        told(done, len(foldings))
    unknown = select(FacetTotal.letters).where(FacetTotal.letters.not_in({one.letters for one in foldings})).distinct()
    yield from (Difference(f"汇总 {letters}", "不是任何维度的汇总") for letters in db.session.scalars(unknown))
