"""City, assessment units, towns: the places that may have a yearly task, and whether the parts add up to the whole.

Parts that add up to more than the whole are usual (加码) and are said. Parts that add up to less leave some of the task
to nobody: they are saved only when somebody has said so, and the page goes on saying it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from contracts_app.codes.models import Measure
from contracts_app.core.db import db
from contracts_app.core.words import Word
from contracts_app.regions.models import Level, Region, Unit

from .values import said


@dataclass(frozen=True)
class Places:
    """Those of one region, the larger before what lies in it."""

    all: Sequence[Region]

    @property
    def top(self) -> Region | None:
        """The largest: where somebody begins to look."""
        return self.all[0] if self.all else None

    @cached_property
    def by_code(self) -> dict[str, Region]:
        return {place.code: place for place in self.all}

    @cached_property
    def _below(self) -> dict[str | None, list[Region]]:
        below: dict[str | None, list[Region]] = {}
        for place in self.all:
            below.setdefault(place.parent_code, []).append(place)
        return below

    def parts_of(self, place: Region) -> list[Region]:
        """What the task of a place is divided among: its units, or its towns where those are kept."""
        return self._below.get(place.code, [])

    def above(self, place: Region) -> Region | None:
        """The place whose task this one has a part of."""
        return self.by_code.get(place.parent_code or "")


def places_under(above: Region) -> Places:
    """The places in a region that may have a yearly task."""
    unit_codes = select(Unit.region_code)
    inside = aliased(Region)
    cities = select(inside.parent_code).where(inside.code.in_(unit_codes))
    wanted = select(Region).where(
        Region.path.startswith(above.path),
        or_(
            Region.code.in_(unit_codes),
            Region.code.in_(cities),
            and_(Region.level == Level.TOWN, Region.parent_code.in_(unit_codes)),
        ),
    )
    return Places(sorted(db.session.scalars(wanted), key=lambda place: place.path))


class Verdict(Word):
    """What can be said of a task and its parts."""

    EQUAL = "equal", "相等"
    MORE = "more", "分解多于任务"
    LESS = "less", "分解少于任务"
    NO_WHOLE = "no_whole", "没有总任务"
    NOT_DIVIDED = "not_divided", "没有分解"


@dataclass(frozen=True)
class Division:
    """A task and what its parts have; None stands for a place without a task."""

    whole: Decimal | None
    parts: Sequence[Decimal | None]

    @property
    def total(self) -> Decimal:
        """What the parts have together."""
        return sum((part for part in self.parts if part is not None), Decimal(0))

    @property
    def without(self) -> int:
        """How many parts have no task."""
        return sum(part is None for part in self.parts)

    @property
    def difference(self) -> Decimal | None:
        """How much the parts have more than the whole; None where there is nothing to compare."""
        return None if self.whole is None or self.without == len(self.parts) else self.total - self.whole

    @property
    def verdict(self) -> Verdict:
        if self.without == len(self.parts):
            return Verdict.NOT_DIVIDED
        if self.whole is None:
            return Verdict.NO_WHOLE
        if self.total == self.whole:
            return Verdict.EQUAL
        return Verdict.MORE if self.total > self.whole else Verdict.LESS

    def words(self, measure: Measure) -> str:
        """相等, or 分解多于任务 120.00 万元."""
        by_how_much = f" {said(abs(self.difference), measure)}" if self.difference else ""
        return self.verdict.label + by_how_much


@dataclass(frozen=True)
class Divided:
    """One division with its place and measure, for a sentence about it."""

    place: Region
    measure: Measure
    division: Division

    @property
    def sentence(self) -> str:
        """晋江市技术合同成交额：分解少于任务 10.00 万元（3 个没有任务）。"""
        without = f"（{self.division.without} 个没有任务）" if self.division.without else ""
        return f"{self.place.name}{self.measure.name}：{self.division.words(self.measure)}{without}。"
