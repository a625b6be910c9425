"""What is kept of signing in: who is in, by which second factor, which passwords were used, which names are locked."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.core.clock import now_utc
from contracts_app.core.db import Base, Moment, word_type
from contracts_app.core.keeping.sealing import Sealed
from contracts_app.core.words import Word

from .models import User


class Ended(Word):
    """Why a session is over."""

    SIGNED_OUT = "signed_out", "本人退出"
    TAKEN_BACK = "taken_back", "本人在别处结束"
    LIMIT = "limit", "同时登录超过两处"
    PASSWORD = "password", "修改密码"
    SECOND_FACTOR = "second_factor", "两步验证有变化"
    DISABLED = "disabled", "账号停用"
    OFFICER = "officer", "管理员结束"


class SignInSession(Base):
    """Somebody at one browser, from signing in to the end. The browser holds the token, this table its hash only."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = (Index("ix_sign_in_sessions_user_id_began_at", "user_id", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    began_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    last_seen_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)  # up to a minute behind
    address: Mapped[str] = mapped_column(String(45), default="")
    browser: Mapped[str] = mapped_column(String(60), default="")
    with_second_factor: Mapped[bool] = mapped_column(default=False)
    rights: Mapped[str] = mapped_column(String(200), default="")  # roles and region at its beginning
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_because: Mapped[Ended | None] = mapped_column(word_type(Ended, "ended_because"))

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class SecondFactor(Base):
    """The secret that a person's authenticator shares with us, from the day a code of it was right."""

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, autoincrement=False)
    secret: Mapped[str] = mapped_column(Sealed("second_factors.secret"))
    since: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    last_step: Mapped[int]  # of the newest code that was used; this one and older ones are worth nothing


class RecoveryCode(Base):
    """One of ten codes for whoever has no authenticator at hand. ``place`` is its first sign: one hash is tried."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "place"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    place: Mapped[int]
    code_hash: Mapped[str] = mapped_column(Text)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class KeptPassword(Base):
    """A password somebody has or had, as a hash: the newest one's day is that of the change."""

    __tablename__ = "kept_passwords"
    __table_args__ = (Index("ix_kept_passwords_user_id_id", "user_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    password_hash: Mapped[str] = mapped_column(String(200))
    set_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)


class NameLock(Base):
    """A name that stays locked until an administrator opens it: to strangers, or to one known browser.

    Names nobody has are locked too, because an answer must not tell which is which.
    """

    __tablename__ = "name_locks"
    __table_args__ = (UniqueConstraint("username", "device"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(60))
    device: Mapped[str] = mapped_column(String(32), default="")  # empty: every browser that is not known
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
