"""What the pages of yearly tasks show: one place with its parts, in force today or on a day."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from contracts_app.codes.models import Measure
from contracts_app.core.db import db
from contracts_app.regions.models import Region

from .cascade import Division, Places
from .models import Target, TargetKind
from .queries import in_force_on


@dataclass(frozen=True)
class Line:
    """One place and its task. `division`: how its own parts add up; None where it has none."""

    place: Region
    target: Target | None
    share: Fraction | None  # of the whole's task
    division: Division | None


@dataclass(frozen=True)
class Cascade:
    """A place's task on top, its parts below, and the plan's targets apart from both."""

    whole: Line
    parts: Sequence[Line]
    plans: Sequence[Target]

    @property
    def is_empty(self) -> bool:
        """Whether there is no task at all to show."""
        return self.whole.target is None and not any(line.target or _has(line.division) for line in self.parts)


def cascade_of(place: Region, places: Places, year: int, measure: Measure, on: date | None) -> Cascade:
    """A place with its parts and theirs, as in force on a day (today's if none is said); three statements."""
    parts = places.parts_of(place)
    inside = [place, *parts, *(town for part in parts for town in places.parts_of(part))]
    found = _in_force(year, measure, [one.code for one in inside], on)
    tasks = {code: target for (code, kind), target in found.items() if kind is TargetKind.TASK}
    plans = [found[one.code, TargetKind.PLAN] for one in inside if (one.code, TargetKind.PLAN) in found]
    whole = tasks.get(place.code)
    return Cascade(
        _line(place, places, tasks, None),
        [_line(part, places, tasks, whole.value if whole else None) for part in parts],
        plans,
    )


def division_of(places: Sequence[Region], in_force: Mapping[str, Target]) -> Division:
    """How the tasks of the places after the first add up to the first one's."""
    whole, *parts = (in_force[place.code].value if place.code in in_force else None for place in places)
    return Division(whole, parts)


def _in_force(
    year: int, measure: Measure, codes: Collection[str], on: date | None
) -> dict[tuple[str, TargetKind], Target]:
    """Tasks and plan targets in force, apart by their kind."""
    wanted = select(Target).where(
        Target.year == year, Target.measure_code == measure.code, Target.region_code.in_(codes)
    )
    if on is not None:
        wanted = wanted.where(in_force_on(on))
    wanted = wanted.options(joinedload(Target.recorded_by), joinedload(Target.region)).order_by(Target.version)
    return {(target.region_code, target.kind): target for target in db.session.scalars(wanted)}


def _line(place: Region, places: Places, tasks: Mapping[str, Target], whole: Decimal | None) -> Line:
    target, parts = tasks.get(place.code), places.parts_of(place)
    return Line(
        place,
        target,
        Fraction(target.value) / Fraction(whole) if target and whole else None,
        division_of([place, *parts], tasks) if parts else None,
    )


def _has(division: Division | None) -> bool:
    return division is not None and division.without < len(division.parts)
