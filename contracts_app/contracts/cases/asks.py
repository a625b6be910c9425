"""What the moves of a case ask for: grounds, the paper they rest on, whether benefits were drawn, the decision."""

from datetime import date
from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import RadioField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length

from contracts_app.codes.models import ChangeGround
from contracts_app.codes.queries import choosable
from contracts_app.contracts.books import closings, ledger
from contracts_app.contracts.case_models import CaseKind
from contracts_app.contracts.deciding import large_moves
from contracts_app.contracts.filing.attachments import limit_bytes
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import today, year_edges
from contracts_app.core.keeping.files import FileRefused, sniff
from contracts_app.core.keeping.scanner import refuse_infected
from contracts_app.core.web.fields import ChoiceField, DayField, LongText, ShortText, YesNoField, choice_list

WORDS_MOST = 2000


# ---- grounds and papers --------------------------------------------------------------------------------------------


def _ground(kind: CaseKind, label: str, contract: Contract) -> ChoiceField:
    offered = [one for one in choosable(ChangeGround, today()) if one.case == kind.value]
    if kind is CaseKind.OBJECTION:  # against a refusal, or against what the registration says
        offered = [one for one in offered if one.asks_text or (one.code == "Y01") == _is_refusal(contract)]
    rows = [(one.code, one.name) for one in offered]
    return ChoiceField(label, [DataRequired(f"选择{label}")], choices=choice_list(rows, f"选择{label}"))


def _is_refusal(contract: Contract) -> bool:
    case = contract.open_case
    return State.REFUSED in (contract.state, case.opened_from if case else None)


def change_ground(contract: Contract) -> Any:
    return _ground(CaseKind.CHANGE, "变更原因", contract)


def cancellation_ground(contract: Contract) -> Any:
    return _ground(CaseKind.CANCELLATION, "注销原因", contract)


def revocation_ground(contract: Contract) -> Any:
    return _ground(CaseKind.REVOCATION, "撤销事由", contract)


def objection_ground(contract: Contract) -> Any:
    return _ground(CaseKind.OBJECTION, "异议事项", contract)


def grounds(contract: Contract) -> Any:
    return LongText("情况说明", [Length(max=WORDS_MOST, message=f"说明不超过 {WORDS_MOST} 字")])


def grounds_needed(contract: Contract) -> Any:
    return _words("事实和理由", "写明事实和理由")


def _words(label: str, sentence: str, description: str = "") -> LongText:
    most = Length(max=WORDS_MOST, message=f"{label}不超过 {WORDS_MOST} 字")
    return LongText(label, [DataRequired(sentence), most], description=description)


def amended_on(contract: Contract) -> Any:
    return DayField("变更协议签订日期", [DataRequired("填写变更协议的签订日期")])


def ended_on(contract: Contract) -> Any:
    return DayField("解除或裁判生效日期", [DataRequired("填写解除协议签订或裁判生效的日期")])


def found_on(contract: Contract) -> Any:
    return DayField("发现日期", [DataRequired("填写发现的日期")], default=today)


def is_taken(form: Any, field: FileField) -> None:
    """The file is one we take, and not too large: said before anything is kept."""
    if not field.data:
        return
    try:
        sniff(field.data.stream, field.data.filename or "")
        refuse_infected(field.data.stream)
    except FileRefused as refused:
        raise ValidationError(str(refused)) from None
    if field.data.stream.seek(0, 2) > limit_bytes():
        raise ValidationError(f"文件超过 {limit_bytes() // 2**20} MB，压缩或拆分后重新选择")
    field.data.stream.seek(0)


def amendment_file(contract: Contract) -> Any:
    return FileField("变更协议", [FileRequired("选择变更协议的文件"), is_taken])


def ending_file(contract: Contract) -> Any:
    return FileField("解除协议或裁判文书", [FileRequired("选择解除协议或裁判文书的文件"), is_taken])


def evidence_file(contract: Contract) -> Any:
    return FileField("证据材料", [FileRequired("选择证据材料的文件"), is_taken])


def objection_file(contract: Contract) -> Any:
    return FileField("证明材料", [is_taken])


def has_benefits(contract: Contract) -> Any:
    """Whoever drew benefits must tell the authority concerned (draft Measures Art. 16, domain facts 1.7)."""
    return YesNoField(
        "是否已享受税收优惠、奖补",
        [InputRequired("选择是否已享受税收优惠、奖补")],
        description="凭这次登记已经减免税、领取奖补的，选“是”；须同时告知有关主管部门。",
    )


def benefits_note(contract: Contract) -> Any:
    return ShortText(
        "享受的优惠和告知情况",
        [Length(max=500, message="说明不超过 500 字")],
        description="选“是”的写明：哪一项、多少、哪一年，向哪个部门告知。",
    )


def checks_statement(form: Any) -> None:
    """What only makes sense together: an "other" ground is explained, drawn benefits are named, days are over."""
    day = form.event_on if "event_on" in form else None
    if day is not None and day.data and not day.errors:
        if day.data > today():
            day.errors = [*day.errors, f"日期不能晚于今天（{today()}）"]
        elif form.record.signed_on and day.data < form.record.signed_on:
            day.errors = [*day.errors, f"日期不能早于合同签订日期（{form.record.signed_on}）"]
    chosen = next((one for one in choosable(ChangeGround, today()) if one.code == form.ground_code.data), None)
    if chosen and chosen.asks_text and not form.grounds.data and not form.grounds.errors:
        form.grounds.errors = [f"选择“{chosen.name}”的，写明具体情况"]
    if "has_benefits" in form and form.has_benefits.data and not form.benefits_note.data:
        form.benefits_note.errors = ["写明享受了哪一项、多少，向哪个部门告知"]


# ---- looking at it, hearing, deciding ------------------------------------------------------------------------------


def first_opinion(contract: Contract) -> Any:
    return _words("初核意见", "写明初核意见：材料是否齐全，所请是否属实，建议怎样处理")


def counts_on(contract: Contract) -> Any:
    return DayField(
        "计入日期",
        [DataRequired("填写计入日期")],
        default=today,
        description=f"增减的数计入这一天所在的年度；以前年度已经公布的数不变。{closings.note_on(contract.unit_code)}",
    )


def checks_counting(form: Any) -> None:
    field = form.counts_on
    if field.data and not field.errors and (sentence := why_not_counted_on(form.record, field.data)):
        field.errors = [sentence]


def why_not_counted_on(contract: Contract, day: date) -> str | None:
    """A decision counts this year, between what was counted last for the contract and today (domain facts 7.2)."""
    if day > today():
        return f"计入日期不能晚于今天（{today()}）"
    last = ledger.last_day_of(contract)
    if last and day < last:
        return f"计入日期不能早于上次计入的日期（{last}）"
    first, _ = year_edges(today().year)
    if day < first:
        return f"计入日期不能早于 {first}，以前年度的数不再改"
    return closings.why_not_on(contract.unit_code, day)


def opinion(contract: Contract) -> Any:
    return _words("核准意见", "写明核准意见，例如“同意变更”")


def decision(contract: Contract) -> Any:
    return _words("决定的理由", "写明决定的事实、理由和依据")


def notified_on(contract: Contract) -> Any:
    case = contract.open_case
    day = case.notified_on if case else None
    return DayField("告知日期", [DataRequired("填写告知当事人的日期")], default=day)


def statement(contract: Contract) -> Any:
    case = contract.open_case
    return LongText(
        "当事人的陈述和申辩",
        [Length(max=WORDS_MOST, message=f"陈述和申辩不超过 {WORDS_MOST} 字")],
        default=case.statement if case else "",
        description="写明当事人怎么说；期满没有陈述的，写明“未提出陈述、申辩”。还没有陈述的先不填，以后再记录。",
    )


def checks_hearing(form: Any) -> None:
    field, case = form.notified_on, form.record.open_case
    if not field.data or field.errors:
        return
    if field.data > today():
        field.errors = [f"告知日期不能晚于今天（{today()}）"]
    elif case and field.data < case.opened_day:
        field.errors = [f"告知日期不能早于立案日期（{case.opened_day}）"]


def authority(contract: Contract) -> Any:
    return ShortText(
        "提出异议的机关",
        [DataRequired("填写提出异议的税务、财政等机关全称"), Length(max=100, message="机关名称不超过 100 字")],
    )


def checks_expert(form: Any) -> None:
    case = form.record.open_case
    large_moves.checks_opinion(form, case.opened_day if case else None, "变更申请日期")


MAINTAIN, REDO = "maintain", "redo"


def objection_outcome(contract: Contract) -> Any:
    again = "撤回不予登记的决定，重新审查" if _is_refusal(contract) else "认定有误，立案调查是否撤销"
    return RadioField(
        "决定",
        [DataRequired("选择决定")],
        choices=choice_list([(MAINTAIN, "维持原决定"), (REDO, again)]),
        validate_choice=False,
    )
