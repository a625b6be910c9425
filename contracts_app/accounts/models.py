from datetime import date, datetime

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.core.clock import now_utc
from contracts_app.core.db import Base, Moment, word_type
from contracts_app.regions.models import Region

from .roles import Duty, Role


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
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    region: Mapped[Region] = relationship(lazy="joined")
    grants: Mapped[list["UserRole"]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)

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
            " OR (duty = 'admin' AND role = 'admin') OR (duty = 'audit' AND role = 'auditor')",
            name="role_belongs_to_duty",
        ),
    )

    user_id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[Role] = mapped_column(word_type(Role, "role"), primary_key=True)
    duty: Mapped[Duty] = mapped_column(word_type(Duty, "duty"))


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

    delegator: Mapped[User] = relationship(foreign_keys=delegator_id)
    delegate: Mapped[User] = relationship(foreign_keys=delegate_id)


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
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc, index=True)


class ParkedForm(Base):
    """What somebody had typed when the session ended; handed back once after signing in again."""

    __tablename__ = "parked_forms"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    path: Mapped[str] = mapped_column(String(300))
    fields: Mapped[str] = mapped_column(Text)  # urlencoded, as it was posted
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
