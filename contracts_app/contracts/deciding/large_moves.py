"""What large and disputed contracts go through besides: experts are heard, and a third person decides (1.4, 1.8)."""

from datetime import date
from typing import Any

from wtforms import BooleanField, RadioField
from wtforms.validators import DataRequired, InputRequired

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.filing.detail_forms import WholeNumber
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import local, today
from contracts_app.core.errors import SENTENCES
from contracts_app.core.web.fields import DayField, choice_list
from contracts_app.core.workflow import Move

from . import asks, effects, guards, route

REVIEWERS = frozenset({Role.REVIEWER})
APPROVERS = REVIEWERS | {Role.MANAGER}
MOST_EXPERTS = 50

SENTENCES.update(
    {
        "large_has_third_decider": "大额合同要由初审、复核、审批三个人办理，由另一人审批。",
        "expert_was_heard": "达到专家审核标准的合同，登记前先记录专家意见。",
        "filer_does_not_check": "申报人不能复核自己申报的合同，由别人办理。",
    }
)


# ---- what is asked -------------------------------------------------------------------------------------------------


def experts(contract: Contract) -> Any:
    return WholeNumber(
        "专家人数",
        [InputRequired("填写参加审核的专家人数")],
        largest=MOST_EXPERTS,
        render_kw={"inputmode": "numeric"},
    )


def expert_on(contract: Contract) -> Any:
    return DayField("专家意见日期", [DataRequired("填写专家出具意见的日期")], default=today)


def expert_conclusion(contract: Contract) -> Any:
    return RadioField(
        "专家结论",
        [DataRequired("选择专家结论")],
        choices=choice_list([("register", "同意登记"), ("refuse", "不同意登记"), ("conditional", "有条件同意")]),
        validate_choice=False,
    )


def checks_expert(form: Any) -> None:
    """Experts are heard after the submission and not in the future; unless they plainly agree, they say why."""
    submitted = form.record.submitted_at
    checks_opinion(form, local(submitted).date() if submitted else None, "提交日期")


def checks_opinion(form: Any, first: date | None, what: str) -> None:
    """The same of experts who are heard from a day on; ``what`` that day is."""
    day, opinion = form.expert_on, form.opinion
    if day.data and day.data > today():
        day.errors = [*day.errors, f"专家意见日期不能晚于今天（{today()}）"]
    elif day.data and first and day.data < first:
        day.errors = [*day.errors, f"专家意见日期不能早于{what}（{first}）"]
    if form.expert_conclusion.data in ("refuse", "conditional") and not opinion.data:
        opinion.errors = [*opinion.errors, "写明专家不同意的理由，或者所附的条件"]


def looked_through(contract: Contract) -> Any:
    return BooleanField(
        "已复核：合同类型、技术交易额和扣除项逐项核对，同意初审意见。", [DataRequired("核对后勾选；有疑问的，退回初审")]
    )


# ---- what happens --------------------------------------------------------------------------------------------------


def give_longer_limit(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    contract.due_on = route.due_with_experts(contract, route.limits_of(contract, today()))


def keep_expert_opinion(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    contract.expert_on = answers["expert_on"]


def keep_check(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    contract.checked_by = person


def undo_check(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    contract.checked_by = None


# ---- the moves -----------------------------------------------------------------------------------------------------


def is_large(contract: Contract, person: User) -> bool:
    return contract.needs_third


SECOND = (guards.is_in_region, guards.did_not_file, guards.did_not_review)
THIRD = (*SECOND, guards.did_not_check)

MOVES = [
    Move(
        name="check",
        label="复核通过",
        done="复核已通过，转给第三人审批。",
        explains="这份合同达到大额审批标准：复核通过后，由申报人、经纪人、初审人、复核人以外的第三人审批登记。",
        icon="check2-square",
        tone="primary",
        sources=frozenset({State.REVIEWED}),
        target=State.CHECKED,
        roles=REVIEWERS,
        asks={"looked_through": looked_through, "opinion": asks.opinion},
        concerns=is_large,
        guards=(*SECOND, guards.needs_third, guards.expert_was_heard),
        effects=(keep_check, effects.write_audit),
        may_be_undone=True,
    ),
    Move(
        name="register_large",
        label="大额审批并登记",
        done="已审批登记，计入年度统计。",
        explains="审批同意后，照录国家系统给出的合同登记编号。登记后计入登记日期所在年度。",
        icon="patch-check",
        tone="primary",
        sources=frozenset({State.CHECKED}),
        target=State.REGISTERED,
        roles=APPROVERS,
        asks={
            "registration_number": asks.registration_number,
            "registered_on": asks.registered_on,
            "opinion": asks.opinion,
        },
        checks=asks.checks_registration,
        guards=(*THIRD, guards.expert_was_heard),
        effects=(effects.put_on_register, effects.write_audit),
    ),
    Move(
        name="return_check",
        label="退回复核",
        done="已退回复核。",
        explains="对复核意见有疑问的，写明理由退回审核员重新复核，期限不变。",
        icon="arrow-counterclockwise",
        sources=frozenset({State.CHECKED}),
        target=State.REVIEWED,
        roles=APPROVERS,
        asks={"reason": asks.reason},
        guards=THIRD,
        effects=(undo_check, effects.write_audit),
        may_be_undone=True,
    ),
    Move(
        name="send_to_expert",
        label="送专家审核",
        done="已送专家审核，期限按大额合同计算。",
        explains="达到专家审核标准的必须送；有争议或风险高的也可以送。期限改按大额合同的期限，从同一天起算。",
        icon="people",
        sources=frozenset({State.REVIEWED}),
        target=State.EXPERT,
        roles=REVIEWERS,
        asks={"reason": asks.reason},
        guards=SECOND,
        effects=(give_longer_limit, effects.write_audit),
        may_be_undone=True,
    ),
    Move(
        name="record_expert",
        label="记录专家意见",
        done="专家意见已记录，回到复核。",
        explains="录入专家审核的人数、日期、结论和意见；录入后由审核员继续复核。",
        icon="journal-check",
        tone="primary",
        sources=frozenset({State.EXPERT}),
        target=State.REVIEWED,
        roles=REVIEWERS,
        asks={
            "experts": experts,
            "expert_on": expert_on,
            "expert_conclusion": expert_conclusion,
            "opinion": asks.opinion,
        },
        checks=checks_expert,
        guards=SECOND,
        effects=(keep_expert_opinion, effects.write_audit),
        may_be_undone=True,
    ),
]
