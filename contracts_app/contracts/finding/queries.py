"""Which contracts a person may see, and reading one with all it has. Nothing here writes."""

from functools import cache

from flask import abort
from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import joinedload, lazyload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from contracts_app.accounts.models import Reader, StandIn, User
from contracts_app.accounts.permissions import GRANTS, READERS, Can
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.case_models import ContractCase
from contracts_app.contracts.models import Attachment, Contract, ContractRight, CorrectionItem, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from contracts_app.regions.models import Level
from contracts_app.regions.queries import codes_of_units

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
