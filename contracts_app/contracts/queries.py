"""Every way the application reads contracts. Nothing here writes."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from flask import abort
from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import joinedload, lazyload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from contracts_app.accounts.models import Reader, StandIn, User, bound_ids
from contracts_app.accounts.permissions import GRANTS, READERS, Can
from contracts_app.accounts.roles import LENT, Role
from contracts_app.brokers.models import Broker
from contracts_app.core.db import db
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.models import Level
from contracts_app.regions.queries import codes_of_units

from . import case_queue
from .cases import ContractCase
from .ledger import LedgerEntry
from .models import Attachment, Contract, ContractRight, CorrectionItem, HistoryLine
from .states import IN_OFFICE, State
from .workflow import CONTRACT

Placed = type[Contract] | type[LedgerEntry]  # what has a unit, a town and somebody who filed it


def may_see(person: Reader, of: Placed = Contract) -> ColumnElement[bool]:
    """The one rule of which contracts a person may see. Lists, pages, totals and exports all start here.

    What somebody filed is always theirs to see. Office, managers and auditors see what was submitted in their region;
    a person of one town sees the contracts of that town. Another person's draft is nobody's business. Of the ledger a
    person may see what was counted where they may see contracts.
    """
    own = of.filed_by_id == person.id
    if not person.roles & READERS:
        return own if person.has(Role.BROKER) else false()
    inside = in_region_of(person, of)
    submitted_here = and_(Contract.state != State.DRAFT, inside) if of is Contract else inside
    if not person.roles & GRANTS[Can.FILE_CONTRACTS]:
        return submitted_here  # has filed nothing
    # Not to be looked up by index: two indexes put together would find half the table before a page is cut from it.
    return or_(submitted_here, func.coalesce(of.filed_by_id, 0) == person.id)


def in_region_of(person: Reader | StandIn, of: Placed = Contract) -> ColumnElement[bool]:
    """Contracts, or entries of the ledger, that belong to the person's region, whatever the contract's state."""
    if person.region.level == Level.TOWN:
        return of.town_code == person.region.code
    units = codes_of_units()
    inside = [code for code, path in units.items() if path.startswith(person.region.path)]
    if len(inside) == len(units):
        return of.unit_code.is_not(None)  # all of them: nothing to compare
    return of.unit_code == inside[0] if len(inside) == 1 else of.unit_code.in_(sorted(inside))


def sees_all_units(person: Reader) -> bool:
    """Whether the person's region holds every assessment unit: the city's people."""
    return person.region.level != Level.TOWN and all(
        path.startswith(person.region.path) for path in codes_of_units().values()
    )


def visible_to(person: User) -> Select[Contract]:
    """The contracts this person may see, to be narrowed further."""
    return select(Contract).where(may_see(person))


def one(contract_id: int, person: User) -> Contract:
    """One contract with everything its page shows; 404 when it does not exist or is not this person's to see."""
    statement = visible_to(person).where(Contract.id == contract_id).options(*_everything_shown())
    return db.session.scalars(statement).unique().one_or_none() or abort(404)


@cache
def _everything_shown() -> tuple[ExecutableOption, ...]:
    """What `one` loads along. Put together once: doing so for each page takes a tenth of the time of the whole."""
    # Of whom the page says the name only: their region and roles would be read at a question each.
    name = (lazyload(User.region), lazyload(User.grants))
    return (
        joinedload(Contract.seller),
        joinedload(Contract.buyer),
        joinedload(Contract.unit),
        joinedload(Contract.town),
        joinedload(Contract.broker),
        joinedload(Contract.filed_by),
        joinedload(Contract.reviewed_by).options(*name),
        joinedload(Contract.checked_by).options(*name),
        joinedload(Contract.decided_by).options(*name),
        joinedload(Contract.platform),
        joinedload(Contract.type),
        joinedload(Contract.field),
        joinedload(Contract.ip),
        joinedload(Contract.plan_source),
        joinedload(Contract.goal),
        joinedload(Contract.industry),
        joinedload(Contract.payment_model),
        joinedload(Contract.licence_mode),
        joinedload(Contract.refusal),
        joinedload(Contract.non_acceptance),
        joinedload(Contract.currency),
        selectinload(Contract.payments),
        selectinload(Contract.deductions),
        selectinload(Contract.rights).joinedload(ContractRight.ip),
        selectinload(Contract.attachments).options(
            joinedload(Attachment.kind), joinedload(Attachment.uploaded_by).options(*name)
        ),
        selectinload(Contract.history).options(
            joinedload(HistoryLine.by), joinedload(HistoryLine.for_whom).options(*name)
        ),
        selectinload(Contract.corrections).joinedload(CorrectionItem.asked_by).options(*name),
        selectinload(Contract.inputs),
        selectinload(Contract.cases).options(
            joinedload(ContractCase.opened_by).options(*name),
            joinedload(ContractCase.reviewed_by).options(*name),
            joinedload(ContractCase.decided_by).options(*name),
            joinedload(ContractCase.ground),
        ),
    )


def base_of(contract: Contract, person: User) -> Contract | None:
    """The contract that this one says it belongs to, if it is registered here and the person may see it."""
    if not contract.base_number:
        return None
    return db.session.scalar(visible_to(person).where(Contract.registration_number == contract.base_number))


def one_to_change(contract_id: int, person: User) -> Contract:
    """`one`, read only when nobody else is changing it: whoever comes second sees what the first has done.

    Without waiting, checks against other records would see the first one's work while this contract still looked as
    before, and tell a double click that its number belongs to another contract.
    """
    # SQLite has one writer at a time anyway and knows no such lock.
    db.session.execute(select(Contract.id).where(Contract.id == contract_id).with_for_update())
    return one(contract_id, person)


def attachment(contract_id: int, file_id: int, person: User) -> Attachment:
    """One file of a contract this person may see, also a replaced one; 404 otherwise.

    What was replaced before it was handed in is the filer's alone.
    """
    statement = (
        select(Attachment)
        .join(Contract, Contract.id == Attachment.contract_id)
        .where(Contract.id == contract_id, Attachment.id == file_id, may_see(person))
    )
    found = db.session.scalars(statement).one_or_none() or abort(404)
    if found.removed_at:
        contract = db.session.get_one(Contract, contract_id)
        if contract.filed_by_id != person.id and not contract.was_submitted(found):
            abort(404)
    return found


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
