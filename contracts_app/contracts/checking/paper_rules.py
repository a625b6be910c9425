"""When a kind of file is asked of a contract: what the rules on files and the checklist both stand on."""

from collections.abc import Callable, Sequence

from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Contract
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.queries import ABROAD
from contracts_app.rules.predicates import Said, predicate

from .predicates import OUTSIDE_PLANS, SUBJECT_FIELDS, Context, is_of, named

PREDICATE = "paper_is_missing"  # the name under which rules ask for a kind of file


def _is_abroad(party: Enterprise | None) -> bool:
    return party is not None and party.region_code == ABROAD


def _right(contract: Contract) -> bool:
    return bool(contract.type and contract.type.asks_ip)


def _foreign_language(contract: Contract) -> bool:
    """Said by the filer; a party abroad makes it likely where nothing is said."""
    if contract.is_foreign_language is None:
        return _is_abroad(contract.seller) or _is_abroad(contract.buyer)
    return contract.is_foreign_language


# The occasions that a rule may name; the checklist asks on the same ones.
OCCASIONS: dict[str, Callable[[Contract], bool]] = {
    "always": lambda contract: True,
    "agent": lambda contract: Role.BROKER in contract.filed_by.roles,
    "right": _right,
    "import": lambda contract: _is_abroad(contract.seller),
    "foreign_language": _foreign_language,
    "government_project": lambda contract: contract.plan_source_code not in (None, OUTSIDE_PLANS),
    "deduction": lambda contract: 0 < contract.technology_amount < contract.total_amount,
}


def is_asked(
    contract: Contract,
    occasion: str,
    types: Sequence[str] = (),
    words: Sequence[str] = (),
    from_amount: int = 0,
) -> bool:
    """Whether the occasion is there, and the type, one of the words and the amount (元) where they are named too."""
    if (types and not contract.type) or not is_of(contract, types) or not OCCASIONS[occasion](contract):
        return False
    return contract.total_amount >= from_amount and (not words or bool(named(contract, words, SUBJECT_FIELDS)))


@predicate("type")
def paper_is_missing(
    contract: Contract,
    context: Context,
    kind: str,
    occasion: str,
    types: Sequence[str] = (),
    words: Sequence[str] = (),
    from_amount: int = 0,
) -> Said:
    """A kind of file is not there although its occasion, the type, a word or the amount (元) asks for it."""
    if not is_asked(contract, occasion, types, words, from_amount):
        return None
    if any(file.kind_code == kind for file in contract.current_attachments):
        return None
    return {"type": contract.type.name if contract.type else ""}
