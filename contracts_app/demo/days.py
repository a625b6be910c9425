"""Working days, numbered, and moments within their office hours."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random

from contracts_app.core.clock import WorkCalendar

# How the registrations of a year spread over its months: little around the Spring Festival, most in December.
MONTHS = (5, 3, 7, 9, 9, 11, 7, 7, 9, 8, 10, 15)
MORNING, NOON, AFTERNOON, EVENING = 8 * 60 + 30, 12 * 60, 14 * 60 + 30, 17 * 60 + 30  # minutes of the day
_HOURS_BEHIND = 8 * 60  # Shanghai is 8 hours ahead of UTC, without summer time since 1991


class WorkDays:
    """The working days of a span, each known by its place in the row."""

    def __init__(self, calendar: WorkCalendar, first: date, last: date) -> None:
        span = (first + timedelta(days=step) for step in range((last - first).days + 1))
        self.days = [day for day in span if calendar.is_workday(day)]
        self._spread: dict[int, tuple[list[int], list[float]]] = {}

    def upto(self, day: date) -> int:
        """The place of the last working day that is not after this one."""
        return bisect_right(self.days, day) - 1

    def share_by(self, year: int, last: date) -> float:
        """How much of a year's registrations lies on or before a day."""
        places, weights = self._of_year(year)
        passed = sum(1 for place in places if self.days[place] <= last)
        return weights[passed - 1] / weights[-1] if passed else 0.0

    def pick(self, rng: Random, year: int, last: date, count: int) -> list[int]:
        """Places of that many working days of a year up to a day, spread as registrations are."""
        places, weights = self._of_year(year)
        passed = sum(1 for place in places if self.days[place] <= last)
        return rng.choices(places[:passed], cum_weights=weights[:passed], k=count)

    def _of_year(self, year: int) -> tuple[list[int], list[float]]:
        if year not in self._spread:
            places = [place for place, day in enumerate(self.days) if day.year == year]
            in_month = [0] * 12
            for place in places:
                in_month[self.days[place].month - 1] += 1
            weights = (MONTHS[month] / in_month[month] for month in (self.days[place].month - 1 for place in places))
            self._spread[year] = places, list(accumulate(weights))
        return self._spread[year]

    def moment(self, place: int, minute: float) -> datetime:
        """That minute of that day in Asia/Shanghai, as UTC."""
        day = self.days[place]
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
            seconds=round((minute - _HOURS_BEHIND) * 60)
        )


def office_minute(rng: Random, after: float = 0.0) -> float:
    """A minute of the office hours, later than another one of the same day; just after it when the day is over."""
    if after >= EVENING - 5:
        return after + 1 + rng.random() * 3
    minute = max(MORNING, after + 2) + rng.random() * (EVENING - max(MORNING, after + 2))
    return minute if not NOON < minute < AFTERNOON else max(AFTERNOON, after + 2) + rng.random() * 60
