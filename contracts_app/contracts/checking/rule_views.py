"""Trying a rule set on last year's contracts, and putting a draft into force. Reading the sets is in ``rules``."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField
from wtforms.validators import InputRequired

from contracts_app.accounts import quorum
from contracts_app.accounts.permissions import Can, may, needs
from contracts_app.core.clock import today
from contracts_app.core.errors import Refused
from contracts_app.core.web.fields import DayField
from contracts_app.rules import actions, queries

from . import trial

bp = Blueprint("trials", __name__, url_prefix="/codes/rules")
YEARS_BACK = 5


class ActivateForm(FlaskForm):
    """The day from which a draft is to hold, said twice: as a date and as a decision."""

    valid_from = DayField(
        "生效日期", [InputRequired("填写生效日期")], description="这一天起申报的合同适用这套规则，例如 2027-01-01。"
    )
    is_sure = BooleanField("已看过与现行规则的差别和试算结果，确认启用", [InputRequired("看过差别后勾选确认")])


@bp.get("/<set_code>/try")
@needs(Can.TRY_RULES)
def try_set(set_code: str) -> str:
    """What the set would find anew about the contracts registered in a year, last year if none is said."""
    rule_set = queries.known(set_code) or abort(404)
    years = [today().year - back for back in range(YEARS_BACK)]
    asked = request.args.get("year", type=int)
    year = asked if asked in years else today().year - 1
    return render_template(
        "codes/rule_trial.html",
        trial=trial.try_on(rule_set, year, current_user),
        years=years,
        most=trial.MOST,
        sees_contracts=may(current_user, Can.READ_CONTRACTS),
    )


@bp.route("/<set_code>/activate", methods=["GET", "POST"])
@needs(Can.ACTIVATE_RULES)
def activate(set_code: str) -> ResponseReturnValue:
    """A second look at a draft beside what is in force; posting puts it into force."""
    rule_set = queries.known(set_code) or abort(404)
    if request.method == "POST":
        quorum.must_answer_for_all(current_user)
    why_not = quorum.why_not_for_all(current_user) or actions.why_not_activate(rule_set)
    form = ActivateForm()
    if request.method == "POST" and why_not:
        raise Refused(why_not)
    if form.validate_on_submit() and form.valid_from.data:
        before = actions.activate(rule_set, form.valid_from.data, current_user)
        flash(f"已启用：{rule_set.name}，自 {rule_set.valid_from} 起申报的合同适用；{before.name}到前一天为止。")
        return redirect(url_for("rules.show", set_code=set_code))
    in_force = queries.rule_set_on(today())
    page = render_template(
        "codes/rule_activation.html",
        rule_set=rule_set,
        in_force=in_force,
        compared=queries.compared(in_force, rule_set),
        why_not=why_not,
        form=form,
    )
    return page, 422 if form.is_submitted() else 200
