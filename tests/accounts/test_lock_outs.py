"""Names that are locked, and who is not kept out by it."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask_limiter import Limiter
from sqlalchemy import select

from contracts_app.accounts.entrance import lock_outs, passwords
from contracts_app.accounts.models import SignInFailure
from contracts_app.accounts.roles import Role
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.core.web import limits
from tests.visitors import visitor

from .pages import PASSWORD, enter, hidden, send, with_password
from .test_signing_in import make_believe, said

QUARTER = timedelta(minutes=16)


@pytest.fixture
def broker(make):
    return with_password(make.user(Role.BROKER))


def fail(client, user, times):
    """Wrong passwords, five and then the next five when the lock is over."""
    answer, now = None, now_utc()
    for number in range(times):
        with time_machine.travel(now + number // 5 * QUARTER, tick=False):
            answer = enter(client, user, "wrong")
    return answer, now + (times - 1) // 5 * QUARTER + QUARTER


def test_ten_failures_a_day_lock_until_somebody_opens(app, client, make, broker, session):
    answer, later = fail(client, broker, 10)
    assert "由安全管理员解锁" in answer.text
    with time_machine.travel(later + timedelta(days=2), tick=False):
        client = visitor(app)
        assert "一天内 10 次" in enter(client, broker).text
        assert lock_outs.lock_of(broker).until is None
        lock_outs.unlock(broker, make.user(Role.SECURITY))
        assert lock_outs.lock_of(broker) is None
        assert enter(client, broker).status_code == 302
    told = session.query(AuditEntry.action).filter(AuditEntry.action.in_(("lock_name", "unlock_user"))).all()
    assert [action for (action,) in told] == ["lock_name", "lock_name", "unlock_user"]


def test_names_that_nobody_has_are_locked_in_the_same_words(app, broker):
    nobody = make_believe("emperor")
    known, _ = fail(visitor(app), broker, 10)
    unknown, later = fail(visitor(app), nobody, 10)
    assert said(known) == said(unknown)
    with time_machine.travel(later, tick=False):
        assert said(enter(visitor(app), broker)) == said(enter(visitor(app), nobody))


def test_strangers_cannot_keep_out_whoever_was_in_before(app, client, broker):
    enter(client, broker)
    client.post("/sign-out")
    stranger = visitor(app)
    _, later = fail(stranger, broker, 10)
    with time_machine.travel(later, tick=False):
        assert enter(stranger, broker).status_code == 422
        client = known_browser(app, client)
        assert enter(client, broker).status_code == 302
        assert enter(visitor(app), broker).status_code == 422, "the owner's coming in gives strangers no more tries"


def known_browser(app, client):
    """Another session in the same browser."""
    fresh = visitor(app)
    fresh.set_cookie("device", client.get_cookie("device").value)
    return fresh


def test_a_known_browser_is_counted_for_itself(app, client, broker):
    enter(client, broker)
    client = known_browser(app, client)
    for _ in range(5):
        enter(client, broker, "wrong")
    assert "已锁定 15 分钟" in enter(client, broker).text
    assert lock_outs.lock_of(broker) is None
    assert enter(visitor(app), broker).status_code == 302


def test_a_browser_is_known_for_its_own_people_only(app, client, make, broker):
    enter(client, broker)
    other = with_password(make.user(Role.BROKER))
    fail(visitor(app), other, 5)
    assert enter(known_browser(app, client), other).status_code == 422


@pytest.mark.parametrize("cookie", ["made-up", "WyJhIixbMV1d.x", ""])
def test_a_cookie_made_up_is_no_known_browser(app, broker, cookie):
    fail(visitor(app), broker, 5)
    guest = visitor(app)
    guest.set_cookie("device", cookie)
    assert enter(guest, broker).status_code == 422


def test_an_address_that_fails_often_waits_and_loses_nothing(client, broker):
    form = {"name": "苏怀远", "csrf_token": "of an ended session"}
    carried = hidden(client.post("/brokers/new", data=form).text, "carried")
    for number in range(10):
        client.post("/sign-in", data={"username": f"guess{number}", "password": "wrong"})
    answer = client.post("/sign-in", data={"username": broker.username, "password": PASSWORD, "carried": carried})
    assert answer.status_code == 429
    assert "等一分钟再试" in answer.text
    assert hidden(answer.text, "carried") == carried
    elsewhere = send(client, "/sign-in", {"username": broker.username, "password": PASSWORD})
    assert elsewhere.status_code == 302


def test_whoever_fails_at_the_next_desk_keeps_nobody_out_of_their_own_browser(app, client, broker):
    enter(client, broker)
    client = known_browser(app, client)
    for number in range(10):
        visitor(app).post("/sign-in", data={"username": f"guess{number}", "password": "wrong"})
    assert visitor(app).post("/sign-in", data={"username": "guess", "password": "wrong"}).status_code == 429
    assert enter(client, broker).status_code == 302


def test_a_browser_that_was_not_used_for_long_is_known_no_more(app, client, broker):
    enter(client, broker)
    fail(visitor(app), broker, 5)
    with time_machine.travel(now_utc() + lock_outs.KNOWN_FOR + timedelta(days=1), tick=False):
        fail(visitor(app), broker, 5)
        assert enter(known_browser(app, client), broker).status_code == 422


def test_a_password_in_the_field_of_the_name_is_not_in_the_log(client, broker, session):
    for name in ("Quanzhou 2026!", "emperor2026", broker.username):
        client.post("/sign-in", data={"username": name, "password": "wrong"})
    kept = session.scalars(select(SignInFailure.username).order_by(SignInFailure.id)).all()
    assert [name if name == broker.username else (name[0], len(name)) for name in kept] == [
        ("#", 60),
        ("#", 60),
        broker.username,
    ]
    told = session.query(AuditEntry.username).filter_by(action="sign_in_failed").order_by(AuditEntry.id).all()
    assert [name for (name,) in told] == [lock_outs.NO_NAME, "em***", broker.username]


@pytest.mark.parametrize("guess", ["wrong", PASSWORD])
def test_guesses_judged_at_the_same_time_are_no_more_than_five(live, monkeypatch, guess):
    """While this one is judged, others have their turn and lock the name."""
    user = with_password(live.make.user(Role.BROKER))
    judge = passwords.is_right

    def judged_slowly(person, password):
        verdict = judge(person, password)
        db.session.rollback()
        db.session.add_all(SignInFailure(username=user.username, device="", address="") for _ in range(5))
        db.session.commit()
        return verdict

    monkeypatch.setattr(passwords, "is_right", judged_slowly)
    answer = enter(live.visitor(), user, guess)
    assert answer.status_code == 422
    assert "连续多次没有登录成功，这个用户名已锁定 15 分钟。" in answer.text
    assert "用户名或密码不对" not in answer.text
    assert db.session.query(SignInFailure).count() == 5


def test_the_limit_of_failures_holds_while_the_shared_storage_is_away(monkeypatch):
    class Away(Limiter):
        @property
        def limiter(self):
            raise ConnectionError

    monkeypatch.setattr(limits, "limiter", Away(limits.get_remote_address))
    with Flask(__name__).test_request_context(environ_base={"REMOTE_ADDR": "203.0.113.9"}):
        for _ in range(10):
            assert not limits.too_many_failed_sign_ins()
            limits.count_failed_sign_in()
        assert limits.too_many_failed_sign_ins()


def test_the_machine_itself_can_open_a_name(app, client, broker):
    _, later = fail(client, broker, 10)
    with time_machine.travel(later, tick=False):
        done = app.test_cli_runner().invoke(args=["users", "unlock", broker.username])
        assert done.exit_code == 0, done.output
        assert enter(client, broker).status_code == 302
    assert app.test_cli_runner().invoke(args=["users", "unlock", "nobody"]).exit_code == 1
