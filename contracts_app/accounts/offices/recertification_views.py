"""年度复核: every account of a region, once a year; the list as a page, a workbook, on paper."""

import io
from math import ceil
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.wrappers import Response

from contracts_app.accounts import queries
from contracts_app.accounts.permissions import Can, needs
from contracts_app.core.clock import today
from contracts_app.core.sheets.writer import XLSX_MIME
from contracts_app.core.trail import audit
from contracts_app.core.web import pages
from contracts_app.core.web.pages import Page

from . import grants, recertification
from .recertification import Line, Stage

bp = Blueprint("recertifications", __name__)
OPEN = (Stage.OVERDUE, Stage.DUE)
KEEP, CLOSE = "keep", "close"


@bp.get("/users/recertification")
@needs(Can.RECERTIFY)
def index() -> str:
    """This year's round: how far it is, and the accounts, those that are overdue first."""
    return _page()


def _page() -> str:
    everything = recertification.lines(current_user.region)
    place = queries.region_under(current_user.region, request.args.get("region"))
    asked = request.args.get("is", "")
    found = [line for line in everything if _fits(line, place, asked)]
    found.sort(key=lambda line: line.stage is not Stage.OVERDUE)
    number, size = pages.number_from(request.args)
    number = min(number, max(1, ceil(len(found) / size)))
    return render_template(
        "accounts/recertification.html",
        page=Page(found[(number - 1) * size : number * size], number, size, len(found)),
        progress=recertification.progress(everything),
        year=today().year,
        stages=Stage,
        regions=queries.region_choices(current_user.region),
        role_words=grants.words,
        by_words=recertification.by_words,
        why_not=recertification.why_not,
        open_stages=OPEN,
        asked=_asked(),
    )


@bp.post("/users/<int:user_id>/recertification")
@needs(Can.RECERTIFY)
def decide(user_id: int) -> ResponseReturnValue:
    """Keep the account for another year, or close it."""
    user = queries.one(user_id, current_user)
    if (decision := request.form.get("decision")) not in (KEEP, CLOSE):
        flash("选择保留或停用。", "warn")
        return _page(), 422
    recertification.decide(current_user, user, is_kept=decision == KEEP)
    flash(f"{user.name}的账号已复核：{'保留' if decision == KEEP else '停用，已登录的会话立即失效'}。")
    return redirect(url_for(".index", **_asked()))


@bp.post("/users/recertification.xlsx")
@needs(Can.RECERTIFY)
def file() -> Response:
    """The whole list as a workbook."""
    content = recertification.workbook(current_user)
    audit.record("export_recertification", current_user, year=today().year, region=current_user.region.name)
    name = f"账号复核表-{today():%Y%m%d}.xlsx"
    return send_file(io.BytesIO(content), XLSX_MIME, as_attachment=True, download_name=name)


def _asked() -> dict[str, Any]:
    """What part of the list is shown, to come back to it."""
    return {name: request.args[name] for name in ("region", "is", "page", "size") if name in request.args}


def _fits(line: Line, place: Any, asked: str) -> bool:
    return (not place or line.user.region.path.startswith(place.path)) and (not asked or line.stage == asked)
