"""What people write down about a contract's money. Whoever calls has read the contract with ``one_to_change``."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from contracts_app.accounts.models import User
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.closings import closed_until
from contracts_app.contracts.books.ledger import Cause, Figures
from contracts_app.contracts.filing.actions import keep_file
from contracts_app.contracts.finding.query import FIRST_YEAR
from contracts_app.contracts.models import Attachment, Contract, DeductionKind
from contracts_app.core.clock import local, now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused, Stale
from contracts_app.core.money import yuan
from contracts_app.core.trail import audit

from . import rights
from .models import Benefit, Receipt, ReceiptPart, RoyaltyStatement, Verification, VerificationDeduction, evidence
from .plan import Line
from .states import STANDING, VerificationState

SLIP = "income_verification"  # 技术性收入核定表、发票和银行凭证
NOTHING = Decimal(0)


def refuse_record(contract: Contract, person: User) -> None:
    """Raises with the reason unless the person may write something down about the contract's money."""
    if sentence := rights.why_not_record(contract, person):
        raise (NotYours if contract.is_in_force else Refused)(sentence)


def _audit(action: str, contract: Contract, person: User, amount: Decimal | None, **facts: str) -> None:
    told = {} if amount is None else {"amount": f"{yuan(amount)} 元"}
    told |= {name: value for name, value in facts.items() if value}
    audit.record(action, person, subject="contract", subject_id=contract.id, **told)


# ---- 到账 -----------------------------------------------------------------------------------------------------------


def record_receipt(
    contract: Contract,
    person: User,
    answers: Mapping[str, Any],
    *,
    lines: Sequence[Line] = (),
    royalty: RoyaltyStatement | None = None,
    slip: FileStorage | None = None,
) -> Receipt:
    """Write down money that came in, and count it. ``lines``: which of the plan it pays, in their order.

    ``answers``: received_on, amount (元), payer, voucher_number, invoice_numbers, invoiced_on, note, is_for_plan.
    Raises ``FileRefused`` for a slip that cannot be taken.
    """
    refuse_record(contract, person)
    if not answers["amount"] > 0:
        raise Refused("到账金额要大于 0；记错的到账用冲销更正。")
    if sentence := why_not_received_on(answers["received_on"]):
        raise Refused(f"{sentence}。")
    receipt = Receipt(
        contract_id=contract.id,
        counts_on=day_to_count(contract, answers["received_on"]),
        royalty=royalty,
        file=_kept(contract, person, slip),
        recorded_by_id=person.id,
        recorded_at=now_utc(),
        parts=_parts(answers["amount"], lines),
        **answers,
    )
    db.session.add(receipt)
    db.session.flush()
    ledger.count_receipt(contract, receipt.amount, receipt.counts_on, receipt.recorded_at)
    _audit("record_receipt", contract, person, receipt.amount, day=str(receipt.received_on))
    return receipt


def why_not_received_on(day: date) -> str | None:
    """Why money cannot have come in on a day."""
    if day > today():
        return f"到账日期不能晚于今天（{today()}）"
    return f"核对年份：到账日期不能早于 {FIRST_YEAR} 年" if day.year < FIRST_YEAR else None


def day_to_count(contract: Contract, day: date) -> date:
    """The day itself; the first open one where the unit's books are closed beyond it."""
    assert contract.unit_code is not None
    closed = closed_until([contract.unit_code]).get(contract.unit_code)
    return day if closed is None or day > closed else min(closed + timedelta(days=1), today())


def _parts(amount: Decimal, lines: Sequence[Line]) -> list[ReceiptPart]:
    """The money put to the lines one after the other, to each as much as is outstanding of it."""
    parts, left = [], amount
    for line in lines:
        part = min(left, line.outstanding)
        if part > 0:
            parts.append(ReceiptPart(planned_payment_id=line.id, amount=part))
            left -= part
    return parts


def _kept(contract: Contract, person: User, slip: FileStorage | None) -> Attachment | None:
    if not slip:
        return None
    return keep_file(contract, SLIP, slip.stream, slip.filename or "", person)


def why_not_strike(receipt: Receipt) -> str | None:
    """Why a receipt cannot be struck out now."""
    if receipt.strikes_id is not None:
        return "冲销本身不能再冲销；金额有误的重新登记一笔到账。"
    if receipt.struck_by is not None:
        return f"这笔到账已经在 {local(receipt.struck_by.recorded_at).date()} 冲销。"
    standing = (
        select(Verification.id)
        .join(evidence, evidence.c.verification_id == Verification.id)
        .where(evidence.c.receipt_id == receipt.id, Verification.state.in_(sorted(STANDING)))
    )
    if db.session.scalar(standing.limit(1)) is not None:
        return "这笔到账是核定申请的依据：先撤回申请，已核定的由审核员撤销核定，再冲销。"
    return None


def strike_receipt(contract: Contract, receipt: Receipt, person: User, reason: str) -> Receipt:
    """Take a receipt back by a second one with minus its amount. Both stay.

    One of this year is taken back on its own day; one of an earlier year today, because earlier years stay.
    """
    refuse_record(contract, person)
    if sentence := why_not_strike(receipt):
        raise Refused(sentence)
    strike = Receipt(
        contract_id=contract.id,
        strikes_id=receipt.id,
        amount=-receipt.amount,
        reason=reason,
        counts_on=day_to_count(contract, receipt.counts_on) if receipt.counts_on.year == today().year else today(),
        recorded_by_id=person.id,
        recorded_at=now_utc(),
        parts=[ReceiptPart(planned_payment_id=one.planned_payment_id, amount=-one.amount) for one in receipt.parts],
        **{name: getattr(receipt, name) for name in ("received_on", "payer", "is_for_plan", "royalty_id")},
    )
    db.session.add(strike)
    db.session.flush()
    counted = Figures(received_amount=receipt.amount)
    ledger.take_back_money(contract, Cause.RECEIPT, counted, receipt.recorded_at, strike.counts_on)
    _audit("strike_receipt", contract, person, receipt.amount, day=str(receipt.received_on), reason=reason)
    return strike


# ---- 提成 -----------------------------------------------------------------------------------------------------------


def record_royalty(contract: Contract, person: User, answers: Mapping[str, Any]) -> RoyaltyStatement:
    """Write down a year's statement: year, base_amount, amount, reasoning, due_on, note. The amount becomes due."""
    refuse_record(contract, person)
    statement = RoyaltyStatement(contract_id=contract.id, recorded_by_id=person.id, recorded_at=now_utc(), **answers)
    db.session.add(statement)
    db.session.flush()
    _audit("record_royalty", contract, person, statement.amount, year=str(statement.year))
    return statement


def withdraw_royalty(
    contract: Contract, statement: RoyaltyStatement, person: User, reason: str, version: int | None
) -> None:
    """Take a statement back; money that came in for it has to be struck out first."""
    refuse_record(contract, person)
    if statement.withdrawn_at is not None or version != statement.version:
        raise Stale()
    if statement.received:
        raise Refused("这份提成报告已有到账，先冲销到账，再作废报告。")
    statement.withdrawn_by, statement.withdrawn_at, statement.withdrawn_reason = person, now_utc(), reason
    db.session.flush()
    _audit("withdraw_royalty", contract, person, statement.amount, year=str(statement.year), reason=reason)


# ---- 优惠 -----------------------------------------------------------------------------------------------------------


def record_benefit(contract: Contract, person: User, answers: Mapping[str, Any]) -> Benefit:
    """Write down what a party drew on the registration: kind_code, party, claimed_on, amount, note."""
    refuse_record(contract, person)
    benefit = Benefit(contract_id=contract.id, recorded_by_id=person.id, recorded_at=now_utc(), **answers)
    db.session.add(benefit)
    db.session.flush()
    _audit("record_benefit", contract, person, benefit.amount, benefit=benefit.kind_code)
    return benefit


def withdraw_benefit(contract: Contract, benefit: Benefit, person: User, reason: str, version: int | None) -> None:
    """Take a line back that was written down by mistake; it stays to be read."""
    refuse_record(contract, person)
    if benefit.withdrawn_at is not None or version != benefit.version:
        raise Stale()
    benefit.withdrawn_by, benefit.withdrawn_at, benefit.withdrawn_reason = person, now_utc(), reason
    db.session.flush()
    _audit("withdraw_benefit", contract, person, benefit.amount, reason=reason)


# ---- 核定 -----------------------------------------------------------------------------------------------------------


def request_verification(
    contract: Contract,
    person: User,
    receipts: Sequence[Receipt],
    deductions: Mapping[DeductionKind, Decimal],
    answers: Mapping[str, Any],
    draft: Verification | None = None,
    version: int | None = None,
) -> Verification:
    """A draft, new or revised: which receipts of which period, less what was paid for goods. Submitted by its move.

    ``answers``: begins_on, ends_on, note.
    """
    refuse_record(contract, person)
    if contract.filed_by_id != person.id:
        raise NotYours("核定由申报人申请。")
    if draft is None:
        draft = Verification(contract=contract, contract_id=contract.id, requested_by_id=person.id)
        db.session.add(draft)
    elif draft.state is not VerificationState.DRAFT or version != draft.version:
        raise Stale()
    for name, value in answers.items():
        setattr(draft, name, value)
    draft.receipts = list(receipts)
    kept = {line.kind: line for line in draft.deductions}
    draft.deductions = [_deduction(kept.get(kind), kind, amount) for kind, amount in deductions.items() if amount]
    draft.received = sum((one.amount for one in receipts), NOTHING)
    draft.income = draft.received - sum(deductions.values(), NOTHING)
    db.session.flush()
    return draft


def _deduction(kept: VerificationDeduction | None, kind: DeductionKind, amount: Decimal) -> VerificationDeduction:
    line = kept or VerificationDeduction(kind=kind)
    line.amount = amount
    return line
