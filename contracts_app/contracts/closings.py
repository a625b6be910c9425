"""Closed periods (封账): up to that day a unit's figures can no longer change.

A figure that was published stays what it was: what comes later counts on a later day.
"""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from contracts_app.accounts.models import User
from contracts_app.core.clock import now_utc
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
    closed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


def closed_until(unit_codes: Collection[str]) -> dict[str, date]:
    """The last closed day of each of these units; a unit that never closed is absent."""
    wanted = select(Closing.unit_code, func.max(Closing.closed_until)).where(Closing.unit_code.in_(unit_codes))
    return dict(db.session.execute(wanted.group_by(Closing.unit_code)).all())


def close(units: Collection[Unit], until: date, reason: str, by: User) -> None:
    """Close the books of these units up to the end of a day. Whatever is being counted at this moment is waited for."""
    codes = sorted(unit.code for unit in units)
    db.session.execute(select(Unit.code).where(Unit.code.in_(codes)).order_by(Unit.code).with_for_update())
    before = closed_until(codes)
    db.session.add_all(
        Closing(unit_code=code, closed_until=until, reason=reason, closed_by_id=by.id)
        for code in codes
        if code not in before or before[code] < until
    )
    db.session.flush()


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
            raise Refused(
                f"{closed[code]:%Y-%m-%d} 及以前的数已经封账、对外发布，不能再改动："
                f"把计入日期改为 {closed[code]:%Y-%m-%d} 以后，由发布页面以“重述”说明差异。"
            )
