from datetime import date
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from contracts_app.core.clock import WorkCalendar
from contracts_app.statistics.overview.pace import Half, is_shown_on, needed
from contracts_app.statistics.ranking import rank

WEEKDAYS = WorkCalendar()


def test_what_is_missing_is_spread_over_what_is_left_of_the_year():
    left = needed(Decimal(300), Decimal(800), date(2026, 10, 31), WEEKDAYS)
    assert (left.months, left.monthly, left.monthly_so_far) == (2, 150, 80)
    assert left.workdays == 44
    assert left.daily == Decimal("6.82")
    assert left.times_as_much == Fraction(15, 8)
    assert not left.is_announced


def test_a_month_that_has_begun_counts_by_its_days():
    assert needed(Decimal(1), Decimal(1), date(2026, 11, 15), WEEKDAYS).months == Fraction(3, 2)


def test_on_the_last_day_nothing_is_left_to_spread():
    left = needed(Decimal(300), Decimal(800), date(2026, 12, 31), WEEKDAYS)
    assert (left.monthly, left.daily, left.times_as_much) == (None, None, None)


@given(gap=st.integers(1, 10**12), on=st.dates(date(2026, 1, 1), date(2026, 12, 30)))
def test_what_is_said_to_be_needed_suffices(gap, on):
    gap = Decimal(gap).scaleb(-2)
    left = needed(gap, Decimal(0), on, WEEKDAYS)
    assert Fraction(left.monthly) * left.months >= Fraction(gap)
    if left.workdays:
        assert left.daily * left.workdays >= gap


def test_half_of_the_task_by_the_end_of_june():
    middle = date(2026, 6, 30)
    half = Half("total_amount", "成交额", Decimal(49), Decimal(100), middle, is_over=True)
    assert (half.is_met, half.missing) == (False, 1)
    assert Half("total_amount", "成交额", Decimal(50), Decimal(100), middle, is_over=False).is_met
    assert [is_shown_on(2026, date(*day)) for day in ((2026, 5, 31), (2026, 6, 1), (2027, 1, 1))] == [False, True, True]


def test_ties_share_a_place_and_the_next_is_left_out():
    assert rank({"a": Decimal(30), "b": Decimal(50), "c": Decimal(30), "d": Decimal(1), "e": Decimal(0)}) == {
        "b": 1, "a": 2, "c": 2, "d": 4,
    }  # fmt: skip
    assert rank({"a": Decimal(0), "b": Fraction(0)}) == {}, "nobody is first with nothing"
