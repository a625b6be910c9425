"""Reading accounts and the log of who did what."""

from collections.abc import Sequence
from typing import Any

from flask import abort
from sqlalchemy import ColumnElement, Select, and_, distinct, func, select

from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.core.web.pages import Page, page_of
from contracts_app.core.words import Word
from contracts_app.regions.models import Region
from contracts_app.regions.queries import regions_under, units_under

from . import dormancy
from .models import User, UserRole
from .permissions import GRANTS, Can
from .roles import OFFICE_ROLES, Role
from .sign_in_models import NameLock, SecondFactor


class Condition(Word):
    """What can be said of an account as such."""

    ACTIVE = "active", "在用"
    WAITING = "waiting", "未授权"
    INVITED = "invited", "待设置密码"
    DORMANT = "dormant", "长期未登录"
    DISABLED = "disabled", "已停用"


def condition_of(user: User) -> Condition:
    """Whether the person can sign in, and if not, why."""
    return conditions_of([user])[user.id]


def conditions_of(users: Sequence[User]) -> dict[int, Condition]:
    """The same for a page of accounts."""
    sleeping = dormancy.dormant_among(users)
    return {user.id: _condition(user, user.id in sleeping) for user in users}


def _condition(user: User, is_dormant: bool) -> Condition:
    if not user.is_active:
        return Condition.DISABLED
    if not user.own_roles:
        return Condition.WAITING
    if is_dormant:
        return Condition.DORMANT
    return Condition.ACTIVE if user.password_hash else Condition.INVITED


def _is(condition: Condition) -> ColumnElement[bool]:
    """The same in the database; the last of the three, who never counts as dormant, is found among those too."""
    has_roles = User.id.in_(select(UserRole.user_id))
    awake = and_(User.is_active, has_roles, ~dormancy.asleep())
    return {
        Condition.ACTIVE: and_(awake, User.password_hash != ""),
        Condition.WAITING: and_(User.is_active, ~has_roles),
        Condition.INVITED: and_(awake, User.password_hash == ""),
        Condition.DORMANT: and_(has_roles, dormancy.asleep()),
        Condition.DISABLED: ~User.is_active,
    }[condition]


def users_under(region: Region) -> Select[User]:
    """The accounts of a region and of what lies under it."""
    return select(User).join(Region, Region.code == User.region_code).where(Region.path.startswith(region.path))


def matching_users(
    admin: User, *, words: str = "", role: Role | None = None, place: Region | None = None, is_: Condition | None = None
) -> Select[User]:
    """The accounts of the administrator's region that fit: words in the name or username, role, place, condition."""
    wanted = users_under(admin.region)
    for word in words.split():
        wanted = wanted.where(
            User.username.contains(word.lower(), autoescape=True) | User.name.contains(word, autoescape=True)
        )
    if role:
        wanted = wanted.where(User.id.in_(select(UserRole.user_id).where(UserRole.role == role)))
    if place:
        wanted = wanted.where(Region.path.startswith(place.path))
    return wanted.where(_is(is_)) if is_ else wanted


def users_page(matching: Select[User], number: int, size: int) -> Page[User]:
    """One page of accounts, by place and username."""
    order: list[Any] = [User.region_code, User.username, User.id]
    return page_of(db.session(), matching, show=select(User), key=User.id, order=order, number=number, size=size)


def one(user_id: int, admin: User) -> User:
    """One account of the administrator's region; 404 for any other."""
    return db.session.scalars(users_under(admin.region).where(User.id == user_id)).one_or_none() or abort(404)


def by_username(username: str) -> User | None:
    """The account of that name."""
    return db.session.scalar(select(User).where(User.username == username.strip().lower()))


def with_second_factor(users: Sequence[User]) -> set[int]:
    """Which of these accounts have a second factor."""
    wanted = select(SecondFactor.user_id).where(SecondFactor.user_id.in_([user.id for user in users]))
    return set(db.session.scalars(wanted))


def locked(users: Sequence[User]) -> set[str]:
    """The usernames among these that stay locked until somebody opens them."""
    wanted = select(NameLock.username).where(NameLock.username.in_([user.username for user in users]))
    return set(db.session.scalars(wanted.where(NameLock.device == "")))


def somebody_above(region: Region, permission: Can) -> User | None:
    """Who could sign in and has the permission in a region that this one lies in: the nearest such region first."""
    above = [code for code in region.path.split("/") if code and code != region.code]
    holders = select(UserRole.user_id).where(UserRole.role.in_(GRANTS[permission]))
    wanted = select(User).join(Region, Region.code == User.region_code).where(User.region_code.in_(above))
    wanted = wanted.where(User.is_active, User.password_hash != "", User.id.in_(holders))
    return db.session.scalars(wanted.order_by(Region.path.desc(), User.id).limit(1)).first()


FEWEST_IN_OFFICE = 3  # who register or review; what 吉林 and 北京 ask of an office, kept to nowhere by force


def thin_offices(region: Region) -> list[tuple[str, int]]:
    """The registration offices of a region with fewer active registrars and reviewers: name and how many persons."""
    counted = (
        select(User.region_code, func.count(distinct(User.id)).label("persons"))
        .join(UserRole, UserRole.user_id == User.id)
        .where(UserRole.role.in_(OFFICE_ROLES), User.is_active, ~dormancy.asleep())
        .group_by(User.region_code)
    )
    persons = {row.region_code: row.persons for row in db.session.execute(counted)}
    there = [(unit.name, persons.get(unit.region_code, 0)) for unit in units_under(region)]
    return [(name, number) for name, number in there if number < FEWEST_IN_OFFICE]


def region_choices(above: Region) -> list[tuple[str, str]]:
    """A region and all under it as pairs of code and words, indented by depth."""
    places = db.session.scalars(regions_under(above)).all()
    return [(place.code, "　" * (place.path.count("/") - above.path.count("/")) + place.name) for place in places]


def region_under(above: Region, code: str | None) -> Region | None:
    """The region of that code, if it is this one or lies under it."""
    found = db.session.get(Region, code) if code else None
    return found if found and above.covers(found) else None


def latest_sign_ins(user: User, how_many: int = 10) -> Sequence[AuditEntry]:
    """The person's own latest sign-ins, and the attempts under their name that failed."""
    wanted = select(AuditEntry).where(
        AuditEntry.username == user.username, AuditEntry.action.in_(("sign_in", "sign_in_failed", "set_password"))
    )
    return db.session.scalars(wanted.order_by(AuditEntry.id.desc()).limit(how_many)).all()
