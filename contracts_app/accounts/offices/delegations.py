"""委托代办（AB角）: who stands in for whom, from when to when, and why. In force, `User.roles` counts the lent ones.

Roles are granted by two people, so they are lent by two: the owner of the office by himself, an administrator for
somebody absent only once a security administrator has confirmed it. And not for longer than an absence lasts.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from contracts_app.accounts.models import Delegation, User, UserRole, forget_delegations, may_stand_in
from contracts_app.accounts.queries import users_under
from contracts_app.accounts.roles import LENT, Role
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused
from contracts_app.core.trail import audit
from contracts_app.regions.models import Region

LONGEST = 60  # days, both ends included
WAITS = "待复核"
TOO_LONG = f"一次最多委托 {LONGEST} 天，到期仍不在岗的再办一次"


def is_too_long(starts_on: date, ends_on: date) -> bool:
    """Whether these days, both included, are more than one delegation may have."""
    return (ends_on - starts_on).days >= LONGEST


def lends(person: User) -> bool:
    """Whether the person has an office of their own that a colleague could hold."""
    return bool(person.own_roles & LENT)


def colleagues(of: User) -> Sequence[User]:
    """Who may stand in for a person, by name: staff of the same or a wider region who are no brokers."""
    above = [code for code in of.region.path.split("/") if code]
    staff = select(UserRole.user_id).where(UserRole.role.in_(LENT))
    wanted = select(User).where(User.is_active, User.region_code.in_(above), User.id.in_(staff))
    found = db.session.scalars(wanted.order_by(User.name, User.id)).all()
    return [one for one in found if may_stand_in(one, of)]


def staff_under(admin: User) -> Sequence[User]:
    """Whose office could be lent in the administrator's region, by name."""
    staff = select(UserRole.user_id).where(UserRole.role.in_(LENT))
    wanted = users_under(admin.region).where(User.is_active, User.id.in_(staff))
    return db.session.scalars(wanted.order_by(User.name, User.id)).all()


def _listed() -> Select[Delegation]:
    return (
        select(Delegation)
        .options(joinedload(Delegation.delegator), joinedload(Delegation.delegate), joinedload(Delegation.created_by))
        .options(joinedload(Delegation.confirmed_by))
        .order_by(Delegation.ends_on.desc(), Delegation.id.desc())
        .limit(100)
    )


def of(person: User) -> Sequence[Delegation]:
    """What the person lent and what was lent to them, the latest first; at most 100."""
    mine = or_(Delegation.delegator_id == person.id, Delegation.delegate_id == person.id)
    return db.session.scalars(_listed().where(mine)).all()


def under(admin: User) -> Sequence[Delegation]:
    """The delegations of the people of the administrator's region, the latest first; at most 100."""
    people = (
        select(User.id).join(Region, Region.code == User.region_code).where(Region.path.startswith(admin.region.path))
    )
    return db.session.scalars(_listed().where(Delegation.delegator_id.in_(people))).all()


def waiting_count(person: User) -> int:
    """How many delegations wait for this person to confirm them."""
    if Role.SECURITY not in person.own_roles:
        return 0
    waits = (
        select(func.count(Delegation.id))
        .join(User, User.id == Delegation.delegator_id)
        .join(Region, Region.code == User.region_code)
        .where(Region.path.startswith(person.region.path), Delegation.created_by_id != Delegation.delegator_id)
        .where(Delegation.confirmed_at.is_(None), Delegation.ended_at.is_(None), Delegation.ends_on >= today())
    )
    return db.session.scalar(waits) or 0


def one(delegation_id: int) -> Delegation | None:
    """The delegation of that number."""
    return db.session.get(Delegation, delegation_id)


def may_arrange(person: User, delegator: User) -> bool:
    """Everybody lends their own office; an administrator that of somebody of their region who is absent."""
    return person.id == delegator.id or (Role.ADMIN in person.own_roles and person.region.covers(delegator.region))


def lend(person: User, *, delegator: User, delegate: User, starts_on: date, ends_on: date, reason: str) -> Delegation:
    """Have ``delegate`` stand in for ``delegator`` from the first day to the last, both included.

    Raises ``NotYours`` where it is not the person's to arrange, ``Refused`` where the two do not fit, the days lie in
    the past or the wrong way round or are too many, or somebody already stands in for the delegator on one of them.
    What an administrator arranges waits for ``confirm``.
    """
    if not may_arrange(person, delegator):
        raise NotYours("只能委托自己的岗位；别人的由系统管理员办理。")
    if not lends(delegator):
        raise Refused(f"{delegator.name}没有登记员、审核员或局领导岗位，不用委托。")
    if not delegate.is_active or not may_stand_in(delegate, delegator):
        raise Refused("代办人须是同一地区或上级地区的登记员、审核员或局领导，不能是技术经纪人。")
    if ends_on < starts_on or ends_on < today():
        raise Refused("结束日期不能早于开始日期和今天。")
    if is_too_long(starts_on, ends_on):
        raise Refused(f"{TOO_LONG}。")
    # Whoever arranges the same person's absence at the same moment waits here for the first.
    db.session.execute(select(User.id).where(User.id == delegator.id).with_for_update(key_share=True))
    overlapping = select(Delegation).where(
        Delegation.delegator_id == delegator.id,
        Delegation.ended_at.is_(None),
        Delegation.starts_on <= ends_on,
        Delegation.ends_on >= starts_on,
    )
    if there := db.session.scalars(overlapping.limit(1)).first():
        raise Refused(f"{there.starts_on} 至 {there.ends_on} 已委托{there.delegate.name}代办，先结束那一项。")
    made = Delegation(
        delegator=delegator,
        delegate=delegate,
        starts_on=starts_on,
        ends_on=ends_on,
        reason=reason,
        created_by=person,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "lend_office",
        person,
        subject="delegation",
        subject_id=made.id,
        delegator=delegator.name,
        delegate=delegate.name,
        starts_on=starts_on.isoformat(),
        ends_on=ends_on.isoformat(),
        reason=reason,
    )
    forget_delegations(db.session())
    return made


def confirm(person: User, delegation: Delegation) -> None:
    """Let what an administrator arranged take effect: by a security administrator whose region covers the delegator's.

    Raises ``NotYours`` for anybody else, ``Refused`` where nothing waits any more.
    """
    if Role.SECURITY not in person.own_roles or not person.region.covers(delegation.delegator.region):
        raise NotYours("由委托人所在地区或上级地区的安全管理员复核。")
    db.session.refresh(delegation, with_for_update={"of": Delegation})
    if condition_of(delegation, today()) != WAITS:
        raise Refused(f"这项委托现在是“{condition_of(delegation, today())}”，不用复核。")
    delegation.confirmed_by, delegation.confirmed_at = person, now_utc()
    db.session.flush()
    audit.record(
        "confirm_lending",
        person,
        subject="delegation",
        subject_id=delegation.id,
        delegator=delegation.delegator.name,
        delegate=delegation.delegate.name,
    )
    forget_delegations(db.session())


def end(person: User, delegation: Delegation) -> None:
    """Take the office back at once; what the delegate did stays. Raises ``NotYours`` where it is not the person's."""
    if not may_arrange(person, delegation.delegator):
        raise NotYours("只有委托人本人或系统管理员可以结束委托。")
    if delegation.ended_at is not None:
        return
    delegation.ended_at = now_utc()
    db.session.flush()
    audit.record(
        "end_lending",
        person,
        subject="delegation",
        subject_id=delegation.id,
        delegator=delegation.delegator.name,
        delegate=delegation.delegate.name,
    )
    forget_delegations(db.session())


def condition_of(delegation: Delegation, day: date) -> str:
    """How a delegation stands on a day, in a word."""
    if delegation.ended_at is not None:
        return "已提前结束"
    if delegation.ends_on < day:
        return "已到期"
    if delegation.waits:
        return WAITS
    if delegation.starts_on > day:
        return "未开始"
    return "生效中" if delegation.still_fits else "岗位已变动，不生效"
