import re
from datetime import date
from decimal import Decimal

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import Cause
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.regions.models import Region
from contracts_app.rules.queries import rule_set_on
from contracts_app.statistics.periods import Period
from contracts_app.statistics.publishing import snapshots
from contracts_app.targets.models import Target
from tests.factories import JINJIANG, QUANZHOU, SHISHI

from .conftest import WAN
from .pages import feet_of, foot_of, numbers_on

THIS_YEAR = today().year


@pytest.fixture
def a_year(register, task):
    """Three units in 2024 and 2025 with uneven amounts, types and months, one with a task."""
    register(JINJIANG, "2024-03-05", Decimal("120.5"))
    register(JINJIANG, "2024-12-31", Decimal("33.33"), "FW1")
    register(SHISHI, "2024-06-30", 71, "ZR1")
    register(JINJIANG, "2025-01-01", Decimal("15000.07"), technology=Decimal("9000.01"))
    register(JINJIANG, "2025-02-28", 88, "FW1", technology=44)
    register(SHISHI, "2025-02-28", 20, "ZX1")
    register("3505K1", "2025-11-21", 60, "XK1")
    task(JINJIANG, 2025, 20_000)


@pytest.mark.parametrize("region", [QUANZHOU, JINJIANG])
def test_every_number_leads_to_a_list_with_the_same_number(make, sign_in, a_year, region):
    person = make.user(Role.MANAGER, region=region)
    visitor = sign_in(person)
    numbers = numbers_on(visitor.get("/statistics/?year=2025").text)
    assert len(numbers) > 60
    feet = feet_of(numbers, visitor, person)
    for number in numbers:
        listed = feet[number.href][number.measure]
        if number.unit == "亿元":
            listed = (listed / 10_000).quantize(Decimal("0.01"))
        assert number.value == listed, number


def test_the_running_year_leads_to_the_same_days_of_last_year(make, sign_in, register):
    register(JINJIANG, today().replace(year=THIS_YEAR - 1, day=1).isoformat(), 30)
    register(JINJIANG, date(THIS_YEAR - 1, 12, 31).isoformat(), 50)
    register(JINJIANG, date(THIS_YEAR - 1, 1, 1).isoformat(), 40)
    register(JINJIANG, date(THIS_YEAR, 1, 1).isoformat(), 77)
    person = make.user(Role.MANAGER, region=QUANZHOU)
    visitor = sign_in(person)
    page = visitor.get("/statistics/").text
    assert f"{THIS_YEAR} 年度总览" in page
    assert "序时进度" in page
    numbers = numbers_on(page)
    feet = feet_of(numbers, visitor, person)
    for number in numbers:
        assert number.value == feet[number.href][number.measure], number


def test_as_of_a_past_day_every_number_leads_to_its_list_of_that_day(make, sign_in, a_year):
    person = make.user(Role.MANAGER, region=JINJIANG)
    visitor = sign_in(person)
    page = visitor.get("/statistics/?on=2025-02-27").text
    assert "当天结束时的数" in page
    numbers = numbers_on(page)
    assert Decimal("15000.07") in {number.value for number in numbers}
    feet = feet_of(numbers, visitor, person)
    for number in numbers:
        if number.unit == "万元":
            assert number.value == feet[number.href][number.measure], number


@pytest.mark.parametrize("day", ["abc", "2025-02-30", "2099-01-01"])
def test_an_odd_day_is_today_and_told_of(make, sign_in, day):
    page = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get("/statistics/", query_string={"on": day}).text
    assert "按今天显示" in page
    assert "当天结束时的数" not in page


def test_what_is_under_way_leads_to_its_list_and_closes_the_gap(make, sign_in, register, task):
    register(JINJIANG, f"{THIS_YEAR}-01-02", 40)
    task(JINJIANG, THIS_YEAR, 100)
    waiting = make.contract("差这一件", state=State.ACCEPTED, amount=800_000)
    person = make.user(Role.MANAGER, region=QUANZHOU)
    visitor = sign_in(person)
    page = visitor.get("/statistics/?p_accepted=25").text
    assert "补上缺口要登记这 1 项" in page
    assert f"/contracts/{waiting.id}" in page
    assert "即使如此，预期仍差 <b>40.00 万元</b>" in page, "60 are missing, a quarter of 80 is expected"
    hopeless = visitor.get("/statistics/?p_accepted=0").text
    assert "没有可能登记的，补不上缺口 60.00 万元" in hopeless
    assert f"/contracts/{waiting.id}" not in hopeless
    numbers = [number for number in numbers_on(page) if "state=" in number.href]
    feet = feet_of(numbers, visitor, person)
    for number in numbers:
        assert number.value == feet[number.href][number.measure], number


def test_the_big_screen_shows_the_same_year_without_menus(make, sign_in, client, register, task):
    register(JINJIANG, f"{THIS_YEAR}-01-02", 4321)
    task(JINJIANG, THIS_YEAR, 5000)
    page = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get("/statistics/screen").text
    assert "4,321.00" in page
    assert "86.4%" in page
    assert 'class="sidenav"' not in page
    town = sign_in(make.user(Role.MANAGER, region="350582001")).get("/statistics/screen").text
    assert "不是考核单元" in town
    signed_out = client.get("/statistics/screen", headers={"Accept": "text/html, application/json;q=0.1"})
    assert signed_out.status_code == 401, "the page says that it is signed out instead of showing a sign-in page"


def test_a_registrar_who_filed_elsewhere_counts_only_the_own_county(make, sign_in, register):
    registrar = make.user(Role.REGISTRAR, region=JINJIANG)
    contract = register(SHISHI, "2025-05-05", 50)
    contract.filed_by_id = registrar.id
    visitor = sign_in(registrar)
    for number in numbers_on(visitor.get("/statistics/?year=2025").text):
        assert number.value == 0
        assert foot_of(visitor.get(number.href).text)[number.measure] == 0


@pytest.mark.parametrize(("is_taken_back", "growth"), [(False, "，同比增长50.0%"), (True, "（上年同期为0，不作比较）")])
def test_the_sentence_says_the_year_in_words(make, sign_in, register, task, is_taken_back, growth):
    before = register(JINJIANG, "2024-03-05", 10_000)
    if is_taken_back:
        ledger.strike_off(before, Cause.REVOCATION, date(2024, 6, 5))
    register(JINJIANG, "2025-03-05", 15_000)
    task(JINJIANG, 2025, 20_000)
    page = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get("/statistics/?year=2025").text
    sentence = re.sub("<[^>]+>", "", page[page.index("<p data-copy-text>") : page.index("复制这句话")])
    assert sentence.startswith(f"2025年，泉州市新增技术合同登记1项，成交额1.50亿元{growth}")
    assert "（截至2025年12月31日，登记口径）。" in sentence
    published = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get("/statistics/sentence?period=2025").text
    assert sentence == re.sub(
        "<[^>]+>", "", published[published.index("<p data-copy-text>") : published.index("复制这句话")]
    )


def test_the_forecast_is_a_second_sentence_with_its_caution(make, sign_in, register):
    for month in range(1, 13):
        register(JINJIANG, f"2024-{month:02d}-15", 10)
    register(JINJIANG, "2025-06-14", 40)
    page = sign_in(make.user(Role.MANAGER, region=JINJIANG)).get("/statistics/?on=2025-06-30").text
    sentence = re.sub("<[^>]+>", "", page[page.index("<p data-copy-text>") : page.index("复制这句话")])
    assert sentence.startswith("2025年1月1日至6月30日，晋江市新增技术合同登记1项")
    assert "登记口径）。按往年同日的登记进度测算，2025年全年成交额预计80." in sentence
    assert "（可参照的往年只有一年，给不出区间，仅供参考）。" in sentence


def test_a_year_that_is_over_speaks_of_its_task_and_not_of_a_pace(make, sign_in, a_year):
    page = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get("/statistics/?year=2025").text
    shown = page[: page.index("这些数字怎么来的")]
    assert "没有完成年度任务" in shown
    assert "未完成</span>" in shown
    assert "落后" not in shown
    assert "序时" not in shown


def test_a_torn_figure_reads_missing(make, sign_in, a_year):
    page = sign_in(make.user(Role.MANAGER, region=JINJIANG)).get("/statistics/?year=2025").text
    assert "与发布数据对照" in page
    assert ">缺<" in page
    assert "原文此处缺字" in page


def test_a_county_sees_nothing_of_another(make, sign_in, a_year):
    page = sign_in(make.user(Role.MANAGER, region=SHISHI)).get("/statistics/?year=2025").text
    assert "石狮市" in page
    assert "晋江市" not in page


def test_a_city_opens_the_year_of_its_county_and_a_county_no_other(make, sign_in, a_year):
    person = make.user(Role.MANAGER, region=QUANZHOU)
    visitor = sign_in(person)
    assert f"region={JINJIANG}" in visitor.get("/statistics/?year=2025").text, "the table leads there"
    page = visitor.get(f"/statistics/?year=2025&region={JINJIANG}").text
    assert "2025 年度总览 · 晋江市" in page
    numbers = numbers_on(page)
    assert {number.text for number in numbers} >= {"2", "15,088.07"}
    feet = feet_of(numbers, visitor, person)
    for number in numbers:
        if number.unit == "万元":
            assert number.value == feet[number.href][number.measure], number
    assert "晋江市技术合同认定登记" in visitor.get(f"/statistics/screen?region={JINJIANG}").text
    county = sign_in(make.user(Role.MANAGER, region=SHISHI))
    for page in ("", "screen"):
        for place in (JINJIANG, QUANZHOU, "x"):
            assert county.get(f"/statistics/{page}?region={place}").status_code == 404
    assert county.get(f"/statistics/?region={SHISHI}").status_code == 200


def test_of_a_year_before_the_first_there_are_no_figures(make, sign_in, a_year):
    page = sign_in(make.user(Role.MANAGER, region=JINJIANG)).get("/statistics/?year=2024").text
    assert not [number for number in numbers_on(page) if "year=2023" in number.href]
    assert "<span>上年同期 —</span>" in page
    compared = page[page.index("与发布数据对照") :]
    assert "不一致" not in compared[compared.index("晋江市 2023 年") :].partition("</table>")[0]


def test_the_page_names_the_rules_of_its_year_and_the_task_it_divides_by(make, sign_in, a_year, session):
    make.save(
        Target(
            region_code=JINJIANG, year=2025, measure_code="total_amount", version=2, value=30_000 * WAN,
            document="泉科〔2025〕99号", issued_on=date(2025, 7, 1), source="测试",
        )
    )  # fmt: skip
    visitor = sign_in(make.user(Role.MANAGER, region=JINJIANG))
    page = visitor.get("/statistics/?year=2025").text
    old, new = rule_set_on(date(2025, 6, 1)).name, rule_set_on(date(2026, 6, 1)).name
    assert f"规则：{old}<" in page
    assert f"规则：{old}；2026-03-01 起{new}<" in visitor.get("/statistics/?on=2026-04-01").text
    assert f"规则：{old}<" in visitor.get("/statistics/?on=2026-02-28").text
    report = visitor.get("/statistics/reports?year=2025&period=2025-H1").text
    assert old in report
    assert new not in report
    assert "晋江市的任务从 2025-07-01 起按 泉科〔2025〕99号 修订为 30,000.00 万元（第 2 版" in page
    # 15,088.07 of the 20,000 that were in force on 30 June, in both; of the year's 30,000 there is 50.3 %.
    assert "75.4%" in page
    assert "75.4%" in report
    assert "50.3%" in page


def test_snapshots_beside_the_year_are_of_this_place_and_made_by_that_day(make, sign_in, a_year):
    person = make.user(Role.MANAGER, region=QUANZHOU)
    for region in (QUANZHOU, JINJIANG):
        place = db.session.get(Region, region)
        snapshots.freeze(place, Period(2025, 6, 6), snapshots.Publication(f"{place.name}六月"), person)
    visitor = sign_in(person)
    assert "泉州市六月</a>" in (page := visitor.get("/statistics/?year=2025").text)
    assert "晋江市六月" not in page
    assert "晋江市六月</a>" in visitor.get(f"/statistics/?year=2025&region={JINJIANG}").text
    assert "六月</a>" not in visitor.get("/statistics/?on=2025-07-15").text, "made later"


def test_a_year_without_figures_says_what_to_do(make, sign_in):
    page = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get("/statistics/?year=2031").text
    assert "2031 年还没有登记的技术合同，也没有下达年度任务。" in page


def test_a_town_is_led_to_its_list(make, sign_in):
    page = sign_in(make.user(Role.MANAGER, region="350582001")).get("/statistics/?year=2025").text
    assert "不是考核单元" in page
    assert "/contracts/?year=2025" in page


@pytest.mark.parametrize("year", ["", "abc", "0", "99999", "２０２５", "-1", "2025'--"])
def test_an_odd_year_is_this_year(make, sign_in, year):
    visitor = sign_in(make.user(Role.MANAGER, region=QUANZHOU))
    answer = visitor.get("/statistics/", query_string={"year": year})
    assert answer.status_code == 200
    assert f"{THIS_YEAR} 年度总览" in answer.text
    assert ("没有读懂" in answer.text) == bool(year), "and told of"


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.MANAGER, 200),
        (Role.REGISTRAR, 200),
        (Role.REVIEWER, 200),
        (Role.AUDITOR, 200),
        (Role.BROKER, 403),
        (Role.ADMIN, 403),
    ],
)
def test_who_sees_statistics(make, sign_in, role, status):
    assert sign_in(make.user(role)).get("/statistics/").status_code == status


def test_statements_do_not_grow_with_contracts(make, sign_in, register, count_queries):
    visitor = sign_in(make.user(Role.MANAGER, region=QUANZHOU))

    def statements():
        with count_queries() as queries:
            visitor.get("/statistics/?year=2025")
        return len(queries)

    register(JINJIANG, "2025-01-05", 5)
    few = statements()
    for unit in (JINJIANG, SHISHI, "350583"):
        register(unit, "2025-02-05", 5, "FW1")
    assert statements() == few


def test_indicators_show_what_the_system_counts(make, sign_in, a_year):
    visitor = sign_in(make.user(Role.MANAGER, region=JINJIANG))
    page = visitor.get("/statistics/indicators").text
    assert page.count('id="indicator-') == 18
    for words in ("[2.91]", "增量", "≥20", "晋政办〔2022〕42号"):
        assert words in page
    numbers = numbers_on(page)
    assert [number.text for number in numbers] == ["15,088.07", "153.83"]
    for number in numbers:
        assert number.value == foot_of(visitor.get(number.href).text)[number.measure]


def test_indicators_are_open_to_others_without_the_count(make, sign_in, a_year):
    for person in (make.user(Role.ADMIN), make.user(Role.MANAGER, region=SHISHI)):
        page = sign_in(person).get("/statistics/indicators").text
        assert page.count('id="indicator-') == 18
        assert numbers_on(page) == []
