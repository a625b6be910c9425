"""试算: what a rule set would find about last year's registered contracts that their own set did not."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from contracts_app.accounts.models import User
from contracts_app.contracts.finding.queries import in_region_of
from contracts_app.contracts.models import Contract, ContractRight
from contracts_app.core.clock import local, year_edges
from contracts_app.core.db import db
from contracts_app.rules.models import RuleSet
from contracts_app.rules.queries import RuleFacts, rule_set_named, rules_of

from .checks import found_by
from .lookups import Lookups
from .predicates import Context

MOST = 2_000
BATCH = 200
EXAMPLES = 5


@dataclass(frozen=True)
class Line:
    """One rule of the tried set, how many contracts it would find anew, and the newest of them."""

    rule: RuleFacts
    contracts: int
    examples: Sequence[Contract]


@dataclass(frozen=True)
class Trial:
    """What trying a rule set showed. ``is_cut``: there were more contracts than are looked at."""

    rule_set: RuleSet
    year: int
    looked_at: int
    concerned: int
    is_cut: bool
    lines: Sequence[Line]


def try_on(rule_set: RuleSet, year: int, person: User, most: int = MOST) -> Trial:
    """Hold the newest contracts registered that year in the person's region against the set, as of their filing days.

    A finding is new when the contract's own set has none of that code. Changes nothing.
    """
    keys = _newest(year, person, most + 1)
    anew: dict[str, list[Contract]] = defaultdict(list)
    concerned = 0
    rules = rules_of(rule_set.code)
    for batch in _batches(keys[:most]):
        lookups = Lookups(batch)
        for contract in batch:
            found = _codes(contract, rule_set, lookups) - _codes(contract, _own(contract), lookups)
            concerned += bool(found)
            for code in found:
                anew[code].append(contract)
    lines = [Line(rule, len(anew[rule.code]), anew[rule.code][:EXAMPLES]) for rule in rules if rule.code in anew]
    lines.sort(key=lambda line: -line.contracts)
    return Trial(rule_set, year, len(keys[:most]), concerned, len(keys) > most, lines)


def _newest(year: int, person: User, most: int) -> Sequence[int]:
    wanted = select(Contract.id).where(Contract.registered_on.between(*year_edges(year)), in_region_of(person))
    return db.session.scalars(wanted.order_by(Contract.registered_on.desc(), Contract.id.desc()).limit(most)).all()


def _batches(keys: Sequence[int]) -> Iterator[Sequence[Contract]]:
    whole = (
        joinedload(Contract.seller),
        joinedload(Contract.buyer),
        joinedload(Contract.type),
        joinedload(Contract.ip),
        joinedload(Contract.goal),
        joinedload(Contract.payment_model),
        joinedload(Contract.filed_by),
        joinedload(Contract.licence_mode),
        selectinload(Contract.payments),
        selectinload(Contract.deductions),
        selectinload(Contract.rights).joinedload(ContractRight.ip),
        selectinload(Contract.attachments),
    )
    for start in range(0, len(keys), BATCH):
        wanted = select(Contract).where(Contract.id.in_(keys[start : start + BATCH])).options(*whole)
        order = (Contract.registered_on.desc(), Contract.id.desc())
        yield db.session.scalars(wanted.order_by(*order)).unique().all()


def _own(contract: Contract) -> RuleSet:
    return rule_set_named(contract.rule_set_code or "")


def _codes(contract: Contract, rule_set: RuleSet, lookups: Lookups) -> set[str]:
    day = local(contract.submitted_at).date() if contract.submitted_at else contract.created_at.date()
    context = Context(day, rule_set, lookups)
    return {finding.code for finding in found_by(rules_of(rule_set.code), contract, context)}
