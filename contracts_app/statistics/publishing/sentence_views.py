from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Blueprint, abort, render_template, request
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.books.facets import Caliber
from contracts_app.core.clock import today
from contracts_app.regions.models import Region
from contracts_app.regions.queries import units_under
from contracts_app.statistics.addresses import contracts_url
from contracts_app.statistics.periods import FIRST_YEAR, LAST_YEAR, Period, PeriodError, periods_of
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
    period, faults = period_asked(request.args)
    caliber, wrong = caliber_asked(request.args)
    return Asked(region, period, clauses, caliber, (*faults, *wrong))


Faults = tuple[str, ...]  # sentences; none where everything was read


def period_asked(args: Mapping[str, str]) -> tuple[Period, Faults]:
    """The period of an address or form, of the year beside it if one is chosen; else this year.

    What cannot be read is told: a page shows the sentences, a file or a sealing is refused.
    """
    period, faults = Period(today().year, 1, 12), []
    if text := args.get("period", "").strip():
        try:
            period = Period.parse(text)
        except PeriodError as error:
            faults.append(f"期间“{text[:20]}”没有读懂。{error}")
    year, wrong = year_asked(args)
    if year is not None:
        period = replace(period, year=year)
    faults += wrong
    return period, tuple(f"{fault}下面是{period.name}的。" for fault in faults)


def year_asked(args: Mapping[str, str]) -> tuple[int | None, Faults]:
    """The year of an address; None where there is none or none can be read, which is told."""
    text = args.get("year", "").strip()
    if not text:
        return None, ()
    if text.isascii() and text.isdigit() and len(text) == 4 and FIRST_YEAR <= int(text) <= LAST_YEAR:
        return int(text), ()
    return None, (f"年度“{text[:20]}”没有读懂。年度写成四位数字，例如 {today().year}。",)


def caliber_asked(args: Mapping[str, str]) -> tuple[Caliber, Faults]:
    """The caliber of an address; 登记口径 where there is none or none of that name, which is told."""
    text = args.get("caliber", "").strip()
    words = {caliber.value: caliber for caliber in Caliber}
    if not text or text in words:
        return words.get(text, Caliber.REGISTERED), ()
    return Caliber.REGISTERED, (f"没有口径“{text[:20]}”，下面是{Caliber.REGISTERED.label}的。",)
