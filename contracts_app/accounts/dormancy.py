"""Accounts that nobody uses (GB/T 22239-2019 8.1.4.2 c: surplus and expired accounts). The days are practice."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.installation import is_demonstration

from . import quorum
from .models import User

UNSEEN_DAYS = 90  # since the person last signed in
UNUSED_DAYS = 30  # opened or invited, and nobody ever came


def asleep(unseen: int = UNSEEN_DAYS, unused: int = UNUSED_DAYS) -> ColumnElement[bool]:
    """An active account for which these days have passed. When an administrator wants it used, they begin anew.

    In a demonstration there is none.
    """
    if is_demonstration():
        return false()
    wanted = func.coalesce(User.wanted_at, User.created_at)
    never = and_(User.last_seen_at.is_(None), wanted < _ago(unused))
    wanted_last = func.coalesce(User.wanted_at, User.last_seen_at)
    long_ago = and_(User.last_seen_at.is_not(None), User.last_seen_at < _ago(unseen), wanted_last < _ago(unseen))
    return and_(User.is_active, or_(never, long_ago))  # true or false, never unknown: it is also asked the other way


def is_dormant(user: User) -> bool:
    """Whether nobody has signed in for so long that nobody may any more until an administrator enables it again.

    Never of the last of the three who could still act, and never in a demonstration.
    """
    return user.id in dormant_among([user])


def dormant_among(users: Sequence[User]) -> set[int]:
    """Which of these accounts are dormant; the same few questions for a page of any length."""
    found = [user for user in users if _is_asleep(user)]
    if not found or is_demonstration():
        return set()
    return {user.id for user in found if not quorum.is_last(user, ~asleep())}


def _is_asleep(user: User) -> bool:
    if not user.is_active:
        return False
    if user.last_seen_at is None:
        return (user.wanted_at or user.created_at) < _ago(UNUSED_DAYS)
    return max(user.last_seen_at, user.wanted_at or user.last_seen_at) < _ago(UNSEEN_DAYS)


def dormant(unseen: int = UNSEEN_DAYS, unused: int = UNUSED_DAYS) -> Sequence[User]:
    """The accounts that have gone to sleep, by name; without the last one of the three."""
    found = db.session.scalars(select(User).where(asleep(unseen, unused)).order_by(User.username, User.id)).all()
    return [user for user in found if not quorum.is_last(user, ~asleep(unseen, unused))]


def words(user: User) -> str:
    """Why an account is dormant."""
    if user.last_seen_at is None:
        return f"建立或启用已 {(now_utc() - (user.wanted_at or user.created_at)).days} 天，没有登录过"
    return f"{(now_utc() - user.last_seen_at).days} 天没有登录"


def _ago(days: int) -> datetime:
    return now_utc() - timedelta(days=days)
