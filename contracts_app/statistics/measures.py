"""What totals measure: one declaration for each figure. Pages, files, commands, overview and reports read this list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from fractions import Fraction

from contracts_app.contracts.books.ledger import OF_MONEY, Cause
from contracts_app.contracts.counting.totals import Sums
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.web.filters import money_wan, money_yuan, number

Value = Decimal | int | Fraction


class Kind(Enum):
    """What kind of number it is, and so how it is written."""

    COUNT = "count"
    MONEY = "money"


@dataclass(frozen=True)
class Measure:
    """A figure that can be made from any sums. ``of`` gives None where there is nothing to divide by."""

    code: str  # in addresses, files and on the command line; of a plain sum its name in ``Sums``
    label: str
    unit: str  # 项, or 元 in which ``of`` answers
    definition: str
    of: Callable[[Sums], Value | None]
    kind: Kind = Kind.MONEY
    cause: Cause | None = None  # for which a query must ask: money that came in later is in no other list
    counts: str = ""  # of a figure that is worked out: the plain sum its link leads to

    @property
    def is_sum(self) -> bool:
        """Whether parts of it add up to the whole."""
        return not self.counts

    @property
    def listed(self) -> str:
        """The plain sum that the foot of the linked list shows."""
        return self.counts or self.code

    @property
    def unit_shown(self) -> str:
        """The unit in which pages write it: amounts in 万元."""
        return "万元" if self.kind is Kind.MONEY else self.unit

    def asked(self, query: ContractQuery) -> ContractQuery:
        """The query that counts it: for what came in later its cause, else whatever the query asks of registrations."""
        cause = query.cause if query.cause not in OF_MONEY else None
        return replace(query, cause=self.cause or cause)

    def written(self, value: Value | None) -> str:
        """As pages write it: 1,199 or 63,482.50 (万元); — for none."""
        if value is None:
            return "—"
        return number(int(value)) if self.kind is Kind.COUNT else money_wan(exact(value))

    def written_in_full(self, value: Value | None) -> str:
        """As titles write it, amounts in 元 to the 分: 634,825,000.00 元."""
        if value is None:
            return "—"
        return f"{number(int(value)) if self.kind is Kind.COUNT else money_yuan(exact(value))} {self.unit}"

    def plain(self, value: Value | None) -> str | int | None:
        """For files and programs: a whole number, or 元 with two decimals."""
        if value is None:
            return None
        return int(value) if self.kind is Kind.COUNT else f"{exact(value).quantize(_FEN, ROUND_HALF_UP):f}"


_FEN = Decimal("0.01")


def exact(value: Value) -> Decimal:
    """A value as a decimal number: of a quotient as many digits as a decimal has, far below what anybody is shown."""
    return Decimal(value.numerator) / value.denominator if isinstance(value, Fraction) else Decimal(value)


def _average(sums: Sums) -> Fraction | None:
    return Fraction(sums.total_amount) / sums.contracts if sums.contracts > 0 else None


_ALL = (
    Measure(
        "contracts",
        "项数",
        "项",
        "认定登记的技术合同数。变更不改变项数；注销、撤销从办理日期起各减一项。",
        lambda sums: sums.contracts,
        Kind.COUNT,
    ),
    Measure(
        "total_amount",
        "成交额",
        "元",
        "合同约定的全部价款。变更按差额计入办理变更的日期；注销、撤销从办理日期起减去。",
        lambda sums: sums.total_amount,
    ),
    Measure(
        "technology_amount",
        "技术交易额",
        "元",
        "成交额减去购置设备、仪器、零部件、原材料等非技术性费用；合理数量标的物的直接成本不减。",
        lambda sums: sums.technology_amount,
    ),
    Measure(
        "verified_income",
        "核定技术性收入",
        "元",
        "合同履行中实际收到、经核定的技术性收入，计入核定日期；与登记当年无关。",
        lambda sums: sums.verified_income,
        cause=Cause.VERIFICATION,
    ),
    Measure(
        "received_amount",
        "到账额",
        "元",
        "按银行凭证登记的实际到账，计入到账日期；与登记当年无关。",
        lambda sums: sums.received_amount,
        cause=Cause.RECEIPT,
    ),
    Measure(
        "average",
        "平均每项",
        "元",
        "成交额 ÷ 项数。项数为 0 时不计。",
        _average,
        counts="total_amount",
    ),
)
MEASURES: Mapping[str, Measure] = {measure.code: measure for measure in _ALL}
# The number of contracts and the four amounts of domain facts 4.1, in their order.
PLAIN: tuple[Measure, ...] = tuple(measure for measure in _ALL if measure.is_sum)

GROWTH = "（本期 − 上年同期）÷ 上年同期；上年同期为 0 或没有时不计。上年同期是一年前的同样几天。"
SHARE = "占所在行、所在列或全部合计的比例；合计为 0 时不计。"
