"""What the amounts of a contract come to, and why: 技术交易额, a price in foreign currency, 金额待定, what is asked.

Sources: domain facts 4.1 (技术交易额 is the price less goods bought, except a reasonable quantity of the subject matter
itself) and 4.2 (ways of paying).
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple, Protocol

from contracts_app.codes.models import PaymentModel
from contracts_app.core import money

from .models import Contract, Deduction, DeductionKind

NOTHING = Decimal(0)
OPEN = "金额待定"

# Questions that only some answers call for, with what stands for "not answered".
ROYALTY: Mapping[str, Any] = {
    "royalty_base": None,
    "royalty_rate": None,
    "royalty_rate_note": "",
    "royalty_begins_on": None,
    "royalty_ends_on": None,
    "royalty_cap": None,
    "royalty_floor": None,
    "may_inspect_books": None,
    "royalty_estimate": None,
}
FREE_USE: Mapping[str, Any] = {"free_until": None, "free_trigger": ""}
FOREIGN: Mapping[str, Any] = {
    "foreign_amount": None,
    "exchange_rate": None,
    "exchange_rate_on": None,
    "exchange_rate_source": "",
}
PLAN: Mapping[str, Any] = {"payments": []}
UNDETERMINED: Mapping[str, Any] = {"is_price_open": False}


class Line(Protocol):
    """As much of a line of the deduction sheet as sums need. The amount is 元."""

    @property
    def amount(self) -> Decimal: ...

    @property
    def is_subject(self) -> bool: ...


class Step(NamedTuple):
    """A step of the reckoning of 技术交易额: what, how much (元), and why."""

    label: str
    amount: Decimal
    note: str = ""


def left_out(model: PaymentModel | None, *, is_foreign: bool) -> dict[str, Any]:
    """The questions that do not go with a way of paying and a currency, each with its blank answer."""
    blank: dict[str, Any] = {} if is_foreign else dict(FOREIGN)
    if model is None:
        return {**blank, **ROYALTY, **FREE_USE, **UNDETERMINED}
    if not model.asks_plan:
        blank |= PLAN
    if not model.has_royalty:
        blank |= ROYALTY
    if not model.asks_free_use:
        blank |= FREE_USE
    if not model.may_be_undetermined:
        blank |= UNDETERMINED
    return blank


def deducted(lines: Iterable[Line]) -> Decimal:
    """元 that the sheet takes off: everything but a reasonable quantity of the subject matter."""
    return sum((line.amount for line in lines if not line.is_subject), NOTHING)


def technology_part(total: Decimal, lines: Iterable[Line]) -> Decimal:
    """技术交易额 (元): the price less what is deducted; never below nothing and never above the price."""
    return max(total - deducted(lines), NOTHING)


def in_cny(amount: Decimal | None, rate: Decimal | None) -> Decimal:
    """元 for an amount of foreign currency, rounded half up to the 分, once; 0 while one of the two is missing."""
    if amount is None or rate is None:
        return NOTHING
    return (amount * rate).quantize(money.FEN, ROUND_HALF_UP)


def total_in_words(contract: Contract) -> str:
    """The price as papers and pages say it: 1,200,000.00 元, 金额待定, or what is settled of a price that is open."""
    if not contract.is_price_open:
        return f"{money.yuan(contract.total_amount)} 元"
    return f"{OPEN}，已定 {money.yuan(contract.total_amount)} 元" if contract.total_amount else OPEN


def foreign_in_words(contract: Contract) -> str:
    """100,000.00 USD × 7.1 = 710,000.00 元 (with day and source); empty for a price in CNY."""
    if not contract.currency_code or contract.foreign_amount is None or contract.exchange_rate is None:
        return ""
    at = f"{contract.exchange_rate_on} " if contract.exchange_rate_on else ""
    said = f"{at}{contract.exchange_rate_source}".strip()
    return (
        f"{money.yuan(contract.foreign_amount)} {contract.currency_code} × {plain(contract.exchange_rate)}"
        f" = {money.yuan(contract.total_amount)} 元" + (f"（汇率：{said}）" if said else "")
    )


def royalty_in_words(contract: Contract) -> str:
    """按销售额的 3.5% 提成，2026-01-01 至 2030-12-31，…; empty where there is none."""
    base, rate = contract.royalty_base, contract.royalty_rate
    if not base:
        return ""
    said = [f"按{base.label}的 {plain(rate)}% 提成" if rate is not None else f"按{base.label}提成"]
    if contract.royalty_rate_note:
        said.append(contract.royalty_rate_note)
    if contract.royalty_begins_on or contract.royalty_ends_on:
        said.append(f"{contract.royalty_begins_on or '未填'} 至 {contract.royalty_ends_on or '未填'}")
    for label, amount in (("保底", contract.royalty_floor), ("封顶", contract.royalty_cap)):
        if amount is not None:
            said.append(f"{label} {money.yuan(amount)} 元")
    if contract.may_inspect_books is not None:
        said.append("可以查账" if contract.may_inspect_books else "没有约定查账")
    if contract.royalty_estimate is not None:
        said.append(f"预计 {money.yuan(contract.royalty_estimate)} 元（不计入成交额）")
    return "，".join(said)


def free_use_in_words(contract: Contract) -> str:
    """免费使用到 2026-12-31，期满后买方书面决定继续使用的付款; empty where nothing is free."""
    if not contract.free_until:
        return ""
    return f"免费使用到 {contract.free_until}；开始付款的情况：{contract.free_trigger or '未填'}"


def plain(number: Decimal) -> str:
    """A number without noughts at its end: 7.1, 12.5, 100."""
    whole = number.normalize()
    return f"{whole:f}"


# ---- the reckoning of 技术交易额 -----------------------------------------------------------------------------------


def deduction_reasoning(contract: Contract) -> list[Step]:
    """How 技术交易额 comes about: the price, what is taken off, the result; then what is not taken off, and why.

    What an older contract takes off without lines stands as one step, so that the steps always add up.
    """
    taken = [Step(line.kind.label, line.amount, line.name) for line in contract.deductions if not line.is_subject]
    if gap := unexplained(contract):
        taken.append(Step("未列明细", gap, "申报时没有逐项列出"))
    kept = [
        Step("不扣除", line.amount, f"{line.name or line.kind.label}：{line.note or '属合同标的的合理数量'}")
        for line in contract.deductions
        if line.is_subject
    ]
    total = Step("成交额", contract.total_amount)
    return [total, *taken, Step("技术交易额", contract.technology_amount), *kept]


def unexplained(contract: Contract) -> Decimal:
    """元 between price and 技术交易额 that no line accounts for; below nothing where the lines take off more."""
    return contract.total_amount - contract.technology_amount - deducted(contract.deductions)


def deduction_sentence(contract: Contract) -> str:
    """The reckoning in one sentence, as pages and papers print it; script says the same while it is typed."""
    return sentence(contract.total_amount, contract.technology_amount, contract.deductions, unexplained(contract))


def sentence(total: Decimal, technology: Decimal, lines: Sequence[Deduction], gap: Decimal = NOTHING) -> str:
    """The reckoning in words, of amounts (元) that need not be a contract's yet; no line accounts for ``gap``."""
    taken = [
        f" − {_kind(line)} {money.yuan(line.amount)} 元{_aside(line.name)}" for line in lines if not line.is_subject
    ]
    if gap:
        taken.append(f" − 未列明细 {money.yuan(gap)} 元")
    kept = [
        f"；{line.name or _kind(line)} {money.yuan(line.amount)} 元属合理数量，不扣除{_aside(line.note)}"
        for line in lines
        if line.is_subject
    ]
    result = f" = 技术交易额 {money.yuan(technology)} 元"
    return f"成交额 {money.yuan(total)} 元{''.join(taken)}{result}{''.join(kept)}"


def _kind(line: Deduction) -> str:
    return line.kind.label if line.kind else "未选种类"


def line_in_words(line: Deduction) -> str:
    """设备 检测仪 250,000.00 元, and why it is not deducted where it is not."""
    why = f"（合理数量，不扣除：{line.note}）" if line.is_subject else _aside(line.note)
    return f"{line.kind.label} {line.name} {money.yuan(line.amount)} 元{why}".replace("  ", " ")


def _aside(words: str) -> str:
    return f"（{words}）" if words else ""


# ---- keeping the lines ---------------------------------------------------------------------------------------------


def deductions_of(lines: Sequence[Mapping[str, Any]]) -> list[Deduction]:
    """The sheet as rows: ``kind``, ``name``, ``amount`` (元), ``is_subject``, ``note`` of each line, in order."""
    return [
        Deduction(
            position=place,
            kind=kind_of(line["kind"]),
            name=line["name"] or "",
            amount=line["amount"] or NOTHING,
            is_subject=bool(line["is_subject"]),
            note=line["note"] or "",
        )
        for place, line in enumerate(lines, 1)
    ]


def kind_of(code: str | None) -> DeductionKind | None:
    """The kind of that code; None for any other text."""
    return next((kind for kind in DeductionKind if kind == code), None)


def keep_deductions(contract: Contract, lines: list[Deduction]) -> None:
    """Write the sheet into the rows there are: a row added at a place still taken would break the unique place."""
    names = ("kind", "name", "amount", "is_subject", "note")
    for kept, line in zip(contract.deductions, lines, strict=False):
        for name in names:
            setattr(kept, name, getattr(line, name))
    del contract.deductions[len(lines) :]
    contract.deductions.extend(lines[len(contract.deductions) :])
