"""The rules in force on a day, and the calendar of working days."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from flask import g, has_app_context
from sqlalchemy import or_, select

from contracts_app.core.clock import WorkCalendar, year_edges
from contracts_app.core.db import db

from .models import AmountBasis, CalendarDay, CalendarDayKind, DayKind, RuleSet, Setting, Stage, TimeLimit


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
    """The rule set in force on a day; LookupError where none is, which reference data never leaves."""
    wanted = select(RuleSet).where(
        or_(RuleSet.valid_from.is_(None), RuleSet.valid_from <= day),
        or_(RuleSet.valid_to.is_(None), RuleSet.valid_to >= day),
    )
    found = db.session.scalars(wanted.order_by(RuleSet.valid_from.desc(), RuleSet.code)).first()
    if found is None:
        raise LookupError(f"no rule set covers {day}; load the reference data")
    return found


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
    found = db.session.get(Setting, key)
    if found is None:
        raise LookupError(f"no setting {key}; load the reference data")
    return Decimal(found.value)


def rule_sets() -> Sequence[RuleSet]:
    """Every rule set, the newest first."""
    return db.session.scalars(select(RuleSet).order_by(RuleSet.valid_from.desc().nulls_last(), RuleSet.code)).all()


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
