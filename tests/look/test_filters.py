from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.core.web import filters


def test_jinjiang_2025_in_every_unit():
    amount = Decimal("601000000.00")
    assert filters.money_yuan(amount) == "601,000,000.00"
    assert filters.money_wan(amount) == "60,100.00"
    assert filters.money_yi(amount) == "6.01"
    assert filters.capitals(amount) == "陆亿零壹佰万元整"


@pytest.mark.parametrize(
    "shown",
    [
        filters.money_yuan,
        filters.money_wan,
        filters.money_yi,
        filters.capitals,
        filters.day,
        filters.moment,
        filters.clock_time,
        filters.percent,
        filters.growth,
        filters.points,
        filters.dash,
        filters.number,
        filters.file_size,
    ],
)
def test_what_is_missing_is_a_dash(shown):
    assert shown(None) == "—"


def test_an_amount_below_nothing_has_no_capitals():
    assert filters.capitals(Decimal(-1)) == "—"


def test_moments_are_shown_on_a_shanghai_clock():
    moment = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    assert filters.moment(moment) == "2026-11-21 00:30"
    assert filters.clock_time(moment) == "00:30"
    assert filters.day(moment) == "2026-11-21"
    assert filters.day(date(2026, 3, 1)) == "2026-03-01"


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (Fraction(601, 342), "175.7%"),
        (Decimal("500367000") / Decimal("342000000"), "146.3%"),
        (Fraction(0), "0.0%"),
        (Fraction(12345, 10), "123,450.0%"),
        (Decimal("0.00049"), "0.0%"),
        (Decimal("0.0005"), "0.1%"),
    ],
)
def test_shares_are_percentages_rounded_half_up_once(ratio, shown):
    assert filters.percent(ratio) == shown


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (Fraction(60100, 50036) - 1, "+20.1%"),
        (Decimal("-0.049"), "-4.9%"),
        (Decimal("-0.0001"), "0.0%"),
        (Fraction(0), "0.0%"),
        (Fraction(30), "+3,000.0%"),
    ],
)
def test_growth_says_which_way(ratio, shown):
    assert filters.growth(ratio) == shown


@given(st.fractions(min_value=-1000, max_value=1000))
def test_a_percentage_is_within_half_a_step_of_the_truth(ratio):
    shown = filters.percent(ratio).rstrip("%").replace(",", "")
    assert abs(Fraction(shown) - ratio * 100) <= Fraction(1, 20)


def test_counts_have_thousands():
    assert filters.number(1199) == "1,199"
    assert filters.dash("") == "—"
    assert filters.dash(0) == 0
