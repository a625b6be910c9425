"""What a password must be like, and when it is changed."""

from datetime import timedelta

import pytest
import time_machine
from argon2 import PasswordHasher

from contracts_app.accounts.entrance import passwords
from contracts_app.accounts.entrance.passwords import Profile
from contracts_app.accounts.roles import Role
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.demo import loading
from tests.visitors import visitor

from .pages import PASSWORD, enter, hidden, send, with_password

NEW = "Qixi-Festival-7"


@pytest.fixture
def broker(make):
    return with_password(make.user(Role.BROKER))


def come_later(client, user, password=PASSWORD):
    """Somebody who signs in after some time, and was here in between."""
    user.last_seen_at = now_utc()
    client.forget_token()
    token = hidden(client.get("/sign-in").text, "csrf_token")
    return enter(client, user, password, csrf_token=token)


def renew(client, new):
    token = hidden(client.get("/sign-in/new-password").text, "csrf_token")
    return send(client, "/sign-in/new-password", {"new_password": new, "password_again": new, "csrf_token": token})


def test_after_90_days_it_is_changed_at_sign_in(client, broker):
    with time_machine.travel(now_utc() + timedelta(days=91), tick=False):
        assert come_later(client, broker).location == "/sign-in/new-password"
        assert client.get("/me").status_code == 302
        page = client.get("/sign-in/new-password").text
        assert "已经用了 90 天" in page
        assert "最近 5 个密码不能再用" in renew(client, PASSWORD).text
        assert renew(client, NEW).location == "/"
        assert client.get("/me").status_code == 200


def test_its_end_is_told_a_week_before(client, broker):
    with time_machine.travel(now_utc() + timedelta(days=85), tick=False):
        come_later(client, broker)
        assert "密码还有 5 天到期" in client.get("/me").text


def test_an_office_that_chose_long_ones_asks_for_no_change(client, broker):
    passwords.choose_profile(Profile.MODERN, "命令行")
    with_password(broker, "mango teapot river owl")
    with time_machine.travel(now_utc() + timedelta(days=400), tick=False):
        assert come_later(client, broker, "mango teapot river owl").location == "/"


def test_a_password_that_fits_the_rules_no_more_is_changed_at_sign_in(client, broker):
    with_password(broker, "Quanzhou@2026")
    assert enter(client, broker, "Quanzhou@2026").location == "/sign-in/new-password"
    assert "地名" in client.get("/sign-in/new-password").text


def test_the_last_five_are_not_taken_again(app, broker):
    for number in range(5):
        passwords.set_password(broker, f"Zebra-{number}-Kettle")
    assert passwords.faults_of_password(PASSWORD, broker) == []
    for number in range(5):
        assert passwords.faults_of_password(f"Zebra-{number}-Kettle", broker) == ["最近 5 个密码不能再用"]


@pytest.mark.parametrize(
    ("profile", "password", "fault"),
    [
        (Profile.DENGBAO3, "Ab1-", "密码至少 10 个字符"),
        (Profile.DENGBAO3, "abcdefghijkl", "三种"),
        (Profile.DENGBAO3, "Ab1-" * 33, "密码最多 128 个字符"),
        (Profile.DENGBAO3, "Password-2026", "常见"),
        (Profile.DENGBAO3, "vT9k-eW2p-Qx4h", None),
        (Profile.MODERN, "vT9k-eW2p-Qx4h", "密码至少 15 个字符"),
        (Profile.MODERN, "mango teapot river owl", None),
        (Profile.MODERN, "passwordpasswordpassword", "重复"),
    ],
)
def test_what_each_profile_asks_for(app, broker, profile, password, fault):
    passwords.choose_profile(profile, "命令行")
    faults = passwords.faults_of_password(password, broker)
    assert fault in faults[0] if fault else faults == []


def test_the_security_administrator_chooses(sign_in, make, session):
    security = sign_in(make.user(Role.SECURITY))
    assert "等保三级（默认）" in security.get("/users/password-rules").text
    assert security.post("/users/password-rules", data={"profile": "none"}).status_code == 422
    assert security.post("/users/password-rules", data={"profile": "modern"}).status_code == 302
    assert passwords.profile() is Profile.MODERN
    told = session.query(AuditEntry).filter_by(action="choose_password_profile").one()
    assert told.details == {"password_profile": ["等保三级（默认）", "长口令"]}
    assert sign_in(make.user(Role.ADMIN)).get("/users/password-rules").status_code == 403


def test_a_password_kept_too_cheaply_is_kept_anew(app, client, make):
    user = make.user(Role.BROKER)
    passwords.set_password(user, PASSWORD, PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    before, version = user.password_hash, user.version
    enter(client, user)
    db.session.refresh(user)
    assert user.password_hash != before
    assert user.version == version
    assert enter(visitor(app), user).status_code == 302


def test_where_somebody_has_a_password_no_demonstration_is_loaded(app, make):
    with_password(make.user(Role.ADMIN))
    with pytest.raises(loading.RealOffice, match="已有人设了密码"):
        loading.load(60)
