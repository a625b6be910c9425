"""Reading what is under way: three statements, however many contracts there are."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import case, distinct, func, select

from contracts_app.accounts.models import User
from contracts_app.contracts.books.ledger import Figures
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.core.clock import day_edges
from contracts_app.core.db import db
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.models import Unit

from .pipeline import PENDING, Chance, Past, Pipeline, Stage, Waiting, chances, close
from .year import YearOverview

LOOKED_AT = 100  # contracts that a person may go through by name
CASES = 300  # the newest settled ones tell of today's office
SETTLED_AFTER = timedelta(days=120)  # longer than any limit with its corrections and experts


def pipeline(year: YearOverview, person: User, given: Mapping[State, Fraction]) -> Pipeline:
    """What is under way today in the person's region, with chances from the past or as given."""
    query = ContractQuery(states=PENDING, unit=year.only_unit)
    held = _held_against_task(year)
    gap = year.total.gap
    chance_of = chances(_past(year.on), given)
    likely = {state: chance.value for state, chance in chance_of.items()}
    waiting, is_cut = _likeliest(query, person, held, likely) if gap is not None and gap > 0 else ([], False)
    return Pipeline(
        stages=_stages(query, person, held, chance_of),
        query=query,
        gap=gap,
        closing=close(gap, waiting, likely) if gap is not None and gap > 0 else None,
        is_cut=is_cut,
    )


def _held_against_task(year: YearOverview) -> set[str]:
    """The units whose contracts count towards the task."""
    if year.task is None:
        return set()
    return {unit.code for unit in year.units if year.task.is_own or unit.target is not None}


def _stages(query: ContractQuery, person: User, held: set[str], chance_of: Mapping[State, Chance]) -> tuple[Stage, ...]:
    rows = db.session.execute(
        query.matching(person)
        .with_only_columns(
            Contract.state,
            Contract.unit_code,
            func.count(),
            func.sum(Contract.total_amount),
            func.sum(Contract.technology_amount),
            maintain_column_froms=True,
        )
        .group_by(Contract.state, Contract.unit_code)
    )
    found: dict[State, Figures] = {}
    towards: dict[State, Figures] = {}
    for state, unit, number, amount, technology in rows:
        counted = Figures(number, Decimal(amount), Decimal(technology))
        found[state] = found.get(state, Figures()) + counted
        if unit in held:
            towards[state] = towards.get(state, Figures()) + counted
    return tuple(
        Stage(
            chance_of[state],
            found.get(state, Figures()),
            towards.get(state, Figures()),
            ContractQuery(states=(state,), unit=query.unit),
        )
        for state in PENDING
    )


def _likeliest(
    query: ContractQuery, person: User, held: set[str], likely: Mapping[State, Fraction]
) -> tuple[list[Waiting], bool]:
    """The contracts under way that count towards the task and have a chance, the likeliest and of those the largest
    first, and whether there are more of them."""
    steps = sorted(set(likely.values()), reverse=True)
    places = {state: steps.index(chance) for state, chance in likely.items() if chance > 0}
    if not places:
        return [], False
    place = case({state.value: place for state, place in places.items()}, value=Contract.state)
    matching = query.matching(person).where(Contract.unit_code.in_(sorted(held)), Contract.state.in_(places))
    order = place, Contract.total_amount.desc(), Contract.id
    ids = matching.with_only_columns(Contract.id).order_by(*order).limit(LOOKED_AT + 1).subquery()
    rows: Any = db.session.execute(
        select(
            Contract.id,
            Contract.title,
            Contract.acceptance_number,
            Enterprise.name,
            Unit.name,
            Contract.state,
            Contract.total_amount,
            Contract.due_on,
        )
        .join(ids, ids.c.id == Contract.id)
        .outerjoin(Enterprise, Enterprise.id == Contract.seller_id)
        .outerjoin(Unit, Unit.code == Contract.unit_code)
        .order_by(*order)
    ).all()
    found = [
        Waiting(key, title or "未命名合同", number or "", seller or "", unit or "", state, amount, due_on)
        for key, title, number, seller, unit, state, amount, due_on in rows[:LOOKED_AT]
    ]
    return found, len(rows) > LOOKED_AT


def _past(on: date) -> dict[State, Past]:
    """Of the newest contracts that were submitted long enough ago to be settled, in every unit: a rate of the office
    says nothing of anybody's contract, and one county's cases would be too few."""
    submitted = select(HistoryLine.contract_id).where(
        HistoryLine.move == "submit", HistoryLine.at < day_edges(on - SETTLED_AFTER)[0]
    )
    cases = submitted.order_by(HistoryLine.at.desc()).limit(CASES).subquery()
    registered = distinct(HistoryLine.contract_id)
    reached = (
        select(
            HistoryLine.target,
            func.count(registered),
            func.count(registered).filter(Contract.registration_number.is_not(None)),
        )
        .join(cases, cases.c.contract_id == HistoryLine.contract_id)
        .join(Contract, Contract.id == HistoryLine.contract_id)
        .where(HistoryLine.target.in_(PENDING), Contract.state.not_in(PENDING))
        .group_by(HistoryLine.target)
    )
    return {state: Past(number, through) for state, number, through in db.session.execute(reached)}
