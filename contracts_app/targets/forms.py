from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from contracts_app.codes.models import Measure
from contracts_app.core.web.fields import DayField, MoneyField, ParsedField, ShortText
from contracts_app.regions.models import Region

from . import values
from .actions import LONGEST_DOCUMENT, LONGEST_NOTE, Basis, Key, Plan, Standing, Step, read_seen, why_not_issued_on
from .cascade import Verdict

PREFIX = "task_"


class CountField(ParsedField):
    """A whole number of something, in the measure's unit."""

    def __init__(self, label: str, validators: Sequence[Any] = (), *, measure: Measure, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.measure = measure

    def parse(self, text: str) -> Decimal:
        return values.parse_count(text)

    def write(self, value: Decimal) -> str:
        return f"{value.normalize():f}"


class TasksForm(FlaskForm):
    """The yearly tasks of a place and its parts, with the document that sets them. An empty one sets nothing."""

    seen = HiddenField()  # the versions the person saw
    document = ShortText(
        "文号",
        [
            DataRequired("填写下达任务的文号或文件名称"),
            Length(max=LONGEST_DOCUMENT, message=f"文号不超过 {LONGEST_DOCUMENT} 字"),
        ],
        description="下达或调整任务的文件，例如：泉科〔2026〕18 号。",
    )
    issued_on = DayField(
        "印发日期", [InputRequired("填写文件的印发日期")], description="例如 2026-03-06。任务从这一天起算有效。"
    )
    note = ShortText(
        "说明",
        [Length(max=LONGEST_NOTE, message=f"说明不超过 {LONGEST_NOTE} 字")],
        description="例如：年中调整。",
    )
    accepts_less = BooleanField("分解合计少于任务，仍然保存；页面上会一直提示")
    measure: Measure

    def validate_issued_on(self, field: Any) -> None:
        if field.data is not None and (sentence := why_not_issued_on(field.data)):
            raise ValidationError(sentence)

    @property
    def task_fields(self) -> list[ParsedField]:
        return [field for field in self if field.name.startswith(PREFIX)]

    @property
    def wanted(self) -> dict[Key, Decimal]:
        """What was filled in, by place and measure."""
        return {_key(field, self.measure): field.data for field in self.task_fields if field.data}

    @property
    def basis(self) -> Basis:
        """The document, once the form is valid."""
        day: Any = self.issued_on.data
        return Basis(self.document.data or "", day, self.note.data or "")

    def agrees(self, plan: Plan) -> bool:
        """Whether the tasks can be set so; what is against it is said beside the fields.

        Where somebody else was faster the form takes what stands now for what the person has seen: an amount they left
        alone becomes the new one, one they typed stays, and saving again means it.
        """
        if plan.conflicts:
            self._look_again(plan)
        elif (less := plan.said_of(Verdict.LESS)) and not self.accepts_less.data:
            self.accepts_less.errors = [f"{' '.join(less)}核对各项，确实如此就勾选下面一项再保存。"]
        return not (plan.conflicts or self.accepts_less.errors)

    def _look_again(self, plan: Plan) -> None:
        standing, touched = plan.standing, {step.key: step for step in plan.steps}
        seen = read_seen(self.seen.data or "")
        for field in self.task_fields:
            key = _key(field, self.measure)
            now = standing.now(key)
            if key in touched:
                field.errors = _said(touched[key])
            elif now and now.version != seen.get(key, 0):
                field.raw_data, field.data = [], now.value
        self.seen.raw_data, self.seen.data = [], standing.seen


def _said(step: Step) -> list[str]:
    return [f"{step.conflict}：核对后再保存，保存后以你填写的为准"] if step.is_stale else []


def _key(field: ParsedField, measure: Measure) -> Key:
    return field.name.removeprefix(PREFIX), measure.code


def tasks_form(places: Sequence[Region], measure: Measure, standing: Standing) -> TasksForm:
    """The form with one value a place, filled with the tasks in force."""
    fields = {
        f"{PREFIX}{place.code}": _field(place, measure, standing.value((place.code, measure.code))) for place in places
    }
    form_type: type[TasksForm] = type("PlacesForm", (TasksForm,), {**fields, "measure": measure})
    return form_type(data={"seen": standing.seen})


def _field(place: Region, measure: Measure, value: Decimal | None) -> Any:
    if values.is_money(measure):
        return MoneyField(place.name, [_not_zero], unit="wan", default=value)
    return CountField(place.name, [_not_zero], measure=measure, default=value)


def _not_zero(form: FlaskForm, field: ParsedField) -> None:
    if field.data is not None and not field.data:
        raise ValidationError("任务要大于 0；没有任务就留空")


class ImportForm(FlaskForm):
    """A workbook of tasks: first chosen as a file, then carried along until it is confirmed."""

    file = FileField("任务表")
    content = StringField()  # the same workbook again, from the page that showed what it would do
    filename = StringField()
    digest = StringField()  # what that page showed
    accepts_less = BooleanField("分解合计少于任务，仍然保存；页面上会一直提示")
