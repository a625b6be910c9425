"""Names that are locked after too many failures, and browsers that are known, which strangers cannot lock out.

A browser in which somebody has signed in keeps a signed cookie and has a counter of its own (OWASP, Slow Down Online
Guessing Attacks with Device Cookies): whoever fails elsewhere under that name locks every unknown browser, and not this
one. Names nobody has are counted and locked the same way, so that no answer tells which is which; they are kept under
a keyed hash, because such a name may be a password that was typed into the wrong field.

Guesses under one name may be judged at the same time. Each is told how it was judged in turn only, after those before
it were counted; where one of them has locked the name, it is told of the lock, right or wrong.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from contracts_app.accounts.models import USERNAME, SignInFailure, User
from contracts_app.accounts.sign_in_models import NameLock
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db, unit_of_work
from contracts_app.core.trail import audit
from contracts_app.core.web import limits

FAILURES_ALLOWED = 5  # GB/T 22239-2019 8.1.4.1 b asks for a limit; the figures are practice of the field
FAILURES_WITHIN = timedelta(minutes=15)
LOCKED_FOR = timedelta(minutes=15)
FAILURES_A_DAY = 10
DAY = timedelta(hours=24)

DEVICE = "device"
KNOWN_FOR = timedelta(days=180)
PEOPLE_AT_A_BROWSER = 8
LONGEST_NAME = 60
NO_NAME = "（不是用户名）"  # in the log


@dataclass(frozen=True)
class Lock:
    """Since when a name is locked and until when; ``until`` None: until somebody opens it."""

    since: datetime
    until: datetime | None

    @property
    def sentence(self) -> str:
        """What whoever tries is told."""
        if self.until is None:
            return (
                f"一天内 {FAILURES_A_DAY} 次没有登录成功，这个用户名已锁定。"
                "联系本单位安全管理员解锁，或在以前登录过的那台电脑上登录。"
            )
        minutes = int(LOCKED_FOR.total_seconds() // 60)
        return f"连续多次没有登录成功，这个用户名已锁定 {minutes} 分钟。稍后再试，或联系本单位安全管理员解锁。"


# ---- asking ---------------------------------------------------------------------------------------------------------


def lock_of(user: User) -> Lock | None:
    """The lock on a person's name for browsers that are not known; None when there is none."""
    return lock_on(user.username, "")


def lock_on(username: str, device: str) -> Lock | None:
    """The lock on a name, for one known browser or (``device`` empty) for all others."""
    username = _kept(username)
    lasting = select(NameLock.at).where(NameLock.username == username, NameLock.device == device)
    if at := db.session.scalar(lasting):
        return Lock(at, None)
    newest = _failures(username, device, FAILURES_ALLOWED)
    if len(newest) < FAILURES_ALLOWED or newest[0] - newest[-1] > FAILURES_WITHIN:
        return None
    until = newest[0] + LOCKED_FOR
    return Lock(newest[0], until) if now_utc() < until else None


def _failures(username: str, device: str, most: int) -> list[datetime]:
    """When this name failed last, the newest first."""
    wanted = select(SignInFailure.at).where(SignInFailure.username == username, SignInFailure.device == device)
    return list(db.session.scalars(wanted.order_by(SignInFailure.id.desc()).limit(most)))


def what_is_left(username: str, device: str) -> str:
    """What one more failure, or some more, will lead to."""
    if lock := lock_on(username, device):
        return "这个用户名已锁定，由安全管理员解锁" if lock.until is None else "这个用户名已锁定 15 分钟"
    now = now_utc()
    times = _failures(_kept(username), device, FAILURES_A_DAY)
    soon = FAILURES_ALLOWED - sum(now - at <= FAILURES_WITHIN for at in times)
    today = FAILURES_A_DAY - sum(now - at <= DAY for at in times)
    if today <= soon:
        return f"再错 {today} 次将锁定，由安全管理员解锁"
    return f"再错 {soon} 次将锁定 15 分钟"


# ---- counting -------------------------------------------------------------------------------------------------------


def in_turn(username: str, device: str) -> Lock | None:
    """Wait until whoever guesses under the same name is counted; the lock they have left, or None.

    To be asked once a guess was judged, before anybody is told how. The turn lasts to the end of the transaction.
    """
    if db.engine.dialect.name == "postgresql":  # on SQLite there is only one writer
        turn = f"sign-in {device} {_kept(username)}"
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(turn, 0))))
    return lock_on(username, device)


def remember_failure(username: str, device: str, step: str) -> Lock | None:
    """Count a failure, and lock the name when it was one too many. Kept although the request is refused.

    Returns the lock that others have left meanwhile; then nothing is counted, and nothing else may be told.
    """
    db.session.rollback()
    limits.count_failed_sign_in()
    now, name = now_utc(), username
    with unit_of_work() as work:
        if lock := in_turn(name, device):
            return lock
        told, username = _told(name), _kept(name)
        work.add(SignInFailure(username=username, device=device, address=request.remote_addr or "", at=now))
        audit.record("sign_in_failed", told, step=step)
        work.flush()
        of_name = (SignInFailure.username == username, SignInFailure.device == device)
        in_a_day = work.scalar(select(func.count()).where(*of_name, SignInFailure.at > now - DAY)) or 0
        if in_a_day >= FAILURES_A_DAY:
            _lock_for_good(username, device)
        if (lock := lock_on(name, device)) and lock.since >= now:
            audit.record("lock_name", told, lasts="解锁为止" if lock.until is None else "15 分钟")
        work.execute(delete(SignInFailure).where(SignInFailure.at < now - 30 * DAY))
    return None


def _told(username: str) -> str:
    """The name as the log keeps it for ever: what is nobody's name may well be a password in the wrong field."""
    if _is_somebodys(username):
        return username
    return f"{username[:2]}***" if USERNAME.fullmatch(username) else NO_NAME


def _kept(username: str) -> str:
    """The name under which failures are counted: a keyed hash of what is nobody's name."""
    if _is_somebodys(username):
        return username
    key = f"names that nobody has {current_app.config['SECRET_KEY']}"
    return f"#{hmac.digest(key.encode(), username.encode(), 'sha256').hex()[: LONGEST_NAME - 1]}"


def _is_somebodys(username: str) -> bool:
    return db.session.scalar(select(User.id).where(User.username == username)) is not None


def _lock_for_good(username: str, device: str) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(NameLock(username=username, device=device, at=now_utc()))
    except IntegrityError:
        pass  # two failures at once: the other one has locked it


def forget(username: str, device: str) -> None:
    """Whoever came in by this way has shown who they are: what failed the same way before counts no more."""
    of_name = (SignInFailure.username == username, SignInFailure.device == device)
    db.session.execute(delete(SignInFailure).where(*of_name))


def forget_all(username: str) -> None:
    """Open every lock on a name and begin to count anew, for known browsers too."""
    db.session.execute(delete(SignInFailure).where(SignInFailure.username == username))
    db.session.execute(delete(NameLock).where(NameLock.username == username))


def unlock(user: User, by: User | str) -> None:
    """Open a person's name again. ``by`` is the administrator, or who it was at the machine."""
    forget_all(user.username)
    audit.record("unlock_user", by, subject="user", subject_id=user.id)


# ---- known browsers -------------------------------------------------------------------------------------------------


def device_of(user: User | None) -> str:
    """The number of this browser when that person has signed in here before, else empty."""
    number, people = _known()
    return number if user is not None and user.id in people else ""


def know_browser(user: User) -> None:
    """Let this browser be known as one of that person's from now on."""
    number, people = _known()
    people = [*[one for one in people if one != user.id][-PEOPLE_AT_A_BROWSER + 1 :], user.id]
    value = _serializer().dumps([number or secrets.token_hex(16), people])

    @after_this_request
    def _send(response: Response) -> Response:
        response.set_cookie(
            _cookie(),
            value,
            max_age=KNOWN_FOR,
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
        return response


def _known() -> tuple[str, list[int]]:
    try:
        lasts = int(KNOWN_FOR.total_seconds())
        number, people = _serializer().loads(request.cookies.get(_cookie(), ""), max_age=lasts)
    except (BadSignature, ValueError, TypeError):
        return "", []
    return number, people


def _cookie() -> str:
    """With the prefix browsers take it from this very host only, and only over HTTPS."""
    return f"__Host-{DEVICE}" if current_app.config["SESSION_COOKIE_SECURE"] else DEVICE


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="known-browser")
