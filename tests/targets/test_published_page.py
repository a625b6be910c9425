import re

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.targets.models import Span, Standing
from contracts_app.targets.queries import FigureFilter, figures


@pytest.fixture
def manager(make, sign_in):
    return sign_in(make.user(Role.MANAGER))


def keys_on(page):
    return re.findall(r'<tr id="([^"]+)">', page)


def test_every_figure_can_be_found_by_paging(manager):
    found = []
    for number in (1, 2, 3):
        found += keys_on(manager.get(f"/targets/published?size=100&page={number}").text)
    assert found == [figure.key for figure in figures(FigureFilter())]


def test_a_missing_figure_reads_missing_with_its_doubt(manager):
    page = manager.get("/targets/published?section=A&year=2024&words=项数").text
    row = page[page.index('id="A-2024-contracts"') :].split("</tr>")[0]
    assert "缺" in row
    assert "不得由增长率倒推" in row
    assert "推定" in row


def test_a_doubtful_figure_reads_doubtful_and_leads_to_its_page(manager):
    page = manager.get("/targets/published?words=47.3亿元").text
    row = page[page.index('id="A-2016-2020-amount"') :].split("</tr>")[0]
    assert "待核</span>" in row
    assert "/statistics/figures/A-2016-2020-amount" in row


def test_wording_comparison_and_source_stand_beside_the_value(manager):
    page = manager.get("/targets/published?section=A&words=创新平台产学研合同金额").text
    for words in ("超 3 亿元", '<span title="超过">&gt;</span>', "晋政办〔2022〕42号"):
        assert words in page


@pytest.mark.parametrize(
    "asked",
    [
        {"section": "E"},
        {"year": "2025"},
        {"region": "350500"},
        {"words": "登记 金额"},
        {"section": "A", "year": "2024"},
        {"source": "004_3269623dadb5c9e6.txt"},
        {"span": "target"},
        {"standing": "open"},
        {"topic": "孵化载体"},
    ],
)
def test_filters_show_what_fits_and_say_what_is_chosen(manager, asked):
    page = manager.get("/targets/published", query_string={**asked, "size": "100"}).text
    sought = FigureFilter(
        section=asked.get("section", ""),
        year=int(asked["year"]) if "year" in asked else None,
        region_code=asked.get("region", ""),
        words=asked.get("words", ""),
        source=asked.get("source", ""),
        span=Span(asked["span"]) if "span" in asked else None,
        standing=Standing(asked["standing"]) if "standing" in asked else None,
        topic=asked.get("topic", ""),
    )
    expected = [figure.key for figure in figures(sought)]
    assert expected
    assert keys_on(page) == expected[:100]
    assert "已选：" in page


@pytest.mark.parametrize(
    "asked", [{"words": "%_<script>"}, {"words": "没有这个词"}, {"region": "000000"}, {"year": "1900"}]
)
def test_nothing_found_says_what_to_do(manager, asked):
    page = manager.get("/targets/published", query_string=asked).text
    assert "没有符合条件的发布数据。" in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"section": "Z"}, "没有类别“Z”。"),
        ({"year": "２０２５"}, "年度“２０２５”没有读懂，写成四位数字"),
        ({"year": "zz"}, "年度“zz”没有读懂"),
        ({"span": "x", "year": "2025"}, "没有期间“x”。"),
        ({"page": "999"}, ""),
        ({"size": "7", "page": "-1"}, ""),
    ],
)
def test_odd_filters_are_left_out_and_told(manager, asked, sentence):
    answer = manager.get("/targets/published", query_string=asked)
    assert answer.status_code == 200
    assert keys_on(answer.text)
    assert sentence in answer.text
    assert ("这一个条件没有用上" in answer.text) is bool(sentence)


@pytest.mark.parametrize(
    ("role", "status"), [(Role.MANAGER, 200), (Role.ADMIN, 200), (Role.AUDITOR, 200), (Role.BROKER, 403)]
)
@pytest.mark.parametrize("path", ["/targets/", "/targets/2026", "/targets/published"])
def test_who_reads_targets(make, sign_in, role, status, path):
    assert sign_in(make.user(role)).get(path).status_code == status
