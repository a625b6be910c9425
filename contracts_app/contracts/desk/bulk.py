"""批量办理: contracts that somebody opened, checked one by one and put aside, decided together.

Only 受理, and 初审 as filed with a proposal to register; nothing that registers or refuses. A contract takes part while
the move is open to this person by every guard, nothing was found about it, and it is as it was when it was put aside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from werkzeug.datastructures import MultiDict

from contracts_app.accounts.models import User
from contracts_app.contracts.checking import checks
from contracts_app.contracts.facts import type_in_words
from contracts_app.contracts.finding import queries
from contracts_app.contracts.models import BulkPick, Contract
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import now_utc, today
from contracts_app.core.conflicts import as_posted
from contracts_app.core.db import LARGEST_ID, db
from contracts_app.core.errors import Refused, Stale
from contracts_app.core.web.filters import form_errors
from contracts_app.core.workflow import MoveForm, Offer
from contracts_app.rules.queries import setting

# The moves, with what is answered where the form as the contract fills it leaves something open.
ANSWERS: dict[str, dict[str, str]] = {
    "accept": {"complete_papers": "y"},
    "review": {"conclusion": "register"},
}


@dataclass(frozen=True)
class Line:
    """One contract of the preview: what exactly would be done with it, or in a sentence why it is left out."""

    id: int
    version: int
    number: str
    title: str
    seller: str
    step: str
    type_words: str
    total_amount: Decimal
    technology_amount: Decimal
    due_on: date | None
    why_not: str

    @property
    def is_fit(self) -> bool:
        return not self.why_not

    @property
    def is_gone(self) -> bool:
        """Whether it is one of which nothing may be told any more."""
        return not self.version


def why_not(contract: Contract, person: User) -> str:
    """Why this contract cannot be decided together with others by this person; empty when it can."""
    return _considered(contract, person)[2]


def _considered(contract: Contract, person: User) -> tuple[Offer | None, MoveForm | None, str]:
    """The move that is next for the contract, its form as it would be sent, and why not."""
    offer = next((one for one in CONTRACT.offers(contract, person) if one.move.name in ANSWERS), None)
    if offer is None:
        return None, None, f"现在是“{contract.state.label}”，没有你可以批量办理的事项。"
    if offer.reasons:
        return offer, None, "".join(offer.reasons)
    found = [one for one in checks.findings(contract, today()) if one.level is not checks.Level.INFO]
    if found:
        return offer, None, f"检查有 {len(found)} 处提示，须单独办理：{found[0].sentence}。"
    form = offer.form_of(_typed(offer))
    if "csrf_token" in form:
        del form.csrf_token  # nobody sent this form
    if not form.validate():
        return offer, form, f"须单独办理：{form_errors(form)[0].text}。"
    return offer, form, ""


def _typed(offer: Offer) -> MultiDict[str, str]:
    """The form of the move as the page shows it, with the answers of ``ANSWERS``."""
    typed = as_posted(offer.form_of(None))
    for name, text in ANSWERS[offer.move.name].items():
        typed[name] = text
    return typed


# ---- putting aside -------------------------------------------------------------------------------------------------


def put_aside(contract: Contract, person: User, version: int | None) -> None:
    """Put a contract aside as it was looked at. Raises ``Stale`` or ``Refused`` with the sentence why not."""
    if version != contract.version:
        raise Stale()
    if sentence := why_not(contract, person):
        raise Refused(sentence)
    most = int(setting("bulk_most"))
    others = select(func.count()).where(BulkPick.user_id == person.id, BulkPick.contract_id != contract.id)
    if (db.session.scalar(others) or 0) >= most:
        raise Refused(f"批量办理一次最多 {most} 份，先办理已加入的，再加入这一份。")
    insert = sqlite_insert if db.engine.dialect.name == "sqlite" else postgresql_insert
    seen = {"version": contract.version, "at": now_utc()}
    db.session.execute(
        insert(BulkPick)
        .values(user_id=person.id, contract_id=contract.id, **seen)
        .on_conflict_do_update(index_elements=["user_id", "contract_id"], set_=seen)
    )


def take_out(person: User, contract_ids: Sequence[int]) -> None:
    """These are not to be decided together any more."""
    db.session.execute(delete(BulkPick).where(BulkPick.user_id == person.id, BulkPick.contract_id.in_(contract_ids)))


def has_put_aside(person: User, contract_id: int) -> bool:
    """Whether this contract is among those the person put aside."""
    return contract_id <= LARGEST_ID and db.session.get(BulkPick, (person.id, contract_id)) is not None


def count(person: User) -> int:
    """How many this person has put aside."""
    return db.session.scalar(select(func.count()).where(BulkPick.user_id == person.id)) or 0


def standing(contract: Contract, person: User) -> str:
    """``in`` when the contract as it is now is among them, ``open`` when it could be, else empty."""
    if not any(one.move.name in ANSWERS for one in CONTRACT.offers(contract, person)):
        return ""
    pick = db.session.get(BulkPick, (person.id, contract.id))
    if pick is not None and pick.version == contract.version:
        return "in"
    return "" if why_not(contract, person) else "open"


# ---- deciding ------------------------------------------------------------------------------------------------------


def preview(person: User) -> list[Line]:
    """What would be done with each contract that was put aside, in the order in which it would be done."""
    picks = db.session.scalars(select(BulkPick).where(BulkPick.user_id == person.id)).all()
    seen = {pick.contract_id: pick.version for pick in picks}
    contracts = _in_order(person, list(seen))
    gone = sorted(set(seen) - {contract.id for contract in contracts})
    return [*(_line(contract, person, seen[contract.id]) for contract in contracts), *map(_gone, gone)]


def _gone(contract_id: int) -> Line:
    """One that this person may not see any more: nothing of it is told, and it can be taken out."""
    why = "已不在你的办理范围，移出后不再占批量办理的份数。"
    return Line(contract_id, 0, "", "", "", "", "", Decimal(0), Decimal(0), None, why)


def _in_order(person: User, contract_ids: Sequence[int]) -> list[Contract]:
    """By office and then by id: two people who accept for several offices take the offices' numbers in one order."""
    wanted = queries.visible_to(person).where(Contract.id.in_(contract_ids))
    return list(db.session.scalars(wanted.order_by(Contract.unit_code, Contract.id)).unique())


def _line(contract: Contract, person: User, seen: int) -> Line:
    offer, _, sentence = _considered(contract, person)
    if offer and seen != contract.version:
        sentence = "加入之后有变化，打开重新核对，再加入。"
    return Line(
        id=contract.id,
        version=contract.version,
        number=contract.acceptance_number or "未受理",
        title=contract.name,
        seller=contract.seller.name if contract.seller else "",
        step=offer.move.label if offer else "",
        type_words=type_in_words(contract),
        total_amount=contract.total_amount,
        technology_amount=contract.technology_amount,
        due_on=contract.due_on,
        why_not=sentence,
    )


def decide(person: User, seen: Mapping[int, int]) -> list[Contract]:
    """Make the next move of each of these contracts, id -> version as the preview showed it: all, or none.

    Their rows are locked in the order of their ids. Raises ``Refused`` with a sentence for each that is not fit.
    """
    ids = sorted(set(seen) & set(db.session.scalars(select(BulkPick.contract_id).where(BulkPick.user_id == person.id))))
    if not ids or len(ids) != len(seen):
        raise Refused("加入批量办理的合同有变化，看过最新的清单，再办理一次。")
    db.session.execute(select(Contract.id).where(Contract.id.in_(ids)).order_by(Contract.id).with_for_update())
    contracts = _in_order(person, ids)
    refused = [] if len(contracts) == len(ids) else ["有的合同已不在你的办理范围。"]
    ready: list[tuple[Offer, MoveForm]] = []
    for contract in contracts:
        line = _line(contract, person, seen[contract.id])
        offer, form, _ = _considered(contract, person)
        if offer and form and line.is_fit:
            ready.append((offer, form))
        else:
            refused.append(f"{contract.acceptance_number or contract.name}：{line.why_not}")
    if refused:
        raise Refused(*refused)
    for offer, form in ready:
        answers: dict[str, Any] = form.answers() | {"batch": len(ready)}
        offer.make(answers, seen[offer.record.id])
    take_out(person, ids)
    return contracts
