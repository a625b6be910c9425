"""What changes accounts."""

from collections.abc import Callable

from sqlalchemy import select

from contracts_app.core import audit
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES, NotYours, Refused, Stale
from contracts_app.core.nav import role_words
from contracts_app.regions.models import Level, Region

from . import signing_in
from .models import User, UserRole
from .roles import NO_OFFICE_IN_TOWN, OFFICE_ROLES, Role, duty_of

HOME_REGION = "350500"  # 泉州市, above all its units
USERNAME_TAKEN = "这个用户名已经有人用，换一个"

# What stands above accounts and keeps a record of the same person is told here when an account was opened or changed.
CHANGED: list[Callable[[User], None]] = []

SENTENCES.update({"uq_users_username": USERNAME_TAKEN, "users.username": USERNAME_TAKEN})


def when_changed(follow: Callable[[User], None]) -> Callable[[User], None]:
    """Have a function called with each account an administrator opens or changes, in the same unit of work."""
    CHANGED.append(follow)
    return follow


def create(*, username: str, name: str, roles: frozenset[Role], region_code: str) -> User:
    """A new account without a password: nobody can sign in with it until its invitation is used.

    Raises ``ValueError`` when the roles belong to different duties, which exclude each other (三员分立).
    """
    user = drafted(username=username, name=name, roles=roles, region_code=region_code)
    db.session.add(user)
    db.session.flush()
    return user


def drafted(*, username: str, name: str, roles: frozenset[Role], region_code: str) -> User:
    """The same, not saved yet."""
    duty = duty_of(roles)
    user = User(username=username.strip().lower(), name=name, duty=duty, region_code=region_code)
    user.grants = [UserRole(role=role, duty=duty) for role in sorted(roles)]
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


def open_account(admin: User, *, username: str, name: str, roles: frozenset[Role], region: Region) -> tuple[User, str]:
    """A new account in the administrator's region, and the token of the link with which its password is set."""
    _must_cover(admin, region)
    _has_office(roles, region)
    user = create(username=username, name=name, roles=roles, region_code=region.code)
    facts = {"username": user.username, **_facts(user)}
    audit.record(
        "create_user", admin, subject="user", subject_id=user.id, **{key: ["", now] for key, now in facts.items()}
    )
    _tell(user)
    return user, invite(admin, user)


def revise(admin: User, user: User, *, name: str, roles: frozenset[Role], region: Region, version: int | None) -> None:
    """Change an account; it takes effect with the person's next click.

    Raises ``NotYours`` outside the administrator's region, ``Stale`` when somebody else was quicker, ``Refused`` when
    administrators take away their own role, ``ValueError`` when the roles exclude each other.
    """
    _must_cover(admin, user.region)
    _must_cover(admin, region)
    _has_office(roles, region)
    if version != user.version:
        raise Stale("你打开之后，别人已经改过这个账号。你填的内容都还在下面，核对后再保存一次。")
    if admin.id == user.id and Role.ADMIN not in roles:
        raise Refused("不能取消自己的系统管理员角色，由另一位系统管理员来办。")
    before = _facts(user)
    user.name, user.region_code, user.region = name, region.code, region
    _grant(user, roles)
    after = _facts(user)
    changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changes:
        audit.record("revise_user", admin, subject="user", subject_id=user.id, **changes)
        _tell(user)


def _has_office(roles: frozenset[Role], region: Region) -> None:
    if roles & OFFICE_ROLES and region.level == Level.TOWN:
        raise ValueError(NO_OFFICE_IN_TOWN)


def set_active(admin: User, user: User, *, is_active: bool) -> None:
    """Let a person sign in again, or no longer; running sessions of a disabled account end with the next click."""
    _must_cover(admin, user.region)
    if admin.id == user.id:
        raise Refused("不能停用自己的账号，由另一位系统管理员来办。")
    if user.is_active == is_active:
        return
    user.is_active = is_active
    words = ["停用", "在用"]
    audit.record(
        "enable_user" if is_active else "disable_user",
        admin,
        subject="user",
        subject_id=user.id,
        condition=words if is_active else words[::-1],
    )
    _tell(user)


def invite(admin: User, user: User) -> str:
    """The token of a new link with which the person sets a password; links given out before stop working."""
    _must_cover(admin, user.region)
    if not user.is_active:
        raise Refused("账号已停用，先启用再重置密码。")
    audit.record("invite", admin, subject="user", subject_id=user.id)
    return signing_in.invite(user)


def change_own_password(person: User, *, old: str, new: str) -> None:
    """Raises ``signing_in.SignInRefused`` when the old one is wrong. Sessions elsewhere end, this one goes on."""
    signing_in.confirm(person, old)
    signing_in.set_password(person, new)
    signing_in.begin_session(person)
    audit.record("change_password", person, subject="user", subject_id=person.id)


def _grant(user: User, roles: frozenset[Role]) -> None:
    """Give exactly these roles. Where the duty changes, the old ones go first: the database keeps duties apart."""
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


def _tell(user: User) -> None:
    for follow in CHANGED:
        follow(user)


def _must_cover(admin: User, region: Region) -> None:
    if not admin.region.covers(region):
        raise NotYours(f"{region.name}不在你管理的地区（{admin.region.name}）之内。")


def _facts(user: User) -> dict[str, str]:
    return {"name": user.name, "roles": role_words(user), "region": db.session.get_one(Region, user.region_code).name}
