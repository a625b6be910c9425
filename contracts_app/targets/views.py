import base64
import binascii
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, BinaryIO

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.codes.models import Measure
from contracts_app.core.clock import DayError, parse_day, today
from contracts_app.core.errors import NotYours
from contracts_app.core.keeping.files import FileRefused, safe_name
from contracts_app.core.keeping.scanner import refuse_infected
from contracts_app.core.sheets.workbooks import LARGEST, MIME, TABLES
from contracts_app.core.trail import audit
from contracts_app.core.web.limits import uploads
from contracts_app.core.web.pages import number_from
from contracts_app.regions.models import Region

from . import actions, importing, pages, queries, values, workbook
from .cascade import Places, Verdict, places_under
from .forms import PREFIX, ImportForm, tasks_form
from .importing import Checked, Outcome
from .models import Span, Standing
from .queries import FigureFilter

bp = Blueprint("targets", __name__, url_prefix="/targets")
bp.add_app_template_filter(values.shown, "task_shown")
bp.add_app_template_filter(values.said, "task_said")
bp.add_app_template_filter(values.unit_of, "task_unit")
FIRST_YEAR, LAST_YEAR = 2000, 2100
AMOUNT = "total_amount"
NEWEST = 5  # years beside each other


@dataclass(frozen=True)
class Asked:
    """Which tasks an address means: ``measure`` and ``region`` beside the year; of somebody's own places only."""

    measure: Measure
    places: Places
    place: Region | None  # None: the person's region has no place for a task

    def url(self, endpoint: str, year: int) -> str:
        """The address of another page about them."""
        return url_for(endpoint, year=year, **self.args)  # type: ignore[arg-type]

    @cached_property
    def args(self) -> dict[str, str]:
        """The same as arguments of an address."""
        return {"measure": self.measure.code, **({"region": self.place.code} if self.place else {})}


def _asked() -> Asked:
    """What the address asks for; 404 for a measure without tasks and for a place of somebody else's."""
    measures = {measure.code: measure for measure in queries.task_measures()}
    measure = measures.get(request.args.get("measure", AMOUNT))
    places = places_under(current_user.region)
    code = request.args.get("region")
    place = places.top if code is None else places.by_code.get(code)
    if measure is None or (code is not None and place is None):
        abort(404)
    return Asked(measure, places, place)


@bp.get("/")
@needs(Can.READ_TARGETS)
def index() -> str:
    """The newest years beside each other."""
    asked = _asked()
    shown = [asked.place, *asked.places.parts_of(asked.place)] if asked.place else []
    tasks = queries.year_tasks(asked.measure.code, [place.code for place in shown], newest=NEWEST)
    return render_template(
        "targets/index.html",
        asked=asked,
        measures=queries.task_measures(),
        shown=shown,
        tasks=tasks,
        divisions={year: pages.division_of(shown, in_force) for year, in_force in tasks.items()},
        this_year=today().year,
        may_set=_may_set(asked, shown),
    )


@bp.get("/<int:year>")
@needs(Can.READ_TARGETS)
def show(year: int) -> str:
    """One year and measure: a place's task on top, those of its parts below."""
    _known(year)
    asked, (on, sentence) = _asked(), _day_asked()
    cascade = pages.cascade_of(asked.place, asked.places, year, asked.measure, on) if asked.place else None
    codes = [place.code for place in asked.places.all]
    years = sorted({year, *queries.task_years(asked.measure.code, codes)[:NEWEST]}, reverse=True)
    return render_template(
        "targets/show.html",
        year=year,
        asked=asked,
        measures=queries.task_measures(),
        years=years,
        cascade=cascade,
        above=asked.places.above(asked.place) if asked.place else None,
        on=on,
        on_sentence=sentence,
        may_set=_may_set(asked, [asked.place, *asked.places.parts_of(asked.place)] if asked.place else []),
    )


@bp.get("/<int:year>/versions")
@needs(Can.READ_TARGETS)
def versions(year: int) -> str:
    """Every version of one task: what, by which document, who and when."""
    _known(year)
    asked = _asked()
    code = asked.place.code if asked.place else ""
    return render_template(
        "targets/versions.html",
        year=year,
        asked=asked,
        versions=queries.task_versions(code, year, asked.measure.code),
        may_set=_may_set(asked, [asked.place] if asked.place else []),
    )


@bp.route("/<int:year>/edit", methods=["GET", "POST"])
@needs(Can.SET_TARGETS)
def edit(year: int) -> ResponseReturnValue:
    """Set the task of a place and of its parts, with the document that says so."""
    _known(year)
    asked = _asked()
    if asked.place is None:
        raise actions.nowhere()
    if why_not := actions.why_not_set(current_user, asked.places):
        raise why_not
    parts = asked.places.parts_of(asked.place)
    listed = [asked.place, *parts]
    standing = actions.Standing(year, [place.code for place in listed], [asked.measure.code])
    why_not_own = actions.why_not_own(current_user) if asked.place.code == current_user.region_code else None
    if why_not_own and not parts:
        raise NotYours(why_not_own)
    form = tasks_form(parts if why_not_own else listed, asked.measure, standing)
    status = 200
    if form.validate_on_submit():
        seen = actions.read_seen(form.seen.data or "")
        plan = actions.plan_of(year, form.wanted, [asked.measure], asked.places, seen)
        if form.agrees(plan):
            actions.set_tasks(plan, form.basis, current_user, accepts_less=bool(form.accepts_less.data))
            _say_what_was_set(year, plan)
            return redirect(asked.url(".show", year))
        status = 409 if plan.conflicts else 422
    elif form.is_submitted():
        status = 422
    in_force = {key[0]: standing.now(key) for key in standing.keys}
    html = render_template(
        "targets/edit.html",
        year=year,
        asked=asked,
        form=form,
        in_force=in_force,
        parts=parts,
        prefix=PREFIX,
        why_not_own=why_not_own,
    )
    return html, status


def _say_what_was_set(year: int, plan: actions.Plan) -> None:
    if not plan.steps:
        flash("各项任务没有改动，没有生成新版本。")
        return
    flash(f"{year} 年任务已保存，{len(plan.steps)} 项有新版本。")
    for sentence in plan.said_of(Verdict.MORE):
        flash(f"{sentence}加码如实保存，完成率按各自的任务算。", "info")
    for sentence in plan.said_of(Verdict.LESS):
        flash(f"{sentence}差额没有落实到下一级，补齐前页面一直提示。", "warn")


@bp.get("/<int:year>/template.xlsx")
@needs(Can.SET_TARGETS)
def template(year: int) -> ResponseReturnValue:
    """A workbook with the person's places and the tasks in force, to be filled in."""
    _known(year)
    places, measures = places_under(current_user.region), queries.task_measures()
    content = workbook.template(year, places, measures, importing.standing_of(year, places, measures))
    audit.witness("export_tasks", current_user, year=year, file=".xlsx")
    return _download(content, f"{year}年任务表.xlsx")


@bp.route("/<int:year>/import", methods=["GET", "POST"])
@needs(Can.SET_TARGETS)
@uploads
def import_file(year: int) -> ResponseReturnValue:
    """Import a workbook: shown first, saved when confirmed, or given back with its bad cells marked."""
    _known(year)
    places = places_under(current_user.region)
    if why_not := actions.why_not_set(current_user, places):
        raise why_not
    form = ImportForm()
    if not form.is_submitted():
        return _import_page(year, form)
    chosen = _chosen(form)
    if chosen is None:
        return _import_page(year, form), 422
    content, filename = chosen
    try:
        refuse_infected(io.BytesIO(content))
        checked = importing.check(io.BytesIO(content), filename, current_user.region, year, current_user)
    except FileRefused as refusal:
        form.file.errors = [str(refusal)]
        return _import_page(year, form), 422
    form.content.data, form.filename.data = base64.urlsafe_b64encode(content).decode(), filename
    if request.form.get("go") == "marked" and not checked.is_fine:
        return _download(workbook.marked(checked.filled), f"标出错误-{filename}")
    if request.form.get("go") == "save" and checked.is_fine:
        return _save_import(year, form, checked)
    return _import_page(year, form, checked), 200 if checked.is_fine else 422


def _save_import(year: int, form: ImportForm, checked: Checked) -> ResponseReturnValue:
    if form.digest.data != checked.digest:
        form.form_errors.append("预览之后别人改过任务，下面是按现在的任务重新核对的结果：看过再确认。")
        return _import_page(year, form, checked), 409
    if checked.plan and (less := checked.plan.said_of(Verdict.LESS)) and not form.accepts_less.data:
        form.accepts_less.errors = [f"{' '.join(less)}确实如此就勾选下面一项再导入。"]
        return _import_page(year, form, checked), 422
    saved = importing.save(checked, current_user, accepts_less=bool(form.accepts_less.data))
    if saved and checked.plan:
        _say_what_was_set(year, checked.plan)
    else:
        flash("表里的任务和现在的一样，没有生成新版本。")
    return redirect(url_for(".show", year=year))


def _import_page(year: int, form: ImportForm, checked: Checked | None = None) -> str:
    return render_template(
        "targets/import.html",
        year=year,
        form=form,
        checked=checked,
        outcomes=Outcome,
        verdicts=Verdict,
        limit_mb=LARGEST // (1024 * 1024),
        remedy=TABLES,
        why_not_own=actions.why_not_own(current_user),
    )


def _chosen(form: ImportForm) -> tuple[bytes, str] | None:
    """The file just chosen, or the one carried along; None with a sentence beside the field."""
    upload: BinaryIO | None = form.file.data.stream if form.file.data else None
    if upload is not None:
        return upload.read(LARGEST + 1), safe_name(form.file.data.filename or "")
    try:
        content = base64.urlsafe_b64decode((form.content.data or "").encode())
    except (binascii.Error, ValueError):
        content = b""
    if not content:
        form.file.errors = ["选择填好的任务表（.xlsx）"]
        return None
    return content, safe_name(form.filename.data or "")


def _download(content: bytes, name: str) -> ResponseReturnValue:
    return send_file(io.BytesIO(content), mimetype=MIME, as_attachment=True, download_name=name, max_age=0)


@bp.get("/published")
@needs(Can.READ_TARGETS)
def published() -> str:
    sought, faults = _sought()
    number, size = number_from(request.args)
    return render_template(
        "targets/published.html",
        page=queries.figure_page(sought, number, size),
        sought=sought,
        faults=faults,
        sections=queries.SECTIONS,
        years=queries.figure_years(),
        regions=queries.figure_regions(),
        documents=queries.figure_documents(),
        spans=Span,
        standings=Standing,
    )


def _sought() -> tuple[FigureFilter, list[str]]:
    """What the address asks for; what of it cannot be read is left out and said."""
    section, year = request.args.get("section", ""), request.args.get("year", "").strip()
    is_year = year.isascii() and year.isdigit() and len(year) == 4
    faults = [f"年度“{year[:20]}”没有读懂，写成四位数字，例如 2025。"] if year and not is_year else []
    known = {"section": list(queries.SECTIONS), "span": [one.value for one in Span]}
    known["standing"] = [one.value for one in Standing]
    for name, label in {"section": "类别", "span": "期间", "standing": "疑点"}.items():
        typed = request.args.get(name, "")
        faults += [f"没有{label}“{typed[:20]}”。"] if typed and typed not in known[name] else []
    sought = FigureFilter(
        section=section if section in queries.SECTIONS else "",
        year=int(year) if is_year else None,
        region_code=request.args.get("region", "")[:12],
        words=request.args.get("words", "").strip()[:100],
        source=request.args.get("source", "")[:40],
        span=_word(Span, "span"),
        standing=_word(Standing, "standing"),
        topic=request.args.get("topic", "").strip()[:40],
    )
    return sought, faults


def _word(words: Any, name: str) -> Any:
    return next((one for one in words if one.value == request.args.get(name)), None)


def _day_asked() -> tuple[date | None, str]:
    """The day whose versions are to be shown, and why what was typed is none."""
    typed = request.args.get("on", "").strip()
    try:
        return (parse_day(typed), "") if typed else (None, "")
    except DayError as wrong:
        return None, str(wrong)


def _may_set(asked: Asked, places: Sequence[Region]) -> bool:
    """Whether the person sets the task of any of these places."""
    if not may(current_user, Can.SET_TARGETS) or actions.why_not_set(current_user, asked.places):
        return False
    return bool(actions.settable(current_user, places))


def _known(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        abort(404)
