"""What changes accounts."""

from sqlalchemy import select

from contracts_app.core import audit
from contracts_app.core.db import db

from . import signing_in
from .models import User, UserRole
from .roles import DUTY_OF, Duty, Role

HOME_REGION = "350500"  # 泉州市, above all its units


def create(*, username: str, name: str, roles: frozenset[Role], region_code: str) -> User:
    """A new account without a password: nobody can sign in with it until its invitation is used.

    Raises ``ValueError`` when the roles belong to different duties, which exclude each other (三员分立).
    """
    duties = {DUTY_OF[role] for role in roles}
    if len(duties) != 1:
        raise ValueError("业务岗位、系统管理、安全审计不能兼任，只选同一类里的角色")
    duty: Duty = duties.pop()
    user = User(username=username.strip().lower(), name=name, duty=duty, region_code=region_code)
    user.grants = [UserRole(role=role, duty=duty) for role in sorted(roles)]
    db.session.add(user)
    db.session.flush()
    return user


def first_administrator() -> str | None:
    """The token with which the first administrator sets a password; None when one has already done so."""
    admins = db.session.scalars(select(User).join(UserRole).where(UserRole.role == Role.ADMIN)).all()
    if any(admin.password_hash for admin in admins):
        return None
    admin = (
        admins[0]
        if admins
        else create(username="admin", name="系统管理员", roles=frozenset({Role.ADMIN}), region_code=HOME_REGION)
    )
    audit.record("invite", admin, subject="user", subject_id=admin.id)
    return signing_in.invite(admin, signing_in.FIRST_INVITATION_LASTS)
