"""How much of what was received can still be verified as technology income (domain facts 4.1)."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import func, select

from contracts_app.contracts.models import Contract
from contracts_app.core.db import db
from contracts_app.core.money import yuan

from .models import Receipt, Verification
from .rights import is_price_open
from .states import STANDING, WAITING, VerificationState

NOTHING = Decimal(0)


def free_receipts(
    receipts: Sequence[Receipt], verifications: Sequence[Verification], besides: Verification | None = None
) -> list[Receipt]:
    """Money that no standing request speaks for; ``besides``: a request whose own receipts count as free."""
    standing = (one for one in verifications if one is not besides and one.state in STANDING)
    taken = {receipt.id for one in standing for receipt in one.receipts}
    return [one for one in receipts if one.stands and one.id not in taken]


def sums_of(contract: Contract, besides: Verification | None = None) -> tuple[Decimal, Decimal]:
    """(received, verified or waiting to be) of a contract in 元; ``besides`` left out of the second."""
    received = db.session.scalar(select(func.sum(Receipt.amount)).where(Receipt.contract_id == contract.id))
    standing = select(func.sum(func.coalesce(Verification.checked_amount, Verification.income))).where(
        Verification.contract_id == contract.id,
        Verification.state.in_(sorted(WAITING | {VerificationState.APPROVED})),
        Verification.id != ((besides and besides.id) or 0),
    )
    return received or NOTHING, db.session.scalar(standing) or NOTHING


def why_too_much(contract: Contract, amount: Decimal, besides: Verification | None = None) -> str | None:
    """Why not as much as that can be verified: more than came in, or than the price holds of technology."""
    received, standing = sums_of(contract, besides)
    if standing + amount > received:
        left = max(received - standing, NOTHING)
        return f"最多还能核定 {yuan(left)} 元：已到账 {yuan(received)} 元，已核定和在办 {yuan(standing)} 元"
    if is_price_open(contract) or standing + amount <= contract.technology_amount:
        return None
    left = max(contract.technology_amount - standing, NOTHING)
    return (
        f"最多还能核定 {yuan(left)} 元：核定的合计不能超过技术交易额 {yuan(contract.technology_amount)} 元；"
        "价款有变化的先申请变更登记"
    )


def beyond_price(contract: Contract, amount: Decimal, besides: Verification | None = None) -> Decimal:
    """元 by which the verified sum would exceed the technology amount of a price that is still open."""
    _, standing = sums_of(contract, besides)
    return max(standing + amount - contract.technology_amount, NOTHING)
