"""Every way the money of a contract is read: its own page, what is overdue, what waits to be verified, the proof."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask import abort
from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select, type_coerce, union_all
from sqlalchemy.orm import joinedload, selectinload

from contracts_app.accounts.models import StandIn, User, bound_ids
from contracts_app.accounts.roles import LENT
from contracts_app.brokers.models import Broker
from contracts_app.contracts.books.ledger import Cause, Difference, LedgerEntry
from contracts_app.contracts.finding.queries import in_region_of, may_see
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import NUMBERED, STRUCK_OFF, State
from contracts_app.core.clock import today
from contracts_app.core.db import Money, db
from contracts_app.core.web.pages import Page
from contracts_app.enterprises.models import Enterprise

from . import plan, rights
from .models import Benefit, Receipt, RoyaltyStatement, Verification, VerificationLine
from .room import free_receipts
from .states import WAITING, VerificationState
from .workflow import VERIFICATION

NOTHING = Decimal(0)


# ---- one contract --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Performance:
    """履约: everything that happened to the money of one contract. Amounts are 元."""

    contract: Contract
    person: User
    lines: Sequence[plan.Line]
    receipts: Sequence[Receipt]  # in the order of their days, with what was struck out and the strikes
    royalties: Sequence[RoyaltyStatement]
    verifications: Sequence[Verification]
    benefits: Sequence[Benefit] = field(default=())

    @cached_property
    def received(self) -> Decimal:
        """到账额."""
        return sum((one.amount for one in self.receipts), NOTHING)

    @cached_property
    def verified(self) -> Decimal:
        """核定技术性收入."""
        approved = (one for one in self.verifications if one.state is VerificationState.APPROVED)
        return sum((one.amount for one in approved), NOTHING)

    @property
    def standing_receipts(self) -> list[Receipt]:
        """Money that came in, without what was struck out."""
        return [one for one in self.receipts if one.stands]

    @property
    def standing_royalties(self) -> list[RoyaltyStatement]:
        return [one for one in self.royalties if one.withdrawn_at is None]

    @property
    def outstanding(self) -> Decimal:
        """元 of the plan and of the royalties that are still to come in."""
        of_plan = sum((line.outstanding for line in self.lines), NOTHING)
        return of_plan + sum((one.outstanding for one in self.due_royalties), NOTHING)

    @property
    def overdue(self) -> Decimal:
        """元 of it that are past their day."""
        lines = sum((line.outstanding for line in self.lines if line.days_over), NOTHING)
        return lines + sum((one.outstanding for one in self.due_royalties if one.days_over), NOTHING)

    @property
    def expected(self) -> Decimal:
        """元 that may come in: the price, and the royalties that it does not hold yet."""
        return self.contract.total_amount + self.uncounted_royalties

    @property
    def over(self) -> Decimal:
        """元 received beyond what may come in."""
        return max(self.received - self.expected, NOTHING)

    @property
    def uncounted_royalties(self) -> Decimal:
        """元 of royalties stated since the price was last corrected: the price does not hold them yet."""
        return sum((one.amount for one in self.standing_royalties if not self.is_in_price(one)), NOTHING)

    def is_in_price(self, statement: RoyaltyStatement) -> bool:
        """Whether the price was corrected after the statement."""
        corrected = plan.corrected_at(self.contract)
        return corrected is not None and corrected > statement.recorded_at

    def is_in_plan(self, statement: RoyaltyStatement) -> bool:
        """Whether the plan asks for it by now: `plan.is_in_plan` of one statement."""
        model = self.contract.payment_model
        return bool(model and model.must_sum_to_total) and self.is_in_price(statement)

    @property
    def due_royalties(self) -> list[RoyaltyStatement]:
        """Those that are due by themselves."""
        return [one for one in self.standing_royalties if not self.is_in_plan(one)]

    @property
    def is_open(self) -> bool:
        """Whether the price may still grow: 金额待定, or a royalty."""
        return rights.is_price_open(self.contract)

    @property
    def may_record(self) -> bool:
        return rights.why_not_record(self.contract, self.person) is None

    @property
    def may_request(self) -> bool:
        """Whether the person could ask for a verification now."""
        is_filer = self.contract.filed_by_id == self.person.id and self.may_record
        return is_filer and bool(free_receipts(self.standing_receipts, self.verifications))

    @property
    def may_correct(self) -> bool:
        """Whether the person could ask for the change of the amount."""
        return self.contract.filed_by_id == self.person.id and self.contract.state is State.REGISTERED


def performance_of(contract: Contract, person: User, *, whole: bool = False) -> Performance | None:
    """What the page of a contract shows of its money, with ``whole`` everything; None before its registration."""
    if contract.registration_number is None:
        return None
    receipts = select(Receipt).where(Receipt.contract_id == contract.id)
    royalties = select(RoyaltyStatement).where(RoyaltyStatement.contract_id == contract.id)
    verifications = select(Verification).where(Verification.contract_id == contract.id)
    people = (joinedload(Verification.requested_by), joinedload(Verification.checked_by))
    return Performance(
        contract=contract,
        person=person,
        lines=plan.lines_of(contract),
        receipts=db.session.scalars(
            receipts.options(
                joinedload(Receipt.recorded_by),
                joinedload(Receipt.struck_by),
                joinedload(Receipt.royalty),
                joinedload(Receipt.file),
                selectinload(Receipt.parts),
            ).order_by(Receipt.received_on, Receipt.id)
        ).all(),
        royalties=db.session.scalars(
            royalties.options(
                selectinload(RoyaltyStatement.receipts),
                joinedload(RoyaltyStatement.recorded_by),
                joinedload(RoyaltyStatement.withdrawn_by),
            ).order_by(RoyaltyStatement.year, RoyaltyStatement.id)
        ).all(),
        verifications=db.session.scalars(
            verifications.options(
                *people, joinedload(Verification.decided_by), selectinload(Verification.receipts)
            ).order_by(Verification.id)
        ).all(),
        benefits=benefits_of(contract) if whole else (),
    )


def benefits_of(contract: Contract) -> Sequence[Benefit]:
    """What was drawn on the registration, by day."""
    wanted = select(Benefit).where(Benefit.contract_id == contract.id)
    people = (joinedload(Benefit.recorded_by), joinedload(Benefit.withdrawn_by), joinedload(Benefit.kind))
    return db.session.scalars(wanted.options(*people).order_by(Benefit.claimed_on, Benefit.id)).all()


def receipt(contract: Contract, receipt_id: int) -> Receipt:
    """One receipt of that contract; 404 otherwise."""
    wanted = select(Receipt).where(Receipt.id == receipt_id, Receipt.contract_id == contract.id)
    return db.session.scalars(wanted.options(joinedload(Receipt.struck_by))).one_or_none() or abort(404)


def royalty(contract: Contract, royalty_id: int) -> RoyaltyStatement:
    """One royalty statement of that contract; 404 otherwise."""
    wanted = select(RoyaltyStatement).where(
        RoyaltyStatement.id == royalty_id, RoyaltyStatement.contract_id == contract.id
    )
    return db.session.scalars(wanted).one_or_none() or abort(404)


def benefit(contract: Contract, benefit_id: int) -> Benefit:
    """One benefit of that contract; 404 otherwise."""
    wanted = select(Benefit).where(Benefit.id == benefit_id, Benefit.contract_id == contract.id)
    return db.session.scalars(wanted).one_or_none() or abort(404)


def verification(contract: Contract, verification_id: int) -> Verification:
    """One verification of that contract with everything its page shows; 404 otherwise."""
    wanted = select(Verification).where(Verification.id == verification_id, Verification.contract_id == contract.id)
    found = db.session.scalars(
        wanted.options(
            joinedload(Verification.contract),
            joinedload(Verification.requested_by),
            joinedload(Verification.checked_by),
            joinedload(Verification.decided_by),
            selectinload(Verification.receipts).options(joinedload(Receipt.struck_by), joinedload(Receipt.file)),
            selectinload(Verification.deductions),
            selectinload(Verification.history).options(
                joinedload(VerificationLine.by), joinedload(VerificationLine.for_whom)
            ),
        )
    ).one_or_none()
    return found or abort(404)


# ---- 逾期未到账 -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Overdue:
    """A page of what should have come in, and how much that is together."""

    page: Page[Any]
    amount: Decimal


def overdue(person: User, *, unit: str | None = None, number: int = 1, size: int = 20) -> Overdue:
    """Lines of the plan and royalties past their day, the oldest first, of contracts the person may see."""
    day = today()
    whose = and_(Contract.state.in_(sorted(NUMBERED - STRUCK_OFF)), may_see(person))
    if unit:
        whose = and_(whose, Contract.unit_code == unit)
    # Most plans are paid as they fall due: what is missing of each line is worked out for the others alone.
    lines = plan.outstanding(Contract.id.in_(plan.may_be_overdue(whose, day)))
    came_in = (
        select(func.coalesce(func.sum(Receipt.amount), 0))
        .where(Receipt.royalty_id == RoyaltyStatement.id)
        .scalar_subquery()
    )
    royalties = (
        select(
            RoyaltyStatement.contract_id,
            RoyaltyStatement.due_on,
            literal(0).label("position"),
            RoyaltyStatement.year,
            RoyaltyStatement.amount,
            type_coerce(RoyaltyStatement.amount - came_in, Money).label("outstanding"),
        )
        .join(Contract, Contract.id == RoyaltyStatement.contract_id)
        .where(RoyaltyStatement.withdrawn_at.is_(None), RoyaltyStatement.due_on < day, ~plan.is_in_plan(), whose)
    )
    of_plan = select(
        lines.c.contract_id,
        lines.c.due_on,
        lines.c.position,
        literal(0).label("year"),
        lines.c.amount,
        lines.c.outstanding,
    ).where(lines.c.due_on < day)
    both = union_all(of_plan, royalties).subquery()
    # Counted, added up and cut in one go: what is outstanding is worked out for every plan, and only once.
    order = (both.c.due_on, both.c.contract_id, both.c.position, both.c.year)
    counted = select(both, func.count().over().label("rows"), func.sum(both.c.outstanding).over().label("whole"))
    ordered = counted.where(both.c.outstanding > 0).order_by(*order)
    found = db.session.execute(ordered.limit(size).offset((number - 1) * size)).all()
    if not found and number > 1:
        return overdue(person, unit=unit, size=size)  # beyond the end: the beginning
    total, amount = (found[0].rows, found[0].whole) if found else (0, NOTHING)
    return Overdue(Page(_called(found, day), number, size, total), amount)


_NAMES = ("title", "acceptance_number", "seller")


def _called(found: Sequence[Any], day: date) -> list["_Late"]:
    """The lines with the names of their contracts, which only those of the page need."""
    names = db.session.execute(
        select(Contract.id, Contract.title, Contract.acceptance_number, Enterprise.name.label("seller"))
        .join(Enterprise, Enterprise.id == Contract.seller_id)
        .where(Contract.id.in_({row.contract_id for row in found}))
    )
    by_id = {row.id: {name: getattr(row, name) for name in _NAMES} for row in names}
    columns = ("contract_id", "due_on", "position", "year", "amount", "outstanding")
    return [_Late(**{name: getattr(row, name) for name in columns}, **by_id[row.contract_id], on=day) for row in found]


@dataclass(frozen=True)
class _Late:
    """One line of the list. ``year`` is that of a royalty, else 0."""

    contract_id: int
    due_on: date
    position: int
    year: int
    amount: Decimal
    outstanding: Decimal
    title: str
    acceptance_number: str | None
    seller: str
    on: date

    @property
    def days(self) -> int:
        return (self.on - self.due_on).days

    @property
    def what(self) -> str:
        """第 2 期, or 2025 年提成."""
        return f"{self.year} 年提成" if self.year else f"第 {self.position} 期"


# ---- 核定待办 -------------------------------------------------------------------------------------------------------


def waiting_for(person: User) -> ColumnElement[bool]:
    """Requests that wait for this person: in their own office, or in one they hold. What the guards say, in SQL."""
    return or_(false(), *(_waiting_as(capacity) for capacity in person.capacities(LENT)))


def _waiting_as(person: User | StandIn) -> ColumnElement[bool]:
    from_workflow = VERIFICATION.waiting_for(person.own_roles & LENT) & WAITING
    bound = sorted(bound_ids(person))
    own_deals = select(Broker.id).where(Broker.user_id.in_(bound))
    return and_(
        Verification.state.in_(sorted(from_workflow)),
        in_region_of(person),
        Contract.filed_by_id.not_in(bound),
        or_(Contract.broker_id.is_(None), Contract.broker_id.not_in(own_deals)),
        or_(
            Verification.state != VerificationState.CHECKED,
            func.coalesce(Verification.checked_by_id, 0).not_in(bound),
        ),
    )


def waiting(person: User) -> Sequence[Verification]:
    """What waits for this person, the oldest first. At most 200."""
    wanted = select(Verification).join(Contract, Contract.id == Verification.contract_id).where(waiting_for(person))
    loaded = joinedload(Verification.contract).options(joinedload(Contract.seller), joinedload(Contract.buyer))
    options = (loaded, joinedload(Verification.requested_by))
    return db.session.scalars(
        wanted.options(*options).order_by(Verification.requested_at, Verification.id).limit(200)
    ).all()


def waiting_count(person: User) -> int:
    """How many that are: the number in the menu."""
    wanted = select(func.count(Verification.id)).join(Contract, Contract.id == Verification.contract_id)
    return db.session.scalar(wanted.where(waiting_for(person))) or 0


# ---- the proof -----------------------------------------------------------------------------------------------------


def verify() -> list[Difference]:
    """Compare the ledger's received and verified sums with the receipts and the approved verifications, contract by
    contract, in the database. Empty when they agree."""
    approved = Verification.state == VerificationState.APPROVED
    return [
        *_differing("到账", Cause.RECEIPT, LedgerEntry.received_amount, select(Receipt.contract_id, Receipt.amount)),
        *_differing(
            "核定",
            Cause.VERIFICATION,
            LedgerEntry.verified_income,
            select(Verification.contract_id, Verification.checked_amount.label("amount")).where(approved),
        ),
    ]


def _differing(what: str, cause: Cause, kept: Any, counted: Select[*tuple[Any, ...]]) -> Iterator[Difference]:
    own = counted.subquery()
    nothing = literal(NOTHING, Money)
    both = union_all(
        select(LedgerEntry.contract_id, kept.label("kept"), nothing.label("counted")).where(LedgerEntry.cause == cause),
        select(own.c.contract_id, nothing, own.c.amount),
    ).subquery()
    ours, theirs = func.sum(both.c.kept), func.sum(both.c.counted)
    rows = db.session.execute(
        select(Contract.acceptance_number, ours, theirs)
        .join_from(both, Contract, Contract.id == both.c.contract_id)
        .group_by(Contract.id, Contract.acceptance_number)
        .having(ours != theirs)
        .order_by(Contract.id)
    )
    for number, in_ledger, in_records in rows:
        yield Difference(f"合同 {number}", f"{what}：台账 {in_ledger} 元，记录 {in_records} 元")
