"""Why a person may not make a move of a case, in a sentence; None when they may. Source: domain facts 1.7, 1.8."""

from datetime import date, timedelta

from contracts_app.accounts.models import StandIn, User, bound_ids
from contracts_app.accounts.roles import Role
from contracts_app.brokers.models import Broker
from contracts_app.contracts.case_models import CaseKind, Outcome
from contracts_app.contracts.deciding.guards import filed_by, is_in_region, who
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.core.clock import local, today
from contracts_app.core.db import db
from contracts_app.rules.queries import setting

Actor = User | StandIn


def is_applicant_or_counter(contract: Contract, person: Actor) -> bool:
    """The filer, or a registrar who takes the application at the counter of the office that registered it."""
    at_counter = person.has(Role.REGISTRAR) and is_in_region(contract, person) is None  # type: ignore[arg-type]
    return filed_by(contract, person) or at_counter  # type: ignore[arg-type]


def may_apply(contract: Contract, person: Actor) -> str | None:
    if is_applicant_or_counter(contract, person):
        return None
    return "由申报人本人申请，或者由原登记机构的登记员在窗口代为办理。"


def opened_by(contract: Contract, person: Actor) -> bool:
    case = contract.open_case
    return case is not None and case.opened_by_id == person.id


def is_opener(contract: Contract, person: Actor) -> str | None:
    return None if opened_by(contract, person) else "只有提出申请的人可以撤回。"


def did_not_open(contract: Contract, person: Actor) -> str | None:
    """Nobody looks into or decides on what they asked for themselves."""
    case = contract.open_case
    if case is None or case.opened_by_id not in bound_ids(person):
        return None
    return f"这件事是{who(person, case.opened_by_id)}提出的，须由别人办理。"


def is_not_looked_at(contract: Contract, person: Actor) -> str | None:
    case = contract.open_case
    return "已经初核，由审核员核准。" if case and case.reviewed_by_id else None


def is_looked_at(contract: Contract, person: Actor) -> str | None:
    case = contract.open_case
    return None if case and case.reviewed_by_id else "还没有初核，先由登记员初核。"


def did_not_look(contract: Contract, person: Actor) -> str | None:
    case = contract.open_case
    if case is None or case.reviewed_by_id is None or case.reviewed_by_id not in bound_ids(person):
        return None
    return f"初核是{who(person, case.reviewed_by_id)}做的，核准须由另一人办理。"


def is_for_reviewers(contract: Contract, person: Actor) -> str | None:
    """The head only comes in where a third person is needed."""
    case = contract.open_case
    third = case is not None and case.needs_third
    return None if third or person.has(Role.REVIEWER) else "这项变更没有达到大额审批标准，由审核员核准。"


def is_third_where_large(contract: Contract, person: Actor) -> str | None:
    """An amount that makes a contract large is granted by a third person (domain facts 1.4).

    That is neither the first nor the second who looked at the contract: who decided as the third may do it again.
    """
    case = contract.open_case
    if case is None or not case.needs_third:
        return None
    second = contract.checked_by_id if contract.needs_third else contract.decided_by_id
    took_part = bool({contract.reviewed_by_id, second} & bound_ids(person))
    return "变更后达到大额审批标准，须由没有初审、复核过这份合同的第三人核准。" if took_part else None


def asks_for_experts(contract: Contract, person: Actor) -> bool:
    case = contract.open_case
    return case is not None and case.needs_expert


def experts_are_waited_for(contract: Contract, person: Actor) -> str | None:
    case = contract.open_case
    if case is None or not case.needs_expert:
        return "这项变更没有达到专家审核标准，不用专家意见。"
    return "专家意见已经记录，可以核准变更。" if case.expert_on else None


def experts_were_heard(contract: Contract, person: Actor) -> str | None:
    """An amount that comes to the experts' threshold is granted after they were heard (domain facts 1.4)."""
    case = contract.open_case
    waits = case is not None and case.needs_expert and case.expert_on is None
    return "变更后的金额达到专家审核标准，核准前先“记录变更的专家意见”。" if waits else None


def is_not_the_new_broker(contract: Contract, person: Actor) -> str | None:
    """Nobody grants that a deal is put down to themselves; of the broker that is registered another guard speaks."""
    case = contract.open_case
    key = case.proposal.get("broker_id") if case else None
    broker = db.session.get(Broker, key) if key else None
    if broker is None or broker.user_id is None or broker.user_id not in bound_ids(person):
        return None
    return f"变更后{who(person, broker.user_id)}是这份合同的技术经纪人，须由别人办理。"


def was_heard(contract: Contract, person: Actor) -> str | None:
    """No revocation before the party was told of it and could speak."""
    case = contract.open_case
    return None if case and case.was_heard else "还没有告知当事人并记录陈述、申辩，先“记录告知和陈述”。"


def is_not_heard(contract: Contract, person: Actor) -> str | None:
    case = contract.open_case
    return "告知和陈述都已经记录，由别人作决定。" if case and case.was_heard else None


def took_no_part(contract: Contract, person: Actor) -> str | None:
    """An objection is decided by somebody who made no move on the contract before, also in a colleague's place."""
    bound = bound_ids(person)
    took_part = any({line.by_id, line.for_id} & bound for line in contract.history)
    return "你办理过这份合同，异议须由没有参与过的人决定。" if took_part else None


def is_in_time(contract: Contract, person: Actor) -> str | None:
    """The applicant objects within the limit that runs from the day of the decision."""
    days, decided = int(setting("objection_days")), decided_on(contract)
    if decided is None or today() <= decided + timedelta(days=days):
        return None
    return f"决定作出之日（{decided}）起 {days} 日内可以提出异议，现在已经超过。"


def is_not_answered(contract: Contract, person: Actor) -> str | None:
    """One objection of the applicant to one decision."""
    line = _decision(contract)
    answered = any(
        case.kind is CaseKind.OBJECTION
        and case.outcome in (Outcome.GRANTED, Outcome.DENIED)
        and not case.authority
        and (line is None or case.opened_at >= line.at)
        for case in contract.cases
    )
    return "对这项决定的异议已经有了决定，不能再次提出。" if answered else None


def decided_on(contract: Contract) -> date | None:
    """The day of the decision that can be objected to."""
    line = _decision(contract)
    return local(line.at).date() if line else contract.registered_on


def _decision(contract: Contract) -> HistoryLine | None:
    """The newest decision by which the contract is registered or refused; what only led back there is none.

    Nor is an application that was taken back: it would open the limit anew.
    """
    open_case = contract.open_case
    state = open_case.opened_from if open_case else contract.state
    back = (State.OBJECTION, State.REVOKING)
    return next(
        (
            line
            for line in reversed(contract.history)
            if line.target is state and line.source not in (*back, state) and line.move != "withdraw_case"
        ),
        None,
    )


# These look at how far the case is only, whoever the person is: what tells which step is next.
OF_THE_CASE = frozenset(
    {is_not_looked_at, is_looked_at, was_heard, is_not_heard, experts_are_waited_for, experts_were_heard}
)
