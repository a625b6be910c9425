from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.core.clock import today
from contracts_app.core.errors import Refused
from contracts_app.core.pages import number_from
from contracts_app.regions.queries import units_under

from . import actions, queries
from .actions import AMOUNT
from .forms import PREFIX, tasks_form
from .queries import FigureFilter

bp = Blueprint("targets", __name__, url_prefix="/targets")
FIRST_YEAR, LAST_YEAR = 2000, 2100


@bp.get("/")
@needs(Can.READ_TARGETS)
def index() -> str:
    units = units_under(current_user.region)
    tasks = queries.year_tasks(AMOUNT, [unit.code for unit in units], newest=5)
    return render_template(
        "targets/index.html",
        units=units,
        tasks=tasks,
        this_year=today().year,
        may_set=may(current_user, Can.SET_TARGETS),
    )


@bp.get("/<int:year>")
@needs(Can.READ_TARGETS)
def show(year: int) -> str:
    _known(year)
    units = units_under(current_user.region)
    versions = queries.tasks_of(AMOUNT, [year], [unit.code for unit in units])
    return render_template(
        "targets/show.html",
        year=year,
        lines=[(unit, [target for target in versions if target.region_code == unit.code]) for unit in units],
        may_set=may(current_user, Can.SET_TARGETS),
    )


@bp.route("/<int:year>/edit", methods=["GET", "POST"])
@needs(Can.SET_TARGETS)
def edit(year: int) -> ResponseReturnValue:
    _known(year)
    units = units_under(current_user.region)
    if not units:
        raise Refused("年度任务下达给考核单元，你所在的地区不含考核单元：由市或县（市、区）的系统管理员录入。")
    in_force = queries.targets_for(year, AMOUNT, [unit.code for unit in units])
    form = tasks_form(units, {code: target.value for code, target in in_force.items()}, actions.versions_seen(in_force))
    if form.validate_on_submit() and form.issued_on.data:
        changed = actions.set_tasks(
            year,
            units,
            form.tasks,
            document=form.document.data,
            issued_on=form.issued_on.data,
            note=form.note.data or "",
            seen=form.seen.data or "",
            person=current_user,
        )
        flash(f"{year} 年任务已保存，{changed} 个单元有新版本。" if changed else "各单元任务没有改动，没有生成新版本。")
        return redirect(url_for(".show", year=year))
    page = render_template("targets/edit.html", year=year, form=form, in_force=in_force, prefix=PREFIX)
    return page, 422 if form.is_submitted() else 200


@bp.get("/published")
@needs(Can.READ_TARGETS)
def published() -> str:
    sought = _sought()
    number, size = number_from(request.args)
    return render_template(
        "targets/published.html",
        page=queries.figure_page(sought, number, size),
        sought=sought,
        sections=queries.SECTIONS,
        years=queries.figure_years(),
        regions=queries.figure_regions(),
    )


def _sought() -> FigureFilter:
    section, year = request.args.get("section", ""), request.args.get("year", "")
    return FigureFilter(
        section=section if section in queries.SECTIONS else "",
        year=int(year) if year.isascii() and year.isdigit() and len(year) == 4 else None,
        region_code=request.args.get("region", "")[:12],
        words=request.args.get("words", "").strip()[:100],
    )


def _known(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        abort(404)
