"""常用视图: kept under a name, opened with one's own eyes, shared with a role of one's region."""

import re
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.statistics.totals.saved_views import SavedView
from tests.factories import JINJIANG, QUANZHOU, SHISHI

TABLE = "rows=month&columns=type&measure=contracts&year=2025"


@pytest.fixture
def keep(session):
    """``keep(visitor, name, role, of, arguments)`` saves a view by the form and gives its id."""

    def kept(visitor, name="各月", role="", of="totals", arguments=TABLE, **more):
        address = "/statistics/views/new"
        answer = visitor.post(
            address, query_string={"of": of, "arguments": arguments}, data={"name": name, "role": role, **more}
        )
        assert answer.status_code == 302, answer.text
        return session.query(SavedView.id).filter_by(name=name).order_by(SavedView.id.desc()).first()[0]

    return kept


def test_a_view_opens_its_page_again(make, sign_in, keep):
    visitor = sign_in(make.user(Role.MANAGER))
    opened = visitor.get(f"/statistics/views/{keep(visitor)}")
    args = parse_qs(urlsplit(opened.location).query)
    assert opened.location.startswith("/statistics/totals/?")
    assert (args["rows"], args["columns"], args["measure"], args["year"]) == (
        ["month"],
        ["type"],
        ["contracts"],
        ["2025"],
    )
    of_list = keep(visitor, "石狮大额", of="contracts", arguments="unit=350581&amount_from=500&sort=-amount&nonsense=1")
    args = parse_qs(urlsplit(visitor.get(f"/statistics/views/{of_list}").location).query)
    assert args == {"unit": [SHISHI], "amount_from": ["5000000元"], "sort": ["-amount"]}
    page = visitor.get("/statistics/views").text
    assert "项数：月份 × 合同类型 · 2025年登记" in page
    assert "石狮大额" in page


def test_anothers_own_view_is_not_there_and_a_shared_one_shows_what_its_reader_may_see(make, sign_in, keep):
    make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5), unit=SHISHI, amount=770_000)
    city = sign_in(make.user(Role.MANAGER, region=QUANZHOU))
    own = keep(city, "自用")
    shared = keep(city, "各县", role="registrar", arguments="rows=unit&columns=&year=2025")
    registrar, reviewer = sign_in(make.user(Role.REGISTRAR)), sign_in(make.user(Role.REVIEWER))
    for visitor in (registrar, reviewer):
        assert visitor.get(f"/statistics/views/{own}").status_code == 404
    assert reviewer.get(f"/statistics/views/{shared}").status_code == 404
    opened = registrar.get(registrar.get(f"/statistics/views/{shared}").location).text
    assert "77.00" not in opened, "another county's"
    assert registrar.get(f"/statistics/views/{shared}/edit").status_code == 403
    assert "各县" in registrar.get("/statistics/views").text
    county = sign_in(make.user(Role.MANAGER, region=JINJIANG))
    of_county = keep(county, "本县", role="registrar")
    assert sign_in(make.user(Role.REGISTRAR, region=SHISHI)).get(f"/statistics/views/{of_county}").status_code == 404


def test_only_a_manager_shares(make, sign_in, session):
    visitor = sign_in(make.user(Role.REGISTRAR))
    answer = visitor.post(f"/statistics/views/new?{TABLE}", data={"name": "给大家", "role": "registrar"})
    assert answer.status_code == 422
    assert session.query(SavedView).count() == 0


def test_names_are_told_apart_and_two_windows_do_not_overwrite_each_other(make, sign_in, session, keep):
    visitor = sign_in(make.user(Role.MANAGER))
    view_id = keep(visitor)
    assert "已有同名的常用视图" in visitor.post("/statistics/views/new", data={"name": "各月"}).text
    form = visitor.get(f"/statistics/views/{view_id}/edit").text
    version = re.search(r'name="version"[^>]* value="(\d+)"', form)[1]
    assert visitor.post(f"/statistics/views/{view_id}/edit", data={"name": "甲", "version": version}).status_code == 302
    late = visitor.post(f"/statistics/views/{view_id}/edit", data={"name": "乙", "version": version})
    assert late.status_code == 409
    assert "甲" in late.text
    assert visitor.post(f"/statistics/views/{view_id}/delete", data={"version": version}).status_code == 409
    newest = session.query(SavedView.version).scalar()
    assert visitor.post(f"/statistics/views/{view_id}/delete", data={"version": newest}).status_code == 302
    assert session.query(SavedView).count() == 0


def test_a_view_of_this_year_moves_on_with_the_calendar(make, sign_in, keep):
    visitor = sign_in(make.user(Role.MANAGER))
    view_id = keep(visitor, arguments="rows=unit&columns=&year=2024&since=2022&date_to=2024-02-29", follows_year="y")
    year = today().year
    args = parse_qs(urlsplit(visitor.get(f"/statistics/views/{view_id}").location).query)
    assert (args["year"], args["since"]) == ([str(year)], [str(year - 2)]), "as many years as before, to this one"
    assert args["date_to"][0] in (f"{year}-02-28", f"{year}-02-29")
    of_days = keep(
        visitor,
        "签订的",
        of="contracts",
        arguments="date_kind=signed&date_from=2024-07-01&date_to=2025-06-30",
        follows_year="y",
    )
    args = parse_qs(urlsplit(visitor.get(f"/statistics/views/{of_days}").location).query)
    assert (args["date_from"], args["date_to"]) == ([f"{year - 1}-07-01"], [f"{year}-06-30"])


def test_what_cannot_be_read_is_told_before_a_view_is_kept(make, sign_in, keep):
    visitor = sign_in(make.user(Role.MANAGER))
    asked = visitor.get("/statistics/views/new", query_string={"arguments": "rows=month&year=2025&unit=zz"}).text
    assert "考核单元从列表里选一项" in asked
    keep(visitor, "给登记员", role="registrar")
    page = visitor.get("/statistics/views?page=999").text
    assert "没有第 999 页" in page
    assert "晋江市及下属地区的登记员" in page, "as the form calls them"
