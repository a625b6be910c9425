"""The search index of contracts: words inside titles, parties and numbers, and pinyin initials of the parties.

Numbers are those of the office, the parties' own 合同编号, and those of the rights that move.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from contracts_app.contracts.models import Contract
from contracts_app.core.database.search import SearchIndex
from contracts_app.core.db import db

WORDS = SearchIndex("contract_search")
TOGETHER = 500


def reindex(contracts: Iterable[Contract]) -> None:
    """Index these contracts anew. To be called in the unit of work that changed their words or numbers."""
    WORDS.put((contract.id, _texts(contract)) for contract in contracts)


def rebuild() -> int:
    """Index every contract anew, so many at a time; how many there were. What an older release indexed knows less."""
    last, count = 0, 0
    wanted = select(Contract).options(
        joinedload(Contract.seller), joinedload(Contract.buyer), selectinload(Contract.rights)
    )
    while found := db.session.scalars(wanted.where(Contract.id > last).order_by(Contract.id).limit(TOGETHER)).all():
        reindex(one for one in found if not one.is_classified)
        last, count = found[-1].id, count + len(found)
        db.session.expunge_all()
    return count


def _texts(contract: Contract) -> list[str]:
    texts = [contract.title, contract.acceptance_number or "", contract.registration_number or ""]
    texts += [contract.contract_number, *(right.number for right in contract.rights)]
    for party in (contract.seller, contract.buyer):
        if party:
            texts += [party.name, party.code or "", party.initials]
    return texts
