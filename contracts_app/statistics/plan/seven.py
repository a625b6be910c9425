"""The “七个一” of the plan for turning results into products: seven counters, each a query over a register of ours.

Where no register holds it, what documents say is shown with its source; where they say nothing, that is said. No number
is made up, and none of another caliber stands in for one that is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from contracts_app.accounts.models import Reader
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.counting.totals import Sums, totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.platforms.models import PlatformKind
from contracts_app.regions.models import Region
from contracts_app.targets import queries as targets
from contracts_app.targets.queries import Figure

from .registers import Counting, Entry, brokers_of, named_platforms, platforms_of

SOURCE = "003_c3d04fed9f6b571f.txt"  # 晋江市“十四五”科技创新发展专项规划
RESEARCH = {"021": "科研机构", "022": "高等院校"}  # party types whose contracts join research and production


@dataclass(frozen=True)
class OfContracts:
    """Contracts that make a counter, and their amount in 元."""

    label: str
    query: ContractQuery
    sums: Sums


@dataclass(frozen=True)
class Counter:
    """One of the seven. Without ``counting`` and ``contracts`` no register of ours holds it."""

    number: int
    name: str
    aim: str  # as the plan words it
    definition: str
    counting: Counting | None = None
    contracts: Sequence[OfContracts] = ()
    figures: Sequence[Figure] = ()  # what documents say, each in its own caliber
    named: str = ""  # what documents name without counting it
    note: str = ""

    @property
    def count(self) -> int | None:
        if self.contracts:
            return sum(one.sums.contracts for one in self.contracts)
        return self.counting.count if self.counting else None

    @property
    def unit(self) -> str:
        return "项" if self.contracts else self.counting.unit if self.counting else ""


def counters(year: int, person: Reader, region: Region, unit: str | None, until: date | None = None) -> list[Counter]:
    """The seven for a region: registers as they stand now, contracts as counted in the year (up to a day)."""
    found = {figure.key: figure for figure in targets.figures(targets.FigureFilter(keys=_KEYS))}

    def said(*keys: str) -> list[Figure]:
        return [found[key] for key in keys if key in found]

    partial = "只含登记册里已有的，登记不全，不代替公布数。"
    pilots = platforms_of((PlatformKind.PILOT_BASE,), region, f"平台登记册中的中试基地。{partial}")
    institutions = platforms_of((PlatformKind.TRANSFER_INSTITUTION,), region, f"平台登记册中的技术转移机构。{partial}")
    return [
        Counter(
            1, "科技大市场", "建立一个科技大市场", "平台登记册中名称含“科技大市场”的平台。",
            counting=named_platforms("科技大市场", region, "平台登记册中名称含“科技大市场”的平台。"),
        ),
        Counter(
            2, "成果转化基金", "设立一批成果转化基金", "本系统没有基金登记册，文件也没有公布成果转化基金的支数。",
            figures=said("F-2020-funds", "F-2020-funds-size"),
            named="福建省首支国家科技成果转化引导基金子基金、泉州创新引导基金、晋江市高新产业投资基金",
            note="注册私募基金支数和规模不是成果转化基金，只供参考，不能代替。",
        ),
        Counter(
            3, "科技金融产品", "发展一批科技金融产品", "本系统没有金融产品登记册，文件也没有公布产品数。",
            named="科技贷、科创贷、科技保险、专利权质押融资、易信贷、高企贷",
        ),
        Counter(
            4, "产学研合作项目", "实施一批产学研合作项目",
            "当年登记的技术合同中，卖方为科研机构或高等院校的合同，登记口径；是本系统的算法，文件没有给出定义（待核）。",
            contracts=_of_research(year, person, unit, until),
            figures=said("A-2025-platform-projects", "A-2025-platform-amount", "A-2025-target-projects"),
            note="各创新平台的产学研及技术服务项目与登记合同重叠多少不明，分开列，不相加。",
        ),
        Counter(5, "中试基地", "建立一批中试基地", pilots.definition, counting=pilots),
        Counter(
            6, "技术转移机构", "引进一批技术转移服务机构", institutions.definition, counting=institutions,
            figures=said("B-18-base", "B-18-target"),
        ),
        Counter(
            7, "技术经纪人队伍", "打造一支技术经纪人队伍", "经纪人登记册中在岗的技术经纪人，按人计。",
            counting=brokers_of(person, region),
            figures=said("E-brokers-trained", "E-target-broker-training", "E-association-members"),
            note="培训按人次计，协会按会员单位计，都不是经纪人人数。",
        ),
    ]  # fmt: skip


_KEYS = (
    "F-2020-funds", "F-2020-funds-size", "A-2025-platform-projects", "A-2025-platform-amount",
    "A-2025-target-projects", "B-18-base", "B-18-target", "E-brokers-trained", "E-target-broker-training",
    "E-association-members",
)  # fmt: skip


def _of_research(year: int, person: Reader, unit: str | None, until: date | None) -> list[OfContracts]:
    cut = (date(year, 1, 1), until) if until and until.year == year and (until.month, until.day) != (12, 31) else ()
    query = ContractQuery(year=year, unit=unit)
    if cut:
        query = replace(query, date_from=cut[0], date_to=cut[1])
    found = []
    for code, label in RESEARCH.items():
        narrowed = DIMENSIONS["seller_kind"].narrowed(query, code)
        found.append(OfContracts(label, narrowed, totals(narrowed, person).get((), Sums())))
    return found


def entries_of(counter: Counter) -> Sequence[Entry]:
    """What the number of a register is made of."""
    return counter.counting.entries if counter.counting else ()
