from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cache

from flask import Blueprint, abort, render_template, request
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import Cause
from contracts_app.contracts.counting.totals import total
from contracts_app.contracts.states import State
from contracts_app.core.clock import DayError, now_utc, parse_day, today
from contracts_app.regions.models import Region, Unit
from contracts_app.regions.queries import units_under
from contracts_app.statistics.addresses import contracts_url
from contracts_app.statistics.asked import places_among, year_asked
from contracts_app.statistics.periods import FIRST_YEAR
from contracts_app.statistics.publishing import snapshots
from contracts_app.statistics.publishing.sentences import sentence_of

from . import queries
from .charts import WALL, WALL_OF_ONE, charts_of
from .pipeline import Pipeline, read_chances
from .pipeline_queries import pipeline
from .year import YearOverview

bp = Blueprint("statistics", __name__, url_prefix="/statistics")
SECONDS = 60  # between two readings of the big screen


@bp.get("/")
@needs(Can.SEE_STATISTICS)
def overview() -> str:
    asked = _asked()
    year = queries.year_overview(asked.year, current_user, asked.on, region=asked.region, units=asked.units)
    given, faults = read_chances(request.args)
    link = cache(contracts_url)  # one list stands behind several numbers
    received = replace(year.query(), cause=Cause.RECEIPT)
    return render_template(
        "statistics/overview.html",
        overview=year,
        places=asked.places,
        place=None if year.region is current_user.region else year.region.code,  # for addresses that keep it
        sentence=sentence_of(year.facts) if year.facts and not year.is_empty else None,  # the very one of 发布口径
        snapshots=snapshots.of_year(year.year, year.region, year.on),
        charts=charts_of(year, link),
        ahead=_under_way(year, given),
        received=received,
        received_amount=total(received, current_user).received_amount,
        link=link,
        faults=(*asked.faults, *faults),
        kept={name: text for name, text in request.args.items() if name.startswith("p_") and text},
        caliber=Caliber.REGISTERED,
        newest=today(),
        now=now_utc(),
    )


@bp.get("/screen")
@needs(Can.SEE_STATISTICS)
def screen() -> str:
    """The running year for a wall: one page, no menus, read again every minute."""
    region, _, units = _region()
    year = queries.year_overview(today().year, current_user, region=region, units=units)
    return render_template(
        "statistics/screen.html",
        overview=year,
        place=None if year.region is current_user.region else year.region.code,
        charts=charts_of(year, contracts_url, WALL if len(year.units) > 1 else WALL_OF_ONE),
        ahead=_under_way(year, {}),
        caliber=Caliber.REGISTERED,
        now=now_utc(),
        every=SECONDS,
    )


def _under_way(year: YearOverview, given: Mapping[State, Fraction]) -> Pipeline | None:
    """Only as it is now: what was under way on a past day is kept nowhere."""
    if not year.units or not year.is_running or year.as_of:
        return None
    return pipeline(year, current_user, given)


@dataclass(frozen=True)
class _Asked:
    """Which year and place, as it stood when, and what of the address could not be read."""

    region: Region
    places: list[Region]  # that this person may choose from
    units: list[Unit]  # of the place
    year: int
    on: date
    faults: tuple[str, ...] = ()


def _asked() -> _Asked:
    """The year and the day of the address; this year and today where there are none or none can be read."""
    on, faults = today(), tuple[str, ...]()
    try:
        on = parse_day(request.args["on"]) if request.args.get("on", "").strip() else on
    except DayError as error:
        faults = (f"截至日期没有读懂，按今天显示。{error}",)
    if on > today():
        on, faults = today(), ("截至日期还没有到，按今天显示。",)
    year, odd = year_asked(request.args)
    faults += tuple(f"{fault}下面是{on.year}年的。" for fault in odd)
    region, places, units = _region()
    return _Asked(region, places, units, year or on.year, max(on, date(FIRST_YEAR, 1, 1)), faults)


def _region() -> tuple[Region, list[Region], list[Unit]]:
    """The place of the address, those that may be asked for, the own region first, and the units of the place; 404 for
    somebody else's. One reading of units is enough for all of it."""
    own = current_user.region
    units = units_under(own)
    places = places_among(own, units)
    code = request.args.get("region") or own.code
    region = next((one for one in (own, *places) if one.code == code), None) or abort(404)
    return region, places, [unit for unit in units if unit.region.path.startswith(region.path)]
