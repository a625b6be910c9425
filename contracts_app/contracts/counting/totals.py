"""Totals: what a contract query adds up to, split by any dimensions. One way for page, list, file and command.

Sums come from the ledger itself. Where it has grown long, most of it has been folded into summaries (``summaries``);
what was counted since, and days for which no sum is kept, are added from the ledger, so a sum is exact at any moment
and writing a contract never touches a summary. What a query asks decides what is read (``spans``).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, select, type_coerce

from contracts_app.accounts.models import Reader
from contracts_app.accounts.permissions import READERS
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import OF_MONEY, OF_REGISTRATION, Cause, Figures, LedgerEntry
from contracts_app.contracts.finding.queries import sees_all_units
from contracts_app.contracts.finding.query import PLACES, ContractQuery, codes_under
from contracts_app.contracts.models import Contract
from contracts_app.core.clock import today
from contracts_app.core.db import db, true_of_few, yuan
from contracts_app.core.words import Word
from contracts_app.regions.models import Level
from contracts_app.regions.queries import codes_of_units

from .dimensions import DIMENSIONS, FACETS, PERIOD_OF, Dimension, Of
from .spans import Cover, cover, month_of_period
from .summaries import FIGURES, FacetTotal, Kind, folded_to

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
        return Sums(  # field by field: a large table adds thousands of them
            self.rows + other.rows,
            self.contracts + other.contracts,
            self.total_amount + other.total_amount,
            self.technology_amount + other.technology_amount,
            self.verified_income + other.verified_income,
            self.received_amount + other.received_amount,
        )

    def __neg__(self) -> "Sums":
        return Sums(*(-own for own in vars(self).values()))

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
    asked = _Asked(query, person, tuple(by), causes)
    letters = _letters(asked) if _may_be_folded(query, person) else None
    if letters is None:
        return _added_up(asked, _from_ledger(asked))
    kind = Kind(letters, query.caliber)
    while True:
        mark = folded_to(kind)
        found = _added_up(asked, _parts(asked, kind, mark))
        if not mark or folded_to(kind) == mark:  # else an entry may have been read twice or not at all
            return found


@dataclass(frozen=True)
class _Asked:
    """What is to be added up for whom, split by what; by cause too where that is asked."""

    query: ContractQuery
    person: Reader
    by: tuple[Dimension, ...]
    causes: bool

    def of_days(self, first: date, last: date) -> "_Asked":
        """The same of some days."""
        since = None if first.year == last.year else first.year
        return replace(self, query=replace(self.query, year=last.year, since=since, date_from=first, date_to=last))

    def words(self) -> list["_Words"]:
        """For each key that the database keeps what it is shown as."""
        return ([_Words(lambda cause: cause.value)] if self.causes else []) + [_Words.of(one) for one in self.by]


class _Words(dict[Any, str]):
    """What stored keys are shown as, each worked out once: a large table has the same few a thousand times."""

    def __init__(self, word: Callable[[Any], str]) -> None:
        super().__init__()
        self.word = word

    def __missing__(self, stored: Any) -> str:
        self[stored] = shown = self.word(stored)
        return shown

    @classmethod
    def of(cls, dimension: Dimension) -> "_Words":
        if dimension.of is Of.TIME:
            period = PERIOD_OF[dimension.code]
            return cls(lambda month: period(int(month)))
        return cls(lambda value: dimension.rolled(str(value)) if value else "")


def _added_up(asked: _Asked, parts: Iterable["Part"]) -> dict[Keys, Sums]:
    found: dict[Keys, Sums] = {}
    words = asked.words()
    for stored, sums in parts:
        shown = tuple([of[key] for of, key in zip(words, stored, strict=True)])
        found[shown] = found[shown] + sums if shown in found else sums
    # What was added and taken away again to the last entry was never counted.
    return {keys: sums for keys, sums in found.items() if sums.rows}


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

Part = tuple[Sequence[Any], Sums]  # stored keys, where it is asked the cause before them


def _parts(asked: _Asked, kind: Kind, mark: int) -> Iterator[Part]:
    """What the query adds up to in stored keys: kept sums, the days they leave over, and what was counted since."""
    if not mark:
        yield from _from_ledger(asked)
        return
    made_of = _cover(asked.query, asked.by, kind)
    for periods, sign in ((made_of.plus, 1), (made_of.minus, -1)):
        if periods:
            yield from _signed(_from_summary(asked, kind, periods), sign)
    for spans, sign in ((made_of.plus_days, 1), (made_of.minus_days, -1)):
        for first, last in spans:
            yield from _signed(_from_ledger(asked.of_days(first, last), LedgerEntry.id <= mark), sign)
    yield from _from_ledger(asked, _is_newer(mark))


def _signed(parts: Iterator[Part], sign: int) -> Iterator[Part]:
    return parts if sign > 0 else ((keys, -sums) for keys, sums in parts)


def _is_newer(mark: int) -> ColumnElement[bool]:
    """Counted since an entry. Another index would find the whole period first."""
    return true_of_few(LedgerEntry.id > mark)


def _may_be_folded(query: ContractQuery, person: Reader) -> bool:
    """Whether everything asked is kept in the summaries."""
    if not person.roles & READERS:
        return False
    if query.mine or query.enterprise or query.q or query.states or not query.counts_by_day:
        return False
    if query.amount_from is not None or query.amount_to is not None:
        return False
    if _is_of_town(person) or sees_all_units(person) or query.unit is None:
        return True
    # Among several units of one's own, a unit's sums leave out what another of them registered.
    return _inside(person) == [query.unit]


def _is_of_town(person: Reader) -> bool:
    """Whether the person reads the contracts of one town: one dimension more that is narrowed to a value."""
    return person.region.level == Level.TOWN


_TOWN = DIMENSIONS["town"]
_FILTERS = {dimension.filter or dimension.code: dimension for dimension in DIMENSIONS.values() if dimension.letter}


def _asked_facets(query: ContractQuery) -> list[tuple[Dimension, Any]]:
    """The dimensions by which the query is narrowed, each with its value; None where it asks for none."""
    asked = [(one, getattr(query, name)) for name, one in _FILTERS.items() if getattr(query, name) is not None]
    return asked + [(_FILTERS[name], None) for name in query.lacking]


def _letters(asked: _Asked) -> str | None:
    """The letters of the summary that holds the answer; None where it takes more than two dimensions."""
    narrowed = [dimension for dimension, _ in _asked_facets(asked.query)]
    used = {one.letter for one in (*asked.by, *narrowed) if one.of is Of.FACET}
    used |= {_TOWN.letter} if _is_of_town(asked.person) else set()
    return "".join(letter for letter in FACETS if letter in used) if len(used) <= 2 else None


def _cover(query: ContractQuery, by: Sequence[Dimension], kind: Kind) -> Cover:
    """The kept sums that make up the query's days."""
    first, last = query.edges
    if last >= today():  # nothing is counted on a day to come: the month and the year are whole
        last = date(last.year, 12, 31)
    is_fine = any(one.of is Of.TIME and one.code != "year" for one in by)
    return cover(first, last, by_year=not is_fine, by_day=kind.has_days)


def _from_ledger(asked: _Asked, *which: ColumnElement[bool]) -> Iterator[Part]:
    keys = [_of_ledger(one, asked.query.caliber) for one in asked.by]
    keys = [LedgerEntry.cause, *keys] if asked.causes else keys
    figures = [type_coerce(func.sum(getattr(LedgerEntry, name)), BigInteger) for name in FIGURES]
    statement = (
        asked.query.matching(asked.person)
        .where(*which)
        .with_only_columns(*keys, func.count(), *figures, maintain_column_froms=True)
        .group_by(*keys)
    )
    return _read(statement, len(keys))


def _of_ledger(dimension: Dimension, caliber: Caliber) -> Any:
    if dimension.of is Of.TIME:
        return LedgerEntry.month if dimension.code != "year" else LedgerEntry.month // 100 * 100
    column = PLACES[caliber] if dimension.of is Of.PLACE else dimension.column
    return getattr(LedgerEntry, column)


def _from_summary(asked: _Asked, kind: Kind, periods: Sequence[int]) -> Iterator[Part]:
    query, of = asked.query, dict(zip(kind.letters, (FacetTotal.a, FacetTotal.b), strict=False))
    keys: list[Any] = [
        FacetTotal.period if one.of is Of.TIME else FacetTotal.place if one.of is Of.PLACE else of[one.letter]
        for one in asked.by
    ]
    keys = [FacetTotal.cause, *keys] if asked.causes else keys
    figures = [type_coerce(func.sum(getattr(FacetTotal, name)), BigInteger) for name in ("entries", *FIGURES)]
    wanted = select(*keys, *figures).where(
        FacetTotal.letters == kind.letters,
        FacetTotal.caliber == kind.caliber,
        _is_of(periods),
        # All but a few, said as that: by a list of those that are meant PostgreSQL would search its index for each.
        FacetTotal.cause == query.cause if query.cause else FacetTotal.cause.not_in(sorted(OF_MONEY)),
        *_places(query, asked.person),
        *(_is_kept(one, value, of[one.letter]) for one, value in _asked_facets(query)),
        *([of[_TOWN.letter] == asked.person.region.code] if _is_of_town(asked.person) else []),
    )
    times = [place for place, key in enumerate(keys) if key is FacetTotal.period]
    for stored, sums in _read(wanted.group_by(*keys), len(keys)):
        for place in times:
            stored[place] = month_of_period(stored[place])
        yield stored, sums


def _is_of(periods: Sequence[int]) -> ColumnElement[bool]:
    """Whether a row is of one of the periods. Months on end are one range of the key: nothing else lies among them.

    PostgreSQL, which does not know how few of a kind's rows are of months, would read all of its days too.
    """
    first, last = min(periods), max(periods)
    months = 1 + (last // 100 - first // 100) * 12 + last % 100 - first % 100
    if first > 100_000 and last < 1_000_000 and months == len(periods):
        return FacetTotal.period.between(first, last)
    return FacetTotal.period.in_(periods)


def _places(query: ContractQuery, person: Reader) -> Iterator[ColumnElement[bool]]:
    """The places that count for this person: all of the city's, or what their own unit registered.

    The town's people see all that is of their town, by whatever place it is counted once a place is asked for.
    """
    if query.unit is not None:
        yield FacetTotal.place == query.unit
    if _is_of_town(person):
        if query.unit is None:
            yield FacetTotal.is_own.is_(True)
    elif not sees_all_units(person):
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


def _read(statement: Select[Any], keys: int) -> Iterator[tuple[list[Any], Sums]]:
    for row in db.session.execute(statement):
        entries, contracts, *amounts = row[keys:]
        if entries:  # of nothing at all the sums are one row, too
            yield list(row[:keys]), Sums(int(entries), int(contracts), *[yuan(fen) for fen in amounts])
