"""The log proved, kept in checkpoints and taken along: by command, on the auditor's page, once a day by itself."""

import csv
import io
import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import func, select, text

from contracts_app.accounts.roles import Role
from contracts_app.accounts.watching import export, queries
from contracts_app.core.db import db
from contracts_app.core.trail import audit, checkpoints
from contracts_app.core.trail.audit import AuditEntry
from tests.core.test_audit_chain import made_anew, without_triggers

MORNING = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)  # 2 March in Shanghai


@pytest.fixture
def folder(app, tmp_path, monkeypatch):
    """Where this test's checkpoints are kept."""
    place = tmp_path / "elsewhere"
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], checkpoint_dir=place))
    return place


@pytest.fixture
def log(app, make):
    for number in range(5):
        audit.record("discard_draft", make.user(), subject="contract", subject_id=number)
    db.session.commit()


def run(app, *words):
    db.session.commit()
    return app.test_cli_runner().invoke(args=["audit", *map(str, words)])


def told(action):
    return db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)).all()


def test_a_checkpoint_is_a_new_file_each_time_something_came_in(app, log, folder):
    with time_machine.travel(MORNING, tick=False):
        first, again = run(app, "checkpoint"), run(app, "checkpoint")
        audit.record("sign_in_failed", "x")
        later = run(app, "checkpoint")
    assert [one.stdout for one in (first, again)] == [f"{folder / '2026-03-02.json'}\n"] * 2
    assert later.stdout == f"{folder / '2026-03-02-2.json'}\n"
    kept = json.loads((folder / "2026-03-02.json").read_text())
    assert kept.keys() == {"id", "hash", "count", "at", "software"}
    assert (kept["count"], kept["at"]) == (5, "2026-03-01T16:30:00.000000+00:00")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert checkpoints.newest().count == 6


def test_a_folder_that_knows_no_links_keeps_checkpoints_too(app, log, folder, monkeypatch):
    def no_links(*args):
        raise PermissionError

    monkeypatch.setattr("os.link", no_links)
    file = run(app, "checkpoint").stdout.strip()
    assert run(app, "verify", "--checkpoint", file).exit_code == 0
    assert checkpoints._written(Path(file), checkpoints.newest()) is False


def test_verify_says_what_it_proved_and_writes_it_down(app, log, folder):
    run(app, "checkpoint")
    done = run(app, "verify")
    assert (done.exit_code, done.stdout) == (0, "一致：5 条，到第 5 条，检查点 1 份\n")
    assert told("verify_audit")[0].details == {"entries": 5, "until": 5, "checkpoints": 1, "faults": 0}
    assert json.loads(run(app, "verify", "--format", "json").stdout)["entries"] == 6


def test_verify_fails_where_somebody_was_at_the_database(app, log, folder):
    without_triggers()
    db.session.execute(text("UPDATE audit_entries SET username = 'somebody' WHERE subject_id = 2"))
    done = run(app, "verify")
    assert done.exit_code == 1
    assert "第 3 条与它的校验值或前一条接不上" in done.stdout
    assert "操作记录有 1 处不符" in done.stderr


def test_only_a_checkpoint_kept_elsewhere_finds_a_chain_made_anew(app, log, folder, tmp_path):
    file = run(app, "checkpoint").stdout.strip()
    kept = tmp_path / "kept.json"
    kept.write_text(Path(file).read_text())
    without_triggers()
    db.session.execute(text("UPDATE audit_entries SET username = 'somebody' WHERE subject_id = 2"))
    made_anew()
    assert run(app, "verify").exit_code == 1  # its own folder has it too
    for own in folder.iterdir():
        own.unlink()
    assert run(app, "verify").exit_code == 0
    found = run(app, "verify", "--checkpoint", kept)
    assert found.exit_code == 1
    assert "检查点 kept.json 的校验值与第 5 条不同" in found.stdout
    kept.write_text('{"id": "5"}')
    assert "读不出检查点" in run(app, "verify", "--checkpoint", kept).stderr


def test_the_first_commit_of_a_day_keeps_a_checkpoint(live):
    folder = live.app.config["SETTINGS"].instance / "checkpoints"
    for at in (MORNING, MORNING.replace(hour=17), MORNING.replace(month=4)):
        with time_machine.travel(at, tick=False):
            audit.record("sign_in_failed", "x")
            db.session.commit()
    assert sorted(file.name for file in folder.iterdir()) == ["2026-03-02.json", "2026-04-02.json"]
    assert [json.loads((folder / f"2026-0{month}-02.json").read_text())["count"] for month in (3, 4)] == [1, 3]


def test_a_checkpoint_that_cannot_be_kept_stops_nobody(live, caplog, monkeypatch):
    folder = live.app.config["SETTINGS"].instance / "checkpoints"
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("no folder")
    for _ in range(2):
        audit.record("sign_in_failed", "x")
        db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == 2
    assert caplog.text.count("checkpoint of the audit log not kept") == 1, "each hour once is enough"
    folder.unlink()
    monkeypatch.setattr(checkpoints, "_TRIES_AGAIN", 0)
    audit.record("sign_in_failed", "x")
    db.session.commit()
    assert len(list(folder.iterdir())) == 1


# --- the auditor's page -----------------------------------------------------------------------------------------------


@pytest.fixture
def auditor(make, sign_in, folder):
    return sign_in(make.user(Role.AUDITOR, name="审计员甲"))


def test_the_page_proves_the_newest_and_says_when_it_was_proved(app, auditor, log):
    assert "还没有" in auditor.get("/audit").text
    run(app, "checkpoint")
    run(app, "verify")
    page = auditor.post("/audit/verify", follow_redirects=True).text
    assert "已核对最近 6 条和 1 份检查点" in page
    assert page.count("一致") >= 2
    without_triggers()
    db.session.execute(text("DELETE FROM audit_entries WHERE id = 2"))
    page = auditor.post("/audit/verify", follow_redirects=True).text
    assert "第 3 条与它的校验值或前一条接不上" in page
    assert "处不符" in page


def test_words_are_looked_for_in_what_is_told(auditor, make):
    user = make.user()
    for title in ("深海养殖平台", "100%_棉", "石墨烯"):
        audit.record("revise_view", user, name=title)
    page = auditor.get("/audit", query_string={"words": "养殖"}).text
    assert "深海养殖平台" in page
    assert "石墨烯" not in page
    assert "内容只在最近" in page
    page = auditor.get("/audit", query_string={"words": "%_", "from": "2020-01-01"}).text
    assert "100%_棉" in page
    assert "深海养殖" not in page
    assert "内容只在最近" not in page
    assert "对象序号填数字" in auditor.get("/audit?number=x").text


def test_no_more_pages_than_anybody_turns(auditor, log, monkeypatch):
    monkeypatch.setattr(queries, "MOST_COUNTED", 3)
    assert "只列最近 3 条，更早的用日期查" in auditor.get("/audit").text


def test_what_was_found_is_taken_along_and_that_is_written_down(auditor, make, monkeypatch):
    user = make.user(name="林若溪")
    audit.record("revise_user", user, subject="user", subject_id=7, roles=["登记员", "审核员"])
    audit.record("sign_out", user)
    answer = auditor.get("/audit/export.csv", query_string={"action": "revise_user"})
    (row,) = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert (row["姓名"], row["操作"], row["对象"], row["对象序号"]) == ("林若溪", "修改账号", "账号", "7")
    assert row["内容"] == "角色：登记员 → 审核员"
    assert row["校验值"] == told("revise_user")[0].hash
    assert auditor.get("/audit/export.xlsx").data[:2] == b"PK"
    assert [entry.details for entry in told("export_audit")] == [
        {"query": "操作 修改账号", "rows": 1, "file": ".csv"},
        {"query": "全部", "rows": 3, "file": ".xlsx"},
    ]
    assert auditor.get("/audit/export.csv?from=once").status_code == 409
    monkeypatch.setattr(export, "MOST", 2)
    refused = auditor.get("/audit/export.csv")
    assert refused.status_code == 409
    assert "一次最多导出 2 条" in refused.text


def test_entries_are_taken_along_at_the_machine(app, make, folder, tmp_path):
    audit.record("sign_out", make.user())
    audit.record("sign_in_failed", "nobody")
    file = tmp_path / "log.csv"
    assert run(app, "export", file, "--action", "sign_in_failed").exit_code == 0
    assert [row["用户名"] for row in csv.DictReader(io.StringIO(file.read_text("utf-8-sig")))] == ["nobody"]
    assert told("export_audit")[0].details["query"] == "操作 登录失败"
    assert run(app, "export", file).exit_code == 1  # there already
    assert run(app, "export", tmp_path / "log.txt").exit_code == 2
    assert run(app, "export", tmp_path / "other.csv", "--from", "once").exit_code == 2
