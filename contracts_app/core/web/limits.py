"""How often somebody may ask for what is open to anybody, costs much or hands out much.

Counted by address where nobody is signed in, by person otherwise: an office shares one address.
"""

from collections.abc import Callable

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter

limiter = Limiter(get_remote_address, strategy="moving-window", headers_enabled=False)

# Only what failed counts: a whole office may stand behind one address and come in at half past eight.
FAILED_SIGN_INS = parse("10 per minute")
_SIGN_IN = "sign-in"
_ALONE = MovingWindowRateLimiter(MemoryStorage())  # while a shared storage does not answer

# ASVS 5.0 2.4.1 asks for limits on what takes data out; the figures are practice.
EXPORTS = "20 per hour"
UPLOADS = "120 per hour"  # forms with files: at the counter a dozen are sent for one contract
REVEALED = "60 per hour"  # personal data shown whole: more than calls are made, fewer than a register has


def person_asking() -> str:
    """The key under which a signed-in person is counted, wherever they sit; else the address."""
    return f"person-{current_user.id}" if current_user.is_authenticated else get_remote_address()


exports = limiter.shared_limit(EXPORTS, scope="exports", key_func=person_asking)
uploads = limiter.shared_limit(UPLOADS, scope="uploads", key_func=person_asking, methods=["POST"])


def init_app(app: Flask, storage: str = "memory://") -> None:
    """``storage`` is ``memory://`` for one process, ``redis://…`` when several share the count.

    While a shared storage does not answer, each process counts by itself.
    """
    app.config.setdefault("RATELIMIT_STORAGE_URI", storage)
    app.config.setdefault("RATELIMIT_IN_MEMORY_FALLBACK_ENABLED", storage != "memory://")
    limiter.init_app(app)


def too_many_failed_sign_ins() -> bool:
    """Whether this address has failed to sign in so often that it has to wait, under whatever names."""
    return not _asked(lambda counter: counter.test(FAILED_SIGN_INS, _SIGN_IN, get_remote_address()))


def count_failed_sign_in() -> None:
    """One more from this address."""
    _asked(lambda counter: counter.hit(FAILED_SIGN_INS, _SIGN_IN, get_remote_address()))


def _asked(ask: Callable[[RateLimiter], bool]) -> bool:
    """The limiter's answer; this process's own where the shared storage does not answer, as with every other limit."""
    try:
        return ask(limiter.limiter)
    except Exception:  # whatever the storage's package raises
        return ask(_ALONE)
