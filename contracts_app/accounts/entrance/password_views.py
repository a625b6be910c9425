"""密码规定: the security administrator chooses which rules hold for passwords here."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import AnyOf

from contracts_app.accounts import quorum
from contracts_app.accounts.permissions import Can, needs
from contracts_app.core.web.fields import choice_list

from . import passwords
from .passwords import Profile

bp = Blueprint("password_rules", __name__, url_prefix="/users/password-rules")


class ProfileForm(FlaskForm):
    """One of the two."""

    profile = RadioField(
        "密码规定",
        [AnyOf([one.value for one in Profile], message="选择一种密码规定")],
        choices=choice_list((one.value, one.label) for one in Profile),
    )


@bp.route("", methods=["GET", "POST"])
@needs(Can.SET_PASSWORD_RULES)
def index() -> ResponseReturnValue:
    """Both profiles with what they ask for; the one in force is chosen."""
    if request.method == "POST":
        quorum.must_answer_for_all(current_user)
    form = ProfileForm(data={"profile": passwords.profile().value})
    if form.validate_on_submit():
        chosen = Profile(form.profile.data)  # type: ignore[call-arg]
        passwords.choose_profile(chosen, current_user._get_current_object())
        flash("密码规定已保存。不合规定的密码，本人下次登录时要换。")
        return redirect(url_for(".index"))
    html = render_template(
        "accounts/password_rules.html",
        form=form,
        profiles=[(one, passwords.RULES[one].words) for one in Profile],
        why_not=quorum.why_not_for_all(current_user),
    )
    return html, 422 if form.errors else 200
