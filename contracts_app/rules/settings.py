"""The numbers of this office: what an administrator may write for each, and changing them."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.money import yuan
from contracts_app.core.trail import audit

from .models import AmountBasis, Setting

MOST_YUAN = Decimal(10**12)
# Whole numbers, from and to. What stands here nowhere is an amount, a share or a basis, by its unit.
WHOLE = {
    "undo_minutes": (0, 1440),
    "extension_days_most": (0, 60),
    "bulk_most": (1, 100),
    "free_use_days": (1, 365),
    "objection_days": (1, 365),
    "case_days": (1, 120),
}
SHARE, YUAN, BASIS = "比例", "元", "金额"
DAYS_MOST = 999


def fault_of(setting: Setting, written: str) -> str | None:
    """What is wrong with a value for this setting, in a sentence; None when it can be kept."""
    if setting.unit == BASIS:
        return None if written in set(AmountBasis) else "选择按技术交易额还是按成交额"
    try:
        number = Decimal(written)
    except InvalidOperation:
        return "只填写数字，不带单位和千分位"
    if not number.is_finite():
        return "只填写数字，不带单位和千分位"
    if setting.unit == SHARE:
        return None if 0 < number < 1 else "填 0 到 1 之间的小数，例如 0.7"
    if setting.unit == YUAN:
        fits = 0 < number <= MOST_YUAN and -number.as_tuple().exponent <= 2  # type: ignore[operator]
        return None if fits else f"填大于 0、不超过 {yuan(MOST_YUAN)} 的金额，单位元，最多两位小数"
    least, most = WHOLE.get(setting.key, (0, DAYS_MOST))
    fits = number == number.to_integral_value() and least <= number <= most
    return None if fits else f"填 {least} 到 {most} 的整数"


def in_words(setting: Setting, value: str) -> str:
    """A value as people read it."""
    return AmountBasis(value).label if setting.unit == BASIS else f"{value} {setting.unit}"  # type: ignore[call-arg]


def revise(settings: Mapping[str, Setting], values: Mapping[str, str], person: Any) -> list[Setting]:
    """Keep the values that differ, one audit entry with old and new; returns what was changed.

    ValueError with a sentence where a value cannot be kept; `fault_of` tells beforehand.
    """
    changed = [setting for key, setting in settings.items() if values[key] != setting.value]
    for setting in changed:
        if fault := fault_of(setting, values[setting.key]):
            raise ValueError(fault)
    if not changed:
        return []
    audit.record(
        "revise_settings",
        person,
        subject="settings",
        settings="；".join(
            f"{one.name}：{in_words(one, one.value)} → {in_words(one, values[one.key])}" for one in changed
        ),
    )
    for setting in changed:
        setting.value, setting.changed_at, setting.changed_by = values[setting.key], now_utc(), person.username
    db.session.flush()
    return changed
