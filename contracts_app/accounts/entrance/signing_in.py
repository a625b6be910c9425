"""Signing in step by step: password, second factor, a new password where one is due; and one-time links.

Nobody is in before every step is done. What was reached so far stands in the signed cookie for a few minutes; the
session itself is kept on the server (``sessions``). Also the form that survives an expired session.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from flask import Flask, flash, request, session
from flask_login import LoginManager, current_user, logout_user
from sqlalchemy import CursorResult, delete, select, update
from werkzeug.datastructures import MultiDict

from contracts_app.accounts import dormancy
from contracts_app.accounts.models import Invitation, ParkedForm, User
from contracts_app.accounts.sign_in_models import Ended
from contracts_app.core.clock import now_utc
from contracts_app.core.db import LARGEST_ID, db
from contracts_app.core.errors import Refused
from contracts_app.core.trail import audit
from contracts_app.core.web import limits

from . import lock_outs, passwords, second_factor, sessions
from .passwords import set_password

INVITATION_LASTS = timedelta(days=7)  # handed over on paper or from desk to desk, to people who are on leave
# The administrator to be and who installs may sit in different houses; an hour would mean a second journey. It is shown
# on the machine's own screen only, works once, and a new one can be made there at any time.
FIRST_INVITATION_LASTS = timedelta(hours=24)
PARKED_FOR = timedelta(hours=12)
# What stands above accounts and holds what must not be kept is asked here before anything typed is.
PARKING: list[Callable[[str], bool]] = []
PARKED_AT_MOST = 256 * 1024

HALF = "half"  # in the signed cookie: how far somebody has come who is not in yet
HALF_LASTS = timedelta(minutes=10)  # as long as it takes to set up an authenticator for the first time
LONGEST_PLACE = 1500  # a cookie holds 4,000 signs
TOO_OFTEN = "连续多次输错，15 分钟后再试"
TOO_MANY = "这个地址登录失败太频繁，等一分钟再试"


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
    sessions.init_app(app)


def _who(session_id: str) -> User | None:
    """The user of this browser's session, unless it is over or the user got another password since."""
    one = sessions.current()
    if one is None or sessions.why_over(one) or not secrets.compare_digest(one.user.get_id(), session_id):
        return None
    sessions.note_seen(one)
    return one.user


# ---- step by step ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Half:
    """Who has shown the right password. ``change``: why a new one is due; ``code``: how the second factor was shown."""

    user_id: int
    key: str  # a new password makes it worthless
    at: float
    place: str = ""  # where the person wanted to go
    said: str = ""  # what is said there
    tone: str = "warn"
    change: str = ""
    code: str = ""


def check_password(username: str, password: str) -> User:
    """The person whose name and password these are. Failures are remembered and counted.

    Raises ``SignInRefused`` with the sentence to show, the same for names nobody has and as slowly.
    """
    username = username.strip().lower()
    user = db.session.scalar(select(User).where(User.username == username))
    device = lock_outs.device_of(user)
    _may_try(username, device)
    if not passwords.is_right(user, password) or user is None or not user.is_active:
        _told_in_turn(lock_outs.remember_failure(username, device, "密码"))
        raise SignInRefused(f"用户名或密码不对，{lock_outs.what_is_left(username, device)}")
    _told_in_turn(lock_outs.in_turn(username, device))
    if dormancy.is_dormant(user):
        raise SignInRefused(_asleep(user))
    return user


def _asleep(user: User) -> str:
    return f"账号{dormancy.words(user)}，已不能登录。找本单位系统管理员启用。"


def _may_try(username: str, device: str) -> None:
    # A browser that is known counts for itself: whoever fails at the next desk, behind one address, keeps nobody out.
    if not device and limits.too_many_failed_sign_ins():
        raise SignInRefused(TOO_MANY)
    _told_in_turn(lock_outs.lock_on(username, device))


def _told_in_turn(lock: lock_outs.Lock | None) -> None:
    """Whoever meets a lock is told of it and not whether the guess was right."""
    if lock:
        raise SignInRefused(lock.sentence)


def begin_half(user: User, *, change: str = "", place: str = "", said: str = "", tone: str = "warn") -> Half:
    """Remember that the person's password was right; what else is asked follows."""
    place = place if len(place) <= LONGEST_PLACE else parts_of(place).path
    half = Half(user.id, user.session_key, now_utc().timestamp(), place, said, tone, change)
    session[HALF] = asdict(half)
    return half


def half_in() -> tuple[User, Half] | None:
    """Who has shown the password in this browser a short while ago and is not in yet."""
    kept = session.get(HALF)
    if not kept:
        return None
    half = Half(**kept)
    user = db.session.get(User, half.user_id)
    if user is None or not user.is_active or not secrets.compare_digest(user.session_key, half.key):
        return None
    return (user, half) if now_utc().timestamp() - half.at <= HALF_LASTS.total_seconds() else None


def next_step(user: User, half: Half) -> str | None:
    """The page of what is still asked of the person; None when nothing is."""
    if second_factor.is_asked(user) and not half.code:
        return "second_factor.code"
    if half.change:
        return "second_factor.new_password"
    if second_factor.is_required(user) and second_factor.of(user) is None:
        return "second_factor.first"
    return None


def check_code(user: User, half: Half, typed: str, *, is_recovery_code: bool) -> Half:
    """Take the second factor. Raises ``SignInRefused`` with the sentence; wrong ones count like wrong passwords."""
    device = lock_outs.device_of(user)
    _may_try(user.username, device)
    try:
        if is_recovery_code:
            left = second_factor.check_recovery_code(user, typed)
            said = f"{half.said}恢复码还剩 {left} 个，用过的划掉；在“我的账号”的“两步验证”里可以重新生成。"
            done = replace(half, code="恢复码", said=said, tone="warn")
        else:
            second_factor.check(user, typed)
            done = replace(half, code="验证码")
    except second_factor.WrongCode as wrong:
        met = lock_outs.remember_failure(user.username, device, "验证码")
        if lock := met or lock_outs.lock_on(user.username, device):
            session.pop(HALF, None)
            raise SignInRefused(lock.sentence) from None
        raise SignInRefused(f"{wrong}。{lock_outs.what_is_left(user.username, device)}") from None
    if lock := lock_outs.in_turn(user.username, device):
        session.pop(HALF, None)
        raise SignInRefused(lock.sentence)
    session[HALF] = asdict(done)
    return done


def change_due_password(user: User, half: Half, new: str) -> Half:
    """Set the new password that was due; what was reached so far stays reached."""
    set_password(user, new)
    audit.record("change_password", user, subject="user", subject_id=user.id)
    done = replace(half, key=user.session_key, change="")
    session[HALF] = asdict(done)
    return done


def let_in(user: User, half: Half) -> None:
    """Every step is done: begin the session, know the browser, write it down."""
    lock_outs.forget(user.username, lock_outs.device_of(user))
    sessions.begin(user, with_second_factor=bool(half.code))
    lock_outs.know_browser(user)
    # Past the version: two sign-ins at once, or one while an administrator has the account open, are no conflict.
    db.session.execute(update(User).where(User.id == user.id).values(last_seen_at=now_utc()))
    audit.record("sign_in", user, factor=half.code or "密码")
    if half.said:
        flash(half.said, half.tone)
    left = passwords.days_left(user)
    if left is not None and left <= passwords.EXPIRY_TOLD.days:
        flash(f"密码还有 {left} 天到期，到时登录要先换。可以现在到“我的账号”修改。", "warn")


def shown(half: Half) -> Half:
    """The same once a second factor was set up, with a code to prove it."""
    return replace(half, code="首次验证码")


def begin_session(user: User, *, with_second_factor: bool | None = None) -> None:
    """A session with a new token for somebody who is in already and has just changed what it stands on."""
    if with_second_factor is None:
        now = sessions.current()
        with_second_factor = bool(now and now.user_id == user.id and now.with_second_factor)
    sessions.begin(user, with_second_factor=with_second_factor)


def sign_out() -> None:
    """End the session of whoever is signed in."""
    audit.record("sign_out", current_user)
    sessions.end_current(Ended.SIGNED_OUT)
    logout_user()
    session.clear()


def confirm(user: User, password: str) -> None:
    """Make sure that somebody signed in knows the password; wrong ones count towards the lock-out.

    Raises ``SignInRefused`` with the sentence to show.
    """
    device = _may_confirm(user)
    if not passwords.is_right(user, password):
        if lock_outs.remember_failure(user.username, device, "密码"):
            raise SignInRefused(TOO_OFTEN)
        raise SignInRefused("现在的密码不对，重新输入")
    if lock_outs.in_turn(user.username, device):
        raise SignInRefused(TOO_OFTEN)


def confirm_second_factor(user: User, typed: str) -> None:
    """The same for the second factor: a code of the authenticator that is to go, or a recovery code, used up by this.

    What guards the account is changed by who has all of it (OWASP ASVS 5.0 7.5.1). Raises ``SignInRefused``.
    """
    device = _may_confirm(user)
    try:
        second_factor.check_any(user, typed)
    except second_factor.WrongCode as wrong:
        met = lock_outs.remember_failure(user.username, device, "验证码")
        raise SignInRefused(TOO_OFTEN if met else str(wrong)) from None
    if lock_outs.in_turn(user.username, device):
        raise SignInRefused(TOO_OFTEN)


def _may_confirm(user: User) -> str:
    device = lock_outs.device_of(user)
    if lock_outs.lock_on(user.username, device):
        raise SignInRefused(TOO_OFTEN)
    return device


# ---- one-time links -------------------------------------------------------------------------------------------------


def change_own_password(person: User, *, old: str, new: str) -> None:
    """Raises ``SignInRefused`` when the old one is wrong. Sessions elsewhere end, this one goes on."""
    confirm(person, old)
    set_password(person, new)
    begin_session(person)
    audit.record("change_password", person, subject="user", subject_id=person.id)


def invite(user: User, lasts: timedelta = INVITATION_LASTS) -> str:
    """A token with which the person sets a password, once, while it lasts. Earlier ones stop working.

    Who invites somebody for the first time, or once more before they ever came, wants the account used.
    """
    if not user.password_hash:
        user.wanted_at = now_utc()
    db.session.execute(delete(Invitation).where(Invitation.user_id == user.id))
    token = secrets.token_urlsafe(32)
    db.session.add(Invitation(user_id=user.id, token_hash=_hashed(token), expires_at=now_utc() + lasts))
    return token


def invited(token: str) -> Invitation:
    """The invitation of this token; raises ``SpentLink`` when it is unknown, used or too old, or the user disabled.

    Raises ``Refused`` for an account that has gone to sleep: a link wakes nobody.
    """
    found = db.session.scalar(select(Invitation).where(Invitation.token_hash == _hashed(token)))
    if found is None or found.used_at or found.expires_at < now_utc() or not found.user.is_active:
        raise SpentLink
    if dormancy.is_dormant(found.user):
        raise Refused(_asleep(found.user))
    return found


def use(invitation: Invitation, password: str) -> None:
    """Set the password for which the person was invited; raises ``SpentLink`` when somebody was quicker.

    Locks on the name are opened: an administrator has vouched for the person.
    """
    used = update(Invitation).where(Invitation.id == invitation.id, Invitation.used_at.is_(None))
    if cast(CursorResult[Any], db.session.execute(used.values(used_at=now_utc()))).rowcount != 1:
        raise SpentLink
    set_password(invitation.user, password)
    lock_outs.forget_all(invitation.user.username)
    audit.record("set_password", invitation.user, subject="user", subject_id=invitation.user_id)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# ---- what was typed before the session ended -----------------------------------------------------------------------


def posted_fields() -> str | None:
    """What the current request posted, urlencoded, to be kept while the person signs in again.

    None when it does not come from a page of ours, or is more than any form of ours holds. Files, passwords and
    recovery codes are never kept.
    """
    pairs = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in ("csrf_token", "proof") and "password" not in name
    ]
    fields = urlencode(pairs)
    return fields if is_from_our_page() and pairs and len(fields) <= PARKED_AT_MOST else None


def is_from_our_page() -> bool:
    """Whether the browser says that one of our own pages sent this request; other programs say nothing."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = request.headers.get("Origin")  # sent by all browsers, also where plain HTTP keeps them from the other one
    return origin is None or parts_of(origin).netloc == request.host


def parts_of(address: str) -> SplitResult:
    """An address taken apart; one that is none, as other programs send them, has no parts."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


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
    parts = parts_of(target)
    return target if parts.path and not parts.scheme and not parts.netloc and "\\" not in target else None
