"""Who is there: passwords, sessions, one-time links, lock-out, and the form that survives an expired session."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from flask import Flask, flash, request, session
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy import CursorResult, delete, func, select, update
from werkzeug.datastructures import MultiDict

from contracts_app.core import audit
from contracts_app.core.clock import now_utc
from contracts_app.core.db import LARGEST_ID, db, unit_of_work
from contracts_app.core.errors import Refused

from .models import Invitation, ParkedForm, SignInFailure, User

hasher = PasswordHasher()  # argon2id with the library's current costs


@cache
def _nobody() -> str:
    """Verified against when the name is unknown, so that the answer takes as long as for a known one."""
    return hasher.hash(secrets.token_hex(16))


FAILURES_ALLOWED = 5  # GB/T 22239-2019 8.1.4.1 b asks for a limit; the figure is practice
FAILURES_WITHIN = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)  # however busy; OWASP ASVS 5.0 7.3.2 asks for a limit, the figure is practice
INVITATION_LASTS = timedelta(days=7)
FIRST_INVITATION_LASTS = timedelta(hours=24)
LEAST_LENGTH, MOST_LENGTH = 10, 128
PARKED_FOR = timedelta(hours=12)
# What stands above accounts and holds what must not be kept is asked here before anything typed is.
PARKING: list[Callable[[str], bool]] = []
PARKED_AT_MOST = 256 * 1024


class SignInRefused(Exception):
    """The sentence to show; never tells whether the name or the password was wrong."""


class SpentLink(Refused):
    """A one-time link that leads nowhere any more."""

    status = HTTPStatus.GONE
    heading = "这个链接不能再用了"

    def __init__(self) -> None:
        super().__init__(
            "链接只能用一次，并且有期限；它已经用过、过期或被新的链接代替。找本单位系统管理员重新生成一个。"
        )


def init_app(app: Flask) -> None:
    login = LoginManager(app)
    login.session_protection = "basic"
    login.user_loader(_who)


def _who(session_id: str) -> User | None:
    """The user of a session, unless it lasts too long, or the user was disabled or got another password since."""
    if now_utc().timestamp() - session.get("began", 0) > SESSION_LASTS.total_seconds():
        return None
    user_id, _, key = session_id.partition(":")
    user = db.session.get(User, int(user_id)) if user_id.isdigit() else None
    return user if user and user.is_active and secrets.compare_digest(user.session_key, key) else None


def sign_in(username: str, password: str) -> User:
    """Sign the person in. Raises ``SignInRefused`` with the sentence to show; failures are remembered and counted."""
    username = username.strip().lower()
    if failures(username) >= FAILURES_ALLOWED:
        raise SignInRefused("连续多次没有登录成功，这个用户名已锁定 15 分钟。稍后再试，或联系本单位系统管理员。")
    user = db.session.scalar(select(User).where(User.username == username))
    right = _matches(user.password_hash if user and user.password_hash else _nobody(), password)
    if user is None or not right or not user.password_hash or not user.is_active:
        _remember_failure(username)
        left = FAILURES_ALLOWED - failures(username)
        more = f"再错 {left} 次将锁定 15 分钟" if left > 0 else "这个用户名已锁定 15 分钟"
        raise SignInRefused(f"用户名或密码不对，{more}")
    begin_session(user)
    audit.record("sign_in", user)
    return user


def begin_session(user: User) -> None:
    """Let the person in who has just proved to be this user; earlier failures are forgotten."""
    db.session.execute(delete(SignInFailure).where(SignInFailure.username == user.username))
    session.clear()  # a new session for a new person
    login_user(user)
    session.permanent = True
    session["began"] = now_utc().timestamp()
    # Past the version: two sign-ins at once, or one while an administrator has the account open, are no conflict.
    db.session.execute(update(User).where(User.id == user.id).values(last_seen_at=now_utc()))


def sign_out() -> None:
    """End the session of whoever is signed in."""
    audit.record("sign_out", current_user)
    logout_user()
    session.clear()


def confirm(user: User, password: str) -> None:
    """Make sure that somebody signed in knows the password; wrong ones count towards the lock-out.

    Raises ``SignInRefused`` with the sentence to show.
    """
    if failures(user.username) >= FAILURES_ALLOWED:
        raise SignInRefused("连续多次输错，15 分钟后再试")
    if not _matches(user.password_hash, password):
        _remember_failure(user.username)
        raise SignInRefused("现在的密码不对，重新输入")


def failures(username: str) -> int:
    """How often this name failed lately. Names nobody has are counted too: the answer is the same for both."""
    since = now_utc() - FAILURES_WITHIN
    counted = select(func.count()).where(SignInFailure.username == username[:60], SignInFailure.at >= since)
    return db.session.scalar(counted) or 0


def _remember_failure(username: str) -> None:
    db.session.rollback()
    with unit_of_work() as work:
        work.add(SignInFailure(username=username[:60], address=request.remote_addr or ""))
        audit.record("sign_in_failed", username)


def _matches(kept: str, password: str) -> bool:
    try:
        return hasher.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def faults_of_password(password: str, user: User) -> list[str]:
    """What is wrong with a new password, in sentences; empty when it will do."""
    faults = []
    if len(password) < LEAST_LENGTH:
        faults.append(f"密码至少 {LEAST_LENGTH} 个字符")
    if len(password) > MOST_LENGTH:
        faults.append(f"密码最多 {MOST_LENGTH} 个字符")
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    if sum(any(kind(character) for character in password) for kind in kinds) < 3:
        faults.append("密码要有大写字母、小写字母、数字、符号中的三种")
    if user.username and user.username.lower() in password.lower():
        faults.append("密码里不能有用户名")
    return faults


def set_password(user: User, password: str, by: PasswordHasher | None = None) -> None:
    """Give the user this password; sessions begun with the old one end. ``by``: at what other cost it is kept."""
    user.password_hash = (by or hasher).hash(password)
    user.session_key = secrets.token_hex(16)


def invite(user: User, lasts: timedelta = INVITATION_LASTS) -> str:
    """A token with which the person sets a password, once, while it lasts. Earlier ones stop working."""
    db.session.execute(delete(Invitation).where(Invitation.user_id == user.id))
    token = secrets.token_urlsafe(32)
    db.session.add(Invitation(user_id=user.id, token_hash=_hashed(token), expires_at=now_utc() + lasts))
    return token


def invited(token: str) -> Invitation:
    """The invitation of this token; raises ``SpentLink`` when it is unknown, used or too old, or the user disabled."""
    found = db.session.scalar(select(Invitation).where(Invitation.token_hash == _hashed(token)))
    if found is None or found.used_at or found.expires_at < now_utc() or not found.user.is_active:
        raise SpentLink
    return found


def use(invitation: Invitation, password: str) -> None:
    """Set the password for which the person was invited; raises ``SpentLink`` when somebody was quicker."""
    used = update(Invitation).where(Invitation.id == invitation.id, Invitation.used_at.is_(None))
    if cast(CursorResult[Any], db.session.execute(used.values(used_at=now_utc()))).rowcount != 1:
        raise SpentLink
    set_password(invitation.user, password)
    audit.record("set_password", invitation.user, subject="user", subject_id=invitation.user_id)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# ---- what was typed before the session ended -----------------------------------------------------------------------


def posted_fields() -> str | None:
    """What the current request posted, urlencoded, to be kept while the person signs in again.

    None when it does not come from a page of ours, or is more than any form of ours holds. Files and passwords are
    never kept.
    """
    pairs = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name != "csrf_token" and "password" not in name
    ]
    fields = urlencode(pairs)
    return fields if is_from_our_page() and pairs and len(fields) <= PARKED_AT_MOST else None


def is_from_our_page() -> bool:
    """Whether the browser says that one of our own pages sent this request; other programs say nothing."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = request.headers.get("Origin")  # sent by all browsers, also where plain HTTP keeps them from the other one
    return origin is None or urlsplit(origin).netloc == request.host


def when_parking(allows: Callable[[str], bool]) -> Callable[[str], bool]:
    """Have a function asked, by the path of a page, whether what was typed there may be kept."""
    PARKING.append(allows)
    return allows


def may_be_parked(path: str) -> bool:
    """Whether nobody objects to keeping what was typed into that page."""
    return all(allows(path) for allows in PARKING)


def park(user: User, path: str, fields: str) -> ParkedForm:
    """Keep what was typed, for this person and this page."""
    db.session.execute(delete(ParkedForm).where(ParkedForm.at < now_utc() - PARKED_FOR))
    parked = ParkedForm(user_id=user.id, path=path[:300], fields=fields[:PARKED_AT_MOST])
    db.session.add(parked)
    db.session.flush()
    return parked


def parked(user: User, parked_id: int | None, path: str) -> ParkedForm | None:
    """What this person had typed into this page before the session ended; None when there is nothing."""
    found = db.session.get(ParkedForm, parked_id) if parked_id and 0 < parked_id <= LARGEST_ID else None
    if found is None or found.user_id != user.id or found.path != path or found.at < now_utc() - PARKED_FOR:
        return None
    return found


def typed() -> MultiDict[str, str] | None:
    """What to fill a form from: what this request posts, else what was parked for this page, else None.

    ``BrokerForm(formdata=signing_in.typed(), obj=broker)``. Says so on the page when the answers were parked.
    """
    if request.method == "POST":
        return request.form
    found = parked(current_user, request.args.get("parked", type=int), request.path)
    if found is None:
        return None
    flash("你登录前填的内容都还在下面，还没有保存。核对后再保存一次；选过的文件要重新选择。", "warn")
    return MultiDict(parse_qsl(found.fields, keep_blank_values=True))


def safe_target(target: str | None) -> str | None:
    """An address inside this application, or None: no open redirect."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc and "\\" not in target else None
