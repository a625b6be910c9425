import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_login import UserMixin
from sqlalchemy import (
    CheckConstraint,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, object_session, relationship
from sqlalchemy.types import TypeDecorator

from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import Base, Moment, db, word_type
from contracts_app.core.keeping.sealing import Envelope, Opened, SealedLater
from contracts_app.core.words import Word
from contracts_app.regions.models import Region
from contracts_app.regions.queries import home_path

from .roles import LENT, Duty, Role

USERNAME = re.compile(r"[a-z][a-z0-9._-]{2,29}")
AT_THE_MACHINE = "命令行"  # who did it, in the log


class User(UserMixin, Base):
    """A person who signs in. Has one duty, one or more roles of that duty, and one region."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("id", "duty"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    duty: Mapped[Duty] = mapped_column(word_type(Duty, "duty"))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    password_hash: Mapped[str] = mapped_column(String(200), default="")  # empty: no password set yet, cannot sign in
    is_active: Mapped[bool] = mapped_column(default=True)  # Flask-Login asks it by this name
    session_key: Mapped[str] = mapped_column(String(32), default="")  # changes with the password: ends older sessions
    created_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    last_seen_at: Mapped[datetime | None] = mapped_column(Moment)
    wanted_at: Mapped[datetime | None] = mapped_column(Moment)  # when somebody last decided that it is to be used
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    region: Mapped[Region] = relationship(lazy="joined")
    grants: Mapped[list["UserRole"]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    @property
    def own_roles(self) -> frozenset[Role]:
        """What the administrator gave, without what is lent."""
        return frozenset(grant.role for grant in self.grants)

    @property
    def roles(self) -> frozenset[Role]:
        """In what the person may act today: their own roles, and those of whomever they stand in for."""
        return self.own_roles.union(*(delegation.roles for delegation in self.borrowed))

    @property
    def borrowed(self) -> "tuple[Delegation, ...]":
        """The delegations in force today by which this person stands in for somebody; read once in a session."""
        session = object_session(self)
        return _in_force(session).get(self.id, ()) if session and self.duty is Duty.BUSINESS else ()

    def capacities(self, roles: frozenset[Any]) -> "list[User | StandIn]":
        """As whom this person could act in one of these roles: as themselves first, then in others' places."""
        own: list[User | StandIn] = [self] if self.own_roles & roles else []
        return own + [StandIn(self, delegation) for delegation in self.borrowed if delegation.roles & roles]

    def get_id(self) -> str:
        """What a session remembers of the person; a new password makes it worthless."""
        return f"{self.id}:{self.session_key}"

    def has(self, *roles: Role) -> bool:
        """Whether the person has one of these roles."""
        return bool(self.roles & set(roles))


class UserRole(Base):
    """A role somebody has. The duty stands here a second time so that the database itself keeps duties apart."""

    __tablename__ = "user_roles"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "duty"], ["users.id", "users.duty"]),
        CheckConstraint(
            "(duty = 'business' AND role IN ('broker', 'registrar', 'reviewer', 'manager'))"
            " OR (duty = 'admin' AND role = 'admin') OR (duty = 'security' AND role = 'security')"
            " OR (duty = 'audit' AND role = 'auditor')",
            name="role_belongs_to_duty",
        ),
    )

    user_id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[Role] = mapped_column(word_type(Role, "role"), primary_key=True)
    duty: Mapped[Duty] = mapped_column(word_type(Duty, "duty"))


class Roles(TypeDecorator[frozenset[Role]]):
    """Some roles, as a text of their values in the usual order: ``registrar,reviewer``."""

    impl = String(120)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else ",".join(role.value for role in Role if role in value)

    def process_result_value(self, value: Any, dialect: Dialect) -> frozenset[Role] | None:
        return None if value is None else frozenset(role for role in Role if role.value in value.split(","))


class GrantStage(Word):
    """What became of a request for roles."""

    WAITING = "waiting", "待复核"
    CONFIRMED = "confirmed", "已授权"
    REFUSED = "refused", "未同意"
    WITHDRAWN = "withdrawn", "已撤回"


class RoleGrant(Base):
    """Roles or a region asked for by an administrator; they are had once a second person has confirmed them.

    Who is null asked or decided at the machine itself, by command.
    """

    __tablename__ = "role_grants"
    __table_args__ = (
        CheckConstraint("(stage = 'waiting') = (decided_at IS NULL)", name="grant_waits_or_is_decided"),
        CheckConstraint("stage <> 'refused' OR answer <> ''", name="grant_refused_with_a_reason"),
        CheckConstraint(
            "stage NOT IN ('confirmed', 'refused') OR (decided_by_id <> proposed_by_id AND decided_by_id <> user_id)",
            name="grant_decided_by_another_person",
        ),
        Index(
            "uq_role_grants_one_waiting",
            "user_id",
            unique=True,
            sqlite_where=text("stage = 'waiting'"),
            postgresql_where=text("stage = 'waiting'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    stage: Mapped[GrantStage] = mapped_column(word_type(GrantStage, "stage"), default=GrantStage.WAITING, index=True)
    roles_before: Mapped[frozenset[Role]] = mapped_column(Roles)
    roles_after: Mapped[frozenset[Role]] = mapped_column(Roles)
    region_before_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    region_after_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    reason: Mapped[str] = mapped_column(String(300))
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    proposed_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    answer: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    user: Mapped[User] = relationship(foreign_keys=user_id)
    region_before: Mapped[Region] = relationship(foreign_keys=region_before_code)
    region_after: Mapped[Region] = relationship(foreign_keys=region_after_code)
    proposed_by: Mapped[User | None] = relationship(foreign_keys=proposed_by_id)
    decided_by: Mapped[User | None] = relationship(foreign_keys=decided_by_id)

    @property
    def is_reset(self) -> bool:
        """Whether an administrator asked for a new password: roles and region stay as they are.

        What was given at the machine never is one: nobody asked for a way into the account there.
        """
        before = (self.roles_before, self.region_before_code)
        return self.proposed_by_id is not None and before == (self.roles_after, self.region_after_code)


class Recertification(Base):
    """Once a year somebody looked at an account and found it still needed, or not. Only ever added."""

    __tablename__ = "recertifications"
    __table_args__ = (
        UniqueConstraint("user_id", "year"),
        CheckConstraint("by_id <> user_id", name="not_of_oneself"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    year: Mapped[int]
    is_kept: Mapped[bool]
    roles: Mapped[frozenset[Role]] = mapped_column(Roles)  # what was looked at
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc)

    user: Mapped[User] = relationship(foreign_keys=user_id)
    by: Mapped[User] = relationship(foreign_keys=by_id)


class Delegation(Base):
    """AB角: one person stands in for another over a span of days, in the other's roles, written down beforehand."""

    __tablename__ = "delegations"
    __table_args__ = (
        CheckConstraint("delegator_id <> delegate_id", name="not_to_oneself"),
        CheckConstraint("starts_on <= ends_on", name="delegation_starts_before_it_ends"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    delegator_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    delegate_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    starts_on: Mapped[date]  # days in Asia/Shanghai, both included
    ends_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)  # taken back before its last day
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # of one an administrator arranged
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)

    delegator: Mapped[User] = relationship(foreign_keys=delegator_id)
    delegate: Mapped[User] = relationship(foreign_keys=delegate_id)
    created_by: Mapped[User] = relationship(foreign_keys=created_by_id)
    confirmed_by: Mapped[User | None] = relationship(foreign_keys=confirmed_by_id)

    @property
    def waits(self) -> bool:
        """Whether it was arranged for somebody absent and a second person has not confirmed it yet."""
        return self.created_by_id != self.delegator_id and self.confirmed_at is None

    @property
    def roles(self) -> frozenset[Role]:
        """What is lent: the delegator's own office roles, never what was lent to them."""
        return self.delegator.own_roles & LENT

    @property
    def still_fits(self) -> bool:
        """Whether both are still who they have to be: the delegator at work, the delegate of the office and as near."""
        return self.delegator.is_active and may_stand_in(self.delegate, self.delegator)


@dataclass(frozen=True)
class StandIn:
    """A person in the place of a colleague: the colleague's roles and region, and whatever else is the person's own.

    Guards take it for a user. What the colleague did binds the person too while in that place.
    """

    person: User
    delegation: Delegation

    @property
    def roles(self) -> frozenset[Role]:
        return self.delegation.roles

    own_roles = roles

    @property
    def region(self) -> Region:
        """The lent roles reach as far as the colleague's own region."""
        return self.delegation.delegator.region

    @property
    def region_code(self) -> str:
        return self.delegation.delegator.region_code

    @property
    def for_whom(self) -> User:
        """Whose place it is."""
        return self.delegation.delegator

    def has(self, *roles: Role) -> bool:
        """Whether one of these roles is lent."""
        return bool(self.roles & set(roles))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.person, name)


def may_stand_in(delegate: User, delegator: User) -> bool:
    """Whether one may hold the other's office: staff too, never a broker, of the same or a wider region."""
    is_staff = bool(delegate.own_roles & LENT) and Role.BROKER not in delegate.own_roles
    return delegate.id != delegator.id and is_staff and delegate.region.covers(delegator.region)


def bound_ids(person: User | StandIn) -> frozenset[int]:
    """Whose acts bind a person who acts: their own, and in a colleague's place the colleague's too."""
    return frozenset({person.id, person.for_whom.id} if isinstance(person, StandIn) else {person.id})


_IN_FORCE = "delegations_in_force"


def _in_force(session: Session) -> dict[int, tuple[Delegation, ...]]:
    """Delegate -> the delegations of today; one query in a session, however often it is asked."""
    day = today()
    kept: tuple[date, dict[int, tuple[Delegation, ...]]] | None = session.info.get(_IN_FORCE)
    if kept is None or kept[0] != day:
        wanted = (
            select(Delegation)
            .where(Delegation.ended_at.is_(None), Delegation.starts_on <= day, Delegation.ends_on >= day)
            .where(or_(Delegation.created_by_id == Delegation.delegator_id, Delegation.confirmed_at.is_not(None)))
            .options(joinedload(Delegation.delegator), joinedload(Delegation.delegate))
            .order_by(Delegation.id)
        )
        with session.no_autoflush:
            found = _by_delegate(one for one in session.scalars(wanted) if one.still_fits)
        kept = session.info[_IN_FORCE] = (day, found)
    return kept[1]


def _by_delegate(delegations: Iterable[Delegation]) -> dict[int, tuple[Delegation, ...]]:
    found: dict[int, tuple[Delegation, ...]] = {}
    for one in delegations:
        found[one.delegate_id] = (*found.get(one.delegate_id, ()), one)
    return found


def forget_delegations(session: Session) -> None:
    """To be called by what changes delegations: the next question reads them again."""
    session.info.pop(_IN_FORCE, None)


class Invitation(Base):
    """A one-time link with which a person sets the first or a new password. Only its hash is kept."""

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)

    user: Mapped[User] = relationship()


class SignInFailure(Base):
    """A sign-in that failed, by the name that was typed: what the lock-out counts."""

    __tablename__ = "sign_in_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(60), index=True)
    address: Mapped[str] = mapped_column(String(45))
    device: Mapped[str] = mapped_column(String(32), default="")  # the known browser; empty for all others
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc, index=True)


class ParkedForm(Base):
    """What somebody had typed when the session ended; handed back once after signing in again."""

    __tablename__ = "parked_forms"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    path: Mapped[str] = mapped_column(String(300))
    fields_sealed: Mapped[Envelope | str] = mapped_column("fields", SealedLater("parked_forms.fields"))
    fields = Opened()  # urlencoded, as it was posted
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc)


@dataclass(frozen=True)
class Onlooker:
    """Who reads the figures of a region without an account: the command line, a report that is made by itself."""

    region: Region
    roles: frozenset[Role] = frozenset({Role.MANAGER})
    id: int = 0  # nobody's

    @classmethod
    def of_all(cls) -> "Onlooker":
        """One who reads the figures of every place."""
        return cls(db.session.scalars(select(Region).where(Region.path == home_path())).one())

    def has(self, role: Role) -> bool:
        return role in self.roles


Reader = User | Onlooker  # whose view of the figures is asked for
