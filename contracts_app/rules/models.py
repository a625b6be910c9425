from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.core.db import Base, Money, word_type
from contracts_app.core.words import Word


class AmountBasis(Word):
    """Which amount of a contract is held against the threshold for large ones."""

    TECHNOLOGY_AMOUNT = "technology_amount", "技术交易额"
    TOTAL_AMOUNT = "total_amount", "成交额"


class RuleSet(Base):
    """The rules in force over a span of days; a contract keeps the set of its filing date.

    `large_amount` is 元; both it and its basis are empty where the rules know no large contracts. `is_to_verify`:
    the values were not read in the issued text, and every page that relies on them may say so.
    """

    __tablename__ = "rule_sets"
    __table_args__ = (
        CheckConstraint("valid_from <= valid_to", name="valid_from_before_valid_to"),
        CheckConstraint("(large_amount IS NULL) = (large_amount_basis IS NULL)", name="large_amount_has_basis"),
        CheckConstraint("large_amount > 0", name="large_amount_positive"),
    )

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    document_number: Mapped[str] = mapped_column(String(120), default="")
    issued_on: Mapped[date | None]
    valid_from: Mapped[date | None]  # empty: since before anything this system holds
    valid_to: Mapped[date | None]  # the last day; empty: still in force
    large_amount: Mapped[Decimal | None] = mapped_column(Money)
    large_amount_basis: Mapped[AmountBasis | None] = mapped_column(word_type(AmountBasis, "large_amount_basis"))
    is_to_verify: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")

    time_limits: Mapped[list["TimeLimit"]] = relationship(order_by="TimeLimit.code", lazy="selectin")


class Stage(Word):
    """The step of the process a limit is set for."""

    REVIEW = "review", "认定登记"
    LARGE_REVIEW = "large_review", "大额或有争议合同认定登记"


class DayKind(Word):
    """How the days of a limit are counted."""

    WORKING = "working", "工作日"
    CALENDAR = "calendar", "日"


class TimeLimit(Base):
    """How many days the office has for a step, under one set of rules."""

    __tablename__ = "time_limits"
    __table_args__ = (
        UniqueConstraint("rule_set_code", "stage"),
        CheckConstraint("days > 0", name="days_positive"),
    )

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    rule_set_code: Mapped[str] = mapped_column(ForeignKey("rule_sets.code"))
    stage: Mapped[Stage] = mapped_column(word_type(Stage, "stage"))
    name: Mapped[str] = mapped_column(String(60))
    days: Mapped[int]
    day_kind: Mapped[DayKind] = mapped_column(word_type(DayKind, "day_kind"))
    is_to_verify: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")

    @property
    def words(self) -> str:
        """15个工作日, 30日."""
        return f"{self.days}{'个' if self.day_kind is DayKind.WORKING else ''}{self.day_kind.label}"


class Setting(Base):
    """A number of this office that no rule fixes, kept as written; `rules.queries.setting` reads it."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    value: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")


class CalendarDayKind(Word):
    """How an announced day differs from the plain week."""

    HOLIDAY = "holiday", "放假"
    WORKDAY = "workday", "调休上班"


class CalendarDay(Base):
    """A day of the State Council's yearly holiday schedule: off, or worked although it is a weekend (调休)."""

    __tablename__ = "calendar_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[CalendarDayKind] = mapped_column(word_type(CalendarDayKind, "kind"))
    name: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(200))
