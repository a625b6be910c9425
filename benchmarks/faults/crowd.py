"""Give many people of a demonstration a password; prints user name, password and role, a line each."""

import secrets
import sys

from sqlalchemy import select

from contracts_app.accounts.entrance.signing_in import set_password
from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Duty
from contracts_app.core.db import unit_of_work
from contracts_app.core.installation import is_demonstration
from wsgi import app


def main(count: int) -> None:
    with app.app_context():
        if not is_demonstration():
            raise SystemExit("only people of a demonstration get a password this way")
        with unit_of_work() as work:
            wanted = select(User).where(User.is_active, User.duty == Duty.BUSINESS).order_by(User.id)
            password = secrets.token_urlsafe(12) + "aA1-"
            for user in work.scalars(wanted).all()[:count]:
                set_password(user, password)
                print(user.username, password, min(role.value for role in user.own_roles))


if __name__ == "__main__":
    main(int(sys.argv[1]))
