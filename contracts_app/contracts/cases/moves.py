"""Change, cancellation, revocation and objection: what can happen to a contract after its registration was decided.

`workflow` adds these moves to its own. A case is opened, looked at or heard, and decided; figures change only with the
decision, by entries in the ledger. Source: domain facts 1.7 and 1.8.
"""

from typing import Any

from werkzeug.datastructures import FileStorage

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import Cause
from contracts_app.contracts.case_models import CaseKind, ContractCase, Outcome
from contracts_app.contracts.deciding import asks, effects, guards, large_moves, route
from contracts_app.contracts.facts import facts_of
from contracts_app.contracts.filing import actions
from contracts_app.contracts.finding.search import reindex
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES, Refused
from contracts_app.core.keeping.files import FileRefused
from contracts_app.core.words import Word
from contracts_app.core.workflow import Move
from contracts_app.rules.queries import setting, work_calendar

from . import asks as case_asks
from . import change_asks, changes
from . import guards as case_guards

FILERS = frozenset({Role.BROKER, Role.REGISTRAR})
REGISTRARS = frozenset({Role.REGISTRAR})
REVIEWERS = frozenset({Role.REVIEWER})
HEADS = frozenset({Role.REVIEWER, Role.MANAGER})
OFFICE = frozenset({Role.REGISTRAR, Role.REVIEWER})
DECIDING = (guards.is_in_region, guards.did_not_file)
ON_AN_APPLICATION = (*DECIDING, case_guards.did_not_open, case_guards.is_not_the_new_broker)
DECIDED = frozenset({State.REFUSED, State.REGISTERED})

SENTENCES.update(
    {
        "uq_contract_cases_open": "这份合同已经有一件变更、注销、撤销或异议在办，办结后再提出。",
        "opener_does_not_decide": "提出的人不能作决定，由别人办理。",
        "case_decided_by_second_person": "初核的人不能核准，由另一人办理。",
        "change_heard_experts": "变更后的金额达到专家审核标准，核准前先记录专家意见。",
        "uq_ledger_entries_registration": "这份合同已经计入统计，不能再计一次。",
    }
)


# ---- opening -------------------------------------------------------------------------------------------------------


def _open(contract: Contract, kind: CaseKind, person: User, answers: dict[str, Any], came_from: Word) -> ContractCase:
    """A case with what was said of it; its own limit begins to run."""
    case = ContractCase(
        kind=kind,
        opened_by=person,
        opened_by_id=person.id,
        opened_at=now_utc(),
        opened_from=came_from,
        ground_code=answers.get("ground_code"),
        grounds=answers.get("grounds") or "",
        event_on=answers.get("event_on"),
        authority=answers.get("authority") or "",
        has_benefits=answers.get("has_benefits"),
        benefits_note=answers.get("benefits_note") or "",
    )
    contract.cases.append(case)
    contract.due_on = work_calendar().add_workdays(today(), int(setting("case_days")))
    return case


def _keep_paper(contract: Contract, case: ContractCase, kind: str, person: User, answers: dict[str, Any]) -> None:
    """The paper goes with the case; the history keeps its name."""
    upload: FileStorage | None = answers.pop("paper", None)
    if not upload:
        return
    db.session.flush()  # the case gets its number
    try:
        file = actions.keep_file(contract, kind, upload.stream, upload.filename or "", person, case_id=case.id)
    except FileRefused as refused:
        raise Refused(str(refused)) from None
    answers["paper"] = file.file_name


def ask_for_change(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Keep what is to differ, as values and in words. The contract stays as it is until the change is granted."""
    asked = changes.differing(contract, {name: answers.pop(name) for name in changes.FIELDS if name in answers})
    if not asked:
        raise Refused("没有一项和登记的不同，改好要变更的内容再申请。")
    if found := changes.new_findings(contract, asked):
        raise Refused(*dict.fromkeys(one.sentence for one in found))
    case = _open(contract, CaseKind.CHANGE, person, answers, State.REGISTERED)
    case.proposal, case.changes = changes.kept(asked), changes.in_words(contract, asked)
    case.needs_third = changes.makes_large(contract, asked)
    case.needs_expert = changes.asks_for_experts(contract, asked)
    _keep_paper(contract, case, "amendment", person, answers)


def ask_for_cancellation(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    case = _open(contract, CaseKind.CANCELLATION, person, answers, State.REGISTERED)
    _keep_paper(contract, case, "rescission" if case.ground_code == "Z01" else "judgment", person, answers)


def open_investigation(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    case = _open(contract, CaseKind.REVOCATION, person, answers, State.REGISTERED)
    _keep_paper(contract, case, "evidence", person, answers)


def take_objection(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    came_from = State.REFUSED if contract.registration_number is None else State.REGISTERED
    case = _open(contract, CaseKind.OBJECTION, person, answers, came_from)
    _keep_paper(contract, case, "evidence", person, answers)


# ---- on the way ----------------------------------------------------------------------------------------------------


def _case(contract: Contract) -> ContractCase:
    case = contract.open_case
    if case is None:
        raise Refused("这件事已经办结，重新打开看最新状态。")
    return case


def keep_first_look(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    case = _case(contract)
    case.reviewed_by, case.reviewed_at, case.review_opinion = person, now_utc(), answers["opinion"]
    contract.updated_at = now_utc()  # what others see of it is stale from now on


def keep_hearing(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    case = _case(contract)
    case.notified_on, case.statement = answers["notified_on"], answers["statement"] or ""
    contract.updated_at = now_utc()


def keep_experts(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    _case(contract).expert_on = answers["expert_on"]
    contract.updated_at = now_utc()


# ---- the end -------------------------------------------------------------------------------------------------------


def _close(contract: Contract, outcome: Outcome, person: User | None, decision: str) -> ContractCase:
    """The end of a case: how, by whom and why. Its limit runs no more."""
    case = _case(contract)
    case.outcome, case.closed_at, case.decided_by, case.decision = outcome, now_utc(), person, decision
    contract.due_on = None
    return case


def _refuse_day(contract: Contract, answers: dict[str, Any]) -> None:
    if sentence := case_asks.why_not_counted_on(contract, answers["counts_on"]):
        raise Refused(f"{sentence}。")


def make_change(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """The contract gets its new answers; the original stays in the history; the ledger counts the difference."""
    _refuse_day(contract, answers)
    case = _close(contract, Outcome.GRANTED, person, answers.get("opinion") or "")
    case.counts_on = answers["counts_on"]
    asked, before = changes.asked_of(case.proposal), ledger.dimensions_of(contract)
    case.changes = answers["changes"] = changes.in_words(contract, asked)
    changes.make(contract, asked)
    if case.needs_third and not contract.needs_third:
        # As if it had been large from the beginning: checked by the second, decided by the third.
        contract.needs_third, contract.checked_by, contract.decided_by = True, contract.decided_by, person
    if case.needs_expert:
        contract.needs_expert, contract.expert_on = True, case.expert_on
    answers["facts"] = facts_of(contract)
    ledger.count_change(contract, before, case.counts_on)


def cancel(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    _strike_off(contract, Cause.CANCELLATION, person, answers, answers.get("opinion") or "")


def revoke(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    _strike_off(contract, Cause.REVOCATION, person, answers, answers["decision"])


def _strike_off(contract: Contract, cause: Cause, person: User, answers: dict[str, Any], why: str) -> None:
    """From the day of the decision on it counts no more. Its number is never given again."""
    _refuse_day(contract, answers)
    case = _close(contract, Outcome.GRANTED, person, why)
    case.counts_on = answers["counts_on"]
    ledger.strike_off(contract, cause, case.counts_on)


def deny(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    _close(contract, Outcome.DENIED, person, answers["decision"])


def take_back(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    _close(contract, Outcome.WITHDRAWN, None, answers.get("reason") or "")


def where_it_came_from(contract: Contract, answers: dict[str, Any]) -> Word:
    return _case(contract).opened_from


def where_the_objection_leads(contract: Contract, answers: dict[str, Any]) -> Word:
    came_from = _case(contract).opened_from
    if answers["outcome"] == case_asks.MAINTAIN:
        return came_from
    return State.ACCEPTED if came_from is State.REFUSED else State.REVOKING


def settle_objection(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Maintained: as before. Else a refusal is examined anew from its acceptance, a registration is looked into."""
    redo = answers["outcome"] == case_asks.REDO
    case = _close(contract, Outcome.GRANTED if redo else Outcome.DENIED, person, answers["decision"])
    if not redo:
        return
    if case.opened_from is State.REFUSED:
        contract.reviewed_by = contract.decided_by = contract.refusal = None
        contract.reviewed_by_id = contract.decided_by_id = contract.refusal_code = None
        limits = route.limits_of(contract, today())
        route.start_anew(contract)
        route.find(contract, limits)
        large = limits.is_large(total_amount=contract.total_amount, technology_amount=contract.technology_amount)
        contract.due_on = limits.due_on(today(), work_calendar(), is_large=large)
        reindex([contract])
        return
    grounds = {"ground_code": "V04", "grounds": answers["decision"], "event_on": today()}
    db.session.flush()  # one case is open at a time: the objection is closed before the investigation begins
    _open(contract, CaseKind.REVOCATION, person, grounds, State.REGISTERED)


# ---- the moves -----------------------------------------------------------------------------------------------------

MOVES = [
    Move(
        name="review_case",
        label="初核",
        done="初核意见已记录，由审核员核准。",
        explains="核对申请的事由、协议和所附材料，写明意见，由另一人核准。",
        icon="clipboard-check",
        tone="primary",
        sources=frozenset({State.CHANGING, State.CANCELLING}),
        roles=REGISTRARS,
        asks={"opinion": case_asks.first_opinion},
        guards=(*ON_AN_APPLICATION, case_guards.is_not_looked_at),
        effects=(keep_first_look, effects.write_audit),
    ),
    Move(
        name="record_change_expert",
        label="记录变更的专家意见",
        done="专家意见已记录，可以核准变更。",
        explains="变更后的金额达到专家审核标准：先送专家审核，录入人数、日期、结论和意见，再核准。",
        icon="journal-check",
        tone="primary",
        sources=frozenset({State.CHANGING}),
        roles=REVIEWERS,
        asks={
            "experts": large_moves.experts,
            "expert_on": large_moves.expert_on,
            "expert_conclusion": large_moves.expert_conclusion,
            "opinion": asks.opinion,
        },
        checks=case_asks.checks_expert,
        concerns=case_guards.asks_for_experts,
        guards=(
            *ON_AN_APPLICATION,
            case_guards.is_looked_at,
            case_guards.did_not_look,
            case_guards.experts_are_waited_for,
        ),
        effects=(keep_experts, effects.write_audit),
    ),
    Move(
        name="grant_change",
        label="核准变更",
        done="已核准变更，差额计入统计。",
        explains="核准后合同按申请变更，原登记内容保留在办理经过里；金额的差额计入下面填写的日期所在年度。",
        icon="patch-check",
        tone="primary",
        sources=frozenset({State.CHANGING}),
        target=State.REGISTERED,
        roles=HEADS,
        asks={"counts_on": case_asks.counts_on, "opinion": case_asks.opinion},
        checks=case_asks.checks_counting,
        guards=(
            *ON_AN_APPLICATION,
            case_guards.is_for_reviewers,
            case_guards.is_looked_at,
            case_guards.did_not_look,
            case_guards.experts_were_heard,
            case_guards.is_third_where_large,
        ),
        effects=(make_change, effects.write_audit),
    ),
    Move(
        name="grant_cancellation",
        label="核准注销",
        done="已核准注销，从统计中减去。",
        explains="核准后登记注销，登记编号不再使用；从下面填写的日期所在年度的统计中减去，以前年度的数不变。",
        icon="patch-minus",
        tone="danger",
        sources=frozenset({State.CANCELLING}),
        target=State.CANCELLED,
        roles=REVIEWERS,
        asks={"counts_on": case_asks.counts_on, "opinion": case_asks.opinion},
        checks=case_asks.checks_counting,
        guards=(*ON_AN_APPLICATION, case_guards.is_looked_at, case_guards.did_not_look),
        effects=(cancel, effects.write_audit),
    ),
    Move(
        name="deny_case",
        label="不予变更或注销",
        done="已作出不予变更（注销）的决定，登记保持原样。",
        explains="申请不符合规定的，写明理由，登记保持原样；申请人会看到理由。",
        icon="x-octagon",
        tone="danger",
        sources=frozenset({State.CHANGING, State.CANCELLING}),
        target=State.REGISTERED,
        roles=REVIEWERS,
        asks={"decision": case_asks.decision},
        guards=(*ON_AN_APPLICATION, case_guards.is_looked_at, case_guards.did_not_look),
        effects=(deny, effects.write_audit),
    ),
    Move(
        name="revoke",
        label="撤销登记",
        done="已撤销登记，从统计中减去。",
        explains="撤销后登记失效，登记编号不再使用；从下面填写的日期所在年度的统计中减去，并告知税务、财政等部门。",
        icon="slash-circle",
        tone="danger",
        sources=frozenset({State.REVOKING}),
        target=State.REVOKED,
        roles=HEADS,
        asks={"counts_on": case_asks.counts_on, "decision": case_asks.decision},
        checks=case_asks.checks_counting,
        guards=(*DECIDING, case_guards.did_not_open, case_guards.was_heard),
        effects=(revoke, effects.write_audit),
    ),
    Move(
        name="record_hearing",
        label="记录告知和陈述",
        done="告知和陈述已记录。",
        explains="撤销登记前，把拟撤销的事实、理由、依据和陈述、申辩的权利告知当事人，记录当事人的意见。",
        icon="chat-left-text",
        tone="primary",
        sources=frozenset({State.REVOKING}),
        roles=OFFICE,
        asks={"notified_on": case_asks.notified_on, "statement": case_asks.statement},
        checks=case_asks.checks_hearing,
        guards=(*DECIDING, case_guards.is_not_heard),
        effects=(keep_hearing, effects.write_audit),
    ),
    Move(
        name="close_revocation",
        label="终止调查",
        done="调查已终止，登记保持原样。",
        explains="事实不成立、不需要撤销的，写明理由终止调查，登记保持原样。",
        icon="arrow-counterclockwise",
        sources=frozenset({State.REVOKING}),
        target=State.REGISTERED,
        roles=HEADS,
        asks={"decision": case_asks.decision},
        guards=(*DECIDING, case_guards.did_not_open),
        effects=(deny, effects.write_audit),
        is_task=False,
    ),
    Move(
        name="decide_objection",
        label="作出异议决定",
        done="异议决定已作出，告知提出异议的人。",
        explains="由没有办理过这份合同的人决定：维持原决定，或者重新办理。",
        icon="check2-square",
        tone="primary",
        sources=frozenset({State.OBJECTION}),
        targets=frozenset({State.REFUSED, State.REGISTERED, State.ACCEPTED, State.REVOKING}),
        leads_to=where_the_objection_leads,
        roles=HEADS,
        asks={"outcome": case_asks.objection_outcome, "decision": case_asks.decision},
        guards=(*DECIDING, case_guards.did_not_open, case_guards.took_no_part),
        effects=(settle_objection, effects.write_audit),
    ),
    Move(
        name="ask_change",
        label="申请变更",
        done="变更申请已提交，由登记员初核、审核员核准。",
        explains="只改有变化的项，其余照登记的不动；附双方的变更协议。核准以前，登记和统计都不变。",
        icon="pencil-square",
        sources=frozenset({State.REGISTERED}),
        target=State.CHANGING,
        roles=FILERS,
        asks={
            "ground_code": case_asks.change_ground,
            "event_on": case_asks.amended_on,
            "grounds": case_asks.grounds,
            "paper": case_asks.amendment_file,
            **change_asks.ASKS,
            "has_benefits": case_asks.has_benefits,
            "benefits_note": case_asks.benefits_note,
        },
        checks=change_asks.checks_change,
        concerns=case_guards.is_applicant_or_counter,
        guards=(case_guards.may_apply,),
        effects=(ask_for_change, effects.write_audit),
        is_task=False,
    ),
    Move(
        name="ask_cancellation",
        label="申请注销",
        done="注销申请已提交，由登记员初核、审核员核准。",
        explains="合同解除、终止、被撤销或确认无效的申请注销；附解除协议或裁判文书。",
        icon="file-earmark-x",
        sources=frozenset({State.REGISTERED}),
        target=State.CANCELLING,
        roles=FILERS,
        asks={
            "ground_code": case_asks.cancellation_ground,
            "event_on": case_asks.ended_on,
            "grounds": case_asks.grounds,
            "paper": case_asks.ending_file,
            "has_benefits": case_asks.has_benefits,
            "benefits_note": case_asks.benefits_note,
        },
        checks=case_asks.checks_statement,
        concerns=case_guards.is_applicant_or_counter,
        guards=(case_guards.may_apply,),
        effects=(ask_for_cancellation, effects.write_audit),
        is_task=False,
    ),
    Move(
        name="withdraw_case",
        label="撤回变更或注销",
        done="申请已撤回，登记保持原样。",
        explains="撤回后登记保持原样；以后需要的，重新申请。",
        icon="x-circle",
        sources=frozenset({State.CHANGING, State.CANCELLING}),
        target=State.REGISTERED,
        roles=FILERS,
        asks={"reason": asks.reason},
        concerns=case_guards.opened_by,
        guards=(case_guards.is_opener,),
        effects=(take_back, effects.write_audit),
        is_task=False,
    ),
    Move(
        name="open_revocation",
        label="立案调查",
        done="已立案，撤销前须告知当事人并听取陈述。",
        explains="发现登记可能应当撤销的立案调查。调查期间登记仍然有效，照常计入统计。",
        icon="search",
        sources=frozenset({State.REGISTERED}),
        target=State.REVOKING,
        roles=REVIEWERS,
        asks={
            "ground_code": case_asks.revocation_ground,
            "event_on": case_asks.found_on,
            "grounds": case_asks.grounds_needed,
            "paper": case_asks.evidence_file,
        },
        checks=case_asks.checks_statement,
        guards=DECIDING,
        effects=(open_investigation, effects.write_audit),
        is_task=False,
    ),
    Move(
        name="object",
        label="提出异议",
        done="异议已提交，由没有办理过这份合同的人决定。",
        explains="对不予登记的决定，或者对认定的类型、核定的技术交易额有异议的，写明事实和理由。",
        icon="exclamation-diamond",
        sources=DECIDED,
        target=State.OBJECTION,
        roles=FILERS,
        asks={
            "ground_code": case_asks.objection_ground,
            "grounds": case_asks.grounds_needed,
            "paper": case_asks.objection_file,
        },
        checks=case_asks.checks_statement,
        concerns=guards.filed_by,
        guards=(guards.is_filer, case_guards.is_in_time, case_guards.is_not_answered),
        effects=(take_objection, effects.write_audit),
        is_task=False,
    ),
    Move(
        name="object_by_authority",
        label="转办机关异议",
        done="机关的异议已登记，由没有办理过这份合同的人决定。",
        explains="税务、财政等审核优惠的机关对认定有异议的，照来函登记。",
        icon="building-exclamation",
        sources=DECIDED,
        target=State.OBJECTION,
        roles=OFFICE,
        asks={
            "authority": case_asks.authority,
            "ground_code": case_asks.objection_ground,
            "grounds": case_asks.grounds_needed,
            "paper": case_asks.objection_file,
        },
        checks=case_asks.checks_statement,
        guards=DECIDING,
        effects=(take_objection, effects.write_audit),
        is_task=False,
    ),
    Move(
        name="withdraw_objection",
        label="撤回异议",
        done="异议已撤回，原决定不变。",
        explains="撤回后原决定不变；机关的异议由转办的人按机关来函撤回。",
        icon="x-circle",
        sources=frozenset({State.OBJECTION}),
        targets=DECIDED,
        leads_to=where_it_came_from,
        roles=FILERS | REVIEWERS,
        asks={"reason": asks.reason},
        concerns=case_guards.opened_by,
        guards=(case_guards.is_opener,),
        effects=(take_back, effects.write_audit),
        is_task=False,
    ),
]
