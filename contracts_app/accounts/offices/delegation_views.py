"""委托代办（AB角）: everybody's own under 我的账号, and the administrator's for those who are absent."""

from collections.abc import Sequence

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectChoice, ValidationError
from wtforms.validators import DataRequired, Length

from contracts_app.accounts.models import Delegation, User
from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.core.clock import today
from contracts_app.core.errors import Refused
from contracts_app.core.web.fields import ChoiceField, DayField, LongText, choice_list
from contracts_app.core.web.nav import role_words

from . import delegations

bp = Blueprint("delegations", __name__)


class LendForm(FlaskForm):
    """Who stands in, from when to when, and why."""

    delegate_id = ChoiceField(
        "代办人",
        [DataRequired("选择代办人")],
        description="同一地区或上级地区的登记员、审核员、局领导；技术经纪人不能代办。",
    )
    starts_on = DayField("开始日期", [DataRequired("填写开始日期")], default=today)
    ends_on = DayField(
        "结束日期",
        [DataRequired("填写结束日期")],
        description=f"当天仍然有效，过后自动失效；一次最多 {delegations.LONGEST} 天。",
    )
    reason = LongText("事由", [DataRequired("写明事由，例如出差、休假"), Length(max=300, message="事由不超过 300 字")])

    def validate_ends_on(self, field: DayField) -> None:
        if field.data and self.starts_on.data and field.data < self.starts_on.data:
            raise ValidationError("结束日期不能早于开始日期")
        if field.data and field.data < today():
            raise ValidationError("结束日期不能早于今天")
        if field.data and self.starts_on.data and delegations.is_too_long(self.starts_on.data, field.data):
            raise ValidationError(delegations.TOO_LONG)


class AbsentForm(LendForm):
    """The same for somebody who cannot do it themselves."""

    stands_first = ("delegator_id",)

    delegator_id = ChoiceField("委托人", [DataRequired("选择委托人")], description="不在岗、不能自己办理的工作人员。")


@bp.route("/me/delegations", methods=["GET", "POST"])
@needs(Can.LEND_OFFICE)
def mine() -> ResponseReturnValue:
    """Have a colleague stand in for oneself; what one lent and holds."""
    person: User = current_user._get_current_object()
    form = LendForm()
    people = {str(one.id): one for one in delegations.colleagues(person)} if delegations.lends(person) else {}
    form.delegate_id.choices = _choices(people)
    if form.validate_on_submit() and _lent(form, person, person, people[form.delegate_id.data]):
        return redirect(url_for(".mine"))
    return _page(form, delegations.of(person), delegations.lends(person))


@bp.route("/users/delegations", methods=["GET", "POST"])
@needs(Can.READ_USERS)
def index() -> ResponseReturnValue:
    """The delegations of the person's region; an administrator arranges one for somebody who is absent."""
    person: User = current_user._get_current_object()
    form = AbsentForm()
    staff = {str(one.id): one for one in delegations.staff_under(person)}
    form.delegator_id.choices = _choices(staff)
    form.delegate_id.choices = _choices(staff)
    arranges = may(person, Can.MANAGE_USERS)
    if request.method == "POST" and not arranges:  # reads the page, has no form on it
        raise Refused("只能委托自己的岗位；别人的由系统管理员办理。")
    if form.validate_on_submit() and _lent(form, person, staff[form.delegator_id.data], staff[form.delegate_id.data]):
        return redirect(url_for(".index"))
    return _page(form, delegations.under(person), arranges)


@bp.post("/delegations/<int:delegation_id>/confirm")
@needs(Can.CONFIRM_GRANTS)
def confirm(delegation_id: int) -> Response:
    """Let a delegation that an administrator arranged take effect."""
    found = delegations.one(delegation_id)
    if found is None or not current_user.region.covers(found.delegator.region):
        abort(404)
    delegations.confirm(current_user._get_current_object(), found)
    flash(f"已复核，{found.delegate.name}可以代{found.delegator.name}办理。")
    return redirect(url_for(".index"))


@bp.post("/delegations/<int:delegation_id>/end")
@login_required
def end(delegation_id: int) -> Response:
    """Take an office back before its last day."""
    found = delegations.one(delegation_id)
    if found is None or not delegations.may_arrange(current_user, found.delegator):
        abort(404)
    delegations.end(current_user, found)
    flash(f"已结束委托，{found.delegate.name}不再代办。")
    return redirect(url_for(".mine" if found.delegator_id == current_user.id else ".index"))


def _choices(people: dict[str, User]) -> list[SelectChoice]:
    named = [(number, f"{one.name}（{one.region.name} · {role_words(one)}）") for number, one in people.items()]
    return choice_list(named, "选择")


def _lent(form: LendForm, person: User, delegator: User, delegate: User) -> bool:
    """Whether it could be arranged; what stands against it is told beside the form."""
    assert form.starts_on.data is not None
    assert form.ends_on.data is not None
    try:
        delegations.lend(
            person,
            delegator=delegator,
            delegate=delegate,
            starts_on=form.starts_on.data,
            ends_on=form.ends_on.data,
            reason=form.reason.data,
        )
    except Refused as refused:
        form.form_errors.extend(refused.reasons)
        return False
    if person.id != delegator.id:
        flash(f"已提交，安全管理员复核后，{delegate.name}才能代{delegator.name}办理。")
        return True
    flash(f"已委托{delegate.name}代办，{form.starts_on.data} 至 {form.ends_on.data} 有效。")
    return True


def _page(form: LendForm, listed: Sequence[Delegation], lends: bool) -> ResponseReturnValue:
    html = render_template(
        "accounts/delegations.html",
        form=form,
        listed=listed,
        lends=lends,
        is_admin=isinstance(form, AbsentForm),
        condition_of=delegations.condition_of,
        waits=delegations.WAITS,
        may_confirm=may(current_user, Can.CONFIRM_GRANTS),
        may_arrange=delegations.may_arrange,
        day=today(),
    )
    return html, 422 if request.method == "POST" else 200
