"""Put contracts into a demonstration that only wait for 晋江市's second person; prints their numbers."""

import sys

from sqlalchemy import select

from contracts_app.accounts.models import User
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from tests.factories import JINJIANG, Make
from wsgi import app


def main(count: int) -> None:
    with app.app_context():
        make = Make()
        named = {name: db.session.scalars(select(User).where(User.username == name)).one() for name in PEOPLE}
        for _ in range(count):
            made = make.contract(
                state=State.REVIEWED,
                unit=JINJIANG,
                filed_by=named["jj-broker"],
                reviewed_by=named["jj-registrar"],
                decided_by=named["jj-reviewer"],
            )
            print(made.id)


PEOPLE = ("jj-broker", "jj-registrar", "jj-reviewer")

if __name__ == "__main__":
    main(int(sys.argv[1]))
