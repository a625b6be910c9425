"""类型专项 as a form: only what this contract is asked, by `questions`."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from wtforms import FormField, SelectChoice, ValidationError
from wtforms.validators import Length

from contracts_app.codes.models import IpKind, LicenceMode
from contracts_app.codes.queries import choosable, listed
from contracts_app.contracts.checking.checks import Section
from contracts_app.contracts.models import Contract
from contracts_app.contracts.questions import Topic, fields_asked, topics_of
from contracts_app.core.clock import today
from contracts_app.core.codes import parse_registration_number
from contracts_app.core.web.fields import ChoiceField, DayField, LongText, MoneyField, ParsedField, ShortText

from .money_forms import LineForm, Lines, NumberField
from .parts import PartForm


class NumberOfAnother(ParsedField):
    """The 16 digits of another contract's registration number."""

    def parse(self, text: str) -> str:
        return parse_registration_number(text)


class WholeNumber(NumberField):
    """A whole number above 0."""

    def __init__(self, label: str, validators: Sequence[Any] = (), *, largest: int, **kwargs: Any) -> None:
        super().__init__(label, validators, places=0, largest=largest, **kwargs)

    def parse(self, text: str) -> Any:
        try:
            return int(super().parse(text))
        except ValueError as error:
            raise ValueError(f"填写 1 至 {self.largest} 的整数") from error

    def write(self, value: Any) -> str:
        return str(value)


class AnyAmount(MoneyField):
    """An amount of which 0 is an answer."""

    def write(self, value: Any) -> str:
        return "0" if value == 0 else super().write(value)


class RightLine(LineForm):
    """One right."""

    ip_code = ChoiceField("种类")
    name = ShortText("名称", [Length(max=200, message="名称不超过 200 字")])
    number = ShortText(
        "号码",
        [Length(max=60, message="号码不超过 60 字")],
        description="专利号或申请号、登记号；技术秘密没有号码，空着。",
    )
    owner = ShortText("权利人", [Length(max=200, message="权利人不超过 200 字")], description="有几个的用顿号分开。")
    applied_on = DayField("申请日")
    valid_until = DayField("有效期至")

    def validate_ip_code(self, field: ChoiceField) -> None:
        if not self.is_blank and not field.data:
            raise ValidationError("选择权利的种类")

    def validate_valid_until(self, field: DayField) -> None:
        if field.data and self.applied_on.data and field.data < self.applied_on.data:
            raise ValidationError("有效期不能早于申请日，对照证书核对")


class Rights(Lines):
    """The rights that are transferred or licensed."""

    def __init__(self, *args: Any, kinds: Sequence[SelectChoice] = (), **kwargs: Any) -> None:
        self.kinds = kinds  # before the lines are made
        super().__init__(*args, **kwargs)

    def offer(self, kinds: Sequence[SelectChoice]) -> None:
        """Let every line, also one that is added, choose among these."""
        self.kinds = kinds
        for entry in self.entries:
            entry.form.ip_code.choices = kinds

    def _add_entry(self, *args: Any, **kwargs: Any) -> Any:
        entry = super()._add_entry(*args, **kwargs)
        entry.form.ip_code.choices = self.kinds
        return entry

    def lines(self) -> list[dict[str, Any]]:
        """The answers of each line that was filled in."""
        return [{field.short_name: field.data for field in one} for one in self.filled()]


def _told(words: str, longest: int) -> Length:
    return Length(max=longest, message=f"{words}不超过 {longest} 字")


class DetailsForm(PartForm):
    """Has every question of `questions`; those that are not asked of the contract are taken out."""

    section = Section.DETAILS
    leans_on: ClassVar[Mapping[str, tuple[str, ...]]] = {"licence_ends_on": ("licence_begins_on",)}

    rights = Rights(FormField(RightLine), "权利清单", min_entries=1, description="每项权利一栏；空的一栏不保存。")
    licence_mode_code = ChoiceField("许可方式")
    licence_territory = ShortText("许可地域", [_told("许可地域", 200)], description="例如“中国境内”“福建省”。")
    licence_begins_on = DayField("许可期限开始")
    licence_ends_on = DayField("许可期限结束", description="满 5 年的，办理企业所得税优惠时另行核对。")
    expected_input = AnyAmount("预计新增投入", unit="wan")
    expected_output = AnyAmount("预计新增产值", unit="wan")
    base_number = NumberOfAnother("登记编号", description="全国技术合同登记编号，16 位数字。")
    base_note = LongText(
        "合同说明", [_told("合同说明", 1000)], description="没有登记编号的，写明双方、合同名称和签订日期。"
    )
    base_amount = MoneyField("合同金额", unit="wan", description="那一份合同的成交额。")
    trainee_count = WholeNumber("培训人数", largest=99999)
    trainee_note = ShortText(
        "培训谁、为哪个项目", [_told("培训谁、为哪个项目", 300)], description="委托方指定的人员和特定的技术项目。"
    )
    equity_valuation = MoneyField("作价金额", unit="wan", description="技术作价的金额，与成交额一致。")
    equity_share = NumberField(
        "占股比例", places=4, largest=100, unit="%", description="占目标公司股权的百分之几，例如 12.5。"
    )
    equity_registered_on = DayField("股权登记日期", description="还没有办理的空着。")
    import_certificate_number = ShortText("技术进口合同登记证书编号", [_told("证书编号", 60)])
    import_registered_on = DayField("登记日期", description="证书上的日期。")

    @property
    def topics(self) -> list[Topic]:
        """What is asked, in groups."""
        return topics_of(self.contract)

    def answers_of(self, contract: Contract) -> dict[str, Any]:
        return super().answers_of(contract) | {"rights": [right.answers() for right in contract.rights]}

    def offer_choices(self) -> None:
        asked = fields_asked(self.contract)
        for name in [name for name in self.asked() if name not in asked]:
            del self[name]
        if "licence_mode_code" in asked:
            modes = [SelectChoice(one.code, one.name) for one in choosable(LicenceMode, today())]
            self.licence_mode_code.choices = [SelectChoice("", "选择许可方式"), *modes]
        if "rights" in asked:
            self.rights.offer(kinds_of_right())

    def answers(self) -> dict[str, Any]:
        known = super().answers()
        if "rights" in known:
            known["rights"] = self.rights.lines()
        if "base_number" in known:
            known["base_number"] = known["base_number"] or ""
        return known

    def says_nothing_new(self) -> bool:
        known = {name: getattr(self.contract, name) for name in self.asked()}
        if "rights" in known:
            known["rights"] = [right.answers() for right in self.contract.rights]
        return self.answers() == known


def kinds_of_right() -> list[SelectChoice]:
    """The kinds of right to choose from, under the names of their groups."""
    names = {one.code: one.name for one in listed(IpKind)}
    kinds = [
        SelectChoice(one.code, one.name, optgroup=names.get(one.parent_code or ""))
        for one in choosable(IpKind, today())
        if not one.is_none
    ]
    return [SelectChoice("", "选择种类"), *kinds]
