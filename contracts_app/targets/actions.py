"""Setting yearly tasks. A revision is a new version; what was in force before stays in the record.

A form and a workbook both end here: ``plan_of`` finds what would change, what others changed meanwhile and which parts
would no longer add up; ``set_tasks`` does it, whole or not at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import Can, may
from contracts_app.accounts.queries import somebody_above
from contracts_app.codes.models import Measure
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES, NotYours, Refused, Stale
from contracts_app.core.trail import audit
from contracts_app.regions.models import Level, Region

from .cascade import Divided, Division, Places, Verdict, places_under
from .models import Target, TargetKind
from .values import said

LONGEST_DOCUMENT, LONGEST_NOTE = 120, 500
SENTENCES["uq_targets_year_region_code_measure_code_kind_version"] = (
    "别人刚保存了同一年度的任务。没有覆盖任何人的修改：重新打开看过最新内容，再办理。"
)

Key = tuple[str, str]  # the codes of a place and a measure: with the year they say which task is meant


@dataclass(frozen=True)
class Basis:
    """The document that sets or changes tasks."""

    document: str
    issued_on: date
    note: str = ""


class Standing:
    """Every version of the yearly tasks of some places and measures in one year."""

    def __init__(self, year: int, place_codes: Iterable[str], measure_codes: Iterable[str]) -> None:
        wanted = select(Target).where(
            Target.year == year,
            Target.kind == TargetKind.TASK,
            Target.region_code.in_(list(place_codes)),
            Target.measure_code.in_(list(measure_codes)),
        )
        self._versions: dict[Key, dict[int, Target]] = {}
        for one in db.session.scalars(wanted.options(joinedload(Target.recorded_by)).order_by(Target.version)):
            self._versions.setdefault((one.region_code, one.measure_code), {})[one.version] = one

    def now(self, key: Key) -> Target | None:
        """The version in force."""
        versions = self._versions.get(key)
        return versions[max(versions)] if versions else None

    def version(self, key: Key, number: int) -> Target | None:
        return self._versions.get(key, {}).get(number)

    def value(self, key: Key) -> Decimal | None:
        now = self.now(key)
        return now.value if now else None

    @property
    def seen(self) -> str:
        """Which versions somebody has before them, as a form or a workbook carries it."""
        return ",".join(f"{place}/{measure}:{max(self._versions[place, measure])}" for place, measure in self.keys)

    @property
    def keys(self) -> list[Key]:
        return sorted(self._versions)


def read_seen(text: str) -> dict[Key, int]:
    """What ``Standing.seen`` wrote; of what is not readable nothing was seen."""
    found: dict[Key, int] = {}
    for one in text.split(","):
        task, _, version = one.partition(":")
        place, _, measure = task.partition("/")
        if version.isascii() and version.isdigit() and len(version) < 10:
            found[place, measure] = int(version)
    return found


@dataclass(frozen=True)
class Step:
    """One task that gets a new version. `before`: the version in force, None for the first."""

    place: Region
    measure: Measure
    before: Target | None
    value: Decimal
    is_stale: bool  # somebody else set it after the person looked

    @property
    def key(self) -> Key:
        return self.place.code, self.measure.code

    @property
    def conflict(self) -> str:
        """What somebody else did meanwhile, in words."""
        if self.before is None:
            return f"你打开之后，别人改过{self.place.name}的任务"
        who = self.before.recorded_by.name if self.before.recorded_by else "别人"
        value = said(self.before.value, self.measure)
        basis = f"{who}按《{self.before.document}》"
        return f"你打开之后，{basis}把{self.place.name}的任务改成了 {value}（第 {self.before.version} 版）"


@dataclass(frozen=True)
class Plan:
    """What would be set in a year, before anybody does it."""

    year: int
    places: Places
    steps: Sequence[Step]
    standing: Standing

    @property
    def conflicts(self) -> list[Step]:
        return [step for step in self.steps if step.is_stale]

    @cached_property
    def divisions(self) -> list[Divided]:
        """Every whole with its parts that is touched, as it would be."""
        after = {step.key: step.value for step in self.steps}
        touched: dict[Key, Divided] = {}
        for step in self.steps:
            for whole in (step.place, self.places.above(step.place)):
                if whole and self.places.parts_of(whole) and (whole.code, step.measure.code) not in touched:
                    division = self._division(whole, step.measure, after)
                    touched[whole.code, step.measure.code] = Divided(whole, step.measure, division)
        return list(touched.values())

    def _division(self, whole: Region, measure: Measure, after: Mapping[Key, Decimal]) -> Division:
        whole_value, *parts = (
            after.get((place.code, measure.code), self.standing.value((place.code, measure.code)))
            for place in (whole, *self.places.parts_of(whole))
        )
        return Division(whole_value, parts)

    def said_of(self, verdict: Verdict) -> list[str]:
        """The divisions that would come out so, in sentences."""
        return [one.sentence for one in self.divisions if one.division.verdict is verdict]


def plan_of(
    year: int,
    wanted: Mapping[Key, Decimal],
    measures: Sequence[Measure],
    places: Places,
    seen: Mapping[Key, int] | None = None,
) -> Plan:
    """What setting these tasks would change. Raises ``NotYours`` for a place that is not among those of the person.

    ``seen`` are the versions the person had before them: what they left as it was stays as it is now, whoever changed
    it meanwhile. Without it every value counts as meant.
    """
    by_code = {measure.code: measure for measure in measures}
    standing = Standing(year, places.by_code, by_code)
    steps = []
    for key, value in wanted.items():
        if key[0] not in places.by_code or key[1] not in by_code:
            raise NotYours("这个地区的任务由它的上级或本地区的系统管理员下达，你不能设置。")
        now = standing.now(key)
        version = now.version if now else 0
        looked_at = version if seen is None else seen.get(key, 0)
        shown = standing.version(key, looked_at)
        if (shown and shown.value == value) or (now and now.value == value):
            continue
        steps.append(Step(places.by_code[key[0]], by_code[key[1]], now, value, looked_at != version))
    return Plan(year, places, steps, standing)


def set_tasks(plan: Plan, basis: Basis, person: User, *, accepts_less: bool) -> int:
    """Set the tasks of a plan, each as a new version; returns how many.

    Raises ``Stale`` when somebody else has set one of them since the person looked, ``Refused`` when parts would have
    less than the whole and nobody has accepted that, ``NotYours`` when the person sets no tasks, or not this one.
    """
    if why_not := why_not_set(person, plan.places):
        raise why_not
    if (sentence := why_not_own(person)) and any(step.place.code == person.region_code for step in plan.steps):
        raise NotYours(sentence)
    if plan.conflicts:
        raise Stale
    if not accepts_less and (less := plan.said_of(Verdict.LESS)):
        raise Refused(*less)
    if sentence := why_not_document(basis.document) or why_not_issued_on(basis.issued_on):
        raise Refused(sentence)
    db.session.add_all(_next_version(plan.year, step, basis, person) for step in plan.steps)
    for measure in dict.fromkeys(step.measure for step in plan.steps):
        _log(plan, measure, basis, person)
    db.session.flush()
    return len(plan.steps)


def why_not_set(person: User, places: Places) -> Refused | None:
    """Why somebody cannot set tasks of these places; None if they can."""
    if not may(person, Can.SET_TARGETS):
        return NotYours(f"“{Can.SET_TARGETS.label}”由系统管理员办理，你的岗位不能办理。")
    own = {place.code for place in places_under(person.region).all}
    if own and person.region.level is not Level.TOWN and places.by_code.keys() <= own:
        return None
    return nowhere()


def why_not_own(person: User) -> str | None:
    """Why the task of the person's own place is not theirs to set; None where it is.

    Nobody sets the yardstick they are held against: the level above does (domain: 上级下达的任务目标). Where nobody up
    there works with the system, the office enters what it was given on paper.
    """
    above = somebody_above(person.region, Can.SET_TARGETS)
    if above is None:
        return None
    own = person.region.name
    return f"{own}的任务由上级下达，{above.region.name}的系统管理员（{above.name}）录入；你录入{own}下面各地区的任务。"


def settable(person: User, places: Iterable[Region]) -> list[Region]:
    """Those of some places of the person's whose task they set."""
    own_is_not = why_not_own(person) is not None
    return [place for place in places if not (own_is_not and place.code == person.region_code)]


def nowhere() -> Refused:
    """Somebody's region has no tasks to set."""
    return Refused("年度任务下达给市、考核单元和镇（街道）：由市或县（市、区）的系统管理员录入。")


def why_not_document(document: str) -> str | None:
    """Why this is no 文号 of a document that sets tasks."""
    if not document:
        return "填写下达任务的文号或文件名称"
    return f"文号不超过 {LONGEST_DOCUMENT} 字" if len(document) > LONGEST_DOCUMENT else None


def why_not_issued_on(day: date) -> str | None:
    """Why a document that sets tasks cannot be of that day."""
    return "印发日期不能晚于今天" if day > today() else None


def _next_version(year: int, step: Step, basis: Basis, person: User) -> Target:
    return Target(
        year=year,
        region_code=step.place.code,
        measure_code=step.measure.code,
        kind=TargetKind.TASK,
        version=step.before.version + 1 if step.before else 1,
        value=step.value,
        document=basis.document,
        issued_on=basis.issued_on,
        source=basis.document,
        note=basis.note,
        recorded_by=person,
        recorded_at=now_utc(),
    )


def _log(plan: Plan, measure: Measure, basis: Basis, person: User) -> None:
    mine = [step for step in plan.steps if step.measure is measure]
    before = {step.place.code: f"{step.before.value:.2f}" for step in mine if step.before}
    facts: dict[str, Any] = {"before": before} if before else {}  # the first of its kind has none
    audit.record(
        "set_tasks",
        person,
        subject="target",
        year=plan.year,
        measure=measure.name,
        document=basis.document,
        tasks={step.place.code: f"{step.value:.2f}" for step in mine},
        **facts,
    )
