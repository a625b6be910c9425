"""两步验证: what is asked after the password, and what helps who has no authenticator."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text

from contracts_app.accounts.entrance import second_factor
from contracts_app.accounts.models import ParkedForm
from contracts_app.accounts.roles import Role
from contracts_app.accounts.sign_in_models import RecoveryCode, SecondFactor
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.installation import set_fact
from contracts_app.core.trail.audit import AuditEntry
from tests.visitors import visitor

from .pages import PASSWORD, SECRET, code, enter, hidden, send, with_factor, with_password

STEP = timedelta(seconds=30)


@pytest.fixture
def registrar(make):
    return with_password(make.user())


@pytest.fixture
def newcomer(make):
    """Somebody of the office who has a password and no second factor yet."""
    user = with_password(make.user())
    db.session.delete(db.session.get(SecondFactor, user.id))
    db.session.commit()
    return user


def is_in(client):
    return client.get("/me").status_code == 200


def secret_of(page):
    return re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")


def recovery_codes(page):
    return re.findall(r"<li><code>([^<]+)</code>", page)


def with_codes(user):
    with_factor(user)
    codes = second_factor.renew_codes(user)
    db.session.commit()
    return codes


def test_who_has_none_sets_one_up_before_anything_opens(client, newcomer, session):
    assert enter(client, newcomer, next="/brokers/").location == "/sign-in/second-factor"
    assert not is_in(client)
    page = client.get("/sign-in/second-factor").text
    secret = secret_of(page)
    assert "data:image/svg+xml" in page
    wrong = send(client, "/sign-in/second-factor", {"code": "000000"})
    assert wrong.status_code == 422
    assert secret_of(wrong.text) == secret, "the picture scanned a moment ago goes on to be good"
    assert not is_in(client)
    done = send(client, "/sign-in/second-factor", {"code": code(secret=secret)})
    assert done.status_code == 200
    assert len(set(recovery_codes(done.text))) == 10
    assert 'href="/brokers/"' in done.text
    assert is_in(client)
    stored = str(session.execute(text("SELECT secret FROM second_factors")).all())
    assert secret not in stored
    assert not any(
        one.replace("-", "") in str(session.query(RecoveryCode.code_hash).all()) for one in recovery_codes(done.text)
    )
    assert session.query(AuditEntry).filter_by(action="set_second_factor", user_id=newcomer.id).count() == 1


def test_the_next_person_at_the_browser_gets_a_secret_of_their_own(client, newcomer, make):
    enter(client, newcomer)
    seen = secret_of(client.get("/sign-in/second-factor").text)
    other = with_password(make.user())
    db.session.delete(db.session.get(SecondFactor, other.id))
    enter(client, other)
    assert secret_of(client.get("/sign-in/second-factor").text) != seen


def test_the_right_password_alone_opens_nothing(client, registrar):
    assert enter(client, registrar, with_code=False).location == "/sign-in/code"
    assert client.get("/brokers/").location.startswith("/sign-in")
    assert client.get("/sign-in/second-factor").location == "/sign-in/code"
    assert client.get("/sign-in/new-password").location == "/sign-in/code"
    assert send(client, "/sign-in/code", {"code": code()}).location == "/"
    assert is_in(client)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_half_a_minute_to_either_side_is_taken(client, registrar, steps):
    with time_machine.travel(now_utc(), tick=False):
        enter(client, registrar, with_code=False)
        assert send(client, "/sign-in/code", {"code": code(steps)}).status_code == 302


@pytest.mark.parametrize(("steps", "about"), [(-2, "约 1 分钟以前"), (8, "约 4 分钟以后")])
def test_a_clock_that_is_wrong_is_told(client, registrar, steps, about):
    with time_machine.travel(now_utc(), tick=False):
        enter(client, registrar, with_code=False)
        answer = send(client, "/sign-in/code", {"code": code(steps)})
    assert answer.status_code == 422
    assert about in answer.text
    assert "服务器现在是" in answer.text


def test_a_code_is_taken_once(app, client, registrar):
    with time_machine.travel(now_utc(), tick=False):
        enter(client, registrar)
        second = visitor(app)
        enter(second, registrar, with_code=False)
        assert "已经用过" in send(second, "/sign-in/code", {"code": code()}).text
        assert "已经用过" in send(second, "/sign-in/code", {"code": code(-1)}).text, "nor is an older one"
        assert send(second, "/sign-in/code", {"code": code(1)}).status_code == 302


def test_wrong_codes_count_like_wrong_passwords(client, registrar):
    enter(client, registrar, with_code=False)
    for _ in range(4):
        assert "再错" in send(client, "/sign-in/code", {"code": "000000"}).text
    assert "已锁定 15 分钟" in send(client, "/sign-in/code", {"code": "000000"}).text
    assert client.get("/sign-in/code").location == "/sign-in", "what was reached is lost"
    assert "已锁定 15 分钟" in enter(client, registrar).text


def test_a_right_password_in_between_gives_no_more_tries(client, registrar):
    for _ in range(2):
        enter(client, registrar, with_code=False)
        for _ in range(2):
            send(client, "/sign-in/code", {"code": "000000"})
    enter(client, registrar, with_code=False)
    assert "已锁定 15 分钟" in send(client, "/sign-in/code", {"code": "000000"}).text


@pytest.mark.parametrize("how", ["ten minutes", "another password", "disabled"])
def test_what_was_reached_does_not_last(client, registrar, how):
    enter(client, registrar, with_code=False)
    if how == "another password":
        with_password(registrar, "Another-Zebra-8")
    registrar.is_active = how != "disabled"
    later = timedelta(minutes=11 if how == "ten minutes" else 0)
    with time_machine.travel(now_utc() + later, tick=False):
        assert send(client, "/sign-in/code", {"code": code()}).location == "/sign-in"
    assert not is_in(client)


def test_a_recovery_code_stands_in_once(app, client, registrar, session):
    first, second = with_codes(registrar)[3:5]
    enter(client, registrar, with_code=False)
    answer = send(client, "/sign-in/code?by=recovery", {"code": f" {first.upper()} "})
    assert answer.location == "/"
    assert "恢复码还剩 9 个" in client.get("/me").text
    again = visitor(app)
    enter(again, registrar, with_code=False)
    for wrong in (first, "x", "99999999999", "３"):
        assert send(again, "/sign-in/code?by=recovery", {"code": wrong}).status_code == 422
    assert send(again, "/sign-in/code?by=recovery", {"code": second.replace("-", "")}).location == "/"
    assert session.query(AuditEntry).filter_by(action="use_recovery_code").count() == 2


def test_a_form_under_way_survives_both_steps(client, newcomer, session):
    form = {"name": "苏怀远", "region_code": "350582", "csrf_token": "of an ended session"}
    carried = hidden(client.post("/brokers/new", data=form).text, "carried")
    enter(client, newcomer, carried=carried)
    secret = secret_of(client.get("/sign-in/second-factor").text)
    page = send(client, "/sign-in/second-factor", {"code": code(secret=secret)}).text
    place = re.search(r'href="(/brokers/new\?[^"]+)"', page)[1]
    assert session.query(ParkedForm).one().user_id == newcomer.id
    assert 'value="苏怀远"' in client.get(place).text


# ---- one's own ------------------------------------------------------------------------------------------------------


def test_a_broker_turns_it_on_and_off(client, make):
    broker = with_password(make.user(Role.BROKER))
    enter(client, broker)
    secret = secret_of(client.get("/me/second-factor/new").text)
    form = {"code": code(secret=secret), "old_password": "wrong"}
    assert "现在的密码不对" in send(client, "/me/second-factor/new", form).text
    page = send(client, "/me/second-factor/new", form | {"old_password": PASSWORD})
    assert len(recovery_codes(page.text)) == 10
    assert "关闭两步验证" in client.get("/me/second-factor").text
    assert send(client, "/me/second-factor/off", {"old_password": "wrong"}).status_code == 422
    assert send(client, "/me/second-factor/off", {"old_password": PASSWORD}).status_code == 422
    good = {"old_password": PASSWORD, "proof": code(1, secret)}
    assert send(client, "/me/second-factor/off", good).location == "/me/second-factor"
    assert second_factor.of(broker) is None


def test_the_office_may_not_do_without(client, registrar):
    enter(client, registrar)
    assert "关闭两步验证" not in client.get("/me/second-factor").text
    assert send(client, "/me/second-factor/off", {"old_password": PASSWORD}).status_code == 409
    assert second_factor.of(registrar)


def test_another_telephone_ends_the_other_sessions(client, sign_in, registrar):
    elsewhere = sign_in(registrar)
    enter(client, registrar)
    secret = secret_of(client.get("/me/second-factor/new").text)
    new = {"code": code(secret=secret), "old_password": PASSWORD}
    assert "填写现在的验证码" in send(client, "/me/second-factor/new", new).text
    send(client, "/me/second-factor/new", new | {"proof": code(1)})
    assert is_in(client)
    assert not is_in(elsewhere)
    assert db.session.get(SecondFactor, registrar.id).secret == secret != SECRET


def test_the_password_and_an_open_session_do_not_change_the_telephone(client, registrar):
    enter(client, registrar)
    new = {"code": code(secret=secret_of(client.get("/me/second-factor/new").text)), "old_password": PASSWORD}
    for wrong in ("000000", code(), "3-abcde-fghjk", "x", "000000"):  # the second one was used to sign in
        assert send(client, "/me/second-factor/new", new | {"proof": wrong}).status_code == 422
    assert "15 分钟后再试" in send(client, "/me/second-factor/new", new | {"proof": code(1)}).text
    assert db.session.get(SecondFactor, registrar.id).secret == SECRET


def test_recovery_codes_can_be_made_anew(client, registrar):
    old = with_codes(registrar)
    enter(client, registrar)
    proof = {"old_password": PASSWORD, "proof": old[1]}
    page = send(client, "/me/second-factor/recovery-codes", proof)
    assert send(client, "/me/second-factor/recovery-codes", proof).status_code == 422, "it was used up, and is gone"
    assert "no-store" in page.headers["Cache-Control"]
    assert len(recovery_codes(page.text)) == 10
    with pytest.raises(second_factor.WrongCode):
        second_factor.check_recovery_code(registrar, old[0])


@pytest.mark.parametrize("how", ["by the security administrator", "at the machine"])
def test_a_lost_telephone_is_forgotten_and_sessions_end(app, make, sign_in, registrar, how):
    with_codes(registrar)
    inside = sign_in(registrar)
    if how == "at the machine":
        done = app.test_cli_runner().invoke(args=["users", "reset", registrar.username])
        assert done.exit_code == 0, done.output
    else:
        second_factor.reset_second_factor(registrar, make.user(Role.SECURITY))
    assert not is_in(inside)
    assert db.session.query(RecoveryCode).count() == 0
    assert enter(visitor(app), registrar).location == "/sign-in/second-factor"


def test_a_demonstration_asks_for_the_password_alone(client, make, session):
    admin = with_password(make.user(Role.ADMIN), "weak")
    set_fact("mode", "demonstration")
    with time_machine.travel(now_utc() + timedelta(days=365), tick=False):
        client.forget_token()
        token = hidden(client.get("/sign-in").text, "csrf_token")
        assert enter(client, admin, "weak", csrf_token=token).location == "/"
        assert "演示环境" in client.get("/me").text
        assert client.get("/me/second-factor/new").status_code == 409
