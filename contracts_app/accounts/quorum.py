"""There is always somebody of each of the three (三员): the last one who can act is neither disabled nor stripped."""

from sqlalchemy import ColumnElement, select

from contracts_app.core.db import db
from contracts_app.core.errors import Refused

from .models import User, UserRole
from .roles import THREE, Role


def role_of_three(user: User) -> Role | None:
    """Which of the three the person is."""
    return next((role for role in THREE if role in user.own_roles), None)


def is_last(user: User, *conditions: ColumnElement[bool]) -> bool:
    """Whether nobody else (of whom the conditions hold) could act in the one of the three roles this person has."""
    role = role_of_three(user)
    if role is None:
        return False
    others = select(User.id).join(UserRole, UserRole.user_id == User.id)
    others = others.where(UserRole.role == role, User.id != user.id, User.is_active, User.password_hash != "")
    return db.session.scalar(others.where(*conditions).limit(1)) is None


def keep(user: User) -> None:
    """To be asked before an account is disabled or loses its role. Raises ``Refused`` when it is the last one.

    Whoever does the same to a colleague of that role at the same moment waits here, so that not both go.
    """
    role = role_of_three(user)
    if role is None:
        return
    holders = select(UserRole.user_id).where(UserRole.role == role)
    db.session.execute(select(User.id).where(User.id.in_(holders)).order_by(User.id).with_for_update(key_share=True))
    if user.is_active and is_last(user):
        raise Refused(
            f"{user.name}是最后一个能登录的{role.label}，不能停用，也不能取消这个角色。先再设一名{role.label}，等本人设好密码。"
        )


def missing() -> list[Role]:
    """Of which of the three nobody can sign in: nobody at all, or nobody who has set a password."""
    there = select(UserRole.role).join(User, User.id == UserRole.user_id)
    found = set(db.session.scalars(there.where(UserRole.role.in_(THREE), User.is_active, User.password_hash != "")))
    return [role for role in THREE if role not in found]
