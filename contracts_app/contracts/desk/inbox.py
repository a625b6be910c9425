"""待办: the contracts that wait for a person, what the guards of the moves say as a condition. Nothing here writes."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from contracts_app.accounts.models import StandIn, User, bound_ids
from contracts_app.accounts.roles import LENT
from contracts_app.brokers.models import Broker
from contracts_app.contracts.case_models import ContractCase
from contracts_app.contracts.cases import queue as case_queue
from contracts_app.contracts.finding.queries import in_region_of
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import IN_OFFICE, State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.db import db
from contracts_app.enterprises.models import Enterprise


def waiting_for(person: User) -> ColumnElement[bool]:
    """Contracts in a state in which the person has something to do: in their own office, or in one they hold."""
    return or_(false(), *(_waiting_as(capacity) for capacity in person.capacities(LENT)))


def _waiting_as(person: User | StandIn) -> ColumnElement[bool]:
    states = CONTRACT.waiting_for(person.own_roles & LENT) & IN_OFFICE
    return and_(Contract.state.in_(sorted(states)), in_region_of(person), _mine_to_decide(person))


def _mine_to_decide(person: User | StandIn) -> ColumnElement[bool]:
    """Leaves out what the person filed, brought about, reviewed or checked and somebody else must decide.

    Who holds a colleague's office is bound by what the colleague did as well: what the guards say, as a condition.
    """
    bound = sorted(bound_ids(person))
    own_deals = select(Broker.id).where(Broker.user_id.in_(bound))
    return and_(
        Contract.filed_by_id.not_in(bound),
        or_(Contract.broker_id.is_(None), Contract.broker_id.not_in(own_deals)),
        or_(Contract.state.not_in(_BY_A_SECOND), func.coalesce(Contract.reviewed_by_id, 0).not_in(bound)),
        or_(Contract.state != State.CHECKED, func.coalesce(Contract.checked_by_id, 0).not_in(bound)),
        case_queue.is_next_for(person),
    )


_BY_A_SECOND = (State.REVIEWED, State.EXPERT, State.CHECKED)


@dataclass(frozen=True)
class InboxLine:
    """One row of 待办: what to do next, and how much of the limit is used."""

    id: int
    version: int
    state: State
    title: str
    acceptance_number: str | None
    seller: str
    total_amount: Any
    submitted_at: Any
    due_on: date | None
    needs_third: bool
    needs_expert: bool
    expert_on: date | None
    case_opened_at: Any
    case_looked_at_by: int | None
    case_notified_on: date | None
    case_statement: str | None
    case_needs_expert: bool | None
    case_expert_on: date | None

    @property
    def begun_at(self) -> Any:
        """The moment from which its limit runs."""
        return self.case_opened_at or self.submitted_at

    @property
    def open_case(self) -> "CaseLine | None":
        """How far its open case is."""
        if self.case_opened_at is None:
            return None
        heard = self.case_notified_on is not None and bool(self.case_statement)
        return CaseLine(self.case_looked_at_by, heard, bool(self.case_needs_expert), self.case_expert_on)


@dataclass(frozen=True)
class CaseLine:
    """As much of an open case as tells which step is next."""

    reviewed_by_id: int | None
    was_heard: bool
    needs_expert: bool
    expert_on: date | None


def inbox(person: User) -> list[InboxLine]:
    """Everything that waits for this person, the nearest due date first. At most 500: nobody reads further."""
    rows: Any = db.session.execute(
        select(
            Contract.id,
            Contract.version,
            Contract.state,
            Contract.title,
            Contract.acceptance_number,
            Enterprise.name,
            Contract.total_amount,
            Contract.submitted_at,
            Contract.due_on,
            Contract.needs_third,
            Contract.needs_expert,
            Contract.expert_on,
            ContractCase.opened_at,
            ContractCase.reviewed_by_id,
            ContractCase.notified_on,
            ContractCase.statement,
            ContractCase.needs_expert,
            ContractCase.expert_on,
        )
        .join(Enterprise, Enterprise.id == Contract.seller_id)
        .outerjoin(ContractCase, and_(ContractCase.contract_id == Contract.id, ContractCase.outcome.is_(None)))
        .where(waiting_for(person))
        .order_by(Contract.due_on, Contract.id)
        .limit(500)
    )
    return [InboxLine(*row) for row in rows]


def inbox_count(person: User) -> int:
    """How many contracts wait for this person: the number in the menu."""
    return db.session.scalar(select(func.count()).select_from(Contract).where(waiting_for(person))) or 0


def next_in_inbox(person: User, after: Contract) -> int | None:
    """The id of the next contract that waits for this person, for going through the queue without returning to it."""
    return db.session.scalar(
        select(Contract.id)
        .where(waiting_for(person), Contract.id != after.id)
        .order_by(Contract.due_on, Contract.id)
        .limit(1)
    )
