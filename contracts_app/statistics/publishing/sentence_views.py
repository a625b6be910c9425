from dataclasses import dataclass

from flask import Blueprint, abort, render_template, request
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.books.facets import Caliber
from contracts_app.core.clock import today
from contracts_app.regions.models import Region
from contracts_app.statistics.addresses import contracts_url
from contracts_app.statistics.asked import caliber_asked, period_asked, places_of
from contracts_app.statistics.periods import Period, periods_of
from contracts_app.statistics.years import years_of

from .sentences import CLAUSES, USUAL, Sentence, sentence

bp = Blueprint("sentences", __name__, url_prefix="/statistics/sentence")


@dataclass(frozen=True)
class Asked:
    """What an address asks for."""

    region: Region
    period: Period
    clauses: tuple[str, ...]
    caliber: Caliber
    faults: tuple[str, ...] = ()  # what of the address could not be read, and what is shown instead

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
        years=years_of(current_user.region, asked.period.year) if asked else [],
        clauses=CLAUSES,
        calibers=list(Caliber),
        link=contracts_url,
    )


def asked_for() -> Asked | None:
    """What the address asks for; None for somebody whose region has no unit, 404 for a place of somebody else's."""
    places = {place.code: place for place in places_of(current_user.region)}
    if not places:
        return None
    region = places.get(request.args.get("region") or current_user.region_code) or abort(404)
    known = [clause.code for clause in CLAUSES]
    clauses = tuple(code for code in known if code in request.args.getlist("clause")) or USUAL
    period, faults = period_asked(request.args)
    caliber, wrong = caliber_asked(request.args)
    return Asked(region, period, clauses, caliber, (*faults, *wrong))
