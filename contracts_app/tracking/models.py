"""What happens to a contract's money after its registration: receipts, royalties, verified income, benefits claimed.

Amounts are 元, days are those of Asia/Shanghai. Sources: domain facts 3.2, 4.1, 4.2 and 4.3.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, String, Table, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.accounts.models import StandIn, User
from contracts_app.codes.models import BenefitKind
from contracts_app.contracts.models import Attachment, Contract, DeductionKind, plain
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import Base, Moment, Money, word_type
from contracts_app.core.errors import SENTENCES
from contracts_app.core.words import Word
from contracts_app.core.workflow import Move

from .states import VerificationState

SENTENCES.update(
    {
        "uq_receipts_strikes_id": "这笔到账刚被冲销过，重新打开看最新情况。",
        "uq_royalty_statements_standing": "这一年的提成报告刚被别人登记过，重新打开看最新情况。",
        "requester_does_not_check": "申请人不能初核自己的申请，由别人办理。",
        "requester_does_not_decide": "申请人不能核定自己的申请，由别人办理。",
        "verified_by_second_person": "初核和核定要由两个人办理。",
    }
)


class Party(Word):
    """Whose a benefit is."""

    SELLER = "seller", "卖方"
    BUYER = "buyer", "买方"


class Receipt(Base):
    """到账: money that came in. Never edited or deleted: a mistake is struck out by a second row with minus the amount.

    The sum of all rows is therefore what was received.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        CheckConstraint("amount <> 0 AND (strikes_id IS NULL) = (amount > 0)", name="strike_is_negative"),
        CheckConstraint("strikes_id IS NULL OR reason <> ''", name="strike_has_reason"),
        Index("ix_receipts_contract_id", "contract_id", "is_for_plan", "amount"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"))
    received_on: Mapped[date]
    counts_on: Mapped[date]  # the day in the ledger; later than received_on where that period is closed
    amount: Mapped[Decimal] = mapped_column(Money)
    payer: Mapped[str] = mapped_column(String(200), default="")
    voucher_number: Mapped[str] = mapped_column(String(60), default="")  # 凭证号
    invoice_numbers: Mapped[str] = mapped_column(String(300), default="")  # 发票号码, several with 、 between
    invoiced_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(String(300), default="")
    is_for_plan: Mapped[bool] = mapped_column(default=True)  # else a royalty, or what no plan foresees
    royalty_id: Mapped[int | None] = mapped_column(ForeignKey("royalty_statements.id"), index=True)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"))
    strikes_id: Mapped[int | None] = mapped_column(ForeignKey("receipts.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(300), default="")  # why it is struck out
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)

    contract: Mapped[Contract] = relationship()
    royalty: Mapped["RoyaltyStatement | None"] = relationship(back_populates="receipts")
    file: Mapped[Attachment | None] = relationship()
    strikes: Mapped["Receipt | None"] = relationship(remote_side=id, back_populates="struck_by")
    struck_by: Mapped["Receipt | None"] = relationship(back_populates="strikes")
    recorded_by: Mapped[User] = relationship()
    parts: Mapped[list["ReceiptPart"]] = relationship(cascade="all, delete-orphan", passive_deletes=True)

    @property
    def stands(self) -> bool:
        """Whether it is money that was received: neither a strike nor struck out."""
        return self.strikes_id is None and self.struck_by is None


class ReceiptPart(Base):
    """As much of a receipt as pays one line of the plan, where somebody said which. Goes with the line."""

    __tablename__ = "receipt_parts"

    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id", ondelete="CASCADE"), primary_key=True)
    planned_payment_id: Mapped[int] = mapped_column(
        ForeignKey("planned_payments.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    amount: Mapped[Decimal] = mapped_column(Money)


class RoyaltyStatement(Base):
    """提成报告: what a year's base comes to. Never edited; a wrong one is withdrawn with a reason and made anew."""

    __tablename__ = "royalty_statements"
    __table_args__ = (
        CheckConstraint("base_amount >= 0 AND amount >= 0", name="not_negative"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawn_by_somebody"),
        Index(
            "uq_royalty_statements_standing",
            "contract_id",
            "year",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        Index("ix_royalty_statements_due_on", "due_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    year: Mapped[int]
    base_amount: Mapped[Decimal] = mapped_column(Money)
    amount: Mapped[Decimal] = mapped_column(Money)  # what is due
    reasoning: Mapped[str] = mapped_column(Text, default="")  # how it was reckoned then
    due_on: Mapped[date]
    note: Mapped[str] = mapped_column(String(300), default="")
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawn_reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    receipts: Mapped[list[Receipt]] = relationship(back_populates="royalty", order_by=Receipt.id)
    recorded_by: Mapped[User] = relationship(foreign_keys=recorded_by_id)
    withdrawn_by: Mapped[User | None] = relationship(foreign_keys=withdrawn_by_id)

    @property
    def received(self) -> Decimal:
        """元 that came in for it."""
        return sum((one.amount for one in self.receipts), Decimal(0))

    @property
    def outstanding(self) -> Decimal:
        """元 still to come in."""
        return max(self.amount - self.received, Decimal(0))

    @property
    def days_over(self) -> int:
        """Days since it was due; 0 where nothing is outstanding."""
        return max((today() - self.due_on).days, 0) if self.outstanding else 0


evidence = Table(
    "verification_receipts",
    Base.metadata,
    Column("verification_id", ForeignKey("verifications.id"), primary_key=True),
    Column("receipt_id", ForeignKey("receipts.id"), primary_key=True, index=True),
)


class Verification(Base):
    """核定: how much of what was received is technology income, as the filer asks and two people of the office find."""

    __tablename__ = "verifications"
    __table_args__ = (
        CheckConstraint("ends_on >= begins_on", name="ends_after_it_begins"),
        CheckConstraint("income > 0 AND income <= received", name="income_within_received"),
        CheckConstraint("checked_amount > 0 AND checked_amount <= received", name="checked_within_received"),
        CheckConstraint("checked_by_id <> requested_by_id", name="requester_does_not_check"),
        CheckConstraint("decided_by_id <> requested_by_id", name="requester_does_not_decide"),
        CheckConstraint("decided_by_id <> checked_by_id", name="verified_by_second_person"),
        CheckConstraint(
            "state NOT IN ('approved', 'revoked') OR (checked_by_id IS NOT NULL AND decided_by_id IS NOT NULL"
            " AND checked_amount IS NOT NULL AND counts_on IS NOT NULL)",
            name="approved_has_amount_day_and_two_people",
        ),
        Index("ix_verifications_state", "state", "requested_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    state: Mapped[VerificationState] = mapped_column(
        word_type(VerificationState, "verification_state"), default=VerificationState.DRAFT
    )
    version: Mapped[int] = mapped_column()
    begins_on: Mapped[date]  # the period in which it was received
    ends_on: Mapped[date]
    received: Mapped[Decimal] = mapped_column(Money)  # what its receipts add up to
    income: Mapped[Decimal] = mapped_column(Money)  # less the deductions: what is asked for
    note: Mapped[str] = mapped_column(Text, default="")
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    checked_at: Mapped[datetime | None] = mapped_column(Moment)
    checked_amount: Mapped[Decimal | None] = mapped_column(Money)  # what the registrar finds, and is approved
    opinion: Mapped[str] = mapped_column(Text, default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    decision: Mapped[str] = mapped_column(Text, default="")
    counts_on: Mapped[date | None]  # the day in whose year it counts
    __mapper_args__ = {"version_id_col": version}

    contract: Mapped[Contract] = relationship()
    requested_by: Mapped[User] = relationship(foreign_keys=requested_by_id)
    checked_by: Mapped[User | None] = relationship(foreign_keys=checked_by_id)
    decided_by: Mapped[User | None] = relationship(foreign_keys=decided_by_id)
    receipts: Mapped[list[Receipt]] = relationship(secondary=evidence, order_by=Receipt.received_on)
    deductions: Mapped[list["VerificationDeduction"]] = relationship(cascade="all, delete-orphan")
    history: Mapped[list["VerificationLine"]] = relationship(
        order_by="VerificationLine.id", cascade="all, delete-orphan"
    )

    called = "这份核定申请"

    @property
    def amount(self) -> Decimal:
        """元 as far as it is found by now: the registrar's figure, else what is asked."""
        return self.income if self.checked_amount is None else self.checked_amount

    def remember(
        self,
        *,
        move: Move,
        source: Word,
        by: User | StandIn,
        answers: dict[str, Any],
        before: dict[str, Any] | None = None,
    ) -> None:
        """Write the history line of a move. Called by the workflow only; no move here can be undone."""
        assert before is None
        self.history.append(
            VerificationLine(
                move=move.name,
                source=source,
                target=self.state,
                by_id=by.id,
                role="、".join(role.label for role in sorted(move.roles & by.own_roles)),
                for_id=by.for_whom.id if isinstance(by, StandIn) else None,
                answers=plain(answers),
            )
        )


class VerificationDeduction(Base):
    """What was received for goods and not for the technology (domain facts 4.1)."""

    __tablename__ = "verification_deductions"
    __table_args__ = (CheckConstraint("amount > 0", name="amount_is_positive"),)

    verification_id: Mapped[int] = mapped_column(ForeignKey("verifications.id"), primary_key=True)
    kind: Mapped[DeductionKind] = mapped_column(word_type(DeductionKind, "verification_deduction"), primary_key=True)
    amount: Mapped[Decimal] = mapped_column(Money)


class VerificationLine(Base):
    """One move of a verification: who, when, from where to where, what was written."""

    __tablename__ = "verification_history"

    id: Mapped[int] = mapped_column(primary_key=True)
    verification_id: Mapped[int] = mapped_column(ForeignKey("verifications.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    move: Mapped[str] = mapped_column(String(40))
    source: Mapped[VerificationState] = mapped_column(word_type(VerificationState, "verification_source"))
    target: Mapped[VerificationState] = mapped_column(word_type(VerificationState, "verification_target"))
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str] = mapped_column(String(60), default="")
    for_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    by: Mapped[User] = relationship(foreign_keys=by_id)
    for_whom: Mapped[User | None] = relationship(foreign_keys=for_id)


class Benefit(Base):
    """享受优惠: what a party says it drew on the registration. Evidence, never a statement of ours."""

    __tablename__ = "benefits"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawn_by_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    kind_code: Mapped[str] = mapped_column(ForeignKey("benefit_kinds.code"))
    party: Mapped[Party] = mapped_column(word_type(Party, "benefit_party"))
    claimed_on: Mapped[date]
    amount: Mapped[Decimal | None] = mapped_column(Money)  # of tax or money; where the party tells it
    note: Mapped[str] = mapped_column(String(300), default="")
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawn_reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    kind: Mapped[BenefitKind] = relationship()
    recorded_by: Mapped[User] = relationship(foreign_keys=recorded_by_id)
    withdrawn_by: Mapped[User | None] = relationship(foreign_keys=withdrawn_by_id)
