"""What an address or form asks for: year, period and caliber, and the places that may be asked for.

What cannot be read is told, never passed over: a page shows the sentences, a file or a sealing is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from contracts_app.contracts.books.facets import Caliber
from contracts_app.core.clock import today
from contracts_app.regions.models import Region, Unit
from contracts_app.regions.queries import units_under

from .periods import FIRST_YEAR, LAST_YEAR, Period, PeriodError

Faults = tuple[str, ...]  # sentences; none where everything was read


def places_of(own: Region) -> list[Region]:
    """For which places figures can be published: the region and the units in it; none for a town."""
    return places_among(own, units_under(own))


def places_among(own: Region, units: Sequence[Unit]) -> list[Region]:
    """The same where the units of the region are known."""
    inside = [unit.region for unit in units]
    return [own, *(one for one in inside if one.code != own.code)] if inside else []


def period_asked(args: Mapping[str, str]) -> tuple[Period, Faults]:
    """The period of an address or form, of the year beside it if one is chosen; else this year."""
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
