from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.core.clock import (
    DayError,
    WorkCalendar,
    day_edges,
    local,
    month_edges,
    now_utc,
    parse_day,
    quarter_edges,
    same_period_last_year,
    share_of_year_elapsed,
    today,
    year_edges,
)

days = st.dates(date(2000, 1, 1), date(2099, 12, 31))

# National Day and Mid-Autumn 2025: 1 to 8 October off, Sunday 28 September and Saturday 11 October worked.
OCTOBER_2025 = WorkCalendar(
    holidays=frozenset(date(2025, 10, day) for day in range(1, 9)),
    workdays=frozenset({date(2025, 9, 28), date(2025, 10, 11)}),
    known_years=frozenset({2025}),
)


def test_after_four_in_the_afternoon_utc_it_is_tomorrow_in_shanghai():
    with time_machine.travel(datetime(2026, 12, 31, 15, 59, tzinfo=UTC), tick=False):
        assert today() == date(2026, 12, 31)
    with time_machine.travel(datetime(2026, 12, 31, 16, 0, tzinfo=UTC), tick=False):
        assert today() == date(2027, 1, 1)
        assert now_utc() == datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


def test_a_moment_is_shown_on_the_shanghai_clock():
    assert local(datetime(2026, 3, 1, 1, 30, tzinfo=UTC)).strftime("%Y-%m-%d %H:%M") == "2026-03-01 09:30"


def test_a_moment_without_a_zone_is_no_moment():
    with pytest.raises(ValueError, match="zone"):
        local(datetime(2026, 3, 1))  # noqa: DTZ001


def test_edges_are_the_first_and_the_last_day():
    assert year_edges(2026) == (date(2026, 1, 1), date(2026, 12, 31))
    assert quarter_edges(2026, 1) == (date(2026, 1, 1), date(2026, 3, 31))
    assert quarter_edges(2026, 4) == (date(2026, 10, 1), date(2026, 12, 31))
    assert month_edges(2024, 2) == (date(2024, 2, 1), date(2024, 2, 29))


def test_a_shanghai_day_begins_at_four_in_the_afternoon_utc():
    assert day_edges(date(2026, 3, 1)) == (
        datetime(2026, 2, 28, 16, tzinfo=UTC),
        datetime(2026, 3, 1, 16, tzinfo=UTC),
    )


def test_there_is_no_fifth_quarter():
    with pytest.raises(ValueError, match="quarter 5"):
        quarter_edges(2026, 5)


def test_the_share_of_the_year_counts_the_day_itself():
    assert share_of_year_elapsed(date(2025, 12, 31), 2026) == 0
    assert share_of_year_elapsed(date(2026, 1, 1), 2026) == Decimal(1) / Decimal(365)
    assert share_of_year_elapsed(date(2024, 7, 1), 2024) == Decimal(183) / Decimal(366)
    assert share_of_year_elapsed(date(2026, 12, 31), 2026) == 1
    assert share_of_year_elapsed(date(2030, 1, 1), 2026) == 1


@pytest.mark.parametrize(
    ("period", "year_before"),
    [
        ((date(2026, 1, 1), date(2026, 6, 15)), (date(2025, 1, 1), date(2025, 6, 15))),
        ((date(2024, 2, 29), date(2024, 3, 1)), (date(2023, 2, 28), date(2023, 3, 1))),
        ((date(2024, 1, 1), date(2024, 2, 29)), (date(2023, 1, 1), date(2023, 2, 28))),
        ((date(2024, 1, 1), date(2024, 2, 28)), (date(2023, 1, 1), date(2023, 2, 28))),
        ((date(2025, 1, 1), date(2025, 2, 28)), (date(2024, 1, 1), date(2024, 2, 29))),
    ],
)
def test_the_same_period_last_year_is_whole_where_the_period_is(period, year_before):
    assert same_period_last_year(*period) == year_before


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-28",
        "2026/2/28",
        "2026.2.28",
        "2026年2月28日",
        "2026 年 02 月 28 日",
        "2026年2月28号",
        "20260228",
        "２０２６－０２－２８",
        "2026。2。28",
        " 2026—2—28 ",
    ],
)
def test_one_day_may_be_written_in_many_ways(text):
    assert parse_day(text) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "填写日期"),
        ("　", "填写日期"),
        ("明天", "按 2026-03-01 的样子填写"),
        ("26-3-1", "按 2026-03-01 的样子填写"),
        ("2026-3", "按 2026-03-01 的样子填写"),
        ("2026-3/1", "按 2026-03-01 的样子填写"),
        ("0000-01-01", "按 2026-03-01 的样子填写"),
        ("2026-02-31", "2026 年 2 月没有 31 日"),
        ("20250229", "2025 年 2 月没有 29 日"),
        ("2026-13-01", "没有 13 月"),
        ("2026-0-1", "没有 0 月"),
        ("2026-1-0", "2026 年 1 月没有 0 日"),
    ],
)
def test_what_is_no_day_is_refused_with_what_to_do(text, says):
    with pytest.raises(DayError, match=says):
        parse_day(text)


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_reads_back(day):
    assert parse_day(day.isoformat()) == parse_day(f"{day.year}年{day.month}月{day.day}日") == day


def test_holidays_rest_and_make_up_days_work():
    assert OCTOBER_2025.is_workday(date(2025, 9, 28))
    assert not OCTOBER_2025.is_workday(date(2025, 10, 8))
    assert OCTOBER_2025.is_workday(date(2025, 10, 9))
    assert OCTOBER_2025.is_workday(date(2025, 10, 11))
    assert not OCTOBER_2025.is_workday(date(2025, 10, 12))


def test_the_day_of_acceptance_does_not_count():
    assert OCTOBER_2025.add_workdays(date(2025, 9, 29), 1) == date(2025, 9, 30)
    assert OCTOBER_2025.add_workdays(date(2025, 9, 30), 1) == date(2025, 10, 9)
    assert OCTOBER_2025.add_workdays(date(2025, 9, 26), 15) == date(2025, 10, 23)


def test_no_days_lead_nowhere_even_from_a_holiday():
    assert OCTOBER_2025.add_workdays(date(2025, 10, 1), 0) == date(2025, 10, 1)


def test_a_limit_does_not_run_backwards():
    with pytest.raises(ValueError, match="negative"):
        OCTOBER_2025.add_workdays(date(2025, 10, 1), -1)


def test_days_left_turn_negative_when_the_limit_has_passed():
    assert OCTOBER_2025.workdays_between(date(2025, 9, 30), date(2025, 10, 11)) == 3
    assert OCTOBER_2025.workdays_between(date(2025, 10, 11), date(2025, 9, 30)) == -3
    assert OCTOBER_2025.workdays_between(date(2025, 10, 9), date(2025, 10, 9)) == 0


def test_a_year_without_a_schedule_is_not_known():
    assert OCTOBER_2025.is_known(date(2025, 12, 31))
    assert not OCTOBER_2025.is_known(date(2026, 1, 1))


@given(
    start=days,
    number=st.integers(0, 60),
    holidays=st.frozensets(st.integers(0, 120), max_size=30),
    workdays=st.frozensets(st.integers(0, 120), max_size=10),
)
def test_counting_the_days_of_a_limit_gives_the_limit(start, number, holidays, workdays):
    calendar = WorkCalendar(
        holidays=frozenset(start + timedelta(days=step) for step in holidays),
        workdays=frozenset(start + timedelta(days=step) for step in workdays),
    )
    end = calendar.add_workdays(start, number)
    assert calendar.workdays_between(start, end) == number
    assert number == 0 or calendar.is_workday(end)
