from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.query import ContractQuery
from contracts_app.core import charts
from contracts_app.core.clock import today

from . import queries
from .year import YearOverview

bp = Blueprint("statistics", __name__, url_prefix="/statistics")


@bp.get("/")
@needs(Can.SEE_STATISTICS)
def overview() -> str:
    year = queries.year_overview(_year_asked(today()), current_user)
    return render_template("statistics/overview.html", overview=year, charts=_charts(year), link=contracts_url)


def contracts_url(query: ContractQuery) -> str:
    """The list of exactly the contracts that make a number."""
    arguments: dict[str, Any] = {**query.to_args()}
    return url_for("contracts.index", **arguments)


def _year_asked(on: date) -> int:
    """The year of the address; this year where there is none or no year can be read."""
    text = request.args.get("year", "")
    return int(text) if text.isascii() and text.isdigit() and 1985 <= int(text) <= 2100 else on.year


def _charts(year: YearOverview) -> dict[str, object]:
    return {
        "line": charts.cumulative(
            year.year,
            year.until,
            [month.running.total_amount for month in year.months],
            year.last_year_running,
            year.total.target,
        ),
        "ring": charts.donut([(line.name, line.counted.total_amount, None) for line in year.types]),
        "bars": charts.bars([(unit.counted.total_amount, unit.target) for unit in year.ranked], year.pace),
        "progress": charts.progress(year.total.completion, year.pace if year.is_running else None),
        "technology": charts.progress(year.technology_share),
        "map": charts.tile_map(
            [(unit.code, unit.name, unit.completion, contracts_url(year.query(unit=unit.code))) for unit in year.units],
            year.pace,
        ),
    }
