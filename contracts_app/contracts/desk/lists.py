"""The rows of the lists: 技术合同, 我的合同, 待办, 已办. Columns only, found by their ids first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, union
from sqlalchemy.orm import aliased

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import ContractType, RefusalReason
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.cases.guards import OF_THE_CASE
from contracts_app.contracts.deciding.guards import OF_THE_ROUTE
from contracts_app.contracts.finding.queries import in_region_of, may_see, visible_to
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.models import Attachment, Contract, CorrectionItem, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import day_edges, month_edges, today
from contracts_app.core.db import db
from contracts_app.core.web.pages import Page, Sort, cut, ordered, page_of, sort_from
from contracts_app.core.workflow import Move
from contracts_app.enterprises.models import Enterprise

from .due import Due, Dues, Level
from .inbox import InboxLine, inbox

ORDERS: Mapping[str, Any] = {
    "updated": Contract.updated_at,
    "amount": Contract.total_amount,
    "technology": Contract.technology_amount,
    "signed": Contract.signed_on,
    "registered": Contract.registered_on,
}
COUNTED_ORDERS: Mapping[str, Any] = {  # the same of a year's list
    "updated": LedgerEntry.recorded_at,
    "amount": LedgerEntry.total_amount,
    "technology": LedgerEntry.technology_amount,
    "signed": Contract.signed_on,
    "registered": LedgerEntry.counts_on,
    "received": LedgerEntry.received_amount,
    "verified": LedgerEntry.verified_income,
}


@dataclass(frozen=True)
class Amount:
    """An amount that a list shows: its name in rows and sums, its word, and the order it can be sorted by."""

    name: str
    label: str
    sort: str


_OF_DEALS = (Amount("total_amount", "成交额", "amount"), Amount("technology_amount", "技术交易额", "technology"))
_OF_MONEY = (Amount("received_amount", "到账额", "received"), Amount("verified_income", "核定技术性收入", "verified"))


def amounts_of(of_money: bool) -> tuple[Amount, Amount]:
    """The two amounts of a list: of what was registered, or of money that came in and was verified later."""
    return _OF_MONEY if of_money else _OF_DEALS


OLDEST_LAST, COUNTED_LAST_FIRST = "-updated", "-registered"

_seller, _buyer, _root = aliased(Enterprise), aliased(Enterprise), aliased(ContractType)


def sort_of(text: str | None, query: ContractQuery) -> Sort:
    """The sort an address asks for, else what was changed last comes first; of a year, what was counted last."""
    if query.is_counted:
        return sort_from(text, COUNTED_ORDERS, COUNTED_LAST_FIRST)
    return sort_from(text, ORDERS, OLDEST_LAST)


def contracts(query: ContractQuery, person: User, *, sort: Sort, number: int, size: int, total: int) -> Page[Any]:
    """A page of what matches, of ``total`` rows in all: contracts, or what was counted in a year."""
    orders, key = (COUNTED_ORDERS, LedgerEntry.id) if query.is_counted else (ORDERS, Contract.id)
    return page_of(
        db.session(),
        query.matching(person, with_contract=sort.key == "signed"),
        show=_shown_counted() if query.is_counted else _shown(),
        key=key,
        order=ordered(sort, orders, key),
        number=number,
        size=size,
        total=total,
    )


def every(query: ContractQuery, person: User, sort: Sort, most: int) -> Select[Any]:
    """The rows of all pages, ``most`` of them at most, with the kinds of the two parties beside their names."""
    orders, key = (COUNTED_ORDERS, LedgerEntry.id) if query.is_counted else (ORDERS, Contract.id)
    show = _shown_counted() if query.is_counted else _shown()
    return cut(
        query.matching(person, with_contract=sort.key == "signed"),
        show=show.add_columns(_seller.party_type_code.label("seller_kind"), _buyer.party_type_code.label("buyer_kind")),
        key=key,
        order=ordered(sort, orders, key),
        limit=most,
    )


def _shown() -> Select[Any]:
    """What a row of a list shows."""
    rows = select(*_columns(Contract), RefusalReason.name.label("refusal")).select_from(Contract)
    return _beside(rows, Contract).outerjoin(RefusalReason, RefusalReason.code == Contract.refusal_code)


def _shown_counted() -> Select[Any]:
    """The same of an entry of the ledger, as it was counted: why, when, and for how many contracts.

    With the page's ids that makes eight tables: of more PostgreSQL takes the order in which they stand, and would join
    the whole ledger before it cuts a page from it.
    """
    money = (LedgerEntry.received_amount, LedgerEntry.verified_income)
    counted = (LedgerEntry.cause, LedgerEntry.counts_on, LedgerEntry.contracts.label("counted"), *money)
    rows = select(*_columns(LedgerEntry), *counted).select_from(LedgerEntry)
    rows = rows.outerjoin(Contract, Contract.id == LedgerEntry.contract_id)
    return _beside(rows, LedgerEntry)


def _columns(of: Any) -> list[Any]:
    """Amounts as the contract has them, or as an entry counts them."""
    return [
        Contract.id,
        Contract.state,
        Contract.title,
        Contract.acceptance_number,
        Contract.registration_number,
        _seller.name.label("seller"),
        _buyer.name.label("buyer"),
        ContractType.name.label("type"),
        _root.name.label("root_type"),
        of.total_amount,
        of.technology_amount,
        Contract.submitted_at,
        Contract.due_on,
        Contract.signed_on,
        Contract.registered_on,
        Contract.updated_at,
        Contract.is_price_open,
        Broker.name.label("broker"),
    ]


def _beside(rows: Select[Any], of: Any) -> Select[Any]:
    """The names of what the rows name by code or id; type and broker as they were counted."""
    return (
        rows.outerjoin(_seller, _seller.id == Contract.seller_id)
        .outerjoin(_buyer, _buyer.id == Contract.buyer_id)
        .outerjoin(ContractType, ContractType.code == of.type_code)
        .outerjoin(_root, _root.code == ContractType.parent_code)
        .outerjoin(Broker, Broker.id == of.broker_id)
    )


def open_corrections(contract_ids: Sequence[int]) -> dict[int, list[CorrectionItem]]:
    """What is still asked of the applicants of these contracts, in one statement."""
    wanted = (
        select(CorrectionItem)
        .where(CorrectionItem.contract_id.in_(contract_ids), CorrectionItem.answered_at.is_(None))
        .order_by(CorrectionItem.id)
    )
    found: dict[int, list[CorrectionItem]] = {}
    for item in db.session.scalars(wanted):
        found.setdefault(item.contract_id, []).append(item)
    return found


# ---- 待办 -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """A line of 待办 with its limit and the move that is next."""

    line: InboxLine
    due: Due | None
    step: Move


def tasks(person: User, dues: Dues) -> list[Task]:
    """Everything that waits for this person, the nearest due date first."""
    return [
        Task(line, dues(line.begun_at, line.due_on), step)
        for line in inbox(person)
        if (step := next_step(line, person))
    ]


def next_step(record: Contract | InboxLine, person: User) -> Move | None:
    """The one move a person is expected to make next: the first declared that the contract's way does not forbid."""
    return next(
        (
            move
            for move in tasks_in(record.state, person)
            if not any(guard(record, person) for guard in move.guards if guard in OF_THE_ROUTE | OF_THE_CASE)
        ),
        None,
    )


def tasks_in(state: State, person: User) -> list[Move]:
    """The moves of a state that make it a task for somebody of these roles, in the order of their declaration."""
    return [
        move
        for move in CONTRACT
        if move.is_task and state in move.sources and move.roles & person.roles and is_of_office(move)
    ]


def is_of_office(move: Move) -> bool:
    """Whether a move is the office's and not the applicant's."""
    return Role.BROKER not in move.roles


@dataclass(frozen=True)
class Narrowed:
    """Part of 待办: those of one step, of one colour, or all."""

    step: State | None = None
    level: Level | None = None

    def of(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks that belong to it."""
        return [
            task
            for task in tasks
            if self.step in (None, task.line.state)
            and (self.level is None or (task.due and task.due.level is self.level))
        ]


def waiting_for_applicants(person: User) -> ColumnElement[bool]:
    """Contracts of the person's region that were sent back and not answered yet."""
    return and_(Contract.state == State.CORRECTION, in_region_of(person))


def corrections(person: User, number: int, size: int) -> Page[Any]:
    """A page of those contracts, the one that waits longest first, with the moment it was sent back."""
    asked_at = (
        select(func.max(CorrectionItem.asked_at)).where(CorrectionItem.contract_id == Contract.id).scalar_subquery()
    )
    return page_of(
        db.session(),
        select(Contract).where(waiting_for_applicants(person)),
        show=_shown().add_columns(asked_at.label("asked_at")),
        key=Contract.id,
        order=[asked_at.asc(), Contract.id.asc()],
        number=number,
        size=size,
    )


def sum_of(condition: ColumnElement[bool]) -> tuple[int, Decimal]:
    """How many contracts meet a condition, and their 成交额 in 元."""
    count, total = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Contract.total_amount), 0)).select_from(Contract).where(condition)
    ).one()
    return count, Decimal(total)


def neighbours(person: User, contract: Contract) -> tuple[int | None, int | None]:
    """The contracts before and after this one in the person's 待办, by id; None at its ends and outside it."""
    ids = [line.id for line in inbox(person)]
    if contract.id not in ids:
        return None, None
    place = ids.index(contract.id)
    return (ids[place - 1] if place else None), (ids[place + 1] if place + 1 < len(ids) else None)


# ---- 已办 -----------------------------------------------------------------------------------------------------------


def decided_by(person: User, first: date | None = None, last: date | None = None) -> list[ColumnElement[bool]]:
    """Conditions on the history: what this person decided for the office between two days, both included."""
    moves = [move.name for move in CONTRACT if is_of_office(move)]
    conditions = [HistoryLine.by_id == person.id, HistoryLine.move.in_(moves)]
    if first:
        conditions.append(HistoryLine.at >= day_edges(first)[0])
    if last:
        conditions.append(HistoryLine.at < day_edges(last)[1])
    return conditions


@dataclass(frozen=True)
class Decided:
    """What somebody decided: how often, about how many contracts, and their 成交额 (元), each contract once."""

    decisions: int
    contracts: int
    total_amount: Decimal


def decided(person: User, first: date | None, last: date | None) -> Decided:
    """The count and the sum below 已办."""
    conditions = [*decided_by(person, first, last), may_see(person)]
    times = db.session.scalar(
        select(func.count())
        .select_from(HistoryLine)
        .join(Contract, Contract.id == HistoryLine.contract_id)
        .where(*conditions)
    )
    ids = select(HistoryLine.contract_id).where(*decided_by(person, first, last))
    count, total = sum_of(and_(Contract.id.in_(ids), may_see(person)))
    return Decided(times or 0, count, total)


def decisions(person: User, first: date | None, last: date | None, *, number: int, size: int, total: int) -> Page[Any]:
    """A page of what somebody decided, the newest first."""
    matching = (
        select(HistoryLine)
        .join(Contract, Contract.id == HistoryLine.contract_id)
        .where(*decided_by(person, first, last), may_see(person))
    )
    show: Any = (
        select(
            HistoryLine.id.label("line_id"),
            HistoryLine.at,
            HistoryLine.move,
            Contract.id,
            Contract.title,
            Contract.acceptance_number,
            Contract.state,
            _seller.name.label("seller"),
            Contract.total_amount,
        )
        .join(Contract, Contract.id == HistoryLine.contract_id)
        .outerjoin(_seller, _seller.id == Contract.seller_id)
    )
    return page_of(
        db.session(),
        matching,
        show=show,
        key=HistoryLine.id,
        order=[HistoryLine.at.desc(), HistoryLine.id.desc()],
        number=number,
        size=size,
        total=total,
    )


def decided_this_month(person: User) -> int:
    """How many decisions this person made since the first of the month."""
    day = today()
    conditions = decided_by(person, *month_edges(day.year, day.month))
    return db.session.scalar(select(func.count()).select_from(HistoryLine).where(*conditions)) or 0


# ---- beside one contract -------------------------------------------------------------------------------------------

_A_FEW = 5
_LOOKED_AT = 50


def earlier_of_parties(contract: Contract, person: User) -> Sequence[Row[Any]]:
    """The newest few other contracts of the same seller or buyer that this person may see; both alike first."""
    both = and_(Contract.seller_id == contract.seller_id, Contract.buyer_id == contract.buyer_id)
    either = or_(Contract.seller_id == contract.seller_id, Contract.buyer_id == contract.buyer_id)
    wanted = _ids(visible_to(person).where(either, Contract.id != contract.id), both.desc(), Contract.id.desc())
    return db.session.execute(_shown().where(Contract.id.in_(wanted)).order_by(both.desc(), Contract.id.desc())).all()


def possible_duplicates(contract: Contract, person: User) -> Sequence[Row[Any]]:
    """Other contracts with the same parties and amount, or with the very same contract file."""
    same_deal = and_(
        Contract.seller_id == contract.seller_id,
        Contract.buyer_id == contract.buyer_id,
        Contract.total_amount == contract.total_amount,
    )
    hashes = [file.sha256 for file in contract.current_attachments if file.kind_code == "contract"]
    with_file = select(Attachment.contract_id).where(
        Attachment.sha256.in_(hashes), Attachment.kind_code == "contract", Attachment.removed_at.is_(None)
    )
    same_file = with_file.where(Attachment.contract_id == Contract.id).correlate(Contract).exists()
    # Each way of being alike from its own index, and never more than can be looked at.
    suspects = union(
        select(Contract.id).where(same_deal).order_by(Contract.id.desc()).limit(_LOOKED_AT).subquery().select(),
        with_file.order_by(Attachment.contract_id.desc()).limit(_LOOKED_AT).subquery().select(),
    )
    wanted = _ids(
        visible_to(person).where(
            Contract.id.in_(suspects), Contract.id != contract.id, Contract.state != State.WITHDRAWN
        ),
        Contract.id.desc(),
    )
    shown = _shown().add_columns(same_file.label("same_file"))
    return db.session.execute(shown.where(Contract.id.in_(wanted)).order_by(Contract.id.desc())).all()


def _ids(matching: Select[Any], *order: ColumnElement[Any]) -> Select[Any]:
    few = matching.with_only_columns(Contract.id).order_by(*order).limit(_A_FEW).subquery()
    return select(few.c.id)
