"""A task's value as people write and read it: money in 万元, everything else a whole number in its measure's unit."""

import re
import unicodedata
from decimal import Decimal

from contracts_app.codes.models import Measure
from contracts_app.core.money import parse_yuan

MONEY = "元"
LARGEST_COUNT = 9_999_999
_COUNT = re.compile(r"(?P<number>[0-9]+)(?:项|人次|人|个|家)?")
_PLACES = 2  # at least, of an amount in 万元


class ValueRefused(ValueError):
    """No task can have this value; the sentence says what to write instead."""


def is_money(measure: Measure) -> bool:
    return measure.unit == MONEY


def unit_of(measure: Measure) -> str:
    """The unit in which tasks of this measure are shown and entered."""
    return "万元" if is_money(measure) else measure.unit


def shown(value: Decimal | None, measure: Measure) -> str:
    """The exact value in that unit, without it: so that what is shown adds up to what is shown."""
    if value is None:
        return "—"
    if not is_money(measure):
        return f"{value.normalize():,f}"
    wan = value.scaleb(-4).normalize()
    places = max(_PLACES, -int(wan.as_tuple().exponent))
    return f"{wan:,.{places}f}"


def said(value: Decimal | None, measure: Measure) -> str:
    """The same with the unit: 66,000.00 万元, 217 项."""
    return shown(value, measure) if value is None else f"{shown(value, measure)} {unit_of(measure)}"


def parse_task(text: str, measure: Measure) -> Decimal:
    """The value of a task as typed, amounts in 万元 where they name no unit; ``ValueError`` with a sentence."""
    value = parse_yuan(text, "wan") if is_money(measure) else parse_count(text)
    if not value:
        raise ValueRefused("任务要大于 0；没有任务就留空")
    return value


def parse_count(text: str) -> Decimal:
    """A whole number as typed: 1,200 or ２１７ 项; ``ValueRefused`` with a sentence."""
    match = _COUNT.fullmatch(re.sub(r"[\s,]", "", unicodedata.normalize("NFKC", text)))
    if not match:
        raise ValueRefused("只填写整数，例如 217")
    if int(match["number"]) > LARGEST_COUNT:
        raise ValueRefused(f"数字超过 {LARGEST_COUNT:,}，核对是否多填了 0")
    return Decimal(int(match["number"]))
