"""审核表: what the office found, thought and decided, on one sheet for the file."""

from collections.abc import Sequence

from contracts_app.contracts import course
from contracts_app.contracts.amounts import OPEN, deduction_reasoning
from contracts_app.contracts.case_models import CaseKind, ContractCase, Outcome
from contracts_app.contracts.checking import checks
from contracts_app.contracts.facts import LABELS, facts_of
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.core import money
from contracts_app.core.clock import local, today

from . import words
from .blocks import Block, Boxes, Facts, Heading, Note, Sheet, Table

# Where an opinion is given: the moves out of that state.
_STATIONS = {
    State.ACCEPTED: "初审",
    State.REVIEWED: "复核",
    State.EXPERT: "专家审核",
    State.CHECKED: "大额审批",
}
_NO_OPINION = frozenset({"undo", "send_to_expert"})


def review(contract: Contract) -> Sheet:
    """The sheet. Findings are those of today's look, under the rules of the filing day."""
    carried = words.frame(contract)
    story = list(zip(contract.history, reversed(course.timeline(contract)), strict=True))
    found = checks.findings(contract, today())
    then = _as_registered(contract)
    blocks: list[Block] = [
        Facts(
            [
                ("合同名称", then["title"]),
                ("卖方", then["seller_id"], "买方", then["buyer_id"]),
                ("合同类型", then["type_code"], "技术领域", then["field_code"]),
                ("成交额", then["total"], "技术交易额", f"{then['technology_amount'] or '0.00'} 元"),
                ("提交日期", words.day(words.submitted_on(contract)), "受理日期", words.day(contract.accepted_on)),
                ("办理期限", _limit(contract), "期限延长", _extended(contract, story)),
                ("适用规则", words.limits_of(contract).rule_set.name, "现在的状态", contract.state.label),
            ]
        ),
        Heading("一、检查提示"),
        *_findings(found),
        Heading("二、技术交易额的计算"),
        _reckoning(contract, then),
        Heading("三、审核意见"),
        Table(("环节", "办理人", "时间", "意见"), _opinions(contract, story), widths=(2, 2.6, 3.1, 8)),
        Boxes(_signers(contract)),
        Heading("四、办理经过"),
        Table(("时间", "事项", "办理人", "内容"), [_told(*pair) for pair in story], widths=(3.1, 2.6, 2.6, 8)),
        *_changes(contract),
    ]
    return Sheet(title="技术合同认定登记审核表", numbers=[carried["number"]], blocks=blocks, **carried)


Story = Sequence[tuple[HistoryLine, course.Entry]]


def _as_registered(contract: Contract) -> dict[str, str]:
    """The contract in words as the reviewers had it before them: what was changed afterwards is told by itself."""
    then = facts_of(contract)
    for case in reversed(_granted(contract)):
        then |= {name: old for name, (old, _) in case.changes.items()}
    total = f"{then['total_amount'] or '0.00'} 元"
    if then["is_price_open"]:
        total = f"{OPEN}，已定 {total}" if then["total_amount"] else OPEN
    return then | {"total": total}


def _granted(contract: Contract) -> list[ContractCase]:
    return [case for case in contract.cases if case.kind is CaseKind.CHANGE and case.outcome is Outcome.GRANTED]


def _reckoning(contract: Contract, then: dict[str, str]) -> Table:
    """How 技术交易额 was found at the registration."""
    if _granted(contract):
        told = [("成交额", then["total_amount"], ""), ("扣除", "", then["deductions"] or "没有")]
        rows = [*told, ("技术交易额", then["technology_amount"], "登记时核定；以后的变更见“五、变更”")]
    else:
        rows = [(step.label, money.yuan(step.amount), step.note) for step in deduction_reasoning(contract)]
    return Table(("项目", "金额（元）", "说明"), rows, widths=(3, 3, 7), right=(1,))


def _changes(contract: Contract) -> list[Block]:
    """Every change that was granted: when, by whom, what from and to."""
    rows = [
        (
            f"第 {number} 次\n{words.day(words.closed_on(case))}",
            "\n".join(f"{label}：{pair[0] or '空'} → {pair[1] or '空'}" for label, pair in _told_changes(case)),
            f"{words.name(case.decided_by)}\n计入 {words.day(case.counts_on)}",
        )
        for number, case in enumerate(_granted(contract), 1)
    ]
    return [Heading("五、变更"), Table(("变更", "内容", "核准"), rows, widths=(2.6, 9, 3))] if rows else []


def _told_changes(case: ContractCase) -> list[tuple[str, list[str]]]:
    return [(label, case.changes[name]) for name, label in LABELS.items() if name in case.changes]


def _findings(found: Sequence[checks.Finding]) -> list[Block]:
    if not found:
        return [Note(f"{words.day(today())} 检查，没有提示。")]
    rows = [
        (f"{one.title}\n{one.level.label}", "\n".join(filter(None, (one.sentence, one.remedy))), one.cite)
        for one in found
    ]
    return [
        Table(("部分、程度", "问题和改法", "依据"), rows, widths=(2.4, 7, 5.4)),
        Note(f"{words.day(today())} 按申报日期的规则检查，{checks.readiness(found).words}。"),
    ]


def _opinions(contract: Contract, story: Story) -> list[Sequence[str]]:
    """The last word of each station; stations a contract of this size passes stay empty until then."""
    needed = {State.EXPERT: contract.needs_expert, State.CHECKED: contract.needs_third}
    rows: list[Sequence[str]] = []
    for state, label in _STATIONS.items():
        last = next((pair for pair in reversed(story) if _is_opinion(pair[0], state)), None)
        if last:
            line, entry = last
            said = "；".join((entry.title, *(f"{name}：{answer.rstrip('。')}" for name, answer in entry.answers)))
            rows.append((label, _who(line), f"{local(line.at):%Y-%m-%d %H:%M}", said))
        elif needed.get(state, True):
            rows.append((label, "", "", ""))
    return rows


def _is_opinion(line: HistoryLine, state: State) -> bool:
    return line.source is state and line.target is not state and line.move not in _NO_OPINION


def _who(line: HistoryLine) -> str:
    """林敏, or whose delegate made the move: 林敏（代 陈勇）."""
    return f"{line.by.name}（代 {line.for_whom.name}）" if line.for_whom else line.by.name


def _told(line: HistoryLine, entry: course.Entry) -> Sequence[str]:
    said = [f"{name}：{answer.rstrip('。')}" for name, answer in entry.answers]
    said += [f"{name}：{before or '空'} → {after or '空'}" for name, before, after in entry.changes]
    return (f"{local(line.at):%Y-%m-%d %H:%M}", entry.title, _who(line), "；".join(said))


def _limit(contract: Contract) -> str:
    due = words.review_due_on(contract)
    return f"{words.limit_in_words(contract)}{f'，至 {words.day(due)}' if due else ''}"


def _extended(contract: Contract, story: Story) -> str:
    if not contract.extended_days:
        return "未延长"
    reasons = [str(line.answers["reason"]) for line, _ in story if line.move == "extend" and line.answers.get("reason")]
    return "，".join([f"{contract.extended_days} 个工作日", *reasons[-1:]])


def _signers(contract: Contract) -> list[str]:
    signers = ["初审人", "复核人"]
    return [*signers, "审批人"] if contract.needs_third or contract.checked_by_id else signers
