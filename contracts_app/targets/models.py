from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Dialect, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from contracts_app.accounts.models import User
from contracts_app.codes.models import Document, Measure
from contracts_app.core.clock import local
from contracts_app.core.db import Base, Moment, word_type
from contracts_app.core.words import Word
from contracts_app.regions.models import Region

PLACES = 6
YUAN = {"元": Decimal(1), "万元": Decimal(10_000), "亿元": Decimal(100_000_000)}


class Quantity(TypeDecorator[Decimal]):
    """An exact number with up to six decimals, whatever its unit; in the database an integer of millionths.

    Neither database's own type would do: SQLite has no exact decimals. More decimals raise ``ValueError``.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        if value is None:
            return None
        scaled = Decimal(value).scaleb(PLACES)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than {PLACES} decimals")
        return int(scaled)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(int(value)) / 10**PLACES


class Comparison(Word):
    """How a document holds a value against the truth: 超200次 is more than 200."""

    EXACT = "=", "等于"
    AT_LEAST = "≥", "不少于"
    MORE = ">", "超过"
    AT_MOST = "≤", "不超过"
    ABOUT = "≈", "约"


class TargetKind(Word):
    """Who set a target and what for; the two are never mixed."""

    TASK = "task", "年度任务"
    PLAN = "plan", "规划目标"


class Target(Base):
    """What a place is to reach in a year: the city, an assessment unit or a town.

    A revision is a new version; of those in force on a day the highest counts. A version is in force from the day of
    its document on, where that is not known from the day it was recorded, where neither is known always.

    Amounts of money are in 元, everything else in the unit of its measure. `since_year` is set where the target is
    for several years together, the last of which is `year`.
    """

    __tablename__ = "targets"
    __table_args__ = (
        UniqueConstraint("year", "region_code", "measure_code", "kind", "version"),
        CheckConstraint("value > 0", name="value_positive"),
        CheckConstraint("version >= 1", name="version_from_1"),
        CheckConstraint("since_year < year", name="since_before_year"),
        CheckConstraint("year BETWEEN 2000 AND 2100", name="year_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)  # of a unit the same as its code
    year: Mapped[int]
    measure_code: Mapped[str] = mapped_column(ForeignKey("measures.code"))
    kind: Mapped[TargetKind] = mapped_column(word_type(TargetKind, "kind"), default=TargetKind.TASK)
    version: Mapped[int] = mapped_column(default=1)
    since_year: Mapped[int | None]
    comparison: Mapped[Comparison] = mapped_column(word_type(Comparison, "comparison"), default=Comparison.EXACT)
    value: Mapped[Decimal] = mapped_column(Quantity)
    document: Mapped[str] = mapped_column(String(120))  # 文号 or name of the document that set it
    issued_on: Mapped[date | None]
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")
    is_demo: Mapped[bool] = mapped_column(default=False)  # made for a demonstration, stands in no document
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # None: came with the reference data
    recorded_at: Mapped[datetime | None] = mapped_column(Moment)

    region: Mapped[Region] = relationship()
    recorded_by: Mapped[User | None] = relationship()
    measure: Mapped[Measure] = relationship(lazy="joined", innerjoin=True)

    @property
    def days_late(self) -> int:
        """How many days after its document's day it was entered: so long other figures were shown than are now."""
        if self.recorded_at is None or self.issued_on is None:
            return 0
        return max(0, (local(self.recorded_at).date() - self.issued_on).days)


class Nature(Word):
    """What kind of number an indicator is, which says how far along it is."""

    LEVEL = "level", "水平数"  # (value − base) ÷ (target − base)
    FLOW = "flow", "当年流量"  # value ÷ target: it begins at nought every year
    GROWTH = "growth", "增长率"  # reached or not; a growth rate has no way behind it


class Direction(Word):
    """Which way is better."""

    UP = "up", "越高越好"
    DOWN = "down", "越低越好"


class Indicator(Base):
    """One of the plan's indicators (表1—1): base, target and the increase between them, as printed and as numbers.

    `change` is target minus base, not a sum over the years; it is empty where the document gives none. `counted_by`
    names what the system counts itself that comes nearest (``statistics.plan.registers``); empty where it has nothing.
    """

    __tablename__ = "indicators"
    __table_args__ = (
        CheckConstraint("change = target_value - base_value", name="change_is_target_minus_base"),
        CheckConstraint("base_year < target_year", name="base_before_target"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    unit: Mapped[str] = mapped_column(String(20))
    base_year: Mapped[int]
    base_value: Mapped[Decimal] = mapped_column(Quantity)
    base_wording: Mapped[str] = mapped_column(String(40))
    comparison: Mapped[Comparison] = mapped_column(word_type(Comparison, "comparison"))
    target_year: Mapped[int]
    target_value: Mapped[Decimal] = mapped_column(Quantity)
    target_wording: Mapped[str] = mapped_column(String(40))
    change: Mapped[Decimal | None] = mapped_column(Quantity)
    change_wording: Mapped[str] = mapped_column(String(40), default="")
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    measure_code: Mapped[str | None] = mapped_column(ForeignKey("measures.code"))
    caliber: Mapped[str] = mapped_column(String(120), default="")
    doubt: Mapped[str] = mapped_column(Text, default="")
    topic: Mapped[str] = mapped_column(String(40), default="")
    nature: Mapped[Nature] = mapped_column(word_type(Nature, "nature"), default=Nature.LEVEL)
    nature_note: Mapped[str] = mapped_column(Text, default="")
    direction: Mapped[Direction] = mapped_column(word_type(Direction, "direction"), default=Direction.UP)
    counted_by: Mapped[str] = mapped_column(String(40), default="")
    source: Mapped[str] = mapped_column(ForeignKey("documents.code"))

    values: Mapped[list["IndicatorValue"]] = relationship(order_by="IndicatorValue.year", lazy="selectin")
    region: Mapped[Region] = relationship()
    document: Mapped[Document] = relationship()


class Span(Word):
    """What stretch of time a published figure is about; figures of different spans are never added or compared."""

    YEARLY = "yearly", "当年"
    CUMULATIVE = "cumulative", "累计"
    POINT = "point", "时点"
    TARGET = "target", "目标"


class Standing(Word):
    """What a reader has to know of a figure before using it. Only one without any is used in charts and growth."""

    MISSING = "missing", "缺"
    NO_UNIT = "no_unit", "单位缺"
    OPEN = "open", "待核"
    INFERRED = "inferred", "年份推定"

    @property
    def is_usable(self) -> bool:
        """Whether one may still reckon with the figure: a year of ours leaves the number as it was."""
        return self is Standing.INFERRED


class PublishedFigure(Base):
    """One figure from a document, as it was published.

    `value` is empty where the source is torn (缺); it is never filled in. `wording` is the value as written there.
    `unit` is empty where the source has none. `inferred`: the year is ours. `doubt` says what to be careful about.
    Figures of one `topic` are about the same matter, each in its own caliber: to be read beside each other.
    """

    __tablename__ = "published_figures"
    __table_args__ = (
        CheckConstraint("section IN ('A', 'C', 'D', 'E', 'F')", name="section_known"),  # B is made of indicators
        CheckConstraint("value IS NOT NULL OR doubt <> ''", name="missing_value_is_explained"),
        CheckConstraint("first_year <= year", name="first_year_before_year"),
        Index("ix_published_figures_measure_code_region_code_year", "measure_code", "region_code", "year"),
    )

    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    section: Mapped[str] = mapped_column(String(1), index=True)
    name: Mapped[str] = mapped_column(String(120))
    wording: Mapped[str] = mapped_column(String(60), default="")
    value: Mapped[Decimal | None] = mapped_column(Quantity)
    comparison: Mapped[Comparison] = mapped_column(word_type(Comparison, "comparison"))
    unit: Mapped[str] = mapped_column(String(20), default="")
    period: Mapped[str] = mapped_column(String(40))
    span: Mapped[Span] = mapped_column(word_type(Span, "span"))
    first_year: Mapped[int | None]
    year: Mapped[int]  # the only one, or the last
    period_end: Mapped[date | None]
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    place: Mapped[str] = mapped_column(String(60), default="")  # where it is, when that is not a region of ours
    caliber: Mapped[str] = mapped_column(String(120), default="")
    topic: Mapped[str] = mapped_column(String(40), default="", index=True)
    measure_code: Mapped[str | None] = mapped_column(ForeignKey("measures.code"))
    source: Mapped[str] = mapped_column(ForeignKey("documents.code"))
    inferred: Mapped[bool] = mapped_column(default=False)
    doubt: Mapped[str] = mapped_column(Text, default="")

    region: Mapped[Region] = relationship(lazy="joined", innerjoin=True)
    document: Mapped[Document] = relationship(lazy="joined", innerjoin=True)

    @property
    def yuan(self) -> Decimal | None:
        """The value in 元 where it is an amount of money with a unit, else None."""
        return in_yuan(self.value, self.unit)

    @property
    def standings(self) -> tuple[Standing, ...]:
        return standings_of(self.value, self.unit, self.doubt, self.inferred)


class IndicatorValue(Base):
    """What an indicator stood at in a year after its base, in the indicator's unit, and the figure that says so."""

    __tablename__ = "indicator_values"

    indicator_number: Mapped[int] = mapped_column(ForeignKey("indicators.number"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[Decimal] = mapped_column(Quantity)
    figure_key: Mapped[str | None] = mapped_column(ForeignKey("published_figures.key"))
    source: Mapped[str] = mapped_column(ForeignKey("documents.code"))
    note: Mapped[str] = mapped_column(Text, default="")

    figure: Mapped[PublishedFigure | None] = relationship()


def standings_of(value: Decimal | None, unit: str, doubt: str, inferred: bool) -> tuple[Standing, ...]:
    """What is to be said of a figure: value or unit is torn, its doubt is not settled (待核), its year is ours."""
    holds = {
        Standing.MISSING: value is None,
        Standing.NO_UNIT: not unit,
        Standing.OPEN: Standing.OPEN.label in doubt,
        Standing.INFERRED: inferred,
    }
    return tuple(standing for standing, is_so in holds.items() if is_so)


def in_yuan(value: Decimal | None, unit: str) -> Decimal | None:
    """A value of a money unit in 元, else None."""
    return value * YUAN[unit] if value is not None and unit in YUAN else None
