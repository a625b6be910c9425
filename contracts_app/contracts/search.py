"""The search index of contracts: words inside titles, parties and numbers, and pinyin initials of the parties."""

from collections.abc import Iterable

from contracts_app.core.search import SearchIndex

from .models import Contract

WORDS = SearchIndex("contract_search")


def reindex(contracts: Iterable[Contract]) -> None:
    """Index these contracts anew. To be called in the unit of work that changed their words or numbers."""
    WORDS.put((contract.id, _texts(contract)) for contract in contracts)


def _texts(contract: Contract) -> list[str]:
    texts = [contract.title, contract.acceptance_number or "", contract.registration_number or ""]
    for party in (contract.seller, contract.buyer):
        if party:
            texts += [party.name, party.code or "", party.initials]
    return texts
