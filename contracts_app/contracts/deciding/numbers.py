"""The numbers this system gives itself: 受理号 and 核验码. The registration number comes from the national system.

受理号: ``JJ-JSHT-2026-00001``, counted afresh each year by each office, without gaps and never given twice.
"""

import secrets

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from contracts_app.contracts.models import NumberCounter
from contracts_app.core.db import db
from contracts_app.regions.models import Unit


def next_acceptance_number(unit: Unit, year: int) -> str:
    """The next number of this office and year.

    Counted in a row that the transaction locks until its end: whoever comes at the same moment waits, and a
    transaction that fails gives its number back.
    """
    insert = sqlite_insert if db.engine.dialect.name == "sqlite" else postgresql_insert
    db.session.execute(insert(NumberCounter).values(unit_code=unit.code, year=year, last=0).on_conflict_do_nothing())
    last = db.session.execute(
        update(NumberCounter)
        .where(NumberCounter.unit_code == unit.code, NumberCounter.year == year)
        .values(last=NumberCounter.last + 1)
        .returning(NumberCounter.last)
    ).scalar_one()
    return f"{unit.number_prefix}-JSHT-{year}-{last:05}"


READABLE = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that is mistaken for something else


def new_verification_code() -> str:
    """Ten characters nobody can guess (about 50 bits): who holds the paper may ask whether it is still true."""
    return "".join(secrets.choice(READABLE) for _ in range(10))
