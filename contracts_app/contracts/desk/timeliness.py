"""办理时效: how many decisions of each month and unit came in time, how long they took, and what is overdue now.

A decision is on time when its day is no later than the limit as the decision found it. Decisions taken back are none.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import ColumnElement, Date, Select, String, case, cast, func, or_, select, text
from sqlalchemy.orm import aliased

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.finding.queries import in_region_of
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import IN_OFFICE
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import WorkCalendar, day_edges, month_edges, today, year_edges
from contracts_app.core.db import db
from contracts_app.core.web.pages import Page, number_from, page_of
from contracts_app.core.words import Word
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.models import Unit
from contracts_app.regions.queries import units
from contracts_app.rules.queries import work_calendar

from .due import dues

bp = Blueprint("timeliness", __name__, url_prefix="/timeliness")

REGISTERING = ("register", "register_large")  # never taken back
DECISIONS = (*REGISTERING, "refuse", "not_accept")
FIRST_YEAR = 2000
SHOWN_OVERDUE = 20


class Only(Word):
    """Which of the decisions, or that what is listed waits for one and is overdue."""

    ALL = "all", "全部决定"
    ON_TIME = "on_time", "按期"
    LATE = "late", "超期"
    EXTENDED = "extended", "延长过期限"
    OVERDUE = "overdue", "超期未办结"


# ---- what is counted -----------------------------------------------------------------------------------------------


def _day(moment: Any) -> ColumnElement[Any]:
    """The day of a moment in Asia/Shanghai, which has kept to UTC+8 since 1991, in the words of either database."""
    if db.engine.dialect.name == "sqlite":
        return func.date(moment, "+8 hours", type_=String)
    return cast(func.timezone("Asia/Shanghai", moment), Date)


# As the decision found them; lines of before they were kept there say nothing.
_limit = func.coalesce(HistoryLine.due_on, Contract.due_on)
_begun = func.coalesce(HistoryLine.begun_at, Contract.submitted_at)
_extended = func.coalesce(HistoryLine.extended_days, Contract.extended_days)


def _on_time() -> ColumnElement[bool]:
    return or_(_limit.is_(None), _day(HistoryLine.at) <= _limit)


def _decided(person: User, year: int) -> list[ColumnElement[bool]]:
    """The decisions of a year in the person's region that still stand."""
    first, last = year_edges(year)
    later, taken_back = aliased(HistoryLine), aliased(HistoryLine)
    next_line = (
        select(func.min(later.id))
        .where(later.contract_id == HistoryLine.contract_id, later.id > HistoryLine.id)
        .correlate(HistoryLine)
        .scalar_subquery()
    )
    undone = (
        select(taken_back.id)
        .where(taken_back.id == next_line, taken_back.move == "undo")
        .correlate(HistoryLine)
        .exists()
    )
    return [
        HistoryLine.move.in_(DECISIONS),
        HistoryLine.at >= day_edges(first)[0],
        HistoryLine.at < day_edges(last)[1],
        in_region_of(person),
        or_(HistoryLine.move.in_(REGISTERING), ~undone),
    ]


def _overdue(person: User) -> list[ColumnElement[bool]]:
    return [Contract.state.in_(sorted(IN_OFFICE)), Contract.due_on < today(), in_region_of(person)]


@dataclass
class Cell:
    """The decisions of one month in one unit, or a sum of such cells. ``workdays`` is of all of them together."""

    decisions: int = 0
    on_time: int = 0
    extended: int = 0
    workdays: int = 0

    def add(self, other: "Cell") -> None:
        """Count the other's decisions too."""
        self.decisions += other.decisions
        self.on_time += other.on_time
        self.extended += other.extended
        self.workdays += other.workdays

    @property
    def late(self) -> int:
        return self.decisions - self.on_time

    @property
    def share(self) -> Decimal | None:
        """The on-time part, 0 to 1; None without decisions."""
        return Decimal(self.on_time) / self.decisions if self.decisions else None

    @property
    def average(self) -> float | None:
        """Working days from the day on which the limit began to the decision."""
        return self.workdays / self.decisions if self.decisions else None


@dataclass
class Year:
    """A year by month and unit, with the sums of both."""

    by_month: dict[int, Cell] = field(default_factory=lambda: defaultdict(Cell))
    by_unit: dict[str, Cell] = field(default_factory=lambda: defaultdict(Cell))
    cells: dict[tuple[int, str], Cell] = field(default_factory=lambda: defaultdict(Cell))
    total: Cell = field(default_factory=Cell)

    def count(self, month: int, unit: str, cell: Cell) -> None:
        """Add decisions to their cell and to every sum they belong to."""
        for one in (self.by_month[month], self.by_unit[unit], self.cells[month, unit], self.total):
            one.add(cell)


def year_of(person: User, year: int) -> Year:
    """The decisions of a year: one query, whose rows are as many as there are pairs of days, not contracts."""
    begun, decided = _day(_begun), _day(HistoryLine.at)
    rows = db.session.execute(
        select(
            Contract.unit_code,
            begun.label("begun"),
            decided.label("decided"),
            func.count(),
            func.sum(case((_on_time(), 1), else_=0)),
            func.sum(case((_extended > 0, 1), else_=0)),
        )
        .select_from(HistoryLine)
        .join(Contract, Contract.id == HistoryLine.contract_id)
        .where(*_decided(person, year))
        .group_by(Contract.unit_code, text("begun"), text("decided"))
    )
    found, spans = Year(), _Spans(work_calendar())
    for unit, first, last, count, on_time, extended in rows:
        first, last = _as_day(first), _as_day(last)
        found.count(last.month, unit, Cell(count, on_time, extended, count * spans(first, last)))
    return found


def _as_day(day: Any) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day


class _Spans:
    """Working days between two days, each pair looked up once."""

    def __init__(self, calendar: WorkCalendar) -> None:
        self.calendar = calendar
        self.known: dict[tuple[date, date], int] = {}

    def __call__(self, first: date, last: date) -> int:
        if (first, last) not in self.known:
            self.known[first, last] = max(self.calendar.workdays_between(first, last), 0)
        return self.known[first, last]


# ---- the lists behind the numbers ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Which decisions: of a year, a month of it, a unit, of one kind."""

    year: int
    month: int | None
    unit: str | None
    only: Only

    def conditions(self, person: User) -> list[ColumnElement[bool]]:
        """What the rows have to meet."""
        is_open = self.only is Only.OVERDUE
        conditions = _overdue(person) if is_open else _decided(person, self.year) + self._of_kind()
        if self.unit:
            conditions.append(Contract.unit_code == self.unit)
        if self.month and not is_open:
            first, last = month_edges(self.year, self.month)
            conditions += [HistoryLine.at >= day_edges(first)[0], HistoryLine.at < day_edges(last)[1]]
        return conditions

    def _of_kind(self) -> list[ColumnElement[bool]]:
        return {
            Only.ON_TIME: [_on_time()],
            Only.LATE: [~_on_time()],
            Only.EXTENDED: [_extended > 0],
        }.get(self.only, [])


def decisions(person: User, asked: Asked, number: int, size: int) -> Page[Any]:
    """A page of the decisions asked for, the newest first."""
    matching = (
        select(HistoryLine).join(Contract, Contract.id == HistoryLine.contract_id).where(*asked.conditions(person))
    )
    show: Any = (
        select(
            *_shown(_begun, _extended),
            HistoryLine.at,
            HistoryLine.move,
            _limit.label("due_on"),
            User.name.label("by"),
        )
        .select_from(HistoryLine)
        .join(Contract, Contract.id == HistoryLine.contract_id)
        .join(User, User.id == HistoryLine.by_id)
    )
    return page_of(
        db.session(),
        matching,
        show=_with_names(show),
        key=HistoryLine.id,
        order=[HistoryLine.at.desc(), HistoryLine.id.desc()],
        number=number,
        size=size,
    )


def overdue(person: User, asked: Asked, number: int, size: int) -> Page[Any]:
    """A page of the open contracts whose limit is over, the longest overdue first."""
    return page_of(
        db.session(),
        select(Contract).where(*asked.conditions(person)),
        show=_with_names(
            select(*_shown(Contract.submitted_at, Contract.extended_days), Contract.due_on).select_from(Contract)
        ),
        key=Contract.id,
        order=[Contract.due_on.asc(), Contract.id.asc()],
        number=number,
        size=size,
    )


def _shown(begun: Any, extended: Any) -> list[Any]:
    return [
        Contract.id,
        Contract.title,
        Contract.state,
        Contract.acceptance_number,
        begun.label("begun_at"),
        extended.label("extended_days"),
        Enterprise.name.label("seller"),
        Unit.name.label("unit"),
    ]


def _with_names(rows: Select[Any]) -> Select[Any]:
    return rows.outerjoin(Enterprise, Enterprise.id == Contract.seller_id).outerjoin(
        Unit, Unit.code == Contract.unit_code
    )


# ---- the pages -----------------------------------------------------------------------------------------------------


@bp.get("")
@needs(Can.SEE_TIMELINESS)
def index() -> str:
    """A year by month and by unit, and what is overdue now."""
    year = _year()
    found = year_of(current_user, year)
    late = overdue(current_user, Asked(year, None, None, Only.OVERDUE), 1, SHOWN_OVERDUE)
    named = [unit for unit in units() if unit.code in found.by_unit]
    return render_template(
        "contracts/timeliness.html",
        year=year,
        this_year=today().year,
        found=found,
        late=late,
        units=named,
        link=_link,
        only=Only,
    )


@bp.get("/list")
@needs(Can.SEE_TIMELINESS)
def listed() -> str:
    """The contracts behind one of the numbers."""
    month = request.args.get("month", type=int)
    unit = next((one for one in units() if one.code == request.args.get("unit")), None)
    only = next((one for one in Only if one.value == request.args.get("only")), Only.ALL)
    asked = Asked(_year(), month if month in range(1, 13) else None, unit.code if unit else None, only)
    read = overdue if only is Only.OVERDUE else decisions
    page = read(current_user, asked, *number_from(request.args))
    return render_template(
        "contracts/timeliness_list.html",
        asked=asked,
        unit=unit,
        page=page,
        only=Only,
        moves=CONTRACT.moves,
        dues=dues(),
    )


def _year() -> int:
    asked = request.args.get("year", type=int)
    return asked if asked and FIRST_YEAR <= asked <= today().year else today().year


def _link(year: int, only: Only, month: int | None = None, unit: str | None = None) -> str:
    return url_for("timeliness.listed", year=year, only=only.value, month=month, unit=unit)
