"""重述: what was published beside what the same registrations come to today, and the entries that make the difference.

Two kinds of entry of the ledger do: those counted within the period that were not there when it was frozen (none once
the books are closed), and changes, cancellations and revocations counted after the period of contracts registered in
it. Published figures plus these entries are the restated ones, figure by figure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Select, extract, func, literal, select, union_all
from sqlalchemy.orm import joinedload

from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import OF_REGISTRATION, Cause, Figures, LedgerEntry
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.finding.query import PLACES
from contracts_app.contracts.models import Contract
from contracts_app.core.db import db
from contracts_app.core.web.pages import Page
from contracts_app.regions.models import Unit
from contracts_app.statistics.periods import Period
from contracts_app.targets.models import Target
from contracts_app.targets.queries import targets_for

from .snapshot_contents import GROUPS, TASK, Tables, tables_of
from .snapshots import Frozen

LATER = tuple(cause for cause in OF_REGISTRATION if cause is not Cause.REGISTRATION)
_SUMS = tuple(vars(Figures()))
_SPLIT_BY = dict(zip(GROUPS, ("unit", "type", "month"), strict=True))


@dataclass(frozen=True)
class Line:
    """One figure's row: as it was published and what was added since."""

    key: str
    name: str
    published: Figures
    added: Figures

    @property
    def restated(self) -> Figures:
        return self.published + self.added


@dataclass(frozen=True)
class Restated:
    """A caliber's tables, each line with both."""

    whole: Line
    groups: Mapping[str, Sequence[Line]]
    added: Tables  # what they differ by


@dataclass(frozen=True)
class Because:
    """An entry that makes the difference: with its contract, and whether it was counted within the period."""

    entry: LedgerEntry
    contract: Contract
    is_late: bool


@dataclass(frozen=True)
class TaskLine:
    """A unit's task as it was published and as it stands now for the same day; None without one."""

    name: str
    published: Mapping[str, Any] | None
    value: Decimal | None
    done: Decimal

    @property
    def share(self) -> Fraction | None:
        """What is done of it now."""
        return Fraction(self.done) / Fraction(self.value) if self.value else None

    @property
    def differs(self) -> bool:
        """Whether the task itself is another one now."""
        return (Decimal(self.published["value"]) if self.published else None) != self.value


def restated(frozen: Frozen, caliber: Caliber) -> Restated:
    """The published tables of one caliber beside the restated ones."""
    published, added = frozen.tables(caliber), added_since(frozen, caliber)
    names = frozen.content["names"]
    return Restated(
        Line("", "合计", published.whole, added.whole),
        {group: list(_lines(dict(names[group]), published.of(group), added.of(group), group)) for group in GROUPS},
        added,
    )


def _lines(
    names: Mapping[str, str], published: Mapping[str, Figures], added: Mapping[str, Figures], group: str
) -> Iterator[Line]:
    """The lines that were frozen, then what has begun or was named since: a later month, a newer type."""
    name_of = DIMENSIONS[_SPLIT_BY[group]].name_of
    for key in dict.fromkeys([*names, *published, *sorted(added)]):
        yield Line(key, names.get(key) or name_of(key), published.get(key, Figures()), added.get(key, Figures()))


def added_since(frozen: Frozen, caliber: Caliber, first: date | None = None) -> Tables:
    """What the entries add since, by unit, root type and month of registration.

    With ``first`` those of a longer stretch that ends with the period: what completion is made of.
    """
    place = getattr(LedgerEntry, PLACES[caliber])
    since = _entries(frozen, first or frozen.period.first).subquery()
    wanted = (
        select(place, LedgerEntry.type_code, since.c.month, *(func.sum(getattr(LedgerEntry, name)) for name in _SUMS))
        .join(since, since.c.id == LedgerEntry.id)
        .where(place.is_not(None), *_own_place(frozen, place))
        .group_by(place, LedgerEntry.type_code, since.c.month)
    )
    return tables_of(
        ((unit, DIMENSIONS["type"].rolled(kind), _month(month)), Figures(int(figures[0]), *map(Decimal, figures[1:])))
        for unit, kind, month, *figures in db.session.execute(wanted)
    )


@dataclass(frozen=True)
class Entries(Page[Because]):
    """A page of the entries that make the difference."""

    known: int  # of all of them, how many were known when it was frozen: counted after the period already


def because(frozen: Frozen, number: int = 1, size: int = 20) -> Entries:
    """The entries that make the difference, the earliest first."""
    since = _entries(frozen, frozen.period.first).subquery()
    was_known = since.c.id <= frozen.content["last_entry"]
    counts = select(func.count(), func.count().filter(was_known)).select_from(since)
    total, known = db.session.execute(counts).one()
    number = min(max(1, number), max(1, -(-total // size)))
    # Numbers first: only the page's entries are joined to their contracts.
    chosen = select(since.c.id, since.c.is_late).order_by(since.c.counts_on, since.c.id)
    late = {key: bool(is_late) for key, is_late in db.session.execute(chosen.limit(size).offset((number - 1) * size))}
    wanted = (
        select(LedgerEntry, Contract)
        .join(Contract, Contract.id == LedgerEntry.contract_id)
        .where(LedgerEntry.id.in_(late))
        .options(joinedload(Contract.seller), joinedload(Contract.unit))
        .order_by(LedgerEntry.counts_on, LedgerEntry.id)
    )
    rows = tuple(Because(entry, contract, late[entry.id]) for entry, contract in db.session.execute(wanted))
    return Entries(rows, number, size, total, known)


def later_changes(units: Sequence[Unit], period: Period) -> int:
    """Changes, cancellations and revocations of the period's contracts that are counted after it: no figure of the
    period has them."""
    codes = [unit.code for unit in units]
    return db.session.scalar(_afterwards(codes, period.first, period.last, func.count())) or 0


def tasks(frozen: Frozen, added_in_period: Tables | None = None) -> list[TaskLine]:
    """The tasks of the units, and of all of them together where there are several.

    ``added_in_period`` is what was added since to the period by registration, where the caller has it: of a period that
    begins the year nothing else is asked.
    """
    published = frozen.content["tasks"]
    since = date.fromisoformat(published["since"])
    known = added_in_period if since == frozen.period.first else None
    since_then = known or added_since(frozen, Caliber.REGISTERED, since)
    added = since_then.units
    region = frozen.snapshot.region_code
    codes = [unit.code for unit in frozen.units]
    now = targets_for(frozen.period.year, TASK, [region, *codes], on=frozen.until)
    untold = [code for code in codes if code in now and code not in published["units"]]
    then = _done_then(frozen, since, untold) if untold else {}
    lines = []
    for unit in frozen.units:
        was, target = published["units"].get(unit.code), now.get(unit.code)
        if was or target:
            before = Decimal(was["done"]) if was else then.get(unit.code, Decimal(0))
            done = before + added.get(unit.code, Figures()).total_amount
            lines.append(TaskLine(unit.name, was, target.value if target else None, done))
    if region not in codes and (region in now or lines):
        lines.append(_whole(published, lines, now.get(region), since_then.whole.total_amount))
    return lines


def _done_then(frozen: Frozen, since: date, codes: Sequence[str]) -> dict[str, Decimal]:
    """What units without a task had done since the year began when the figures were frozen, which keep it only of
    units that had one: the entries that were there."""
    rows = db.session.execute(
        select(LedgerEntry.unit_code, func.sum(LedgerEntry.total_amount))
        .where(LedgerEntry.id <= frozen.content["last_entry"], LedgerEntry.counts_on.between(since, frozen.period.last))
        .where(LedgerEntry.unit_code.in_(codes), LedgerEntry.cause.in_(OF_REGISTRATION))
        .group_by(LedgerEntry.unit_code)
    )
    return {unit: Decimal(amount) for unit, amount in rows}


def _whole(published: Mapping[str, Any], lines: Sequence[TaskLine], own: Target | None, added: Decimal) -> TaskLine:
    """The region's own task, or those of its units together."""
    if own:
        return TaskLine("合计", published["whole"], own.value, Decimal(published["done"]) + added)
    held = [line for line in lines if line.value]
    value = sum((line.value for line in held if line.value), Decimal(0)) or None
    return TaskLine("合计", published["whole"], value, sum((line.done for line in held), Decimal(0)))


# --- the entries ------------------------------------------------------------------------------------------------------


def _entries(frozen: Frozen, first: date) -> Select[Any]:
    """Number, day, month of registration and kind of the entries that came since.

    Two statements put together, so that each finds its own index.
    """
    last = frozen.period.last
    codes = [unit.code for unit in frozen.units]
    counted_late = (
        select(LedgerEntry.id, LedgerEntry.counts_on, LedgerEntry.month.label("month"), literal(1).label("is_late"))
        .where(LedgerEntry.id > frozen.content["last_entry"], LedgerEntry.counts_on.between(first, last))
        .where(LedgerEntry.unit_code.in_(codes))
    )
    registered_on = Contract.registered_on
    month = extract("year", registered_on) * 100 + extract("month", registered_on)
    afterwards = _afterwards(codes, first, last, LedgerEntry.id, LedgerEntry.counts_on, month, literal(0))
    return union_all(counted_late, afterwards)  # type: ignore[return-value]


def _afterwards(codes: Sequence[str], first: date, last: date, *columns: Any) -> Select[Any]:
    """Of entries counted after a stretch of days that change what was registered in it."""
    return (
        select(*columns)
        .select_from(LedgerEntry)
        .join(Contract, Contract.id == LedgerEntry.contract_id)
        .where(LedgerEntry.counts_on > last, LedgerEntry.cause.in_(LATER), LedgerEntry.unit_code.in_(codes))
        .where(Contract.registered_on.between(first, last))
    )


def _own_place(frozen: Frozen, place: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
    """A county's snapshot holds what it registered itself and what counts for it, as its own totals do."""
    if len(frozen.units) == 1:
        yield place == LedgerEntry.unit_code


def _month(month: Any) -> str:
    return f"{int(month) // 100}-{int(month) % 100:02d}"
