"""Targets in force, the plan's indicators, and the published figures with their filters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, false, func, literal, null, or_, select, union_all
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.sql.selectable import Subquery

from contracts_app.codes.models import Document, Measure
from contracts_app.codes.queries import choosable
from contracts_app.core.clock import day_edges, today
from contracts_app.core.db import db
from contracts_app.core.text import search_key
from contracts_app.core.web.pages import Page
from contracts_app.regions.models import Region

from .models import (
    Comparison,
    Indicator,
    IndicatorValue,
    PublishedFigure,
    Span,
    Standing,
    Target,
    TargetKind,
    in_yuan,
    standings_of,
)

SECTIONS = {
    "A": "技术合同",
    "B": "“十四五”科技创新主要指标（表1—1）",
    "C": "平台、园区、孵化载体、院所",
    "D": "人才科创飞地",
    "E": "技术经纪人与人才",
    "F": "企业、研发、资金、排名",
}


def targets_for(
    year: int,
    measure: str,
    region_codes: Collection[str],
    kind: TargetKind = TargetKind.TASK,
    *,
    on: date | None = None,
) -> dict[str, Target]:
    """The targets in force, by the code of region or unit; a place without one is absent. Amounts are 元.

    With a day, those that were in force at its end: so that a total as of a past date is held against what was the
    task then.
    """
    wanted = select(Target).where(
        Target.year == year, Target.measure_code == measure, Target.kind == kind, Target.region_code.in_(region_codes)
    )
    if on is not None:
        wanted = wanted.where(in_force_on(on))
    return {target.region_code: target for target in db.session.scalars(wanted.order_by(Target.version))}


def tasks_in_force(
    year: int, measures: Collection[str], region_codes: Collection[str], days: Collection[date]
) -> dict[tuple[str, date], dict[str, Target]]:
    """The yearly tasks in force at the end of each of several days, by measure and day and then by place; one
    statement. A place without one is absent."""
    asked = sorted(days)
    wanted = select(Target, *(in_force_on(day).label(f"on_{place}") for place, day in enumerate(asked))).where(
        Target.year == year,
        Target.measure_code.in_(measures),
        Target.kind == TargetKind.TASK,
        Target.region_code.in_(region_codes),
    )
    found: dict[tuple[str, date], dict[str, Target]] = {(measure, day): {} for measure in measures for day in asked}
    for target, *is_in_force in db.session.execute(wanted.order_by(Target.version)):
        for day in (day for day, holds in zip(asked, is_in_force, strict=True) if holds):
            found[target.measure_code, day][target.region_code] = target
    return found


def target_of(
    region_code: str, year: int, measure: str, kind: TargetKind = TargetKind.TASK, *, on: date | None = None
) -> Target | None:
    """The target in force of one place, the city, a unit or a town; None without one."""
    return targets_for(year, measure, [region_code], kind, on=on).get(region_code)


def in_force_on(day: date) -> ColumnElement[bool]:
    """Whether a version had come into force by the end of a day: issued, else recorded; known of neither, always."""
    was_recorded = or_(Target.recorded_at.is_(None), Target.recorded_at < day_edges(day)[1])
    return or_(Target.issued_on <= day, and_(Target.issued_on.is_(None), was_recorded))


def task_measures() -> list[Measure]:
    """What may be set as a yearly task, in the order of the list."""
    return [measure for measure in choosable(Measure, today()) if measure.has_task]


def versions_of(target: Target) -> Sequence[Target]:
    """Every version of one target, the newest first."""
    same = (Target.year, Target.region_code, Target.measure_code, Target.kind)
    wanted = select(Target).where(*(column == getattr(target, column.key) for column in same))
    wanted = wanted.options(joinedload(Target.recorded_by))
    return db.session.scalars(wanted.order_by(Target.version.desc())).all()


def measures_of(kind: TargetKind) -> list[Measure]:
    """What targets of that kind may be about: for tasks those of the list, for plans whatever the plan names."""
    if kind is TargetKind.TASK:
        return task_measures()
    named = select(Target.measure_code).where(Target.kind == kind)
    return list(db.session.scalars(select(Measure).where(Measure.code.in_(named)).order_by(Measure.position)))


def task_versions(region_code: str, year: int, measure: str) -> Sequence[Target]:
    """Every version of one place's yearly task, the newest first, with who recorded it."""
    newest = target_of(region_code, year, measure)
    return versions_of(newest) if newest else []


def indicators() -> Sequence[Indicator]:
    """The indicators of 表1—1 in their order, with the yearly values that documents give."""
    wanted = select(Indicator).options(
        joinedload(Indicator.region),
        joinedload(Indicator.document),
        selectinload(Indicator.values).joinedload(IndicatorValue.figure),
    )
    return db.session.scalars(wanted.order_by(Indicator.number)).all()


def published(measure: str, year: int, region_code: str) -> PublishedFigure | None:
    """The published figure of one year for a measure, to stand beside what the system counted; None if there is none.

    Cumulative figures and targets are never given. Its value is None where the source is torn.
    """
    wanted = select(PublishedFigure).where(
        PublishedFigure.measure_code == measure,
        PublishedFigure.year == year,
        PublishedFigure.region_code == region_code,
        PublishedFigure.span == Span.YEARLY,
    )
    return db.session.scalars(wanted.order_by(PublishedFigure.key)).first()


def published_of(
    measures: Collection[str], years: Collection[int], region_codes: Collection[str]
) -> dict[tuple[str, int, str], PublishedFigure]:
    """What ``published`` gives, for many measures, years and places at once; by measure, year and region code."""
    wanted = select(PublishedFigure).where(
        PublishedFigure.measure_code.in_(measures),
        PublishedFigure.year.in_(years),
        PublishedFigure.region_code.in_(region_codes),
        PublishedFigure.span == Span.YEARLY,
    )
    found = db.session.scalars(wanted.order_by(PublishedFigure.key.desc()))
    return {(figure.measure_code or "", figure.year, figure.region_code): figure for figure in found}


def task_years(measure: str, region_codes: Collection[str]) -> Sequence[int]:
    """The years for which one of these places has a yearly task, the newest first."""
    wanted = select(Target.year).where(
        Target.measure_code == measure, Target.kind == TargetKind.TASK, Target.region_code.in_(region_codes)
    )
    return db.session.scalars(wanted.distinct().order_by(Target.year.desc())).all()


def year_tasks(measure: str, region_codes: Collection[str], newest: int) -> dict[int, dict[str, Target]]:
    """The yearly tasks in force of the newest years that have any, by year and region code; the newest year first."""
    years = task_years(measure, region_codes)[:newest]
    in_force: dict[int, dict[str, Target]] = {year: {} for year in years}
    for target in tasks_of(measure, years, region_codes):
        in_force[target.year].setdefault(target.region_code, target)
    return in_force


def tasks_of(measure: str, years: Collection[int], region_codes: Collection[str]) -> Sequence[Target]:
    """Every version of the yearly tasks of some years; for each place the newest version first."""
    wanted = select(Target).where(
        Target.measure_code == measure,
        Target.kind == TargetKind.TASK,
        Target.year.in_(years),
        Target.region_code.in_(region_codes),
    )
    return db.session.scalars(wanted.order_by(Target.year.desc(), Target.region_code, Target.version.desc())).all()


@dataclass(frozen=True)
class Figure:
    """A published figure of any section, ready to be shown."""

    key: str
    section: str
    name: str
    wording: str
    value: Decimal | None
    comparison: Comparison
    unit: str
    period: str
    span: Span
    year: int
    region_code: str
    region_name: str
    place: str
    caliber: str
    topic: str
    source: str
    document_name: str
    document_number: str
    inferred: bool
    doubt: str

    @property
    def yuan(self) -> Decimal | None:
        """The value in 元 where it is an amount of money with a unit, else None."""
        return in_yuan(self.value, self.unit)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """What is to be said with the figure wherever it is shown; empty for one that can be taken as it is."""
        return standings_of(self.value, self.unit, self.doubt, self.inferred)

    @property
    def number(self) -> str:
        """The value with its sign of comparison and its unit, as it can be read aloud: > 3 亿元; — where it is torn."""
        if self.value is None:
            return "—"
        sign = "" if self.comparison is Comparison.EXACT else f"{self.comparison.value} "
        return f"{sign}{self.value.normalize():,f} {self.unit or '（原文无单位）'}"


@dataclass(frozen=True)
class FigureFilter:
    """What to look for among the published figures; empty means any. Words all have to occur."""

    section: str = ""
    year: int | None = None
    region_code: str = ""
    words: str = ""
    source: str = ""
    span: Span | None = None
    standing: Standing | None = None
    topic: str = ""
    keys: tuple[str, ...] = ()


def figures(sought: FigureFilter) -> list[Figure]:
    """The figures of all documents that fit, those of 表1—1 included, ordered by section and key."""
    return [Figure(**row) for row in db.session.execute(figures_select(sought)).mappings()]


def figures_select(sought: FigureFilter) -> Select[Any]:
    """The same as a Select, for paging and counting; its columns are the fields of `Figure`."""
    every = _every_figure()
    wanted = (
        select(every, Region.name.label("region_name"), Document.name.label("document_name"))
        .add_columns(Document.number.label("document_number"))
        .join(Region, Region.code == every.c.region_code)
        .join(Document, Document.code == every.c.source)
    )
    if sought.section:
        wanted = wanted.where(every.c.section == sought.section)
    if sought.year:
        wanted = wanted.where(every.c.year == sought.year)
    if sought.region_code:
        wanted = wanted.where(every.c.region_code == sought.region_code)
    for name in ("source", "span", "topic"):
        if asked := getattr(sought, name):
            wanted = wanted.where(every.c[name] == asked)
    if sought.keys:
        wanted = wanted.where(every.c.key.in_(sought.keys))
    if sought.standing:
        wanted = wanted.where(_stands(every, sought.standing))
    if sought.words:
        wanted = wanted.where(every.c.key.in_(_keys_with(every, sought.words)))
    return wanted.order_by(every.c.section, every.c.key)


def figure(key: str) -> Figure | None:
    """One figure of any section; B-11-target is the target of indicator 11."""
    found = figures(FigureFilter(keys=(key,)))
    return found[0] if found else None


def of_topic(topic: str) -> list[Figure]:
    """All that documents say about one matter, the oldest first, each in its own caliber."""
    found = figures(FigureFilter(topic=topic)) if topic else []
    return sorted(found, key=lambda figure: (figure.year, figure.span is Span.TARGET, figure.key))


def figure_documents() -> Sequence[Document]:
    """The documents that figures were taken from, in their order."""
    every = _every_figure()
    wanted = select(Document).where(Document.code.in_(select(every.c.source)))
    return db.session.scalars(wanted.order_by(Document.position)).all()


def _stands(every: Subquery, standing: Standing) -> ColumnElement[bool]:
    return {
        Standing.MISSING: every.c.value.is_(None),
        Standing.NO_UNIT: every.c.unit == "",
        Standing.OPEN: every.c.doubt.contains(Standing.OPEN.label),
        Standing.INFERRED: every.c.inferred.is_(True),
    }[standing]


_READ = ("name", "wording", "caliber", "doubt", "topic", "place", "period")


def _keys_with(every: Subquery, words: str) -> list[str]:
    """The keys of the figures in which all words occur, whatever blanks and widths the document has (47.3 亿元)."""
    sought = [search_key(word) for word in words.split()]
    if not all(sought):
        return []
    rows = db.session.execute(select(every.c.key, *(every.c[name] for name in _READ)))
    texts = ((row.key, search_key("".join(row[1:]))) for row in rows)
    return [key for key, text in texts if all(word in text for word in sought)]


def figure_years() -> list[int]:
    """The years for which there are figures, the newest first."""
    every = _every_figure()
    return list(db.session.scalars(select(every.c.year).distinct().order_by(every.c.year.desc())))


def figure_regions() -> Sequence[Region]:
    """The places of which there are figures, in the order of the codes."""
    every = _every_figure()
    return db.session.scalars(
        select(Region).where(Region.code.in_(select(every.c.region_code))).order_by(Region.path)
    ).all()


def figure_page(sought: FigureFilter, number: int, size: int) -> Page[Figure]:
    """One page of the figures that fit; a number beyond the end gives the last page."""
    wanted = figures_select(sought)
    total = db.session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    number = min(number, max(1, ceil(total / size)))
    rows = db.session.execute(wanted.limit(size).offset((number - 1) * size)).mappings()
    return Page(tuple(Figure(**row) for row in rows), number, size, total)


def _every_figure() -> Subquery:
    """Published figures, and base, target and change of each indicator, which are kept once, in its own row."""
    p, i = PublishedFigure, Indicator
    own = select(
        p.key, p.section, p.name, p.wording, p.value, p.comparison, p.unit, p.period, p.span, p.year,
        p.region_code, p.place, p.caliber, p.topic, p.source, p.inferred, p.doubt,
    )  # fmt: skip
    return union_all(
        own,
        _of_indicators("-base", "（基期）", i.base_wording, i.base_value, i.base_year, Span.YEARLY),
        _of_indicators("-target", "（目标）", i.target_wording, i.target_value, i.target_year, Span.TARGET),
        _of_indicators("-change", "（增量：目标减基期）", i.change_wording, i.change, i.target_year, Span.TARGET).where(
            i.change.is_not(null())
        ),
    ).subquery("every_figure")


def _of_indicators(ending: str, suffix: str, wording: Any, value: Any, year: Any, span: Span) -> Select[Any]:
    i = Indicator
    comparison = i.comparison if ending == "-target" else literal(Comparison.EXACT, i.comparison.type)
    return select(
        i.key + ending, literal("B"), i.name + suffix, wording, value, comparison, i.unit, cast(year, String),
        literal(span, PublishedFigure.span.type), year, i.region_code, literal(""), i.caliber, i.topic, i.source,
        false(), i.doubt,
    )  # fmt: skip
