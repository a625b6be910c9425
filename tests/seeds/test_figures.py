"""The published figures, indicators and targets are those of the documents, with their traps kept visible."""

from collections import Counter
from decimal import Decimal

import pytest
from sqlalchemy import select

from contracts_app.core.text import search_key
from contracts_app.targets import queries
from contracts_app.targets.models import (
    Comparison,
    Direction,
    Indicator,
    Nature,
    PublishedFigure,
    Span,
    Standing,
    Target,
    TargetKind,
)
from contracts_app.targets.queries import FigureFilter

# How many single figures the documents give in each section; B is three numbers for each indicator but the first.
COUNTS = {"A": 32, "B": 18 * 3 - 1, "C": 48, "D": 19, "E": 22, "F": 65}

# The tables of the documents line by line: the key every line begins with, and how many single figures it holds.
LINES = {
    "A-2025-contracts": 1, "A-2025-amount": 2, "A-2025-platform": 2, "A-2024-contracts": 2, "A-2024-amount": 3,
    "A-2024-completion-rank": 1, "A-chuangzhihui": 4, "A-2016-2020-contracts": 1, "A-2016-2020-amount": 1,
    "A-2016-2020-absorbed": 2, "A-2016-2020-platform-amount": 1, "A-2025-target": 2, "A-2025-qz-institute": 1,
    "A-east-branch": 6, "A-eco-leather": 2, "A-activities": 1,
    "C-2025-platforms": 1, "C-2025-national-incubators": 1, "C-2025-provincial-maker": 2, "C-2025-new-makerspaces": 2,
    "C-2025-new-city-incubators": 1, "C-2025-polyu-guests": 1, "C-2025-fairs": 2, "C-2024-platforms": 1,
    "C-2024-universities": 1, "C-platforms-": 3, "C-leather-": 3, "C-polyu-first-residents": 1,
    "C-provincial-firm-centres": 1, "C-2020-universities": 1, "C-2020-testing-platforms": 1, "C-2016-2020-served": 1,
    "C-2020-carriers-text": 1, "C-2020-residents": 1, "C-2020-academician": 1, "C-2020-provincial-new": 1,
    "C-2020-key-labs": 1, "C-2020-technology-centres": 1, "C-2025-target-carriers": 1, "C-qz-institutes": 5,
    "C-shoe-alliance": 6, "C-qz-technology-centres": 4, "C-remote-subsidy": 2, "C-roaming-policies": 1,
    "D-2025-": 3, "D-wuhan-": 8, "D-xian-": 3, "D-2024-": 5,
    "E-association-members": 1, "E-2025-expert-projects": 1, "E-2025-training-bases": 1, "E-2025-skilled-talent": 1,
    "E-2025-contest": 2, "E-brokers-trained": 1, "E-self-recogni": 2, "E-postdoc-stations": 1, "E-talent-total": 1,
    "E-national-postdocs": 1, "E-challenge-years": 1, "E-target-broker-training": 1, "E-2025-target": 5,
    "E-2023-target-envoys": 1, "E-2016-2020": 2,
    "F-2024-rd": 4, "F-2023-rd": 4, "F-assessment": 2, "F-2024-small-giants": 1, "F-2024-specialised": 1,
    "F-2024-strategic": 1, "F-2024-hitech": 1, "F-rd-growth-recent": 1, "F-private-share": 1, "F-national-project": 1,
    "F-2025-policies": 1, "F-2025-funds": 1, "F-2025-innovation": 2, "F-2025-top500": 7, "F-2025-signed": 5,
    "F-bcb": 4, "F-2020-rd": 2, "F-2016-2020-rd-growth": 1, "F-2020-industry": 1, "F-2016-2020-industry": 1,
    "F-2020-hitech": 3, "F-2020-small-giants": 1, "F-2020-innovative": 1, "F-2020-specialised": 1, "F-2020-smart": 1,
    "F-2016-2020-hitech": 1, "F-2016-2020-patent": 1, "F-2020-cloud": 1, "F-2020-digital": 1,
    "F-2016-2020-provincial": 1, "F-2016-2020-city": 1, "F-2016-2020-awards": 1, "F-2016-2020-fiscal": 1,
    "F-2020-funds": 2, "F-2020-innovation-rank": 1, "F-2025-target": 5,
}  # fmt: skip


@pytest.fixture
def value(loaded):
    return lambda key: loaded.get(PublishedFigure, key).value


def test_no_figure_of_a_section_is_lost(loaded):
    assert Counter(figure.section for figure in queries.figures(FigureFilter())) == COUNTS


def test_no_line_of_the_tables_is_lost(loaded):
    keys = loaded.scalars(select(PublishedFigure.key)).all()
    found = Counter(max((line for line in LINES if key.startswith(line)), key=len, default=key) for key in keys)
    assert found == LINES


def test_jinjiang_2025(loaded):
    contracts = queries.published("contracts", 2025, "350582")
    amount = queries.published("total_amount", 2025, "350582")
    assert (contracts.value, contracts.unit, contracts.comparison) == (217, "项", Comparison.EXACT)
    assert (amount.value, amount.unit, amount.yuan) == (Decimal("6.01"), "亿元", 601_000_000)
    assert queries.published("amount_rank", 2025, "350582").value == 1


def test_jinjiang_2024_lacks_its_count_and_says_so(loaded):
    contracts = queries.published("contracts", 2024, "350582")
    assert contracts.value is None
    assert "缺" in contracts.doubt
    assert contracts.inferred
    assert queries.published("contracts_growth", 2024, "350582").value == Decimal("112.8")
    assert queries.published("total_amount", 2024, "350582").yuan == 500_367_000


def test_only_the_torn_count_has_no_value_and_only_chuangzhihui_no_unit(loaded):
    assert loaded.scalars(select(PublishedFigure.key).where(PublishedFigure.value.is_(None))).all() == [
        "A-2024-contracts"
    ]
    assert loaded.scalars(select(PublishedFigure.key).where(PublishedFigure.unit == "")).all() == [
        "A-chuangzhihui-amount"
    ]
    assert loaded.get(PublishedFigure, "A-chuangzhihui-amount").yuan is None


def test_a_cumulative_figure_never_stands_for_a_year(loaded):
    assert queries.published("contracts", 2020, "350582") is None
    assert queries.published("absorbed_contracts", 2020, "350582") is None


@pytest.mark.parametrize(
    "key",
    [
        "A-2016-2020-amount", "A-2016-2020-absorbed", "A-chuangzhihui-amount", "A-2025-platform-amount",
        "A-2025-qz-institute-amount", "C-2020-carriers-text", "C-2020-provincial-new-institutes",
        "F-2020-small-giants", "F-2024-small-giants", "F-2024-rd", "F-2020-hitech-share", "D-2025-residents",
        "E-association-members", "E-brokers-trained",
    ],
)  # fmt: skip
def test_the_known_traps_carry_a_note(loaded, key):
    assert loaded.get(PublishedFigure, key).doubt


def test_every_figure_of_a_guessed_year_says_so(loaded):
    guessed = loaded.scalars(select(PublishedFigure).where(PublishedFigure.inferred)).all()
    assert len(guessed) == 11
    assert all("推定" in figure.doubt for figure in guessed)


def test_parts_add_up_to_their_whole(value):
    assert (
        value("C-qz-technology-centres")
        == 227
        == sum(value(f"C-qz-technology-centres-{level}") for level in ("national", "provincial", "city"))
    )
    assert (
        value("F-2025-signed")
        == 18
        == sum(value(f"F-2025-signed-{kind}") for kind in ("ai-platform", "ai", "research", "weather"))
    )
    assert (
        value("F-2025-top500")
        == 500
        == sum(
            value(f"F-2025-top500-{kind}")
            for kind in ("overall", "manufacturing", "services", "innovative", "green", "export")
        )
    )


def test_shares_and_growths_agree_with_their_figures(value, loaded):
    assert value("C-2025-new-makerspaces") / (value("C-2025-new-makerspaces-share") / 100) == 15
    assert round((value("F-2020-hitech") / 54 - 1) * 100, 1) == value("F-2016-2020-hitech-growth")
    assert round(value("F-2020-rd") / value("F-2020-rd-gdp") * 100) == 2600
    assert round(value("F-2020-hitech-output") / value("F-2020-industry") * 100, 1) == value("F-2020-hitech-share")
    growth = (
        queries.published("total_amount", 2025, "350582").yuan / queries.published("total_amount", 2024, "350582").yuan
    )
    assert round((growth - 1) * 100, 1) == Decimal("20.1")


@pytest.mark.parametrize("sign", ["超", "多", "突破", "以上", "近"])
def test_a_bound_is_never_taken_for_an_exact_number(loaded, sign):
    bounds = loaded.scalars(select(PublishedFigure).where(PublishedFigure.wording.contains(sign))).all()
    assert bounds
    assert all(figure.comparison is not Comparison.EXACT for figure in bounds)


def test_the_plan_has_eighteen_indicators_whose_change_is_target_minus_base(loaded):
    plan = queries.indicators()
    assert [indicator.number for indicator in plan] == list(range(1, 19))
    assert all(i.change == i.target_value - i.base_value for i in plan if i.change is not None)
    assert [i.number for i in plan if i.change is None] == [1]
    assert (plan[0].comparison, plan[0].target_wording) == (Comparison.AT_LEAST, "≥20")


def test_indicator_11_was_passed_in_both_years(loaded):
    eleven = loaded.get(Indicator, 11)
    reached = {given.year: round(given.value / eleven.target_value * 100, 1) for given in eleven.values}
    assert reached == {2024: Decimal("146.3"), 2025: Decimal("175.7")}


def test_yearly_values_of_indicators_are_the_published_figures(loaded):
    for indicator in queries.indicators():
        for given in indicator.values:
            same_unit = given.figure.unit == indicator.unit or given.figure.yuan is None
            published = given.figure.value if same_unit else given.figure.yuan / 100_000_000
            assert (given.value, given.year, given.source) == (published, given.figure.year, given.figure.source)


def test_base_and_target_of_an_indicator_are_found_among_the_figures(loaded):
    found = queries.figures(FigureFilter(section="B", words="技术合同认定登记成交额"))
    assert {(figure.key, figure.value, figure.span, figure.year) for figure in found} == {
        ("B-11-base", Decimal("0.51"), Span.YEARLY, 2020),
        ("B-11-target", Decimal("3.42"), Span.TARGET, 2025),
        ("B-11-change", Decimal("2.91"), Span.TARGET, 2025),
    }


def test_figures_are_found_by_section_year_region_and_words(loaded):
    assert all(figure.section == "D" for figure in queries.figures(FigureFilter(section="D")))
    assert {figure.year for figure in queries.figures(FigureFilter(year=2023))} == {2023}
    assert {figure.region_name for figure in queries.figures(FigureFilter(region_code="350500"))} == {"泉州市"}
    assert [figure.key for figure in queries.figures(FigureFilter(words="武汉 营收"))] == ["D-wuhan-revenue"]
    assert queries.figures(FigureFilter(words="100%的")) == []
    assert queries.figure_years()[0] == 2026


def test_figures_carry_the_document_they_come_from(loaded):
    (figure,) = queries.figures(FigureFilter(section="A", words="科技人才培养"))
    assert (figure.source, figure.document_number) == ("004_3269623dadb5c9e6.txt", "泉科函〔2026〕108号")


def test_targets_come_from_the_plan_and_none_is_a_yearly_task(loaded):
    assert set(loaded.scalars(select(Target.kind))) == {TargetKind.PLAN}
    assert queries.targets_for(2025, "total_amount", ["350582"]) == {}
    plan = queries.targets_for(2025, "total_amount", ["350582", "350581"], TargetKind.PLAN)
    assert {code: target.value for code, target in plan.items()} == {"350582": 342_000_000}
    assert plan["350582"].value == loaded.get(Indicator, 11).target_value * 100_000_000


def test_at_least_300_brokers_are_to_be_trained_in_each_year_of_the_plan(loaded):
    for year in range(2021, 2026):
        target = queries.targets_for(year, "broker_training", ["350582"], TargetKind.PLAN)["350582"]
        assert (target.value, target.comparison, target.measure.unit) == (300, Comparison.AT_LEAST, "人次")


# --- what one has to know of a figure --------------------------------------------------------------------------------


def test_every_figure_is_found_by_its_wording_and_names_its_document(loaded):
    every = queries.figures(FigureFilter())
    assert len(every) == 239
    assert all(figure.document_name and (figure.wording or figure.value is None) for figure in every)
    for figure in every[::17]:
        if search_key(figure.wording):
            found = queries.figures(FigureFilter(words=figure.wording, section=figure.section))
            assert figure.key in {one.key for one in found}, figure.key


def test_a_wording_holds_its_own_number(loaded):
    """The value is what the document says: its digits stand in the wording, but for the few that are written out."""
    spelled = {
        "A-2025-amount-rank", "A-2024-amount-rank", "A-2024-completion-rank", "C-2020-universities",
        "C-2020-testing-platforms", "C-2020-residents", "D-2025-centres", "D-xian-jiachuang-round", "D-2024-matches",
        "F-assessment-first-years", "F-2020-innovation-rank", "E-2023-target-envoys", "F-2025-signed-ai-platform",
        "F-2025-signed-weather",
    }  # fmt: skip
    for figure in loaded.scalars(select(PublishedFigure)):
        if figure.value is None or figure.key in spelled:
            continue
        digits = f"{figure.value.normalize():f}"
        thousands = f"{(figure.value / 10_000).normalize():f}"
        assert digits in figure.wording or f"{thousands}万" in figure.wording, figure.key


@pytest.mark.parametrize(
    ("words", "key"),
    [("47.3亿元", "A-2016-2020-amount"), ("４７．３ 亿元", "A-2016-2020-amount"), ("50036.7", "A-2024-amount")],
)
def test_blanks_and_widths_do_not_matter(loaded, words, key):
    assert key in {figure.key for figure in queries.figures(FigureFilter(words=words))}


def test_doubtful_missing_and_inferred_figures_say_so(loaded):
    of = {figure.key: figure.standings for figure in queries.figures(FigureFilter())}
    assert {key for key, found in of.items() if Standing.MISSING in found} == {"A-2024-contracts"}
    assert {key for key, found in of.items() if Standing.NO_UNIT in found} == {"A-chuangzhihui-amount"}
    assert {key for key, found in of.items() if Standing.OPEN in found} == {
        "A-2016-2020-contracts", "A-2016-2020-amount", "D-2025-residents", "B-09-base", "B-09-target", "B-09-change",
    }  # fmt: skip
    for standing in Standing:
        found = queries.figures(FigureFilter(standing=standing))
        assert {figure.key for figure in found} == {key for key, stands in of.items() if standing in stands}


def test_indicators_say_what_they_are_and_which_way_is_better(loaded):
    every = queries.indicators()
    assert {one.number for one in every if one.nature is Nature.FLOW} == {11}
    assert {one.number for one in every if one.nature is Nature.GROWTH} == {1}
    assert all(one.direction is Direction.UP and one.nature_note for one in every)


def test_a_topic_holds_at_least_two_figures(loaded):
    topics = Counter(figure.topic for figure in queries.figures(FigureFilter()) if figure.topic)
    assert min(topics.values()) >= 2
    assert {figure.key for figure in queries.of_topic("孵化载体")} >= {"B-13-base", "C-2020-carriers-text"}


# Every trap in the figures that a note can treat: the figure, and what has to be said with it.
TRAPS = {
    "A-2024-contracts": "不得由增长率倒推",
    "A-2024-amount-growth": "26418.5",
    "A-2025-amount": "20.0%—20.2%",
    "B-11-target": "不等于泉州市下达的年度任务",
    "A-2016-2020-amount": "待核",
    "A-2016-2020-absorbed": "不得与登记合同相加",
    "B-01-base": "按序号区分",
    "B-15-base": "按序号区分",
    "B-13-base": "两数并存",
    "C-2020-provincial-new-institutes": "口径不同",
    "B-09-base": "口径待核",
    "F-2024-small-giants": "不作增减比较",
    "F-2024-rd": "互不吻合",
    "F-2024-rd-growth": "不重算",
    "F-2024-rd-share": "不矛盾",
    "F-2020-rd": "不得相比",
    "F-2025-target-rd": "不能用规上企业研发投入对比",
    "A-2025-platform-amount": "不得相加",
    "A-chuangzhihui-amount": "不得折算",
    "D-wuhan-cooperation": "巧合",
    "D-2025-residents": "待核",
    "D-2025-industrialised": "不同于",
    "D-2024-landed-firms": "不同于",
    "C-2024-platforms": "已超过",
    "C-platforms-served": "家(次)",
    "E-brokers-trained": "不是人数",
    "A-2025-qz-institute-amount": "不得相加",
    "A-east-branch-assisted-amount": "不得相加",
    "C-qz-technology-centres": "已核对",
    "A-2025-amount-rank": "没有说完成率",
}


def test_every_trap_is_told_with_its_figure(loaded):
    of = {figure.key: figure for figure in queries.figures(FigureFilter())}
    assert [key for key, said in TRAPS.items() if said not in of[key].doubt + of[key].caliber] == []
    assert "不计增量" in of["B-01-target"].caliber
    assert "不是五年合计" in of["B-11-change"].caliber
    assert {of[key].unit for key in ("C-platforms-served", "C-qz-institutes-served")} == {"家(次)", "家"}
    assert not queries.published_of(["total_amount", "contracts"], range(2016, 2027), ["350500"])  # no city total


def test_the_newest_version_of_a_target_is_in_force(loaded):
    of_2026 = {"region_code": "350582", "year": 2026, "measure_code": "contracts", "document": "演示", "source": "演示"}
    loaded.add_all([Target(version=number, value=100 * number, **of_2026) for number in (2, 1)])
    loaded.flush()
    in_force = queries.targets_for(2026, "contracts", ["350582"])["350582"]
    found = in_force.value, [target.version for target in queries.versions_of(in_force)]
    loaded.rollback()
    assert found == (200, [2, 1])
