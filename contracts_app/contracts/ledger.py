"""The counting ledger (统计台账): every total of the system is a sum over these rows.

Whatever changes a figure appends signed rows in the same transaction; nothing is ever updated or deleted. A summary by
day, unit and type is added to alongside, so that a year's page never reads a million rows; ``verify`` proves it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Executable, ForeignKey, Index, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from contracts_app.core.clock import now_utc
from contracts_app.core.db import Base, Moment, Money, db, word_type
from contracts_app.core.words import Word

from .models import Contract
from .states import State


class Cause(Word):
    """Why a figure changed."""

    REGISTRATION = "registration", "登记"
    CHANGE = "change", "变更"
    CANCELLATION = "cancellation", "注销"
    REVOCATION = "revocation", "撤销"


class LedgerEntry(Base):
    """One signed change of the figures, with the dimensions as they stood on the day it counts."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("contracts IN (-1, 0, 1)", name="one_contract_at_a_time"),
        Index("ix_ledger_entries_counts_on_unit_code", "counts_on", "unit_code"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    cause: Mapped[Cause] = mapped_column(word_type(Cause, "cause"))
    counts_on: Mapped[date]  # the day in Asia/Shanghai on which the figures change
    recorded_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"))
    type_code: Mapped[str] = mapped_column(ForeignKey("contract_types.code"))
    field_code: Mapped[str | None] = mapped_column(ForeignKey("technology_fields.code"))
    platform_id: Mapped[int | None] = mapped_column(ForeignKey("platforms.id"))
    broker_id: Mapped[int | None] = mapped_column(ForeignKey("brokers.id"))
    seller_region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    buyer_region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    town_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"))
    contracts: Mapped[int]
    total_amount: Mapped[Decimal] = mapped_column(Money)
    technology_amount: Mapped[Decimal] = mapped_column(Money)


class DailyTotal(Base):
    """The ledger summed by day, unit and type. Written only by ``append``."""

    __tablename__ = "daily_totals"

    counts_on: Mapped[date] = mapped_column(primary_key=True)
    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"), primary_key=True)
    type_code: Mapped[str] = mapped_column(ForeignKey("contract_types.code"), primary_key=True)
    contracts: Mapped[int]
    total_amount: Mapped[Decimal] = mapped_column(Money)
    technology_amount: Mapped[Decimal] = mapped_column(Money)


def count_registration(contract: Contract) -> None:
    """Count a contract that is being registered, on its registration date."""
    assert contract.registered_on is not None
    assert contract.seller is not None
    assert contract.buyer is not None
    append(
        [
            LedgerEntry(
                contract_id=contract.id,
                cause=Cause.REGISTRATION,
                counts_on=contract.registered_on,
                unit_code=contract.unit_code,
                type_code=contract.type_code,
                field_code=contract.field_code,
                platform_id=contract.platform_id,
                broker_id=contract.broker_id,
                seller_region_code=contract.seller.region_code,
                buyer_region_code=contract.buyer.region_code,
                town_code=contract.town_code,
                contracts=1,
                total_amount=contract.total_amount,
                technology_amount=contract.technology_amount,
            )
        ]
    )


def append(entries: Iterable[LedgerEntry]) -> None:
    """Add entries to the ledger and to its summary. Call it last in a move: summary rows are shared by everyone."""
    entries = list(entries)
    db.session.add_all(entries)
    db.session.execute(_add_to_summary(), [{name: getattr(entry, name) for name in _SUMMARY} for entry in entries])


_KEYS = ("counts_on", "unit_code", "type_code")
_SUMS = ("contracts", "total_amount", "technology_amount")
_SUMMARY = (*_KEYS, *_SUMS)


def _add_to_summary() -> Executable:
    """INSERT, or add to the row that is there: the same statement in the words of either database."""
    insert = sqlite_insert if db.engine.dialect.name == "sqlite" else postgresql_insert
    statement = insert(DailyTotal)
    return statement.on_conflict_do_update(
        index_elements=_KEYS,
        set_={name: getattr(DailyTotal, name) + getattr(statement.excluded, name) for name in _SUMS},
    )


@dataclass(frozen=True)
class Difference:
    """A cell of the summary that does not equal the count from scratch."""

    where: str
    kept: tuple[int, Decimal, Decimal]
    counted: tuple[int, Decimal, Decimal]


def verify() -> list[Difference]:
    """Count again, from the ledger and from the contracts themselves, and compare every cell of the summary.

    Empty when every total equals a count from scratch.
    """
    kept = _cells(select(*(getattr(DailyTotal, name) for name in _SUMMARY)))
    ledger = _cells(
        select(
            *(getattr(LedgerEntry, name) for name in _KEYS),
            *(func.sum(getattr(LedgerEntry, name)) for name in _SUMS),
        ).group_by(*(getattr(LedgerEntry, name) for name in _KEYS))
    )
    contracts = _cells(
        select(
            Contract.registered_on,
            Contract.unit_code,
            Contract.type_code,
            func.count(),
            func.sum(Contract.total_amount),
            func.sum(Contract.technology_amount),
        )
        .where(Contract.state == State.REGISTERED)
        .group_by(Contract.registered_on, Contract.unit_code, Contract.type_code)
    )
    nothing = (0, Decimal(0), Decimal(0))
    differences = []
    for source, counted in (("台账", ledger), ("合同", contracts)):
        for cell in sorted(kept.keys() | counted.keys()):
            ours, theirs = kept.get(cell, nothing), counted.get(cell, nothing)
            if ours != theirs:
                differences.append(Difference(f"{source} {' '.join(map(str, cell))}", ours, theirs))
    return differences


def _cells(statement: Executable) -> dict[tuple[Any, ...], tuple[int, Decimal, Decimal]]:
    return {tuple(row[:3]): (int(row[3]), row[4], row[5]) for row in db.session.execute(statement)}
