"""Questions about registration numbers that both the workflow and the reads ask."""

from sqlalchemy import select

from contracts_app.contracts.models import Contract
from contracts_app.core.db import db


def contract_with_number(number: str) -> str | None:
    """The acceptance number of the contract that carries this registration number; None where it is still free."""
    return db.session.scalar(select(Contract.acceptance_number).where(Contract.registration_number == number))
