"""Passwords: how they are kept, what a new one must be like, when it has to be changed.

Two profiles, because the sources contradict each other: GB/T 22239-2019 8.1.4.1 a asks for complexity and for changing
from time to time, OWASP ASVS 5.0 6.2.5 and 6.2.10 forbid both. An installation has one of them.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import delete, select, update

from contracts_app.accounts.models import User
from contracts_app.accounts.sign_in_models import Ended, KeptPassword
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.installation import fact, is_demonstration, set_fact
from contracts_app.core.trail import audit
from contracts_app.core.words import Word

from . import guessable, sessions

hasher = PasswordHasher()  # argon2id with the library's current costs

MOST_LENGTH = 128  # OWASP ASVS 5.0 6.2.9 asks for 64 at least; longer ones only cost time
PROFILE = "password_profile"  # the fact of the installation
EXPIRY_TOLD = timedelta(days=7)  # how long before its end a password's end is told


class Profile(Word):
    """Which rules hold for passwords here."""

    DENGBAO3 = "dengbao3", "等保三级（默认）"
    MODERN = "modern", "长口令"


@dataclass(frozen=True)
class Rules:
    """What a profile asks for. ``lasts`` None: a password is changed when there is a reason to, not by the calendar."""

    least: int
    kinds: int  # of the four kinds of signs
    lasts: timedelta | None
    barred: int  # how many of the last passwords may not come again, the one in use among them

    @property
    def words(self) -> str:
        """The rules as they stand beside the field."""
        said = [f"{self.least} 到 {MOST_LENGTH} 个字符"]
        if self.kinds:
            said.append("大写字母、小写字母、数字、符号中至少有三种")
        said.append("不能包含用户名和姓名的拼音，不能是常见的密码，不能只由地名、单位名加数字组成")
        if self.barred:
            said.append(f"不能和最近 {self.barred} 个密码相同")
        if self.lasts:
            said.append(f"每 {self.lasts.days} 天换一次")
        return "；".join(said) + "。可以从密码管理器粘贴，中间可以有空格。"


RULES = {
    # GB/T 22239-2019 8.1.4.1 a names no figures; these are what assessors look for.
    Profile.DENGBAO3: Rules(least=10, kinds=3, lasts=timedelta(days=90), barred=5),
    # OWASP ASVS 5.0 6.2.1: 8 at least, 15 recommended.
    Profile.MODERN: Rules(least=15, kinds=0, lasts=None, barred=1),
}


def profile() -> Profile:
    """Which profile this installation has."""
    return Profile(fact(PROFILE) or Profile.DENGBAO3)  # type: ignore[call-arg]


def rules() -> Rules:
    """What a password has to be like here."""
    return RULES[profile()]


def choose_profile(chosen: Profile, by: Any) -> None:
    """Have another profile from now on. Passwords that do not fit it are changed at the next sign-in."""
    before = profile()
    if before is chosen:
        return
    set_fact(PROFILE, chosen.value)
    audit.record("choose_password_profile", by, subject="settings", password_profile=[before.label, chosen.label])


# ---- keeping --------------------------------------------------------------------------------------------------------


@cache
def _nobodys() -> str:
    """Verified against when the name is unknown, so that the answer takes as long as for a known one."""
    return hasher.hash(secrets.token_hex(16))


def is_right(user: User | None, password: str) -> bool:
    """Whether this is the person's password; takes as long where there is no person or no password."""
    nobodys = _nobodys()  # made by whoever comes first, so that nobody's first try takes longer
    kept = user.password_hash if user and user.password_hash else nobodys
    return _matches(kept, password) and bool(user and user.password_hash)


def _matches(kept: str, password: str) -> bool:
    try:
        return hasher.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def keep_up(user: User, password: str) -> None:
    """Hash a password that was just found right anew, when hashing has become dearer since."""
    if hasher.check_needs_rehash(user.password_hash):
        # Past the version: a sign-in while an administrator has the account open is no conflict.
        db.session.execute(update(User).where(User.id == user.id).values(password_hash=hasher.hash(password)))


def set_password(user: User, password: str, by: PasswordHasher | None = None) -> None:
    """Give the user this password; sessions begun with the old one end. ``by``: at what other cost it is kept."""
    user.password_hash = (by or hasher).hash(password)
    user.session_key = secrets.token_hex(16)
    db.session.add(KeptPassword(user_id=user.id, password_hash=user.password_hash))
    db.session.flush()
    kept = _kept(user)
    most = max(one.barred for one in RULES.values())  # another profile may come back
    db.session.execute(delete(KeptPassword).where(KeptPassword.id.in_([one.id for one in kept[most:]])))
    sessions.end_all(user, Ended.PASSWORD)


def _kept(user: User) -> list[KeptPassword]:
    """The person's passwords, the newest first."""
    wanted = select(KeptPassword).where(KeptPassword.user_id == user.id).order_by(KeptPassword.id.desc())
    return list(db.session.scalars(wanted))


# ---- what a new one must be like ------------------------------------------------------------------------------------

KINDS = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())


def faults_of_password(password: str, user: User) -> list[str]:
    """What is wrong with a new password, in sentences; empty when it will do."""
    faults = faults_in_itself(password, user)
    if not faults and user.id is not None and any(_matches(one, password) for one in _barred(user)):
        barred = rules().barred
        faults.append(f"最近 {barred} 个密码不能再用" if barred > 1 else "新密码不能和现在的密码相同")
    return faults


def faults_in_itself(password: str, user: User) -> list[str]:
    """The same, without looking at what was used before."""
    asked, faults = rules(), []
    if len(password) < asked.least:
        faults.append(f"密码至少 {asked.least} 个字符")
    if len(password) > MOST_LENGTH:
        faults.append(f"密码最多 {MOST_LENGTH} 个字符")
    if sum(any(kind(sign) for sign in password) for kind in KINDS) < asked.kinds:
        faults.append("密码要有大写字母、小写字母、数字、符号中的三种")
    if faults:
        return faults
    if user.username and user.username.lower() in password.lower():
        return ["密码里不能有用户名"]
    if sentence := guessable.why(password, name=user.name or "", username=user.username or ""):
        return [sentence]
    return []


def _barred(user: User) -> list[str]:
    kept = [one.password_hash for one in _kept(user)[: rules().barred]]
    return kept or [user.password_hash]


# ---- when it has to be changed --------------------------------------------------------------------------------------


def days_left(user: User) -> int | None:
    """In how many days the password must be changed, 0 when it is time; None where passwords do not end.

    A demonstration's passwords never do.
    """
    lasts = rules().lasts
    if lasts is None or is_demonstration():
        return None
    newest = db.session.scalar(
        select(KeptPassword.set_at).where(KeptPassword.user_id == user.id).order_by(KeptPassword.id.desc()).limit(1)
    )
    left = (newest or user.created_at) + lasts - now_utc()
    return max(0, -(-left // timedelta(days=1)))


def why_change(user: User, password: str) -> str:
    """Why somebody who has just typed the right password has to take another one; empty when not."""
    if is_demonstration():
        return ""
    if days_left(user) == 0:
        lasts = rules().lasts
        return f"密码已经用了 {lasts.days if lasts else 0} 天，换一个新密码后登录。"
    faults = faults_in_itself(password, user)
    return f"现在的密码不合规定（{faults[0]}），换一个新密码后登录。" if faults else ""
