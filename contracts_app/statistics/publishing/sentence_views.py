from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, abort, render_template, request
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.books.facets import Caliber
from contracts_app.core.clock import today
from contracts_app.regions.models import Region
from contracts_app.regions.queries import units_under
from contracts_app.statistics.addresses import contracts_url
from contracts_app.statistics.periods import FIRST_YEAR, LAST_YEAR, Period, PeriodError, periods_of

from .sentences import CLAUSES, USUAL, Sentence, sentence

bp = Blueprint("sentences", __name__, url_prefix="/statistics/sentence")
NEWEST = 6  # years to choose from


@dataclass(frozen=True)
class Asked:
    """What an address asks for."""

    region: Region
    period: Period
    clauses: tuple[str, ...]
    caliber: Caliber

    @property
    def args(self) -> dict[str, str | list[str]]:
        """The same as arguments of an address."""
        own: dict[str, str | list[str]] = {
            "region": self.region.code,
            "period": self.period.key,
            "clause": list(self.clauses),
        }
        return own if self.caliber is Caliber.REGISTERED else {**own, "caliber": self.caliber.value}

    def said(self) -> Sentence:
        return sentence(self.region, self.period, current_user, today(), clauses=self.clauses, caliber=self.caliber)


@bp.get("")
@needs(Can.SEE_STATISTICS)
def show() -> str:
    """The sentence with its figures linked, and the clauses to choose from."""
    asked = asked_for()
    return render_template(
        "statistics/sentence.html",
        asked=asked,
        places=places_of(current_user.region),
        sentence=asked.said() if asked and asked.period.has_begun(today()) else None,
        periods=list(periods_of(asked.period.year, today())) if asked else [],
        years=range(today().year, today().year - NEWEST, -1),
        clauses=CLAUSES,
        calibers=list(Caliber),
        link=contracts_url,
    )


def places_of(own: Region) -> list[Region]:
    """For which places figures can be published: the region and the units in it; none for a town."""
    inside = [unit.region for unit in units_under(own)]
    return [own, *(one for one in inside if one.code != own.code)] if inside else []


def asked_for() -> Asked | None:
    """What the address asks for; None for somebody whose region has no unit, 404 for a place of somebody else's."""
    places = {place.code: place for place in places_of(current_user.region)}
    if not places:
        return None
    region = places.get(request.args.get("region") or current_user.region_code) or abort(404)
    known = [clause.code for clause in CLAUSES]
    clauses = tuple(code for code in known if code in request.args.getlist("clause")) or USUAL
    words = {caliber.value: caliber for caliber in Caliber}
    caliber = words.get(request.args.get("caliber", ""), Caliber.REGISTERED)
    return Asked(region, period_asked(request.args), clauses, caliber)


def period_asked(args: Mapping[str, str]) -> Period:
    """The period of an address or form, of the year beside it if one is chosen; this year where none can be read."""
    year, text = args.get("year", ""), args.get("period", "")
    if year.isascii() and year.isdigit() and len(year) == 4 and FIRST_YEAR <= int(year) <= LAST_YEAR:
        text = f"{year}{text[4:]}"
    try:
        return Period.parse(text)
    except PeriodError:
        return Period(today().year, 1, 12)
