"""What is opened about a contract after its registration was decided: change, cancellation, revocation, objection.

A case holds what was asked, on what grounds, and how it was decided. The contract's state says that it is open; its
figures change only with the decision, by entries in the ledger. Source: domain facts 1.7 and 1.8.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.accounts.models import User
from contracts_app.codes.models import CaseKind, ChangeGround
from contracts_app.core.clock import local, now_utc
from contracts_app.core.db import Base, Moment, word_type
from contracts_app.core.words import Word

from .states import State


class Outcome(Word):
    """How a case ended."""

    GRANTED = "granted", "同意"
    DENIED = "denied", "不同意"
    WITHDRAWN = "withdrawn", "已撤回"


# The end of a case in the words of its kind: granted, denied.
_ENDS = {
    CaseKind.CHANGE: ("准予变更", "不予变更"),
    CaseKind.CANCELLATION: ("准予注销", "不予注销"),
    CaseKind.REVOCATION: ("撤销登记", "不予撤销"),
    CaseKind.OBJECTION: ("异议成立", "异议不成立"),
}


class ContractCase(Base):
    """One case of one contract. A contract has at most one open case."""

    __tablename__ = "contract_cases"
    __table_args__ = (
        Index(
            "uq_contract_cases_open",
            "contract_id",
            unique=True,
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
        CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name="closed_has_outcome"),
        CheckConstraint("decided_by_id <> opened_by_id", name="opener_does_not_decide"),
        CheckConstraint("decided_by_id <> reviewed_by_id", name="case_decided_by_second_person"),
        CheckConstraint("outcome <> 'granted' OR decided_by_id IS NOT NULL", name="granted_has_decider"),
        CheckConstraint(
            "outcome <> 'granted' OR NOT needs_expert OR expert_on IS NOT NULL", name="change_heard_experts"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    kind: Mapped[CaseKind] = mapped_column(word_type(CaseKind, "case_kind"))
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    opened_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    opened_from: Mapped[State] = mapped_column(word_type(State, "opened_from"))  # where the contract goes back to
    ground_code: Mapped[str | None] = mapped_column(ForeignKey("change_grounds.code"))
    grounds: Mapped[str] = mapped_column(Text, default="")
    event_on: Mapped[date | None]  # of the amendment, the rescission, the judgment, the finding
    authority: Mapped[str] = mapped_column(String(100), default="")  # who objects, where it is not the applicant
    has_benefits: Mapped[bool | None]  # whether tax relief or rewards were drawn on the registration
    benefits_note: Mapped[str] = mapped_column(Text, default="")
    proposal: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # a change: field -> the value asked for
    changes: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)  # the same in words: field -> [old, new]
    needs_third: Mapped[bool] = mapped_column(default=False)  # the change asks for the amount of a large contract
    needs_expert: Mapped[bool] = mapped_column(default=False)  # or one that experts are heard on
    expert_on: Mapped[date | None]  # when they were
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # the registrar's first look
    reviewed_at: Mapped[datetime | None] = mapped_column(Moment)
    review_opinion: Mapped[str] = mapped_column(Text, default="")
    notified_on: Mapped[date | None]  # when the party was told of the investigation and of its right to be heard
    statement: Mapped[str] = mapped_column(Text, default="")  # what the party said, or that it did not
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decision: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[Outcome | None] = mapped_column(word_type(Outcome, "outcome"))
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    counts_on: Mapped[date | None]  # the day in whose year the figures change

    @property
    def opened_day(self) -> date:
        """The day in Asia/Shanghai on which it was opened."""
        return local(self.opened_at).date()

    @property
    def was_heard(self) -> bool:
        """Whether the party was told and what it said is on record."""
        return self.notified_on is not None and bool(self.statement)

    @property
    def end(self) -> str:
        """How it ended, in the words of its kind; empty while it is open."""
        if self.outcome is None or self.outcome is Outcome.WITHDRAWN:
            return self.outcome.label if self.outcome else ""
        return _ENDS[self.kind][self.outcome is Outcome.DENIED]

    opened_by: Mapped[User] = relationship(foreign_keys=opened_by_id)
    reviewed_by: Mapped[User | None] = relationship(foreign_keys=reviewed_by_id)
    decided_by: Mapped[User | None] = relationship(foreign_keys=decided_by_id)
    ground: Mapped[ChangeGround | None] = relationship()
