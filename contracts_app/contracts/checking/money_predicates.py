"""The tests that the rules name about the price and how it is paid: see `predicates`. Domain facts 3.4, 4.1, 4.2."""

from datetime import timedelta

from contracts_app.contracts import amounts
from contracts_app.contracts.models import Contract
from contracts_app.core import money
from contracts_app.rules.predicates import Said, predicate

from .predicates import Context


def _is_blank(contract: Contract, field: str) -> bool:
    return getattr(contract, field) in (None, "")


# ---- the price ------------------------------------------------------------------------------------------------------


@predicate()
def total_is_missing(contract: Contract, context: Context) -> Said:
    """No price, and it is not said to be open; a price in foreign currency is missing in its own fields."""
    if contract.total_amount > 0 or contract.is_price_open:
        return None
    return None if contract.currency_code and _lacks_rate(contract) else True


def _lacks_rate(contract: Contract) -> bool:
    return contract.foreign_amount is None or contract.exchange_rate is None


@predicate("fixed")
def price_is_open(contract: Contract, context: Context) -> Said:
    """The price is said to be open (金额待定)."""
    return {"fixed": money.yuan(contract.total_amount)} if contract.is_price_open else None


@predicate("model")
def price_cannot_be_open(contract: Contract, context: Context) -> Said:
    """The price is said to be open, and the way of paying fixes it."""
    model = contract.payment_model
    if not contract.is_price_open or not model or model.may_be_undetermined:
        return None
    return {"model": model.name}


@predicate()
def price_after_use_is_missing(contract: Contract, context: Context) -> Said:
    """Used first and paid later, and neither a price nor a royalty says how much."""
    model = contract.payment_model
    if not model or not model.asks_free_use or contract.total_amount > 0:
        return None
    return None if _has_royalty_terms(contract) else True


@predicate()
def foreign_answer_is_blank(contract: Contract, context: Context, field: str) -> Said:
    """A price in foreign currency lacks its amount, rate, the day of the rate or where it is from."""
    return True if contract.currency_code and _is_blank(contract, field) else None


@predicate("right")
def total_differs_from_rate(contract: Contract, context: Context) -> Said:
    """The price in CNY is not what amount and rate come to."""
    if not contract.currency_code or _lacks_rate(contract):
        return None
    right = amounts.in_cny(contract.foreign_amount, contract.exchange_rate)
    return {"right": money.yuan(right)} if right != contract.total_amount else None


@predicate("signed", "days")
def rate_is_of_another_time(contract: Contract, context: Context, days: int) -> Said:
    """The rate is of a day after the signing, or of one long before."""
    day, signed_on = contract.exchange_rate_on, contract.signed_on
    if not contract.currency_code or not day or not signed_on:
        return None
    if signed_on - timedelta(days=days) <= day <= signed_on:
        return None
    return {"signed": signed_on.isoformat(), "days": str(days)}


# ---- the deduction sheet --------------------------------------------------------------------------------------------


@predicate()
def technology_is_missing(contract: Contract, context: Context) -> Said:
    """There is a price, and nothing is left of it for the technology."""
    if contract.total_amount <= 0 or contract.technology_amount > 0:
        return None
    return None if amounts.deducted(contract.deductions) > contract.total_amount else True


@predicate("deducted", "total")
def deductions_exceed_total(contract: Contract, context: Context) -> Said:
    """More is taken off than the price."""
    taken = amounts.deducted(contract.deductions)
    if taken <= contract.total_amount or not taken:
        return None
    return {"deducted": money.yuan(taken), "total": money.yuan(contract.total_amount)}


@predicate("gap", "word")
def deductions_do_not_explain(contract: Contract, context: Context) -> Said:
    """Price less technology amount is not what the lines take off."""
    gap = amounts.unexplained(contract)
    if not gap or not 0 <= contract.technology_amount <= contract.total_amount:
        return None
    if amounts.deducted(contract.deductions) > contract.total_amount:
        return None  # another rule says so
    return {"gap": money.yuan(abs(gap)), "word": "少" if gap > 0 else "多"}


# ---- royalty --------------------------------------------------------------------------------------------------------


@predicate()
def royalty_answer_is_blank(contract: Contract, context: Context, field: str, other: str = "") -> Said:
    """There is a royalty, and nothing says on what, how much, how long or how it is checked (3.4)."""
    if not _asks_royalty(contract) or not _is_blank(contract, field):
        return None
    return True if not other or _is_blank(contract, other) else None


def _asks_royalty(contract: Contract) -> bool:
    """Whether a royalty is agreed: always with the ways of paying that have one, except where it may be a price."""
    model = contract.payment_model
    return bool(model and model.has_royalty and (not model.asks_free_use or _has_royalty_terms(contract)))


def _has_royalty_terms(contract: Contract) -> bool:
    return any(not _is_blank(contract, name) for name in amounts.ROYALTY if name != "royalty_estimate")


@predicate("floor", "cap")
def royalty_floor_exceeds_cap(contract: Contract, context: Context) -> Said:
    """The least to be paid is more than the most."""
    floor, cap = contract.royalty_floor, contract.royalty_cap
    if floor is None or cap is None or floor <= cap:
        return None
    return {"floor": money.yuan(floor), "cap": money.yuan(cap)}


@predicate("day", "begins")
def royalty_begins_before_validity(contract: Contract, context: Context) -> Said:
    """Royalty is due from before the contract is valid; that it runs on after the end is usual."""
    day, begins_on = contract.royalty_begins_on, contract.begins_on
    if not day or not begins_on or day >= begins_on:
        return None
    return {"day": day.isoformat(), "begins": begins_on.isoformat()}


# ---- the other ways of paying ---------------------------------------------------------------------------------------


@predicate()
def plan_is_missing(contract: Contract, context: Context) -> Said:
    """The way of paying has lines that add up to the price, and none is written down."""
    model = contract.payment_model
    fixed = bool(model and model.asks_plan and model.must_sum_to_total and contract.total_amount > 0)
    return True if fixed and not contract.payments else None


@predicate()
def free_use_is_not_explained(contract: Contract, context: Context, field: str) -> Said:
    """Used first and paid later, and nothing says until when it is free, or what makes the price due."""
    model = contract.payment_model
    return True if model and model.asks_free_use and _is_blank(contract, field) else None


@predicate()
def equity_and_type_differ(contract: Contract, context: Context) -> Said:
    """技术入股 as a type goes with 技术入股 as the way of payment."""
    if not contract.type or not contract.payment_model:
        return None
    return True if contract.type.asks_equity != contract.payment_model.is_equity else None


@predicate("valuation")
def total_is_not_the_valuation(contract: Contract, context: Context) -> Said:
    """Paid in shares, and the price is not what the technology is valued at."""
    model, valuation = contract.payment_model, contract.equity_valuation
    if not model or not model.is_equity or valuation is None or valuation == contract.total_amount:
        return None
    return {"valuation": money.yuan(valuation)}
