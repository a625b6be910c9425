"""The pages of 常用视图: keep, list, open, rename, delete."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, ValidationError
from wtforms.validators import DataRequired, Length

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import Can, needs
from contracts_app.accounts.roles import Role
from contracts_app.core import conflicts
from contracts_app.core.clock import today
from contracts_app.core.conflicts import RecordForm
from contracts_app.core.errors import NotYours, Stale
from contracts_app.core.web.fields import ChoiceField, ShortText, choice_list
from contracts_app.core.web.pages import number_from

from . import saved_views
from .saved_views import LONGEST_NAME, NAME_TAKEN, Kind, SavedView

bp = Blueprint("saved_views", __name__, url_prefix="/statistics/views")


class ViewForm(RecordForm):
    """The name of a view and for whom it is; ``view`` is the one that is changed, None for a new one."""

    name = ShortText(
        "名称",
        [
            DataRequired("填写名称，例如“本年各县成交额”"),
            Length(max=LONGEST_NAME, message=f"名称最多 {LONGEST_NAME} 字"),
        ],
    )
    role = ChoiceField(
        "给谁用",
        coerce=lambda value: next((role for role in Role if role.value == value), None),
        description="别人打开时，看到的是他本人权限和地区内的数。",
    )
    follows_year = BooleanField(
        "打开时换成当年",
        description="年度换成打开那年，日期换成那年的同月同日；跨几年的，最后一年换成那年，年数不变。",
    )

    def __init__(self, *args: Any, person: User, view: SavedView | None, **kwargs: Any) -> None:
        super().__init__(*args, obj=view, **kwargs)
        self.view, self.owner_id = view, view.owner_id if view else person.id
        offered = [(role.value, saved_views.role_in(person.region, role)) for role in saved_views.roles_offered(person)]
        if view and view.role and view.role.value not in dict(offered):
            offered.append((view.role.value, view.for_whom))
        self.role.choices = choice_list(offered, "自己")

    def validate_name(self, field: ShortText) -> None:
        """One name, one view."""
        if saved_views.is_taken(field.data, self.owner_id, self.view.id if self.view else None):
            raise ValidationError(NAME_TAKEN)

    def answers(self) -> dict[str, Any]:
        """The answers by the names that ``saved_views`` asks."""
        return {"name": self.name.data, "role": self.role.data, "follows_year": self.follows_year.data}


@bp.get("")
@needs(Can.SEE_STATISTICS)
def index() -> str:
    """Every view the person may open."""
    number, size = number_from(request.args)
    page = saved_views.page(current_user, number, size)
    return render_template(
        "statistics/saved_views.html",
        page=page,
        missing=number if number > page.last else None,
        this_year=today().year,
        why_not_edit=saved_views.why_not_edit,
    )


@bp.route("/new", methods=["GET", "POST"])
@needs(Can.SEE_STATISTICS)
def new() -> ResponseReturnValue:
    """Keep what a page shows; the address says which page (``of``) and what it was asked (``arguments``)."""
    kind = next((kind for kind in Kind if kind.value == request.args.get("of", "totals")), None) or abort(404)
    asked = saved_views.asked(kind, request.args.get("arguments", ""), current_user)
    form = ViewForm(person=current_user, view=None, follows_year=asked.year == today().year)
    if form.validate_on_submit():
        view = saved_views.create(current_user, kind=kind, arguments=asked.arguments, **form.answers())
        flash(f"已保存：{view.name}。")
        return redirect(url_for(".index"))
    return _form_page(form, None, kind=kind, words=asked.words, faults=asked.faults)


@bp.get("/<int:view_id>")
@needs(Can.SEE_STATISTICS)
def show(view_id: int) -> ResponseReturnValue:
    """Open a view: its page, with the reader's own eyes."""
    return redirect(saved_views.one(view_id, current_user).address)


@bp.route("/<int:view_id>/edit", methods=["GET", "POST"])
@needs(Can.SEE_STATISTICS)
def edit(view_id: int) -> ResponseReturnValue:
    """Rename a view, keep it for somebody else."""
    view = saved_views.one(view_id, current_user)
    if sentence := saved_views.why_not_edit(view, current_user):
        raise NotYours(sentence)

    def make(posted: MultiDict[str, str] | None) -> ViewForm:
        return ViewForm(formdata=posted, person=current_user, view=view)

    form = conflicts.filled(make, request.form if request.method == "POST" else None)
    if form.validate_on_submit():
        try:
            saved_views.revise(view, current_user, version=form.version.data, **form.answers())
        except Stale as stale:
            return conflicts.page(stale, form, make, view.name)
        flash(f"已保存：{view.name}。")
        return redirect(url_for(".index"))
    return _form_page(form, view, kind=view.kind, words=view.words)


@bp.post("/<int:view_id>/delete")
@needs(Can.SEE_STATISTICS)
def delete(view_id: int) -> ResponseReturnValue:
    """Take a view away."""
    view = saved_views.one(view_id, current_user)
    version = request.form.get("version", "")
    saved_views.delete(view, current_user, int(version) if version.isascii() and version.isdigit() else None)
    flash(f"已删除：{view.name}。")
    return redirect(url_for(".index"))


def _form_page(
    form: ViewForm, view: SavedView | None, *, kind: Kind, words: str, faults: tuple[str, ...] = ()
) -> ResponseReturnValue:
    html = render_template("statistics/saved_view.html", form=form, view=view, kind=kind, words=words, faults=faults)
    return html, 422 if form.errors or form.form_errors else 200
