from datetime import timedelta

import pytest
import time_machine

from contracts_app.accounts.models import SignInFailure
from contracts_app.accounts.roles import Role
from contracts_app.core.clock import now_utc
from contracts_app.core.installation import set_fact
from contracts_app.core.trail.audit import AuditEntry

from .pages import PASSWORD, enter, with_password


def is_signed_in(client):
    return client.get("/me").status_code == 200


def test_the_right_password_leads_in_and_is_written_down(client, make, session):
    user = with_password(make.user())
    answer = enter(client, user)
    assert answer.status_code == 302
    assert is_signed_in(client)
    assert session.query(AuditEntry).filter_by(action="sign_in", user_id=user.id).count() == 1
    assert session.get(type(user), user.id).last_seen_at


def test_the_username_is_taken_in_capitals_and_with_blanks(client, make):
    user = with_password(make.user(Role.BROKER))
    client.post("/sign-in", data={"username": f" {user.username.upper()} ", "password": PASSWORD})
    assert is_signed_in(client)


def test_a_wrong_password_is_said_above_and_beside_and_the_name_is_kept(client, make):
    user = with_password(make.user())
    answer = enter(client, user, "wrong")
    assert answer.status_code == 422
    assert answer.text.count("用户名或密码不对，再错 4 次将锁定 15 分钟") == 2
    assert f'value="{user.username}"' in answer.text
    assert "wrong" not in answer.text
    assert not is_signed_in(client)


def test_what_is_left_out_is_asked_for(client):
    answer = client.post("/sign-in", data={})
    assert answer.status_code == 422
    assert "填写用户名" in answer.text
    assert "填写密码" in answer.text


def test_a_name_that_nobody_has_gets_the_same_answers(client, make):
    user = with_password(make.user())
    for _ in range(6):
        known, unknown = enter(client, user, "wrong"), enter(client, make_believe("nobody"), "wrong")
        assert said(known) == said(unknown)


def make_believe(username):
    return type("Nobody", (), {"username": username})()


def said(answer):
    return answer.status_code, [line for line in answer.text.splitlines() if "error-text" in line]


def test_five_failures_lock_the_name_for_a_quarter_of_an_hour(client, make):
    user = with_password(make.user())
    now = now_utc()
    with time_machine.travel(now, tick=False):
        for _ in range(5):
            enter(client, user, "wrong")
        assert "已锁定 15 分钟" in enter(client, user).text
    with time_machine.travel(now + timedelta(minutes=14), tick=False):
        assert enter(client, user).status_code == 422
    with time_machine.travel(now + timedelta(minutes=16), tick=False):
        assert enter(client, user).status_code == 302


def test_signing_in_is_no_change_of_the_account_that_others_have_to_look_at_again(client, make, session):
    user = with_password(make.user())
    before = user.version
    enter(client, user)
    session.refresh(user)
    assert user.version == before
    assert user.last_seen_at is not None


def test_success_forgets_the_failures(client, make, session):
    user = with_password(make.user())
    enter(client, user, "wrong")
    enter(client, user)
    assert session.query(SignInFailure).count() == 0


@pytest.mark.parametrize("why", ["disabled", "no password yet"])
def test_some_accounts_cannot_be_used(client, make, why):
    user = make.user()
    if why == "disabled":
        with_password(user).is_active = False
    assert enter(client, user, PASSWORD if why == "disabled" else "").status_code == 422
    assert not is_signed_in(client)


def test_signing_in_leads_where_one_wanted_to_go(client, make):
    user = with_password(make.user())
    asked = client.get("/brokers/?q=su")
    assert asked.location == "/sign-in?next=/brokers/?q%3Dsu"
    page = client.get(asked.location).text
    assert 'value="/brokers/?q=su"' in page
    assert enter(client, user, next="/brokers/?q=su").location == "/brokers/?q=su"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "brokers",
        "\t//x",
        "/\t/evil.example",
        "/\t/[::1",
    ],
)
def test_nobody_is_led_out_of_the_house(client, make, target):
    assert enter(client, with_password(make.user()), next=target).location == "/"


def test_somebody_who_is_in_is_led_on(sign_in, make):
    assert sign_in(make.user()).get("/sign-in").location == "/"


def test_signing_out_ends_it(client, make):
    enter(client, with_password(make.user()))
    client.post("/sign-out")
    assert not is_signed_in(client)


def test_signing_out_needs_a_click(sign_in, make):
    visitor = sign_in(make.user())
    assert visitor.get("/sign-out").status_code == 405
    visitor.forget_token()
    assert visitor.post("/sign-out").status_code == 400
    assert is_signed_in(visitor)


def test_half_an_hour_without_a_click_ends_it(client, make):
    user = with_password(make.user())
    now = now_utc()
    with time_machine.travel(now, tick=False):
        enter(client, user)
    with time_machine.travel(now + timedelta(minutes=29), tick=False):
        assert is_signed_in(client)
    with time_machine.travel(now + timedelta(minutes=58), tick=False):
        assert is_signed_in(client)
    with time_machine.travel(now + timedelta(minutes=89), tick=False):
        assert not is_signed_in(client)


def test_twelve_hours_are_a_day_however_busy(client, make):
    user = with_password(make.user())
    now = now_utc()
    with time_machine.travel(now, tick=False):
        enter(client, user)
    for quarters in range(1, 49):
        with time_machine.travel(now + timedelta(minutes=15 * quarters), tick=False):
            assert is_signed_in(client)
    with time_machine.travel(now + timedelta(hours=12, minutes=5), tick=False):
        assert not is_signed_in(client)


def test_a_disabled_account_is_out_with_the_next_click(sign_in, make):
    user = make.user()
    visitor = sign_in(user)
    assert is_signed_in(visitor)
    user.is_active = False
    assert not is_signed_in(visitor)


def test_a_role_taken_away_is_gone_with_the_next_click(sign_in, make):
    user = make.user(Role.REGISTRAR, Role.REVIEWER)
    visitor = sign_in(user)
    assert visitor.get("/brokers/new").status_code == 200
    user.grants = [grant for grant in user.grants if grant.role is Role.REVIEWER]
    assert visitor.get("/brokers/new").location.startswith("/sign-in")
    assert "你的角色或地区有变化" in visitor.get("/sign-in").text


def test_the_page_is_the_same_for_all_but_a_demonstration(client, session):
    assert "demo-accounts.csv" not in client.get("/sign-in").text
    set_fact("mode", "demonstration")
    assert "instance/demo-accounts.csv" in client.get("/sign-in").text


def test_nobody_can_register(client):
    page = client.get("/sign-in").text
    assert "注册" not in page
    assert "系统管理员" in page
