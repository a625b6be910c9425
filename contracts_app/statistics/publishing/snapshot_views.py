from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from urllib.parse import quote

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.finding.queries import sees_all_units
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.clock import today
from contracts_app.core.trail import audit
from contracts_app.core.web.limits import exports
from contracts_app.core.web.pages import number_from
from contracts_app.regions.models import Level, Region
from contracts_app.regions.queries import units_under
from contracts_app.statistics.asked import Faults, caliber_asked, period_asked, places_of, year_asked
from contracts_app.statistics.measures import PLAIN
from contracts_app.statistics.periods import Period, periods_of
from contracts_app.statistics.years import years_of

from . import snapshots
from .snapshot_contents import GROUPS, figures_of, read, rules_of, seen_of, share_of_task, task_lines
from .snapshot_files import FILES
from .snapshot_forms import CloseForm, FreezeForm
from .snapshot_restatement import because, later_changes, restated, tasks
from .snapshots import Frozen

bp = Blueprint("snapshots", __name__, url_prefix="/statistics/snapshots")
bp.add_app_template_filter(Decimal, "decimal")  # an amount as a content holds it
bp.add_app_template_filter(task_lines)
bp.add_app_template_filter(share_of_task)
HEADS = {"units": ("unit", "考核单元"), "types": ("type", "合同类型"), "months": ("month", "月份")}


@bp.get("/")
@needs(Can.SEE_STATISTICS)
def index() -> str:
    """Every snapshot of the person's places, the newest first."""
    number, size = number_from(request.args)
    asked, faults = year_asked(request.args)
    return render_template(
        "statistics/snapshots.html",
        page=snapshots.page(current_user, asked, number, size),
        years=snapshots.years(current_user),
        year=asked,
        faults=[f"{fault}下面是全部年度的。" for fault in faults],
        period_of=Period.parse,
        may_freeze=_may_freeze(),
        has_units=bool(units_under(current_user.region)),
    )


@bp.route("/new", methods=["GET", "POST"])
@needs(Can.PUBLISH_FIGURES)
def new() -> ResponseReturnValue:
    """Everything that would be frozen, and what it is published as."""
    region, (period, faults) = _region_asked(), period_asked(request.args)
    if sentence := snapshots.why_not_freeze(region, period, current_user):
        return _new_page(region, period, None, sentence, faults), 422 if request.method == "POST" else 200
    form = FreezeForm(title=f"{period.name}{region.name}技术合同认定登记情况")
    is_fine = form.validate_on_submit() and not faults  # nobody freezes another period than the one they asked for
    if is_fine:
        snapshots.hold(region)  # what is compared with what was shown is what will be frozen
    content = figures_of(region, period, today())
    seen = seen_of(content)
    if is_fine and form.seen.data == seen:
        snapshot = snapshots.freeze(region, period, form.publication, current_user)
        flash(f"已封存：{snapshot.title}（第 {snapshot.number} 版）。")
        closes = form.also_closes.data and not snapshots.why_not_close(Frozen(snapshot), current_user)
        return redirect(url_for(".close" if closes else ".show", snapshot_id=snapshot.id))
    status = 200
    if form.is_submitted():
        status = 422
        if is_fine:
            status = 409
            form.form_errors.append("打开这一页以后数有了变动，下面是现在的数：看过再封存。")
    form.seen.data = seen
    return _new_page(region, period, form, "", faults, content), status


def _new_page(
    region: Region,
    period: Period,
    form: FreezeForm | None,
    sentence: str,
    faults: Faults,
    content: snapshots.Content | None = None,
) -> str:
    return render_template(
        "statistics/snapshot_new.html",
        region=region,
        regions=places_of(current_user.region),
        period=period,
        periods=list(periods_of(period.year, today())) or [period],
        years=years_of(current_user.region, period.year),
        form=form,
        sentence=sentence,
        faults=faults,
        content=content,
        later=later_changes(units_under(region), period) if content else 0,
        rules=rules_of(content) if content else "",
        tables={caliber: read(content["figures"][caliber.value]) for caliber in Caliber} if content else {},
        groups=GROUPS,
        heads=HEADS,
        measures=PLAIN,
        today=today(),
        is_over=period.is_over(today()),
        before=snapshots.all_of(region, period),
    )


@bp.get("/<int:snapshot_id>")
@needs(Can.SEE_STATISTICS)
def show(snapshot_id: int) -> str:
    """What was published, what the same registrations come to today, and what makes the difference."""
    frozen = snapshots.one(snapshot_id, current_user)
    caliber, faults = caliber_asked(request.args)
    number, size = number_from(request.args)
    shown = restated(frozen, caliber)
    return render_template(
        "statistics/snapshot.html",
        frozen=frozen,
        snapshot=frozen.snapshot,
        content=frozen.content,
        rules=rules_of(frozen.content),
        caliber=caliber,
        faults=faults,
        calibers=list(Caliber),
        restated=shown,
        tasks=tasks(frozen, shown.added if caliber is Caliber.REGISTERED else None),
        because=because(frozen, number, size),
        versions=snapshots.all_of(frozen.snapshot.region, frozen.period),
        measures=PLAIN,
        groups=GROUPS,
        heads=HEADS,
        links=_Links(frozen, caliber),
        is_intact=snapshots.is_intact(frozen.snapshot),
        may_freeze=may(current_user, Can.PUBLISH_FIGURES),
        why_not_close=snapshots.why_not_close(frozen, current_user),
        files=FILES,
    )


@bp.route("/<int:snapshot_id>/close", methods=["GET", "POST"])
@needs(Can.PUBLISH_FIGURES)
def close(snapshot_id: int) -> ResponseReturnValue:
    """Close the period's books: what that means, for whom, and a confirmation."""
    frozen = snapshots.one(snapshot_id, current_user)
    why_not, form = snapshots.why_not_close(frozen, current_user), CloseForm()
    if not why_not and form.validate_on_submit():
        closed = snapshots.close(frozen, current_user)
        flash(f"已封账：{len(closed)} 个考核单元 {frozen.period.last} 及以前的数不再改动。")
        return redirect(url_for(".show", snapshot_id=snapshot_id))
    page = render_template(
        "statistics/snapshot_close.html",
        frozen=frozen,
        snapshot=frozen.snapshot,
        form=form,
        why_not=why_not,
        open_until=snapshots.closed_days(frozen),
    )
    return page, 422 if form.is_submitted() else 200


@bp.get("/<int:snapshot_id>/figures.<form>")
@needs(Can.SEE_STATISTICS)
@exports
def export(snapshot_id: int, form: str) -> Response:
    """The frozen figures as a file, exactly as they were published."""
    frozen = snapshots.one(snapshot_id, current_user)
    kind = FILES.get(form) or abort(404)
    audit.witness(
        "export_snapshot",
        current_user,
        subject="snapshot",
        subject_id=snapshot_id,
        title=frozen.snapshot.title,
        number=str(frozen.snapshot.number),
        file=f".{form}",
    )
    answer = Response(kind.write(frozen), mimetype=kind.mime)
    name = f"{frozen.snapshot.title}-第{frozen.snapshot.number}版.{form}"
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@dataclass(frozen=True)
class _Links:
    """The lists behind a snapshot's figures: what is counted in its period now."""

    frozen: Frozen
    caliber: Caliber

    @cached_property
    def has_lists(self) -> bool:
        """By seller or buyer a unit's snapshot holds only what it registered itself; who sees all units has no list of
        exactly that."""
        return len(self.frozen.units) > 1 or self.caliber is Caliber.REGISTERED or not sees_all_units(current_user)

    def of(self, group: str = "", key: str = "", measure: str = "total_amount") -> str:
        """The list for a row of one of the groups, or for the whole; empty where there is none."""
        if not self.has_lists:
            return ""
        first, last = self.frozen.period.days(self.frozen.until)
        query = ContractQuery(year=self.frozen.period.year, caliber=self.caliber, date_from=first, date_to=last)
        if group:
            query = DIMENSIONS[HEADS[group][0]].narrowed(query, key)
        units = self.frozen.units
        if len(units) == 1 and query.unit is None:
            query = DIMENSIONS["unit"].narrowed(query, units[0].code)
        asked = next(one for one in PLAIN if one.code == measure).asked(query)
        return url_for("contracts.index", **asked.to_args())  # type: ignore[arg-type]


def _may_freeze() -> bool:
    return may(current_user, Can.PUBLISH_FIGURES) and current_user.region.level is not Level.TOWN


def _region_asked() -> Region:
    """The person's region, or one of the units in it; 404 for any other."""
    code = request.values.get("region") or current_user.region_code
    places = {place.code: place for place in (current_user.region, *places_of(current_user.region))}
    return places.get(code) or abort(404)
