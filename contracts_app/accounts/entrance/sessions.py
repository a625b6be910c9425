"""Who is in: sessions kept on the server, so that they can be seen, counted and ended.

The browser holds a token of 256 bits in its signed cookie, the table only its hash. Whether a session is over is judged
here, never by the browser.
"""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Flask, current_app, g, request, session
from flask.wrappers import Response
from flask_login import login_user
from sqlalchemy import delete, event, inspect, select, update

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Duty
from contracts_app.accounts.sign_in_models import Ended, SignInSession
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db, write_in_passing
from contracts_app.core.settings import Settings
from contracts_app.core.trail import audit

log = logging.getLogger(__name__)

LASTS = timedelta(hours=12)  # however busy; OWASP ASVS 5.0 7.3.2 asks for a limit, the figure is practice
IDLE_OF_OFFICERS = timedelta(minutes=15)  # those who manage accounts, security and the log: their desks stand open less
AT_MOST = 2  # places at once: the desk and a telephone; OWASP ASVS 5.0 7.1.2 asks that it is laid down
SEEN_EVERY = timedelta(minutes=1)  # how exact "last seen" is, so that reading does not write at every click
WARNED_BEFORE = timedelta(minutes=2)
SHARE = 4  # where the limit is a few minutes only, a quarter of it is enough for either
REMEMBERED = timedelta(days=90)
UNSEEN = frozenset({"sessions.left"})  # what a page asks by itself is nobody's doing
TOKEN = "token"  # noqa: S105 - its name in the signed cookie


def init_app(app: Flask) -> None:
    app.after_request(_see)
    app.context_processor(lambda: {"session_ends_in": surely_lasts, "session_warned_before": warned_before})


# ---- beginning ------------------------------------------------------------------------------------------------------


def begin(user: User, *, with_second_factor: bool) -> SignInSession:
    """A new session with a new token for somebody who has just proved who they are. Of three the oldest ends.

    Whatever the browser had before is forgotten.
    """
    # One after the other; without ``key_share`` whoever ends the log's chain with an entry about the person would wait
    # here, and we for them.
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    _make_room(user)
    return start(user, with_second_factor=with_second_factor)


def start(user: User, *, with_second_factor: bool) -> SignInSession:
    """The same, however many the person has."""
    session.clear()
    session[TOKEN] = secrets.token_urlsafe(32)
    begun = SignInSession(
        user_id=user.id,
        token_hash=_hashed(session[TOKEN]),
        began_at=now_utc(),
        last_seen_at=now_utc(),
        address=request.remote_addr or "",
        browser=browser_of(request.user_agent.string),
        with_second_factor=with_second_factor,
        rights=rights_of(user),
    )
    db.session.add(begun)
    db.session.flush()
    g.sign_in_session = begun
    login_user(user)
    return begun


def _make_room(user: User) -> None:
    old = delete(SignInSession).where(SignInSession.user_id == user.id)
    db.session.execute(old.where(SignInSession.began_at < now_utc() - REMEMBERED))
    own = token_hash()
    others = [one for one in open_ones(user) if one.token_hash != own]
    for one in (one for one in open_ones(user) if one.token_hash == own):
        _end(one, Ended.SIGNED_OUT)  # the same browser signs in again
    for one in others[AT_MOST - 1 :]:
        end(one, Ended.LIMIT, user)


def rights_of(user: User) -> str:
    """What a session's rights stand on: when it changes, the person signs in again and gets a new token."""
    return f"{','.join(sorted(role.value for role in user.own_roles))} {user.region_code}"


# ---- being in -------------------------------------------------------------------------------------------------------


def current() -> SignInSession | None:
    """The session of this request's browser with its user, in one query, also when it is over; None for none."""
    if "sign_in_session" not in g:
        wanted = select(SignInSession).where(SignInSession.token_hash == token_hash())
        g.sign_in_session = db.session.scalar(wanted) if session.get(TOKEN) else None
    return g.sign_in_session


def why_over(one: SignInSession) -> str:
    """Why a session goes on no more, in a sentence for its owner; empty while it does."""
    now, user = now_utc(), one.user
    if not user.is_active:
        return _WHY[Ended.DISABLED]
    if one.ended_at:
        return _WHY.get(one.ended_because or Ended.SIGNED_OUT, "登录已结束。")
    if now - one.began_at > LASTS:
        return f"登录已满 {LASTS.total_seconds() // 3600:.0f} 小时，重新登录后继续。"
    if now - one.last_seen_at > idle_of(user):
        return f"{_minutes(idle_of(user))} 分钟没有操作，已自动退出。"
    if one.rights != rights_of(user):
        return "你的角色或地区有变化，重新登录后生效。"
    return ""


_WHY = {
    Ended.LIMIT: f"你的账号又在别处登录。同一账号最多同时登录 {AT_MOST} 处，最早的这一处已退出。"
    "不是你本人登录的，马上修改密码并告诉系统管理员。",
    Ended.TAKEN_BACK: "你在别处结束了这一处的登录。",
    Ended.PASSWORD: "密码已修改，用新密码登录。",
    Ended.SECOND_FACTOR: "两步验证有变化，重新登录后继续。",
    Ended.DISABLED: "账号停用过，登录已结束。仍然登录不了的，找本单位系统管理员。",
    Ended.OFFICER: "管理员结束了你的登录，可以重新登录。",
}


def idle_of(user: User) -> timedelta:
    """After how long without a click the person is signed out."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.session_idle if user.duty is Duty.BUSINESS else min(settings.session_idle, IDLE_OF_OFFICERS)


def idle_words(one: SignInSession | None) -> str:
    """The same in words: of whose session it was, or, where nobody is known, of everybody."""
    settings: Settings = current_app.config["SETTINGS"]
    longest, of_officers = settings.session_idle, min(settings.session_idle, IDLE_OF_OFFICERS)
    if one or longest == of_officers:
        return f"{_minutes(idle_of(one.user) if one else longest)} 分钟"
    return f"{_minutes(longest)} 分钟（系统管理员、安全管理员、审计员 {_minutes(of_officers)} 分钟）"


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)


def seen_every(user: User) -> timedelta:
    """How exact "last seen" is of this person."""
    return min(SEEN_EVERY, idle_of(user) / SHARE)


def warned_before() -> timedelta:
    """How long before the end of this session its person is warned: not at every click, however short the limit."""
    one = current()
    return min(WARNED_BEFORE, idle_of(one.user) / SHARE) if one else WARNED_BEFORE


def ends_in() -> int | None:
    """In how many seconds the session of this request ends without another click; None when nobody is in."""
    one = current()
    if one is None or why_over(one):
        return None
    ends = min(one.last_seen_at + idle_of(one.user), one.began_at + LASTS)
    return max(0, int((ends - now_utc()).total_seconds()))


def surely_lasts() -> int | None:
    """For how many seconds from this page on the session does not end, whenever it was last written down as used."""
    one = current()
    if one is None or why_over(one):
        return None
    return int(min(idle_of(one.user) - seen_every(one.user), one.began_at + LASTS - now_utc()).total_seconds())


def note_seen(one: SignInSession) -> None:
    """This request is a person's doing: have it written down once it is answered, unless it just was."""
    if now_utc() - one.last_seen_at >= seen_every(one.user) and request.endpoint not in UNSEEN:
        g.seen_in_session = one.id


def _see(response: Response) -> Response:
    """Write down that the person was here, after the answer has gone, in a transaction of its own.

    A page that is read keeps nothing itself and never fails or waits for this: whoever writes at that moment goes
    first, and the next click tells it again.
    """
    if number := g.pop("seen_in_session", None):
        app, at = current_app._get_current_object(), now_utc()  # type: ignore[attr-defined]
        response.call_on_close(lambda: write_seen(app, number, at))
    return response


def write_seen(app: Flask, number: int, at: datetime) -> None:
    """The newest moment at which a session was used."""
    seen = update(SignInSession).where(SignInSession.id == number, SignInSession.ended_at.is_(None))
    if not write_in_passing(app, seen.values(last_seen_at=at)):
        log.info("session %s: last seen is not written down this time", number)


# ---- seeing and ending ----------------------------------------------------------------------------------------------


def open_ones(user: User) -> list[SignInSession]:
    """Where this person is in at the moment, the newest first."""
    wanted = select(SignInSession).where(
        SignInSession.user_id == user.id,
        SignInSession.ended_at.is_(None),
        SignInSession.began_at >= now_utc() - LASTS,
        SignInSession.last_seen_at >= now_utc() - idle_of(user),
        SignInSession.rights == rights_of(user),
    )
    return list(db.session.scalars(wanted.order_by(SignInSession.began_at.desc(), SignInSession.id.desc())))


def end(one: SignInSession, because: Ended, by: User | str) -> None:
    """End one session; its owner is told why at the next click."""
    _end(one, because)
    where = "，".join(filter(None, (one.address, one.browser)))
    audit.record("end_session", by, subject="user", subject_id=one.user_id, ended_because=because.label, session=where)


def _end(one: SignInSession, because: Ended) -> None:
    one.ended_at, one.ended_because = now_utc(), because


def end_all(user: User, because: Ended, *, but: SignInSession | None = None) -> None:
    """End every session of the person, or all but one."""
    wanted = update(SignInSession).where(SignInSession.user_id == user.id, SignInSession.ended_at.is_(None))
    if but is not None:
        wanted = wanted.where(SignInSession.id != but.id)
    db.session.execute(wanted.values(ended_at=now_utc(), ended_because=because))


@event.listens_for(User.is_active, "set")
def _end_with_the_account(user: User, is_active: bool, before: object, initiator: object) -> None:
    """Whoever disables an account ends its sessions, so that enabling it later does not bring them back."""
    if not is_active and inspect(user).persistent:
        with db.session.no_autoflush:
            end_all(user, Ended.DISABLED)


def end_current(because: Ended) -> None:
    """End the session of this browser."""
    if one := current():
        _end(one, because)


def token_hash() -> str:
    """The hash of the token that this browser shows."""
    return _hashed(session.get(TOKEN) or "")


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# ---- a browser in a few words ---------------------------------------------------------------------------------------

# The first that fits; everybody calls themselves Safari, most Chrome.
_BROWSERS: Sequence[tuple[str, str]] = (
    ("MicroMessenger", "微信"),
    ("DingTalk", "钉钉"),
    ("QQBrowser", "QQ 浏览器"),
    ("360", "360 浏览器"),
    ("QIHU", "360 浏览器"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Sequence[tuple[str, str]] = (
    ("HarmonyOS", "鸿蒙"),
    ("OpenHarmony", "鸿蒙"),
    ("Android", "安卓手机"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_of(said: str) -> str:
    """What a browser says of itself, in a few words: Chrome（Windows）."""
    browser = next((name for sign, name in _BROWSERS if sign in said), "其他程序")
    system = next((name for sign, name in _SYSTEMS if sign in said), "")
    return f"{browser}（{system}）" if system else browser
