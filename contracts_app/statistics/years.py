"""Which years a page offers: one answer for overview, sentence, report, snapshots and totals."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import literal, select, union_all

from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.regions.models import Region
from contracts_app.regions.queries import codes_of_units
from contracts_app.targets.models import Target, TargetKind


@dataclass(frozen=True)
class Years:
    """Those of a place."""

    counted: range  # from the first to the last of which the ledger has anything
    offered: tuple[int, ...]  # the newest first


def years_of(region: Region, *also: int) -> tuple[int, ...]:
    """The years that a page of the place offers, the newest first."""
    return known_years(region, *also).offered


def known_years(region: Region, *also: int) -> Years:
    """From the first year to the last of which the ledger has anything of the place; offered besides are those it has a
    yearly task for, and this year. One statement.

    ``also`` is what only the caller knows: the year its address asks for, the years it has sealed. A place below the
    units, a town, has the years of its unit.
    """
    units = [
        code for code, path in codes_of_units().items() if path.startswith(region.path) or region.path.startswith(path)
    ]
    task = Target.kind == TargetKind.TASK
    rows = db.session.execute(
        union_all(
            select(literal(True), _edge(units, newest=False)),
            select(literal(True), _edge(units, newest=True)),
            select(literal(False), Target.year * 100).where(task, Target.region_code.in_([region.code, *units])),
        )
    ).all()
    edges = sorted(month // 100 for is_counted, month in rows if is_counted and month)
    counted = range(edges[0], edges[-1] + 1) if edges else range(0)
    tasks = {month // 100 for is_counted, month in rows if not is_counted}
    return Years(counted, tuple(sorted({*counted, *tasks, *also, today().year}, reverse=True)))


def _edge(units: list[str], *, newest: bool) -> Any:
    """The first month, or the last, in which one of these units counted anything; None where none did."""
    order = [LedgerEntry.counts_on, LedgerEntry.id]
    wanted = select(LedgerEntry.month).where(LedgerEntry.unit_code.in_(units))
    return wanted.order_by(*(one.desc() if newest else one for one in order)).limit(1).scalar_subquery()
