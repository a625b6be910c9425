"""Accounts that nobody uses are refused, and disabled by a command; never the last one of the three."""

from datetime import timedelta

import pytest

from contracts_app.accounts import dormancy, queries
from contracts_app.accounts.entrance import signing_in
from contracts_app.accounts.queries import Condition
from contracts_app.accounts.roles import Role
from contracts_app.accounts.users import actions
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.installation import set_fact
from contracts_app.core.trail.audit import AuditEntry

from .pages import PASSWORD, enter, with_password


def ago(days):
    return now_utc() - timedelta(days=days)


@pytest.mark.parametrize(
    ("facts", "sleeps"),
    [
        ({"last_seen_at": 89}, False),
        ({"last_seen_at": 91}, True),
        ({"last_seen_at": 91, "wanted_at": 10}, False),
        ({"last_seen_at": 200, "wanted_at": 91}, True),
        ({"created_at": 29}, False),
        ({"created_at": 31}, True),
        ({"created_at": 400, "wanted_at": 5}, False),
    ],
)
def test_ninety_days_without_signing_in_or_thirty_without_ever(make, facts, sleeps):
    user = make.user(**{name: ago(days) for name, days in facts.items()})
    assert dormancy.is_dormant(user) is sleeps
    assert (user in dormancy.dormant()) is sleeps
    assert (queries.condition_of(user) is Condition.DORMANT) is sleeps
    found = db.session.scalars(queries.matching_users(user, is_=Condition.DORMANT)).all()
    assert (user in found) is sleeps


def test_the_command_lists_then_disables_and_an_administrator_decides_otherwise(app, make):
    admin = make.user(Role.ADMIN)
    user = make.user(name="林若溪", last_seen_at=ago(120))
    make.grant(user, Role.REVIEWER)
    runner = app.test_cli_runner()
    listed = runner.invoke(args=["users", "dormant", "--days", "100"])
    assert "林若溪" in listed.stdout
    assert "120 天没有登录" in listed.stdout
    assert user.is_active
    assert "林若溪" not in runner.invoke(args=["users", "dormant", "--days", "130"]).stdout
    runner.invoke(args=["users", "dormant", "--disable"])
    db.session.expire_all()
    assert not user.is_active
    told = db.session.query(AuditEntry).filter_by(action="disable_user", subject_id=user.id).one()
    assert (told.username, told.details["reason"]) == ("命令行", "120 天没有登录")
    actions.set_active(admin, user, is_active=True)
    assert user.is_active
    assert not dormancy.is_dormant(user)


def test_a_link_handed_out_before_lets_nobody_in_who_has_gone_to_sleep(client, make):
    user = with_password(make.user(Role.BROKER, last_seen_at=ago(120)))
    link = f"/invitations/{signing_in.invite(user)}"
    db.session.commit()
    typed = {"new_password": PASSWORD, "again": PASSWORD}
    for answer in (client.get(link), client.post(link, data=typed)):
        assert answer.status_code == 409
        assert "120 天没有登录，已不能登录" in answer.text
    assert "先启用再重置密码" in actions.why_no_link(user)
    assert client.get("/me").status_code == 302
    unused = make.user(Role.BROKER, created_at=ago(31))
    link = f"/invitations/{signing_in.invite(unused)}"  # whoever invites wants the account used
    db.session.commit()
    assert client.get(link).status_code == 200


def test_never_the_last_of_the_three_who_could_act(make):
    first, second = (with_password(make.user(Role.SECURITY, last_seen_at=ago(days))) for days in (200, 100))
    assert not dormancy.is_dormant(first)
    assert not dormancy.is_dormant(second)
    with_password(make.user(Role.SECURITY))
    assert dormancy.is_dormant(first)
    assert set(dormancy.dormant()) >= {first, second}


def test_a_demonstration_sleeps_for_nobody(app, make):
    user = make.user(last_seen_at=ago(400))
    set_fact("mode", "demonstration")
    db.session.commit()
    app.extensions.pop("installation", None)
    assert not dormancy.is_dormant(user)
    assert dormancy.dormant() == []


def test_whoever_comes_back_after_long_is_told_whom_to_ask(client, make):
    user = with_password(make.user(Role.BROKER, last_seen_at=ago(91)))
    page = enter(client, user)
    assert page.status_code == 422
    assert "系统管理员启用" in page.text
    assert "91 天" not in enter(client, user, "Wrong-password-1").text, "told to whoever knows the password only"
    actions.set_active(make.user(Role.ADMIN), user, is_active=True)
    assert enter(client, user).status_code == 302
