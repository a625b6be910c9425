from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts_app.statistics.overview.forecast import STUDENT, Band, Forecast, NoForecast, PastYear, forecast

SPRING, AUTUMN = date(2026, 4, 30), date(2026, 11, 21)
EVEN = (100,) * 12


def past(year, months, on=AUTUMN):
    """A year of these twelve months; what it had by the same day lies evenly in the month."""
    months = tuple(Decimal(month) for month in months)
    part = months[on.month - 1] * on.day / 30
    return PastYear(
        on.replace(year=year), sum(months[: on.month - 1], Decimal(0)) + min(part, months[on.month - 1]), months
    )


def test_what_is_registered_is_divided_by_the_share_of_past_years_and_half_the_calendar():
    years = [past(2024, EVEN, SPRING), past(2025, (50, 50, 50, 50, *(125,) * 8), SPRING)]
    found = forecast(Decimal(600), SPRING, years)
    share = (Fraction(1, 3) + Fraction(200, 1200) + Fraction(1, 2) * Fraction(120, 365)) / Fraction(5, 2)
    assert found.share == share
    assert found.value == round(Decimal(600) * share.denominator / share.numerator, 2)


def test_on_the_last_day_it_says_what_came():
    found = forecast(
        Decimal("1234.56"), date(2026, 12, 31), [past(year, EVEN, date(2026, 12, 31)) for year in (2023, 2024, 2025)]
    )
    assert (found.value, found.low, found.high) == (Decimal("1234.56"),) * 3
    assert [trial.error for trial in found.trials] == [0, 0, 0]


def test_a_past_year_is_tried_with_the_share_of_the_others():
    back = (200, 200, 200, *(20,) * 9)
    found = forecast(Decimal(500), SPRING, [past(2024, EVEN, SPRING), past(2025, back, SPRING)])
    newest, oldest = found.trials
    assert (newest.year, newest.came) == (2025, 780)
    alone = (Fraction(1, 3) + Fraction(1, 2) * Fraction(120, 365)) / Fraction(3, 2)
    assert newest.said == round(Decimal(620) * alone.denominator / alone.numerator, 2)
    assert newest.error > 0, "it came early that year: too much was said"
    assert oldest.error < 0


def test_three_years_give_a_band_from_their_errors_two_from_the_months_one_none():
    shapes = [EVEN, (50, *(100,) * 11), (150, *(100,) * 11)]
    years = [past(2025 - place, shape) for place, shape in enumerate(shapes)]
    three, two, one = (forecast(Decimal(900), AUTUMN, years[:number]) for number in (3, 2, 1))
    assert (three.band, two.band, one.band) == (Band.ERRORS, Band.DRAWN, Band.NONE)
    errors = [Fraction(trial.came) / trial.exact - 1 for trial in three.trials]
    half = float(STUDENT[3]) * (sum(float(error) ** 2 for error in errors) / 3) ** 0.5
    assert float(three.high) == pytest.approx(float(three.value) * (1 + half), abs=0.02)
    assert two.low < two.value < two.high
    assert (one.low, one.high, one.trials) == (None, None, ())
    assert [trial.is_inside for trial in two.trials] == [None, None], "of one other year there is no band"
    tried = forecast(three.trials[0].by_then, AUTUMN, years[1:])
    assert (three.trials[0].low, three.trials[0].high) == (tried.low, tried.high), "that year without itself"
    assert [trial.is_inside for trial in three.trials] == [
        trial.low <= trial.came <= trial.high for trial in three.trials
    ]


@pytest.mark.parametrize(
    ("done", "on", "years", "words"),
    [
        (500, AUTUMN, [], "没有可参照的往年"),
        (500, AUTUMN, [past(2025, (0,) * 9 + (10, 10, 10))], "没有可参照的往年"),
        (0, AUTUMN, [past(2025, EVEN)], "还没有登记额"),
        (5, date(2026, 1, 10), [past(2025, EVEN, date(2026, 1, 10))], "年初数据太少"),
    ],
)
def test_it_says_why_it_says_nothing(done, on, years, words):
    assert words in forecast(Decimal(done), on, years).reason


_shapes = st.lists(st.lists(st.integers(0, 5_000_000), min_size=12, max_size=12), min_size=0, max_size=6)
_days = st.dates(date(2026, 1, 1), date(2026, 12, 31)).filter(lambda day: day.day <= 28)


@settings(max_examples=20)
@given(shapes=_shapes, on=_days, done=st.integers(1, 10**9), more=st.integers(0, 10**9))
def test_whatever_the_years_were(shapes, on, done, more):
    years = [past(2025 - place, shape, on) for place, shape in enumerate(shapes)]
    found = forecast(Decimal(done), on, years)
    if isinstance(found, NoForecast):
        return
    assert found == forecast(Decimal(done), on, list(reversed(years))), "the order of the years does not matter"
    assert found.value >= done
    if found.low is not None:
        assert done <= found.low <= found.value <= found.high
    larger = forecast(Decimal(done + more), on, years)
    assert larger.value >= found.value
    scaled = [PastYear(year.until, year.by_then * 10, tuple(month * 10 for month in year.months)) for year in years]
    tenfold = forecast(Decimal(done * 10), on, scaled)
    assert isinstance(tenfold, Forecast)
    assert abs(tenfold.value - found.value * 10) <= Decimal("0.05")
    if found.high is not None:
        assert abs(tenfold.high - found.high * 10) <= Decimal("0.06")
