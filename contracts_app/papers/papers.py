"""Which papers there are, when each can be made, and for whom: one table."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import READERS
from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State

EVERYONE = READERS | {Role.BROKER}


@dataclass(frozen=True)
class Paper:
    """A paper that can be printed of a contract."""

    code: str  # also the name of its template
    name: str
    roles: frozenset[Role]
    why_not: Callable[[Contract], str | None]
    in_word: bool = False  # a notice the office may want to edit before it seals it
    has_qr: bool = False


def _accepted(contract: Contract) -> str | None:
    return None if contract.accepted_on and contract.due_on else "受理之后才有受理通知书。"


def _correcting(contract: Contract) -> str | None:
    return None if contract.state is State.CORRECTION else "退回补正之后才有补正通知书。"


def _refused(contract: Contract) -> str | None:
    return None if contract.state is State.REFUSED else "作出不予登记的决定之后才有通知书。"


def _registered(contract: Contract) -> str | None:
    return None if contract.registration_number else "登记之后才有登记信息单。"


def _submitted(contract: Contract) -> str | None:
    return None if contract.submitted_at else "提交之后才有审核表。"


def _begun(contract: Contract) -> str | None:
    return None if contract.seller and contract.buyer and contract.title else "填好当事人和合同名称后才能打印申请表。"


PAPERS = {
    paper.code: paper
    for paper in (
        Paper("application", "登记申请表", EVERYONE, _begun),
        Paper("acceptance", "受理通知书", EVERYONE, _accepted, in_word=True),
        Paper("correction", "补正通知书", EVERYONE, _correcting, in_word=True),
        Paper("refusal", "不予登记通知书", EVERYONE, _refused, in_word=True),
        Paper("registration", "登记信息单", EVERYONE, _registered, has_qr=True),
        Paper("review", "审核表", READERS, _submitted),
    )
}


def papers_of(contract: Contract, person: User) -> list[Paper]:
    """What this person can print of this contract now."""
    return [paper for paper in PAPERS.values() if paper.roles & person.roles and not paper.why_not(contract)]
