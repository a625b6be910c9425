"""规划指标, 发布数据 one by one, and 七个一: what documents say, beside what the system counts."""

from typing import Any

from flask import Blueprint, abort, render_template, request
from flask_login import current_user

from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.codes.models import Document
from contracts_app.codes.queries import listed
from contracts_app.contracts.counting.totals import total
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.regions.queries import units_under
from contracts_app.statistics.addresses import contracts_url
from contracts_app.statistics.asked import year_asked
from contracts_app.statistics.years import years_of
from contracts_app.targets import queries as targets
from contracts_app.targets.models import YUAN, Indicator, PublishedFigure, Span

from . import indicators, registers, seven
from .beside import plan_lines
from .indicators import IndicatorLine

bp = Blueprint("indicators", __name__, url_prefix="/statistics")
COUNTED = ("contracts", "total_amount", "technology_amount")  # measures of which the ledger has the sum


@bp.get("/indicators")
@needs(Can.READ_TARGETS)
def index() -> str:
    """Every indicator of 表1—1 with how far it is."""
    shown = _lines(targets.indicators())
    return render_template("statistics/indicators.html", lines=shown, link=contracts_url, verdicts=indicators.Verdict)


@bp.get("/indicators/<int:number>")
@needs(Can.READ_TARGETS)
def show(number: int) -> str:
    """One indicator: chart, table and every source."""
    every = list(targets.indicators())
    one = next((indicator for indicator in every if indicator.number == number), None) or abort(404)
    (line,) = _lines([one])
    return render_template(
        "statistics/indicator.html",
        line=line,
        wide=indicators.drawing(line, 760, 286),
        narrow=indicators.drawing(line, 340, 230),
        related=[figure for figure in targets.of_topic(one.topic) if not figure.key.startswith(f"{one.key}-")],
        names={document.code: document.name for document in listed(Document)},
        link=contracts_url,
        last=every[-1].number,
    )


@bp.get("/figures/<key>")
@needs(Can.READ_TARGETS)
def figure(key: str) -> str:
    """One published figure with all that documents say of the same matter, and the system's own count beside it."""
    found = targets.figure(key[:60]) or abort(404)
    return render_template(
        "statistics/figure.html",
        figure=found,
        sections=targets.SECTIONS,
        document=db.session.get(Document, found.source),
        indicator=_indicator_of(key),
        same=targets.of_topic(found.topic),
        own=_own_count(key),
        link=contracts_url,
    )


@bp.get("/seven")
@needs(Can.SEE_STATISTICS)
def seven_counters() -> str:
    """“七个一”: seven counters over the registers."""
    asked, faults = year_asked(request.args)
    year = asked or today().year
    units = units_under(current_user.region)
    shown = seven.counters(year, current_user, current_user.region, units[0].code if len(units) == 1 else None)
    return render_template(
        "statistics/report_seven.html",
        counters=shown,
        year=year,
        years=years_of(current_user.region, year),
        faults=[f"{fault}下面是{year}年的。" for fault in faults],
        document=db.session.get(Document, seven.SOURCE),
        link=contracts_url,
    )


def _lines(of: Any) -> list[IndicatorLine]:
    """Indicators with what the system counts of them, for whoever may see its counts."""
    if not may(current_user, Can.SEE_STATISTICS):
        return indicators.lines(of, (), {})
    numbers = {one.number for one in of}
    plans = [plan for plan in plan_lines(units_under(current_user.region)) if plan.indicator.number in numbers]
    countings = {
        one.number: registers.OF_INDICATORS[one.counted_by](one.region)
        for one in of
        if one.counted_by in registers.OF_INDICATORS
    }
    return indicators.lines(of, plans, countings)


def _indicator_of(key: str) -> Indicator | None:
    """The indicator that a figure of 表1—1 belongs to."""
    stem = key.rpartition("-")[0]
    return next((one for one in targets.indicators() if one.key == stem), None)


def _own_count(key: str) -> dict[str, Any] | None:
    """What the ledger has of the measure, year and place of a yearly figure; None where it has no such sum."""
    kept = db.session.get(PublishedFigure, key)
    if kept is None or kept.span is not Span.YEARLY or kept.measure_code not in COUNTED:
        return None
    codes = [unit.code for unit in units_under(current_user.region)]
    if not may(current_user, Can.SEE_STATISTICS) or kept.region_code not in codes:
        return None
    query = ContractQuery(year=kept.year, unit=kept.region_code)
    value = getattr(total(query, current_user), kept.measure_code)
    return {"query": query, "measure": kept.measure_code, "value": value, "is_money": kept.unit in YUAN}
