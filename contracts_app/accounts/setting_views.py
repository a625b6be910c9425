"""系统设置: the administrator changes the numbers that no rule fixes."""

import hashlib
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.validators import DataRequired

from contracts_app.core.web.fields import ChoiceField, ShortText, choice_list
from contracts_app.rules import settings
from contracts_app.rules.models import AmountBasis, Setting
from contracts_app.rules.queries import settings as all_settings

from . import quorum
from .permissions import Can, needs

CHANGED_MEANWHILE = "系统设置刚被别人改过。你填的内容都还在下面，和各项的修改记录对照后再保存一次。"

bp = Blueprint("settings", __name__, url_prefix="/codes/settings")


@bp.route("", methods=["GET", "POST"])
@needs(Can.EDIT_SETTINGS)
def index() -> ResponseReturnValue:
    """Every setting with its value; what was changed is kept with who and when."""
    if request.method == "POST":
        quorum.must_answer_for_all(current_user)
    found = {setting.key: setting for setting in all_settings()}
    form, now = _form(found), _digest(found)
    if form.seen.data and form.seen.data != now:
        form.form_errors.append(CHANGED_MEANWHILE)
        form.seen.raw_data, form.seen.data = None, now
    elif form.validate_on_submit() and _all_fit(form, found):
        changed = settings.revise(found, {key: form[key].data for key in found}, current_user)
        names = "、".join(setting.name for setting in changed)
        flash(f"已修改：{names}，对以后的办理生效。" if changed else "没有改动。")
        return redirect(url_for(".index"))
    html = render_template(
        "accounts/settings.html", form=form, settings=found, why_not=quorum.why_not_for_all(current_user)
    )
    return html, 422 if form.errors else 200


def _form(found: dict[str, Setting]) -> FlaskForm:
    """A field for each setting, filled with its value."""
    fields = {"seen": HiddenField()} | {key: _field(setting) for key, setting in found.items()}
    kind = type("SettingsForm", (FlaskForm,), fields)
    return kind(data={"seen": _digest(found)} | {key: setting.value for key, setting in found.items()})


def _digest(found: dict[str, Setting]) -> str:
    """What is shown, to be posted along: all values are saved together, and nobody's newer one is to be put back."""
    said = "\n".join(f"{key}={setting.value}" for key, setting in sorted(found.items()))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _field(setting: Setting) -> Any:
    if setting.unit == settings.BASIS:
        bases = choice_list((basis.value, basis.label) for basis in AmountBasis)
        return ChoiceField(setting.name, [DataRequired(f"选择{setting.name}")], choices=bases)
    needed = DataRequired(f"填写{setting.name}")
    return ShortText(f"{setting.name}（{setting.unit}）", [needed], description=setting.note)


def _all_fit(form: FlaskForm, found: dict[str, Setting]) -> bool:
    """Whether each value can be kept, and the two amounts that are compared stand the right way round."""
    for key, setting in found.items():
        if fault := settings.fault_of(setting, form[key].data):
            form[key].errors = [fault]
    low, high = form["small_amount_check"], form["huge_amount_check"]
    if not low.errors and not high.errors and float(low.data) >= float(high.data):
        high.errors = ["要大于成交额过小提示的数"]
    return not form.errors
