"""两步验证: after the password a code that a person's authenticator and this server reckon from a secret and the time.

TOTP (RFC 6238): six digits, a new one every 30 seconds, one step to either side taken, each used once. Nothing but a
right clock is needed, no network. Ten recovery codes stand in for an authenticator that is not at hand.
"""

import hmac
import secrets
import unicodedata
from collections.abc import Sequence
from typing import Any, cast

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from sqlalchemy import CursorResult, delete, func, select, update

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.accounts.sign_in_models import Ended, RecoveryCode, SecondFactor
from contracts_app.core.clock import local, now_utc
from contracts_app.core.db import db
from contracts_app.core.installation import is_demonstration
from contracts_app.core.trail import audit

from . import sessions

ISSUER = "技术合同登记"  # as the authenticator names it
STEP = 30  # seconds
STEPS_TAKEN = 1  # to either side: a clock that is half a minute off, and the time typing takes
STEPS_TOLD = 20  # so far off a wrong code is told to be a matter of clocks
DIGITS = 6

HOW_MANY = 10
SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing to misread
LENGTH = 10  # about 50 bits, so kept as dearly as a password (OWASP ASVS 5.0 6.5.2)
code_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class WrongCode(Exception):
    """The sentence to show beside the field."""


def of(user: User) -> SecondFactor | None:
    """The person's second factor, if it was ever set up."""
    return db.session.get(SecondFactor, user.id)


def is_required(user: User) -> bool:
    """Whether the person may not do without: everybody but who is only a broker. Nobody in a demonstration."""
    return not is_demonstration() and bool(user.own_roles - {Role.BROKER})


def is_asked(user: User) -> bool:
    """Whether a code is asked for at this person's sign-in."""
    return not is_demonstration() and of(user) is not None


# ---- setting up -----------------------------------------------------------------------------------------------------


def new_secret() -> str:
    """160 random bits, as authenticators take them."""
    return pyotp.random_base32()


def picture(secret: str, user: User) -> str:
    """The code that an authenticator reads with the camera, as the address of an image."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=ISSUER)
    return segno.make(uri, error="m").svg_data_uri(scale=5, border=3, light="#fff")


def set_up(user: User, secret: str, code: str) -> list[str]:
    """Have the person's codes come from this secret, proved by one of them; returns ten new recovery codes.

    Raises ``WrongCode``. Sessions elsewhere end: they were begun without, or with another secret.
    """
    step = _step_of(secret, code)
    if found := of(user):
        found.secret, found.last_step, found.since = secret, step, now_utc()
    else:
        db.session.add(SecondFactor(user_id=user.id, secret=secret, last_step=step))
    sessions.end_all(user, Ended.SECOND_FACTOR)
    audit.record("set_second_factor", user, subject="user", subject_id=user.id)
    return _new_codes(user)


def renew_codes(user: User) -> list[str]:
    """Ten new recovery codes in place of what is left of the old ones."""
    audit.record("renew_recovery_codes", user, subject="user", subject_id=user.id)
    return _new_codes(user)


def _new_codes(user: User) -> list[str]:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [str(place) + "".join(secrets.choice(SIGNS) for _ in range(LENGTH)) for place in range(HOW_MANY)]
    db.session.add_all(
        RecoveryCode(user_id=user.id, place=place, code_hash=code_hasher.hash(code)) for place, code in enumerate(codes)
    )
    db.session.flush()
    return [f"{code[0]}-{code[1:6]}-{code[6:]}" for code in codes]


def turn_off(user: User) -> None:
    """Do without from now on; for those of whom it is not required."""
    if is_required(user):
        raise ValueError("required of this person")
    _remove(user)
    audit.record("turn_off_second_factor", user, subject="user", subject_id=user.id)


def reset_second_factor(user: User, by: User | str) -> None:
    """Take away the second factor of somebody who has lost it with all recovery codes; sessions end at once.

    At the next sign-in a new one is set up where it is required. ``by`` is the administrator, or says it was done at
    the machine.
    """
    _remove(user)
    sessions.end_all(user, Ended.SECOND_FACTOR)
    audit.record("reset_second_factor", by, subject="user", subject_id=user.id)


def _remove(user: User) -> None:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    if found := of(user):
        db.session.delete(found)
    db.session.flush()


# ---- asking ---------------------------------------------------------------------------------------------------------


def check(user: User, code: str) -> None:
    """Take a code of the person's authenticator, once. Raises ``WrongCode``."""
    kept = db.session.get_one(SecondFactor, user.id)
    step = _step_of(kept.secret, code)
    newer = update(SecondFactor).where(SecondFactor.user_id == user.id, SecondFactor.last_step < step)
    if _changed_rows(newer.values(last_step=step)) != 1:
        raise WrongCode(f"这个验证码已经用过，等应用里换成下一个（最多 {STEP} 秒）再输入")


def check_any(user: User, typed: str) -> None:
    """Take a code or, when it is as long as one, a recovery code. Raises ``WrongCode``."""
    signs = [sign for sign in unicodedata.normalize("NFKC", typed) if sign.isalnum()]
    if len(signs) > DIGITS:
        check_recovery_code(user, typed)
    else:
        check(user, typed)


def check_recovery_code(user: User, typed: str) -> int:
    """Take one of the person's recovery codes, once; returns how many are left. Raises ``WrongCode``."""
    code = "".join(sign for sign in unicodedata.normalize("NFKC", typed).lower() if sign.isalnum())
    place = int(code[0]) if code[:1].isascii() and code[:1].isdigit() else -1
    wanted = select(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.place == place)
    kept = db.session.scalar(wanted.where(RecoveryCode.used_at.is_(None)))
    used = update(RecoveryCode).where(RecoveryCode.id == (kept.id if kept else 0), RecoveryCode.used_at.is_(None))
    if kept is None or not _fits(kept.code_hash, code) or _changed_rows(used.values(used_at=now_utc())) != 1:
        raise WrongCode("恢复码不对，或者已经用过；换一个没有用过的")
    left = codes_left(user)
    audit.record("use_recovery_code", user, subject="user", subject_id=user.id, left=left)
    return left


def codes_left(user: User) -> int:
    """How many recovery codes the person can still use."""
    wanted = select(func.count()).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(wanted) or 0


def _fits(kept: str, code: str) -> bool:
    try:
        return code_hasher.verify(kept, code)
    except Argon2Error:
        return False


def _changed_rows(statement: Any) -> int:
    return cast(CursorResult[Any], db.session.execute(statement)).rowcount


def _step_of(secret: str, typed: str) -> int:
    """The 30 seconds of which this is the code; raises ``WrongCode``, and says so when it is a matter of clocks."""
    code = "".join(unicodedata.normalize("NFKC", typed).split())
    now = int(now_utc().timestamp()) // STEP
    if not (code.isascii() and code.isdigit() and len(code) == DIGITS):
        raise WrongCode(f"输入应用里现在显示的 {DIGITS} 位数字")
    if (step := _found(secret, code, now, range(-STEPS_TAKEN, STEPS_TAKEN + 1))) is not None:
        return step
    if (step := _found(secret, code, now, range(-STEPS_TOLD, STEPS_TOLD + 1))) is not None:
        seconds = abs(step - now) * STEP
        about = f"{seconds} 秒" if seconds < 60 else f"{round(seconds / 60)} 分钟"
        when = f"约 {about}{'以前' if step < now else '以后'}"
        raise WrongCode(f"这是{when}的验证码：手机和服务器的时间不一致，或者输入慢了。{server_time()}")
    raise WrongCode(f"验证码不对，输入应用里现在显示的 {DIGITS} 位数字。{server_time()}")


def _found(secret: str, code: str, now: int, around: Sequence[int]) -> int | None:
    one = pyotp.TOTP(secret, interval=STEP, digits=DIGITS)
    fits = [now + away for away in around if hmac.compare_digest(one.generate_otp(now + away), code)]
    return fits[-1] if fits else None


def server_time() -> str:
    """What time it is here, to hold a telephone's clock against."""
    return f"服务器现在是 {local(now_utc()):%H:%M:%S}（北京时间），和手机上的时间对一对，差半分钟以上的调准手机再试"
