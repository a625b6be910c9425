import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy import select

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.codes.models import Measure
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.targets import actions
from contracts_app.targets.cascade import places_under
from contracts_app.targets.models import Target, TargetKind
from contracts_app.targets.queries import target_of, targets_for, task_years, tasks_of, year_tasks
from tests.factories import JINJIANG, QINGYANG, QUANZHOU, SHISHI

WAN = Decimal(10_000)
PAPER = {"document": "泉科〔2026〕18号", "issued_on": "2026-03-06"}


@pytest.fixture
def admin(make, sign_in):
    return sign_in(make.user(Role.ADMIN, region=QUANZHOU))


def seen_by(visitor, year=2026):
    page = visitor.get(f"/targets/{year}/edit").text
    return page.split('name="seen" type="hidden" value="')[1].split('"')[0]


def save(visitor, year=2026, **fields):
    fields = {**PAPER, "seen": seen_by(visitor, year), **fields}
    return visitor.post(f"/targets/{year}/edit", data=fields)


def in_force(year=2026):
    found = targets_for(year, "total_amount", [JINJIANG, SHISHI])
    return {code: (target.version, target.value / WAN) for code, target in found.items()}


def test_the_tasks_of_a_year_are_entered_in_one_form(admin, session):
    answer = save(admin, task_350582="66000", task_350581="30000", task_350581_unit="wan")
    assert answer.status_code == 302
    assert in_force() == {JINJIANG: (1, 66_000), SHISHI: (1, 30_000)}
    target = targets_for(2026, "total_amount", [JINJIANG])[JINJIANG]
    assert (target.document, target.issued_on) == ("泉科〔2026〕18号", date(2026, 3, 6))
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "set_tasks")).one()
    assert entry.details["tasks"] == {JINJIANG: "660000000.00", SHISHI: "300000000.00"}


def test_an_amount_may_be_in_yuan(admin):
    save(admin, task_350582="1,200,000", task_350582_unit="yuan")
    assert in_force() == {JINJIANG: (1, 120)}


def test_a_revision_is_a_new_version_of_what_changed_only(admin, session):
    save(admin, task_350582="66000", task_350581="30000")
    save(admin, task_350582="70000", task_350581="30000", document="泉科〔2026〕40号", note="年中调整")
    assert in_force() == {JINJIANG: (2, 70_000), SHISHI: (1, 30_000)}
    versions = tasks_of("total_amount", [2026], [JINJIANG])
    assert [(one.version, one.value / WAN, one.document) for one in versions] == [
        (2, 70_000, "泉科〔2026〕40号"),
        (1, 66_000, "泉科〔2026〕18号"),
    ]
    page = admin.get(f"/targets/2026/versions?region={JINJIANG}").text
    for words in (
        "现行",
        "已替代",
        "66,000.00 → 70,000.00",
        "年中调整",
        "泉科〔2026〕18号",
        "系统管理员",
        "2026-03-06",
    ):
        assert words in page


def test_nothing_changed_makes_no_version(admin):
    save(admin, task_350582="66000")
    save(admin, task_350582="66000.00")
    assert in_force() == {JINJIANG: (1, 66_000)}


def test_an_emptied_amount_keeps_the_task(admin):
    save(admin, task_350582="66000")
    save(admin, task_350582="", task_350581="10")
    assert in_force() == {JINJIANG: (1, 66_000), SHISHI: (1, 10)}


def test_two_admins_do_not_overwrite_each_other(admin, make, sign_in):
    other = sign_in(make.user(Role.ADMIN, region=QUANZHOU))
    seen = seen_by(other)
    save(admin, task_350582="66000")
    answer = save(other, seen=seen, task_350582="50000")
    assert answer.status_code == 409
    assert "改成了 66,000.00 万元（第 1 版）" in answer.text
    assert 'value="50000"' in answer.text, "what was typed is not lost"
    assert in_force() == {JINJIANG: (1, 66_000)}
    seen = answer.text.split('name="seen" type="hidden" value="')[1].split('"')[0]
    assert save(other, seen=seen, task_350582="50000").status_code == 302, "and means it, once they have seen it"
    assert in_force() == {JINJIANG: (2, 50_000)}


def test_what_one_leaves_alone_is_not_taken_back(admin, make, sign_in):
    other = sign_in(make.user(Role.ADMIN, region=QUANZHOU))
    save(admin, task_350582="66000", task_350581="30000")
    seen = seen_by(other)
    save(admin, task_350582="70000", task_350581="30000")
    assert save(other, seen=seen, task_350582="66000", task_350581="31000").status_code == 302
    assert in_force() == {JINJIANG: (2, 70_000), SHISHI: (2, 31_000)}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"document": " "}, "填写下达任务的文号或文件名称"),
        ({"issued_on": ""}, "填写文件的印发日期"),
        ({"issued_on": "2026-02-31"}, "2026 年 2 月没有 31 日"),
        ({"issued_on": "2099-01-01"}, "印发日期不能晚于今天"),
        ({"task_350582": "-5"}, "金额不能是负数"),
        ({"task_350582": "0"}, "任务要大于 0；没有任务就留空"),
        ({"task_350582": "六千"}, "金额只填写数字"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(admin, fields, sentence):
    answer = save(admin, task_350581="12345", **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="12345"' in answer.text
    assert in_force() == {}


def test_parts_with_less_than_the_whole_are_asked_about_and_the_page_goes_on_saying_it(admin):
    parts = {"task_350582": "60", "task_350581": "30", "task_350500": "100"}
    answer = save(admin, **parts)
    assert answer.status_code == 422
    assert "泉州市技术合同成交额：分解少于任务 10.00 万元（11 个没有任务）" in answer.text
    assert in_force() == {}
    answer = save(admin, **parts, accepts_less="y")
    assert answer.status_code == 302
    assert in_force() == {JINJIANG: (1, 60), SHISHI: (1, 30)}
    for _ in range(2):
        page = admin.get("/targets/2026").text
        assert "泉州市的任务没有全部分解：分解少于任务 10.00 万元" in page


def test_parts_with_more_than_the_whole_are_saved_and_said(admin):
    assert save(admin, task_350582="60", task_350581="50", task_350500="100").status_code == 302
    page = admin.get("/targets/2026").text
    assert "分解多于任务 10.00 万元" in page
    assert "加码如实保存" in page
    assert save(admin, task_350582="50").status_code == 302
    assert "相等" in admin.get("/targets/2026").text


def test_a_county_divides_its_task_among_its_towns(make, sign_in):
    visitor = sign_in(make.user(Role.ADMIN, region=JINJIANG))
    save(visitor, task_350582="60", task_350582001="45", task_350582101="15")
    page = visitor.get("/targets/2026").text
    assert "分解到镇（街道）" in page
    assert re.search(r"data-task-sum>60\.00<", page)
    assert target_of(QINGYANG, 2026, "total_amount").value == 45 * WAN
    above = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get("/targets/2026").text
    assert f"region={JINJIANG}" in above
    assert "相等" in above


def test_counts_are_whole_numbers(admin):
    fields = {**PAPER, "seen": ""}
    address = "/targets/2026/edit?measure=contracts"
    answer = admin.post(address, data={**fields, "task_350582": "2.5"})
    assert answer.status_code == 422
    assert "只填写整数" in answer.text
    assert admin.post(address, data={**fields, "task_350582": " ２１7 项"}).status_code == 302
    assert target_of(JINJIANG, 2026, "contracts").value == 217
    assert target_of(JINJIANG, 2026, "total_amount") is None


def test_the_task_of_a_past_day_is_the_version_then_in_force(admin, make):
    save(admin, task_350582="66000", issued_on="2026-03-06")
    save(admin, task_350582="70000", issued_on="2026-07-01")
    days = [date(2026, 3, 5), date(2026, 3, 6), date(2026, 6, 30), date(2026, 7, 1), None]
    found = [targets_for(2026, "total_amount", [JINJIANG], on=day) for day in days]
    assert [one[JINJIANG].value / WAN if one else None for one in found] == [None, 66_000, 66_000, 70_000, 70_000]
    assert "66,000.00" in admin.get("/targets/2026?on=2026-06-30").text
    assert "还没有下达" in admin.get("/targets/2026?on=2026-01-31").text
    recorded = datetime(2026, 5, 1, 20, tzinfo=UTC)  # 2 May in Shanghai
    facts = {"region_code": SHISHI, "year": 2026, "measure_code": "contracts", "document": "口头", "source": "测试"}
    make.save(Target(**facts, value=Decimal(5), recorded_at=recorded))
    assert target_of(SHISHI, 2026, "contracts", on=date(2026, 5, 1)) is None
    assert target_of(SHISHI, 2026, "contracts", on=date(2026, 5, 2)).value == 5


def test_a_county_admin_sets_the_own_task_only(make, sign_in):
    visitor = sign_in(make.user(Role.ADMIN, region=JINJIANG))
    page = visitor.get("/targets/2026/edit").text
    assert "task_350581" not in page
    assert "task_350500" not in page
    save(visitor, task_350582="60", task_350581="40")
    assert in_force() == {JINJIANG: (1, 60)}
    for address in ("/targets/2026", "/targets/2026/edit", "/targets/2026/versions"):
        assert visitor.get(f"{address}?region={SHISHI}").status_code == 404
        assert visitor.get(f"{address}?measure=carriers").status_code == 404


def test_where_the_city_works_with_the_system_nobody_sets_the_own_yardstick(admin, make, sign_in):
    save(admin, task_350582="60", task_350581="40")
    county = sign_in(make.user(Role.ADMIN, region=JINJIANG))
    assert save(county, task_350582="70", task_350582001="70").status_code == 302, "nobody of the city can sign in yet"
    boss = make.user(Role.ADMIN, region=QUANZHOU, name="市管理员", password_hash="x")
    page = county.get("/targets/2026/edit").text
    assert "晋江市的任务由上级下达，泉州市的系统管理员（市管理员）录入" in page
    assert 'name="task_350582"' not in page
    assert save(county, task_350582="10", task_350582001="45").status_code == 422, "and adds up to less than 70"
    assert save(county, task_350582="10", task_350582001="45", accepts_less="y").status_code == 302
    assert in_force()[JINJIANG] == (2, 70), "what was typed past the form is not taken"
    assert "edit" not in county.get(f"/targets/2026/versions?region={JINJIANG}").text
    assert "印发后" in county.get("/targets/2026").text, "and how long after its document it was entered"
    # Below the page: whoever asks, the same answer.
    person = db.session.query(User).filter_by(region_code=JINJIANG).one()
    places, basis = places_under(person.region), actions.Basis("文", date(2026, 1, 1))
    plan = actions.plan_of(2026, {(JINJIANG, "total_amount"): WAN}, [db.session.get(Measure, "total_amount")], places)
    with pytest.raises(NotYours, match="由上级下达"):
        actions.set_tasks(plan, basis, person, accepts_less=True)
    actions.set_tasks(plan, basis, boss, accepts_less=True)
    assert in_force()[JINJIANG] == (3, 1)
    city = places_under(boss.region)
    alone = next(unit for unit in city.parts_of(city.top) if not city.parts_of(unit))
    zone = sign_in(make.user(Role.ADMIN, region=alone.code))
    assert zone.get("/targets/2026/edit").status_code == 403, "has nothing below it to set"
    assert "edit" not in zone.get("/targets/2026").text


@pytest.mark.parametrize("role", [Role.MANAGER, Role.REGISTRAR, Role.AUDITOR, Role.BROKER])
def test_only_an_admin_sets_tasks(make, sign_in, role):
    visitor = sign_in(make.user(role, region=QUANZHOU))
    assert visitor.get("/targets/2026/edit").status_code == 403
    assert visitor.post("/targets/2026/edit", data={**PAPER, "task_350582": "60"}).status_code == 403
    assert in_force() == {}


def test_an_admin_of_a_town_is_told_who_sets_tasks(make, sign_in):
    answer = sign_in(make.user(Role.ADMIN, region="350582001")).get("/targets/2026/edit")
    assert answer.status_code == 409
    assert "由市或县（市、区）的系统管理员录入" in answer.text


def test_the_table_shows_what_is_in_force_by_year(admin, make, sign_in):
    save(admin, 2025, task_350582="50")
    save(admin, 2026, task_350582="60", task_350581="7")
    save(admin, 2026, task_350582="65", task_350581="7")
    page = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get("/targets/").text
    for words in ("2026 年", "2025 年", "65.00", "第 2 版", "72.00"):
        assert words in page
    assert "60.00" not in page
    assert "没有总任务" in page
    assert list(year_tasks("total_amount", [JINJIANG], newest=1)) == [2026]
    assert task_years("total_amount", [SHISHI]) == [2026]


def test_more_tasks_ask_no_more_questions(admin, count_queries):
    save(admin, task_350582="60", task_350500="100", accepts_less="y")
    asked = []
    for _ in range(2):
        with count_queries() as queries:
            for address in ("/targets/", "/targets/2026", f"/targets/2026/versions?region={JINJIANG}"):
                assert admin.get(address).status_code == 200
        asked.append(len(queries))
        parts = {f"task_{code}": "7" for code in ("350502", "350503", "350504", "350505", "350521")}
        save(admin, **parts, task_350582="61", accepts_less="y")
    assert asked[0] == asked[1]


def test_a_county_reads_the_own_tasks(admin, make, sign_in):
    save(admin, task_350582="60", task_350581="7.5")
    page = sign_in(make.user(Role.MANAGER, region=SHISHI)).get("/targets/2026").text
    assert "7.50" in page
    assert "晋江市" not in page


def test_a_plan_target_is_no_task(admin, session):
    assert session.scalars(select(Target).where(Target.kind == TargetKind.PLAN)).first()
    assert "还没有录入年度任务" in admin.get("/targets/").text
    assert "2025 年还没有录入年度任务" in admin.get("/targets/2025").text
    save(admin, 2025, task_350582="100", task_350500="100")
    page = admin.get(f"/targets/2025?region={JINJIANG}").text
    assert "34,200.00 万元" in page
    assert "不是下达的年度任务" in page
    assert "相等" in admin.get("/targets/2025").text, "what the plan says is part of no sum"


def test_a_year_nobody_means_is_not_found(admin):
    assert admin.get("/targets/1899").status_code == 404
    assert admin.get("/targets/2101/edit").status_code == 404


def test_of_two_admins_in_the_same_second_one_is_told(live):
    with live.app.app_context():
        admins = [live.make.user(Role.ADMIN, region=QUANZHOU) for _ in range(2)]
        visitors = [live.visitor(admin) for admin in admins]
    barrier = Barrier(2)

    def post(visitor, wan):
        barrier.wait()
        return visitor.post("/targets/2026/edit", data={**PAPER, "seen": "", "task_350582": wan}).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(post, visitors, ["60", "70"]))
    assert statuses == [302, 409]
    with live.app.app_context():
        assert [target.version for target in tasks_of("total_amount", [2026], [JINJIANG])] == [1]
