from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.codes.models import PartyType
from contracts_app.core.clock import now_utc
from contracts_app.core.codes import mask_phone
from contracts_app.core.db import Base, Moment, word_type
from contracts_app.core.words import Word
from contracts_app.regions.models import Region


class Scale(Word):
    """企业规模, asked of enterprises only (national form, domain facts 3.1 row 24)."""

    LARGE = "large", "大型"
    MEDIUM = "medium", "中型"
    SMALL = "small", "小型"
    MICRO = "micro", "微型"


class Enterprise(Base):
    """Any legal entity, or a person, that sells, buys or hosts: one row for one 统一社会信用代码."""

    __tablename__ = "enterprises"
    __table_args__ = (
        CheckConstraint("code IS NULL OR length(code) = 18", name="code_has_18_characters"),
        Index("ix_enterprises_name_key", "name_key"),
        Index("ix_enterprises_initials", "initials"),
        Index("ix_enterprises_pinyin", "pinyin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(String(18), unique=True)  # foreign parties and individuals have none
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))  # the name as compared: no blanks, brackets, punctuation
    pinyin: Mapped[str] = mapped_column(String(800), default="")
    initials: Mapped[str] = mapped_column(String(200), default="")
    party_type_code: Mapped[str] = mapped_column(ForeignKey("party_types.code"))
    region_code: Mapped[str] = mapped_column(
        ForeignKey("regions.code"), index=True
    )  # county, zone, city, province, abroad
    town_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"))
    address: Mapped[str] = mapped_column(String(200), default="")
    representative: Mapped[str] = mapped_column(String(60), default="")
    contact: Mapped[str] = mapped_column(String(60), default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    scale: Mapped[Scale | None] = mapped_column(word_type(Scale, "scale"))
    is_transfer_institution: Mapped[bool] = mapped_column(default=False)
    is_research_institution: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    party_type: Mapped[PartyType] = relationship(lazy="joined")
    region: Mapped[Region] = relationship(foreign_keys=region_code, lazy="joined")
    town: Mapped[Region | None] = relationship(foreign_keys=town_code, lazy="joined")

    @property
    def place(self) -> str:
        """County and town in words."""
        return self.region.name + (self.town.name if self.town else "")

    @property
    def note(self) -> str:
        """What tells it from others of a like name: code and place."""
        return " · ".join(part for part in (self.code, self.place) if part)

    @property
    def masked_phone(self) -> str:
        """The phone number as lists and people without need of it may see it."""
        return mask_phone(self.phone)
