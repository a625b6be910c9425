"""What changes accounts. Roles and region are granted by two people: see ``grants``."""

from collections.abc import Sequence

from sqlalchemy import select

from contracts_app.accounts import dormancy, quorum
from contracts_app.accounts.entrance import sessions, signing_in
from contracts_app.accounts.models import AT_THE_MACHINE, GrantStage, Invitation, RoleGrant, User, UserRole
from contracts_app.accounts.offices import grants
from contracts_app.accounts.roles import Role, duty_of
from contracts_app.accounts.sign_in_models import Ended
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES, NotYours, Refused, Stale
from contracts_app.core.trail import audit
from contracts_app.core.web.filters import moment
from contracts_app.regions.models import Region

HOME_REGION = "350500"  # 泉州市, above all its units
USERNAME_TAKEN = "这个用户名已经有人用，换一个"
WATCHING = frozenset({Role.SECURITY, Role.AUDITOR})  # of the three, those who look at what administrators do
REASON_MISSING = "写明事由，例如任职文件的文号"
RESET_REASON_MISSING = "写明事由，例如本人什么时候、怎样提出的"
FIRST = {Role.ADMIN: "admin", Role.SECURITY: "security", Role.AUDITOR: "auditor"}  # the names of the first of the three

SENTENCES.update({"uq_users_username": USERNAME_TAKEN, "users.username": USERNAME_TAKEN})


def drafted(*, username: str, name: str, roles: frozenset[Role], region_code: str) -> User:
    """An account with its roles, not saved yet and without a password.

    Raises ``ValueError`` when the roles belong to different duties, which exclude each other (三员分立).
    """
    duty = duty_of(roles)
    user = User(username=username.strip().lower(), name=name, duty=duty, region_code=region_code)
    user.grants = [UserRole(role=role, duty=duty) for role in sorted(roles)]
    return user


def first_of_three() -> dict[Role, tuple[User, str]]:
    """Role -> account and token with which its password is set, for each of the three that nobody can act in yet.

    An account is opened where nobody has the role; the link of one that was never used is replaced.
    """
    return {role: _first(role) for role in quorum.missing()}


def _first(role: Role) -> tuple[User, str]:
    there = select(User).join(UserRole, UserRole.user_id == User.id).where(UserRole.role == role, User.is_active)
    user = db.session.scalars(there.order_by(User.id)).first()
    if user is None:
        region = db.session.get_one(Region, HOME_REGION)
        user = User(username=_free_name(FIRST[role]), name=role.label, duty=duty_of([role]), region=region)
        db.session.add(user)
        db.session.flush()
        grants.grant_at_machine(AT_THE_MACHINE, user, roles=frozenset({role}), region=region, reason="初始化")
    audit.record("invite", AT_THE_MACHINE, subject="user", subject_id=user.id)
    return user, signing_in.invite(user, signing_in.FIRST_INVITATION_LASTS)


def _free_name(name: str) -> str:
    taken = set(db.session.scalars(select(User.username).where(User.username.startswith(name))))
    return next(one for number in range(1, len(taken) + 2) if (one := name + str(number)[number < 2 :]) not in taken)


def open_account(
    admin: User, *, username: str, name: str, roles: frozenset[Role], region: Region, reason: str
) -> tuple[User, RoleGrant]:
    """A new account in the administrator's region without any role, and the request for the ones it is to have.

    Nobody can sign in with it before that is confirmed and its link handed out.
    """
    _must_cover(admin, region)
    grants.fits(roles, region)
    user = User(username=username.strip().lower(), name=name, duty=duty_of(roles), region=region, wanted_at=now_utc())
    db.session.add(user)
    db.session.flush()
    facts = {"username": user.username, "name": name, "region": region.name}
    audit.record(
        "create_user", admin, subject="user", subject_id=user.id, **{key: ["", now] for key, now in facts.items()}
    )
    return user, grants.propose(admin, user, roles=roles, region=region, reason=reason)


def revise(
    admin: User, user: User, *, name: str, roles: frozenset[Role], region: Region, version: int | None, reason: str = ""
) -> RoleGrant | None:
    """Have the account be like this: the name and fewer roles at once, anything more when a second person confirms it.

    Returns the request that now waits. Raises ``NotYours`` outside the administrator's region, ``Stale`` when somebody
    else was quicker, ``Refused`` when administrators take away their own role or nobody would be left in one of the
    three, ``ValueError`` when the roles exclude each other or a reason is missing.
    """
    _must_cover(admin, user.region)
    _must_cover(admin, region)
    grants.fits(roles, region)
    if version != user.version:
        raise Stale("你打开之后，别人已经改过这个账号。你填的内容都还在下面，核对后再保存一次。")
    if admin.id == user.id and Role.ADMIN not in roles:
        raise Refused("不能取消自己的系统管理员角色，由另一位系统管理员来办。")
    if user.name != name:
        audit.record("revise_user", admin, subject="user", subject_id=user.id, name=[user.name, name])
        user.name = name
        grants.tell(user)
    waits = grants.standing(user)
    if is_same(user, waits, roles, region):
        return waits
    if not needs_reason(user, waits, roles, region):
        grants.withdraw_standing(user, admin)
        return None
    if not reason.strip():
        raise ValueError(REASON_MISSING)
    if user.region_code == region.code and roles < user.own_roles:
        grants.take_away(admin, user, roles=roles, reason=reason)
        return None
    return grants.propose(admin, user, roles=roles, region=region, reason=reason)


def is_same(user: User, waits: RoleGrant | None, roles: frozenset[Role], region: Region) -> bool:
    """Whether these roles and this region are what is asked for already or, where nothing is, what the account has."""
    if waits is not None:
        return (waits.roles_after, waits.region_after_code) == (roles, region.code)
    return (user.own_roles, user.region_code) == (roles, region.code)


def needs_reason(user: User, waits: RoleGrant | None, roles: frozenset[Role], region: Region) -> bool:
    """Whether a change to these roles and this region is one that has to be explained."""
    return not is_same(user, waits, roles, region) and (user.own_roles, user.region_code) != (roles, region.code)


def set_active(admin: User, user: User, *, is_active: bool, reason: str = "") -> None:
    """Let a person sign in again, or no longer; running sessions of a disabled account end with the next click.

    Enabling also wakes an account that went to sleep because nobody used it. Raises ``Refused`` for one's own account
    and for the last of the three.
    """
    _must_cover(admin, user.region)
    if not is_active and admin.id == user.id:
        raise Refused("不能停用自己的账号，由另一位系统管理员来办。")
    before = user.is_active
    if before == is_active and not dormancy.is_dormant(user):
        return
    if is_active:
        user.wanted_at = now_utc()
    else:
        quorum.keep(user)
        grants.withdraw_standing(user, admin)
        sessions.end_all(user, Ended.DISABLED)
    user.is_active = is_active
    words = {True: "在用", False: "停用"}
    more = {"reason": reason} if reason else {}
    audit.record(
        "enable_user" if is_active else "disable_user",
        admin,
        subject="user",
        subject_id=user.id,
        condition=[words[before], words[is_active]],
        **more,
    )
    grants.tell(user)


def disable_dormant(users: Sequence[User], by: str) -> None:
    """Disable accounts that nobody uses, and say why in the log. Raises ``Refused`` for the last one of the three."""
    for user in users:
        quorum.keep(user)
        user.is_active = False
        grants.withdraw_standing(user, by)
        audit.record(
            "disable_user",
            by,
            subject="user",
            subject_id=user.id,
            condition=["在用", "停用"],
            reason=dormancy.words(user),
        )
    db.session.flush()


def is_watching(user: User) -> bool:
    """Whether the account watches over the administrators: they must not get into it by a link of their own making."""
    return bool(user.own_roles & WATCHING)


def takes_two(user: User) -> bool:
    """Whether a link into the account is made by the other office only (三员)."""
    return quorum.role_of_three(user) is not None


def why_no_link(user: User, by: User | None = None) -> str | None:
    """Why no link can be given out with which the person sets a password: by this person, or (None) at the machine.

    Whoever makes a link could use it, and set up the second factor too where there is none. So nobody gets into an
    account of the three alone: the first link is made by a security administrator after an administrator has asked for
    the roles; a later one for an administrator after another administrator has asked for it and a security
    administrator has agreed, one for a security administrator or an auditor at the machine.
    """
    if not user.is_active:
        return "账号已停用，先启用再重置密码"
    if user.password_hash and dormancy.is_dormant(user):
        return f"账号{dormancy.words(user)}，先启用再重置密码"
    if not user.own_roles:
        return "还没有授权，安全管理员复核授权后才能生成设置密码的链接"
    if by is None:
        return None
    if is_watching(user) and user.password_hash:
        return "安全管理员、审计员的密码由管服务器的人运行 flask --app wsgi users invite 重置"
    agreed = agreed_reset(user) if user.password_hash and takes_two(user) else None
    if user.password_hash and takes_two(user) and agreed is None:
        return "系统管理员的密码要两个人才能重置：另一位系统管理员先申请，安全管理员复核后在这里生成链接"
    if by.has(Role.SECURITY) != takes_two(user):
        if agreed is not None:
            return _until(agreed)
        return f"设置密码的链接由{'安全' if takes_two(user) else '系统'}管理员生成"
    return None


def why_no_reset(admin: User, user: User) -> str | None:
    """Why this administrator cannot ask that the password of another one is reset."""
    if not (admin.has(Role.ADMIN) and user.own_roles == {Role.ADMIN} and user.password_hash and user.is_active):
        return "只有系统管理员为另一位已设置密码的系统管理员申请重置密码"
    if admin.id == user.id:
        return "自己的密码在“我的账号”里修改"
    if dormancy.is_dormant(user):
        return f"账号{dormancy.words(user)}，先启用再重置密码"
    if grants.standing(user):
        return "这个账号有待复核的申请，复核以后再申请重置密码"
    agreed = agreed_reset(user)
    return _until(agreed) if agreed else None


def ask_reset(admin: User, user: User, reason: str) -> RoleGrant:
    """Ask that another administrator, who has forgotten it, may set a new password; a second person agrees to it.

    Raises ``NotYours`` outside the administrator's region, ``Refused`` where it may not be asked for (now),
    ``ValueError`` without a reason, by which the second person judges.
    """
    _must_cover(admin, user.region)
    if why_not := why_no_reset(admin, user):
        raise Refused(f"{why_not}。")
    if not reason.strip():
        raise ValueError(RESET_REASON_MISSING)
    return grants.ask_reset(admin, user, reason)


def _until(agreed: RoleGrant) -> str:
    assert agreed.decided_at is not None, "agreed_reset finds none that waits"
    until = moment(agreed.decided_at + signing_in.INVITATION_LASTS)
    return f"安全管理员已同意重置密码，{until} 以前由安全管理员生成链接"


def agreed_reset(user: User) -> RoleGrant | None:
    """The request to reset the password that was agreed to and is still good: not used, and not older than a link."""
    agreed = select(RoleGrant).where(RoleGrant.user_id == user.id, RoleGrant.stage == GrantStage.CONFIRMED)
    agreed = agreed.where(grants.is_reset(), RoleGrant.decided_at > now_utc() - signing_in.INVITATION_LASTS)
    used = select(Invitation.id).where(Invitation.user_id == user.id, Invitation.used_at >= RoleGrant.decided_at)
    return db.session.scalars(agreed.where(~used.exists()).order_by(RoleGrant.id.desc()).limit(1)).first()


def invite(person: User, user: User) -> str:
    """The token of a new link with which ``user`` sets a password; links given out before stop working.

    Raises ``NotYours`` outside the person's region, ``Refused`` where no link, or none of this person's, may be made.
    """
    _must_cover(person, user.region)
    if reason := why_no_link(user, person):
        raise Refused(f"{reason}。")
    audit.record("invite", person, subject="user", subject_id=user.id)
    return signing_in.invite(user)


def _must_cover(admin: User, region: Region) -> None:
    if not admin.region.covers(region):
        raise NotYours(f"{region.name}不在你管理的地区（{admin.region.name}）之内。")
