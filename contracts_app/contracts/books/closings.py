"""Closed periods (封账): up to that day a unit's figures can no longer change.

A figure that was published stays what it was: what comes later counts on a later day. Closings are only added to; the
database refuses to change or delete one.
"""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from contracts_app.accounts.models import User
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import Base, Moment, db
from contracts_app.core.errors import Refused
from contracts_app.regions.models import Unit


class Closing(Base):
    """A unit's books closed up to the end of a day. Only added to; the latest day holds."""

    __tablename__ = "closings"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"), index=True)
    closed_until: Mapped[date]
    reason: Mapped[str] = mapped_column(String(200))  # what was published
    closed_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # None: from the command line


def closed_until(unit_codes: Collection[str]) -> dict[str, date]:
    """The last closed day of each of these units; a unit that never closed is absent."""
    wanted = select(Closing.unit_code, func.max(Closing.closed_until)).where(Closing.unit_code.in_(unit_codes))
    return dict(db.session.execute(wanted.group_by(Closing.unit_code)).all())


def are_closed(unit_codes: Collection[str], until: date) -> bool:
    """Whether the books of all these units are closed up to the end of that day; of no unit they are not."""
    closed = closed_until(unit_codes)
    return bool(unit_codes) and all(code in closed and closed[code] >= until for code in unit_codes)


def hold(unit_codes: Collection[str]) -> None:
    """Wait for whatever is being counted for these units, and hold off everything new until this transaction ends.

    What is read afterwards is complete, and entries of the ledger that come later have higher numbers. SQLite lets
    only one write at a time anyway.
    """
    codes = sorted(unit_codes)
    db.session.execute(select(Unit.code).where(Unit.code.in_(codes)).order_by(Unit.code).with_for_update())


def close(units: Collection[Unit], until: date, reason: str, by: User | None) -> list[str]:
    """Close the books of these units up to the end of a day that is over; the codes of those that were still open.

    Whatever is being counted at this moment is waited for. Cannot be undone.
    """
    if until >= today():
        raise Refused(f"{until} 还没有过完，过完以后才能封账。")
    codes = sorted(unit.code for unit in units)
    hold(codes)
    before = closed_until(codes)
    still_open = [code for code in codes if code not in before or before[code] < until]
    db.session.add_all(
        Closing(unit_code=code, closed_until=until, reason=reason[:200], closed_by_id=by.id if by else None)
        for code in still_open
    )
    db.session.flush()
    return still_open


def why_not_on(unit_code: str | None, day: date) -> str | None:
    """Why nothing can count for a unit on a day, in a sentence that fits beside the day's field; None if it can."""
    closed = closed_until([unit_code]).get(unit_code) if unit_code else None
    return _sentence(closed) if closed and day <= closed else None


def note_on(unit_code: str | None) -> str:
    """What is said beside a day that counts, before anybody types one; nothing where the books were never closed."""
    closed = closed_until([unit_code]).get(unit_code) if unit_code else None
    return f"{closed} 及以前已经封账，填以后的日期。" if closed else ""


def _sentence(closed: date) -> str:
    return f"{closed} 及以前的数已经封账、对外发布，不再改动；填 {closed} 以后的日期，差异由发布快照以“重述”列出"


def must_be_open(days: Collection[tuple[str, date]]) -> None:
    """Refuse what would count on a closed day; ``days`` are pairs of unit and day.

    Holds off a closing until this transaction ends: looked at first and locked afterwards, a closing could come
    between.
    """
    codes = sorted({code for code, _ in days})
    shared = select(Unit.code).where(Unit.code.in_(codes)).order_by(Unit.code)
    db.session.execute(shared.with_for_update(read=True, key_share=True))
    closed = closed_until(codes)
    for code, day in days:
        if code in closed and day <= closed[code]:
            raise Refused(f"{_sentence(closed[code])}。")
