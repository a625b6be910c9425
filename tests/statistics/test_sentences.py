"""The sentence a bureau publishes: every figure the sum of the list behind it, nothing without a basis."""

import io
from datetime import date
from decimal import Decimal

import pytest
from docx import Document

from contracts_app.accounts.models import Onlooker
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import Cause
from contracts_app.core.db import db
from contracts_app.regions.models import Region
from contracts_app.statistics.periods import Period, PeriodError, periods_of
from contracts_app.statistics.publishing.sentences import CLAUSES, amount_words, growth_words, sentence
from tests.factories import JINJIANG, QUANZHOU, SHISHI
from tests.statistics.pages import foot_of, numbers_on

ON = date(2026, 3, 1)
EVERY = tuple(clause.code for clause in CLAUSES)


def said(region, period, on="2026-03-01", clauses=EVERY):
    place = db.session.get(Region, region)
    return sentence(place, Period.parse(period), Onlooker(place), date.fromisoformat(on), clauses=clauses)


# --- periods and words: no database -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "name", "first", "last", "same"),
    [
        ("2025", "2025年", "2025-01-01", "2025-12-31", "2025-M12"),
        ("2025-H1", "2025年上半年", "2025-01-01", "2025-06-30", "2025-M6"),
        ("2025-H2", "2025年下半年", "2025-07-01", "2025-12-31", "2025-h2"),
        ("2024-Q1", "2024年一季度", "2024-01-01", "2024-03-31", "2024-M3"),
        ("2025-M9", "2025年前三季度", "2025-01-01", "2025-09-30", "2025-M9"),
        ("2024-M2", "2024年1—2月", "2024-01-01", "2024-02-29", "2024-m2"),
        ("2024-02", "2024年2月", "2024-02-01", "2024-02-29", " 2024-02 "),
        ("2025-01", "2025年1月", "2025-01-01", "2025-01-31", "2025-M1"),
    ],
)
def test_a_period_has_a_key_a_name_and_days(key, name, first, last, same):
    period = Period.parse(same)
    assert (period.key, period.name, str(period.first), str(period.last)) == (key, name, first, last)


@pytest.mark.parametrize("text", ["", "2025-Q5", "2025-13", "2025-1", "25", "2025-M13", "２０２５", "2025-M0", "0999"])
def test_what_is_no_period_is_told(text):
    with pytest.raises(PeriodError, match="期间写成"):
        Period.parse(text)


def test_every_period_offered_can_be_asked_for_again():
    offered = list(periods_of(2026, date(2026, 3, 1)))
    assert {period.key for period in offered} == {
        "2026",
        "2026-H1",
        "2026-Q1",
        "2026-M2",
        "2026-01",
        "2026-02",
        "2026-03",
    }
    assert all(
        Period.parse(period.key) == period for year in (2024, 2025) for period in periods_of(year, date(2026, 3, 1))
    )


def test_amounts_are_rounded_once_and_change_their_unit_at_one_yi():
    assert amount_words(Decimal("99999999.99")) == ("10,000.00", "万元")
    assert amount_words(Decimal("100000000.00")) == ("1.00", "亿元")
    assert amount_words(Decimal("600500000")) == ("6.01", "亿元")  # half up


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (120, 100, ("增长", "20.0%")),
        (80, 100, ("下降", "20.0%")),
        (100, 100, ("持平", "")),
        (Decimal("1000.01"), Decimal(1000), ("基本持平", "")),
        (0, 100, ("下降", "100.0%")),
    ],
)
def test_growth_in_words(now, before, words):
    assert growth_words(now, before) == words


# --- the sentence -----------------------------------------------------------------------------------------------------


def test_the_whole_sentence(register, task):
    register(JINJIANG, "2024-02-10", 5000)
    register(JINJIANG, "2025-02-10", 6000, technology=5400, type_code="KF1")
    register(JINJIANG, "2025-05-10", 1500, type_code="FW1")
    register(SHISHI, "2025-05-10", 800)
    task(JINJIANG, 2025, 6000)
    asked = ("count", "count_growth", "amount", "growth", "technology", "rank", "completion", "types")
    assert said(JINJIANG, "2025", clauses=asked).text == (
        "2025年，晋江市新增技术合同登记2项，项数同比增长100.0%，成交额7,500.00万元，同比增长50.0%，"
        "技术交易额6,900.00万元，占成交额的92.0%，居全市首位，完成年度任务的125.0%；"
        "其中，技术开发1项、6,000.00万元，技术服务1项、1,500.00万元（截至2025年12月31日，登记口径）。"
    )
    city = said(QUANZHOU, "2025")
    assert "下达了任务的1个单元完成任务合计的125.0%，各考核单元中晋江市居首位（7,500.00万元）；" in city.text
    assert "分子不含没有单独下达任务的" in next(one.exact for one in city.figures if one.name == "完成率")
    task(QUANZHOU, 2025, 10_000)  # its own: all units count towards it, and who has no task of their own is named
    city = said(QUANZHOU, "2025")
    assert "完成年度任务的83.0%" in city.text
    exact = next(one.exact for one in city.figures if one.name == "完成率")
    assert "分子含没有单独下达任务的" in exact
    assert "石狮市 8,000,000.00 元" in exact


@pytest.mark.parametrize(
    ("caliber", "words"), [(Caliber.OUTPUT, "输出技术合同1项"), (Caliber.ABSORBED, "吸纳技术合同")]
)
def test_what_was_sold_or_bought_is_not_said_to_be_registered(register, caliber, words):
    register(JINJIANG, "2025-02-10", 60)
    of = sentence(db.session.get(Region, JINJIANG), Period(2025, 1, 12), Onlooker.of_all(), ON, caliber=caliber)
    assert words in of.text
    assert "登记技术合同" not in of.text.replace("只含本系统登记的合同", "")


def test_what_cannot_be_read_is_told(make, sign_in):
    visitor = sign_in(make.user(Role.MANAGER))
    page = visitor.get("/statistics/sentence?period=ZZ&caliber=z").text
    assert "期间“ZZ”没有读懂" in page
    assert "没有口径“z”" in page
    assert visitor.get("/statistics/sentence.docx?period=ZZ").status_code == 404


def test_a_running_period_says_its_days_and_is_compared_with_the_same(register):
    register(JINJIANG, "2025-01-20", 100)
    register(JINJIANG, "2025-02-20", 900)
    register(JINJIANG, "2026-01-20", 150)
    running = said(JINJIANG, "2026-Q1", on="2026-02-05", clauses=("count", "amount", "growth"))
    assert running.text == (
        "2026年1月1日至2月5日，晋江市新增技术合同登记1项，成交额150.00万元，同比增长50.0%（截至2026年2月5日，登记口径）。"
    )


def test_what_has_no_basis_is_left_out_and_said(register):
    register(JINJIANG, "2025-06-01", 100)
    first = said(JINJIANG, "2025", clauses=("amount", "growth", "rank", "completion"))
    assert first.text == "2025年，晋江市成交额100.00万元，居全市首位（截至2025年12月31日，登记口径）。"
    assert [why.partition("：")[0] for why in first.left_out] == ["成交额同比", "完成率"]
    register(JINJIANG, "2024-01-01", 100)  # now last year is known, and had nothing in June
    june = said(JINJIANG, "2025-06", clauses=("amount", "growth"))
    assert "成交额100.00万元（上年同期为0，不作比较）（截至" in june.text
    assert said(SHISHI, "2025").text == "2025年，石狮市没有登记技术合同（截至2025年12月31日，登记口径）。"


def test_ties_are_said(register):
    for unit in (JINJIANG, SHISHI):
        register(unit, "2025-06-01", 100)
    assert "并列全市首位" in said(SHISHI, "2025").text
    assert "各考核单元中石狮市、晋江市并列首位（各100.00万元）" in said(QUANZHOU, "2025").text


def test_more_struck_off_than_registered_is_said_and_parts_add_up(make, register):
    register(JINJIANG, "2026-02-01", 300)
    gone = register(JINJIANG, "2025-06-01", 100, type_code="FW1")
    ledger.strike_off(gone, Cause.CANCELLATION, date(2026, 2, 2))
    text = said(JINJIANG, "2026-02", clauses=("count", "amount", "types")).text
    assert "登记0项，成交额200.00万元；其中，技术开发1项、300.00万元，技术服务净减1项、净减100.00万元" in text


def test_every_figure_is_the_sum_of_the_list_behind_it(make, sign_in, register, task):
    """Also for a manager of one county: the list holds no other's."""
    for day, wan, kind in (("2024-03-01", 70, "KF1"), ("2025-02-01", 100, "KF1"), ("2025-03-01", 40, "FW1")):
        register(JINJIANG, day, wan, kind)
        register(SHISHI, day, wan * 2, kind)
    task(JINJIANG, 2025, 100)
    visitor = sign_in(make.user(Role.MANAGER, region=JINJIANG))
    asked = "&".join(f"clause={code}" for code in EVERY)
    page = visitor.get(f"/statistics/sentence?period=2025-Q1&{asked}")
    numbers = numbers_on(page.text.partition("句子里的数")[0])
    assert len(numbers) >= 10
    feet = {href: foot_of(visitor.get(href).text) for href in {number.href for number in numbers}}
    assert [number.value for number in numbers] == [feet[number.href][number.measure] for number in numbers]
    assert said(JINJIANG, "2025-Q1").text.count("居全市第2位") == 1
    assert visitor.get("/statistics/sentence?region=350581").status_code == 404
    word = visitor.get(f"/statistics/sentence.docx?period=2025-Q1&{asked}")
    paper = Document(io.BytesIO(word.data))
    text = said(JINJIANG, "2025-Q1").text
    assert any(paragraph.text == text for paragraph in paper.paragraphs)


def test_a_town_is_told_that_it_has_no_figures_of_its_own(make, sign_in):
    visitor = sign_in(make.user(Role.MANAGER, region="350582001"))
    assert "不是考核单元" in visitor.get("/statistics/sentence").text
    assert visitor.get("/statistics/sentence.docx").status_code == 404
    assert "不是考核单元" in visitor.get("/statistics/snapshots/").text


def test_nothing_grows_with_the_number_of_contracts(register, count_queries):
    register(JINJIANG, "2025-06-01", 100)
    said(JINJIANG, "2025")
    with count_queries() as few:
        said(JINJIANG, "2025")
    for kind in ("FW1", "ZR1", "KF2"):
        register(JINJIANG, "2025-06-02", 10, kind)
    with count_queries() as many:
        said(JINJIANG, "2025")
    assert len(many) == len(few) <= 24
