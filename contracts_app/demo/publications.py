"""What 晋江 published of the years that are over, and what became of two of those contracts afterwards.

So a snapshot has something to restate: published figures stay, and beside them stands what they come to today.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime

from sqlalchemy import select

from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import as_if
from contracts_app.core.db import db
from contracts_app.regions.models import Region
from contracts_app.statistics.periods import Period
from contracts_app.statistics.publishing import snapshots
from contracts_app.statistics.publishing.snapshots import Publication

from . import stories
from .days import WorkDays
from .people import People
from .plan import JINJIANG, YEARS

NOTICE = "演示通报（无文号）"
_AT = 10 * 60  # minutes of the day


def publish(people: People, days: WorkDays, write_before: Callable[[datetime], None]) -> None:
    """Freeze the figures of each year that is over, in the January after it, by the head of the bureau."""
    manager = next(user for user in people.sign_ins if user.username == "jj-manager")
    region = db.session.get_one(Region, JINJIANG)
    for year in YEARS[:-1]:
        place = days.upto(date(year + 1, 1, 9))
        moment = days.moment(place, _AT)
        write_before(moment)
        with as_if(moment):
            title = Publication(f"{year}年晋江市技术合同认定登记情况", NOTICE, days.days[place])
            snapshots.freeze(region, Period(year, 1, 12), title, manager)
            db.session.flush()  # what is logged is logged at that moment


def later(told: Collection[int]) -> list[tuple[int, str, stories.Story]]:
    """Two small contracts of the last published year of which nothing is told yet, and their stories."""
    last = YEARS[-2]
    wanted = select(Contract.id).where(
        Contract.unit_code == JINJIANG,
        Contract.state == State.REGISTERED,
        Contract.registered_on.between(date(last, 10, 1), date(last, 12, 31)),
        Contract.total_amount.between(100_000, 500_000),
        Contract.id.not_in(told),
    )
    keys = db.session.scalars(wanted.order_by(Contract.registered_on, Contract.id).limit(len(stories.OF_LAST_YEAR)))
    return [(key, JINJIANG, story) for key, story in zip(keys, stories.OF_LAST_YEAR, strict=False)]
