"""What the moves ask for, and the checks of answers that only make sense together."""

from datetime import date
from functools import cached_property
from typing import Any

from wtforms import BooleanField, FieldList, FormField, RadioField, SelectChoice, ValidationError
from wtforms import Form as PlainForm
from wtforms.validators import DataRequired, Length

from contracts_app.codes.models import ContractType, RefusalReason
from contracts_app.codes.queries import choices
from contracts_app.contracts import amounts
from contracts_app.contracts.books import closings
from contracts_app.contracts.checking import checks
from contracts_app.contracts.filing import corrections
from contracts_app.contracts.filing.corrections import MOST_IN_REPLY
from contracts_app.contracts.filing.money_forms import deduction_lines, deduction_sheet
from contracts_app.contracts.models import Contract
from contracts_app.core.clock import today
from contracts_app.core.codes import CodeError, parse_registration_number
from contracts_app.core.db import db
from contracts_app.core.money import yuan
from contracts_app.core.web.fields import ChoiceField, DayField, LongText, ShortText, choice_list

from .registered import contract_with_number

MOST_ITEMS = 20  # in one correction


class CorrectionForm(PlainForm):
    """One thing to be put right: which part of the filing or which answer in it, and what is to be done."""

    section = ChoiceField("补正内容")  # or the very answer: money, money.total_amount, files.contract
    request = LongText("要求", [Length(max=500, message="每项要求不超过 500 字")])

    @property
    def data(self) -> dict[str, str]:
        """The item as it is kept: section, field, request."""
        section, _, name = (self.section.data or "").partition(".")
        return {"section": section, "field": name, "request": self.request.data or ""}

    @property
    def is_blank(self) -> bool:
        """Whether nothing was chosen and nothing written."""
        return not self.section.data and not self.request.data

    def validate_section(self, field: ChoiceField) -> None:
        if self.request.data and not field.data:
            raise ValidationError("选择这一项在申报的哪一部分")

    def validate_request(self, field: LongText) -> None:
        if self.section.data and not field.data:
            raise ValidationError("写明这一项缺什么、怎么补")


class ItemList(FieldList):
    """A list of correction items; lines left blank are not kept."""

    def __init__(self, *args: Any, contract: Contract, **kwargs: Any) -> None:
        self.contract = contract
        super().__init__(*args, **kwargs)

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(formdata, *args, **kwargs)
        self._offer_places()

    def append_entry(self, *args: Any, **kwargs: Any) -> Any:
        entry = super().append_entry(*args, **kwargs)
        self._offer_places()
        return entry

    @cached_property
    def places(self) -> list[SelectChoice]:
        """Where an item may belong."""
        return corrections.places(self.contract)

    def _offer_places(self) -> None:
        for entry in self.entries:
            entry.form.section.choices = self.places

    def take_over(self, finding: checks.Finding) -> None:
        """Put a finding into the first blank line: where it belongs, and its sentence with the remedy to be edited.

        One that stands in the list already is not put there twice.
        """
        words = f"{finding.sentence}。{finding.remedy}"
        if any(entry.form.request.data == words for entry in self.entries):
            return
        blank = next((entry for entry in self.entries if entry.form.is_blank), None)
        if blank is None and len(self.entries) < MOST_ITEMS:
            blank = self.append_entry()
        if blank is None:
            return
        blank.form.section.data = corrections.place_of(finding, [choice.value for choice in self.places])
        blank.form.request.data = words

    def kept(self) -> list[dict[str, str]]:
        """The items that were filled in."""
        return [line for line in self.data if line["section"] and line["request"]]

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        fine = super().validate(form, extra_validators)
        if fine and not self.kept():
            self.errors = ["至少写一项要补正的内容"]
            return False
        return fine


def items(contract: Contract) -> Any:
    return ItemList(
        FormField(CorrectionForm),
        "补正清单",
        min_entries=3,
        max_entries=MOST_ITEMS,
        contract=contract,
        description="一次列全，能落到某一项的就选那一项。申请人只看到这里写的各项，写清缺什么、怎么补。",
    )


def reason(contract: Contract) -> Any:
    return LongText("理由", [DataRequired("写明理由，会留在办理经过里"), Length(max=500, message="理由不超过 500 字")])


def replies(contract: Contract) -> Any:
    """One answer to each item that is open, in their order; what was kept as a draft stands in it."""
    waiting = contract.open_corrections
    one = LongText(
        "这一项的答复",
        [
            DataRequired("答复这一项：改了什么，或者为什么不用改"),
            Length(max=MOST_IN_REPLY, message=f"每项答复不超过 {MOST_IN_REPLY} 字"),
        ],
    )
    drafts = [item.reply for item in waiting]
    return FieldList(one, "逐项答复", min_entries=len(waiting), max_entries=len(waiting) or 1, default=drafts)


def undertaking(contract: Contract) -> Any:
    return BooleanField(
        "申请方承诺：所填内容与合同文本一致，材料真实、合法、有效，不含国家秘密。",
        [DataRequired("提交前须作出承诺")],
    )


def complete_papers(contract: Contract) -> Any:
    return BooleanField(
        "材料齐全：合同文本完整、双方签章清楚，名称与当事人一致，属本机构受理范围。",
        [DataRequired("核对后勾选；材料不齐的，退回补正")],
    )


def recognised_type(contract: Contract) -> Any:
    return ChoiceField(
        "认定的合同类型",
        [DataRequired("选择认定的合同类型")],
        choices=choice_list(choices(ContractType, contract.signed_on or today())),
        default=contract.type_code,
    )


def deductions(contract: Contract) -> Any:
    """The applicant's deduction sheet, to be corrected: what it leaves of the price is the recognised amount."""
    return deduction_sheet(default=deduction_lines(contract))


def conclusion(contract: Contract) -> Any:
    return RadioField(
        "初审意见",
        [DataRequired("选择初审意见")],
        choices=choice_list([("register", "建议登记"), ("refuse", "建议不予登记")]),
        validate_choice=False,
    )


def opinion(contract: Contract) -> Any:
    return LongText("说明", [Length(max=1000, message="说明不超过 1000 字")])


def registration_number(contract: Contract) -> Any:
    return ShortText(
        "合同登记编号",
        [DataRequired("填写国家系统给出的 16 位合同登记编号")],
        description="16 位数字，照录全国技术合同管理与服务系统给出的编号，本系统不编号。",
    )


def registered_on(contract: Contract) -> Any:
    said = f"按这一天计入年度。{closings.note_on(contract.unit_code)}"
    return DayField("登记日期", [DataRequired("填写登记日期")], default=today, description=said)


def refusal_code(contract: Contract) -> Any:
    return ChoiceField(
        "不予登记的理由",
        [DataRequired("选择不予登记的理由")],
        choices=choice_list([(code, f"{code} {name}") for code, name in choices(RefusalReason, today())], "选择理由"),
    )


def refusal_text(contract: Contract) -> Any:
    return LongText(
        "具体说明",
        [DataRequired("写明具体情况，会写进不予登记通知"), Length(max=1000, message="说明不超过 1000 字")],
    )


def checks_recognition(form: Any) -> None:
    """0 < 技术交易额 ≤ 成交额, and a transfer or licence moves a right (3.4); a proposal to refuse says why."""
    contract, sheet, kind = form.record, form.deductions, form.recognised_type
    taken = amounts.deducted(amounts.deductions_of(sheet.lines()))
    if taken > contract.total_amount:
        said = f"扣除的合计 {yuan(taken)} 元，大于成交额 {yuan(contract.total_amount)} 元"
        sheet.errors = [*sheet.errors, said]
    if form.conclusion.data == "refuse":
        if not form.opinion.data:
            form.opinion.errors = [*form.opinion.errors, "建议不予登记的，写明理由"]
        return
    if taken and taken == contract.total_amount:
        sheet.errors = [*sheet.errors, "核定的技术交易额要大于 0；没有技术性内容的，建议不予登记"]
    recognised = db.session.get(ContractType, kind.data) if kind.data and not kind.errors else None
    if recognised and recognised.asks_ip and contract.ip and contract.ip.is_none:
        kind.errors = [
            *kind.errors,
            f"“{recognised.name}”必须有知识产权，申报的是“{contract.ip.name}”：改认类型，或退回补正",
        ]


def checks_registration(form: Any) -> None:
    """The number is nobody else's; the day lies between acceptance and today, within the contract's validity (3.4)."""
    number, day = form.registration_number, form.registered_on
    if number.data:
        try:
            number.data = parse_registration_number(number.data)
        except CodeError as error:
            number.errors = [*number.errors, str(error)]
        else:
            if other := contract_with_number(number.data):
                number.errors = [*number.errors, f"这个编号已经登记在另一份合同上（受理号 {other}），核对后重新填写"]
    if day.data and (sentence := why_not_on(form.record, day.data)):
        day.errors = [*day.errors, sentence]


def why_not_on(contract: Contract, day: date) -> str | None:
    """Why a contract cannot be registered on a day: it lies between acceptance and today, within its validity, and in
    no period that its unit has closed.
    """
    if day > today():
        return f"登记日期不能晚于今天（{today()}）"
    if contract.accepted_on and day < contract.accepted_on:
        return f"登记日期不能早于受理日期（{contract.accepted_on}）"
    if contract.ends_on and day > contract.ends_on:
        return f"合同有效期到 {contract.ends_on} 为止，登记日期不能更晚；已经过期的，不予登记"
    return closings.why_not_on(contract.unit_code, day)
