"""The tests that the rules name about what only some types are asked, and about where a deal came from."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from contracts_app.contracts.books.facets import ENDS, band_of
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.models import Contract, ContractRight
from contracts_app.contracts.questions import MAY_HAVE_PARENT, fields_asked, is_blank
from contracts_app.core import money
from contracts_app.core.clock import local
from contracts_app.core.codes import is_patent_number, is_software_number, patent_check_is_right
from contracts_app.core.text import name_key
from contracts_app.rules.predicates import Said, predicate

from .predicates import Context, is_of

RIGHT_LABELS = {"name": "名称", "number": "号码", "owner": "权利人"}
SOFTWARE = "03"  # 计算机软件著作权


def _asked(contract: Contract, field: str) -> Any:
    """The answer, if it is asked of this contract; what an earlier type asked says nothing any more."""
    return getattr(contract, field) if field in fields_asked(contract) else None


def _rights(contract: Contract) -> Sequence[ContractRight]:
    return _asked(contract, "rights") or ()


# ---- answers that are there or not --------------------------------------------------------------------------------


@predicate()
def asked_is_blank(contract: Contract, context: Context, field: str) -> Said:
    """An answer is missing that the type, or a seller abroad, calls for."""
    return True if field in fields_asked(contract) and is_blank(getattr(contract, field)) else None


@predicate("today")
def asked_day_is_after_today(contract: Contract, context: Context, field: str) -> Said:
    """A day that the type asks for lies in the future."""
    day = _asked(contract, field)
    return {"today": context.today.isoformat()} if day and day > context.today else None


@predicate("other")
def asked_day_is_before(contract: Contract, context: Context, field: str, other: str) -> Said:
    """A day that the type asks for lies before another which it cannot precede."""
    day, edge = _asked(contract, field), _asked(contract, other)
    return {"other": edge.isoformat()} if day and edge and day < edge else None


# ---- rights ---------------------------------------------------------------------------------------------------------


@predicate("position", "missing")
def right_is_incomplete(contract: Contract, context: Context, of_all: Sequence[str], of_patents: Sequence[str]) -> Said:
    """A line of rights leaves out what makes the right known; more is asked of a patent."""
    for right in _rights(contract):
        asked = (*of_all, *(of_patents if right.ip and right.ip.is_patent else ()))
        missing = [RIGHT_LABELS[name] for name in asked if not getattr(right, name)]
        if missing:
            return {"position": str(right.position), "missing": "、".join(missing)}
    return None


@predicate("type")
def patent_is_missing(contract: Contract, context: Context) -> Said:
    """The type moves a patent, and none of the rights is one."""
    rights = _rights(contract)
    if not contract.type or not contract.type.asks_patent or not rights:
        return None
    return None if any(right.ip and right.ip.is_patent for right in rights) else {"type": contract.type.name}


@predicate("position", "number")
def patent_number_is_malformed(contract: Contract, context: Context) -> Said:
    """A patent's number has not the form of a patent or application number."""
    return _first(one for one in _numbered_patents(contract) if not is_patent_number(one.number))


@predicate("position", "number")
def patent_check_digit_is_wrong(contract: Contract, context: Context) -> Said:
    """The check digit of a patent's number does not follow from the digits before it."""
    well_formed = (one for one in _numbered_patents(contract) if is_patent_number(one.number))
    return _first(one for one in well_formed if not patent_check_is_right(one.number))


@predicate("position", "number")
def software_number_is_malformed(contract: Contract, context: Context) -> Said:
    """The number of a software copyright has not the form of its registration."""
    return _first(
        one
        for one in _rights(contract)
        if one.ip_code == SOFTWARE and one.number and not is_software_number(one.number)
    )


@predicate("position", "day")
def right_has_expired(contract: Contract, context: Context, types: Sequence[str]) -> Said:
    """A right that is to move had run out when the contract was handed in."""
    day = local(contract.submitted_at).date() if contract.submitted_at else context.today
    return _ending_before(contract, day) if is_of(contract, types) else None


@predicate("position", "day")
def right_ends_before_the_licence(contract: Contract, context: Context) -> Said:
    """A licensed right runs out before the licence does."""
    ends_on = _asked(contract, "licence_ends_on")
    return _ending_before(contract, ends_on) if ends_on else None


@predicate("position", "owner", heuristic=True)
def right_is_somebody_elses(contract: Contract, context: Context) -> Said:
    """The owner of a right is not the seller, and the seller is not named among the owners."""
    seller = name_key(contract.seller.name) if contract.seller else ""
    for right in _rights(contract):
        if seller and right.owner and seller not in name_key(right.owner):
            return {"position": str(right.position), "owner": right.owner}
    return None


@predicate("ip")
def no_right_is_of_the_kind(contract: Contract, context: Context) -> Said:
    """None of the rights is of the kind that the contract is said to be about."""
    rights, ip = _rights(contract), contract.ip
    if not rights or not ip or ip.is_none or any((one.ip_code or "").startswith(ip.code) for one in rights):
        return None
    return {"ip": ip.name}


def _numbered_patents(contract: Contract) -> Iterator[ContractRight]:
    return (one for one in _rights(contract) if one.ip and one.ip.is_patent and one.number)


def _ending_before(contract: Contract, day: date) -> Said:
    for right in _rights(contract):
        if right.valid_until and right.valid_until < day:
            return {"position": str(right.position), "day": right.valid_until.isoformat()}
    return None


def _first(rights: Iterator[ContractRight]) -> Said:
    right = next(rights, None)
    return {"position": str(right.position), "number": right.number} if right else None


# ---- licence --------------------------------------------------------------------------------------------------------


@predicate("begins", "ends")
def licence_leaves_the_validity(contract: Contract, context: Context) -> Said:
    """The licence begins before the contract or lasts beyond it."""
    begins, ends = _asked(contract, "licence_begins_on"), _asked(contract, "licence_ends_on")
    if not contract.begins_on or not contract.ends_on:
        return None
    early, late = begins and begins < contract.begins_on, ends and ends > contract.ends_on
    return {"begins": contract.begins_on.isoformat(), "ends": contract.ends_on.isoformat()} if early or late else None


@predicate("years")
def licence_lasts_for_years(contract: Contract, context: Context, years: int) -> Said:
    """The licence is given for at least so many years."""
    begins, ends = _asked(contract, "licence_begins_on"), _asked(contract, "licence_ends_on")
    return {"years": str(years)} if begins and ends and (ends - begins).days + 1 >= years * 365 else None


@predicate("what")
def open_licence_is_dear(contract: Contract, context: Context, fixed_fee: int, of_sales: int, of_profit: int) -> Said:
    """An open licence costs more than such licences usually do: fixed fee (元), percent of sales, percent of profit."""
    mode = contract.licence_mode
    if not _asked(contract, "licence_mode_code") or not mode or not mode.is_open:
        return None
    if contract.total_amount > fixed_fee:
        return {"what": f"许可费超过 {money.wan(Decimal(fixed_fee))} 万元"}
    base, rate = contract.royalty_base, contract.royalty_rate
    most = {RoyaltyBase.SALES: of_sales, RoyaltyBase.PROFIT: of_profit}
    if base in most and rate and rate > most[base]:
        return {"what": f"提成超过{base.label}的 {most[base]}%"}
    return None


# ---- the contract it belongs to -------------------------------------------------------------------------------------


@predicate()
def base_contract_is_missing(contract: Contract, context: Context) -> Said:
    """A commission is to be paid, and nothing says for which contract."""
    if not contract.type or not contract.type.asks_base_contract:
        return None
    return None if contract.base_number or contract.base_note else True


@predicate("amount")
def commission_exceeds_what_was_told(contract: Contract, context: Context) -> Said:
    """The commission is more than the price that the contract brought about is said to have."""
    amount = contract.base_amount
    if not contract.type or not contract.type.asks_base_contract or amount is None:
        return None
    return {"amount": money.yuan(amount)} if contract.total_amount > amount else None


@predicate()
def commission_exceeds_the_base_contract(contract: Contract, context: Context) -> Said:
    """The contract brought about is registered here, and the commission is of a higher band than its price.

    Whoever files the commission may not be one who sees that contract: by trying they learn its band and no more.
    """
    if not contract.type or not contract.type.asks_base_contract or not contract.base_number:
        return None
    base = context.lookups.numbered(contract.base_number, except_for=contract.id)
    # A price left open says nothing.
    end = ENDS[band_of(base.total_amount)] if base is not None and base.total_amount > 0 else None
    return True if end is not None and contract.total_amount >= end else None


@predicate()
def parent_is_of_another_kind(contract: Contract, context: Context, roots: Sequence[str]) -> Said:
    """The contract that a consulting or a service goes with is registered here, and of none of these kinds."""
    if contract.type_code not in MAY_HAVE_PARENT or not contract.base_number:
        return None
    parent = context.lookups.numbered(contract.base_number, except_for=contract.id)
    return True if parent is not None and not (parent.type_code or "").startswith(tuple(roots)) else None


# ---- equity, import, origin -----------------------------------------------------------------------------------------


@predicate("valuation", "total")
def equity_differs_from_total(contract: Contract, context: Context) -> Said:
    """What the technology was valued at is not the price of the contract."""
    valuation = _asked(contract, "equity_valuation")
    if not valuation or not contract.total_amount or valuation == contract.total_amount:
        return None
    return {"valuation": money.yuan(valuation), "total": money.yuan(contract.total_amount)}


@predicate("day", "days")
def import_was_registered_late(contract: Contract, context: Context, days: int) -> Said:
    """The import was registered, or is still to be, more than so many days after the contract took effect."""
    if "import_registered_on" not in fields_asked(contract) or not contract.begins_on:
        return None
    limit = contract.begins_on + timedelta(days=days)
    if (contract.import_registered_on or context.today) <= limit:
        return None
    return {"day": limit.isoformat(), "days": str(days)}


@predicate("number", "count", heuristic=True)
def has_the_number_of_another(contract: Contract, context: Context) -> Said:
    """Another contract of the seller has the same 合同编号."""
    others = context.lookups.with_number(contract.seller_id, contract.contract_number, except_for=contract.id)
    return {"number": contract.contract_number, "count": str(others)} if others else None


@predicate()
def share_has_no_broker(contract: Contract, context: Context) -> Said:
    """A broker's share is given, and no broker."""
    return True if contract.broker_share and contract.broker_id is None else None
