"""Putting a drafted rule set into force. What was filed before keeps the set it was filed under."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select

from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import Refused
from contracts_app.core.trail import audit

from .models import Rule, RuleSet, Stage, Status
from .queries import forget_what_was_read, rule_set_on


def why_not_activate(rule_set: RuleSet) -> str | None:
    """Why this set cannot be put into force at all; None when it can."""
    if rule_set.status is not Status.DRAFT:
        return f"这套规则{rule_set.status.label}，只有草案可以启用。"
    if not db.session.scalar(select(func.count()).where(Rule.rule_set_code == rule_set.code)):
        return "这套规则还没有一条规则，先载入规则文件。"
    if Stage.REVIEW not in {limit.stage for limit in rule_set.time_limits}:
        return "这套规则没有认定登记的办理时限，先在时限表里补上。"
    return None


def activate(rule_set: RuleSet, valid_from: date, person: Any) -> RuleSet:
    """Let the set hold for what is filed from this day on; returns the set it takes the place of, ended the day before.

    Raises ``Refused`` when the set is no draft, is not whole, or the day lies in the past or before a later set.
    """
    if sentence := why_not_activate(rule_set):
        raise Refused(sentence)
    if valid_from < today():
        raise Refused("生效日期不能早于今天，已经申报的合同不换规则。")
    later = select(RuleSet.name).where(RuleSet.status != Status.DRAFT, RuleSet.valid_from >= valid_from)
    if name := db.session.scalars(later.order_by(RuleSet.valid_from, RuleSet.code)).first():
        raise Refused(f"{name}的生效日期不早于 {valid_from}，改一个更晚的日期。")
    before = rule_set_on(valid_from)
    rule_set.valid_from, rule_set.valid_to = valid_from, before.valid_to
    rule_set.status, rule_set.activated_at, rule_set.activated_by = Status.ACTIVE, now_utc(), person.username
    before.valid_to, before.status = valid_from - timedelta(days=1), Status.RETIRED
    audit.record(
        "activate_rules",
        person,
        subject="rule_set",
        rule_set=rule_set.code,
        valid_from=valid_from.isoformat(),
        instead_of=before.code,
    )
    db.session.flush()
    forget_what_was_read()
    return before
