"""The rules in force on a day, and the calendar of working days."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import g, has_app_context
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from contracts_app.core.clock import WorkCalendar, year_edges
from contracts_app.core.db import db

from .models import (
    AmountBasis,
    CalendarDay,
    CalendarDayKind,
    DayKind,
    Level,
    Rule,
    RuleSet,
    Section,
    Setting,
    Stage,
    Status,
    TimeLimit,
)


def work_calendar() -> WorkCalendar:
    """The announced holidays and make-up days; read once in a request."""
    if not has_app_context():
        return _read_calendar()
    if "work_calendar" not in g:
        g.work_calendar = _read_calendar()
    return g.work_calendar


def _read_calendar() -> WorkCalendar:
    days: dict[CalendarDayKind, set[date]] = {kind: set() for kind in CalendarDayKind}
    for day, kind in db.session.execute(select(CalendarDay.day, CalendarDay.kind)):
        days[kind].add(day)
    holidays, workdays = days[CalendarDayKind.HOLIDAY], days[CalendarDayKind.WORKDAY]
    return WorkCalendar(frozenset(holidays), frozenset(workdays), frozenset(day.year for day in holidays))


def rule_set_on(day: date) -> RuleSet:
    """The rule set in force on a day, never a draft; LookupError where none is, which reference data never leaves."""
    kept: dict[date, RuleSet] = db.session.info.setdefault("rule_set_on", {})
    if day in kept:
        return kept[day]
    wanted = select(RuleSet).where(
        RuleSet.status != Status.DRAFT,
        or_(RuleSet.valid_from.is_(None), RuleSet.valid_from <= day),
        or_(RuleSet.valid_to.is_(None), RuleSet.valid_to >= day),
    )
    found = db.session.scalars(wanted.order_by(RuleSet.valid_from.desc(), RuleSet.code)).first()
    if found is None:
        raise LookupError(f"no rule set covers {day}; load the reference data")
    kept[day] = found
    return found


def rule_sets_within(first: date, last: date) -> Sequence[RuleSet]:
    """Those in force on any day from the first to the last, never a draft, the oldest first."""
    kept: dict[tuple[date, date], Sequence[RuleSet]] = db.session.info.setdefault("rule_sets_within", {})
    if (first, last) not in kept:
        wanted = select(RuleSet).where(
            RuleSet.status != Status.DRAFT,
            or_(RuleSet.valid_from.is_(None), RuleSet.valid_from <= last),
            or_(RuleSet.valid_to.is_(None), RuleSet.valid_to >= first),
        )
        found = db.session.scalars(wanted.order_by(RuleSet.valid_from.nulls_first(), RuleSet.code)).all()
        kept[first, last] = found
    return kept[first, last]


def names_of_rules(sets: Iterable[tuple[str, date | None]]) -> str:
    """Rule sets by name and first day, the oldest first, as every page and paper names them: those that came into
    force only later with the day from which they hold."""
    named = [(name, f"{since} 起" if since and place else "") for place, (name, since) in enumerate(sets)]
    return "；".join(since + name for name, since in named)


def rules_within(first: date, last: date) -> str:
    """The names of the rule sets in force on any day from the first to the last."""
    return names_of_rules((one.name, one.valid_from) for one in rule_sets_within(first, last))


def forget_what_was_read() -> None:
    """To be called by what changes rule sets or rules: the next question reads them again."""
    for name in ("rule_set_on", "rule_sets_within", "rules_of"):
        db.session.info.pop(name, None)


def rule_set_named(code: str) -> RuleSet:
    """The rule set of this code; LookupError if there is none."""
    found = db.session.get(RuleSet, code)
    if found is None:
        raise LookupError(f"no rule set {code}; load the reference data")
    return found


def known(code: str) -> RuleSet | None:
    """The rule set of this code, if there is one."""
    return db.session.get(RuleSet, code) if "\0" not in code else None


@dataclass(frozen=True)
class RuleFacts:
    """A rule as it is applied; a value of its own, so that it may be kept over a request."""

    rule_set_code: str
    code: str
    section: Section
    field: str
    severity: Level
    sentence: str
    remedy: str
    predicate: str
    parameters: dict[str, Any]
    citation: str
    is_to_verify: bool
    reason_code: str | None
    source: str

    @property
    def outline(self) -> str:
        """The sentence with dots where the contract's own words will stand."""
        return re.sub(r"\{\w+\}", "…", self.sentence)

    def differences(self, other: "RuleFacts") -> list[tuple[str, str, str]]:
        """What two versions of a rule do not agree on: what, here, there, in words."""
        pairs = (
            ("程度", self.severity.label, other.severity.label),
            ("位置", f"{self.section.label} {self.field}", f"{other.section.label} {other.field}"),
            ("提示语", self.outline, other.outline),
            ("怎么改", self.remedy, other.remedy),
            ("判断", self.predicate, other.predicate),
            ("参数", in_words(self.parameters), in_words(other.parameters)),
            ("依据", self.citation, other.citation),
            ("条文", _verified(self), _verified(other)),
            ("可能的不予登记理由", self.reason_code or "—", other.reason_code or "—"),
        )
        return [(what, here, there) for what, here, there in pairs if here != there]


def in_words(parameters: dict[str, Any]) -> str:
    """The parameters of a rule on one line."""
    return "；".join(f"{name}：{_plain(value)}" for name, value in parameters.items()) or "—"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "，".join(f"{name}（{_plain(inner)}）" for name, inner in value.items())
    return "、".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _verified(rule: RuleFacts) -> str:
    return "待核" if rule.is_to_verify else "已核"


def rules_of(rule_set_code: str) -> list[RuleFacts]:
    """The rules of a set in the order of the form; read once in a session."""
    kept: dict[str, list[RuleFacts]] = db.session.info.setdefault("rules_of", {})
    if rule_set_code not in kept:
        order = list(Section)
        wanted = select(Rule).where(Rule.rule_set_code == rule_set_code).order_by(Rule.position, Rule.code)
        with db.session.no_autoflush:
            read = [_facts(rule) for rule in db.session.scalars(wanted)]
        kept[rule_set_code] = sorted(read, key=lambda rule: order.index(rule.section))
    return kept[rule_set_code]


def by_section(rule_set_code: str) -> list[tuple[Section, list[RuleFacts]]]:
    """The rules of a set under the parts of the filing."""
    rules = rules_of(rule_set_code)
    return [(section, [rule for rule in rules if rule.section is section]) for section in Section]


def _facts(rule: Rule) -> RuleFacts:
    names = (field.name for field in fields(RuleFacts))
    return RuleFacts(**{name: getattr(rule, name) for name in names})


@dataclass(frozen=True)
class Comparison:
    """Two rule sets side by side."""

    here: RuleSet
    there: RuleSet
    added: list[RuleFacts]
    removed: list[RuleFacts]
    changed: list[tuple[RuleFacts, RuleFacts, list[tuple[str, str, str]]]]
    same: int


def compared(here: RuleSet, there: RuleSet) -> Comparison:
    """What the second set has more, less, and otherwise than the first; rules are the same by their code."""
    before, after = ({rule.code: rule for rule in rules_of(one.code)} for one in (here, there))
    both = [(rule, after[code], rule.differences(after[code])) for code, rule in before.items() if code in after]
    return Comparison(
        here,
        there,
        added=[rule for code, rule in after.items() if code not in before],
        removed=[rule for code, rule in before.items() if code not in after],
        changed=[pair for pair in both if pair[2]],
        same=sum(not pair[2] for pair in both),
    )


@dataclass(frozen=True)
class Limits:
    """What the office has to keep to for a contract filed on a day. Amounts are 元; `amber_share` is of the limit."""

    rule_set: RuleSet
    review: TimeLimit
    large_review: TimeLimit
    large_amount: Decimal | None
    large_amount_basis: AmountBasis | None
    amber_share: Decimal
    is_to_verify: bool

    def is_large(self, *, total_amount: Decimal, technology_amount: Decimal) -> bool:
        """Whether a contract takes the route for large ones; never where the rules set no threshold."""
        if self.large_amount is None:
            return False
        by_total = self.large_amount_basis is AmountBasis.TOTAL_AMOUNT
        return (total_amount if by_total else technology_amount) >= self.large_amount

    def due_on(self, accepted_on: date, calendar: WorkCalendar, *, is_large: bool = False) -> date:
        """The last day for the decision; the day of acceptance itself does not count."""
        limit = self.large_review if is_large else self.review
        if limit.day_kind is DayKind.WORKING:
            return calendar.add_workdays(accepted_on, limit.days)
        return accepted_on + timedelta(days=limit.days)


def limits_on(day: date) -> Limits:
    """The limits for a contract filed on that day. Rules without a limit for large contracts use the general one."""
    rules = rule_set_on(day)
    by_stage = {limit.stage: limit for limit in rules.time_limits}
    review = by_stage[Stage.REVIEW]
    return Limits(
        rule_set=rules,
        review=review,
        large_review=by_stage.get(Stage.LARGE_REVIEW, review),
        large_amount=rules.large_amount,
        large_amount_basis=rules.large_amount_basis,
        amber_share=setting("amber_share"),
        is_to_verify=rules.is_to_verify or any(limit.is_to_verify for limit in rules.time_limits),
    )


def setting(key: str) -> Decimal:
    """A number of this office; LookupError if the reference data do not hold it."""
    return Decimal(_setting(key).value)


def reaches(step: str, *, total_amount: Decimal, technology_amount: Decimal) -> bool:
    """Whether amounts (元) reach the threshold of a step: ``expert`` 专家审核, ``third_person`` 大额审批.

    Threshold and basis are settings: places differ in both (domain facts 1.4).
    """
    by_total = _setting(f"{step}_basis").value == AmountBasis.TOTAL_AMOUNT.value
    return (total_amount if by_total else technology_amount) >= setting(f"{step}_amount")


def _setting(key: str) -> Setting:
    if "settings" not in db.session.info:
        db.session.info["settings"] = settings()  # all at once; held, so that the session does not forget them
    found = db.session.get(Setting, key)
    if found is None:
        raise LookupError(f"no setting {key}; load the reference data")
    return found


def rule_sets() -> Sequence[RuleSet]:
    """Every rule set, the newest first."""
    wanted = select(RuleSet).options(selectinload(RuleSet.time_limits))
    return db.session.scalars(wanted.order_by(RuleSet.valid_from.desc().nulls_last(), RuleSet.code)).all()


def settings() -> Sequence[Setting]:
    """The numbers of this office."""
    return db.session.scalars(select(Setting).order_by(Setting.key)).all()


def announced_years() -> list[int]:
    """The years whose holiday schedule has been announced."""
    return sorted(work_calendar().known_years)


@dataclass(frozen=True)
class Span:
    """Days in a row that differ from the plain week in the same way."""

    first: date
    last: date
    kind: CalendarDayKind
    name: str
    source: str

    @property
    def days(self) -> int:
        """How many, both ends included."""
        return (self.last - self.first).days + 1


def spans_of(year: int) -> list[Span]:
    """The announced days of a year, those in a row taken together."""
    first, last = year_edges(year)
    spans: list[Span] = []
    for day in db.session.scalars(
        select(CalendarDay).where(CalendarDay.day.between(first, last)).order_by(CalendarDay.day)
    ):
        before = spans[-1] if spans else None
        if before and before.last + timedelta(days=1) == day.day and before.kind == day.kind:
            names = before.name if day.name in before.name else f"{before.name}、{day.name}"
            spans[-1] = replace(before, last=day.day, name=names)
        else:
            spans.append(Span(day.day, day.day, day.kind, day.name, day.source))
    return spans
