"""Why a person may not make a move on a contract, in a sentence; None when they may."""

from contracts_app.accounts.models import StandIn, User, bound_ids
from contracts_app.contracts.checking import checks
from contracts_app.contracts.models import Contract
from contracts_app.core.clock import today
from contracts_app.core.workflow import Guard
from contracts_app.rules.queries import setting


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
    """Nobody decides on what they filed or brought about, nor on what the colleague did whose place they hold."""
    if contract.filed_by_id in bound_ids(person):
        return f"这份合同是{who(person, contract.filed_by_id)}申报的，须由别人办理。"
    broker = contract.broker.user_id if contract.broker else None
    if broker is None or broker not in bound_ids(person):
        return None
    return f"{who(person, broker)}是这份合同的技术经纪人，须由别人办理。"


def did_not_review(contract: Contract, person: User) -> str | None:
    reviewer = contract.reviewed_by_id
    if reviewer is None or reviewer not in bound_ids(person):
        return None
    return f"初审是{who(person, reviewer)}做的，复核须由另一人办理。"


def who(person: User | StandIn, user_id: int) -> str:
    """你, or the colleague whose place the person holds."""
    return f"委托人{person.for_whom.name}" if isinstance(person, StandIn) and user_id != person.id else "你"


def did_not_check(contract: Contract, person: User) -> str | None:
    checker = contract.checked_by_id
    if checker is None or checker not in bound_ids(person):
        return None
    return f"复核是{who(person, checker)}做的，大额审批须由第三人办理。"


def needs_no_third(contract: Contract, person: User) -> str | None:
    return "这份合同达到大额审批标准，先“复核通过”，再由第三人审批登记。" if contract.needs_third else None


def needs_third(contract: Contract, person: User) -> str | None:
    return None if contract.needs_third else "这份合同没有达到大额审批标准，由审核员直接“复核并登记”。"


def expert_was_heard(contract: Contract, person: User) -> str | None:
    waits = contract.needs_expert and contract.expert_on is None
    return "这份合同达到专家审核标准，登记前先“送专家审核”，记录专家意见。" if waits else None


# These look at the contract's route only, whoever the person is: what tells which step is next.
OF_THE_ROUTE: frozenset[Guard] = frozenset({needs_no_third, needs_third, expert_was_heard})


def may_be_extended(contract: Contract, person: User) -> str | None:
    """A limit is extended while it runs: afterwards that would only make a late decision look timely."""
    if contract.due_on and contract.due_on < today():
        return f"期限到 {contract.due_on} 为止，已经超过，不能再延长。"
    most = int(setting("extension_days_most"))
    left = contract.extended_days < most
    return None if left else f"期限已经延长 {contract.extended_days} 个工作日，达到上限，不能再延长。"
