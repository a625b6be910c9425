"""One query: read from an address, told in a sentence, written as an address again, and never two answers."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from contracts_app.accounts.roles import Role
from contracts_app.contracts.counting.totals import Sums, added, asked_tabs, sums, sums_by_tab
from contracts_app.contracts.desk import lists
from contracts_app.contracts.finding.query import ContractQuery, DateKind
from contracts_app.contracts.states import State
from contracts_app.core.web.pages import Sort
from tests.factories import JINJIANG, QUANZHOU, SHISHI


def read(**args):
    return ContractQuery.from_args(MultiDict(args))


def test_an_address_is_read_and_written_again():
    query = read(q=" 技术 ", state="submitted,accepted", year="2025", amount_from="20", date_from="2026年1月1日")

    assert query.q == "技术"
    assert query.states == (State.SUBMITTED, State.ACCEPTED)
    assert query.amount_from == Decimal(200_000)
    assert query.date_from == date(2026, 1, 1)
    assert ContractQuery.from_args(MultiDict(query.to_args())) == query


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("year", "二〇二五", "年度写成四位数字"),
        ("amount_from", "abc", "金额只填写数字"),
        ("amount_to", "-1", "金额不能是负数"),
        ("date_from", "2026-02-31", "2026 年 2 月没有 31 日"),
        ("state", "nothing", "状态从列表里选"),
        ("broker", "x", "技术经纪人从列表里选"),
        ("cause", "x", "计入原因从列表里选"),
        ("date_kind", "x", "日期从列表里选"),
        ("lacking", "x", "没有某一项的，从镇街、"),
    ],
)
def test_what_cannot_be_read_is_left_out_and_told_of(name, text, sentence):
    query = read(**{name: text})

    assert query.is_empty
    assert [field for field, _ in query.faults] == [name]
    assert sentence in query.faults[0][1]


def test_a_range_the_wrong_way_round_loses_its_end():
    query = read(amount_from="20", amount_to="10", date_from="2026-02-01", date_to="2026-01-01")

    assert (query.amount_to, query.date_to) == (None, None)
    assert [field for field, _ in query.faults] == ["amount_to", "date_to"]


def test_the_sentence_says_what_is_asked(app, make):
    broker = make.broker("苏怀远")

    assert read(year="2025", unit=JINJIANG, type="KF").sentence() == "2025年登记 · 晋江市 · 技术开发"
    assert read(broker=str(broker.id), amount_from="20", amount_to="50").sentence() == (
        "经纪人 苏怀远 · 成交额 20 至 50 万元"
    )
    assert read(date_kind="signed", date_to="2026-01-31", q="鞋").sentence() == "签订日期 ≤ 2026-01-31 · “鞋”"
    assert read().sentence() == "全部合同"


def test_a_code_that_names_nothing_is_left_out(app):
    query = read(unit="999999", type="KF", platform="999999").known()

    assert (query.unit, query.platform, query.type) == (None, None, "KF")
    assert [name for name, _ in query.faults] == ["unit", "platform"]


_LARGE = (State.EXPERT, State.CHECKED)  # only large contracts come there


@pytest.fixture
def office(make):
    """Contracts of two counties, several states, types and amounts, and a manager of the city."""
    for place, state in enumerate((*State, State.REGISTERED, State.REGISTERED, State.SUBMITTED)):
        unit = SHISHI if place % 3 == 0 else JINJIANG
        make.contract(
            f"{'海藻' if place % 2 else '陶瓷'}技术{place}",
            state=state,
            unit=unit,
            amount=Decimal(place * (1_000_000 if state in _LARGE else 100_000)) + Decimal("0.05"),
            technology=Decimal(place * 50_000),
            type_code=("KF1", "KF2", "FW1")[place % 3],
            **({"registered_on": date(2024 + place % 3, 5, place + 1)} if state is State.REGISTERED else {}),
        )
    return make.user(Role.MANAGER, region=QUANZHOU)


asked = st.fixed_dictionaries(
    {},
    optional={
        "q": st.sampled_from(["技", "海藻", "陶瓷技术", "没有", "JJ"]),
        "state": st.sampled_from([state.value for state in State] + ["submitted,registered"]),
        "year": st.sampled_from(["2024", "2025", "2026"]),
        "unit": st.sampled_from([JINJIANG, SHISHI]),
        "type": st.sampled_from(["KF", "KF1", "FW"]),
        "amount_from": st.sampled_from(["0", "20", "50.5"]),
        "amount_to": st.sampled_from(["30", "1000"]),
        "date_kind": st.sampled_from([kind.value for kind in DateKind]),
        "date_from": st.sampled_from(["2024-05-01", "2026-01-01"]),
        "date_to": st.sampled_from(["2025-12-31", "2026-12-31"]),
    },
)


@given(asked=asked, key=st.sampled_from(sorted(lists.ORDERS)), down=st.booleans(), size=st.integers(1, 4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_footer_and_service_count_the_same(office, asked, key, down, size):
    query = ContractQuery.from_args(MultiDict(asked))
    by_tab = sums_by_tab(query, office)
    footer = added(by_tab[tab] for tab in asked_tabs(query) or by_tab if tab in by_tab)

    rows, number = [], 1
    while number == 1 or len(rows) < footer.rows:
        page = lists.contracts(query, office, sort=Sort(key, down), number=number, size=size, total=footer.rows)
        rows += page.rows
        number += 1
        assert number < 30

    assert len({row.id for row in rows}) == len(rows)
    counted = Sums(
        len(rows),
        len(rows),
        sum((r.total_amount for r in rows), Decimal(0)),
        sum((r.technology_amount for r in rows), Decimal(0)),
    )
    assert counted == footer == sums(query, office)


@pytest.mark.parametrize("key", sorted(lists.ORDERS))
@pytest.mark.parametrize("down", [True, False])
def test_equal_rows_keep_their_order_from_page_to_page(make, key, down):
    manager = make.user(Role.MANAGER)
    ids = [make.contract(state=State.SUBMITTED, updated_at=make.somebody(Role.BROKER).created_at).id for _ in range(7)]

    seen = [
        row.id
        for number in (1, 2, 3)
        for row in lists.contracts(ContractQuery(), manager, sort=Sort(key, down), number=number, size=3, total=7).rows
    ]

    assert seen == sorted(ids, reverse=down)


def test_what_has_no_date_comes_last_both_ways(make):
    manager = make.user(Role.MANAGER)
    without = make.contract(state=State.SUBMITTED).id
    make.contract(state=State.REGISTERED)

    for down in (True, False):
        page = lists.contracts(ContractQuery(), manager, sort=Sort("registered", down), number=1, size=20, total=2)
        assert page.rows[-1].id == without
