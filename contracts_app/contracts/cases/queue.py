"""Which open cases wait for a person: what the guards of the cases' moves say, as one condition."""

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy import case as sql_case

from contracts_app.accounts.models import StandIn, User, bound_ids
from contracts_app.accounts.roles import Role
from contracts_app.brokers.models import Broker
from contracts_app.contracts.case_models import CaseKind, ContractCase
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import State

OF_CASES = frozenset({State.CHANGING, State.CANCELLING, State.REVOKING, State.OBJECTION})


def is_next_for(person: User | StandIn) -> ColumnElement[bool]:
    """Contracts without an open case, and those whose case this person can bring on."""
    case, bound = ContractCase, sorted(bound_ids(person))
    by_other = case.opened_by_id.not_in(bound)
    own_brokers = select(Broker.id).where(Broker.user_id.in_(bound))
    not_for_oneself = func.coalesce(case.proposal["broker_id"].as_integer(), 0).not_in(own_brokers)
    asked = and_(case.kind.in_((CaseKind.CHANGE, CaseKind.CANCELLATION)), not_for_oneself)
    heard = and_(case.notified_on.is_not(None), case.statement != "")
    took_part = select(HistoryLine.id).where(
        HistoryLine.contract_id == Contract.id,
        or_(HistoryLine.by_id.in_(bound), func.coalesce(HistoryLine.for_id, 0).in_(bound)),
    )
    took_part = took_part.correlate(Contract)
    second = sql_case((Contract.needs_third, Contract.checked_by_id), else_=Contract.decided_by_id)
    third = and_(Contract.reviewed_by_id.not_in(bound), second.not_in(bound))
    unheard = and_(case.needs_expert, case.expert_on.is_(None))
    ways: list[ColumnElement[bool]] = []
    if person.has(Role.REGISTRAR):
        ways.append(and_(asked, by_other, case.reviewed_by_id.is_(None)))
    if person.has(Role.REVIEWER):
        ways.append(and_(asked, by_other, case.reviewed_by_id.not_in(bound), or_(unheard, ~case.needs_third, third)))
    elif person.has(Role.MANAGER):
        ways.append(and_(asked, by_other, case.reviewed_by_id.not_in(bound), case.needs_third, third, ~unheard))
    if person.has(Role.REGISTRAR, Role.REVIEWER):
        ways.append(and_(case.kind == CaseKind.REVOCATION, ~heard))
    if person.has(Role.REVIEWER, Role.MANAGER):
        ways.append(and_(case.kind == CaseKind.REVOCATION, heard, by_other))
        ways.append(and_(case.kind == CaseKind.OBJECTION, by_other, ~took_part.exists()))
    opened = select(case.id).where(case.contract_id == Contract.id, case.outcome.is_(None), or_(false(), *ways))
    opened = opened.correlate(Contract)  # a list may show the case beside the contract
    return or_(Contract.state.not_in(sorted(OF_CASES)), opened.correlate(Contract).exists())
