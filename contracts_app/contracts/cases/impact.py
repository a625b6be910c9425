"""What a decision on a case would do, before it is made: figures, completion, lists, benefits.

Reckoned from the very functions of the ledger that the decision uses, so that what is shown is what happens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import func, select

from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import Cause, Dimensions, Figures, LedgerEntry, Standing
from contracts_app.contracts.case_models import CaseKind, ContractCase
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import year_edges
from contracts_app.core.db import db
from contracts_app.regions.queries import units
from contracts_app.targets import queries as targets

from . import changes

AMOUNT = "total_amount"
ALL_UNITS = ""


@dataclass(frozen=True)
class Effect:
    """A year's total of one unit, or of all: as it is and as it would be. Completion is exact; None without a task."""

    name: str
    query: ContractQuery
    before: Figures
    after: Figures
    completion_before: Fraction | None
    completion_after: Fraction | None

    @property
    def step(self) -> Figures:
        """What the decision adds."""
        return self.after + -self.before


@dataclass(frozen=True)
class Moved:
    """A list that the contract would leave or enter."""

    leaves: bool
    query: ContractQuery


@dataclass(frozen=True)
class Impact:
    """Everything that a decision would change. ``effects`` is empty where no figure changes."""

    year: int
    effects: Sequence[Effect]
    lists: Sequence[Moved]
    has_benefits: bool | None
    benefits_note: str
    technology_amount: Decimal | None = None  # 技术交易额 as it would be, of a change
    verified: Decimal = Decimal(0)  # 元 of technology income that was verified by now

    @property
    def is_below_verified(self) -> bool:
        """Whether less 技术交易额 would be left than was verified already (domain facts 4.1)."""
        return self.technology_amount is not None and self.technology_amount < self.verified


def impact_of(contract: Contract, case: ContractCase, day: date) -> Impact | None:
    """What granting the case on that day would do; None for an objection, whose decision changes no figure."""
    if case.kind is CaseKind.OBJECTION:
        return None
    standing = ledger.standing_of(contract)
    wanted = _wanted(contract, case, standing)
    told = next((one for one in reversed(contract.cases) if one.has_benefits is not None), None)
    return Impact(
        day.year,
        _effects(ledger.difference(standing, wanted), day.year),
        [*_states(case), *_dimensions(standing, wanted)],
        told.has_benefits if told else None,
        told.benefits_note if told else "",
        sum((one.technology_amount for one in wanted.values()), Decimal(0)) if case.kind is CaseKind.CHANGE else None,
        _verified(contract),
    )


def _verified(contract: Contract) -> Decimal:
    own = select(func.sum(LedgerEntry.verified_income)).where(
        LedgerEntry.contract_id == contract.id, LedgerEntry.cause == Cause.VERIFICATION
    )
    return db.session.scalar(own) or Decimal(0)


def _wanted(contract: Contract, case: ContractCase, standing: Standing) -> Standing:
    if case.kind is not CaseKind.CHANGE:
        return ledger.NOTHING
    changed = changes.as_it_would_be(contract, changes.asked_of(case.proposal))
    return ledger.counted_after_change(standing, ledger.dimensions_of(contract), changed)


def _effects(steps: Sequence[tuple[Dimensions, Figures]], year: int) -> list[Effect]:
    """The year of each unit that is touched, and of all units together."""
    names = {unit.code: unit.name for unit in units()}
    now = _year(year)
    then = dict(now)
    for where, step in steps:
        then[where.unit_code] = then.get(where.unit_code, Figures()) + step
    tasks = {code: target.value for code, target in targets.targets_for(year, AMOUNT, list(names)).items()}
    touched = [code for code in names if code in {where.unit_code for where, _ in steps}]
    return [
        _effect(name, ContractQuery(year=year, unit=code or None), [code] if code else list(names), now, then, tasks)
        for code, name in [*((code, names[code]) for code in touched), *([(ALL_UNITS, "全市")] if touched else [])]
    ]


def _effect(
    name: str,
    query: ContractQuery,
    codes: Sequence[str],
    now: dict[str, Figures],
    then: dict[str, Figures],
    tasks: dict[str, Decimal],
) -> Effect:
    before, after = (sum((totals.get(code, Figures()) for code in codes), Figures()) for totals in (now, then))
    return Effect(name, query, before, after, _completion(codes, now, tasks), _completion(codes, then, tasks))


def _completion(codes: Sequence[str], totals: dict[str, Figures], tasks: dict[str, Decimal]) -> Fraction | None:
    """Amount over task, of those units that have one: as the year's page reckons it."""
    with_task = [code for code in codes if tasks.get(code)]
    if not with_task:
        return None
    amount = sum((totals.get(code, Figures()).total_amount for code in with_task), Decimal(0))
    return Fraction(amount) / Fraction(sum(tasks[code] for code in with_task))


def _year(year: int) -> dict[str, Figures]:
    """What every unit counts in a year, whoever asks."""
    rows = db.session.execute(
        select(
            LedgerEntry.unit_code,
            func.sum(LedgerEntry.contracts),
            func.sum(LedgerEntry.total_amount),
            func.sum(LedgerEntry.technology_amount),
        )
        .where(LedgerEntry.counts_on.between(*year_edges(year)))
        .group_by(LedgerEntry.unit_code)
    )
    return {unit: Figures(int(contracts), total, technology) for unit, contracts, total, technology in rows}


_ENDS = {CaseKind.CHANGE: State.REGISTERED, CaseKind.CANCELLATION: State.CANCELLED, CaseKind.REVOCATION: State.REVOKED}


def _states(case: ContractCase) -> list[Moved]:
    end = _ENDS[case.kind]
    return (
        []
        if end is State.REGISTERED
        else [Moved(True, ContractQuery(states=(State.REGISTERED,))), Moved(False, ContractQuery(states=(end,)))]
    )


# Dimension -> the filter of the list that it belongs to.
_FILTERS = {
    "type_code": "type",
    "field_code": "field",
    "platform_id": "platform",
    "broker_id": "broker",
    "payment_model_code": "payment_model",
    "amount_band": "band",
    "flow": "flow",
}


def _dimensions(standing: Standing, wanted: Standing) -> list[Moved]:
    """The lists by type, field, platform, broker and the like between which the contract would move."""
    before, after = (next(iter(each), None) for each in (standing, wanted))
    moved: list[Moved] = []
    for one in fields(Dimensions):
        old, new = (getattr(each, one.name) if each else None for each in (before, after))
        name = _FILTERS.get(one.name)
        if name is None or old == new:
            continue
        moved += [Moved(leaves, _list(name, value)) for leaves, value in ((True, old), (False, new)) if value]
    return moved


def _list(name: str, value: Any) -> ContractQuery:
    return ContractQuery(**{name: value})
