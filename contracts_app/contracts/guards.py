"""Why a person may not make a move on a contract, in a sentence; None when they may."""

from contracts_app.accounts.models import User
from contracts_app.core.clock import today

from . import checks
from .models import Contract


def filed_by(contract: Contract, person: User) -> bool:
    return contract.filed_by_id == person.id


def is_filer(contract: Contract, person: User) -> str | None:
    return None if filed_by(contract, person) else "只有申报人本人可以办理。"


def is_complete(contract: Contract, person: User) -> str | None:
    """All checks pass; the sentence names the parts that are not ready."""
    wrong = checks.errors(contract, today())
    waiting = {item.section for item in contract.inputs}  # typed, and not saved as an answer yet
    sections = [one for one in checks.Section if one.value in waiting or any(f.section is one for f in wrong)]
    if not sections:
        return None
    return f"还没有填好：{'、'.join(section.label for section in sections)}。"


def stays_with_its_office(contract: Contract, person: User) -> str | None:
    """A 受理号 is one office's own: with it a contract does not move to another, whoever its seller has become."""
    number, unit = contract.acceptance_number, contract.unit
    moved = number is not None and unit is not None and not number.startswith(f"{unit.number_prefix}-")
    return "换了卖方，应由另一个登记机构受理：撤回这份申请，重新申报。" if moved else None


def is_in_region(contract: Contract, person: User) -> str | None:
    """The office acts on its own region and what lies under it, never beyond (domain facts 1.8)."""
    inside = contract.unit is not None and person.region.covers(contract.unit.region)
    return None if inside else "这份合同不归你所在地区办理。"


def did_not_file(contract: Contract, person: User) -> str | None:
    """Nobody decides on what they filed or brought about."""
    if contract.filed_by_id == person.id:
        return "这份合同是你申报的，须由别人办理。"
    is_its_broker = contract.broker is not None and contract.broker.user_id == person.id
    return "你是这份合同的技术经纪人，须由别人办理。" if is_its_broker else None


def did_not_review(contract: Contract, person: User) -> str | None:
    return "初审是你做的，复核须由另一人办理。" if contract.reviewed_by_id == person.id else None
