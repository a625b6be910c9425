"""What a year's sales, output or profit come to as a royalty, and why (domain facts 4.2). Pure reckoning."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from contracts_app.contracts.amounts import plain
from contracts_app.contracts.details import Pricing
from contracts_app.core.money import FEN, yuan
from contracts_app.core.words import Word

NOTHING = Decimal(0)


class Bounds(Word):
    """What floor and cap of a contract speak of; the form of the registration does not tell the two apart."""

    YEAR = "year", "每一年"
    TERM = "term", "整个提成期"


@dataclass(frozen=True)
class Royalty:
    """元 that are due, and the sentence that says how it came about; no amount where the rate is not one number."""

    amount: Decimal | None
    reasoning: str


def royalty(terms: Pricing, base: Decimal, bounds: Bounds, earlier: Iterable[Decimal] = (), *, last: bool) -> Royalty:
    """The royalty of one year, rounded half up to the 分 once.

    ``earlier``: what the years before came to; ``last``: whether it is the last year of the term, in which a floor of
    the whole term is made up for.
    """
    name = terms.royalty_base.label if terms.royalty_base else "基数"
    if terms.royalty_rate is None:
        note = terms.royalty_rate_note or "没有填写比例"
        return Royalty(None, f"{name} {yuan(base)} 元，提成比例按约定分档计算（{note}）")
    exact = base * terms.royalty_rate / 100
    amount = exact.quantize(FEN, ROUND_HALF_UP)
    said = [f"{name} {yuan(base)} 元 × {plain(terms.royalty_rate)}% = {yuan(amount)} 元"]
    before = sum(earlier, NOTHING) if bounds is Bounds.TERM else NOTHING
    floor, cap = terms.royalty_floor, terms.royalty_cap
    if floor is not None and (bounds is Bounds.YEAR or last) and before + amount < floor:
        amount = floor - before
        said.append(f"不足{_of(bounds)}保底 {yuan(floor)} 元{_less(before)}，按 {yuan(amount)} 元")
    if cap is not None and before + amount > cap:
        amount = max(cap - before, NOTHING)
        said.append(f"超过{_of(bounds)}封顶 {yuan(cap)} 元{_less(before)}，按 {yuan(amount)} 元")
    return Royalty(amount, "；".join(said))


def _of(bounds: Bounds) -> str:
    return "每年" if bounds is Bounds.YEAR else "提成期"


def _less(before: Decimal) -> str:
    return f"（以前各年已提 {yuan(before)} 元）" if before else ""
