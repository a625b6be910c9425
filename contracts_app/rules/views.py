"""Reading the rule sets with their time limits, the settings, and the calendar of working days."""

from calendar import monthrange
from datetime import date

from flask import Blueprint, abort, render_template, request
from flask_login import login_required

from contracts_app.core.clock import today

from . import queries
from .predicates import PREDICATES

bp = Blueprint("rules", __name__, url_prefix="/codes")
YEARS_AHEAD = 1


@bp.get("/rules")
@login_required
def index() -> str:
    """The rules in force over time, and the numbers that no rule fixes."""
    return render_template(
        "codes/rules.html", rule_sets=queries.rule_sets(), settings=queries.settings(), today=today()
    )


@bp.get("/rules/<set_code>")
@login_required
def show(set_code: str) -> str:
    """One rule set with all its rules, in the order of the form."""
    rule_set = queries.known(set_code) or abort(404)
    return render_template(
        "codes/rule_set.html",
        rule_set=rule_set,
        sections=queries.by_section(set_code),
        others=[one for one in queries.rule_sets() if one.code != set_code],
        predicates=PREDICATES,
        in_words=queries.in_words,
    )


@bp.get("/rules/<set_code>/compare/<other>")
@login_required
def compare(set_code: str, other: str) -> str:
    """Two rule sets side by side: what the second has more, less, and otherwise."""
    here, there = queries.known(set_code) or abort(404), queries.known(other) or abort(404)
    return render_template("codes/rule_comparison.html", compared=queries.compared(here, there))


@bp.get("/calendar")
@login_required
def calendar() -> str:
    """The days of a year that differ from the plain week, as the State Council announced them."""
    known = queries.announced_years()
    years = list(range(min([*known, today().year]), max([*known, today().year]) + YEARS_AHEAD + 1))
    asked = request.args.get("year", type=int)
    year = asked if asked in years else today().year
    working = queries.work_calendar()
    months = [
        (month, sum(working.is_workday(date(year, month, day + 1)) for day in range(monthrange(year, month)[1])))
        for month in range(1, 13)
    ]
    return render_template(
        "codes/calendar.html",
        year=year,
        years=years,
        known=known,
        spans=queries.spans_of(year),
        months=months,
    )
