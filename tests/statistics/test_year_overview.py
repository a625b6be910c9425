from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.counting.totals import sums
from contracts_app.contracts.states import NUMBERED, STRUCK_OFF, State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.regions.queries import units
from contracts_app.statistics.overview.queries import unit_totals, year_overview
from tests.factories import JINJIANG, QUANZHOU, SHISHI

NANAN, LICHENG = "350583", "350502"
END_OF_2025 = date(2025, 12, 31)


@pytest.fixture
def manager(make):
    return make.user(Role.MANAGER, region=QUANZHOU)


def line(overview, unit):
    return next(one for one in overview.units if one.code == unit)


def test_a_unit_has_what_it_registered_in_the_year(manager, register):
    register(JINJIANG, "2025-01-01", 100, technology=80)
    register(JINJIANG, "2025-12-31", 50)
    register(JINJIANG, "2024-12-31", 7)
    register(JINJIANG, "2026-01-01", 9)
    register(SHISHI, "2025-06-01", 30)
    overview = year_overview(2025, manager, END_OF_2025)
    counted = line(overview, JINJIANG).counted
    assert (counted.contracts, counted.total_amount, counted.technology_amount) == (2, 1_500_000, 1_300_000)
    assert overview.total.counted.total_amount == 1_800_000
    assert len(overview.units) == 13


def test_what_is_not_registered_counts_for_nobody(make, manager):
    for state in State:
        if state not in NUMBERED - STRUCK_OFF | {State.OBJECTION}:
            make.contract(state=state)
    assert year_overview(2026, manager).total.counted.contracts == 0


def test_completion_is_exact_and_not_capped(manager, register, task):
    register(JINJIANG, "2025-02-01", 400)
    task(JINJIANG, 2025, 300)
    assert line(year_overview(2025, manager, END_OF_2025), JINJIANG).completion == Fraction(4, 3)


def test_without_a_task_there_is_no_completion_and_no_rank_by_it(manager, register, task):
    register(JINJIANG, "2025-02-01", 400)
    task(SHISHI, 2025, 300)
    overview = year_overview(2025, manager, END_OF_2025)
    assert line(overview, JINJIANG).completion is None
    assert line(overview, JINJIANG).rank_by_completion is None
    shishi = line(overview, SHISHI)
    assert (shishi.completion, shishi.rank_by_amount, shishi.rank_by_completion) == (0, None, None), "has nothing"
    assert overview.ranked_by_completion == [shishi], "who has a task is listed all the same"


def test_the_newest_version_of_a_task_is_in_force(manager, register, task):
    register(JINJIANG, "2025-02-01", 100)
    task(JINJIANG, 2025, 400)
    task(JINJIANG, 2025, 200, version=2)
    assert line(year_overview(2025, manager, END_OF_2025), JINJIANG).completion == Fraction(1, 2)


def test_the_whole_city_is_held_only_against_units_with_a_task(manager, register, task):
    register(JINJIANG, "2025-02-01", 90)
    register(SHISHI, "2025-02-01", 500)
    task(JINJIANG, 2025, 100)
    total = year_overview(2025, manager, END_OF_2025).total
    assert total.completion == Fraction(9, 10)
    assert total.counted.total_amount == 5_900_000


def test_equal_amounts_share_a_rank_and_the_next_one_is_left_out(manager, register):
    for unit, wan in ((JINJIANG, 50), (SHISHI, 30), (NANAN, 30), (LICHENG, 10)):
        register(unit, "2025-05-05", wan)
    overview = year_overview(2025, manager, END_OF_2025)
    ranks = [line(overview, unit).rank_by_amount for unit in (JINJIANG, SHISHI, NANAN, LICHENG)]
    assert ranks == [1, 2, 2, 4]
    assert [unit.code for unit in overview.ranked[:4]] == [JINJIANG, SHISHI, NANAN, LICHENG]


def test_rank_by_completion_may_differ_from_rank_by_amount(manager, register, task):
    register(JINJIANG, "2025-05-05", 50)
    register(SHISHI, "2025-05-05", 30)
    task(JINJIANG, 2025, 100)
    task(SHISHI, 2025, 40)
    overview = year_overview(2025, manager, END_OF_2025)
    assert line(overview, JINJIANG).rank_by_completion == 2
    assert line(overview, SHISHI).rank_by_completion == 1


def test_a_running_year_is_compared_with_the_same_days_of_last_year(manager, register):
    register(JINJIANG, "2024-03-10", 40)
    register(JINJIANG, "2024-03-11", 60)
    register(JINJIANG, "2025-03-10", 50)
    overview = year_overview(2025, manager, date(2025, 3, 10))
    assert line(overview, JINJIANG).same_period.total_amount == 400_000
    assert line(overview, JINJIANG).growth == Fraction(1, 4)


def test_a_finished_year_is_compared_with_the_whole_year_before(manager, register):
    register(JINJIANG, "2024-12-31", 50)
    register(JINJIANG, "2025-01-01", 40)
    overview = year_overview(2025, manager, date(2026, 3, 10))
    assert line(overview, JINJIANG).growth == Fraction(-1, 5)


def test_the_last_of_february_is_compared_with_the_last_of_february(manager, register):
    register(JINJIANG, "2024-02-29", 50)
    register(JINJIANG, "2025-02-28", 100)
    assert line(year_overview(2025, manager, date(2025, 2, 28)), JINJIANG).growth == 1


def test_from_nothing_nothing_grows(manager, register):
    register(JINJIANG, "2025-01-01", 40)
    overview = year_overview(2025, manager, END_OF_2025)
    assert line(overview, JINJIANG).growth is None
    assert overview.total.growth is None
    assert overview.total.growth_in_number is None


def test_months_run_up_to_the_year_and_types_add_up_to_it(manager, register):
    register(JINJIANG, "2025-01-31", 10, "KF1")
    register(SHISHI, "2025-02-01", 20, "KF2")
    register(SHISHI, "2025-11-30", 30, "FW1")
    overview = year_overview(2025, manager, END_OF_2025)
    assert [month.running.total_amount / 10_000 for month in overview.months] == [10, *[30] * 9, 60, 60]
    assert {kind.code: kind.counted.total_amount / 10_000 for kind in overview.types} == {
        "KF": 30, "ZR": 0, "XK": 0, "ZX": 0, "FW": 30,
    }  # fmt: skip


def test_the_months_of_a_running_year_end_with_this_one_and_of_a_later_one_there_is_nothing(manager, register):
    register(JINJIANG, "2025-01-01", 10)
    assert len(year_overview(2025, manager, date(2025, 3, 1)).months) == 3
    register(JINJIANG, "2026-01-01", 20)
    ahead = year_overview(2026, manager, date(2025, 3, 1))
    assert ahead.months == ()
    assert sum(kind.counted.total_amount for kind in ahead.types) == ahead.total.counted.total_amount == 0
    assert year_overview(2026, manager, date(2024, 3, 1)).total.same_period.total_amount == 0


def test_pace_is_the_share_of_the_year_that_is_over(manager):
    assert year_overview(2025, manager, date(2025, 3, 14)).pace == Fraction(73, 365)
    assert year_overview(2024, manager, date(2025, 3, 14)).pace == 1
    assert year_overview(2026, manager, date(2025, 3, 14)).pace == 0


def test_a_county_counts_itself_only(make, register):
    register(JINJIANG, "2025-05-05", 50)
    register(SHISHI, "2025-05-05", 30)
    overview = year_overview(2025, make.user(Role.MANAGER, region=SHISHI), END_OF_2025)
    assert [unit.code for unit in overview.units] == [SHISHI]
    assert overview.total.counted.total_amount == 300_000


def test_a_town_is_no_unit(make):
    town = make.user(Role.MANAGER, region="350582001")
    assert year_overview(2025, town).units == ()


def test_years_offered_are_those_with_figures_or_tasks(manager, register, task):
    register(JINJIANG, "2023-05-05", 50)
    register(JINJIANG, "2024-05-05", 50)
    task(JINJIANG, 2027, 100)
    years = {2027, 2025, 2024, 2023, today().year}
    assert year_overview(2025, manager, END_OF_2025).years == tuple(sorted(years, reverse=True))


def test_published_figures_stand_beside_and_a_torn_one_is_missing(manager, register):
    register(JINJIANG, "2025-05-05", 60_100)
    beside = {(one.region.code, one.year): one for one in year_overview(2025, manager, END_OF_2025).published}
    assert beside[JINJIANG, 2025].amounts_agree
    assert beside[JINJIANG, 2025].contracts_agree is False
    assert beside[JINJIANG, 2024].contracts.value is None
    assert beside[JINJIANG, 2024].contracts_agree is None
    assert beside[JINJIANG, 2024].amounts_agree is False


def test_agreement_is_judged_at_the_precision_that_was_published(manager, register):
    register(JINJIANG, "2025-05-05", 60_149)
    beside = {one.year: one for one in year_overview(2025, manager, END_OF_2025).published}
    assert beside[2025].amounts_agree  # 6.0149 亿元 reads 6.01


def test_the_plan_counts_the_whole_of_each_year(manager, register):
    register(JINJIANG, "2024-05-05", Decimal("50036.7"))
    register(JINJIANG, "2025-05-05", 60_100)
    register(JINJIANG, "2026-01-01", 1)
    (plan,) = year_overview(2025, manager, END_OF_2025).plan
    assert plan.indicator.number == 11
    assert [(year.year, round(float(year.reached) * 100, 1)) for year in plan.years] == [(2025, 175.7), (2024, 146.3)]


def test_a_past_day_shows_what_stood_then(manager, register, task):
    register(JINJIANG, "2025-03-10", 40)
    register(JINJIANG, "2025-03-11", 60)
    register(SHISHI, "2025-02-28", 5)
    register(JINJIANG, "2024-03-10", 10)
    register(JINJIANG, "2024-03-11", 10)
    overview = year_overview(2025, manager, date(2025, 3, 10))
    assert overview.total.counted.total_amount == 450_000
    assert line(overview, JINJIANG).same_period.total_amount == 100_000
    assert [month.counted.total_amount / 10_000 for month in overview.months] == [0, 5, 40]
    assert sum(kind.counted.total_amount for kind in overview.types) == 450_000
    for number, query in ((45, overview.query()), (40, overview.query(unit=JINJIANG)), (10, overview.query_before())):
        assert sums(query, manager).total_amount == number * 10_000


def test_a_task_of_the_city_stands_for_all_its_units(manager, register, task):
    register(JINJIANG, "2025-02-01", 90)
    register(SHISHI, "2025-02-01", 60)
    task(JINJIANG, 2025, 100)
    assert not year_overview(2025, manager, END_OF_2025).task.is_own
    task(QUANZHOU, 2025, 200)
    overview = year_overview(2025, manager, END_OF_2025)
    assert overview.task.is_own
    assert overview.total.completion == Fraction(3, 4)
    assert overview.halves[0].share == Fraction(3, 4)


def test_half_by_june_is_told_of_past_years_as_it_was(manager, register, task):
    register(JINJIANG, "2025-06-30", 40)
    register(JINJIANG, "2025-07-01", 60)
    register(SHISHI, "2025-01-01", 500)
    task(JINJIANG, 2025, 100)
    (half,) = year_overview(2025, manager, date(2026, 3, 1)).halves
    assert (half.done, half.is_over, half.is_met) == (400_000, True, False)
    assert year_overview(2025, manager, date(2025, 5, 31)).halves == ()
    (running,) = year_overview(2025, manager, date(2025, 6, 1)).halves
    assert not running.is_over


def test_ranks_are_compared_with_the_end_of_the_month_before(manager, register, task):
    register(JINJIANG, "2025-04-30", 50)
    register(SHISHI, "2025-04-30", 30)
    register(SHISHI, "2025-05-01", 40)
    task(SHISHI, 2025, 100)
    unit = line(year_overview(2025, manager, date(2025, 5, 2)), SHISHI)
    assert (unit.rank_by_amount, unit.amount_rank_before) == (1, 2)
    assert (unit.rank_by_completion, unit.completion_rank_before) == (1, 1)
    assert line(year_overview(2025, manager, date(2025, 1, 9)), SHISHI).amount_rank_before is None


def test_the_forecast_reads_whole_past_years_and_the_same_day_of_each(manager, register):
    for month in range(1, 13):
        register(JINJIANG, f"2024-{month:02d}-15", 10)
    register(JINJIANG, "2025-05-14", 40)
    (year,) = [past for past in year_overview(2025, manager, date(2025, 5, 14)).past if past.whole]
    assert (year.year, year.whole, year.by_then) == (2024, 1_200_000, 400_000)
    assert year_overview(2025, manager, date(2025, 5, 15)).past[0].by_then == 500_000
    assert year_overview(2025, manager, date(2025, 5, 15)).forecast.value > 400_000
    assert year_overview(2025, manager, date(2026, 1, 15)).outlook is None


def test_the_number_of_statements_does_not_grow(manager, register, task, count_queries):
    def statements():
        db.session.expire_all()
        with count_queries() as queries:
            year_overview(2025, manager, END_OF_2025)
        return len(queries)

    register(JINJIANG, "2025-01-05", 5)
    task(JINJIANG, 2025, 100)
    statements()  # names are read once
    few = statements()
    for unit in (SHISHI, NANAN, LICHENG):
        task(unit, 2025, 100)
        register(unit, "2025-02-05", 5)
        register(unit, "2024-02-05", 5, "FW1")
    assert statements() == few


_registration = st.tuples(
    st.sampled_from([JINJIANG, SHISHI, NANAN]),
    st.dates(date(2024, 11, 1), date(2026, 2, 28)),
    st.integers(1, 10**9),
    st.sampled_from(["KF1", "KF2", "FW1", "ZR1"]),
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(registrations=st.lists(_registration, max_size=5))
def test_every_total_equals_the_list_behind_it(manager, make, registrations):
    for unit, day, fen, kind in registrations:
        make.contract(state=State.REGISTERED, unit=unit, registered_on=day, amount=Decimal(fen) / 100, type_code=kind)
    overview = year_overview(2025, manager, date(2025, 11, 21))

    def listed(query):
        found = sums(query, manager)
        return found.contracts, found.total_amount, found.technology_amount

    def shown(counted):
        return counted.contracts, counted.total_amount, counted.technology_amount

    assert shown(overview.total.counted) == listed(overview.query())
    assert shown(overview.total.same_period) == listed(overview.query_before())
    for unit in overview.units:
        assert shown(unit.counted) == listed(overview.query(unit=unit.code))
        assert shown(unit.same_period) == listed(overview.query_before(unit=unit.code))
    for kind in overview.types:
        assert shown(kind.counted) == listed(overview.query(type=kind.code))
    for month in overview.months:
        assert shown(month.running) == listed(overview.query(first=overview.first_day, last=month.last_day))
        assert shown(month.counted) == listed(overview.query(first=month.first_day, last=month.last_day))
        assert shown(month.running_last_year) == listed(overview.query_before(last=month.last_day_last_year))
    assert unit_totals(2025, units(), date(2025, 11, 21)) == (overview.units, overview.total)
    assert ledger.verify() == []
