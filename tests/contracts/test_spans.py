"""Days made of kept sums: whatever is added less what is taken away is each day asked for once, and no other."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts_app.contracts.counting.spans import cover, month_of_period

DAYS = st.dates(date(2023, 1, 1), date(2026, 12, 31))


def days_of(period):
    """The days of a period, or of a first and a last day."""
    if isinstance(period, int):
        text = str(period)
        year, month, day = int(text[:4]), text[4:6], text[6:8]
        first = date(year, int(month or 1), int(day or 1))
        last = first if day else date(year, int(month or 12), 28) + timedelta(days=4)
        last = last if day else last.replace(day=1) - timedelta(days=1) if month else date(year, 12, 31)
    else:
        first, last = period
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


@given(DAYS, DAYS, st.booleans(), st.booleans())
def test_every_day_is_counted_once(first, last, by_year, by_day):
    made_of = cover(first, last, by_year=by_year, by_day=by_day)
    counted = {}
    for parts, sign in ((made_of.plus, 1), (made_of.minus, -1), (made_of.plus_days, 1), (made_of.minus_days, -1)):
        for part in parts:
            for day in days_of(part):
                counted[day] = counted.get(day, 0) + sign
    wanted = days_of((first, last)) if first <= last else []
    assert {day: times for day, times in counted.items() if times} == dict.fromkeys(wanted, 1)
    assert by_year or all(period > 9999 for period in (*made_of.plus, *made_of.minus))
    assert not (by_day and (made_of.plus_days or made_of.minus_days))
    assert all(len(days_of(part)) <= 16 for part in (*made_of.plus_days, *made_of.minus_days))


def test_what_is_nearly_whole_is_the_whole_less_the_rest():
    nearly = cover(date(2025, 1, 1), date(2025, 11, 28), by_year=True, by_day=False)
    assert (nearly.plus, nearly.minus) == ((2025,), (202512,))
    assert (nearly.plus_days, nearly.minus_days) == ((), ((date(2025, 11, 29), date(2025, 11, 30)),))
    assert [month_of_period(period) for period in (2025, 202503, 20250317)] == [202500, 202503, 202503]
