from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.core.db import Base, Moment, Money, word_type
from contracts_app.core.words import Word


class AmountBasis(Word):
    """Which amount of a contract is held against the threshold for large ones."""

    TECHNOLOGY_AMOUNT = "technology_amount", "技术交易额"
    TOTAL_AMOUNT = "total_amount", "成交额"


class Status(Word):
    """How far a rule set is: a draft binds nobody; a retired one still holds for what was filed in its time."""

    DRAFT = "draft", "草案"
    ACTIVE = "active", "已启用"
    RETIRED = "retired", "已停用"


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
        CheckConstraint("status <> 'retired' OR valid_to IS NOT NULL", name="retired_has_a_last_day"),
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
    status: Mapped[Status] = mapped_column(word_type(Status, "status"), default=Status.DRAFT)
    activated_at: Mapped[datetime | None] = mapped_column(Moment)  # empty: came with the reference data as it is
    activated_by: Mapped[str] = mapped_column(String(60), default="")  # the username

    time_limits: Mapped[list["TimeLimit"]] = relationship(order_by="TimeLimit.code")


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


class Section(Word):
    """The parts of the filing, in the order of the task list."""

    PARTIES = "parties", "当事人"
    SUBJECT = "subject", "标的与期限"
    DETAILS = "details", "类型专项"
    MONEY = "money", "金额与付款"
    TECHNOLOGY = "technology", "技术信息"
    FILES = "files", "附件"


class Level(Word):
    """An error stops the submission; a warning asks for a second look; an information only tells what follows."""

    ERROR = "error", "须改正"
    WARNING = "warning", "请核对"
    INFO = "info", "提示"


class Rule(Base):
    """One thing a contract is looked at for, under one set of rules: which test, what it says, and on what it rests.

    `sentence` may hold {placeholders} which the predicate fills. `article` is given only where it is known;
    `is_to_verify`: the text of the clause was not read as issued. `reason_code`: the ground for refusal it may lead to.
    """

    __tablename__ = "rules"

    rule_set_code: Mapped[str] = mapped_column(ForeignKey("rule_sets.code"), primary_key=True)
    code: Mapped[str] = mapped_column(String(10), primary_key=True)
    section: Mapped[Section] = mapped_column(word_type(Section, "section"))
    field: Mapped[str] = mapped_column(String(40))  # an answer of the contract, or the kind of a file
    severity: Mapped[Level] = mapped_column(word_type(Level, "severity"))
    sentence: Mapped[str] = mapped_column(Text)
    remedy: Mapped[str] = mapped_column(Text)
    predicate: Mapped[str] = mapped_column(String(60))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    document: Mapped[str] = mapped_column(String(120))
    article: Mapped[str] = mapped_column(String(40), default="")
    is_to_verify: Mapped[bool] = mapped_column(default=False)
    reason_code: Mapped[str | None] = mapped_column(ForeignKey("refusal_reasons.code"))
    source: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]

    @property
    def citation(self) -> str:
        """《民法典》第845条."""
        return f"{self.document}{self.article}"


class Setting(Base):
    """A number of this office that no rule fixes, kept as written; `rules.queries.setting` reads it.

    One that the administrator changed is the office's own from then on: loading the reference data leaves it alone.
    """

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    value: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime | None] = mapped_column(Moment)  # empty: as it came
    changed_by: Mapped[str] = mapped_column(String(60), default="")  # the username


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
