"""Which backups are kept and until when: every one of some days, then one a day, then one a month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from contracts_app.core.clock import local


@dataclass(frozen=True)
class Keep:
    """How long backups are kept. The first of a day stands for the day, the first of a month for the month, so that it
    is known at once how long a backup stays and no later one changes it."""

    days: int  # every backup
    daily: int  # days of which one is kept
    months: int  # months of which one is kept

    def until(self, moments: Iterable[datetime]) -> dict[datetime, date]:
        """The last day on which each of these is kept, in Asia/Shanghai."""
        seen: set[object] = set()
        found = {}
        for moment in sorted(moments):
            day = local(moment).date()
            ends = [day + timedelta(self.days)]
            if day not in seen:
                ends.append(day + timedelta(self.daily))
            if (day.year, day.month) not in seen:
                ends.append(day + timedelta(31 * self.months))
            seen |= {day, (day.year, day.month)}
            found[moment] = max(ends)
        return found
