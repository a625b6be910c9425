"""A change of a registered contract: what was asked to differ, the contract as it would be, and making it so.

What is asked is kept as the values of the fields that differ, in the words of JSON; the contract itself stays as it is
until the change is granted. The rules of the contract's own rule set speak about the contract as it would be.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from contracts_app.core.clock import today
from contracts_app.rules.queries import reaches

from . import actions, amounts, checks
from .facts import changes_of, facts_of
from .models import Contract, Deduction, DeductionKind, PlannedPayment, plain
from .search import reindex

# The answers a change may touch, by the type that JSON does not keep. The type and the seller stay: another type or
# another applicant is another registration.
FIELDS: dict[str, type] = {
    "title": str,
    "buyer_id": int,
    "content": str,
    "field_code": str,
    "begins_on": date,
    "ends_on": date,
    "total_amount": Decimal,
    "foreign_amount": Decimal,
    "exchange_rate": Decimal,
    "exchange_rate_on": date,
    "exchange_rate_source": str,
    "is_price_open": bool,
    "deductions": list,
    "payments": list,
    "free_until": date,
    "payment_note": str,
}


def differing(contract: Contract, answers: dict[str, Any]) -> dict[str, Any]:
    """Of these answers those that differ from what the contract says; what was not asked says None."""
    asked = {name: value for name in FIELDS if (value := answers.get(name)) is not None and _is_answer(name, value)}
    if "payments" in asked:
        asked["payments"] = [_instalment(line) for line in asked["payments"] if any(line.values())]
    if contract.currency_code:
        asked.pop("total_amount", None)
    return {name: value for name, value in asked.items() if value != _present(contract, name)}


def _is_answer(name: str, value: Any) -> bool:
    return value != "" or FIELDS[name] is str


def _instalment(line: dict[str, Any]) -> tuple[date | None, str, Decimal]:
    return line["due_on"], line["condition"] or "", line["amount"] or Decimal(0)


def _present(contract: Contract, name: str) -> Any:
    if name == "payments":
        return [(line.due_on, line.condition, line.amount) for line in contract.payments]
    if name == "deductions":
        names = ("kind", "name", "amount", "is_subject", "note")
        return [{name: getattr(line, name) for name in names} for line in contract.deductions]
    return getattr(contract, name)


def price_of(contract: Contract, asked: dict[str, Any]) -> Decimal:
    """元 that the contract would cost with these answers."""
    if not contract.currency_code:
        return asked.get("total_amount", contract.total_amount)
    amount, rate = (asked.get(name, getattr(contract, name)) for name in ("foreign_amount", "exchange_rate"))
    return amounts.in_cny(amount, rate)


def as_it_would_be(contract: Contract, asked: dict[str, Any]) -> Contract:
    """The contract with these answers, to be looked at and never saved. Its office and town stay."""
    return actions.proposal(contract, _known(contract, asked))


def _known(contract: Contract, asked: dict[str, Any]) -> dict[str, Any]:
    """The answers with what follows from them: records, the price in CNY, the technology amount."""
    whole = dict(asked)
    if {"foreign_amount", "exchange_rate"} & asked.keys():
        names = ("currency_code", "foreign_amount", "exchange_rate")
        whole = {name: getattr(contract, name) for name in names} | whole
    if {"total_amount", "foreign_amount", "exchange_rate"} & asked.keys() and "deductions" not in whole:
        whole["deductions"] = _present(contract, "deductions")
    known = actions.with_related(contract, whole)
    for name in ("unit", "unit_code", "town_code"):
        known.pop(name, None)  # registered once, at one office (domain facts 1.1)
    return known


def new_findings(contract: Contract, asked: dict[str, Any]) -> list[checks.Finding]:
    """What the change would bring about that a rule forbids; what was so before is no matter of the change."""
    before = {(one.code, one.field) for one in checks.findings(contract, today())}
    after = checks.findings(as_it_would_be(contract, asked), today())
    return [one for one in after if one.level is checks.Level.ERROR and (one.code, one.field) not in before]


def makes_large(contract: Contract, asked: dict[str, Any]) -> bool:
    """Whether another amount is asked for that needs a third person, as a large contract does at its registration."""
    if not asked.keys() & {"total_amount", "foreign_amount", "exchange_rate", "deductions"}:
        return False
    new = as_it_would_be(contract, asked)
    return reaches("third_person", total_amount=new.total_amount, technology_amount=new.technology_amount)


def in_words(contract: Contract, asked: dict[str, Any]) -> dict[str, list[str]]:
    """What would differ: field -> [old, new]."""
    return changes_of(facts_of(contract), facts_of(as_it_would_be(contract, asked)))


# ---- kept as JSON --------------------------------------------------------------------------------------------------


def kept(asked: dict[str, Any]) -> dict[str, Any]:
    """The answers as the case keeps them."""
    return {name: plain({name: value}).get(name, "" if value == "" else value) for name, value in asked.items()}


def asked_of(proposal: dict[str, Any]) -> dict[str, Any]:
    """What `kept` kept, each value in its own type again."""
    return {name: _typed(name, value) for name, value in proposal.items()}


def _typed(name: str, value: Any) -> Any:
    if name == "payments":
        return [
            (date.fromisoformat(day) if day else None, condition, Decimal(amount)) for day, condition, amount in value
        ]
    if name == "deductions":
        blank = {"kind": None, "name": "", "amount": "0", "is_subject": False, "note": ""}
        return [_deduction(blank | line) for line in value]
    kind = FIELDS[name]
    if value is None or kind in (str, int, bool):
        return value
    return date.fromisoformat(value) if kind is date else kind(value)


def _deduction(line: dict[str, Any]) -> dict[str, Any]:
    kinds = {kind.value: kind for kind in DeductionKind}
    return line | {"kind": kinds[line["kind"]], "amount": Decimal(line["amount"])}


# ---- made so -------------------------------------------------------------------------------------------------------


def make(contract: Contract, asked: dict[str, Any]) -> None:
    """Give the contract these answers. The ledger is the caller's business."""
    known = _known(contract, asked)
    payments: list[PlannedPayment] | None = known.pop("payments", None)
    deductions: list[Deduction] | None = known.pop("deductions", None)
    if payments is not None:
        actions.keep_plan(contract, payments)
    if deductions is not None:
        amounts.keep_deductions(contract, deductions)
    for name, value in known.items():
        setattr(contract, name, value)
    contract.revision += 1
    reindex([contract])
