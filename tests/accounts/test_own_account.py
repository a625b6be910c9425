from datetime import timedelta

import time_machine

from contracts_app.accounts.entrance import signing_in
from contracts_app.accounts.roles import Role
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from tests.visitors import visitor

from .pages import PASSWORD, enter, hidden, with_password

NEW = "Qixi-Festival-7"


def change(client, old=PASSWORD, new=NEW, again=None):
    form = {"old_password": old, "new_password": new, "password_again": new if again is None else again}
    return client.post("/me/password", data=form)


def test_everybody_sees_who_they_are(sign_in, make):
    page = sign_in(make.user(Role.REGISTRAR, Role.REVIEWER, name="林若溪")).get("/me").text
    assert "林若溪" in page
    assert "登记员、审核员" in page
    assert "晋江市" in page


def test_own_sign_ins_are_listed_and_nobody_elses(client, make):
    user, other = with_password(make.user()), with_password(make.user())
    enter(client, other, "wrong")
    enter(client, user, "wrong")
    enter(client, user)
    assert client.get("/me").text.count('<td class="cell-tag">') == 2


def test_the_rules_are_shown_beforehand(sign_in, make):
    assert "10 到 128 个字符" in sign_in(make.user()).get("/me/password").text


def test_a_new_password_ends_the_other_sessions_and_not_this_one(app, client, make, sign_in):
    user = with_password(make.user())
    elsewhere = sign_in(user)
    enter(client, user)
    assert change(client).location == "/me"
    assert client.get("/me").status_code == 200
    assert elsewhere.get("/me").location == "/sign-in?next=/me"


def test_the_old_password_is_asked_and_guessing_it_locks(client, make):
    user = with_password(make.user())
    enter(client, user)
    answer = change(client, old="guess")
    assert answer.status_code == 422
    assert "现在的密码不对，重新输入" in answer.text
    for _ in range(4):
        change(client, old="guess")
    assert "15 分钟后再试" in change(client).text


def test_what_is_wrong_with_a_new_password_is_said(client, make):
    user = with_password(make.user())
    enter(client, user)
    assert "密码至少 10 个字符" in change(client, new="Ab1-").text
    assert "三种" in change(client, new="abcdefghijkl").text
    assert "密码里不能有用户名" in change(client, new=f"Xy-{user.username}-1").text
    assert "两次输入的密码不一样" in change(client, again="Something-1").text
    assert "最近 5 个密码不能再用" in change(client, new=PASSWORD).text
    assert "填写现在的密码" in change(client, old="").text


def invitation_of(user):
    token = signing_in.invite(user)
    db.session.commit()
    return f"/invitations/{token}"


def accept(client, link, new=NEW):
    token = hidden(client.get(link).text, "csrf_token")
    return client.post(link, data={"new_password": new, "password_again": new, "csrf_token": token})


def test_an_invitation_sets_the_password_once_and_leads_in(client, make):
    user = make.user(Role.BROKER, name="林若溪")
    link = invitation_of(user)
    page = client.get(link)
    assert "林若溪" in page.text
    assert "no-store" in page.headers["Cache-Control"]
    assert accept(client, link).location == "/"
    assert client.get("/me").status_code == 200
    assert client.get(link).status_code == 410
    assert accept(client, link).status_code == 410


def test_a_weak_password_leaves_the_invitation_open(client, make):
    link = invitation_of(make.user())
    assert accept(client, link, "short").status_code == 422
    assert accept(client, link).status_code == 302


def test_an_invitation_ends(client, make):
    user = make.user()
    link, now = invitation_of(user), now_utc()
    with time_machine.travel(now + timedelta(days=8), tick=False):
        assert "找本单位系统管理员" in client.get(link).text
    newer = invitation_of(user)
    assert client.get(link).status_code == 410
    user.is_active = False
    assert client.get(newer).status_code == 410
    assert client.get("/invitations/made-up").status_code == 410


def test_an_invitation_opens_a_locked_name(app, client, make):
    user = with_password(make.user())
    for _ in range(5):
        enter(client, user, "wrong")
    accept(visitor(app), invitation_of(user))
    assert enter(client, user, NEW).status_code == 302
