"""There is always somebody of each of the three (三员): the last one who can act is not disabled, stripped or moved.

Nor is the last one of the topmost region: what is of the whole installation is changed there, and nobody of a county
gets it by the city's going.
"""

from sqlalchemy import ColumnElement, Select, func, select

from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused
from contracts_app.regions.models import Region

from .models import User, UserRole
from .roles import THREE, Role


def role_of_three(user: User) -> Role | None:
    """Which of the three the person is."""
    return next((role for role in THREE if role in user.own_roles), None)


def is_last(user: User, *conditions: ColumnElement[bool]) -> bool:
    """Whether nobody else (of whom the conditions hold) could act in this person's one of the three, as widely."""
    role = role_of_three(user)
    if role is None:
        return False
    above = [code for code in user.region.path.split("/") if code]
    others = _able(role).where(User.id != user.id, User.region_code.in_(above))
    return db.session.scalar(others.where(*conditions).limit(1)) is None


def _able(role: Role) -> Select[User]:
    """Who could act in a role: active, with a password."""
    holders = select(User).join(UserRole, UserRole.user_id == User.id).where(UserRole.role == role)
    return holders.where(User.is_active, User.password_hash != "")


def why_not_for_all(person: User) -> str | None:
    """Why this person may not change what is of the whole installation; None if they may.

    Rules, settings and the password profile hold in every region, so they belong to those whose region covers that of
    everybody else in the same one of the three; in the installation of a single county those are the county's.
    """
    role = role_of_three(person)
    if role is None:
        return "这是全系统共用的，由三员办理。"
    beyond = _able(role).join(Region, Region.code == User.region_code)
    beyond = beyond.where(~Region.path.startswith(person.region.path))
    other = db.session.scalars(beyond.order_by(func.length(Region.path), User.id).limit(1)).first()
    if other is None:
        return None
    return f"这是全系统共用的，不只管你的地区，由管全部地区的{role.label}来办。"


def answers_for_all(person: User) -> bool:
    """The same as a yes or no, for what a page offers."""
    return why_not_for_all(person) is None


def must_answer_for_all(person: User) -> None:
    """Raises ``NotYours`` where what is of the whole installation is not the person's to change."""
    if sentence := why_not_for_all(person):
        raise NotYours(sentence)


def keep(user: User) -> None:
    """To be asked before an account is disabled, loses its role or is to reach less far than before.

    Raises ``Refused`` when nobody else could act in that role as widely.

    Whoever does the same to a colleague of that role at the same moment waits here, so that not both go.
    """
    role = role_of_three(user)
    if role is None:
        return
    holders = select(UserRole.user_id).where(UserRole.role == role)
    db.session.execute(select(User.id).where(User.id.in_(holders)).order_by(User.id).with_for_update(key_share=True))
    if user.is_active and is_last(user):
        is_only = db.session.scalar(_able(role).where(User.id != user.id).limit(1)) is None
        which, where = ("", "") if is_only else (f"、管{user.region.name}", "同一地区或上级地区的")
        raise Refused(
            f"{user.name}是最后一个能登录{which}的{role.label}，不能停用、调到别的地区，也不能取消这个角色。"
            f"先再设一名{where}{role.label}，等本人设好密码。"
        )


def missing() -> list[Role]:
    """Of which of the three nobody can sign in: nobody at all, or nobody who has set a password."""
    there = select(UserRole.role).join(User, User.id == UserRole.user_id)
    found = set(db.session.scalars(there.where(UserRole.role.in_(THREE), User.is_active, User.password_hash != "")))
    return [role for role in THREE if role not in found]
