from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from contracts_app.core.clock import today
from contracts_app.core.fields import DayField, MoneyField, ShortText
from contracts_app.core.money import wan
from contracts_app.regions.models import Unit

PREFIX = "task_"


class TasksForm(FlaskForm):
    """The yearly tasks of some units, with the document that sets them. Amounts are 元; an empty one sets nothing."""

    seen = HiddenField()  # the versions the person saw
    document = ShortText(
        "文号",
        [DataRequired("填写下达任务的文号或文件名称"), Length(max=120, message="文号不超过 120 字")],
        description="下达或调整任务的文件，例如：泉科〔2026〕18 号。",
    )
    issued_on = DayField("印发日期", [InputRequired("填写文件的印发日期")], description="例如 2026-03-06。")
    note = ShortText("说明", [Length(max=500, message="说明不超过 500 字")], description="例如：年中调整。")
    city_total = MoneyField(
        "全市任务", unit="wan", description="文件里有全市总数时填写，用来和各单元之和核对；不另外保存。"
    )
    sum_differs = BooleanField("各单元之和与全市任务不一致，仍按各单元的数保存")

    def validate_issued_on(self, field: Any) -> None:
        if field.data is not None and field.data > today():
            raise ValidationError("印发日期不能晚于今天")

    def validate_city_total(self, field: Any) -> None:
        difference = self.sum_of_parts - (field.data or 0)
        if field.data and not field.errors and difference and not self.sum_differs.data:
            words = "多" if difference > 0 else "少"
            raise ValidationError(
                f"各单元合计 {wan(self.sum_of_parts)} 万元，比全市任务{words} {wan(abs(difference))} 万元：核对各单元，"
                "确实不一致时勾选下面一项再保存"
            )

    @property
    def task_fields(self) -> list[MoneyField]:
        return [field for field in self if field.name.startswith(PREFIX)]

    @property
    def tasks(self) -> dict[str, Decimal]:
        """What was filled in, by unit code."""
        return {field.name.removeprefix(PREFIX): field.data for field in self.task_fields if field.data}

    @property
    def sum_of_parts(self) -> Decimal:
        return sum(self.tasks.values(), Decimal(0))


def tasks_form(units: Iterable[Unit], in_force: dict[str, Decimal], seen: str) -> TasksForm:
    """The form with one amount a unit, filled with the tasks in force."""
    fields = {
        f"{PREFIX}{unit.code}": MoneyField(unit.name, [_not_zero], unit="wan", default=in_force.get(unit.code))
        for unit in units
    }
    form_type: type[TasksForm] = type("UnitTasksForm", (TasksForm,), fields)
    form = form_type(data={"seen": seen})
    if len(fields) == 1:  # nothing to add up
        del form.city_total, form.sum_differs
    return form


def _not_zero(form: FlaskForm, field: MoneyField) -> None:
    if field.data is not None and not field.data:
        raise ValidationError("任务要大于 0；没有任务就留空")
