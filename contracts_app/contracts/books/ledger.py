"""The counting ledger (统计台账): every total of the system is a sum over these rows.

Whatever changes a figure appends signed rows in the same transaction; nothing is ever updated or deleted. What is
summed up beside it, and how, is told in ``totals``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Subquery,
    and_,
    extract,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Mapped, mapped_column

from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import STRUCK_OFF
from contracts_app.core.clock import now_utc
from contracts_app.core.db import Base, Moment, Money, db, word_type
from contracts_app.core.words import Word
from contracts_app.regions.queries import home_path, unit_code_of

from .closings import must_be_open
from .facets import Band, Flow, band_in, band_of, flow_of


class Cause(Word):
    """Why a figure changed."""

    REGISTRATION = "registration", "登记"
    CHANGE = "change", "变更"
    CANCELLATION = "cancellation", "注销"
    REVOCATION = "revocation", "撤销"
    RECEIPT = "receipt", "到账"
    VERIFICATION = "verification", "核定"


# What happens to money after the registration: it counts no contract and moves no 成交额, so the lists of what was
# registered leave it out unless it is asked for.
OF_MONEY = frozenset({Cause.RECEIPT, Cause.VERIFICATION})
OF_REGISTRATION = tuple(cause for cause in Cause if cause not in OF_MONEY)
_CHOSEN = (
    *("type_code", "field_code", "platform_id", "broker_id", "town_code", "ip_code", "plan_source_code"),
    *("payment_model_code", "seller_kind_code", "buyer_kind_code", "seller_unit_code", "buyer_unit_code"),
)
_COUNTED = ("cause", "type_code", "filed_by_id", "contracts", "total_amount", "technology_amount")
_MORE_MONEY = ("verified_income", "received_amount")
_REST = (*(name for name in _CHOSEN if name not in _COUNTED), "flow", "amount_band", *_MORE_MONEY)


class LedgerEntry(Base):
    """One signed change of the figures, with the dimensions as they stood on the day it counts."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("contracts IN (-1, 0, 1)", name="one_contract_at_a_time"),
        CheckConstraint("cause <> 'registration' OR contracts = 1", name="registration_counts_one"),
        CheckConstraint(
            "cause IN ('receipt', 'verification') OR (verified_income = 0 AND received_amount = 0)",
            name="money_counts_as_money",
        ),
        CheckConstraint(
            "cause NOT IN ('receipt', 'verification')"
            " OR (contracts = 0 AND total_amount = 0 AND technology_amount = 0)",
            name="money_counts_no_contract",
        ),
        Index(
            "uq_ledger_entries_registration",
            "contract_id",
            unique=True,
            sqlite_where=text("cause = 'registration'"),
            postgresql_where=text("cause = 'registration'"),
        ),
        # A page of a year's list, of all units and of one; both hold all that its footer adds up. The first has all
        # that a total may ask of some days, so that these are added up from the index alone.
        Index("ix_ledger_entries_counts_on_id", "counts_on", "id", "unit_code", *_COUNTED, *_REST),
        Index("ix_ledger_entries_counts", "unit_code", "counts_on", "id", *_COUNTED),
        # A page of a list that is cut from one value of a dimension, the last counted first.
        *(Index(f"ix_ledger_entries_{name}", name, "counts_on", "id") for name in _CHOSEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    cause: Mapped[Cause] = mapped_column(word_type(Cause, "cause"))
    counts_on: Mapped[date]  # the day in Asia/Shanghai on which the figures change
    month: Mapped[int]  # of that day: 202503
    recorded_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"))
    type_code: Mapped[str] = mapped_column(ForeignKey("contract_types.code"))
    field_code: Mapped[str | None] = mapped_column(ForeignKey("technology_fields.code"))
    platform_id: Mapped[int | None] = mapped_column(ForeignKey("platforms.id"))
    broker_id: Mapped[int | None] = mapped_column(ForeignKey("brokers.id"))
    seller_region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    buyer_region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    seller_unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))  # None outside the units
    buyer_unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))
    seller_kind_code: Mapped[str] = mapped_column(ForeignKey("party_types.code"))
    buyer_kind_code: Mapped[str] = mapped_column(ForeignKey("party_types.code"))
    ip_code: Mapped[str | None] = mapped_column(ForeignKey("ip_kinds.code"))
    plan_source_code: Mapped[str | None] = mapped_column(ForeignKey("plan_sources.code"))
    payment_model_code: Mapped[str | None] = mapped_column(ForeignKey("payment_models.code"))
    flow: Mapped[Flow] = mapped_column(word_type(Flow, "flow"))
    amount_band: Mapped[Band] = mapped_column(word_type(Band, "amount_band"))
    town_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"))
    filed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))  # whose it is to see
    contracts: Mapped[int]
    total_amount: Mapped[Decimal] = mapped_column(Money)
    technology_amount: Mapped[Decimal] = mapped_column(Money)
    verified_income: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))  # 核定技术性收入
    received_amount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))  # 到账额


# --- what an event does to the figures -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dimensions:
    """Where a contract counts: everything a total can be split by."""

    unit_code: str
    type_code: str
    field_code: str | None
    platform_id: int | None
    broker_id: int | None
    seller_region_code: str
    buyer_region_code: str
    town_code: str | None
    filed_by_id: int
    seller_unit_code: str | None
    buyer_unit_code: str | None
    seller_kind_code: str
    buyer_kind_code: str
    ip_code: str | None
    plan_source_code: str | None
    payment_model_code: str | None
    flow: Flow
    amount_band: Band


@dataclass(frozen=True)
class Figures:
    """A number of contracts and the four amounts in 元 (domain facts 4.1), with a sign."""

    contracts: int = 0
    total_amount: Decimal = Decimal(0)
    technology_amount: Decimal = Decimal(0)
    verified_income: Decimal = Decimal(0)
    received_amount: Decimal = Decimal(0)

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(ours + theirs for ours, theirs in zip(self, other, strict=True)))

    def __sub__(self, other: "Figures") -> "Figures":
        return self + -other

    def __neg__(self) -> "Figures":
        return Figures(*(-own for own in self))

    def __bool__(self) -> bool:
        return any(self)

    def __iter__(self) -> Iterator[Any]:
        return iter(vars(self).values())


Standing = Mapping[Dimensions, Figures]
NOTHING: Standing = {}


def dimensions_of(contract: Contract) -> Dimensions:
    """Where the contract counts as it reads now."""
    assert contract.unit_code is not None
    assert contract.type_code is not None
    assert contract.seller is not None
    assert contract.buyer is not None
    return Dimensions(
        unit_code=contract.unit_code,
        type_code=contract.type_code,
        field_code=contract.field_code,
        platform_id=contract.platform_id,
        broker_id=contract.broker_id,
        seller_region_code=contract.seller.region_code,
        buyer_region_code=contract.buyer.region_code,
        town_code=contract.town_code,
        filed_by_id=contract.filed_by_id,
        seller_unit_code=unit_code_of(contract.seller.region.path),
        buyer_unit_code=unit_code_of(contract.buyer.region.path),
        seller_kind_code=contract.seller.party_type_code,
        buyer_kind_code=contract.buyer.party_type_code,
        ip_code=contract.ip_code,
        plan_source_code=contract.plan_source_code,
        payment_model_code=contract.payment_model_code,
        flow=flow_of(contract.seller.region, contract.buyer.region, home_path()),
        amount_band=band_of(contract.total_amount),
    )


def counted_whole(contract: Contract) -> Standing:
    """What a contract stands for that counts as it reads now."""
    return {dimensions_of(contract): Figures(1, contract.total_amount, contract.technology_amount)}


def counted_after_change(standing: Standing, before: Dimensions, contract: Contract) -> Standing:
    """What stands for a contract once it was changed: moved only where the change touched it.

    A party that has moved away since the registration does not take the contract along because its amount changes.
    """
    after, moved = dimensions_of(contract), {}
    for one in fields(Dimensions):
        if getattr(before, one.name) != (now := getattr(after, one.name)):
            moved[one.name] = now
    where = next((dimensions for dimensions, figures in standing.items() if figures.contracts), after)
    return {replace(where, **moved): Figures(1, contract.total_amount, contract.technology_amount)}


def difference(standing: Standing, wanted: Standing) -> list[tuple[Dimensions, Figures]]:
    """What must be added so that what stands becomes what is wanted; what is taken away comes first.

    Where only amounts differ that is one line that counts no contract; where a dimension differs, what stands is
    taken back and entered anew; where nothing is wanted any more, everything that stands is taken back.
    """
    steps = {where: wanted.get(where, Figures()) + -standing.get(where, Figures()) for where in {**standing, **wanted}}
    return sorted(((where, step) for where, step in steps.items() if step), key=lambda step: step[1].contracts)


def standing_of(contract: Contract) -> Standing:
    """What the ledger holds of a contract's registration now, by where it counts; money that came is not part of it."""
    names = [one.name for one in fields(Dimensions)]
    where = [getattr(LedgerEntry, name) for name in names]
    rows = db.session.execute(
        select(*where, *(func.sum(getattr(LedgerEntry, name)) for name in _SUMS))
        .where(LedgerEntry.contract_id == contract.id, LedgerEntry.cause.in_(OF_REGISTRATION))
        .group_by(*where)
        .order_by(*where)
    ).all()
    found = {Dimensions(*row[: len(names)]): Figures(int(row[-3]), Decimal(row[-2]), Decimal(row[-1])) for row in rows}
    return {dimensions: figures for dimensions, figures in found.items() if figures}


def last_day_of(contract: Contract) -> date | None:
    """The last day on which a contract's registration was counted or changed; None before it."""
    wanted = select(func.max(LedgerEntry.counts_on)).where(
        LedgerEntry.contract_id == contract.id, LedgerEntry.cause.in_(OF_REGISTRATION)
    )
    return db.session.scalar(wanted)


def entries(contract: Contract, cause: Cause, day: date, wanted: Standing, standing: Standing) -> list["LedgerEntry"]:
    """The rows by which what stands for a contract becomes what is wanted, on the day on which they count."""
    return [_entry(contract, cause, day, where, step) for where, step in difference(standing, wanted)]


def _entry(contract: Contract, cause: Cause, day: date, where: Dimensions, step: Figures) -> "LedgerEntry":
    return LedgerEntry(
        contract_id=contract.id, cause=cause, counts_on=day, month=month_of(day), **vars(where), **vars(step)
    )


def month_of(day: date) -> int:
    """A day's month as one number: 202503."""
    return day.year * 100 + day.month


def count_registration(contract: Contract) -> None:
    """Count a contract that is being registered, on its registration date."""
    assert contract.registered_on is not None
    append(entries(contract, Cause.REGISTRATION, contract.registered_on, counted_whole(contract), NOTHING))


def count_change(contract: Contract, before: Dimensions, day: date) -> None:
    """Count what a change made of a contract, on the day of the decision; ``before``: where it counted until then."""
    standing = standing_of(contract)
    append(entries(contract, Cause.CHANGE, day, counted_after_change(standing, before, contract), standing))


def strike_off(contract: Contract, cause: Cause, day: date) -> None:
    """Take back everything that stands for a contract, on the day of the decision; earlier years stay as they were."""
    append(entries(contract, cause, day, NOTHING, standing_of(contract)))


def count_receipt(contract: Contract, amount: Decimal, day: date, at: datetime) -> None:
    """Count money (元) that came in for a contract on a day. 到账额, domain facts 4.1.

    ``at`` is the moment at which it was written down: what counts it can be found by it and taken back.
    """
    _count_money(contract, Cause.RECEIPT, day, Figures(received_amount=amount), at)


def count_verification(contract: Contract, amount: Decimal, day: date, at: datetime) -> None:
    """Count technology income (元) that was verified on a day, decided ``at`` a moment. 核定技术性收入, 4.1."""
    _count_money(contract, Cause.VERIFICATION, day, Figures(verified_income=amount), at)


def _count_money(contract: Contract, cause: Cause, day: date, figures: Figures, at: datetime) -> None:
    entry = _entry(contract, cause, day, _where(contract), figures)
    entry.recorded_at = at
    append([entry])


def take_back_money(contract: Contract, cause: Cause, figures: Figures, at: datetime, day: date) -> None:
    """Take back on a day what was counted ``at`` a moment, where it was counted: the contract may have moved since."""
    counted = {"contract_id": contract.id, "cause": cause, "recorded_at": at, **vars(figures)}
    wanted = select(*(getattr(LedgerEntry, one.name) for one in fields(Dimensions))).filter_by(**counted)
    where = Dimensions(*db.session.execute(wanted.order_by(LedgerEntry.id).limit(1)).one())
    append([_entry(contract, cause, day, where, -figures)])


def _where(contract: Contract) -> Dimensions:
    """Where a contract counts now; one that was struck off, where it reads."""
    return next(iter(standing_of(contract)), None) or dimensions_of(contract)


def append(new: Iterable[LedgerEntry]) -> None:
    """Add entries to the ledger. Raises ``Refused`` where one would count on a day that its unit has closed."""
    new = list(new)
    if not new:
        return
    must_be_open([(entry.unit_code, entry.counts_on) for entry in new])
    db.session.add_all(new)
    db.session.flush()  # a second registration is found here and not at the end


# --- the proof --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """Where two counts of the same thing do not agree, or an entry stands where it should not."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}：{self.what}"


def verify() -> list[Difference]:
    """Count again from scratch and compare the ledger with every contract.

    A contract that counts has entries that add up to one contract with its amounts, where it stands now; any other
    has entries that add up to nothing. A registration counts on its day. Empty when all of it holds. The database
    does the counting and gives only what differs. Money that came in is compared by the room that keeps it.
    """
    return [*_contract_differences(), *_day_differences()]


_SUMS = ("contracts", "total_amount", "technology_amount")
_PLACE = (  # as the contract has them
    *("unit_code", "type_code", "field_code", "platform_id", "broker_id", "town_code"),
    *("ip_code", "plan_source_code", "payment_model_code"),
)


def _contract_differences() -> Iterator[Difference]:
    """Contracts of which the ledger says something else than they themselves."""
    counts = and_(Contract.registration_number.is_not(None), Contract.state.not_in(sorted(STRUCK_OFF)))
    both = union_all(
        select(
            LedgerEntry.contract_id,
            *_labelled(LedgerEntry, _PLACE),
            LedgerEntry.amount_band.cast(String).label("band"),
            *_two_sides(LedgerEntry, 0),
        ).where(LedgerEntry.cause.in_(OF_REGISTRATION)),
        select(
            Contract.id,
            *_labelled(Contract, _PLACE),
            band_in(Contract.total_amount).cast(String).label("band"),
            *_two_sides(Contract, 1),
        ).where(counts),
    ).subquery()
    keys = [both.c.contract_id, *(both.c[name] for name in _PLACE), both.c.band]
    for row in _differing(both, keys):
        contract_id, unit, type_code = row[:3]
        where = f"合同 {_called(contract_id)} {unit} {type_code}"
        yield Difference(where, f"台账 {_said(row[-6:-3])}，合同 {_said(row[-3:])}")


def _day_differences() -> Iterator[Difference]:
    """Registrations that count on another day than the contract's, and entries of another month than their day's."""
    day = LedgerEntry.counts_on
    rows = db.session.execute(
        select(LedgerEntry.contract_id, day, Contract.registered_on)
        .join(Contract, Contract.id == LedgerEntry.contract_id)
        .where(
            or_(
                and_(
                    LedgerEntry.cause == Cause.REGISTRATION,
                    LedgerEntry.counts_on.is_distinct_from(Contract.registered_on),
                ),
                LedgerEntry.month
                != extract("year", LedgerEntry.counts_on) * 100 + extract("month", LedgerEntry.counts_on),
            )
        )
        .order_by(LedgerEntry.id)
    )
    for contract_id, counted, registered in rows:
        yield Difference(f"合同 {_called(contract_id)}", f"台账计入 {counted}，合同登记于 {registered}")


def _called(contract_id: int) -> str:
    number = db.session.scalar(select(Contract.acceptance_number).where(Contract.id == contract_id))
    return number or f"#{contract_id}"


def _labelled(table: type[Base], names: Iterable[str]) -> list[ColumnElement[Any]]:
    return [getattr(table, name).label(name) for name in names]


def _two_sides(table: type[Base], side: int) -> list[ColumnElement[Any]]:
    """The three figures of one side, and noughts for the other: added up side by side, they can be compared."""
    own = [getattr(table, name, literal(1)) for name in _SUMS]
    none = [literal(0), literal(Decimal(0), Money), literal(Decimal(0), Money)]
    places = (own, none) if side == 0 else (none, own)
    names = [f"{name}_{end}" for end in ("kept", "counted") for name in _SUMS]
    return [column.label(name) for column, name in zip((*places[0], *places[1]), names, strict=True)]


def _differing(both: Subquery, keys: Sequence[ColumnElement[Any]]) -> Sequence[Any]:
    kept, counted = ([func.sum(both.c[f"{name}_{end}"]) for name in _SUMS] for end in ("kept", "counted"))
    unequal = or_(*(ours != theirs for ours, theirs in zip(kept, counted, strict=True)))
    return db.session.execute(select(*keys, *kept, *counted).group_by(*keys).having(unequal).order_by(*keys)).all()


def _said(row: Sequence[Any]) -> str:
    return f"{int(row[0])} 项 {Decimal(row[1]):.2f} 元（技术交易额 {Decimal(row[2]):.2f} 元）"
