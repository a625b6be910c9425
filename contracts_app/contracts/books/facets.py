"""Words by which totals are split, and how they are found for a contract on the day it is counted."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, case, literal

from contracts_app.core.words import Word
from contracts_app.regions.models import Region
from contracts_app.regions.queries import ABROAD


class Caliber(Word):
    """By whose place a contract is counted (domain facts 7.1). The three are never added to each other."""

    REGISTERED = "registered", "登记口径"
    OUTPUT = "output", "输出口径"
    ABSORBED = "absorbed", "吸纳口径"

    @property
    def definition(self) -> str:
        """What is counted, in words for people who read the figure."""
        return _DEFINITIONS[self]


_DEFINITIONS = {
    Caliber.REGISTERED: "按登记机构所在的考核单元、认定登记日期统计；"
    "变更计入办理变更的日期，注销、撤销从办理日期起减去。",
    Caliber.OUTPUT: "按卖方所在的县（市、区）、认定登记日期统计。只含在本系统登记的合同；卖方在本市以外的不计。",
    Caliber.ABSORBED: "按买方所在的县（市、区）、认定登记日期统计。只含在本系统登记的合同，是不完整的吸纳额："
    "外地登记、本地买入的合同须引用上级发布的数据。",
}


class Flow(Word):
    """From where to where technology goes, seen from the city (domain facts 7.3)."""

    WITHIN = "within", "本市内"
    OUT = "out", "流出"
    IN = "in", "流入"
    ABROAD = "abroad", "境外"
    ELSEWHERE = "elsewhere", "市外之间"


class Band(Word):
    """How large a contract is by its 成交额; each band begins with its lower edge."""

    UNDER_10 = "under_10", "不到 10 万元"
    FROM_10 = "from_10", "10–50 万元"
    FROM_50 = "from_50", "50–100 万元"
    FROM_100 = "from_100", "100–500 万元"
    FROM_500 = "from_500", "500–1000 万元"
    FROM_1000 = "from_1000", "1000 万元以上"


# Lower edges in 元, rising.
EDGES: Mapping[Band, Decimal] = {
    Band.UNDER_10: Decimal(0),
    Band.FROM_10: Decimal(100_000),
    Band.FROM_50: Decimal(500_000),
    Band.FROM_100: Decimal(1_000_000),
    Band.FROM_500: Decimal(5_000_000),
    Band.FROM_1000: Decimal(10_000_000),
}
ENDS: Mapping[Band, Decimal | None] = {
    **{band: EDGES[after] for band, after in pairwise(EDGES)},
    Band.FROM_1000: None,
}


def band_of(amount: Decimal) -> Band:
    """The band of an amount in 元."""
    return max((edge, band) for band, edge in EDGES.items() if amount >= edge)[1]


def band_in(column: Any) -> ColumnElement[Any]:
    """The same of a column, as the database works it out."""
    steps = [(column < end, band.value) for band, end in ENDS.items() if end is not None]
    return case(*steps, else_=literal(Band.FROM_1000.value))


def flow_of(seller: Region, buyer: Region, home: str) -> Flow:
    """Where technology goes between two places; ``home`` is the path of the region that counts as this city."""
    if ABROAD in (seller.code, buyer.code):
        return Flow.ABROAD
    here = seller.path.startswith(home), buyer.path.startswith(home)
    return {(True, True): Flow.WITHIN, (True, False): Flow.OUT, (False, True): Flow.IN}.get(here, Flow.ELSEWHERE)
