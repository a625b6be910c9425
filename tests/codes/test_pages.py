import pytest

from contracts_app.codes.models import CodeList
from contracts_app.codes.queries import listed
from contracts_app.codes.views import LISTS
from contracts_app.core.db import Base
from contracts_app.regions.models import Region
from contracts_app.rules.models import RuleSet


@pytest.fixture
def reader(sign_in, make):
    return sign_in(make.user())


@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_every_code_with_its_words(reader, name):
    page = reader.get(f"/codes/{name}").text
    for item in listed(LISTS[name].model):
        assert f">{item.code}<" in page
        assert item.name in page


def test_no_list_is_left_out():
    every = {mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, CodeList)}
    assert {shown.model for shown in LISTS.values()} == every


def test_the_first_page_leads_to_the_first_list(reader):
    assert reader.get("/codes/").location == "/codes/contract-types"
    assert reader.get("/codes/nothing").status_code == 404


def test_every_page_leads_to_every_other(reader):
    page = reader.get("/codes/goals").text
    for path in ("contract-types", "documents", "regions", "units", "rules", "calendar"):
        assert f'href="/codes/{path}"' in page


def test_a_source_is_called_by_the_documents_title(reader):
    page = reader.get("/codes/documents").text
    assert "晋江经济报" in page
    assert "2026-01-19" in page


def test_regions_and_units_are_all_there(reader, session):
    page = reader.get("/codes/regions").text
    for region in session.query(Region):
        assert region.name in page
    units = reader.get("/codes/units").text
    assert "共 13 个" in units
    assert "泉州台商投资区" in units


def test_rules_show_their_limits_and_what_is_still_to_verify(reader, session):
    page = reader.get("/codes/rules").text
    for rules in session.query(RuleSet):
        assert rules.name in page
        for limit in rules.time_limits:
            assert limit.words in page
    assert "数值未经发布文本核对" in page
    assert "技术交易额 500.00 万元以上" in page


def test_the_calendar_shows_a_year_and_says_which_is_not_out(reader):
    page = reader.get("/codes/calendar?year=2026").text
    assert "春节" in page
    assert "调休上班" in page
    assert "2026 年的放假安排未公布" not in page
    later = reader.get("/codes/calendar?year=2027").text
    assert "2027 年的放假安排未公布" in later
    assert "（推算）" in later
    assert reader.get("/codes/calendar?year=99999999999999").status_code == 200


def test_holidays_in_a_row_are_one_line(reader):
    page = reader.get("/codes/calendar?year=2025").text
    assert "2025-10-01 至 2025-10-08" in page
