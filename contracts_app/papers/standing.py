"""How a registration stands and since when, in words that tell nothing else about it."""

from dataclasses import dataclass
from datetime import date

from contracts_app.contracts import validity
from contracts_app.contracts.case_models import CaseKind, ContractCase, Outcome
from contracts_app.contracts.models import Contract
from contracts_app.core.clock import local

_ENDED_BY = {validity.Standing.CANCELLED: CaseKind.CANCELLATION, validity.Standing.REVOKED: CaseKind.REVOCATION}


@dataclass(frozen=True)
class Standing:
    """``words``: 有效, 有效（第 2 次变更）, 已注销, 已撤销; ``on``: since which day it is so."""

    words: str
    on: date
    is_valid: bool
    revision: int = 0


def standing(contract: Contract) -> Standing:
    """Of a contract that has a number. While a case is open it stands as before."""
    assert contract.registered_on is not None
    kind = validity.standing(contract)
    assert kind is not None
    if kind in _ENDED_BY:
        ended = _decided_on(contract, _ENDED_BY[kind]) or local(contract.updated_at).date()
        return Standing(kind.label, ended, is_valid=False)
    if contract.revision:
        changed = _decided_on(contract, CaseKind.CHANGE) or contract.registered_on
        return Standing(f"有效（第 {contract.revision} 次变更）", changed, True, contract.revision)
    return Standing(kind.label, contract.registered_on, is_valid=True)


def _decided_on(contract: Contract, kind: CaseKind) -> date | None:
    """The day of the last decision of that kind that was granted."""
    granted = (case for case in reversed(contract.cases) if case.kind is kind and case.outcome is Outcome.GRANTED)
    return next((_day(case) for case in granted), None)


def _day(case: ContractCase) -> date | None:
    return case.counts_on or (local(case.closed_at).date() if case.closed_at else None)
