"""Reading the region tree and the assessment units."""

from collections.abc import Sequence

from flask import g
from sqlalchemy import Select, select

from contracts_app.core.db import db

from .models import Level, Region, Unit

# Where a party may be: never the whole country, never more exact than the county (its town is asked separately).
PLACES = (Level.COUNTY, Level.ZONE, Level.CITY, Level.PROVINCE)
ABROAD = "990000"
CITY_OFFICE = "泉州市科学技术局"


def region(code: str) -> Region | None:
    """The region with that code, if there is one."""
    return db.session.get(Region, code)


def regions_under(above: Region) -> Select[Region]:
    """The region itself and all that lies under it, in the order of the codes."""
    return select(Region).where(Region.path.startswith(above.path)).order_by(Region.path)


def units_under(above: Region) -> list[Unit]:
    """The assessment units in a region, in the office's order. A town has none: it lies inside one."""
    wanted = select(Unit).join(Unit.region).where(Region.path.startswith(above.path))
    return list(db.session.scalars(wanted.order_by(Unit.position, Unit.code)))


def unit_codes_under(above: Region) -> Select[str]:
    """The codes of those units, as a subquery for an IN."""
    return select(Unit.code).join(Region, Region.code == Unit.region_code).where(Region.path.startswith(above.path))


def codes_of_units() -> dict[str, str]:
    """The path of each assessment unit's region, by the unit's code; read once in a request."""
    if "codes_of_units" not in g:
        rows = db.session.execute(select(Unit.code, Region.path).join(Region, Region.code == Unit.region_code))
        g.codes_of_units = {row.code: row.path for row in rows}
    return g.codes_of_units


def home_path() -> str:
    """The path of the smallest region in which every assessment unit lies: the city, as far as flows are concerned."""
    paths = [path.split("/") for path in codes_of_units().values()]
    same = [parts[0] for parts in zip(*paths, strict=False) if len(set(parts)) == 1]
    return "".join(f"{code}/" for code in same if code)


def unit_code_of(path: str) -> str | None:
    """The code of the assessment unit in which a place lies, by the place's path; None outside and above them."""
    return next((code for code, unit in codes_of_units().items() if path.startswith(unit)), None)


def units() -> Sequence[Unit]:
    """All assessment units in the office's order."""
    return db.session.scalars(select(Unit).order_by(Unit.position, Unit.code)).all()


def unit_of(place: Region) -> Unit | None:
    """The assessment unit a place belongs to; None outside the city and above the county."""
    inside = place.path.strip("/").split("/")
    return db.session.scalars(select(Unit).where(Unit.code.in_(inside))).one_or_none()


def office_of(place: Region) -> str:
    """The name of the office in charge of a place: its unit's, else the city's."""
    unit = unit_of(place)
    return unit.office_name if unit else CITY_OFFICE


def towns_of(county_code: str) -> Sequence[Region]:
    """The towns and streets of a county, in the order of their codes."""
    wanted = select(Region).where(Region.parent_code == county_code, Region.level == Level.TOWN)
    return db.session.scalars(wanted.order_by(Region.code)).all()


def towns() -> Sequence[Region]:
    """Every town and street of the counties for which they are kept, in the order of their codes."""
    return db.session.scalars(select(Region).where(Region.level == Level.TOWN).order_by(Region.code)).all()


def place_choices() -> list[tuple[str, str]]:
    """Where a party may be, as pairs of code and words: the home counties first, then cities, provinces, abroad."""
    wanted = select(Region).where(Region.level.in_(PLACES) | (Region.code == ABROAD))
    order = {level: rank for rank, level in enumerate((*PLACES, Level.COUNTRY))}
    order[Level.ZONE] = order[Level.COUNTY]
    places = sorted(db.session.scalars(wanted), key=lambda place: (order[place.level], place.code))
    return [(place.code, place.name) for place in places]


def town_choices(county_code: str) -> list[tuple[str, str]]:
    """The towns of a county as pairs of code and words."""
    return [(town.code, town.name) for town in towns_of(county_code)]


def unit_choices() -> list[tuple[str, str]]:
    """The assessment units as pairs of code and words."""
    return [(unit.code, unit.name) for unit in units()]


def tree() -> list[tuple[int, Region]]:
    """Every region with its depth, each below the one it lies in."""
    rows = db.session.scalars(select(Region).order_by(Region.path))
    return [(region.path.count("/") - 1, region) for region in rows]
