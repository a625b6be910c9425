"""The page of a move about a case, and how a contract's cases read on its own page."""

from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask_login import current_user

from contracts_app.accounts.permissions import READERS
from contracts_app.contracts.case_models import CaseKind, ContractCase
from contracts_app.contracts.facts import LABELS
from contracts_app.contracts.filing.money_forms import Lines
from contracts_app.contracts.models import Attachment, Contract
from contracts_app.core.clock import today
from contracts_app.core.workflow import MoveForm, Offer

from . import impact
from . import moves as case_moves

NAMES = frozenset(move.name for move in case_moves.MOVES)
DECIDES = frozenset(
    {
        "record_change_expert",
        "grant_change",
        "grant_cancellation",
        "deny_case",
        "revoke",
        "close_revocation",
        "decide_objection",
    }
)


@dataclass(frozen=True)
class CaseWords:
    """A case as its contract's page tells it."""

    case: ContractCase
    number: int | None  # the how-manieth change it was, once granted
    changes: list[tuple[str, str, str]]  # what, before, after
    files: list[Attachment]

    @property
    def title(self) -> str:
        """第 2 次变更, or 注销."""
        return f"第 {self.number} 次变更" if self.number else self.case.kind.label


def cases_of(contract: Contract) -> list[CaseWords]:
    """Every case of the contract, the newest first."""
    told, number = [], 0
    for case in contract.cases:
        is_change = case.kind is CaseKind.CHANGE and case.counts_on is not None
        number += is_change
        lines = [(LABELS[name], *case.changes[name]) for name in LABELS if name in case.changes]
        files = [file for file in contract.attachments if file.case_id == case.id]
        told.append(CaseWords(case, number if is_change else None, lines, files))  # type: ignore[arg-type]
    return told[::-1]


def move_page(offer: Offer, form: MoveForm, shown: dict[str, Any]) -> str:
    """The page of one move: what is asked, what it would do, the contract beside it."""
    contract: Contract = offer.record
    case = contract.open_case
    is_deciding = offer.move.name in DECIDES and case is not None
    return render_template(
        "contracts/case.html",
        move=offer.move,
        form=form,
        is_reader=bool(current_user.roles & READERS),
        impact=impact.impact_of(contract, case, today()) if is_deciding and case else None,
        takes_files=any(field.type == "FileField" for field in form),
        **shown,
    )


def turns_rows(form: MoveForm) -> bool:
    """Whether the person only wanted a line more or less in a list, without script; then it is there or gone."""
    what, _, place = request.form.get("go", "").partition(":")
    lists = {"plan": "payments", "deduction": "deductions", "rights": "rights"}
    kind, _, act = what.partition("-")
    field = form[lists[kind]] if kind in lists and lists[kind] in form else None
    if not isinstance(field, Lines) or act not in ("add", "remove"):
        return False
    if act == "add":
        field.append_entry()
    elif place.isdecimal() and int(place) < len(field.entries):
        field.entries.pop(int(place))
    return True
