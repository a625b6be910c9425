"""What became of single contracts afterwards: experts, a third person, changes, cancellations, objections.

These are the real moves, made by the demonstration's people at their moments, so that whatever a move leaves (history,
case, ledger, limit) is as the office would leave it. All of it happens in the current year: published figures stay.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from contracts_app.accounts.models import User
from contracts_app.contracts.cases.asks import MAINTAIN
from contracts_app.contracts.cases.changes import price_of
from contracts_app.contracts.models import Attachment, Contract
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import as_if, local, today
from contracts_app.core.db import db
from contracts_app.core.keeping.files import FileKind
from contracts_app.core.keeping.stores import Store

from .days import WorkDays, office_minute
from .pdf import one_page
from .people import People

Answers = Callable[[Contract], dict[str, Any]]
PAPERS = {"amendment": "变更协议", "rescission": "解除协议", "evidence": "证据材料"}


@dataclass(frozen=True)
class Step:
    """One move: who makes it, how many working days before the last one, and what they write."""

    move: str
    who: str
    ago: int
    answers: Answers = field(default=lambda contract: {})
    paper: str = ""


@dataclass(frozen=True)
class Story:
    """Where a contract stood, since how many working days, and what happened then."""

    begins: State
    age: int
    steps: tuple[Step, ...]
    type_code: str = ""
    fen: int = 0
    shown: bool = False  # of the broker who signs in
    ends: State | None = None


def _say(**words: Any) -> Answers:
    return lambda contract: dict(words)


def _opened(ground: str, words: str, **more: Any) -> Answers:
    return lambda contract: {"ground_code": ground, "grounds": words, "event_on": _day_before(contract)} | more


def _day_before(contract: Contract) -> date:
    return max(today() - timedelta(days=3), contract.signed_on or date.min)


def _dearer(contract: Contract) -> dict[str, Any]:
    """A tenth more, in the currency of the contract, which goes to the last instalment."""
    name = "foreign_amount" if contract.currency_code else "total_amount"
    before: Decimal = getattr(contract, name)
    asked: dict[str, Any] = {name: before + (before / 10).quantize(Decimal(1))}
    more = price_of(contract, asked) - contract.total_amount
    if contract.payments:
        asked["payments"] = [
            {"due_on": one.due_on, "condition": one.condition, "amount": one.amount} for one in contract.payments
        ]
        asked["payments"][-1]["amount"] += more
    return _opened("C01", "双方增加试验内容，按补充协议增加价款。")(contract) | asked


def _longer(contract: Contract) -> dict[str, Any]:
    assert contract.ends_on is not None
    asked = {"ends_on": contract.ends_on + timedelta(days=182)}
    return _opened("C02", "样品检测排期推迟，双方同意延长半年。")(contract) | asked


def _narrower(contract: Contract) -> dict[str, Any]:
    asked = {"content": f"{contract.content}另交付操作手册一份。"}
    return _opened("C04", "双方约定增加交付资料。")(contract) | asked


def _heard(contract: Contract) -> dict[str, Any]:
    return {"notified_on": today(), "statement": "卖方说明：两份合同标的相近，愿意提交全部履行凭证，由登记机构核实。"}


def _experts(contract: Contract) -> dict[str, Any]:
    return {
        "experts": 3,
        "expert_on": today(),
        "expert_conclusion": "register",
        "opinion": "技术内容明确，价款与工作量相当，扣除项列得清楚，同意登记。",
    }


_TO_EXPERTS = _say(reason="技术交易额达到专家审核标准。")
_ALL_CHECKED = _say(looked_through=True, opinion="类型、技术交易额和扣除项逐项核对，同意初审意见。")
_LOOKED = _say(opinion="协议双方签章齐全，所请属实，建议核准。")
_COUNTED = lambda words: lambda contract: {"counts_on": today(), "opinion": words}  # noqa: E731
_DECIDED = lambda words: lambda contract: {"counts_on": today(), "decision": words}  # noqa: E731
_UNDONE = _opened("Z01", "买方投资计划调整，双方协商解除。", has_benefits=False)
_TWICE = _opened("V03", "核对发现与另一机构登记的合同标的、价款一致，疑为重复登记。")
_AGAINST_TYPE = _opened("Y02", "合同约定由卖方研制样机并达到新指标，应认定为委托开发。")
_AGAINST_REFUSAL = _opened("Y01", "合同附件列明了技术指标和研发内容，不属于简单购销。")
_R, _W = State.REGISTERED, State.REVIEWED

# Age: of what waits since its submission, of what is closed since its registration or refusal.
STORIES_JINJIANG = (
    Story(
        State.SUBMITTED,
        6,
        (Step("not_accept", "registrar", 5, _say(non_acceptance_code="N01", opinion="")),),
        shown=True,
        ends=State.NOT_ACCEPTED,
    ),
    Story(
        State.SUBMITTED,
        9,
        (
            Step(
                "not_accept",
                "other registrar",
                7,
                _say(non_acceptance_code="N06", opinion="所附文本没有签章页，不能确认合同已经成立。"),
            ),
        ),
        ends=State.NOT_ACCEPTED,
    ),
    Story(_W, 7, (Step("send_to_expert", "second", 2, _TO_EXPERTS),), "KF1", 6_800_000_00, True, State.EXPERT),
    Story(_W, 9, (Step("send_to_expert", "reviewer", 4, _TO_EXPERTS),), "KF1", 12_600_000_00, ends=State.EXPERT),
    Story(
        _W,
        12,
        (
            Step("send_to_expert", "second", 8, _TO_EXPERTS),
            Step("record_expert", "second", 3, _experts),
            Step("check", "second", 1, _ALL_CHECKED),
        ),
        "KF1",
        9_200_000_00,
        True,
        State.CHECKED,
    ),
    Story(
        _W,
        14,
        (
            Step("send_to_expert", "reviewer", 9, _TO_EXPERTS),
            Step("record_expert", "reviewer", 4, _experts),
            Step("extend", "manager", 3, _say(days=5, reason="专家提出补充检测数据，核实需要时间。")),
            Step("check", "reviewer", 2, _ALL_CHECKED),
        ),
        "KF1",
        7_450_000_00,
        ends=State.CHECKED,
    ),
    Story(
        _W,
        11,
        (Step("send_to_expert", "second", 8, _TO_EXPERTS), Step("record_expert", "second", 2, _experts)),
        "KF1",
        8_300_000_00,
        ends=_W,
    ),
    Story(
        _W,
        6,
        (Step("return_review", "second", 2, _say(reason="技术交易额的扣除依据没有写明，核对报价明细后重新初审。")),),
        ends=State.ACCEPTED,
    ),
    Story(
        State.ACCEPTED,
        9,
        (Step("extend", "second", 2, _say(days=5, reason="卖方与买方对报价明细说法不一，须向双方核实。")),),
        ends=State.ACCEPTED,
    ),
    Story(
        State.REFUSED, 7, (Step("object", "filer", 3, _AGAINST_REFUSAL, "evidence"),), shown=True, ends=State.OBJECTION
    ),
    Story(
        State.REFUSED,
        12,
        (
            Step("object", "filer", 9, _AGAINST_REFUSAL, "evidence"),
            Step(
                "decide_objection",
                "manager",
                4,
                _say(outcome=MAINTAIN, decision="合同只约定供货和安装，没有研发内容，维持原决定。"),
            ),
        ),
        ends=State.REFUSED,
    ),
    Story(_R, 15, (Step("ask_change", "filer", 2, _longer, "amendment"),), shown=True, ends=State.CHANGING),
    Story(
        _R,
        15,
        (Step("ask_change", "filer", 6, _dearer, "amendment"), Step("review_case", "other registrar", 3, _LOOKED)),
        ends=State.CHANGING,
    ),
    Story(_R, 20, (Step("ask_change", "filer", 9, _narrower, "amendment"),), ends=State.CHANGING),
    Story(
        _R,
        20,
        (
            Step("ask_change", "filer", 12, _dearer, "amendment"),
            Step("review_case", "registrar", 9, _LOOKED),
            Step("grant_change", "reviewer", 6, _COUNTED("同意变更。")),
        ),
        shown=True,
        ends=_R,
    ),
    Story(
        _R,
        22,
        (
            Step("ask_change", "filer", 12, _longer, "amendment"),
            Step("review_case", "other registrar", 10, _LOOKED),
            Step("deny_case", "second", 8, _say(decision="补充协议没有买方签章，补齐后重新申请。")),
        ),
        ends=_R,
    ),
    Story(_R, 15, (Step("ask_cancellation", "filer", 1, _UNDONE, "rescission"),), shown=True, ends=State.CANCELLING),
    Story(
        _R,
        15,
        (
            Step("ask_cancellation", "filer", 7, _UNDONE, "rescission"),
            Step("review_case", "other registrar", 4, _LOOKED),
        ),
        ends=State.CANCELLING,
    ),
    Story(
        _R,
        20,
        (
            Step("ask_cancellation", "filer", 13, _UNDONE, "rescission"),
            Step("review_case", "registrar", 10, _LOOKED),
            Step("grant_cancellation", "reviewer", 7, _COUNTED("解除协议属实，同意注销。")),
        ),
        shown=True,
        ends=State.CANCELLED,
    ),
    Story(
        _R,
        24,
        (
            Step("ask_cancellation", "filer", 14, _UNDONE, "rescission"),
            Step("review_case", "other registrar", 12, _LOOKED),
            Step("grant_cancellation", "second", 9, _COUNTED("同意注销。")),
        ),
        ends=State.CANCELLED,
    ),
    Story(_R, 18, (Step("open_revocation", "second", 5, _TWICE, "evidence"),), shown=True, ends=State.REVOKING),
    Story(
        _R,
        18,
        (Step("open_revocation", "second", 8, _TWICE, "evidence"), Step("record_hearing", "registrar", 4, _heard)),
        ends=State.REVOKING,
    ),
    Story(
        _R,
        22,
        (
            Step("open_revocation", "second", 14, _TWICE, "evidence"),
            Step("record_hearing", "other registrar", 10, _heard),
            Step("revoke", "manager", 6, _DECIDED("重复登记属实，当事人的陈述不影响这一认定，撤销登记。")),
        ),
        shown=True,
        ends=State.REVOKED,
    ),
    Story(
        _R,
        16,
        (
            Step(
                "object_by_authority",
                "other registrar",
                3,
                _opened(
                    "Y02",
                    "审核加计扣除时认为研发内容不足，来函请核实类型。",
                    authority="国家税务总局晋江市税务局（演示）",
                ),
                "evidence",
            ),
        ),
        ends=State.OBJECTION,
    ),
    Story(
        _R,
        24,
        (Step("archive", "registrar", 4, lambda contract: {"archive_number": "2026-JSHT-03", "archived_on": today()}),),
        ends=_R,
    ),
)
STORIES = (
    Story(
        State.SUBMITTED,
        5,
        (Step("not_accept", "registrar", 3, _say(non_acceptance_code="N04", opinion="")),),
        ends=State.NOT_ACCEPTED,
    ),
    Story(_W, 7, (Step("send_to_expert", "second", 3, _TO_EXPERTS),), "KF1", 5_900_000_00, ends=State.EXPERT),
    Story(_R, 18, (Step("ask_change", "filer", 4, _longer, "amendment"),), ends=State.CHANGING),
    Story(
        _R,
        18,
        (
            Step("ask_cancellation", "filer", 12, _UNDONE, "rescission"),
            Step("review_case", "registrar", 9, _LOOKED),
            Step("grant_cancellation", "second", 6, _COUNTED("同意注销。")),
        ),
        ends=State.CANCELLED,
    ),
    Story(_R, 16, (Step("object", "filer", 3, _AGAINST_TYPE),), ends=State.OBJECTION),
)
ELSEWHERE = ("350581", "350583")  # 石狮、南安
# Of contracts that were registered in the year before: what was published of it is restated beside.
OF_LAST_YEAR = (
    Story(
        _R,
        20,
        (
            Step("ask_cancellation", "filer", 15, _UNDONE, "rescission"),
            Step("review_case", "registrar", 12, _LOOKED),
            Step("grant_cancellation", "reviewer", 9, _COUNTED("解除协议属实，同意注销。")),
        ),
        ends=State.CANCELLED,
    ),
    Story(
        _R,
        20,
        (
            Step("ask_change", "filer", 13, _dearer, "amendment"),
            Step("review_case", "other registrar", 10, _LOOKED),
            Step("grant_change", "reviewer", 8, _COUNTED("同意变更。")),
        ),
        ends=_R,
    ),
)


def begun_by(unit_code: str, jinjiang: str) -> list[Story]:
    """The stories of a unit that bring a contract of their own."""
    return [story for story in of_unit(unit_code, jinjiang) if story.begins is not State.REGISTERED]


def of_unit(unit_code: str, jinjiang: str) -> tuple[Story, ...]:
    """What is told of one unit."""
    return STORIES_JINJIANG if unit_code == jinjiang else STORIES if unit_code in ELSEWHERE else ()


class Teller:
    """Lets stories happen."""

    def __init__(self, seed: int, people: People, days: WorkDays, last: int, store: Store) -> None:
        self.seed, self.people, self.days, self.last, self.store = seed, people, days, last, store

    def tell(
        self, told: Iterable[tuple[int, str, Story]], write_before: Callable[[datetime], None]
    ) -> list[tuple[State, State]]:
        """Every step of all stories (contract, unit, story) in the order of their days; the states before and after.

        ``write_before`` puts down what others did before a moment.
        """
        told = list(told)
        found = {key: db.session.get_one(Contract, key) for key, _, _ in told}
        begun = {key: contract.state for key, contract in found.items()}
        steps = []
        for key, unit_code, story in told:
            rng = Random(f"{self.seed} story {key}")  # noqa: S311  (made-up data are to be the same each time)
            for step in story.steps:
                at = self.days.moment(self.last - step.ago, office_minute(rng))
                steps.append((at, key, unit_code, step))
        for at, key, unit_code, step in sorted(steps, key=lambda one: one[:2]):
            write_before(at)
            with as_if(at):
                self._make(found[key], unit_code, step)
        return [(begun[key], contract.state) for key, contract in found.items()]

    def _make(self, contract: Contract, unit_code: str, step: Step) -> None:
        person = self._who(step.who, contract, unit_code)
        CONTRACT.offer(step.move, contract, person).make(step.answers(contract))
        if step.paper:
            self._attach(contract, person, step.paper)

    def _who(self, who: str, contract: Contract, unit_code: str) -> User:
        if who == "filer":
            return contract.filed_by
        if who == "manager":
            return next(user for user in self.people.sign_ins if user.username == "jj-manager")
        office = self.people.registrars if "registrar" in who else self.people.reviewers
        staff = [person for person in office[unit_code] if person.id != contract.filed_by_id]
        return staff[0] if who in ("registrar", "reviewer") else staff[-1]

    def _attach(self, contract: Contract, person: User, kind: str) -> None:
        """The paper of the case, as an upload would leave it; its one page need not be counted."""
        lines = (
            f"{PAPERS[kind]}（演示）",
            contract.title,
            str(local(contract.updated_at).date()),
            "演示文件，内容是生成的。",
        )
        content = one_page(lines)
        kept = self.store.keep(io.BytesIO(content), len(content), is_precious=False)
        name, line = f"{PAPERS[kind]}.pdf", contract.history[-1]
        contract.attachments.append(
            Attachment(
                case_id=contract.cases[-1].id,
                kind_code=kind,
                file_name=name,
                mime=FileKind.PDF.mime,
                size=kept.size,
                sha256=kept.sha256,
                uploaded_by_id=person.id,
                uploaded_at=line.at,
                version=1,
                page_count=1,
            )
        )
        line.answers = line.answers | {"paper": name}
        db.session.flush()
