"""Whether a target was reached, as far as the wording allows; how far; and what the pages say of it."""

from decimal import Decimal
from fractions import Fraction

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.core.db import db
from contracts_app.statistics.plan import indicators
from contracts_app.statistics.plan.indicators import Light, Verdict, verdict
from contracts_app.targets.models import Comparison, Direction, Indicator, IndicatorValue, Nature, PublishedFigure
from tests.factories import JINJIANG, SHISHI

from .pages import foot_of, numbers_on

EXACT, LEAST, MORE, MOST, ABOUT = (
    Comparison.EXACT,
    Comparison.AT_LEAST,
    Comparison.MORE,
    Comparison.AT_MOST,
    Comparison.ABOUT,
)
REACHED, MISSED, OPEN = Verdict.REACHED, Verdict.MISSED, Verdict.OPEN


@pytest.mark.parametrize(
    ("value", "worded", "target", "asked", "expected"),
    [
        ("3.42", EXACT, "3.42", EXACT, REACHED),
        ("3.41", EXACT, "3.42", EXACT, MISSED),
        ("20", EXACT, "20", LEAST, REACHED),
        ("100", EXACT, "100", MORE, MISSED),  # 突破100亿元 is not reached by 100
        ("100", MORE, "100", MORE, REACHED),
        ("50", MORE, "100", EXACT, OPEN),  # 50多家 may be more than 100
        ("200", MORE, "100", EXACT, REACHED),
        ("100", LEAST, "100", MORE, OPEN),
        ("2", EXACT, "3", MOST, REACHED),
        ("4", EXACT, "3", MOST, MISSED),
        ("2", MOST, "3", EXACT, MISSED),
        ("3", MOST, "3", EXACT, OPEN),
        ("350000", ABOUT, "360000", EXACT, MISSED),
        ("350000", ABOUT, "352000", EXACT, OPEN),
        ("350000", ABOUT, "340000", EXACT, REACHED),
    ],
)
def test_a_wording_decides_whether_a_target_is_reached(value, worded, target, asked, expected):
    assert verdict(Decimal(value), worded, Decimal(target), asked) is expected


def test_of_what_is_better_low_less_is_reached():
    assert verdict(Decimal(2), EXACT, Decimal(3), EXACT, Direction.DOWN) is REACHED
    assert verdict(Decimal(4), EXACT, Decimal(3), EXACT, Direction.DOWN) is MISSED
    assert verdict(Decimal(2), LEAST, Decimal(3), EXACT, Direction.DOWN) is OPEN


def an_indicator(nature, base="10", target="20", values=(), comparison=EXACT):
    return Indicator(
        number=99, key="B-99", name="试", unit="家", base_year=2020, base_value=Decimal(base), base_wording=base,
        comparison=comparison, target_year=2025, target_value=Decimal(target), target_wording=target, nature=nature,
        direction=Direction.UP, topic="", values=list(values),
    )  # fmt: skip


def a_value(year, value, unit="家", doubt="", comparison=EXACT, printed=None):
    figure = PublishedFigure(value=Decimal(printed or value), unit=unit, doubt=doubt, comparison=comparison)
    figure.inferred = False
    return IndicatorValue(year=year, value=Decimal(value), figure=figure)


def test_progress_follows_the_nature_of_the_number():
    level, flow, growth = (an_indicator(nature) for nature in (Nature.LEVEL, Nature.FLOW, Nature.GROWTH))
    assert indicators.progress(level, Decimal(15)) == Fraction(1, 2)
    assert indicators.progress(level, Decimal(25)) == Fraction(3, 2)
    assert indicators.progress(flow, Decimal(15)) == Fraction(3, 4)
    assert indicators.progress(growth, Decimal(15)) is None
    assert [indicators.expected(level, year) for year in (2020, 2021, 2025, 2026)] == [None, 12, 20, 20]
    assert indicators.expected(growth, 2021) == 20


def test_a_year_is_held_against_the_straight_line():
    values = [a_value(2021, "11"), a_value(2022, "14"), a_value(2023, "20"), a_value(2024, "15", doubt="口径待核")]
    line = indicators.line_of(an_indicator(Nature.LEVEL, values=values), None, None)
    assert [row.light for row in line.rows] == [Light.BEHIND, Light.AHEAD, Light.REACHED, Light.OPEN]
    assert line.rows[3].progress is None
    assert line.rows[1].growth.ratio == Fraction(3, 11)
    assert line.rows[3].growth is None  # nothing is reckoned with what is still open
    assert [dot.words for dot in indicators.drawing(line, 760, 286).published] == ["11", "14", "20"]
    assert indicators.short(Decimal("5.00367")) == "5.00"


def test_growth_tells_what_rounding_leaves_open():
    now, before = a_value(2025, "6.01", "亿元"), a_value(2024, "5.00367", "亿元", printed="50036.7")
    found = indicators.growth(now, before)
    assert [round(float(each) * 100, 1) for each in (found.ratio, found.low, found.high)] == [20.1, 20.0, 20.2]
    assert indicators.growth(a_value(2025, "14"), a_value(2024, "13")).is_exact, "single things, counted one by one"
    assert not indicators.growth(a_value(2025, "14", "%"), a_value(2024, "13", "%")).is_exact
    assert not indicators.growth(a_value(2025, "14", comparison=ABOUT), a_value(2024, "13")).is_exact


@pytest.fixture
def manager(make, sign_in):
    return sign_in(make.user(Role.MANAGER))


def test_the_page_of_one_indicator(manager, register):
    register(JINJIANG, "2025-03-01", 60_100)
    page = manager.get("/statistics/indicators/11").text
    for words in ("175.7%", "+20.1%", "+20.0% 至 +20.2%", "当年流量", "[2.91]", "待核", "47.3", "已达目标"):
        assert words in page
    (number,) = numbers_on(page)
    assert number.text == "60,100.00"
    assert number.value == foot_of(manager.get(number.href).text)["total_amount"]
    assert "不减基期" in manager.get("/statistics/indicators/1").text
    assert manager.get("/statistics/indicators/19").status_code == 404


def test_registers_count_beside_what_was_published(manager):
    page = manager.get("/statistics/indicators/18").text
    link = page.split("技术转移机构：<a href=")[1]
    address, count = link.split('"')[1].replace("&amp;", "&"), link.split(">")[1].split("<")[0]
    assert f"，共 {count} " in manager.get(address).text


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("A-2016-2020-amount", ["47.3 亿元", "待核", "登记", "59.5"]),
        ("A-2024-contracts", ["原文此处缺字", "缺，不补", "不得由增长率倒推"]),
        ("A-chuangzhihui-amount", ["单位缺", "原文无单位"]),
        ("C-2020-carriers-text", ["16 家", "14 家", "两数并存"]),  # 14 and 16 beside each other
        ("C-2020-provincial-new-institutes", ["4 家", "6 家"]),
        ("F-2020-small-giants", ["214 家", "180 家", "不作增减比较"]),
        ("B-11-change", ["[2.91]", "不是五年合计"]),
    ],
)
def test_a_figure_stands_with_all_that_is_said_of_the_same_matter(manager, key, said):
    page = manager.get(f"/statistics/figures/{key}").text
    assert [words for words in said if words not in page] == []


def test_a_yearly_figure_has_the_systems_own_count_beside_it(make, sign_in, register):
    register(JINJIANG, "2025-03-01", 60_100)
    page = sign_in(make.user(Role.MANAGER)).get("/statistics/figures/A-2025-contracts").text
    assert [number.text for number in numbers_on(page)] == ["1"]
    elsewhere = sign_in(make.user(Role.MANAGER, region=SHISHI)).get("/statistics/figures/A-2025-contracts").text
    assert numbers_on(elsewhere) == []
    assert sign_in(make.user()).get("/statistics/figures/A-9").status_code == 404


def test_seven_counters_are_their_registers(manager, make, register):
    make.broker(region=JINJIANG)
    register(JINJIANG, "2025-03-01", 10)
    page = manager.get("/statistics/seven?year=2025").text
    assert page.count('id="counter-') == 7
    broker = page.split("在岗技术经纪人：<a href=")[1]
    address, count = broker.split('"')[1].replace("&amp;", "&"), broker.split(">")[1].split("<")[0]
    assert f"，共 {count} " in manager.get(address).text
    for number in numbers_on(page):
        assert number.value == foot_of(manager.get(number.href).text)[number.measure]
    assert "文件也没有公布产品数" in page
    assert db.session.get(Indicator, 18).target_wording in page
