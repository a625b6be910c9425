"""审核表: what the office found, thought and decided, on one sheet for the file."""

from collections.abc import Sequence

from contracts_app.contracts import checks, course
from contracts_app.contracts.amounts import deduction_reasoning, total_in_words
from contracts_app.contracts.facts import type_in_words
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
    blocks: list[Block] = [
        Facts(
            [
                ("合同名称", contract.title),
                ("卖方", words.name(contract.seller), "买方", words.name(contract.buyer)),
                ("合同类型", type_in_words(contract), "技术领域", words.name(contract.field)),
                ("成交额", total_in_words(contract), "技术交易额", f"{money.yuan(contract.technology_amount)} 元"),
                ("提交日期", words.day(words.submitted_on(contract)), "受理日期", words.day(contract.accepted_on)),
                ("办理期限", _limit(contract), "期限延长", _extended(contract, story)),
                ("适用规则", words.limits_of(contract).rule_set.name, "现在的状态", contract.state.label),
            ]
        ),
        Heading("一、检查提示"),
        *_findings(found),
        Heading("二、技术交易额的计算"),
        Table(
            ("项目", "金额（元）", "说明"),
            [(step.label, money.yuan(step.amount), step.note) for step in deduction_reasoning(contract)],
            widths=(3, 3, 7),
            right=(1,),
        ),
        Heading("三、审核意见"),
        Table(("环节", "办理人", "时间", "意见"), _opinions(contract, story), widths=(2, 2.6, 3.1, 8)),
        Boxes(_signers(contract)),
        Heading("四、办理经过"),
        Table(("时间", "事项", "办理人", "内容"), [_told(*pair) for pair in story], widths=(3.1, 2.6, 2.6, 8)),
    ]
    return Sheet(title="技术合同认定登记审核表", numbers=[carried["number"]], blocks=blocks, **carried)


Story = Sequence[tuple[HistoryLine, course.Entry]]


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
            said = "；".join((entry.title, *(f"{name}：{answer}" for name, answer in entry.answers)))
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
    said = [f"{name}：{answer}" for name, answer in entry.answers]
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
