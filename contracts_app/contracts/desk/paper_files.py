"""涉密纸质卷: that a classified contract lies on paper with an office - unit, number, day, and nothing else (1.7)."""

from collections.abc import Sequence
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import ValidationError
from wtforms.validators import DataRequired, Length

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.models import PaperFile
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES
from contracts_app.core.trail import audit
from contracts_app.core.web.fields import ChoiceField, DayField, ShortText, choice_list
from contracts_app.core.web.pages import Page, number_from, page_of
from contracts_app.regions.models import Unit
from contracts_app.regions.queries import unit_codes_under, unit_of, units_under

bp = Blueprint("paper_files", __name__, url_prefix="/paper-files")

TAKEN = "这个卷号已经登记过，核对后重新填写"
SENTENCES["uq_paper_files_unit_code_number"] = f"{TAKEN}。"


class PaperFileForm(FlaskForm):
    """Nothing of the content is asked."""

    unit_code = ChoiceField("登记机构", [DataRequired("选择登记机构")])
    number = ShortText(
        "纸质卷号",
        [DataRequired("填写纸质卷号"), Length(max=60, message="卷号不超过 60 个字")],
        description="只写卷号，不写合同名称、当事人、金额和任何内容。",
    )
    received_on = DayField("收到日期", [DataRequired("填写收到纸质材料的日期")], default=today)

    def validate_received_on(self, field: DayField) -> None:
        if field.data and field.data > today():
            raise ValidationError(f"收到日期不能晚于今天（{today()}）")


@bp.route("", methods=["GET", "POST"])
@needs(Can.KEEP_PAPER_FILES)
def index() -> ResponseReturnValue:
    """The paper files of the person's offices, and a form for one more."""
    units = _units(current_user)
    form = PaperFileForm(unit_code=units[0].code if len(units) == 1 else None)
    form.unit_code.choices = choice_list([(unit.code, unit.office_name) for unit in units], "选择登记机构")
    if form.validate_on_submit():
        if _is_taken(form.unit_code.data, form.number.data):
            form.number.errors = [TAKEN]
        elif day := form.received_on.data:
            record(current_user, unit_code=form.unit_code.data, number=form.number.data, on=day)
            flash("已登记纸质卷。")
            return redirect(url_for(".index"))
    page = _page(current_user, *number_from(request.args))
    return render_template("contracts/paper_files.html", form=form, page=page), 422 if form.errors else 200


def record(person: User, *, unit_code: str, number: str, on: date) -> PaperFile:
    """Write down that the paper is there."""
    kept = PaperFile(unit_code=unit_code, number=number, received_on=on, recorded_by_id=person.id)
    db.session.add(kept)
    db.session.flush()
    audit.record("record_paper_file", person, subject="paper_file", subject_id=kept.id, number=number)
    return kept


def _units(person: User) -> Sequence[Unit]:
    own = unit_of(person.region)
    return units_under(person.region) or ([own] if own else [])


def _is_taken(unit_code: str, number: str) -> bool:
    wanted = select(PaperFile.id).where(PaperFile.unit_code == unit_code, PaperFile.number == number)
    return db.session.scalar(wanted) is not None


def _page(person: User, number: int, size: int) -> Page[PaperFile]:
    """The paper files of the region, the latest first."""
    return page_of(
        db.session(),
        select(PaperFile).where(PaperFile.unit_code.in_(unit_codes_under(person.region))),
        show=select(PaperFile).options(joinedload(PaperFile.unit), joinedload(PaperFile.recorded_by)),
        key=PaperFile.id,
        order=[PaperFile.received_on.desc(), PaperFile.id.desc()],
        number=number,
        size=size,
    )
