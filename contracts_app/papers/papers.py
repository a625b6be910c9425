"""Which papers there are, when each can be made, and for whom: one table."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import READERS
from contracts_app.accounts.roles import Role
from contracts_app.contracts.case_models import CaseKind, ContractCase, Outcome
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State

from . import notices, words
from .application import application
from .blocks import Sheet
from .registration import registration
from .review import review

EVERYONE = READERS | {Role.BROKER}


@dataclass(frozen=True)
class Paper:
    """A paper that can be printed of a contract; with ``case``, one of each decided case of that kind."""

    code: str
    name: str
    roles: frozenset[Role]
    why_not: Callable[[Contract], str | None]
    write: Callable[["Order"], Sheet]
    in_word: bool = False  # a notice the office may want to edit before it seals it
    has_qr: bool = False  # and the frame around it, which has a template of its own
    case: CaseKind | None = None

    def cases(self, contract: Contract) -> list[ContractCase]:
        """The decided cases of which it can be made, the newest first."""
        decided = (Outcome.GRANTED, Outcome.DENIED)
        return [case for case in reversed(contract.cases) if case.kind is self.case and case.outcome in decided]


@dataclass(frozen=True)
class Order:
    """One paper, of this contract and case, for this person."""

    paper: Paper
    contract: Contract
    reader: User
    case: ContractCase | None = None

    @property
    def name(self) -> str:
        """变更决定书; with its day where there is one of each case."""
        if self.case is None or self.case.closed_at is None:
            return self.paper.name
        return f"{self.paper.name}（{words.day(words.closed_on(self.case))}）"

    @property
    def file_name(self) -> str:
        """JJ2026000123-受理通知书: the number that people know the contract by, without an ending."""
        contract = self.contract
        later = self.paper.has_qr or self.case is not None
        number = (contract.registration_number if later else None) or contract.acceptance_number
        return f"{number or f'申请{contract.id}'}-{self.name}"

    def sheet(self) -> Sheet:
        """The paper itself."""
        return self.paper.write(self)


# What the clock of the office has been stopped for, or never ran for: an acceptance stands no longer, or not yet.
_NOT_ACCEPTED = frozenset({State.DRAFT, State.SUBMITTED, State.CORRECTION, State.NOT_ACCEPTED, State.WITHDRAWN})


def _accepted(contract: Contract) -> str | None:
    stands = contract.accepted_on and contract.acceptance_number and contract.state not in _NOT_ACCEPTED
    return None if stands else "受理之后才有受理通知书。"


def _turned_away(contract: Contract) -> str | None:
    return None if contract.state is State.NOT_ACCEPTED else "作出不予受理的决定之后才有通知书。"


def _correcting(contract: Contract) -> str | None:
    return None if contract.state is State.CORRECTION else "退回补正之后才有补正通知书。"


def _refused(contract: Contract) -> str | None:
    waiting = contract.open_case  # a refusal stands while it is objected to
    state = waiting.opened_from if waiting else contract.state
    return None if state is State.REFUSED else "作出不予登记的决定之后才有通知书。"


def _registered(contract: Contract) -> str | None:
    return None if contract.registration_number else "登记之后才有登记信息单。"


def _submitted(contract: Contract) -> str | None:
    if contract.is_classified:
        return "涉密合同的内容已经清除，没有审核表。"
    return None if contract.submitted_at else "提交之后才有审核表。"


def _begun(contract: Contract) -> str | None:
    return None if contract.seller and contract.buyer and contract.title else "填好当事人和合同名称后才能打印登记表。"


def _decision(code: str, kind: CaseKind) -> Paper:
    def why_not(contract: Contract) -> str | None:
        return None if paper.cases(contract) else f"对{kind.label}作出决定之后才有决定书。"

    def write(order: Order) -> Sheet:
        assert order.case is not None
        return notices.decision(order.contract, order.case)

    paper = Paper(code, f"{kind.label}决定书", EVERYONE, why_not, write, in_word=True, case=kind)
    return paper


def _of(write: Callable[[Contract], Sheet]) -> Callable[[Order], Sheet]:
    return lambda order: write(order.contract)


PAPERS = {
    paper.code: paper
    for paper in (
        Paper("application", "登记表", EVERYONE, _begun, lambda order: application(order.contract, order.reader)),
        Paper("acceptance", "受理通知书", EVERYONE, _accepted, _of(notices.acceptance), in_word=True),
        Paper("non-acceptance", "不予受理通知书", EVERYONE, _turned_away, _of(notices.non_acceptance), in_word=True),
        Paper("correction", "补正通知书", EVERYONE, _correcting, _of(notices.correction), in_word=True),
        Paper("refusal", "不予登记通知书", EVERYONE, _refused, _of(notices.refusal), in_word=True),
        Paper("registration", "登记信息单", EVERYONE, _registered, _of(registration), has_qr=True),
        _decision("change", CaseKind.CHANGE),
        _decision("cancellation", CaseKind.CANCELLATION),
        _decision("revocation", CaseKind.REVOCATION),
        _decision("objection", CaseKind.OBJECTION),
        Paper("review", "审核表", READERS, _submitted, _of(review)),
    )
}


def papers_of(contract: Contract, person: User) -> list[Order]:
    """What this person can print of this contract now."""
    return [
        Order(paper, contract, person, case)
        for paper in PAPERS.values()
        if paper.roles & person.roles and not paper.why_not(contract)
        for case in (paper.cases(contract) if paper.case else [None])
    ]
