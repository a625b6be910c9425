"""Who may write down what about a contract's money, in a sentence; None when they may."""

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Contract


def why_not_record(contract: Contract, person: User) -> str | None:
    """Who filed the contract, or a registrar of its office; while it stands on the register, also with a case open."""
    if not contract.is_in_force:
        ended = contract.registration_number is not None
        return "登记已经注销或撤销，不再登记到账和核定；以前记录的保留。" if ended else "合同登记以后才能登记到账。"
    if contract.filed_by_id == person.id:
        return None
    is_of_office = any(
        contract.unit is not None and one.region.covers(contract.unit.region)
        for one in person.capacities(frozenset({Role.REGISTRAR}))
    )
    return None if is_of_office else "由申报人或者登记机构的登记员登记。"


def is_price_open(contract: Contract) -> bool:
    """Whether more may come in than the price says: 金额待定, or a royalty that is reckoned year by year."""
    return contract.is_price_open or bool(contract.payment_model and contract.payment_model.has_royalty)
