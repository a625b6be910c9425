"""Where the contracts behind a number are listed."""

from typing import Any

from flask import url_for

from contracts_app.contracts.finding.query import ContractQuery


def contracts_url(query: ContractQuery) -> str:
    """The list of exactly the contracts that make a number."""
    arguments: dict[str, Any] = {**query.to_args()}
    return url_for("contracts.index", **arguments)
