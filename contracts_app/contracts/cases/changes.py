"""A change of a registered contract: what was asked to differ, the contract as it would be, and making it so.

What is asked is kept as the values of the fields that differ, in the words of JSON; the contract itself stays as it is
until the change is granted. The rules of the contract's own rule set speak about the contract as it would be.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from contracts_app.contracts import amounts
from contracts_app.contracts.checking import checks
from contracts_app.contracts.deciding import route
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.facts import changes_of, facts_of
from contracts_app.contracts.filing import actions, rights
from contracts_app.contracts.finding.search import reindex
from contracts_app.contracts.models import Contract, ContractRight, Deduction, DeductionKind, PlannedPayment, plain
from contracts_app.contracts.questions import ALL_FIELDS, fields_asked
from contracts_app.core.clock import today
from contracts_app.rules.queries import reaches

# The answers a change may touch, by the type that JSON does not keep. The type and the seller stay: another type or
# another applicant is another registration.
OF_DETAILS: dict[str, type] = {
    "licence_territory": str,
    "licence_begins_on": date,
    "licence_ends_on": date,
    "equity_valuation": Decimal,
    "equity_share": Decimal,
    "equity_registered_on": date,
}
OF_PAYMENT: dict[str, type] = {
    "royalty_base": RoyaltyBase,
    "royalty_rate": Decimal,
    "royalty_rate_note": str,
    "royalty_begins_on": date,
    "royalty_ends_on": date,
    "royalty_floor": Decimal,
    "royalty_cap": Decimal,
    "may_inspect_books": bool,
    "royalty_estimate": Decimal,
    "free_until": date,
    "free_trigger": str,
}
FIELDS: dict[str, type] = {
    "title": str,
    "buyer_id": int,
    "content": str,
    "field_code": str,
    "begins_on": date,
    "ends_on": date,
    "rights": list,
    "licence_mode_code": str,
    **OF_DETAILS,
    "total_amount": Decimal,
    "foreign_amount": Decimal,
    "exchange_rate": Decimal,
    "exchange_rate_on": date,
    "exchange_rate_source": str,
    "is_price_open": bool,
    "deductions": list,
    "payments": list,
    **OF_PAYMENT,
    "payment_note": str,
    "platform_id": int,
    "broker_id": int,
    "broker_share": int,
}
PRICE = frozenset({"total_amount", "foreign_amount", "exchange_rate", "deductions"})  # what 技术交易额 follows from


def fields_of(contract: Contract) -> list[str]:
    """The answers a change of this contract may touch: those its type, price and way of paying ask for."""
    asked = fields_asked(contract)
    unasked = amounts.left_out(contract.payment_model, is_foreign=bool(contract.currency_code))
    concerns = {
        "total_amount": not contract.currency_code,  # else it follows from amount and rate
        "is_price_open": contract.is_price_open,  # a price once settled is not opened again
        "payments": contract.payment_model is None or "payments" not in unasked,
        # A free use that was agreed can be prolonged, whatever the way of paying is called.
        "free_until": "free_until" not in unasked or contract.free_until is not None,
    }
    return [
        name for name in FIELDS if concerns.get(name, name not in unasked and (name not in ALL_FIELDS or name in asked))
    ]


def differing(contract: Contract, answers: dict[str, Any]) -> dict[str, Any]:
    """Of these answers those that differ from what the contract says; a blank one takes the answer away."""
    asked = {name: _answer(name, answers[name]) for name in fields_of(contract) if name in answers}
    return {name: value for name, value in asked.items() if value != _present(contract, name)}


def _answer(name: str, value: Any) -> Any:
    """An answer as the contract would have it."""
    if name == "payments":
        return [_instalment(line) for line in value if any(line.values())]
    if name == "rights":
        return [line for line in value if any(line.values())]
    if name == "is_price_open":
        return bool(value)
    blank = Decimal(0) if name == "total_amount" else "" if FIELDS[name] is str and not name.endswith("_code") else None
    return blank if value in (None, "") else value


def _instalment(line: dict[str, Any]) -> tuple[date | None, str, Decimal]:
    return line["due_on"], line["condition"] or "", line["amount"] or Decimal(0)


def _present(contract: Contract, name: str) -> Any:
    if name == "payments":
        return [(line.due_on, line.condition, line.amount) for line in contract.payments]
    if name == "deductions":
        names = ("kind", "name", "amount", "is_subject", "note")
        return [{name: getattr(line, name) for name in names} for line in contract.deductions]
    if name == "rights":
        return [right.answers() for right in contract.rights]
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
    if not asked.keys() & PRICE:
        return False
    new = as_it_would_be(contract, asked)
    return reaches("third_person", total_amount=new.total_amount, technology_amount=new.technology_amount)


def asks_for_experts(contract: Contract, asked: dict[str, Any]) -> bool:
    """Whether the amount asked for comes to the experts' threshold, unless they were heard on one that did already.

    Only under rules that know large contracts, as at the registration (``route.find``).
    """
    if not asked.keys() & PRICE or route.limits_of(contract, today()).large_amount is None:
        return False
    old, new = (
        reaches("expert", total_amount=one.total_amount, technology_amount=one.technology_amount)
        for one in (contract, as_it_would_be(contract, asked))
    )
    return new and not (old and contract.expert_on)


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
    if name == "rights":
        return [_right(line) for line in value]
    kind = FIELDS[name]
    if value is None or kind in (str, int, bool):
        return value
    return date.fromisoformat(value) if kind is date else kind(value)


def _deduction(line: dict[str, Any]) -> dict[str, Any]:
    kinds = {kind.value: kind for kind in DeductionKind}
    return line | {"kind": kinds[line["kind"]], "amount": Decimal(line["amount"])}


def _right(line: dict[str, Any]) -> dict[str, Any]:
    blank = {"ip_code": None, "name": "", "number": "", "owner": "", "applied_on": None, "valid_until": None}
    days = {name: date.fromisoformat(line[name]) for name in ("applied_on", "valid_until") if line.get(name)}
    return blank | line | days


# ---- made so -------------------------------------------------------------------------------------------------------


def make(contract: Contract, asked: dict[str, Any]) -> None:
    """Give the contract these answers. The ledger is the caller's business."""
    known = _known(contract, asked)
    payments: list[PlannedPayment] | None = known.pop("payments", None)
    deductions: list[Deduction] | None = known.pop("deductions", None)
    kept_rights: list[ContractRight] | None = known.pop("rights", None)
    if payments is not None:
        actions.keep_plan(contract, payments)
    if deductions is not None:
        amounts.keep_deductions(contract, deductions)
    if kept_rights is not None:
        rights.keep_rights(contract, kept_rights)
    for name, value in known.items():
        setattr(contract, name, value)
    contract.revision += 1
    reindex([contract])
