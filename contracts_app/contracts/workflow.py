"""The life of a contract's registration, written once. Source of the states and duties: domain facts 1.6 and 1.8."""

from typing import Any

from wtforms import BooleanField, FieldList, FormField, RadioField, ValidationError
from wtforms import Form as PlainForm
from wtforms.validators import DataRequired, InputRequired, Length

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.codes.models import ContractType, RefusalReason
from contracts_app.codes.queries import choices
from contracts_app.core import audit
from contracts_app.core.clock import local, now_utc, today
from contracts_app.core.codes import CodeError, parse_registration_number
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES
from contracts_app.core.fields import ChoiceField, DayField, LongText, MoneyField, ShortText, choice_list
from contracts_app.core.money import yuan
from contracts_app.core.workflow import Move, Workflow
from contracts_app.rules.queries import limits_on, work_calendar

from . import checks, ledger, numbers
from .facts import changes_of, facts_of
from .models import Contract, CorrectionItem
from .registered import contract_with_number
from .search import reindex
from .states import State

FILERS = frozenset({Role.BROKER, Role.REGISTRAR})
REGISTRARS = frozenset({Role.REGISTRAR})
REVIEWERS = frozenset({Role.REVIEWER})

SENTENCES.update(
    {
        "uq_contracts_registration_number": "这个合同登记编号已经用在另一份合同上，核对国家系统给出的编号。",
        "uq_contracts_acceptance_number": "受理号刚被同时受理的另一份合同取走，重新受理一次。",
        "filer_does_not_review": "申报人不能审核自己申报的合同，由别人办理。",
        "filer_does_not_decide": "申报人不能审核自己申报的合同，由别人办理。",
        "registered_has_number_date_and_two_deciders": "登记要有合同登记编号、登记日期，并且初审和复核是两个人。",
    }
)


# ---- guards: why not, in a sentence --------------------------------------------------------------------------------


def is_filer(contract: Contract, person: User) -> str | None:
    return None if contract.filed_by_id == person.id else "只有申报人本人可以办理。"


def is_complete(contract: Contract, person: User) -> str | None:
    """All checks pass; the sentence names the parts that are not ready."""
    wrong = checks.errors(contract, today())
    waiting = {item.section for item in contract.inputs}  # typed, and not saved as an answer yet
    sections = [one for one in checks.Section if one.value in waiting or any(f.section is one for f in wrong)]
    if not sections:
        return None
    return f"还没有填好：{'、'.join(section.label for section in sections)}。"


def stays_with_its_office(contract: Contract, person: User) -> str | None:
    """A 受理号 is one office's own: with it a contract does not move to another, whoever its seller has become."""
    number, unit = contract.acceptance_number, contract.unit
    moved = number is not None and unit is not None and not number.startswith(f"{unit.number_prefix}-")
    return "换了卖方，应由另一个登记机构受理：撤回这份申请，重新申报。" if moved else None


def is_in_region(contract: Contract, person: User) -> str | None:
    """The office acts on its own region and what lies under it, never beyond (domain facts 1.8)."""
    inside = contract.unit is not None and person.region.covers(contract.unit.region)
    return None if inside else "这份合同不归你所在地区办理。"


def did_not_file(contract: Contract, person: User) -> str | None:
    return "这份合同是你申报的，须由别人办理。" if contract.filed_by_id == person.id else None


def did_not_review(contract: Contract, person: User) -> str | None:
    return "初审是你做的，复核须由另一人办理。" if contract.reviewed_by_id == person.id else None


# ---- what moves ask ------------------------------------------------------------------------------------------------


class CorrectionForm(PlainForm):
    """One thing to be put right: which part of the filing, and what is to be done."""

    section = ChoiceField(
        "补正内容", choices=choice_list([(one.value, one.label) for one in checks.Section], "选择在哪一部分")
    )
    request = LongText("要求", [Length(max=500, message="每项要求不超过 500 字")])

    def validate_section(self, field: ChoiceField) -> None:
        if self.request.data and not field.data:
            raise ValidationError("选择这一项在申报的哪一部分")

    def validate_request(self, field: LongText) -> None:
        if self.section.data and not field.data:
            raise ValidationError("写明这一项缺什么、怎么补")


class ItemList(FieldList):
    """A list of correction items; lines left blank are not kept."""

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
        max_entries=20,
        description="一次列全。申请人只看到这里写的各项，写清缺什么、怎么补。",
    )


def reason(contract: Contract) -> Any:
    return LongText("理由", [DataRequired("写明理由，会留在办理经过里"), Length(max=500, message="理由不超过 500 字")])


def reply(contract: Contract) -> Any:
    return LongText(
        "补正说明",
        [DataRequired("逐项写明改了什么"), Length(max=2000, message="说明不超过 2000 字")],
        description="对照补正清单逐项说明，登记员会连同修改前后一起看到。",
    )


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


def recognised_amount(contract: Contract) -> Any:
    return MoneyField(
        "核定的技术交易额",
        [InputRequired("填写核定的技术交易额")],  # 0 is an answer where the price is still open (金额待定)
        default=contract.technology_amount,
        description=f"成交额 {yuan(contract.total_amount)} 元，扣除设备、零部件、原材料等非技术性费用后的金额。",
    )


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
    return DayField("登记日期", [DataRequired("填写登记日期")], default=today, description="按这一天计入年度。")


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
    contract, amount, kind = form.record, form.recognised_amount, form.recognised_type
    if amount.data is not None and amount.data > contract.total_amount:
        amount.errors = [*amount.errors, f"技术交易额不能大于成交额（{yuan(contract.total_amount)} 元）"]
    if form.conclusion.data == "refuse":
        if not form.opinion.data:
            form.opinion.errors = [*form.opinion.errors, "建议不予登记的，写明理由"]
        return
    if contract.total_amount > 0 and amount.data is not None and amount.data == 0:
        amount.errors = [*amount.errors, "核定的技术交易额要大于 0；没有技术性内容的，建议不予登记"]
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
    if day.data and day.data > today():
        day.errors = [*day.errors, f"登记日期不能晚于今天（{today()}）"]
    accepted, ends = form.record.accepted_on, form.record.ends_on
    if day.data and accepted and day.data < accepted:
        day.errors = [*day.errors, f"登记日期不能早于受理日期（{accepted}）"]
    if day.data and ends and day.data > ends:
        day.errors = [*day.errors, f"合同有效期到 {ends} 为止，登记日期不能更晚；已经过期的，不予登记"]


# ---- effects -------------------------------------------------------------------------------------------------------


def fix_submission(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Fix what was submitted, and start the clock.

    The clock runs from the day on which the complete set was submitted and starts again with each resubmission
    (draft Measures Art. 14, domain facts 1.4); the rule set is the one in force on the day of the first filing.
    """
    now = now_utc()
    day = local(now).date()
    first_day = next((local(line.at).date() for line in contract.history if line.target is State.SUBMITTED), day)
    limits = limits_on(first_day)
    is_large = limits.is_large(total_amount=contract.total_amount, technology_amount=contract.technology_amount)
    contract.submitted_at = now
    contract.undertaking = True
    contract.rule_set_code = limits.rule_set.code
    contract.due_on = limits.due_on(day, work_calendar(), is_large=is_large)
    before = next((line.facts for line in reversed(contract.history) if line.facts), None)
    answers["facts"] = facts_of(contract)
    if before is not None:
        answers["changes"] = changes_of(before, answers["facts"])
    reindex([contract])


def answer_corrections(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    for item in contract.open_corrections:
        item.reply, item.answered_at = answers["reply"], now_utc()


def ask_corrections(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Keep the list for the applicant; what was decided so far is open again."""
    answers["items"] = [line for line in answers["items"] if line["section"] and line["request"]]
    for line in answers["items"]:
        contract.corrections.append(
            CorrectionItem(section=line["section"], request=line["request"], asked_by_id=person.id)
        )
    contract.reviewed_by = contract.decided_by = None
    contract.due_on = None  # the clock stands still until the applicant answers


def give_acceptance_number(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Accepted as of the day of the complete submission; the number is given once and kept through corrections."""
    assert contract.submitted_at is not None
    assert contract.unit is not None
    contract.accepted_on = local(contract.submitted_at).date()
    if contract.acceptance_number is None:
        contract.acceptance_number = numbers.next_acceptance_number(contract.unit, today().year)
    answers["acceptance_number"] = contract.acceptance_number
    reindex([contract])


def keep_first_review(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    before = facts_of(contract)
    contract.reviewed_by = person
    contract.technology_amount = answers["recognised_amount"]
    contract.type_code = answers["recognised_type"]
    contract.type = db.session.get(ContractType, contract.type_code)
    answers["changes"] = changes_of(before, facts_of(contract))


def undo_first_review(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    contract.reviewed_by = None


def put_on_register(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Number, date, second person - and from this moment it counts."""
    contract.registration_number = answers["registration_number"]
    contract.registered_on = answers["registered_on"]
    contract.verification_code = numbers.new_verification_code()
    contract.decided_by = person
    reindex([contract])
    ledger.count_registration(contract)


def keep_refusal(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    contract.refusal_code = answers["refusal_code"]
    contract.decided_by = person


def write_audit(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    audit.record("move", person, subject="contract", subject_id=contract.id, to=contract.state.label)


# ---- the workflow --------------------------------------------------------------------------------------------------

CONTRACT = Workflow(
    name="技术合同认定登记",
    initial=State.DRAFT,
    moves=[
        Move(
            name="submit",
            label="提交登记申请",
            done="已提交。登记员会在期限内办理，进展在“我的合同”里看。",
            explains="提交后不能再改；办理结果和需要补正的内容会出现在“我的合同”。",
            icon="send",
            tone="primary",
            sources=frozenset({State.DRAFT}),
            target=State.SUBMITTED,
            roles=FILERS,
            asks={"undertaking": undertaking},
            guards=(is_filer, is_complete),
            effects=(fix_submission, write_audit),
        ),
        Move(
            name="resubmit",
            label="提交补正",
            done="补正已提交，期限从今天重新计算。",
            explains="按补正清单改好各部分后提交；登记员会看到修改前后的对照。",
            icon="send-check",
            tone="primary",
            sources=frozenset({State.CORRECTION}),
            target=State.SUBMITTED,
            roles=FILERS,
            asks={"reply": reply},
            guards=(is_filer, is_complete, stays_with_its_office),
            effects=(answer_corrections, fix_submission, write_audit),
        ),
        Move(
            name="accept",
            label="受理",
            done="已受理。",
            explains="核对材料齐全后受理，系统给出受理号；期限从提交齐全材料之日起算。",
            icon="inbox",
            tone="primary",
            sources=frozenset({State.SUBMITTED}),
            target=State.ACCEPTED,
            roles=REGISTRARS,
            asks={"complete_papers": complete_papers},
            guards=(is_in_region, did_not_file),
            effects=(give_acceptance_number, write_audit),
        ),
        Move(
            name="review",
            label="初审",
            done="初审已完成，转给另一人复核。",
            explains="认定是不是技术合同、属于哪一类、技术交易额是多少，写明意见后转复核。",
            icon="clipboard-check",
            tone="primary",
            sources=frozenset({State.ACCEPTED}),
            target=State.REVIEWED,
            roles=REGISTRARS,
            asks={
                "recognised_type": recognised_type,
                "recognised_amount": recognised_amount,
                "conclusion": conclusion,
                "opinion": opinion,
            },
            checks=checks_recognition,
            guards=(is_in_region, did_not_file),
            effects=(keep_first_review, write_audit),
        ),
        Move(
            name="register",
            label="复核并登记",
            done="已登记，计入年度统计。",
            explains="复核通过后，照录国家系统给出的合同登记编号。登记后计入登记日期所在年度。",
            icon="patch-check",
            tone="primary",
            sources=frozenset({State.REVIEWED}),
            target=State.REGISTERED,
            roles=REVIEWERS,
            asks={"registration_number": registration_number, "registered_on": registered_on, "opinion": opinion},
            checks=checks_registration,
            guards=(is_in_region, did_not_file, did_not_review),
            effects=(put_on_register, write_audit),
        ),
        Move(
            name="refuse",
            label="不予登记",
            done="已作出不予登记的决定。",
            explains="复核认为不符合登记条件的，选择理由并写明具体情况。决定会通知申报人。",
            icon="x-octagon",
            tone="danger",
            sources=frozenset({State.REVIEWED}),
            target=State.REFUSED,
            roles=REVIEWERS,
            asks={"refusal_code": refusal_code, "opinion": refusal_text},
            guards=(is_in_region, did_not_file, did_not_review),
            effects=(keep_refusal, write_audit),
        ),
        Move(
            name="return_review",
            label="退回初审",
            done="已退回初审。",
            explains="类型或技术交易额认定需要重新核实的，退回登记员重做初审，期限不变。",
            icon="arrow-counterclockwise",
            sources=frozenset({State.REVIEWED}),
            target=State.ACCEPTED,
            roles=REVIEWERS,
            asks={"reason": reason},
            guards=(is_in_region, did_not_file, did_not_review),
            effects=(undo_first_review, write_audit),
        ),
        Move(
            name="ask_correction",
            label="退回补正",
            done="已退回申报人补正。",
            explains="期限停止计算，申报人重新提交之日起重新计算。",
            icon="arrow-return-left",
            sources=frozenset({State.SUBMITTED, State.ACCEPTED}),
            target=State.CORRECTION,
            roles=REGISTRARS,
            asks={"items": items},
            guards=(is_in_region, did_not_file),
            effects=(ask_corrections, write_audit),
        ),
        Move(
            name="ask_correction_second",
            label="复核退回补正",
            done="已退回申报人补正。",
            explains="期限停止计算，申报人重新提交之日起重新计算；补正后重新受理、初审、复核。",
            icon="arrow-return-left",
            sources=frozenset({State.REVIEWED}),
            target=State.CORRECTION,
            roles=REVIEWERS,
            asks={"items": items},
            guards=(is_in_region, did_not_file, did_not_review),
            effects=(ask_corrections, write_audit),
        ),
        Move(
            name="withdraw",
            label="撤回申请",
            done="已撤回。",
            explains="撤回后这份申请结束；需要登记时重新申报。",
            icon="x-circle",
            tone="danger",
            sources=frozenset({State.SUBMITTED, State.CORRECTION}),
            target=State.WITHDRAWN,
            roles=FILERS,
            asks={"reason": reason},
            guards=(is_filer,),
            effects=(write_audit,),
        ),
    ],
)
