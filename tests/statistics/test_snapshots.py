"""Snapshots: what was published stays as it was, what came later stands beside it, and tampering is found."""

import csv
import hashlib
import io
import json
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError

from contracts_app.accounts.models import Onlooker
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.closings import Closing
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.books.ledger import Cause
from contracts_app.contracts.counting.totals import total
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.edition import VERSION
from contracts_app.core.errors import NotYours, Refused
from contracts_app.core.sheets.workbooks import read
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.regions.models import Region
from contracts_app.statistics.periods import Period
from contracts_app.statistics.publishing import snapshots
from contracts_app.statistics.publishing.models import Snapshot
from contracts_app.statistics.publishing.snapshot_contents import canonical, counted
from contracts_app.statistics.publishing.snapshot_restatement import because, restated, tasks
from contracts_app.statistics.publishing.snapshots import Frozen, Publication, freeze
from tests.factories import JINJIANG, QUANZHOU, SHISHI
from tests.test_house import ROOT

from .pages import feet_of, numbers_on

Y2025 = Period(2025, 1, 12)
WAN = Decimal(10_000)


def place(code):
    return db.session.get(Region, code)


@pytest.fixture
def year(register, task):
    """2025 with three contracts of 晋江 and one of 石狮, and a task."""
    task(JINJIANG, 2025, 200)
    made = [
        register(JINJIANG, day, wan, kind) for day, wan, kind in (("2025-02-01", 100, "KF1"), ("2025-12-31", 50, "FW1"))
    ]
    return [*made, register(SHISHI, "2025-06-01", 30, "KF1")]


@pytest.fixture
def frozen(year):
    return Frozen(freeze(place(JINJIANG), Y2025, Publication("2025年年报", "晋科〔2026〕1号", date(2026, 1, 9)), None))


# --- what is frozen ---------------------------------------------------------------------------------------------------


def test_the_figures_and_all_that_says_how_they_came_about_are_frozen(frozen):
    content = frozen.content
    registered = content["figures"]["registered"]
    assert registered["whole"]["contracts"] == 2
    assert registered["whole"]["total_amount"] == "1500000.00"
    assert {kind: one["total_amount"] for kind, one in registered["types"].items()} == {
        "KF": "1000000.00",
        "FW": "500000.00",
    }
    assert list(registered["months"]) == ["2025-02", "2025-12"]
    assert set(content["figures"]) == {"registered", "output", "absorbed"}
    assert content["tasks"]["units"][JINJIANG]["completion"] == "0.7500"
    assert content["tasks"]["units"][JINJIANG]["document"] == "泉科〔2025〕1号"
    assert [one["code"] for one in content["rule_sets"]] == ["2001"]
    assert content["software"] == VERSION
    assert content["published"] == {"title": "2025年年报", "document": "晋科〔2026〕1号", "on": "2026-01-09"}
    assert content["definitions"]["calibers"]["absorbed"]["words"] == Caliber.ABSORBED.definition
    assert hashlib.sha256(canonical(content).encode()).hexdigest() == frozen.snapshot.content_hash


def test_the_edition_is_the_newest_of_the_changelog():
    newest = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("\n## ")[2]
    assert newest.split()[0] == VERSION


def test_every_part_adds_up_to_the_whole_in_each_caliber(frozen):
    whole = Frozen(freeze(place(QUANZHOU), Y2025, Publication("全市"), None))
    for one in (frozen, whole):
        for caliber in Caliber:
            tables = one.tables(caliber)
            for group in ("units", "types", "months"):
                assert (
                    sum((figures.total_amount for figures in tables.of(group).values()), Decimal(0))
                    == tables.whole.total_amount
                )
            assert tables == counted(one.snapshot.region, Y2025, date(2026, 3, 1), caliber)
    assert whole.tables(Caliber.REGISTERED).whole.contracts == 3


def test_a_city_is_held_against_its_own_task_else_against_those_of_its_units(year, task):
    units = Frozen(freeze(place(QUANZHOU), Y2025, Publication("各单元"), None))
    assert units.content["tasks"]["whole"]["completion"] == "0.7500"  # 石狮 has no task and does not count
    assert [line.name for line in tasks(units)] == ["晋江市", "合计"]
    task(QUANZHOU, 2025, 360)
    own = Frozen(freeze(place(QUANZHOU), Y2025, Publication("全市"), None))
    assert own.content["tasks"]["whole"]["completion"] == "0.5000"
    ledger.strike_off(year[2], Cause.REVOCATION, date(2026, 2, 2))
    assert [(line.name, line.share, line.differs) for line in tasks(own)] == [
        ("晋江市", Fraction(3, 4), False),
        ("合计", Fraction(5, 12), False),
    ]
    assert tasks(units)[-1].differs


def test_a_task_that_was_recorded_later_is_held_against_all_since_january(year, task):
    quarter = Frozen(freeze(place(QUANZHOU), Period(2025, 10, 12), Publication("四季度"), None))
    task(SHISHI, 2025, 60)
    assert {line.name: (line.done / WAN, line.share) for line in tasks(quarter)} == {
        "晋江市": (150, Fraction(3, 4)),
        "石狮市": (30, Fraction(1, 2)),
        "合计": (180, Fraction(9, 13)),
    }


def test_a_newer_one_gets_the_next_number_and_the_older_stays(frozen, year):
    ledger.strike_off(year[0], Cause.REVOCATION, date(2025, 12, 31))
    second = freeze(place(JINJIANG), Y2025, Publication("更正"), None)
    assert second.number == 2
    assert frozen.tables(Caliber.REGISTERED).whole.contracts == 2
    assert Frozen(second).tables(Caliber.REGISTERED).whole.contracts == 1
    assert Frozen(second).content["follows"] == frozen.snapshot.content_hash


def test_who_may_freeze_what(make, year):
    title = Publication("年报")
    for person in (make.user(Role.REGISTRAR), make.user(Role.ADMIN)):
        with pytest.raises(NotYours):
            freeze(place(JINJIANG), Y2025, title, person)
    with pytest.raises(Refused, match="本地区"):
        freeze(place(SHISHI), Y2025, title, make.user(Role.MANAGER))
    with pytest.raises(Refused, match="不是考核单元"):
        freeze(place("350582001"), Y2025, title, None)
    with pytest.raises(Refused, match="还没有开始"):
        freeze(place(JINJIANG), Period(2099, 1, 12), title, None)
    assert freeze(place(SHISHI), Y2025, title, make.user(Role.MANAGER, region=QUANZHOU)).number == 1


# --- what came later --------------------------------------------------------------------------------------------------


def test_later_changes_stand_beside_and_say_where_they_come_from(frozen, year, session):
    assert restated(frozen, Caliber.REGISTERED).whole.added == ledger.Figures()
    before = ledger.dimensions_of(year[0])
    year[0].total_amount += 20 * WAN
    year[0].technology_amount += 20 * WAN
    ledger.count_change(year[0], before, date(2026, 2, 1))
    ledger.strike_off(year[1], Cause.REVOCATION, date(2026, 2, 2))
    ledger.count_receipt(year[0], WAN, date(2026, 2, 3), now_utc())  # comes in later and restates nothing
    found = restated(frozen, Caliber.REGISTERED)
    assert (found.whole.published.contracts, found.whole.restated.contracts) == (2, 1)
    assert found.whole.restated.total_amount == 120 * WAN
    assert {line.key: line.added.total_amount for line in found.groups["months"] if line.added} == {
        "2025-02": 20 * WAN,
        "2025-12": -50 * WAN,
    }
    page = because(frozen)
    assert [(one.contract.id, one.entry.cause, one.is_late) for one in page.rows] == [
        (year[0].id, Cause.CHANGE, False),
        (year[1].id, Cause.REVOCATION, False),
    ]
    (line,) = tasks(frozen)
    assert (line.published["completion"], line.share) == ("0.7500", Fraction(3, 5))
    for group in found.groups.values():
        assert sum((one.restated.total_amount for one in group), Decimal(0)) == found.whole.restated.total_amount


def test_what_slips_into_an_open_period_is_told_too(frozen, register, year):
    late = register(JINJIANG, "2025-11-01", 10)
    moved = ledger.dimensions_of(year[0])
    year[0].type_code = "ZR1"
    ledger.count_change(year[0], moved, date(2026, 1, 5))
    page = because(frozen)
    assert {(one.contract.id, one.is_late) for one in page.rows} == {(late.id, True), (year[0].id, False)}
    found = restated(frozen, Caliber.REGISTERED)
    assert found.whole.restated.total_amount == 160 * WAN
    assert {line.key: line.restated.total_amount / WAN for line in found.groups["types"] if line.restated} == {
        "KF": 10,
        "ZR": 100,
        "FW": 50,
    }


def test_restated_figures_are_those_of_the_contracts_as_they_stand(frozen, register, year):
    """Counted a second way: what is registered in the year, by the contracts themselves."""
    register(JINJIANG, "2026-01-05", 77)
    ledger.strike_off(year[0], Cause.CANCELLATION, date(2026, 3, 1))
    whole = restated(frozen, Caliber.REGISTERED).whole.restated
    assert (whole.contracts, whole.total_amount) == (1, 50 * WAN)


def test_a_running_period_says_until_when(register):
    register(JINJIANG, "2026-01-05", 10)
    running = Frozen(freeze(place(JINJIANG), Period(2026, 1, 12), Publication("快报"), None))
    assert running.was_running
    begun = [key for key, _ in running.content["names"]["months"]]
    assert begun == [f"2026-{month:02d}" for month in range(1, running.until.month + 1)]
    assert snapshots.why_not_close(running, None).endswith("过完以后才能封账。")


# --- nobody alters it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", [update(Snapshot).values(title="别的"), delete(Snapshot), delete(Closing)])
def test_the_database_refuses_to_change_or_delete(frozen, session, statement):
    snapshots.close(frozen, None)
    with pytest.raises(DBAPIError, match="only added to"), session.begin_nested():
        session.execute(statement)
    assert session.scalar(select(func.count()).select_from(Snapshot)) == 1


@pytest.fixture
def unguarded(session):
    """As if somebody had taken the triggers away."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("DROP TRIGGER snapshots_no_update"))
        session.execute(text("DROP TRIGGER snapshots_no_delete"))
    else:
        session.execute(text("ALTER TABLE snapshots DISABLE TRIGGER USER"))


def faults():
    return {verdict.snapshot.id: verdict.faults for verdict in snapshots.verdicts() if verdict.faults}


def test_tampering_is_found_however_it_is_done(frozen, year, make, session, unguarded):
    first, second = frozen.snapshot, freeze(place(JINJIANG), Y2025, Publication("第二版"), None)
    assert faults() == {}
    session.execute(update(Snapshot).where(Snapshot.id == first.id).values(title="别的"))
    session.expire_all()
    assert list(faults()) == [first.id]
    lie = first.content.replace("1500000.00", "9500000.00")
    session.execute(update(Snapshot).where(Snapshot.id == first.id).values(title="2025年年报", content=lie))
    session.expire_all()
    assert "校验值不符" in faults()[first.id][0]
    # Whoever takes a new hash is found by the log and by the next one.
    new = hashlib.sha256(lie.encode()).hexdigest()
    session.execute(update(Snapshot).where(Snapshot.id == first.id).values(content_hash=new))
    session.expire_all()
    assert set(faults()) == {first.id, second.id}
    session.execute(delete(Snapshot).where(Snapshot.id == first.id))
    session.expire_all()
    assert "接不上" in faults()[second.id][0]
    assert snapshots.taken_away() == ["2025年年报（第 1 版）"]
    somebody = make.user(Role.MANAGER)
    session.execute(update(Snapshot).where(Snapshot.id == second.id).values(made_by_id=somebody.id))
    session.expire_all()
    assert "made_by_id" in faults()[second.id][0]


# --- pages ------------------------------------------------------------------------------------------------------------


def test_a_manager_sees_everything_first_then_freezes_then_closes(make, sign_in, year):
    manager = sign_in(make.user(Role.MANAGER))
    page = manager.get("/statistics/snapshots/new?period=2025")
    for words in ("150.00", "2025-12-31", "泉科〔2025〕1号", "75.0%", Caliber.OUTPUT.definition):
        assert words in page.text
    seen = page.text.partition('name="seen" value="')[2].partition('"')[0]
    asked = {"title": "", "seen": seen, "published_on": "2099-01-01"}
    refused = manager.post("/statistics/snapshots/new?period=2025", data=asked)
    assert refused.status_code == 422
    assert "填写发布名称" in refused.text
    assert "不能晚于今天" in refused.text
    asked = {"title": "2025年年报", "seen": seen, "also_closes": "y"}
    made = manager.post("/statistics/snapshots/new?period=2025", data=asked)
    snapshot = db.session.scalars(select(Snapshot)).one()
    assert made.location == f"/statistics/snapshots/{snapshot.id}/close"
    assert db.session.scalar(select(func.count()).select_from(Closing)) == 0, "closing is confirmed a second time"
    assert manager.post(made.location).status_code == 422
    assert manager.post(made.location, data={"understood": "y"}).status_code == 302
    assert "已封账" in manager.get(f"/statistics/snapshots/{snapshot.id}").text
    logged = db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "snapshot")).all()
    assert logged == ["freeze_figures", "close_period"]
    assert manager.post(made.location, data={"understood": "y"}).status_code == 422  # once is enough
    assert db.session.scalar(select(func.count()).select_from(Closing)) == 1


def test_a_period_that_nobody_can_read_is_not_frozen(make, sign_in, year):
    manager = sign_in(make.user(Role.MANAGER))
    page = manager.get("/statistics/snapshots/new?period=zz")
    assert "期间“zz”没有读懂" in page.text
    seen = page.text.partition('name="seen" value="')[2].partition('"')[0]
    refused = manager.post("/statistics/snapshots/new?period=zz", data={"title": "年报", "seen": seen})
    assert refused.status_code == 422
    assert "年度“abc”没有读懂" in manager.get("/statistics/snapshots/?year=abc").text
    assert db.session.scalar(select(func.count()).select_from(Snapshot)) == 0


def test_changes_after_the_period_that_are_known_already_are_told_before_and_after(make, sign_in, year):
    ledger.strike_off(year[1], Cause.CANCELLATION, date(2026, 2, 2))
    manager = sign_in(make.user(Role.MANAGER))
    assert "已有 1 笔变更、注销或撤销计入 2025-12-31 以后" in manager.get("/statistics/snapshots/new?period=2025").text
    made = freeze(place(JINJIANG), Y2025, Publication("年报"), None)
    ledger.strike_off(year[0], Cause.CANCELLATION, date(2026, 2, 3))  # not known when it was made
    db.session.commit()
    page = manager.get(f"/statistics/snapshots/{made.id}").text
    assert "封存的时候，本期的合同已有 1 笔" in page
    assert page.count("2026-02-0") == 2


def test_figures_that_changed_after_they_were_shown_are_shown_again(make, sign_in, register, year):
    manager = sign_in(make.user(Role.MANAGER))
    page = manager.get("/statistics/snapshots/new?period=2025")
    seen = page.text.partition('name="seen" value="')[2].partition('"')[0]
    register(JINJIANG, "2025-11-01", 7)
    again = manager.post("/statistics/snapshots/new?period=2025", data={"title": "年报", "seen": seen})
    assert again.status_code == 409
    assert "157.00" in again.text
    assert db.session.scalar(select(func.count()).select_from(Snapshot)) == 0
    seen = again.text.partition('name="seen" value="')[2].partition('"')[0]
    register(SHISHI, "2025-11-01", 7)  # which is no part of what is shown
    assert (
        manager.post("/statistics/snapshots/new?period=2025", data={"title": "年报", "seen": seen}).status_code == 302
    )


def test_the_page_shows_published_and_restated_side_by_side(make, sign_in, year, task):
    task(JINJIANG, 2025, Decimal("212.93"), version=2)  # 70.446 %, of which four decimals make 70.5 %
    frozen = Frozen(freeze(place(JINJIANG), Y2025, Publication("年报"), None))
    ledger.strike_off(year[1], Cause.REVOCATION, date(2026, 2, 2))
    db.session.commit()
    page = sign_in(make.user(Role.AUDITOR)).get(f"/statistics/snapshots/{frozen.snapshot.id}").text
    for words in ("150.00", "70.4%", "100.00", "-50.00", "2026-02-02", year[1].title, frozen.snapshot.content_hash):
        assert words in page
    assert 'href="/statistics/snapshots/new' not in page


@pytest.mark.parametrize("caliber", [Caliber.REGISTERED, Caliber.OUTPUT])
def test_a_published_number_leads_to_a_list_that_says_the_same_or_nowhere(make, sign_in, year, caliber):
    """Sold from 晋江 and registered in 石狮: the city finds it in the county's list, the county in none of its own."""
    make.contract(
        state=State.REGISTERED, unit=SHISHI, seller=make.enterprise(region=JINJIANG), registered_on=date(2025, 5, 5)
    )
    made = freeze(place(JINJIANG), Y2025, Publication("年报"), None)
    for region in (JINJIANG, QUANZHOU):
        person = make.user(Role.MANAGER, region=region)
        visitor = sign_in(person)
        numbers = numbers_on(visitor.get(f"/statistics/snapshots/{made.id}?caliber={caliber}").text)
        assert bool(numbers) == (region == JINJIANG or caliber is Caliber.REGISTERED)
        feet = feet_of(numbers, visitor, person, opened=20)
        assert [number.value for number in numbers] == [feet[number.href][number.measure] for number in numbers]


def test_files_hold_exactly_what_was_frozen(make, sign_in, frozen, year):
    ledger.strike_off(year[1], Cause.REVOCATION, date(2026, 2, 2))
    db.session.commit()
    visitor, url = sign_in(make.user(Role.MANAGER)), f"/statistics/snapshots/{frozen.snapshot.id}/figures"
    held = json.loads(visitor.get(f"{url}.json").data)
    assert hashlib.sha256(canonical(held["content"]).encode()).hexdigest() == held["sha256"]
    rows = list(csv.DictReader(io.StringIO(visitor.get(f"{url}.csv").data.decode("utf-8-sig"))))
    assert (rows[0]["口径"], rows[0]["名称"], rows[0]["项数"], rows[0]["成交额（元）"]) == (
        "登记口径",
        "合计",
        "2",
        "1500000.00",
    )
    sheets = {sheet.name: sheet.rows for sheet in read(io.BytesIO(visitor.get(f"{url}.xlsx").data), "x.xlsx")}
    assert list(sheets) == ["说明", "登记口径", "输出口径", "吸纳口径", "年度任务", "口径与定义"]
    assert sheets["登记口径"][1][2:5] == ["合计", 2, 1_500_000]
    assert sheets["年度任务"][1][:4] == ["晋江市", 2_000_000, 1_500_000, 0.75]
    assert visitor.get(f"{url}.exe").status_code == 404


# --- command line -----------------------------------------------------------------------------------------------------


def run(app, *arguments):
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["snapshot", *arguments])
    db.session.expire_all()
    return result


def test_the_command_line(app, year):
    made = run(app, "create", "--year", "2025", "--region", JINJIANG, "--title", "年报", "--close", "--format", "json")
    assert made.exit_code == 0, made.output
    facts = json.loads(made.stdout)
    assert (facts["period"], facts["closed"], facts["until"]) == ("2025", True, "2025-12-31")
    ledger.strike_off(year[0], Cause.REVOCATION, date(2026, 2, 2))
    shown = json.loads(run(app, "show", str(facts["id"]), "--format", "json").stdout)
    assert shown["content"]["figures"]["registered"]["whole"]["contracts"] == 2
    assert shown["restated"]["registered"]["contracts"] == 1
    assert "| 项数 | 2 | 1 | -1 |" in run(app, "show", str(facts["id"])).stdout
    proved = run(app, "verify")
    assert proved.exit_code == 0
    assert "未改动，1 笔后来的变动，重述 1 项" in proved.stdout
    assert "| 年报 |" in run(app, "list").stdout
    for wrong in (("create",), ("create", "--period", "2025-Q9"), ("create", "--year", "2099"), ("show", "99")):
        refused = run(app, *wrong)
        assert (refused.exit_code, refused.stdout) == (1, ""), wrong
        assert refused.stderr.strip()


def test_verify_fails_where_one_was_altered(app, frozen, session, unguarded):
    session.execute(update(Snapshot).values(content=frozen.snapshot.content + " "))
    proved = run(app, "verify")
    assert proved.exit_code == 1
    assert "校验值不符" in proved.stdout
    session.execute(delete(Snapshot))
    proved = run(app, "verify")
    assert (proved.exit_code, proved.stdout) == (1, "2025年年报（第 1 版）：操作记录里有它，快照已被取走\n")


def test_the_page_asks_no_more_of_the_database_with_more_entries(make, frozen, year, register, count_queries):
    def asked():
        with count_queries() as queries:
            restated(frozen, Caliber.REGISTERED)
            because(frozen)
            tasks(frozen)
        return len(queries)

    ledger.strike_off(year[0], Cause.REVOCATION, date(2026, 2, 2))
    asked()
    few = asked()
    ledger.strike_off(year[1], Cause.REVOCATION, date(2026, 2, 2))
    register(JINJIANG, "2025-03-03", 5, "ZR1")
    assert asked() == few


def test_published_totals_are_the_lists_behind_them(frozen):
    first = total(ContractQuery(year=2025, unit=JINJIANG), Onlooker(place(JINJIANG)))
    assert first.figures == frozen.tables(Caliber.REGISTERED).whole
