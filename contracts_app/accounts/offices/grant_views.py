"""待复核授权: what administrators ask for, and what security administrators say to it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.wrappers import Response

from contracts_app.accounts.models import RoleGrant
from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.core.db import db
from contracts_app.core.web import pages
from contracts_app.core.web.fields import choice_list

from . import delegations, grants
from .forms import CONFIRM, REFUSE, AnswerForm
from .recertification import by_words

bp = Blueprint("grants", __name__, url_prefix="/users/grants")


@bp.get("")
@needs(Can.READ_USERS)
def index() -> str:
    """What waits in the person's region, the oldest first, and what was decided, the latest first."""
    is_done = request.args.get("is") == "decided"
    order: list[Any] = [RoleGrant.decided_at.desc(), RoleGrant.id.desc()] if is_done else [RoleGrant.id]
    number, size = pages.number_from(request.args)
    page = pages.page_of(
        db.session(),
        grants.listed(current_user, waiting=not is_done),
        show=grants.shown().order_by(None),
        key=RoleGrant.id,
        order=order,
        number=number,
        size=size,
    )
    return render_template(
        "accounts/grants.html",
        page=page,
        is_done=is_done,
        waiting=grants.waiting_count(current_user),
        delegations_waiting=delegations.waiting_count(current_user),
        words=grants.words,
        by_words=by_words,
        confirmers=grants.confirmers(current_user.region),
    )


@bp.get("/<int:grant_id>")
@needs(Can.READ_USERS)
def show(grant_id: int) -> ResponseReturnValue:
    """A request: before and after, why, and the answer."""
    return _page(grants.one(grant_id, current_user), AnswerForm())


@bp.post("/<int:grant_id>/answer")
@needs(Can.CONFIRM_GRANTS)
def answer(grant_id: int) -> ResponseReturnValue:
    """Confirm it or refuse it."""
    grant, form = grants.one(grant_id, current_user), AnswerForm()
    if not form.validate_on_submit():
        return _page(grant, form)
    if form.decision.data == CONFIRM:
        grants.confirm(current_user, grant, form.answer.data or "")
        if grant.is_reset:
            flash(f"已同意重置{grant.user.name}的密码，在这里生成链接，交给本人。")
            return redirect(url_for("accounts.show_user", user_id=grant.user_id))
        flash(f"{grant.user.name}的授权已复核，立即生效。")
    else:
        grants.refuse(current_user, grant, form.answer.data)
        flash(f"{grant.user.name}的{_noun(grant)}申请没有同意，账号保持原样。")
    return redirect(url_for(".index"))


@bp.post("/<int:grant_id>/withdraw")
@needs(Can.MANAGE_USERS)
def withdraw(grant_id: int) -> Response:
    """Take a request back."""
    grant = grants.one(grant_id, current_user)
    grants.withdraw(current_user, grant)
    flash(f"{grant.user.name}的{_noun(grant)}申请已撤回，账号保持原样。")
    return redirect(url_for("accounts.show_user", user_id=grant.user_id))


def _noun(grant: RoleGrant) -> str:
    return "重置密码" if grant.is_reset else "授权"


def _page(grant: RoleGrant, form: AnswerForm) -> tuple[str, int]:
    if grant.is_reset:
        form.decision.choices = choice_list([(CONFIRM, "同意重置密码"), (REFUSE, "不同意，账号保持原样")])
    html = render_template(
        "accounts/grant.html",
        grant=grant,
        form=form,
        words=grants.words,
        by_words=by_words,
        why_not=grants.why_not(current_user, grant),
        confirmers=grants.confirmers(grant.region_after),
        may_manage=may(current_user, Can.MANAGE_USERS),
    )
    return html, 422 if form.errors else 200
