from datetime import date

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.core.db import Base, word_type
from contracts_app.core.words import Word
from contracts_app.regions.models import Region


class PlatformKind(Word):
    """What an organisation of the innovation system is there for."""

    RESEARCH_INSTITUTE = "research_institute", "大院大所"
    UNIVERSITY = "university", "高校"
    TRANSFER_INSTITUTION = "transfer_institution", "技术转移机构"
    OFFSHORE_CENTRE = "offshore_centre", "人才科创飞地"
    INCUBATOR = "incubator", "孵化器"
    MAKERSPACE = "makerspace", "众创空间"
    MAKER_WORLD = "maker_world", "众创天地"
    PILOT_BASE = "pilot_base", "中试基地"
    CONSORTIUM = "consortium", "创新联合体"
    ASSOCIATION = "association", "行业组织"
    SERVICE_CENTRE = "service_centre", "服务中心"
    DIGITAL_PLATFORM = "digital_platform", "数字化平台"
    PARK = "park", "园区"


class PlatformLevel(Word):
    """Who recognised it."""

    NATIONAL = "national", "国家级"
    PROVINCIAL = "provincial", "省级"
    CITY = "city", "市级"
    COUNTY = "county", "县级"


class Platform(Base):
    """创新平台: an organisation or place that brings technology deals about. A contract may name one.

    `region_code` is whose platform it is, `place` where it stands when that is elsewhere or more exact: a 飞地 of
    晋江 stands in Wuhan. `opened` is as exact as the document: 2024, 2024-09 or 2025-12-06.
    """

    __tablename__ = "platforms"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    short_name: Mapped[str] = mapped_column(String(60), default="")
    kind: Mapped[PlatformKind] = mapped_column(word_type(PlatformKind, "kind"), index=True)
    level: Mapped[PlatformLevel | None] = mapped_column(word_type(PlatformLevel, "level"))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    place: Mapped[str] = mapped_column(String(60), default="")
    host: Mapped[str] = mapped_column(String(120), default="")  # the institution it belongs to
    opened: Mapped[str] = mapped_column(String(10), default="")
    closed_on: Mapped[date | None]
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")

    region: Mapped[Region] = relationship()

    def __str__(self) -> str:
        return self.short_name or self.name
