"""What the office tells the applicant: one wording for the PDF and the Word file."""

from datetime import date, timedelta
from typing import assert_never

from contracts_app.contracts.amounts import total_in_words
from contracts_app.contracts.case_models import CaseKind, ContractCase, Outcome
from contracts_app.contracts.facts import LABELS, type_in_words
from contracts_app.contracts.filing.corrections import words_of
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core import money
from contracts_app.rules.queries import setting

from . import words
from .blocks import Block, Facts, Line, Note, Row, Sheet, Signature, Table, Words

_OBJECTION_NOTE = "异议期限按本机构的设定计算。"


def acceptance(contract: Contract) -> Sheet:
    """受理通知书: what was accepted and until when it is decided."""
    accepted = words.reached(contract, State.ACCEPTED)
    submitted = words.day(words.submitted_on(contract))
    extended = f"期限已延长 {contract.extended_days} 个工作日。" if contract.extended_days else ""
    return _notice(
        contract,
        "技术合同认定登记受理通知书",
        [
            _to_applicant(contract),
            Words(
                f"你单位提交的技术合同{words.title(contract)}认定登记申请，材料齐全，本机构于"
                f" {words.day(contract.accepted_on)} 受理。现将有关事项告知如下："
            ),
            Words(
                f"一、办理期限为{words.limit_in_words(contract)}，自提交齐全材料之日（{submitted}）起计算，"
                f"至 {words.day(words.review_due_on(contract))} 止。{extended}"
                "需要补正的，期限自重新提交之日起重新计算。"
            ),
            Words("二、经审核符合认定条件的，予以登记；不符合的，作出不予登记的决定并说明理由。"),
            Words(
                "三、技术合同每项只能登记一次。履行中合同变更、解除或者被撤销、宣告无效的，"
                "应当到本机构办理变更登记或者注销登记。"
            ),
            Facts(
                [
                    *_parties(contract),
                    ("合同类型", type_in_words(contract), "签订日期", words.day(contract.signed_on)),
                    ("成交额", total_in_words(contract), "技术交易额", f"{money.yuan(contract.technology_amount)} 元"),
                    ("受理日期", words.day(contract.accepted_on), "办理截止", words.day(words.review_due_on(contract))),
                    ("期限延长", f"{contract.extended_days} 个工作日" if contract.extended_days else "未延长"),
                    ("经办人", contract.filed_by.name, "适用规则", words.limits_of(contract).rule_set.name),
                ]
            ),
            _sealed(contract, words.day_of(accepted, contract)),
        ],
    )


def correction(contract: Contract) -> Sheet:
    """补正通知书: everything that is to be put right, item by item."""
    rows = [(str(number), words_of(item), item.request) for number, item in enumerate(contract.open_corrections, 1)]
    return _notice(
        contract,
        "技术合同认定登记补正通知书",
        [
            _to_applicant(contract),
            Words(
                f"你单位提交的技术合同{words.title(contract)}认定登记申请，经审查，下列 {len(rows)} 项需要补正。"
                "在系统中逐项修改或者补充，逐项写明答复后重新提交；本通知已一次列全需要补正的内容。"
            ),
            Table(("序号", "所在部分和项目", "补正要求"), rows, widths=(1.2, 4, 10)),
            Words(
                "补正期间不计算办理期限。补正后以重新提交之日为受理日期，办理期限"
                f"（{words.limit_in_words(contract)}）自该日起重新计算。合同名称与权利义务内容不一致而不补正的，不予登记。"
            ),
            _sealed(contract, words.day_of(words.reached(contract, State.CORRECTION), contract)),
        ],
    )


def non_acceptance(contract: Contract) -> Sheet:
    """不予受理通知书. Of a classified contract it repeats nothing: there is only its paper file (domain facts 1.7)."""
    reason, line = contract.non_acceptance, words.reached(contract, State.NOT_ACCEPTED)
    decided = _sealed(contract, words.day_of(line, contract))
    if reason and reason.is_classified:
        body: list[Block] = [
            Line("申请人："),
            Words("涉及国家秘密的技术合同不得通过本系统办理，本机构决定不予受理。"),
            Words(
                "以纸质材料直接报送登记机构，由登记机构按保密规定建立纸质卷。本系统只记录有纸质卷，不保存合同的任何内容。"
            ),
            decided,
        ]
        return _notice(contract, "不予受理通知书", body)
    said = _opinion(contract, State.NOT_ACCEPTED)
    return _notice(
        contract,
        "不予受理通知书",
        [
            _to_applicant(contract),
            Words(f"你单位提交的技术合同{words.title(contract)}认定登记申请，经审查，本机构决定不予受理。"),
            Words(f"理由：{contract.non_acceptance_code or ''} {words.name(reason)}。"),
            *([Words(f"具体情况：{said}")] if said else []),
            *([Words(f"办理办法：{reason.note}。")] if reason and reason.note else []),
            Facts(_parties(contract)),
            decided,
        ],
    )


def refusal(contract: Contract) -> Sheet:
    """不予登记通知书: code, reason, and where to object."""
    line = words.reached(contract, State.REFUSED)
    decided_on = words.day_of(line, contract)
    return _notice(
        contract,
        "技术合同不予登记通知书",
        [
            _to_applicant(contract),
            Words(
                f"你单位申请认定登记的技术合同{words.title(contract)}，经初审和复核，"
                "不符合技术合同认定登记的条件，决定不予登记。"
            ),
            Words(f"理由：{contract.refusal_code or ''} {words.name(contract.refusal)}。"),
            Words(f"具体情况：{_opinion(contract, State.REFUSED) or '见办理经过。'}"),
            Words(_where_to_object(decided_on) + "合同经修改符合条件的，可以重新申请。"),
            Facts(
                [
                    *_parties(contract),
                    ("合同类型", type_in_words(contract), "成交额", total_in_words(contract)),
                    ("适用规则", words.limits_of(contract).rule_set.name),
                ]
            ),
            Note(_OBJECTION_NOTE),
            _sealed(contract, decided_on),
        ],
    )


# ---- decisions on cases --------------------------------------------------------------------------------------------

_TITLES = {
    CaseKind.CHANGE: "技术合同变更登记决定书",
    CaseKind.CANCELLATION: "技术合同注销登记决定书",
    CaseKind.REVOCATION: "技术合同登记撤销决定书",
    CaseKind.OBJECTION: "技术合同认定登记异议决定书",
}


def decision(contract: Contract, case: ContractCase) -> Sheet:
    """The decision on a change, a cancellation, a revocation or an objection."""
    decided_on = words.closed_on(case)
    body: list[Block] = [
        _to_applicant(contract),
        Words(_opened(contract, case)),
        Words(f"事由：{_ground(case)}。"),
        *([Words(f"具体情况：{case.grounds}")] if case.grounds else []),
        *([Words(f"你单位的陈述和申辩：{case.statement}")] if case.statement else []),
        Words(f"本机构决定：{_decided(case)}"),
        *([Words(f"理由：{case.decision}")] if case.decision else []),
    ]
    if case.kind is CaseKind.CHANGE and case.changes:
        rows = [(label, *case.changes[name]) for name, label in LABELS.items() if name in case.changes]
        body.append(Table(("变更事项", "变更前", "变更后"), rows, widths=(3, 6, 6)))
    if case.outcome is Outcome.GRANTED:
        body += [Words(sentence) for sentence in _consequences(case)]
    if case.kind is not CaseKind.OBJECTION:
        body.append(Words(_where_to_object(decided_on)))
    body.append(
        Facts(
            [
                *_rows(("合同登记编号", words.spaced(contract.registration_number or ""))),
                *_parties(contract),
                *_rows(("合同类型", type_in_words(contract)), ("登记日期", words.day(contract.registered_on))),
                *_rows(("事实发生日期", words.day(case.event_on)), ("统计计入日期", words.day(case.counts_on))),
            ]
        )
    )
    if case.kind is not CaseKind.OBJECTION:
        body.append(Note(_OBJECTION_NOTE))
    return _notice(contract, _TITLES[case.kind], [*body, _sealed(contract, decided_on)])


def _rows(*told: tuple[str, str]) -> list[Row]:
    """One row of what is known; none of what is not: a contract that was never registered has no number and no day."""
    known = [word for pair in told if pair[1] for word in pair]
    return [tuple(known)] if known else []


def _opened(contract: Contract, case: ContractCase) -> str:
    what = f"技术合同{words.title(contract)}"
    match case.kind:
        case CaseKind.CHANGE | CaseKind.CANCELLATION:
            return f"你单位申请{case.kind.label}{what}的登记，本机构经审查，现作出决定。"
        case CaseKind.REVOCATION:
            told = f"，于 {words.day(case.notified_on)} 告知你单位有权陈述和申辩" if case.notified_on else ""
            return f"本机构对{what}的登记进行了调查{told}，现作出决定。"
        case CaseKind.OBJECTION:
            who = case.authority or "你单位"
            return f"{who}对{what}的认定登记提出异议，由未参与原审核的人员复查，现作出决定。"
    assert_never(case.kind)


def _ground(case: ContractCase) -> str:
    return f"{case.ground_code} {case.ground.name}" if case.ground else "未列明"


def _decided(case: ContractCase) -> str:
    granted = case.outcome is Outcome.GRANTED
    match case.kind:
        case CaseKind.CHANGE:
            return "准予变更登记。" if granted else "不予变更登记，原登记内容不变。"
        case CaseKind.CANCELLATION:
            return "准予注销登记。" if granted else "不予注销登记，登记继续有效。"
        case CaseKind.REVOCATION:
            return "撤销登记。" if granted else "不撤销登记，登记继续有效。"
        case CaseKind.OBJECTION:
            anew = "重新审核" if case.opened_from is State.REFUSED else "对登记进行调查"
            return f"异议成立，{anew}。" if granted else "异议不成立，维持原决定。"
    assert_never(case.kind)


def _consequences(case: ContractCase) -> list[str]:
    """What follows from a decision (domain facts 1.7): the number is never given again, authorities are told."""
    benefits = "已经凭登记享受税收优惠或者奖励的，应当主动告知有关主管部门" + (
        f"（申报情况：{case.benefits_note}）。" if case.benefits_note else "。"
    )
    match case.kind:
        case CaseKind.CHANGE:
            return [f"原登记内容在本机构留存，合同登记编号不变。{benefits}"]
        case CaseKind.CANCELLATION | CaseKind.REVOCATION:
            return [f"合同登记编号作废，不再使用；原登记证明、登记信息单不再作为依据。{benefits}"]
        case CaseKind.OBJECTION:
            return []
    assert_never(case.kind)


# ---- what notices share --------------------------------------------------------------------------------------------


def _notice(contract: Contract, title: str, blocks: list[Block]) -> Sheet:
    carried = words.frame(contract)
    return Sheet(title=title, numbers=[carried["number"]] if carried["number"] else [], blocks=blocks, **carried)


def _to_applicant(contract: Contract) -> Line:
    return Line(f"{words.name(contract.seller) or contract.filed_by.name}：")


def _parties(contract: Contract) -> list[Row]:
    return [
        (role, party.name if party else "", f"{role}代码", (party.code if party else "") or "")
        for role, party in (("卖方", contract.seller), ("买方", contract.buyer))
    ]


def _sealed(contract: Contract, day: date) -> Signature:
    return Signature(words.frame(contract)["office"], words.long_day(day))


def _where_to_object(decided_on: date) -> str:
    days = int(setting("objection_days"))
    last = words.day(decided_on + timedelta(days=days))
    return (
        f"对本决定有异议的，可以自决定之日起 {days} 日内（至 {last}）向本机构书面提出，由未参与本次审核的人员复查；"
        "也可以依法申请行政复议。"
    )


def _opinion(contract: Contract, state: State) -> str:
    """What the person wrote who led the contract to that state."""
    line = words.reached(contract, state)
    said = (line.answers.get(name) for name in ("opinion", "text", "reason")) if line else ()
    return next((str(text) for text in said if text), "")
