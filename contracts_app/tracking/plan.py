"""The payment plan against what came in: how much of each line is still outstanding, said once and in the database.

Money is first put to the lines that were named with a receipt; what is left of the receipts for the plan is poured over
the rest of the lines in the order in which they are due. So a plan that was changed later needs nothing to be redone.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, case, func, or_, select, type_coerce
from sqlalchemy.orm import aliased

from contracts_app.codes.models import PaymentModel
from contracts_app.contracts.case_models import ContractCase, Outcome
from contracts_app.contracts.models import Contract, PlannedPayment
from contracts_app.core.clock import today
from contracts_app.core.db import Money, db
from contracts_app.core.words import Word

from .models import Receipt, ReceiptPart, RoyaltyStatement


class Standing(Word):
    """How a line of the plan stands today."""

    PAID = "paid", "已到账"
    PARTLY = "partly", "部分到账"
    OVERDUE = "overdue", "逾期"
    DUE = "due", "未到账"


@dataclass(frozen=True)
class Line:
    """One line of the plan and what came in for it, in 元."""

    id: int
    position: int
    due_on: date | None
    condition: str
    amount: Decimal
    outstanding: Decimal

    @property
    def paid(self) -> Decimal:
        return self.amount - self.outstanding

    @property
    def days_over(self) -> int:
        """Days since it was due; 0 where it is not overdue."""
        if not self.outstanding or self.due_on is None:
            return 0
        return max((today() - self.due_on).days, 0)

    @property
    def standing(self) -> Standing:
        if not self.outstanding:
            return Standing.PAID
        if self.days_over:
            return Standing.OVERDUE
        return Standing.PARTLY if self.paid else Standing.DUE


def lines_of(contract: Contract) -> list[Line]:
    """The plan of one contract against what came in, in the order of the plan."""
    found = outstanding(PlannedPayment.contract_id == contract.id)
    columns = (found.c[name] for name in ("id", "position", "due_on", "condition", "amount", "outstanding"))
    return [Line(*row) for row in db.session.execute(select(*columns).order_by(found.c.position))]


def is_in_plan() -> ColumnElement[bool]:
    """Royalties that were stated before the price was corrected, where the plan adds up to the price: the corrected
    plan asks for them, so they are not due a second time and what came in for them pays the plan."""
    corrected = (
        select(ContractCase.id)
        .join(Contract, Contract.id == ContractCase.contract_id)
        .join(PaymentModel, PaymentModel.code == Contract.payment_model_code)
        .where(
            ContractCase.contract_id == RoyaltyStatement.contract_id,
            ContractCase.outcome == Outcome.GRANTED,
            ContractCase.closed_at > RoyaltyStatement.recorded_at,
            ContractCase.changes["total_amount"].as_string().is_not(None),
            PaymentModel.must_sum_to_total,
        )
    )
    return corrected.correlate(RoyaltyStatement).exists()


def corrected_at(contract: Contract) -> datetime | None:
    """When the price was last corrected; None where it still is the registered one."""
    granted = (case for case in contract.cases if case.outcome is Outcome.GRANTED and "total_amount" in case.changes)
    return max((case.closed_at for case in granted if case.closed_at), default=None)


def may_be_overdue(whose: ColumnElement[bool], day: date) -> Select[Any]:
    """Contracts of which a line that was due before the day may be outstanding; of all others none is.

    Lines are paid in the order of their days, but for what was named for a later one. So where no less came in for the
    plan, without what was named for later lines, than the plan asks for before the day, nothing of that is missing.
    """
    came_in = select(func.sum(Receipt.amount)).where(
        Receipt.contract_id == PlannedPayment.contract_id, Receipt.is_for_plan
    )
    later = aliased(PlannedPayment)
    named_for_later = (
        select(func.sum(ReceiptPart.amount))
        .join(later, later.id == ReceiptPart.planned_payment_id)
        .where(later.contract_id == PlannedPayment.contract_id, or_(later.due_on.is_(None), later.due_on >= day))
    )
    enough = func.coalesce(came_in.scalar_subquery(), 0) - func.coalesce(named_for_later.scalar_subquery(), 0)
    return (
        select(PlannedPayment.contract_id)
        .join(Contract, Contract.id == PlannedPayment.contract_id)
        .where(PlannedPayment.due_on < day, whose)
        .group_by(PlannedPayment.contract_id)
        .having(func.sum(PlannedPayment.amount) > enough)
    )


def outstanding(whose: ColumnElement[bool]) -> Subquery:
    """Lines of the plan of those contracts with what is outstanding of each. ``whose`` may speak of ``Contract`` too.

    It has to let pass all lines of a contract or none.
    """
    # Looked up line by line in their indexes: summed up beforehand, a page of one contract would read all money.
    parts = select(func.sum(ReceiptPart.amount)).where(ReceiptPart.planned_payment_id == PlannedPayment.id)
    planned = select(RoyaltyStatement.id).where(RoyaltyStatement.contract_id == Receipt.contract_id, is_in_plan())
    received = select(func.sum(Receipt.amount)).where(
        Receipt.contract_id == PlannedPayment.contract_id, or_(Receipt.is_for_plan, Receipt.royalty_id.in_(planned))
    )
    told = func.coalesce(parts.scalar_subquery(), 0)
    named = case((told > PlannedPayment.amount, PlannedPayment.amount), else_=told)
    lines = (
        select(
            PlannedPayment.id,
            PlannedPayment.contract_id,
            PlannedPayment.position,
            PlannedPayment.due_on,
            PlannedPayment.condition,
            PlannedPayment.amount,
            type_coerce(PlannedPayment.amount - named, Money).label("rest"),
            type_coerce(named, Money).label("named"),
            func.coalesce(received.scalar_subquery(), 0).label("received"),
        )
        .join(Contract, Contract.id == PlannedPayment.contract_id)
        .where(whose)
        .subquery()
    )
    of_contract = lines.c.contract_id
    in_order = (lines.c.due_on.is_(None), lines.c.due_on, lines.c.position)
    before = func.sum(lines.c.rest).over(partition_by=of_contract, order_by=in_order) - lines.c.rest
    free = lines.c.received - func.sum(lines.c.named).over(partition_by=of_contract)
    poured = select(lines, (free - before).label("reaching")).subquery()
    left = case(
        (poured.c.reaching <= 0, poured.c.rest),
        (poured.c.reaching >= poured.c.rest, 0),
        else_=poured.c.rest - poured.c.reaching,
    )
    names = ("id", "contract_id", "position", "due_on", "condition", "amount")
    return select(*(poured.c[name] for name in names), type_coerce(left, Money).label("outstanding")).subquery()
