"""Form fields of this office: they take what people type, put it into shape, and keep it as typed when it is wrong."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from wtforms import Field, RadioField, SelectChoice, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import StopValidation
from wtforms.widgets import TextInput

from contracts_app.core import codes, money
from contracts_app.core.clock import parse_day
from contracts_app.core.text import tidy


def _tidy(value: str | None) -> str:
    return tidy(value) if value else ""


def tidy_lines(value: str | None) -> str:
    """A text of several lines, each tidied."""
    return "\n".join(tidy(line) for line in value.splitlines()).strip() if value else ""


class ShortText(StringField):
    """One line of text, tidied."""

    def __init__(self, label: str, validators: Sequence[Callable[..., Any]] = (), **kwargs: Any) -> None:
        super().__init__(label, validators, filters=[_tidy], **kwargs)


class PersonalText(ShortText):
    """One line that a record already has is shown masked: left as it is it stays, typed over it is replaced.

    Nothing is ever overwritten by its mask: what still has stars in it and is not the mask of what stands is refused,
    unless the form was made from an older version, which is told of first. ``mask`` is None where nothing is hidden.
    """

    def __init__(self, label: str, *args: Any, mask: Callable[[str], str] | None, **kwargs: Any) -> None:
        self.data: str | None = None
        super().__init__(label, *args, **kwargs)
        self.mask = mask

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self._hidden and tidy(self.data or "") == self._hidden:
            self.data = self.object_data

    def pre_validate(self, form: Any) -> None:
        if not self.mask or "*" not in (self.data or "") or self.data == self.object_data:
            return
        version = form.version
        if version.data is None or version.data == version.object_data:
            raise StopValidation("带 * 的是没有显示的部分：不改就整项保持原样，要改就填写完整")
        raise StopValidation()

    def _value(self) -> str:
        return self._hidden if self._hidden and self.data == self.object_data else super()._value()

    @property
    def _hidden(self) -> str:
        """What is shown in place of what the record has."""
        return self.mask(self.object_data) if self.mask and self.object_data else ""


class LongText(TextAreaField):
    """Several lines of text, tidied."""

    def __init__(self, label: str, validators: Sequence[Callable[..., Any]] = (), **kwargs: Any) -> None:
        super().__init__(label, validators, filters=[tidy_lines], **kwargs)


Unit = Literal["yuan", "wan"]


class ParsedField(Field):
    """A field whose text is read by a function; what cannot be read stays in the field with the reason beside it."""

    widget = TextInput()
    raw = ""

    def parse(self, text: str) -> Any:
        """The value of a text that is not blank; raises ``ValueError`` with a sentence for the person."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """How a value already known appears in the field."""
        return str(value)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.raw = valuelist[0]
        self.data = None
        if self.raw.strip():
            self.data = self.parse(self.raw)
        else:
            self.raw_data = [""]  # blanks are no answer, also to InputRequired

    def pre_validate(self, form: Any) -> None:
        if self.process_errors:
            raise StopValidation()  # else DataRequired would put "fill this in" in place of the reason

    def _value(self) -> str:
        if self.raw_data:
            return self.raw_data[0]
        return self.write(self.data) if self.data is not None else ""


class DayField(ParsedField):
    """A day, typed as 2026-03-01 or in any of the usual ways."""

    def parse(self, text: str) -> date:
        return parse_day(text)


class CreditCodeField(ParsedField):
    """统一社会信用代码 with its check digit."""

    def parse(self, text: str) -> str:
        return codes.parse_uscc(text)


class MoneyField(ParsedField):
    """An amount in 元. The unit it was typed in, 元 or 万元, is posted beside it as ``<name>_unit``.

    ``unit`` is where the switch stands: as posted, else the one given here.
    """

    def __init__(
        self, label: str, validators: Sequence[Callable[..., Any]] = (), *, unit: Unit = "yuan", **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.unit: Unit = unit

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        posted = formdata.get(f"{self.name}_unit") if formdata is not None else None
        if posted in ("yuan", "wan"):
            self.unit = posted
        super().process(formdata, *args, **kwargs)

    def parse(self, text: str) -> Decimal:
        return money.parse_yuan(text, self.unit)

    def write(self, value: Decimal) -> str:
        if not value:
            return ""
        return money.yuan(value) if self.unit == "yuan" else f"{(value / 10_000).normalize():f}"


def choice_list(rows: Iterable[tuple[str, str]], blank: str | None = None) -> list[SelectChoice]:
    """Choices for a select: (value, label) rows, with a first empty line that says what to choose."""
    choices = [SelectChoice(value, label) for value, label in rows]
    return [SelectChoice("", blank), *choices] if blank is not None else choices


class ChoiceField(SelectField):
    """One of a list; the empty choice is ``None``."""

    def __init__(self, label: str, validators: Sequence[Callable[..., Any]] = (), **kwargs: Any) -> None:
        kwargs.setdefault("coerce", lambda value: value or None)
        super().__init__(label, validators, validate_choice=False, **kwargs)

    def pre_validate(self, form: Any) -> None:
        if self.data is None:
            return
        if not any(str(choice.value) == str(self.data) for choice in flat_choices(self.choices)):
            raise ValidationError("选择列表里有的一项")


class YesNoField(RadioField):
    """是 or 否; ``None`` while unanswered."""

    def __init__(self, label: str, validators: Sequence[Callable[..., Any]] = (), **kwargs: Any) -> None:
        super().__init__(
            label,
            validators,
            choices=choice_list([("yes", "是"), ("no", "否")]),
            coerce=_yes_no,
            validate_choice=False,
            **kwargs,
        )


def _yes_no(value: Any) -> bool | None:
    return {"yes": True, True: True, "no": False, False: False}.get(value)


def flat_choices(choices: Any) -> Iterable[SelectChoice]:
    """The choices of a select or of radios, however they were given."""
    groups = choices.values() if isinstance(choices, dict) else [choices]
    for group in groups:
        for choice in group:
            yield choice if isinstance(choice, SelectChoice) else SelectChoice(*choice[:2])
