"""统计报表: choose a period and a place, look at the report, take it along as a workbook or as pages."""

import io

from flask import Blueprint, Response, abort, render_template, request, send_file
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from contracts_app.accounts.permissions import Can, needs
from contracts_app.core.clock import today
from contracts_app.core.installation import is_demonstration
from contracts_app.core.sheets.workbooks import MIME as XLSX
from contracts_app.core.trail import audit
from contracts_app.core.web.limits import exports
from contracts_app.regions.models import Region
from contracts_app.statistics.addresses import contracts_url
from contracts_app.statistics.asked import period_asked, places_of
from contracts_app.statistics.measures import MEASURES
from contracts_app.statistics.years import years_of

from . import pdf, reports
from .extras import extras
from .pdf import line_chart
from .reports import Report
from .workbook import workbook

bp = Blueprint("reports", __name__, url_prefix="/statistics/reports")
PDF = "application/pdf"


@bp.get("")
@needs(Can.SEE_STATISTICS)
def index() -> str:
    """The report on the screen; every number leads to its contracts."""
    places, on = places_of(current_user.region), today()
    period, faults = period_asked(request.args)
    region = _region(places, request.args)
    has_begun = period.has_begun(on)
    made = reports.report(region, period, current_user, on) if region and has_begun else None
    return render_template(
        "statistics/report.html",
        report=made,
        period=period,
        region=region,
        places=places,
        periods=reports.periods_to_report(period.year, on),
        kind_of=lambda one: reports.kind_of(one, on),
        faults=faults,
        years=years_of(current_user.region, period.year),
        chart=line_chart(made) if made else None,
        definitions=reports.definitions(made) if made else [],
        measures=MEASURES,
        link=contracts_url,
    )


@bp.post("/file")
@needs(Can.SEE_STATISTICS)
@exports
def file() -> Response:
    """The same report as a file; who took it is written down."""
    ending = request.form.get("format", "")
    region = _region(places_of(current_user.region), request.form)
    period, faults = period_asked(request.form)
    if ending not in ("xlsx", "pdf") or region is None or faults or not period.has_begun(today()):
        abort(400)
    made = reports.report(region, period, current_user, today())
    content, kind = (_as_workbook(made), XLSX) if ending == "xlsx" else (pdf.pdf(made), PDF)
    audit.record("make_report", current_user, period=period.name, region=region.name, file=f".{ending}")
    answer = send_file(io.BytesIO(content), kind, as_attachment=True, download_name=f"{made.title}.{ending}", max_age=0)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _as_workbook(made: Report) -> bytes:
    return workbook(made, extras(made), current_user.name, is_demonstration=is_demonstration())


def _region(places: list[Region], args: MultiDict[str, str]) -> Region | None:
    """The place asked for, the person's own if none is; None for a town, 404 for a place of somebody else's."""
    if not places:
        return None
    asked = args.get("region") or places[0].code
    return next((place for place in places if place.code == asked), None) or abort(404)
