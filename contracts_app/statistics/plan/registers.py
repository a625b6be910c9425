"""What the system's own registers can say about an indicator or a counter: how many, and in which list.

A register holds what was entered into it. Only that of contracts is complete; any other has a part, and says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from contracts_app.brokers import queries as brokers
from contracts_app.brokers.models import Broker
from contracts_app.core.db import db
from contracts_app.enterprises.models import Enterprise, recognitions
from contracts_app.platforms import queries as platforms
from contracts_app.platforms.models import PlatformKind
from contracts_app.regions.models import Region

HIGH_TECH = "high_tech"  # of the enterprise attributes
CARRIERS = (PlatformKind.INCUBATOR, PlatformKind.MAKERSPACE, PlatformKind.MAKER_WORLD)


@dataclass(frozen=True)
class Entry:
    """One count of a register. ``endpoint`` and ``args`` lead to the list of exactly those; some have none."""

    label: str
    count: int
    endpoint: str = ""
    args: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Counting:
    """What is counted in a register, for whom and how; ``entries`` are what the number is made of."""

    definition: str
    unit: str
    entries: Sequence[Entry]

    @property
    def count(self) -> int:
        return sum(entry.count for entry in self.entries)


def platforms_of(kinds: Sequence[PlatformKind], region: Region, definition: str, unit: str = "家") -> Counting:
    """Platforms of these kinds that belong to a region and what lies in it: what the register's list shows of each."""
    entries = [
        Entry(
            kind.label,
            _many(platforms.matching("", kind=kind, level=None, region_code=region.code)),
            "platforms.index",
            {"kind": kind.value, "region": region.code},
        )
        for kind in kinds
    ]
    return Counting(definition, unit, entries)


def named_platforms(words: str, region: Region, definition: str) -> Counting:
    """Platforms of a region whose name holds these words."""
    count = _many(platforms.matching(words, kind=None, level=None, region_code=region.code))
    return Counting(definition, "家", [Entry(words, count, "platforms.index", {"q": words, "region": region.code})])


def brokers_of(person: Any, region: Region) -> Counting:
    """Brokers at work in a region, of those the person may see."""
    count = _many(brokers.matching(person, place=region, is_active=True))
    entry = Entry("在岗技术经纪人", count, "brokers.index", {"active": "yes", "region": region.code})
    return Counting("经纪人登记册中在岗的技术经纪人，按人计，不按培训人次计。", "人", [entry])


def high_tech_of(region: Region) -> Counting:
    """Enterprises of the register with the attribute 高新技术企业."""
    wanted = (
        select(Enterprise.id)
        .join(recognitions, recognitions.c.enterprise_id == Enterprise.id)
        .join(Region, Region.code == Enterprise.region_code)
        .where(recognitions.c.attribute_code == HIGH_TECH, Region.path.startswith(region.path))
    )
    definition = "单位登记册中标注“高新技术企业”的单位；只含办理过技术合同的单位，不是全市家数。"
    return Counting(definition, "家", [Entry("高新技术企业", _many(wanted))])


def _many(wanted: Select[Any] | Select[Broker]) -> int:
    return db.session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0


# By what an indicator's ``counted_by`` names.
_PARTIAL = "只含登记册里已有的，登记不全，不代替公布数。"
OF_INDICATORS: Mapping[str, Callable[[Region], Counting]] = {
    "enterprises:high_tech": high_tech_of,
    "platforms:carriers": lambda region: platforms_of(
        CARRIERS, region, f"平台登记册中的孵化器、众创空间和众创天地，各级合计。{_PARTIAL}"
    ),
    "platforms:research_institutes": lambda region: platforms_of(
        (PlatformKind.RESEARCH_INSTITUTE,), region, f"平台登记册中的大院大所。{_PARTIAL}"
    ),
    "platforms:transfer_institutions": lambda region: platforms_of(
        (PlatformKind.TRANSFER_INSTITUTION,), region, f"平台登记册中的技术转移机构。{_PARTIAL}"
    ),
}
