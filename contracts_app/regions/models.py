from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.core.db import Base, word_type
from contracts_app.core.words import Word


class Level(Word):
    """How high a region stands in the tree."""

    COUNTRY = "country", "国家"
    PROVINCE = "province", "省"
    CITY = "city", "市"
    COUNTY = "county", "县（市、区）"
    ZONE = "zone", "功能区"
    TOWN = "town", "镇（街道）"


class Region(Base):
    """A place. `path` is its ancestors' codes and its own, each ended by a slash: what lies under it starts with it."""

    __tablename__ = "regions"
    __table_args__ = (
        CheckConstraint("substr(path, length(path) - length(code)) = code || '/'", name="path_ends_with_code"),
    )

    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    short_name: Mapped[str] = mapped_column(String(30))
    level: Mapped[Level] = mapped_column(word_type(Level, "level"))
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"), index=True)
    path: Mapped[str] = mapped_column(String(60), unique=True)
    pinyin: Mapped[str] = mapped_column(String(60))
    initials: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")

    def covers(self, other: "Region") -> bool:
        """Whether the other region is this one or lies under it."""
        return other.path.startswith(self.path)

    def __str__(self) -> str:
        return self.name


class UnitKind(Word):
    """Whether an assessment unit is an administrative county or a development zone."""

    COUNTY = "county", "县（市、区）"
    ZONE = "zone", "功能区"


class Unit(Base):
    """考核单元: what the city assigns yearly tasks to. Not the same as the counties: 金门 is none, two zones are."""

    __tablename__ = "units"
    __table_args__ = (
        CheckConstraint("code = region_code", name="code_is_region_code"),
        CheckConstraint("length(number_prefix) = 2 AND number_prefix = upper(number_prefix)", name="two_capitals"),
    )

    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[UnitKind] = mapped_column(word_type(UnitKind, "kind"))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), unique=True)
    office_name: Mapped[str] = mapped_column(String(60))
    number_prefix: Mapped[str] = mapped_column(String(2), unique=True)  # begins its acceptance numbers
    position: Mapped[int]
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")

    region: Mapped[Region] = relationship(lazy="joined")

    def __str__(self) -> str:
        return self.name
