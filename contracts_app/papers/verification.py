"""What anybody may ask about a registration: is it valid today? Nothing else, and nothing personal."""

import secrets
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import segno
from flask import url_for
from sqlalchemy import select

from contracts_app.contracts.models import Contract
from contracts_app.core.db import db
from contracts_app.core.text import normalise


@dataclass(frozen=True)
class Answer:
    """The state of a registration on the day it is asked."""

    number: str
    registered_on: date
    words: str


def verified(number: str, code: str) -> Answer | None:
    """The registration with that number and verification code; None unless both are right, whichever is wrong."""
    number = "".join(normalise(number).split())
    code = normalise(code).replace(" ", "").upper()
    row = db.session.execute(
        select(Contract.registration_number, Contract.registered_on, Contract.verification_code, Contract.state).where(
            Contract.registration_number == number
        )
    ).one_or_none()
    if row is None or not secrets.compare_digest(row.verification_code.encode(), code.encode()):
        return None
    return Answer(row.registration_number, row.registered_on, row.state.label)


def qr_svg(contract: Contract) -> str:
    """A QR code that opens the verification page with number and code filled in."""
    address = url_for(
        "papers.verify", number=contract.registration_number, code=contract.verification_code, _external=True
    )
    out = BytesIO()
    segno.make(address, error="m").save(out, kind="svg", scale=4, xmldecl=False, svgns=True)
    return out.getvalue().decode()
