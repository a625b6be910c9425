import ast
from datetime import timedelta
from pathlib import Path

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.core.clock import as_if, now_utc
from contracts_app.core.db import db
from contracts_app.core.settings import ROOT
from contracts_app.core.trail import audit
from tests.factories import SHISHI

from .pages import enter


@pytest.fixture
def auditor(make):
    return make.user(Role.AUDITOR)


@pytest.fixture
def page(sign_in, auditor):
    visitor = sign_in(auditor)
    return lambda **asked: visitor.get("/audit", query_string=asked).text


def note(action, person, **more):
    audit.record(action, person, **more)
    db.session.commit()


def test_what_was_done_is_told_in_words(page, make):
    admin = make.user(Role.ADMIN, name="周管理")
    note("revise_user", admin, subject="user", subject_id=7, roles=["登记员", "审核员"])
    text = page()
    assert "周管理" in text
    assert "修改账号" in text
    assert "角色：登记员 → 审核员" in text
    assert "账号 7" in text


def test_the_latest_comes_first_and_pages_are_turned(page, make):
    user = make.user()
    for number in range(25):
        note("discard_draft", user, subject="contract", subject_id=number, title=f"第{number}份")
    text = page()
    assert text.index("第24份") < text.index("第5份")
    assert "第4份" not in text
    assert "第4份" in page(page="2")


def test_an_earlier_moment_written_down_later_stands_below(page, make):
    user = make.user()
    note("discard_draft", user, title="今天的")
    with as_if(now_utc() - timedelta(days=30)):
        note("discard_draft", user, title="往日的")
    text = page()
    assert text.index("今天的") < text.index("往日的")


def test_it_is_searched_by_person_action_record_and_days(page, make):
    lin, su = make.user(name="林若溪"), make.user(name="苏怀远")
    note("sign_out", lin)
    note("discard_draft", su, subject="contract", subject_id=12, title="一份草稿")

    def found(**asked):
        body = page(**asked).split("<tbody>")[-1]
        return [user.name for user in (lin, su) if user.username in body]

    today = "2020-01-01"
    assert found() == ["林若溪", "苏怀远"]
    assert found(who="若溪") == ["林若溪"]
    assert found(who=su.username.upper()) == ["苏怀远"]
    assert found(action="sign_out") == ["林若溪"]
    assert found(subject="contract", number="12") == ["苏怀远"]
    assert found(subject="contract", number="13") == []
    assert found(to=today) == []
    assert found(**{"from": today}) == ["林若溪", "苏怀远"]


def test_a_day_that_is_none_is_said(page):
    assert "2026 年 2 月没有 31 日" in page(to="2026-02-31")


def test_failed_sign_ins_are_seen_also_of_names_nobody_has(page, client, make):
    user, far = make.user(), make.user(region=SHISHI)
    for name in (user, far, type("", (), {"username": "emperor"})()):
        enter(client, name, "wrong")
    text = page(action="sign_in_failed")
    assert user.username in text
    assert "em***" in text
    assert "emperor" not in text
    assert "没有这个用户" in text
    assert far.username not in text


def test_people_of_other_regions_are_not_seen(page, make):
    far = make.user(region=SHISHI, name="远方人")
    note("sign_out", far)
    assert "远方人" not in page()


def test_names_and_titles_are_shown_and_not_run(page, make):
    note("discard_draft", make.user(), subject="contract", title="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page()


def test_the_page_asks_the_same_number_of_questions_for_many(page, make, count_queries):
    for user in [make.user(), make.user()]:
        note("sign_out", user)
    with count_queries() as few:
        page()
    for _ in range(12):
        note("sign_out", make.user())
    with count_queries() as many:
        page()
    assert len(many) == len(few)


def recorded(file: Path):
    """The actions and subjects that a file writes down."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.record", "audit.witness"):
            words = [one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
            yield from (("action", word) for word in words if isinstance(word, str))
            yield from (("subject", key.value.value) for key in node.keywords if key.arg == "subject")


def test_everything_that_is_written_down_has_chinese_words():
    found = {one for file in (ROOT / "contracts_app").rglob("*.py") for one in recorded(file)}
    assert len(found) > 15
    known = {("action", word) for word in audit.ACTIONS} | {("subject", word) for word in audit.SUBJECTS}
    assert found - known == set()
