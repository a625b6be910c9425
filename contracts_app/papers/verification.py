"""What anybody may ask about a registration: is it valid today? Nothing else, and nothing personal."""

import secrets
from dataclasses import dataclass
from datetime import date
from io import BytesIO

from flask import url_for
from sqlalchemy import select

from contracts_app.contracts.models import Contract
from contracts_app.core.db import db
from contracts_app.core.text import normalise

from .standing import Standing, standing

_NO_CODE = "-" * 10  # no verification code has this sign


@dataclass(frozen=True)
class Answer:
    """What a registration is worth on the day it is asked."""

    number: str
    registered_on: date
    standing: Standing


def verified(number: str, code: str) -> Answer | None:
    """The registration with that number and verification code; None unless both are right, whichever is wrong.

    An unknown number and a wrong code take the same way: one question to the database, one comparison.
    """
    number = "".join(normalise(number).split())
    code = normalise(code).replace(" ", "").upper()
    wanted = select(Contract.id, Contract.verification_code).where(Contract.registration_number == number)
    contract_id, expected = db.session.execute(wanted).one_or_none() or (None, _NO_CODE)
    if not secrets.compare_digest((expected or _NO_CODE).encode(), code.encode()) or contract_id is None:
        return None
    contract = db.session.get_one(Contract, contract_id)
    assert contract.registration_number is not None
    assert contract.registered_on is not None
    return Answer(contract.registration_number, contract.registered_on, standing(contract))


def qr_svg(contract: Contract) -> str:
    """A QR code that opens the verification page with number and code filled in."""
    import segno  # here, because few pages need it

    address = url_for(
        "papers.verify", number=contract.registration_number, code=contract.verification_code, _external=True
    )
    out = BytesIO()
    segno.make(address, error="m").save(out, kind="svg", scale=4, xmldecl=False, svgns=True)
    return out.getvalue().decode()
