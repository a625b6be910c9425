"""Roles are granted by two people: an administrator asks for them, a security administrator confirms or refuses.

Until then the account keeps what it had; a new one has nothing. What is taken away is gone at once, and written down.
"""

from collections.abc import Callable, Sequence

from flask import abort
from sqlalchemy import ColumnElement, Select, and_, delete, func, select
from sqlalchemy.orm import aliased, joinedload

from contracts_app.accounts import quorum
from contracts_app.accounts.models import GrantStage, Invitation, RoleGrant, User, UserRole
from contracts_app.accounts.roles import NO_OFFICE_IN_TOWN, OFFICE_ROLES, Role, duty_of
from contracts_app.core.clock import now_utc
from contracts_app.core.db import LARGEST_ID, db
from contracts_app.core.errors import SENTENCES, NotYours, Refused
from contracts_app.core.trail import audit
from contracts_app.regions.models import Level, Region

from . import delegations

CHANGED_SINCE = "提出申请以后，这个账号又有变动。由系统管理员按现在的情况重新提出。"
ANOTHER_PERSON = "本人提出的、给本人的授权，要由另一位安全管理员复核"
SENTENCES.update(
    {
        "uq_role_grants_one_waiting": "这个账号刚有别人提出了授权申请，打开看过再办。",
        "grant_decided_by_another_person": f"{ANOTHER_PERSON}。",
    }
)

# What stands above accounts and keeps a record of the same person is told here when an account was opened or changed.
CHANGED: list[Callable[[User], None]] = []


def when_changed(follow: Callable[[User], None]) -> Callable[[User], None]:
    """Have a function called with each account that is opened or changed, in the same unit of work."""
    CHANGED.append(follow)
    return follow


def tell(user: User) -> None:
    """An account was opened or changed."""
    for follow in CHANGED:
        follow(user)


def words(roles: frozenset[Role]) -> str:
    """Roles in their usual order: 登记员、审核员."""
    return "、".join(role.label for role in Role if role in roles)


# ---- reading --------------------------------------------------------------------------------------------------------


def standing(user: User) -> RoleGrant | None:
    """The request about this account that waits, if there is one."""
    return db.session.scalar(
        select(RoleGrant).where(RoleGrant.user_id == user.id, RoleGrant.stage == GrantStage.WAITING)
    )


def of(user: User) -> Sequence[RoleGrant]:
    """Everything that was ever asked for this account, the latest first."""
    return db.session.scalars(shown().where(RoleGrant.user_id == user.id)).all()


def listed(person: User, *, waiting: bool) -> Select[RoleGrant]:
    """What waits in the person's region, or what was decided there."""
    stage = RoleGrant.stage == GrantStage.WAITING if waiting else RoleGrant.stage != GrantStage.WAITING
    return _of_region(select(RoleGrant), person).where(stage)


def inbox_count(person: User) -> int:
    """The number beside 待复核授权 in the menu of those who decide: delegations that wait for them stand there too."""
    return waiting_count(person) + delegations.waiting_count(person) if Role.SECURITY in person.roles else 0


def waiting_count(person: User) -> int:
    """How many requests wait in the person's region."""
    return db.session.scalar(select(func.count()).select_from(listed(person, waiting=True).subquery())) or 0


def one(grant_id: int, person: User) -> RoleGrant:
    """A request of the person's region; 404 for any other."""
    wanted = _of_region(shown(), person).where(RoleGrant.id == min(grant_id, LARGEST_ID))
    return db.session.scalars(wanted).one_or_none() or abort(404)


Ids = Sequence[int] | Select[int]


def latest_confirmed(user_ids: Ids) -> dict[int, RoleGrant]:
    """Account -> by whom and when its roles were last granted; nothing for accounts from before there were requests."""
    newest = select(func.max(RoleGrant.id)).where(
        RoleGrant.user_id.in_(user_ids), RoleGrant.stage == GrantStage.CONFIRMED, ~is_reset()
    )
    found = db.session.scalars(shown().where(RoleGrant.id.in_(newest.group_by(RoleGrant.user_id))))
    return {grant.user_id: grant for grant in found}


def is_reset() -> ColumnElement[bool]:
    """``RoleGrant.is_reset`` in the database: that a password may be reset, which is no look at the account."""
    same_roles = RoleGrant.roles_after == RoleGrant.roles_before
    same_region = RoleGrant.region_after_code == RoleGrant.region_before_code
    return and_(RoleGrant.proposed_by_id.is_not(None), same_roles, same_region)


def standing_of(user_ids: Sequence[int]) -> dict[int, RoleGrant]:
    """Account -> the request that waits."""
    found = shown().where(RoleGrant.user_id.in_(user_ids), RoleGrant.stage == GrantStage.WAITING)
    return {grant.user_id: grant for grant in db.session.scalars(found)}


def confirmers(region: Region) -> Sequence[User]:
    """Who could confirm a request of this region."""
    above = [code for code in region.path.split("/") if code]
    wanted = select(User).join(UserRole, UserRole.user_id == User.id).where(UserRole.role == Role.SECURITY)
    wanted = wanted.where(User.is_active, User.password_hash != "", User.region_code.in_(above))
    return db.session.scalars(wanted.order_by(User.region_code, User.id)).all()


def shown() -> Select[RoleGrant]:
    """Requests with everything their page says, the latest first."""
    names = (joinedload(one) for one in (RoleGrant.user, RoleGrant.proposed_by, RoleGrant.decided_by))
    places = (joinedload(one) for one in (RoleGrant.region_before, RoleGrant.region_after))
    return select(RoleGrant).options(*names, *places).order_by(RoleGrant.id.desc())


def _of_region(wanted: Select[RoleGrant], person: User) -> Select[RoleGrant]:
    """Where both the account's place and the place it is to get lie in the person's region."""
    own, before, after = aliased(User), aliased(Region), aliased(Region)
    wanted = wanted.join(own, own.id == RoleGrant.user_id).join(before, before.code == own.region_code)
    wanted = wanted.join(after, after.code == RoleGrant.region_after_code)
    inside = (before.path.startswith(person.region.path), after.path.startswith(person.region.path))
    return wanted.where(*inside)


# ---- asking ---------------------------------------------------------------------------------------------------------


def propose(admin: User, user: User, *, roles: frozenset[Role], region: Region, reason: str) -> RoleGrant:
    """Ask for roles and region of an account; an earlier request that still waits is taken back.

    Raises ``Refused`` when that would change nothing or leave nobody in one of the three, ``ValueError`` when the roles
    do not fit.
    """
    fits(roles, region)
    _differs(user, roles, region)
    _keeps_quorum(user, roles, region)
    return _asked(admin, user, roles, region, reason)


def ask_reset(admin: User, user: User, reason: str) -> RoleGrant:
    """Ask that another administrator gets a new password: the only request that leaves roles and region as they are.

    Whether it may be asked for is said by who calls this: ``why_no_reset`` of the users.
    """
    return _asked(admin, user, user.own_roles, user.region, reason)


def _asked(admin: User, user: User, roles: frozenset[Role], region: Region, reason: str) -> RoleGrant:
    withdraw_standing(user, admin)
    grant = _request(user, roles, region, reason)
    grant.proposed_by = admin
    db.session.add(grant)
    db.session.flush()
    _tell_of("propose", grant, admin, reason=reason)
    return grant


def withdraw(person: User, grant: RoleGrant) -> None:
    """Take a request back. Raises ``Refused`` when it does not wait any more."""
    _lock(grant)
    _close(grant, GrantStage.WITHDRAWN, person)
    _tell_of("withdraw", grant, person)


def withdraw_standing(user: User, by: User | str) -> None:
    """The same for whatever waits about an account, because something else became of it."""
    grant = standing(user)
    if grant is not None:
        _close(grant, GrantStage.WITHDRAWN, None if isinstance(by, str) else by)
        _tell_of("withdraw", grant, by)
        db.session.flush()


# ---- deciding -------------------------------------------------------------------------------------------------------


def why_not(person: User, grant: RoleGrant) -> str | None:
    """Why this person may not decide this request; the sentence also stands beside the buttons."""
    if not person.has(Role.SECURITY):
        return "由安全管理员复核"
    if person.id in (grant.proposed_by_id, grant.user_id):
        return ANOTHER_PERSON
    return None


def confirm(person: User, grant: RoleGrant, answer: str = "") -> None:
    """Let the account have what was asked for, from its next click on.

    Raises ``NotYours`` for whoever may not, ``Refused`` when somebody was quicker or the account has changed since.
    """
    _decides(person, grant)
    if _has_changed(grant):
        raise Refused(CHANGED_SINCE)
    _take_effect(grant, person, answer)
    _tell_of("confirm", grant, person, answer=answer)


def refuse(person: User, grant: RoleGrant, answer: str) -> None:
    """Leave the account as it is, and say why. Raises like ``confirm``."""
    _decides(person, grant)
    if not answer.strip():
        raise Refused("写明不同意的理由。")
    _close(grant, GrantStage.REFUSED, person, answer)
    _tell_of("refuse", grant, person, answer=answer)


def take_away(admin: User, user: User, *, roles: frozenset[Role], reason: str) -> None:
    """Leave the account with these of its roles only, at once; a request that waits about it is taken back."""
    _keeps_quorum(user, roles, user.region)
    before = user.own_roles
    withdraw_standing(user, admin)
    give(user, roles)
    changes = [words(before), words(roles)]
    audit.record("take_roles", admin, subject="user", subject_id=user.id, roles=changes, reason=reason)
    tell(user)


# ---- at the machine -------------------------------------------------------------------------------------------------


def grant_at_machine(who: str, user: User, *, roles: frozenset[Role], region: Region, reason: str) -> RoleGrant:
    """Give roles without a second person: by whoever owns the machine, when too few are left to do it properly.

    Raises like ``propose``.
    """
    fits(roles, region)
    _differs(user, roles, region)
    _keeps_quorum(user, roles, region)
    withdraw_standing(user, who)
    grant = _request(user, roles, region, reason)
    db.session.add(grant)
    _take_effect(grant, None, "")
    _tell_of("confirm", grant, who, reason=reason)
    return grant


def confirm_at_machine(who: str, grant: RoleGrant, reason: str) -> None:
    """Confirm what an administrator asked for, when there is no security administrator left who could."""
    _lock(grant)
    if _has_changed(grant):
        raise Refused(CHANGED_SINCE)
    _take_effect(grant, None, reason)
    _tell_of("confirm", grant, who, reason=reason)


# ---- steps ----------------------------------------------------------------------------------------------------------


def fits(roles: frozenset[Role], region: Region) -> None:
    """Raises ``ValueError`` with a sentence when the roles exclude each other or have no office in that place."""
    duty_of(roles)
    if roles & OFFICE_ROLES and region.level == Level.TOWN:
        raise ValueError(NO_OFFICE_IN_TOWN)


def give(user: User, roles: frozenset[Role]) -> None:
    """Exactly these roles. Where the duty changes, the old ones go first: the database keeps duties apart."""
    duty = duty_of(roles)
    if duty != user.duty:
        user.grants.clear()
        db.session.flush()
        user.duty = duty
        db.session.flush()
    user.grants = [grant for grant in user.grants if grant.role in roles] + [
        UserRole(role=role, duty=duty) for role in sorted(roles - user.own_roles)
    ]
    db.session.flush()


def _request(user: User, roles: frozenset[Role], region: Region, reason: str) -> RoleGrant:
    return RoleGrant(
        user=user,
        roles_before=user.own_roles,
        roles_after=roles,
        region_before_code=user.region_code,
        region_after_code=region.code,
        region_after=region,
        reason=reason,
    )


def _differs(user: User, roles: frozenset[Role], region: Region) -> None:
    if (roles, region.code) == (user.own_roles, user.region_code):
        raise Refused(f"{user.name}已经是{words(roles)}（{region.name}），不用再授权。")


def _keeps_quorum(user: User, roles: frozenset[Role], region: Region) -> None:
    if quorum.role_of_three(user) not in (None, *roles) or not region.covers(user.region):
        quorum.keep(user)


def _decides(person: User, grant: RoleGrant) -> None:
    _lock(grant)
    if reason := why_not(person, grant):
        raise NotYours(f"{reason}。")
    if not (person.region.covers(grant.user.region) and person.region.covers(grant.region_after)):
        raise NotYours(f"这个账号不在你管理的地区（{person.region.name}）之内。")


def _lock(grant: RoleGrant) -> None:
    """Whoever decides the same request at the same moment waits here for the first, and then is told what was decided.

    The version they read first stays what they go by, so that nothing is decided twice even without the lock.
    """
    db.session.execute(select(User.id).where(User.id == grant.user_id).with_for_update(key_share=True))
    db.session.refresh(grant, ["stage", "decided_by_id", "decided_at"])
    if grant.stage is not GrantStage.WAITING:
        who = f"由{grant.decided_by.name}办理" if grant.decided_by else "办理"
        raise Refused(f"这项申请已{who}，现在是“{grant.stage.label}”。")


def _has_changed(grant: RoleGrant) -> bool:
    user = grant.user
    db.session.refresh(user)
    stands = (user.own_roles, user.region_code) == (grant.roles_before, grant.region_before_code)
    return not (stands and user.is_active)


def _take_effect(grant: RoleGrant, by: User | None, answer: str) -> None:
    user = grant.user
    _keeps_quorum(user, grant.roles_after, grant.region_after)
    if duty_of(grant.roles_after) is not user.duty:  # a link made for the old duty must not open the new one
        db.session.execute(delete(Invitation).where(Invitation.user_id == user.id))
    _close(grant, GrantStage.CONFIRMED, by, answer)
    user.region_code, user.region = grant.region_after_code, grant.region_after
    if not grant.is_reset:  # which wakes nobody: that is for 启用
        user.wanted_at = now_utc()
    give(user, grant.roles_after)
    tell(user)


def _close(grant: RoleGrant, stage: GrantStage, by: User | None, answer: str = "") -> None:
    grant.stage, grant.decided_by, grant.decided_at, grant.answer = stage, by, now_utc(), answer
    db.session.flush()


def _tell_of(deed: str, grant: RoleGrant, by: User | str, **said: str) -> None:
    """Write into the log what was done to a request; of one to reset a password that it was one."""
    action = f"{deed}_{'reset' if grant.is_reset else 'roles'}"
    audit.record(action, by, subject="user", subject_id=grant.user_id, **_facts(grant), **said)


def _facts(grant: RoleGrant) -> dict[str, list[str]]:
    """Before and after, of what is to differ."""
    before = (words(grant.roles_before), db.session.get_one(Region, grant.region_before_code).name)
    after = (words(grant.roles_after), db.session.get_one(Region, grant.region_after_code).name)
    pairs = zip(("roles", "region"), before, after, strict=True)
    return {name: [was, is_to_be] for name, was, is_to_be in pairs if was != is_to_be}
