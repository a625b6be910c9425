"""The tests that the rules name about the parties of a contract: see `predicates`."""

from collections.abc import Mapping, Sequence
from typing import Literal

from contracts_app.contracts.models import Contract
from contracts_app.core.codes import parse_uscc
from contracts_app.core.text import name_key
from contracts_app.enterprises.facts import CONTACTS, OF_FIRMS, blanks, common_group
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.queries import ABROAD
from contracts_app.rules.predicates import Said, predicate

from .predicates import Context, is_of

PARTY_ID = "party_id"  # a finding that says it leads to what that party leaves blank


@predicate()
def parties_are_one(contract: Contract, context: Context) -> Said:
    """Seller and buyer are the same legal entity."""
    return True if contract.seller_id is not None and contract.seller_id == contract.buyer_id else None


@predicate()
def has_no_office(contract: Contract, context: Context) -> Said:
    """Both parties are named, and no office of the city is in charge."""
    return True if contract.seller_id and contract.buyer_id and not contract.unit_code else None


@predicate("party")
def party_has_no_code(contract: Contract, context: Context) -> Said:
    """A domestic enterprise among the parties has no 统一社会信用代码."""
    without = [one for one in _parties(contract) if "code" in blanks(one)]
    return {"party": without[0].name, PARTY_ID: str(without[0].id)} if without else None


@predicate("party", "code")
def party_code_is_wrong(contract: Contract, context: Context) -> Said:
    """A party's 统一社会信用代码 does not bear out its check digit."""
    for party in _parties(contract):
        if party.code and not _is_right_code(party.code):
            return {"party": party.name, "code": party.code}
    return None


@predicate("party", "what")
def answers_only_firms_give(contract: Contract, context: Context) -> Said:
    """A party that is no enterprise has answers to what is asked of enterprises only."""
    for party in _parties(contract):
        given = [label for name, label in OF_FIRMS.items() if getattr(party, name) is not None]
        if given and not party.party_type.is_enterprise:
            return {"party": party.name, "what": "、".join(given)}
    return None


@predicate("party", "missing")
def firm_leaves_blank(contract: Contract, context: Context, side: Literal["seller", "buyer"]) -> Said:
    """The seller or the buyer is a domestic enterprise and does not answer what is asked of every enterprise."""
    return _left_blank(getattr(contract, side), OF_FIRMS)


@predicate("party", "missing")
def party_leaves_blank(contract: Contract, context: Context, side: Literal["seller", "buyer"]) -> Said:
    """The seller or the buyer lacks address, postcode, representative, contact or telephone."""
    return _left_blank(getattr(contract, side), CONTACTS)


def _left_blank(party: Enterprise | None, asked: Mapping[str, str]) -> Said:
    missing = [asked[name] for name in blanks(party) if name in asked] if party else []
    return {"party": party.name, "missing": "、".join(missing), PARTY_ID: str(party.id)} if party and missing else None


@predicate()
def is_said_to_be_related(contract: Contract, context: Context) -> Said:
    """The parties say themselves that they are related."""
    return True if contract.is_related else None


@predicate("group")
def one_group_is_said_unrelated(contract: Contract, context: Context) -> Said:
    """The parties say they are not related, and both belong to the same group."""
    group = common_group(contract.seller, contract.buyer)
    return {"group": group} if group and contract.is_related is False else None


@predicate("sign", heuristic=True)
def looks_related(contract: Contract, context: Context, shortest: int = 6) -> Said:
    """The parties say they are not related, and share representative, telephone or the stem of a name."""
    seller, buyer = contract.seller, contract.buyer
    if contract.is_related is not False or not seller or not buyer or common_group(seller, buyer):
        return None
    if seller.representative and seller.representative == buyer.representative:
        return {"sign": f"法定代表人都是“{seller.representative}”"}
    if seller.phone and seller.phone == buyer.phone:
        return {"sign": "联系电话相同"}
    short, long = sorted((name_key(seller.name), name_key(buyer.name)), key=len)
    if len(short) >= shortest and long.startswith(short):
        return {"sign": "一方名称以另一方名称开头"}
    return None


@predicate()
def seller_is_abroad(contract: Contract, context: Context, types: Sequence[str] = ()) -> Said:
    """The seller is abroad, so that the domestic buyer files."""
    return True if _is_abroad(contract.seller) and is_of(contract, types) else None


def _parties(contract: Contract) -> list[Enterprise]:
    return [party for party in (contract.seller, contract.buyer) if party]


def _is_abroad(party: Enterprise | None) -> bool:
    return party is not None and party.region_code == ABROAD


def _is_right_code(code: str) -> bool:
    try:
        return parse_uscc(code) == code
    except ValueError:
        return False
