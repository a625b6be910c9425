"""How the price of a contract comes about: what is deducted, royalty, free use, foreign currency.

Drawn by the contract's own number, so that nothing else of the demonstration changes with it; amounts stay as they are.
"""

import re
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, NamedTuple

from contracts_app.codes.models import Currency
from contracts_app.contracts.amounts import in_cny
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.models import DeductionKind
from contracts_app.regions.queries import ABROAD

_THINGS = {
    DeductionKind.EQUIPMENT: ("检测装置 1 套", "自动上下料机构 1 套", "配套设备 2 台"),
    DeductionKind.INSTRUMENT: ("在线测量仪 1 台", "数据采集仪 2 台"),
    DeductionKind.PART: ("传感器和控制板 1 批", "模具零件 1 批"),
    DeductionKind.MATERIAL: ("试制用原材料 1 批", "试验耗材 1 批"),
    DeductionKind.OTHER: ("现场安装和运输", "差旅和场地费用"),
}
_YEARS = {"三": 3, "四": 4, "五": 5}
_RATES = {"USD": Decimal("7.1"), "EUR": Decimal("7.8"), "HKD": Decimal("0.91")}
_SOURCE = "中国人民银行授权公布的人民币汇率中间价（演示）"
_TENTH = Decimal("0.00000001")


class Taken(NamedTuple):
    """One line of the deduction sheet. The amount is 元."""

    position: int
    kind: DeductionKind
    name: str
    amount: Decimal
    is_subject: bool
    note: str


def explain(paper: Any, currencies: dict[str, Currency]) -> None:
    """Fill in what the amounts and the way of paying of the paper ask for."""
    rng, model = Random(paper.id * 104_729), paper.payment_model  # noqa: S311  (made-up words, nothing secret)
    paper.deductions = _taken(rng, paper)
    begins_on = paper.begins_on
    if model.asks_free_use:
        months = 6 if "六个月" in paper.payment_note else 12
        paper.free_until = begins_on + timedelta(days=months * 30)
        paper.free_trigger = "期满后买方决定继续使用" if "期满" in paper.payment_note else "形成销售"
        paper.is_price_open = True
        begins_on = paper.free_until + timedelta(days=1)
    if model.has_royalty:
        _agree_royalty(paper, begins_on)
    if rng.random() < 0.01 or paper.seller.region_code == ABROAD:
        _in_foreign_currency(rng, paper, currencies)


def _taken(rng: Random, paper: Any) -> tuple[Taken, ...]:
    """Lines that come to what the technology amount leaves of the total; now and then a prototype that is not taken."""
    rest = paper.total_amount - paper.technology_amount
    lines: list[Taken] = []
    kinds = rng.sample(list(_THINGS), rng.choice((1, 2, 2, 3))) if rest else []
    for place, kind in enumerate(kinds, 1):
        amount = rest if place == len(kinds) else (rest * rng.randrange(40, 75) / 100).quantize(Decimal(100))
        if amount <= 0:
            continue
        rest -= amount
        lines.append(Taken(len(lines) + 1, kind, rng.choice(_THINGS[kind]), amount, False, ""))
    if lines and rest:
        lines[-1] = lines[-1]._replace(amount=lines[-1].amount + rest)
    if paper.type.code.startswith("KF") and "样机" in paper.content and rng.random() < 0.5:
        amount = (paper.technology_amount * rng.randrange(4, 12) / 100).quantize(Decimal(100))
        if amount > 0:
            note = "合同标的，供试验和验收用"
            lines.append(Taken(len(lines) + 1, DeductionKind.EQUIPMENT, "样机 1 台", amount, True, note))
    return tuple(lines)


def _agree_royalty(paper: Any, begins_on: date) -> None:
    """The terms that the note about the payment tells in words."""
    note = paper.payment_note
    percents = re.findall(r"([0-9.]+)%", note)
    paper.royalty_base = (
        RoyaltyBase.PROFIT if "利润" in note else RoyaltyBase.PRICE if "每件产品" in note else RoyaltyBase.SALES
    )
    if percents:
        paper.royalty_rate = Decimal(percents[0])
    if len(percents) != 1:
        paper.royalty_rate_note = re.split(r"[，；]按季|，每年一月", note)[0]
    years = next((number for word, number in _YEARS.items() if f"期限{word}年" in note), 5)
    paper.royalty_begins_on = begins_on
    paper.royalty_ends_on = date(begins_on.year + years, begins_on.month, min(begins_on.day, 28)) - timedelta(days=1)
    paper.may_inspect_books = True


def _in_foreign_currency(rng: Random, paper: Any, currencies: dict[str, Currency]) -> None:
    """A price in foreign currency that comes to the total exactly, where a rate of eight places can do that."""
    code = rng.choice(list(_RATES))
    foreign = (paper.total_amount / _RATES[code]).quantize(Decimal(100), ROUND_HALF_UP)
    if not 0 < foreign < 900_000:
        return
    rate = (paper.total_amount / foreign).quantize(_TENTH, ROUND_HALF_UP)
    if in_cny(foreign, rate) != paper.total_amount:
        return
    paper.currency, paper.currency_code = currencies[code], code
    paper.foreign_amount, paper.exchange_rate = foreign, rate
    paper.exchange_rate_on, paper.exchange_rate_source = paper.signed_on, _SOURCE
