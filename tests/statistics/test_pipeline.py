from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.accounts.roles import Role
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.statistics.overview import pipeline_queries
from contracts_app.statistics.overview.pipeline import (
    PENDING,
    WITHOUT_HISTORY,
    Past,
    Waiting,
    chances,
    close,
    read_chances,
)
from contracts_app.statistics.overview.pipeline_queries import pipeline
from contracts_app.statistics.overview.queries import year_overview
from tests.factories import JINJIANG, QUANZHOU, SHISHI

WAN = Decimal(10_000)


_chance = st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(9, 10)])


@given(
    gap=st.integers(1, 10**6),
    under_way=st.lists(st.tuples(st.sampled_from(PENDING), st.integers(0, 10**6)), max_size=12),
    likely=st.fixed_dictionaries(dict.fromkeys(PENDING, _chance)),
)
def test_a_gap_is_closed_with_none_to_spare_or_everything_that_can_be_is_listed(gap, under_way, likely):
    gap = Decimal(gap).scaleb(-2)
    waiting = [
        Waiting(place, f"合同{place}", "", "卖方", "晋江市", state, Decimal(fen).scaleb(-2), None)
        for place, (state, fen) in enumerate(under_way)
    ]
    possible = [one for one in waiting if likely[one.state]]
    found = close(gap, waiting, likely)
    assert set(found.chosen) <= set(possible)
    assert found.closes == (sum(one.amount for one in possible) >= gap)
    if found.closes:
        assert all(found.amount - one.amount < gap for one in found.chosen), "each is needed"
    else:
        assert set(found.chosen) == set(possible)


def test_the_likeliest_close_the_gap_without_what_cannot_be_and_without_what_is_to_spare():
    under_way = [
        Waiting(place, "", "", "", "", state, Decimal(amount), None)
        for place, (state, amount) in enumerate(
            [(State.EXPERT, 900), (State.SUBMITTED, 80), (State.CHECKED, 10), (State.CHECKED, 30), (State.EXPERT, 5)]
        )
    ]
    likely = {State.SUBMITTED: Fraction(1, 2), State.CHECKED: Fraction(9, 10), State.EXPERT: Fraction(0)}
    found = close(Decimal(100), under_way, likely)
    assert [one.amount for one in found.chosen] == [30, 80], "10 is not needed once the 80 is there"
    assert found.expected == 27 + 40
    assert [one.amount for one in close(Decimal(500), under_way, likely).chosen] == [30, 10, 80], "all that can be"
    assert close(Decimal(1), under_way, dict.fromkeys(likely, Fraction(0))).chosen == ()


def test_a_chance_comes_from_the_state_else_from_all_that_were_submitted_else_from_us():
    past = {State.SUBMITTED: Past(100, 90), State.ACCEPTED: Past(40, 39), State.EXPERT: Past(3, 0)}
    found = chances(past, {State.ACCEPTED: Fraction(1, 2)})
    assert found[State.SUBMITTED].value == Fraction(9, 10)
    assert (found[State.ACCEPTED].usual, found[State.ACCEPTED].value) == (Fraction(975, 1000), Fraction(1, 2))
    assert found[State.EXPERT].value == Fraction(9, 10)
    assert all(chance.value == WITHOUT_HISTORY for chance in chances({}, {}).values())


def test_none_of_many_is_a_chance_of_nought_and_shares_are_rounded_half_up():
    found = chances({State.SUBMITTED: Past(16, 1), State.EXPERT: Past(12, 0)}, {})
    assert found[State.EXPERT].value == 0, "twelve were not registered: that is known"
    assert found[State.SUBMITTED].value == Fraction(63, 1000)  # 6.25 %, as the page writes it
    assert {chance.value for chance in chances({State.SUBMITTED: Past(20, 0)}, {}).values()} == {0}


@pytest.mark.parametrize("text", ["", "abc", "101", "-1", "1e2", "５０", "99.999", "1,5", "."])
def test_an_odd_chance_is_left_out(text):
    given, faults = read_chances({"p_accepted": text, "p_checked": " 100% "})
    assert given == {State.CHECKED: 1}
    assert bool(faults) == bool(text)


def test_what_is_under_way_by_state_and_what_it_would_do_for_the_task(make, register, task):
    manager = make.user(Role.MANAGER, region=QUANZHOU)
    task(JINJIANG, today().year, 100)
    register(JINJIANG, today().isoformat(), 40)
    register(SHISHI, today().isoformat(), 500)  # has no task and closes no gap
    for unit, state, wan in (
        (JINJIANG, State.SUBMITTED, 30),
        (JINJIANG, State.REVIEWED, 50),
        (JINJIANG, State.REVIEWED, 20),
        (SHISHI, State.ACCEPTED, 900),
    ):
        make.contract(f"在办{wan}", state=state, unit=unit, amount=wan * WAN)
    make.contract(state=State.DRAFT, amount=7 * WAN)
    make.contract(state=State.REFUSED, amount=7 * WAN)

    year = year_overview(today().year, manager)
    found = pipeline(year, manager, {State.REVIEWED: Fraction(1, 2), State.SUBMITTED: Fraction(1)})
    amounts = {stage.state: stage.counted.total_amount / WAN for stage in found.stages}
    assert amounts == dict.fromkeys(PENDING, 0) | {State.SUBMITTED: 30, State.REVIEWED: 70, State.ACCEPTED: 900}
    assert found.gap == 60 * WAN
    assert [one.title for one in found.closing.chosen] == ["在办30", "在办50"], "the likelier first"
    assert (found.closing.expected, found.expected_of_others, found.others) == (55 * WAN, 10 * WAN, 1)
    assert found.gap_after_all == (60 - 100) * WAN
    assert found.gap_left == (60 - 35 - 30) * WAN
    without = pipeline(year, manager, {State.REVIEWED: Fraction(0), State.SUBMITTED: Fraction(1)})
    assert [one.title for one in without.closing.chosen] == ["在办30"]
    assert (without.gap_after_all, without.impossible.contracts) == (30 * WAN, 2)
    assert found.is_set

    own = make.user(Role.MANAGER, region=SHISHI)
    of_county = pipeline(year_overview(today().year, own), own, {})
    assert of_county.counted.total_amount == 900 * WAN
    assert of_county.closing is None


def test_the_usual_chance_is_what_became_of_others(make, session, monkeypatch):
    monkeypatch.setattr("contracts_app.statistics.overview.pipeline.LEAST_CASES", 3)
    day = today() - timedelta(days=200)
    for _ in range(2):
        make.contract(state=State.REGISTERED, submitted_on=day, registered_on=day + timedelta(days=9))
    make.contract(state=State.REFUSED, submitted_on=day)
    make.contract(state=State.WITHDRAWN, submitted_on=day)
    make.contract(state=State.ACCEPTED, submitted_on=day)  # not settled: tells nothing
    make.contract(state=State.REFUSED)  # too young
    past = pipeline_queries._past(today())
    assert past == {
        State.SUBMITTED: Past(4, 2),
        State.ACCEPTED: Past(3, 2),
        State.REVIEWED: Past(3, 2),
    }
