"""What the rules ask about other contracts, fetched for many contracts at once and only when a rule asks."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask import has_request_context, request
from sqlalchemy import ColumnElement, Executable, and_, or_, select, tuple_

from contracts_app.contracts.models import Attachment, Contract
from contracts_app.contracts.states import State
from contracts_app.core.db import db

# Nobody's business yet, or no deal any more.
NOT_A_DEAL = frozenset({State.DRAFT, State.WITHDRAWN, State.REFUSED, State.NOT_ACCEPTED})
KEPT = "contracts.lookups"
MOST = 5_000  # rows of one look-up; more would be a flood of contracts between the same parties


@dataclass(frozen=True)
class Deal:
    """Another contract, as far as it is compared. The amount is 元."""

    id: int
    seller_id: int
    buyer_id: int
    signed_on: date
    total_amount: Decimal
    title: str
    content: str
    contract_number: str
    registration_number: str | None
    type_code: str | None


class Lookups:
    """The other contracts that matter to these: three queries at most, however many contracts."""

    def __init__(self, contracts: Sequence[Contract]) -> None:
        self.contracts = contracts

    def between(self, seller_id: int | None, buyer_id: int | None, *, except_for: int) -> list[Deal]:
        """Contracts that this seller and this buyer have with each other."""
        return [deal for deal in self._between.get((seller_id, buyer_id), ()) if deal.id != except_for]

    def of_day(self, seller_id: int | None, day: date | None, *, except_for: int) -> list[Deal]:
        """Contracts of this seller signed on this day."""
        return [deal for deal in self._of_day.get((seller_id, day), ()) if deal.id != except_for]

    def with_file(self, hashes: Collection[str], *, except_for: int) -> int:
        """How many other contracts have one of these files as their text."""
        return len({key for one in hashes for key in self._with_file.get(one, ())} - {except_for})

    def with_content(self, seller_id: int | None, content: str, *, except_for: int) -> int:
        """How many other contracts of the seller say the very same of their subject."""
        return len(self._with_content.get((seller_id, content), set()) - {except_for})

    def with_number(self, seller_id: int | None, number: str, *, except_for: int) -> int:
        """How many other contracts of the seller have this 合同编号."""
        same = self._with_number.get((seller_id, number), set()) if number else set()
        return len(same - {except_for})

    def numbered(self, registration_number: str, *, except_for: int) -> Deal | None:
        """The other contract that was registered here under this number."""
        deal = self._numbered.get(registration_number)
        return deal if deal and deal.id != except_for else None

    @cached_property
    def _between(self) -> dict[tuple[int | None, int | None], list[Deal]]:
        found: dict[tuple[int | None, int | None], list[Deal]] = defaultdict(list)
        for deal in self._neighbours:
            found[deal.seller_id, deal.buyer_id].append(deal)
        return found

    @cached_property
    def _of_day(self) -> dict[tuple[int | None, date | None], list[Deal]]:
        found: dict[tuple[int | None, date | None], list[Deal]] = defaultdict(list)
        for deal in self._neighbours:
            found[deal.seller_id, deal.signed_on].append(deal)
        return found

    @cached_property
    def _with_content(self) -> dict[tuple[int | None, str], set[int]]:
        found: dict[tuple[int | None, str], set[int]] = defaultdict(set)
        for deal in self._neighbours:
            found[deal.seller_id, deal.content].add(deal.id)
        return found

    @cached_property
    def _with_number(self) -> dict[tuple[int | None, str], set[int]]:
        found: dict[tuple[int | None, str], set[int]] = defaultdict(set)
        for deal in self._neighbours:
            found[deal.seller_id, deal.contract_number].add(deal.id)
        return found

    @cached_property
    def _numbered(self) -> dict[str, Deal]:
        wanted = {one.base_number for one in self.contracts if one.base_number}
        found = _deals(Contract.registration_number.in_(sorted(wanted))) if wanted else []
        return {deal.registration_number or "": deal for deal in found}

    @cached_property
    def _neighbours(self) -> list[Deal]:
        """Contracts of the same two parties either way round, or of the seller with the same day, words or 合同编号."""
        seen = [one for one in self.contracts if one.seller_id]
        pairs: set[tuple[int | None, int | None]] = {(one.seller_id, one.buyer_id) for one in seen if one.buyer_id}
        pairs |= {(buyer, seller) for seller, buyer in pairs}
        days = {(one.seller_id, one.signed_on) for one in seen if one.signed_on}
        texts = {(one.seller_id, one.content) for one in seen if one.content}
        numbers = {(one.seller_id, one.contract_number) for one in seen if one.contract_number}
        likeness = [
            tuple_(*columns).in_(sorted(wanted))
            for columns, wanted in (
                ((Contract.seller_id, Contract.buyer_id), pairs),
                ((Contract.seller_id, Contract.signed_on), days),
                ((Contract.seller_id, Contract.content), texts),
                ((Contract.seller_id, Contract.contract_number), numbers),
            )
            if wanted
        ]
        # Who sells is known in each: said once more, it is what SQLite looks for instead of reading every contract.
        sellers = {key for wanted in (pairs, days, texts, numbers) for key, *_ in wanted}
        return _deals(and_(Contract.seller_id.in_(sorted(sellers)), or_(*likeness))) if likeness else []

    @cached_property
    def _with_file(self) -> dict[str, set[int]]:
        hashes = {one for contract in self.contracts for one in hashes_of(contract)}
        wanted = (
            select(Attachment.sha256, Attachment.contract_id)
            .join(Contract, Contract.id == Attachment.contract_id)
            .where(
                # One hash is asked for as one: the index then gives its newest contracts without sorting them.
                Attachment.sha256 == next(iter(hashes)) if len(hashes) == 1 else Attachment.sha256.in_(sorted(hashes)),
                Attachment.kind_code == "contract",
                Attachment.removed_at.is_(None),
                Contract.state.not_in(NOT_A_DEAL),
            )
            .order_by(Attachment.contract_id.desc())
            .limit(MOST)
        )
        found: dict[str, set[int]] = defaultdict(set)
        for sha256, key in _rows(wanted) if hashes else ():
            found[sha256].add(key)
        return found


def lookups_for(contract: Contract) -> Lookups:
    """The look-ups of one contract; in a request that only reads, asked once however often the rules are run."""
    if not has_request_context() or request.method not in ("GET", "HEAD"):
        return Lookups([contract])
    kept: dict[object, Lookups] = request.environ.setdefault(KEPT, {})
    parties = (contract.id, contract.seller_id, contract.buyer_id)
    facts = (*parties, contract.signed_on, contract.content, contract.contract_number, contract.base_number)
    return kept.setdefault(facts, Lookups([contract]))


def hashes_of(contract: Contract) -> set[str]:
    """The hashes of the contract's own text."""
    return {file.sha256 for file in contract.current_attachments if file.kind_code == "contract"}


def _deals(matching: ColumnElement[bool]) -> list[Deal]:
    columns = (Contract.id, Contract.seller_id, Contract.buyer_id, Contract.signed_on)
    wanted = (
        select(
            *columns,
            *(Contract.total_amount, Contract.title, Contract.content),
            *(Contract.contract_number, Contract.registration_number, Contract.type_code),
        )
        .where(matching, Contract.state.not_in(NOT_A_DEAL), Contract.signed_on.is_not(None))
        .order_by(Contract.id.desc())
        .limit(MOST)
    )
    return [Deal(*row) for row in _rows(wanted)]


def _rows(statement: Executable) -> Sequence[Any]:
    # A contract under examination may stand in the session half filled in: it must not be written by a question.
    with db.session.no_autoflush:
        return db.session.execute(statement).all()
