import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.accounts.models import StandIn, User
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import (
    AttachmentKind,
    ContractType,
    Goal,
    Industry,
    IpKind,
    NonAcceptanceReason,
    PaymentModel,
    PlanSource,
    RefusalReason,
    TechnologyField,
)
from contracts_app.core.clock import now_utc
from contracts_app.core.db import Base, Moment, Money, word_type
from contracts_app.core.drawing.previews import Unreadable
from contracts_app.core.keeping.sealing import Envelope, Opened, SealedLater
from contracts_app.core.words import Word
from contracts_app.core.workflow import Move
from contracts_app.enterprises.models import Enterprise
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Region, Unit

from .case_models import ContractCase
from .details import Origin, Pricing, TypeDetails
from .states import NUMBERED, STRUCK_OFF, State

REDONE = "decide_objection"  # the move that withdraws a refusal: the contract is examined anew
_NUMBERED = ", ".join(f"'{state.value}'" for state in sorted(NUMBERED))


class DeductionKind(Word):
    """What is taken off the total to find the technology amount (domain facts 4.1)."""

    EQUIPMENT = "equipment", "设备"
    INSTRUMENT = "instrument", "仪器"
    PART = "part", "零部件"
    MATERIAL = "material", "原材料"
    OTHER = "other", "其他非技术性费用"


class Contract(TypeDetails, Pricing, Origin, Base):
    """A technology contract on its way through registration.

    Holds only answers that are valid one by one; what somebody typed and has not got right yet waits in
    ``DraftInput``. Amounts are 元. Dates are days in Asia/Shanghai.
    """

    __tablename__ = "contracts"
    __table_args__ = (
        CheckConstraint("total_amount >= 0 AND technology_amount >= 0", name="amounts_not_negative"),
        CheckConstraint("technology_amount <= total_amount", name="technology_within_total"),
        CheckConstraint("seller_id <> buyer_id", name="seller_is_not_buyer"),
        CheckConstraint("ends_on >= begins_on", name="ends_after_it_begins"),
        CheckConstraint(
            "length(registration_number) = 16 AND trim(registration_number, '0123456789') = ''",
            name="registration_number_has_16_digits",
        ),
        CheckConstraint(
            f"(registration_number IS NULL AND state NOT IN ({_NUMBERED}))"
            " OR (registration_number IS NOT NULL AND registered_on IS NOT NULL AND acceptance_number IS NOT NULL"
            " AND reviewed_by_id IS NOT NULL AND decided_by_id IS NOT NULL AND reviewed_by_id <> decided_by_id)",
            name="registered_has_number_date_and_two_deciders",
        ),
        CheckConstraint(
            "registration_number IS NULL OR NOT needs_third OR (checked_by_id IS NOT NULL"
            " AND checked_by_id <> decided_by_id AND checked_by_id <> reviewed_by_id)",
            name="large_has_third_decider",
        ),
        CheckConstraint(
            "registration_number IS NULL OR NOT needs_expert OR expert_on IS NOT NULL", name="expert_was_heard"
        ),
        CheckConstraint("registered_on >= accepted_on", name="registered_after_acceptance"),
        CheckConstraint("checked_by_id <> filed_by_id", name="filer_does_not_check"),
        CheckConstraint("state <> 'not_accepted' OR non_acceptance_code IS NOT NULL", name="not_accepted_has_reason"),
        CheckConstraint("broker_share BETWEEN 0 AND 100", name="share_is_percent"),
        CheckConstraint("licence_ends_on >= licence_begins_on", name="licence_ends_after_it_begins"),
        CheckConstraint("(archive_number = '') = (archived_on IS NULL)", name="archived_has_number_and_day"),
        CheckConstraint(
            "(registered_on IS NULL) = (registration_number IS NULL)", name="number_and_date_come_together"
        ),
        CheckConstraint(
            "(verification_code IS NULL) = (registration_number IS NULL)", name="number_comes_with_verification_code"
        ),
        CheckConstraint(
            "state NOT IN ('accepted', 'reviewed', 'expert', 'checked', 'refused') OR acceptance_number IS NOT NULL",
            name="accepted_has_number",
        ),
        CheckConstraint("state = 'draft' OR unit_code IS NOT NULL", name="submitted_has_unit"),
        CheckConstraint("reviewed_by_id <> filed_by_id", name="filer_does_not_review"),
        CheckConstraint("decided_by_id <> filed_by_id", name="filer_does_not_decide"),
        CheckConstraint("state <> 'refused' OR refusal_code IS NOT NULL", name="refused_has_reason"),
        # One index for each order of the list, ending in the id, and one for each filter that is used daily.
        Index("ix_contracts_updated_at_id", "updated_at", "id"),
        Index("ix_contracts_total_amount_id", "total_amount", "id"),
        Index("ix_contracts_state_due_on_id", "state", "due_on", "id"),
        # Holds all that tabs and footers count and add up by unit, state, year and type: the table itself is not read.
        Index(
            "ix_contracts_counts",
            *("state", "unit_code", "registered_on", "type_code"),
            *("filed_by_id", "total_amount", "technology_amount"),
        ),
        Index("ix_contracts_registered_on_id", "registered_on", "id"),
        Index("ix_contracts_signed_on_id", "signed_on", "id"),
        Index("ix_contracts_filed_by_id_updated_at", "filed_by_id", "updated_at"),
        Index("ix_contracts_free_until", "free_until"),  # few have one
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[State] = mapped_column(word_type(State, "state"), default=State.DRAFT)
    version: Mapped[int] = mapped_column()
    filed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    broker_id: Mapped[int | None] = mapped_column(ForeignKey("brokers.id"), index=True)
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))  # whose office accepts it
    town_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"), index=True)  # of the local party

    # 1 parties
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("enterprises.id"), index=True)
    buyer_id: Mapped[int | None] = mapped_column(ForeignKey("enterprises.id"), index=True)
    is_related: Mapped[bool | None]
    # 2 subject
    title: Mapped[str] = mapped_column(String(200), default="")
    type_code: Mapped[str | None] = mapped_column(ForeignKey("contract_types.code"), index=True)
    content: Mapped[str] = mapped_column(Text, default="")
    signed_on: Mapped[date | None]
    begins_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    # 3 money; 0 while not yet filled in
    total_amount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    technology_amount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    payment_model_code: Mapped[str | None] = mapped_column(ForeignKey("payment_models.code"))
    payment_note: Mapped[str] = mapped_column(Text, default="")
    # 4 technology
    field_code: Mapped[str | None] = mapped_column(ForeignKey("technology_fields.code"), index=True)
    ip_code: Mapped[str | None] = mapped_column(ForeignKey("ip_kinds.code"))
    plan_source_code: Mapped[str | None] = mapped_column(ForeignKey("plan_sources.code"))
    goal_code: Mapped[str | None] = mapped_column(ForeignKey("goals.code"))
    industry_code: Mapped[str | None] = mapped_column(ForeignKey("industries.code"))
    platform_id: Mapped[int | None] = mapped_column(ForeignKey("platforms.id"), index=True)
    undertaking: Mapped[bool] = mapped_column(default=False)  # 申请方承诺书: the filer answers for the truth

    # what the moves write
    acceptance_number: Mapped[str | None] = mapped_column(String(30), unique=True)
    registration_number: Mapped[str | None] = mapped_column(String(16), unique=True)
    verification_code: Mapped[str | None] = mapped_column(String(10))  # with the number it opens the public answer
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)  # of the newest submission
    accepted_on: Mapped[date | None]
    due_on: Mapped[date | None]  # the last working day of the limit; moves with each submission
    registered_on: Mapped[date | None]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # the second of three, if large
    needs_third: Mapped[bool] = mapped_column(default=False)  # as the newest submission or review found
    needs_expert: Mapped[bool] = mapped_column(default=False)
    expert_on: Mapped[date | None]  # when experts were heard, since the newest submission
    extended_days: Mapped[int] = mapped_column(default=0)  # working days added to the limit
    refusal_code: Mapped[str | None] = mapped_column(ForeignKey("refusal_reasons.code"))
    non_acceptance_code: Mapped[str | None] = mapped_column(ForeignKey("non_acceptance_reasons.code"))
    revision: Mapped[int] = mapped_column(default=0)  # how often it was changed after registration
    archive_number: Mapped[str] = mapped_column(String(60), default="")  # 归档号 or box
    archived_on: Mapped[date | None]
    rule_set_code: Mapped[str | None] = mapped_column(ForeignKey("rule_sets.code"))  # in force on the filing date
    created_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now_utc, onupdate=now_utc)
    __mapper_args__ = {"version_id_col": version}

    filed_by: Mapped[User] = relationship(foreign_keys=filed_by_id)
    reviewed_by: Mapped[User | None] = relationship(foreign_keys=reviewed_by_id)
    checked_by: Mapped[User | None] = relationship(foreign_keys=checked_by_id)
    decided_by: Mapped[User | None] = relationship(foreign_keys=decided_by_id)
    broker: Mapped[Broker | None] = relationship()
    unit: Mapped[Unit | None] = relationship()
    town: Mapped[Region | None] = relationship()
    seller: Mapped[Enterprise | None] = relationship(foreign_keys=seller_id)
    buyer: Mapped[Enterprise | None] = relationship(foreign_keys=buyer_id)
    type: Mapped[ContractType | None] = relationship()
    field: Mapped[TechnologyField | None] = relationship()
    ip: Mapped[IpKind | None] = relationship()
    plan_source: Mapped[PlanSource | None] = relationship()
    goal: Mapped[Goal | None] = relationship()
    industry: Mapped[Industry | None] = relationship()
    payment_model: Mapped[PaymentModel | None] = relationship()
    platform: Mapped[Platform | None] = relationship()
    refusal: Mapped[RefusalReason | None] = relationship()
    non_acceptance: Mapped[NonAcceptanceReason | None] = relationship()
    rights: Mapped[list["ContractRight"]] = relationship(
        order_by="ContractRight.position", cascade="all, delete-orphan"
    )
    deductions: Mapped[list["Deduction"]] = relationship(order_by="Deduction.position", cascade="all, delete-orphan")
    payments: Mapped[list["PlannedPayment"]] = relationship(
        order_by="PlannedPayment.position", cascade="all, delete-orphan"
    )
    attachments: Mapped[list["Attachment"]] = relationship(order_by="Attachment.id", cascade="all, delete-orphan")
    history: Mapped[list["HistoryLine"]] = relationship(order_by="HistoryLine.id", cascade="all, delete-orphan")
    corrections: Mapped[list["CorrectionItem"]] = relationship(
        order_by="CorrectionItem.id", cascade="all, delete-orphan"
    )
    inputs: Mapped[list["DraftInput"]] = relationship(cascade="all, delete-orphan")
    cases: Mapped[list[ContractCase]] = relationship(order_by=ContractCase.id, cascade="all, delete-orphan")

    @property
    def is_in_force(self) -> bool:
        """Whether it is registered and counts, also while a case about it is open."""
        return self.registration_number is not None and self.state not in STRUCK_OFF

    @property
    def open_case(self) -> ContractCase | None:
        """The case that waits for its decision."""
        return next((case for case in self.cases if case.outcome is None), None)

    @property
    def name(self) -> str:
        """The title, or what to call a contract that has none yet, or may have none any more."""
        return self.title or ("涉密合同" if self.is_classified else "未命名合同")

    @property
    def is_classified(self) -> bool:
        """Whether it was turned away because this system must not hold it: nothing of its content was kept."""
        return self.non_acceptance is not None and self.non_acceptance.is_classified

    @property
    def current_attachments(self) -> list["Attachment"]:
        """The files that count now; replaced ones stay in the record."""
        return [file for file in self.attachments if file.removed_at is None]

    @property
    def submissions(self) -> list["HistoryLine"]:
        """The moves that handed the contract in, the first one first."""
        return [line for line in self.history if line.facts is not None and line.target is State.SUBMITTED]

    @property
    def clock_began_at(self) -> datetime | None:
        """When the limit that runs, or ran last, began: at the newest submission, or when a refusal was withdrawn."""
        anew = (line.at for line in self.history if line.move == REDONE and line.target is State.ACCEPTED)
        return max(filter(None, (self.submitted_at, *anew)), default=None)

    def was_submitted(self, file: "Attachment") -> bool:
        """Whether that file was among those handed in at any time."""
        return any(file.was_there(line.at) for line in self.submissions)

    @property
    def open_corrections(self) -> list["CorrectionItem"]:
        """What the applicant still has to answer."""
        return [item for item in self.corrections if item.answered_at is None]

    def remember(
        self,
        *,
        move: Move,
        source: Word,
        by: User | StandIn,
        answers: dict[str, Any],
        before: dict[str, Any] | None = None,
    ) -> None:
        """Write the history line of a move: in which role, on whose behalf. Called by the workflow only."""
        self.history.append(
            HistoryLine(
                move=move.name,
                source=source,
                target=self.state,
                by_id=by.id,
                role="、".join(role.label for role in sorted(move.roles & by.own_roles)),
                for_id=by.for_whom.id if isinstance(by, StandIn) else None,
                answers=plain(answers),
                changes=answers.get("changes") or {},
                facts=answers.get("facts"),
                before=None if self.is_classified else before,
                due_on=self.due_on,
                begun_at=self.clock_began_at,
                extended_days=self.extended_days,
            )
        )

    def image(self) -> dict[str, Any]:
        """What a decision of the office may change, as it stands: what `restore` puts back when it is undone."""
        kept: dict[str, Any] = {name: _plain(getattr(self, name)) for name in _DECIDED}
        kept["deductions"] = [line.image() for line in self.deductions]
        kept["version"] = self.version
        return kept

    def restore(self, image: dict[str, Any]) -> None:
        """Put back what `image` kept, each value in its own type."""
        for name, kind in _DECIDED.items():
            setattr(self, name, _typed(kind, image[name]))
        there = {line.position: line for line in self.deductions}
        lines = []
        for kept in image["deductions"]:
            # Into the row of that place where there is one: two rows never hold the same place, not for a moment.
            line = there.get(kept["position"]) or Deduction()
            for name, kind in _DEDUCED.items():
                setattr(line, name, _typed(kind, kept[name]))
            lines.append(line)
        self.deductions = lines


# What decisions write, by the type that JSON does not keep.
_DECIDED: dict[str, type] = {
    "type_code": str,
    "technology_amount": Decimal,
    "reviewed_by_id": int,
    "checked_by_id": int,
    "decided_by_id": int,
    "needs_third": bool,
    "needs_expert": bool,
    "expert_on": date,
    "extended_days": int,
    "due_on": date,
    "accepted_on": date,
    "refusal_code": str,
    "non_acceptance_code": str,
}


_DEDUCED: dict[str, type] = {
    "position": int,
    "kind": DeductionKind,
    "name": str,
    "amount": Decimal,
    "is_subject": bool,
    "note": str,
}


def _typed(kind: type, value: Any) -> Any:
    """A value that went through JSON, as the model holds it."""
    if value is None:
        return None
    return date.fromisoformat(value) if kind is date else kind(value)


def plain(answers: dict[str, Any]) -> dict[str, Any]:
    """Answers as JSON can hold them: amounts, days and words as text."""
    told_apart = {"changes", "facts"}  # have columns of their own
    return {
        key: _plain(value) for key, value in answers.items() if value not in (None, "", []) and key not in told_apart
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


class HistoryLine(Base):
    """One move of one contract: who, when, from where to where, and what they wrote. Only ever added."""

    __tablename__ = "contract_history"
    __table_args__ = (
        Index("ix_contract_history_by_id_at", "by_id", "at", "move"),
        Index("ix_contract_history_move_at", "move", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    move: Mapped[str] = mapped_column(String(40))
    source: Mapped[State] = mapped_column(word_type(State, "source"))
    target: Mapped[State] = mapped_column(word_type(State, "target"))
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    changes: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)  # field -> [old, new], in words
    facts: Mapped[dict[str, str] | None] = mapped_column(JSON)  # the whole contract in words, as submitted, registered
    role: Mapped[str] = mapped_column(String(60), default="")  # in which the move was made, in words, as of then
    for_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # whose delegate the person was
    due_on: Mapped[date | None]  # the limit as the move left it
    begun_at: Mapped[datetime | None] = mapped_column(Moment)  # when that limit had begun to run
    extended_days: Mapped[int | None]  # working days that had been added to it
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # what undoing the move puts back

    by: Mapped[User] = relationship(foreign_keys=by_id)
    for_whom: Mapped[User | None] = relationship(foreign_keys=for_id)


class PlannedPayment(Base):
    """One line of the payment plan: when or on what condition, and how much (元)."""

    __tablename__ = "planned_payments"
    __table_args__ = (
        UniqueConstraint("contract_id", "position"),
        CheckConstraint("amount > 0", name="amount_is_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"))
    position: Mapped[int]
    due_on: Mapped[date | None]
    condition: Mapped[str] = mapped_column(String(200), default="")
    amount: Mapped[Decimal] = mapped_column(Money)


class Deduction(Base):
    """One line of the deduction sheet: what was bought, for how much (元).

    `is_subject`: the direct cost of a reasonable quantity of the subject matter itself, which is not deducted
    (《技术合同认定规则》国科发政字〔2001〕253号, domain facts 4.1); the line then only gives the reason.
    """

    __tablename__ = "deductions"
    __table_args__ = (
        UniqueConstraint("contract_id", "position"),
        CheckConstraint("amount > 0", name="amount_is_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"))
    position: Mapped[int]
    kind: Mapped[DeductionKind] = mapped_column(word_type(DeductionKind, "deduction_kind"))
    name: Mapped[str] = mapped_column(String(200), default="")
    amount: Mapped[Decimal] = mapped_column(Money)
    is_subject: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(String(300), default="")

    def image(self) -> dict[str, Any]:
        """The line as JSON can hold it."""
        return {name: _plain(getattr(self, name)) for name in _DEDUCED}


class ContractRight(Base):
    """A right that is transferred or licensed: kind, number, name, owner, until when (domain facts 2.3, 3.4)."""

    __tablename__ = "contract_rights"
    __table_args__ = (
        UniqueConstraint("contract_id", "position"),
        CheckConstraint("valid_until >= applied_on", name="valid_after_it_was_applied_for"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"))
    position: Mapped[int]
    ip_code: Mapped[str] = mapped_column(ForeignKey("ip_kinds.code"))
    number: Mapped[str] = mapped_column(String(60), default="")  # 专利号, 申请号, 登记号; a secret has none
    name: Mapped[str] = mapped_column(String(200), default="")
    owner: Mapped[str] = mapped_column(String(200), default="")
    applied_on: Mapped[date | None]
    valid_until: Mapped[date | None]

    ip: Mapped[IpKind] = relationship()

    def answers(self) -> dict[str, Any]:
        """What was filled in, by the names of the fields."""
        names = ("ip_code", "number", "name", "owner", "applied_on", "valid_until")
        return {name: getattr(self, name) for name in names}


class PaperFile(Base):
    """That a classified contract lies on paper with an office, and nothing else about it (domain facts 1.7)."""

    __tablename__ = "paper_files"
    __table_args__ = (UniqueConstraint("unit_code", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"))
    number: Mapped[str] = mapped_column(String(60))  # 纸质卷号, the office's own
    received_on: Mapped[date]
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)

    unit: Mapped[Unit] = relationship()
    recorded_by: Mapped[User] = relationship()


class BulkPick(Base):
    """A contract that somebody opened, looked through and put aside to decide together with others."""

    __tablename__ = "bulk_picks"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    version: Mapped[int]  # of the contract as it was looked at
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc)

    contract: Mapped[Contract] = relationship()


class Attachment(Base):
    """A file of a contract: one version of one document. The bytes lie in the file store under their hash."""

    __tablename__ = "attachments"
    __table_args__ = (
        Index("ix_attachments_sha256_contract_id", "sha256", "contract_id"),
        CheckConstraint("size > 0", name="not_empty"),
        CheckConstraint("length(sha256) = 64", name="hash"),
        CheckConstraint("version >= 1", name="version_from_1"),
        CheckConstraint("(version > 1) = (replaces_id IS NOT NULL)", name="later_version_replaces"),
        CheckConstraint("page_count >= 1", name="has_pages"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("contract_cases.id"), index=True)  # brought for a case
    kind_code: Mapped[str] = mapped_column(ForeignKey("attachment_kinds.code"))
    file_name: Mapped[str] = mapped_column(String(150))
    mime: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    uploaded_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    removed_at: Mapped[datetime | None] = mapped_column(Moment)  # taken off, or replaced by a newer version
    version: Mapped[int] = mapped_column(default=1)  # of the document: 1, 2, …
    # The version before this one; only one can come after it, so two windows cannot both be the newest.
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"), unique=True)
    page_count: Mapped[int | None]  # of a PDF that could be opened when it came
    unreadable: Mapped[Unreadable | None] = mapped_column(word_type(Unreadable, "unreadable"))  # why it could not

    replaces: Mapped["Attachment | None"] = relationship(remote_side=id)
    kind: Mapped[AttachmentKind] = relationship()
    uploaded_by: Mapped[User] = relationship()

    @property
    def earlier(self) -> list["Attachment"]:
        """The versions before this one, the newest first."""
        found, version = [], self.replaces
        while version:
            found.append(version)
            version = version.replaces
        return found

    def was_there(self, at: datetime) -> bool:
        """Whether it was the version that counted at that moment."""
        return self.uploaded_at <= at and (self.removed_at is None or self.removed_at > at)


class CorrectionItem(Base):
    """One thing the office asks the applicant to put right, and the answer."""

    __tablename__ = "correction_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    section: Mapped[str] = mapped_column(String(20))  # which part of the filing it is about
    field: Mapped[str] = mapped_column(String(40), default="")  # which answer; empty: the part as a whole
    request: Mapped[str] = mapped_column(Text)
    reply: Mapped[str] = mapped_column(Text, default="")
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    asked_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)

    asked_by: Mapped[User] = relationship()


def new_mark() -> str:
    """A word that nothing else has."""
    return secrets.token_hex(8)


class DraftInput(Base):
    """What was typed into one part of the filing and is not valid yet: nothing typed is ever lost."""

    __tablename__ = "draft_inputs"
    __table_args__ = (UniqueConstraint("contract_id", "section"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"))
    section: Mapped[str] = mapped_column(String(20))
    # Urlencoded, as it was posted: whatever people type, telephone numbers too.
    fields_sealed: Mapped[Envelope | str] = mapped_column("fields", SealedLater("draft_inputs.fields"))
    fields = Opened()
    faults: Mapped[int]  # how many things are to be put right
    saved_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    # Which keeping this is, and which opened page did it: another page that knows neither overwrites nothing.
    stamp: Mapped[str] = mapped_column(String(16), default=new_mark)
    window: Mapped[str] = mapped_column(String(16), default="")


class NumberCounter(Base):
    """The last number given by one office in one year: 受理号 have no gaps."""

    __tablename__ = "number_counters"

    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]
