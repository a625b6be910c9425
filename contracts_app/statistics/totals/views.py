"""The totals page: any two dimensions, as a page, as files and as data, all from one question."""

from functools import lru_cache
from urllib.parse import quote_plus, urlencode

from flask import Blueprint, Response, abort, jsonify, render_template, request, url_for
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.finding.addresses import refuse_unread
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.codes import mask_within
from contracts_app.core.drawing import charts
from contracts_app.core.trail import audit
from contracts_app.core.web.limits import exports
from contracts_app.statistics.measures import GROWTH, MEASURES, SHARE
from contracts_app.statistics.years import years_of

from . import crosstab, files, saved_views
from .crosstab import Table
from .question import Order, Question, Show
from .saved_views import Kind

bp = Blueprint("totals", __name__, url_prefix="/statistics/totals")
OF_FORM = ("year", "since", "caliber", "date_to")  # what the form asks itself; all other filters go with it unseen
DRAWN_ROWS = 20
_CHOICES = {
    "dimensions": [(one.code, one.label) for one in DIMENSIONS.values()],
    "measures": [(one.code, one.label) for one in MEASURES.values()],
    "shows": [(one.value, one.label) for one in Show],
    "orders": [(one.value, one.label) for one in Order],
    "calibers": [(one.value, one.label) for one in Caliber],
}


@bp.get("/")
@needs(Can.SEE_STATISTICS)
def index() -> str | Response:
    """The table as a page, or with ``format=json`` as data."""
    question = Question.from_args(request.args, current_user)
    if request.args.get("format") == "json":
        return _data(question)
    table = crosstab.table(question, current_user)
    return render_template(
        "statistics/totals.html",
        question=question,
        table=table,
        link=_links(),
        address=address,
        views=saved_views.at_hand(current_user, Kind.TOTALS),
        chips=_chips(question),
        kept=_kept(question),
        years=_years(question),
        choices=_CHOICES,
        measures=MEASURES.values(),
        calibers=Caliber,
        growth_definition=GROWTH,
        share_definition=SHARE,
        **_drawn(table),
    )


@exports
def _data(question: Question) -> Response:
    """The whole table as data: taken out like a file, counted and written down like one."""
    refuse_unread(question.unread)
    table = crosstab.table(question, current_user, whole=True)
    asked = mask_within(question.query.sentence())
    audit.witness("export_totals", current_user, title=question.title, query=asked, file="json")
    return jsonify(files.as_data(table))


@bp.post("/file")
@needs(Can.SEE_STATISTICS)
@exports
def file() -> Response:
    """The whole table as a file; who took it is written down."""
    kind = files.KINDS.get(request.form.get("format", "")) or abort(400)
    question = Question.from_args(request.args, current_user)
    refuse_unread(question.unread)
    table = crosstab.table(question, current_user, whole=True)
    asked = mask_within(question.query.sentence())
    audit.record("export_totals", current_user, title=question.title, query=asked, file=kind.ending)
    return kind.response(table, current_user)


def address(question: Question, **pages: int) -> str:
    """The address of a question's page, of the part of its rows and columns that is asked for."""
    shown = {name: str(number) for name, number in pages.items() if number > 1}
    return f"{url_for('totals.index')}?{urlencode(question.to_args() | shown)}"


def _links() -> "Links":
    return Links(url_for("contracts.index"))


class Links:
    """Addresses of lists. A table has up to a thousand: made without asking the routes each time."""

    def __init__(self, base: str) -> None:
        self.base = base

    def __call__(self, query: ContractQuery) -> str:
        asked = "&".join(f"{name}={_quoted(value)}" for name, value in query.to_args().items())
        return f"{self.base}?{asked}"


_quoted = lru_cache(4096)(quote_plus)  # the same few values stand in every link of a table


def _chips(question: Question) -> list[tuple[str, str]]:
    """What is asked beside what the form shows, each with the address without it."""
    unseen = {"year", "caliber"} | ({"cause"} if question.measure.cause else set())
    return [
        (one.words, address(_with(question, question.query.without(*one.names))))
        for one in question.query.filters
        if not unseen & set(one.names[:1])
    ]


def _with(question: Question, query: ContractQuery) -> Question:
    return Question(
        query, question.rows, question.columns, question.measure, question.show, question.order, faults=question.faults
    )


def _years(question: Question) -> list[tuple[str, str]]:
    """The years that can be chosen, the one that is asked for among them."""
    query = question.query
    asked = [year for year in (query.year, query.since) if year]
    return [(str(year), f"{year} 年") for year in years_of(current_user.region, *asked)]


def _kept(question: Question) -> dict[str, str]:
    return {
        name: value
        for name, value in question.to_args().items()
        if name not in (*OF_FORM, "rows", "columns", "measure", "show", "order")
    }


def _drawn(table: Table) -> dict[str, object]:
    """The bars: beside each row, or, with columns that colours can tell apart, cut into them."""
    question = table.question
    rows = table.rows if question.columns is None else table.rows[:DRAWN_ROWS]
    is_cut = question.columns is not None and question.measure.is_sum and len(table.column_names) <= crosstab.DRAWN
    return {
        "bars": charts.bars([(crosstab.exact(row.amount), crosstab.exact(row.before)) for row in rows]),
        "pieces": charts.stacked([row.parts for row in rows]) if is_cut else [],
        "drawn_rows": rows,
    }
