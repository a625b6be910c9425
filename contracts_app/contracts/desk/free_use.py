"""先使用后付费: contracts whose free time is about to end, or has ended while their price is still open (4.2)."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, select

from contracts_app.accounts.models import User
from contracts_app.contracts.finding.queries import in_region_of
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import NUMBERED, STRUCK_OFF
from contracts_app.core.db import db, true_of_few
from contracts_app.rules.queries import setting

_STANDING = sorted(NUMBERED - STRUCK_OFF)
MOST = 20  # are named; the oldest first, as they have waited longest


@dataclass(frozen=True)
class FreeUse:
    """A contract to be settled: paid for, given back, or prolonged. ``left`` days may be below nothing."""

    contract_id: int
    title: str
    until: date
    left: int

    @property
    def words(self) -> str:
        """What is the matter and what to do."""
        ended = f"已到期 {-self.left} 天" if self.left else "今天到期"
        when = f"还有 {self.left} 天到期" if self.left > 0 else ended
        return f"免费使用到 {self.until}，{when}；决定付款、退回还是延长，价款确定的申请变更登记"


def of_filer(person: User, on: date) -> list[FreeUse]:
    """Those the person filed."""
    return _ending(Contract.filed_by_id == person.id, on)


def of_region(person: User, on: date) -> list[FreeUse]:
    """Those of the person's region."""
    return _ending(in_region_of(person), on)


def _ending(whose: ColumnElement[bool], on: date) -> list[FreeUse]:
    last = on + timedelta(days=int(setting("free_use_days")))
    wanted = (
        select(Contract.id, Contract.title, Contract.free_until)
        .where(true_of_few(Contract.free_until <= last), Contract.is_price_open, Contract.state.in_(_STANDING), whose)
        .order_by(Contract.free_until, Contract.id)
        .limit(MOST)
    )
    rows = db.session.execute(wanted).all()
    return [FreeUse(key, title, until, (until - on).days) for key, title, until in rows if until]
