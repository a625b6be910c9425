"""The numbers of the office: what an administrator may write, and that it outlives the next loading."""

import pytest
from sqlalchemy import select

from contracts_app.accounts.roles import Role
from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.reference import load_reference
from contracts_app.rules.models import Setting
from contracts_app.rules.queries import reaches, setting


def values(**changes):
    return {one.key: one.value for one in db.session.scalars(select(Setting))} | changes


def test_a_changed_setting_holds_is_written_down_and_outlives_the_next_loading(make, sign_in):
    admin = make.user(Role.ADMIN)
    answer = sign_in(admin).post(
        "/codes/settings", data=values(third_person_amount="100", third_person_basis="technology_amount")
    )
    assert answer.status_code == 302
    db.session.expire_all()
    load_reference(db.session())
    assert setting("third_person_amount") == 100
    assert reaches("third_person", total_amount=50, technology_amount=100)
    assert db.session.get(Setting, "third_person_amount").changed_by == admin.username
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "revise_settings")).one()
    assert entry.details["settings"] == (
        "大额审批起点金额：5000000 元 → 100 元；大额审批按哪个金额：成交额 → 技术交易额"
    )


def test_what_another_administrator_changed_meanwhile_is_not_put_back(make, sign_in):
    admin = sign_in(make.user(Role.ADMIN))
    seen = admin.get("/codes/settings").text.split('name="seen"')[1].split('value="')[1].split('"')[0]
    shown = values()
    assert admin.post("/codes/settings", data=shown | {"seen": seen, "undo_minutes": "10"}).status_code == 302
    answer = admin.post("/codes/settings", data=shown | {"seen": seen, "bulk_most": "5"})
    assert (answer.status_code, "刚被别人改过" in answer.text) == (422, True)
    db.session.expire_all()
    assert (values()["undo_minutes"], values()["bulk_most"]) == ("10", "20")


def test_the_loading_still_changes_what_nobody_touched(app):
    db.session.get(Setting, "undo_minutes").value = "5"
    db.session.flush()
    load_reference(db.session())
    assert setting("undo_minutes") == 30


@pytest.mark.parametrize(
    ("key", "wrong", "sentence"),
    [
        ("amber_share", "1.5", "0 到 1 之间"),
        ("amber_share", "七成", "只填写数字"),
        ("expert_amount", "-5", "大于 0"),
        ("expert_amount", "NaN", "只填写数字"),
        ("undo_minutes", "2.5", "整数"),
        ("bulk_most", "0", "1 到 100"),
        ("expert_basis", "x", "选择"),
        ("small_amount_check", "1000000000", "要大于"),
        ("case_days", "", "填写"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_of(make, sign_in, key, wrong, sentence):
    before = values()
    answer = sign_in(make.user(Role.ADMIN)).post("/codes/settings", data=values(**{key: wrong}))
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert values() == before
