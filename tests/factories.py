"""What tests are about, made in one line: ``make.user(Role.REVIEWER)`` saves one with sensible everything else."""

from itertools import count
from typing import Any

from contracts_app.accounts.models import User, UserRole
from contracts_app.accounts.roles import DUTY_OF, Role
from contracts_app.core.db import db

JINJIANG, SHISHI, QUANZHOU = "350582", "350581", "350500"


class Make:
    """Saves what it makes, so that a request of the test sees it. Numbers keep names apart."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def user(self, *roles: Role, region: str = JINJIANG, name: str = "", **facts: Any) -> User:
        """A person of these roles (a registrar if none is said), without a password."""
        roles = roles or (Role.REGISTRAR,)
        duty = DUTY_OF[roles[0]]
        number = next(self._numbers)
        user = User(
            username=f"{roles[0].value}{number}",
            name=name or f"{roles[0].label}{number}",
            duty=duty,
            region_code=region,
            grants=[UserRole(role=role, duty=duty) for role in roles],
        )
        return self.save(user, **facts)

    def save(self, thing: Any, **facts: Any) -> Any:
        """Keep a thing, after setting whatever else the test says about it."""
        for name, value in facts.items():
            setattr(thing, name, value)
        db.session.add(thing)
        db.session.commit()
        return thing
