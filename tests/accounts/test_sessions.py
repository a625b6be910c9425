"""Sessions are kept on the server: seen, counted, ended, and the owner told why."""

import hashlib
import re
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from contracts_app.accounts.entrance import sessions
from contracts_app.accounts.roles import Role
from contracts_app.accounts.sign_in_models import SignInSession
from contracts_app.core.clock import now_utc
from contracts_app.core.db import write_in_passing
from contracts_app.core.trail.audit import AuditEntry
from tests.visitors import visitor

from .pages import PASSWORD, enter, with_password

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


def is_in(client):
    return client.get("/me").status_code == 200


def test_the_third_ends_the_first_and_says_why(app, make, session):
    user = with_password(make.user(Role.BROKER))
    browsers = [visitor(app) for _ in range(3)]
    for browser in browsers:
        enter(browser, user)
    assert [is_in(browser) for browser in browsers] == [False, True, True]
    assert "最多同时登录 2 处" in browsers[0].get("/sign-in").text
    assert session.query(AuditEntry).filter_by(action="end_session", user_id=user.id).count() == 1


def test_signing_out_makes_room(app, make):
    user = with_password(make.user(Role.BROKER))
    first, second, third = (visitor(app) for _ in range(3))
    enter(first, user)
    enter(second, user)
    second.post("/sign-out")
    enter(third, user)
    assert is_in(first)


def test_a_token_is_new_each_time_and_kept_as_a_hash(app, make, session):
    user = with_password(make.user(Role.BROKER))
    tokens = set()
    for client in (visitor(app), visitor(app)):
        enter(client, user)
        with client.session_transaction() as cookie:
            tokens.add(cookie["token"])
    assert len(tokens) == 2
    kept = set(session.scalars(select(SignInSession.token_hash)))
    assert kept == {hashlib.sha256(token.encode()).hexdigest() for token in tokens}


def test_a_cookie_kept_from_before_signing_out_is_worth_nothing(app, client, make):
    enter(client, with_password(make.user(Role.BROKER)))
    thief = app.test_client()
    thief.set_cookie("session", client.get_cookie("session").value)
    assert is_in(thief)
    client.post("/sign-out")
    assert not is_in(thief)


@pytest.mark.parametrize(
    ("role", "minutes"),
    [(Role.ADMIN, 15), (Role.SECURITY, 15), (Role.AUDITOR, 15), (Role.BROKER, 30), (Role.MANAGER, 30)],
)
def test_who_does_nothing_is_signed_out(sign_in, make, role, minutes):
    somebody, now = sign_in(make.user(role)), now_utc()
    with time_machine.travel(now + timedelta(minutes=minutes - 1), tick=False):
        assert is_in(somebody)
    with time_machine.travel(now + timedelta(minutes=2 * minutes), tick=False):
        assert not is_in(somebody)
        page = somebody.get("/sign-in").text
        assert f"{minutes} 分钟没有操作" in page
        assert f"{minutes} 分钟不操作自动退出" in page, "the same figure below"


def test_what_a_page_asks_by_itself_puts_nothing_off(sign_in, make):
    somebody, now = sign_in(make.user()), now_utc()
    with time_machine.travel(now + timedelta(minutes=28), tick=False):
        assert 110 <= somebody.get("/me/session").json["ends_in"] <= 120
    with time_machine.travel(now + timedelta(minutes=29), tick=False):
        assert 50 <= somebody.get("/me/session").json["ends_in"] <= 60
        assert somebody.post("/me/session").json["ends_in"] == 1800
    with time_machine.travel(now + timedelta(minutes=58), tick=False):
        assert is_in(somebody)
    with time_machine.travel(now + timedelta(minutes=100), tick=False):
        assert somebody.get("/me/session", headers={"Accept": "application/json"}).status_code == 401


@pytest.mark.parametrize("minutes", [1, 3, 30])
def test_the_warning_waits_also_where_the_limit_is_short(app, sign_in, make, monkeypatch, minutes):
    short = replace(app.config["SETTINGS"], session_idle=timedelta(minutes=minutes))
    monkeypatch.setitem(app.config, "SETTINGS", short)
    page = sign_in(make.user()).get("/me").text
    ends_in, warned_before = (int(re.search(rf'data-{name}="(\d+)"', page)[1]) for name in ("ends-in", "warned-before"))
    assert warned_before <= minutes * 60 / 4
    assert ends_in - warned_before >= minutes * 60 / 3, "nobody is warned who has just clicked"


def test_the_page_says_how_long_it_lasts(sign_in, make):
    assert 'data-warned-before="120"' in sign_in(make.user()).get("/me").text


def test_being_seen_is_written_after_the_answer_and_at_most_once_a_minute(sign_in, make, session):
    somebody, now = sign_in(make.user()), now_utc()
    began = session.scalars(select(SignInSession.last_seen_at)).one()
    for seconds, seen in ((30, began), (90, now + timedelta(seconds=90)), (120, now + timedelta(seconds=90))):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            somebody.get("/me")
        assert session.scalars(select(SignInSession.last_seen_at)).one() == seen


def test_a_page_opens_although_somebody_else_is_writing(live):
    """On SQLite there is one writer: being seen is left to the next click."""
    user = live.make.user()
    somebody, now = live.visitor(user), now_utc()
    with live.app.extensions["engine"].connect() as other:
        other.execute(SignInSession.__table__.update().values(browser="somebody else is writing"))
        with time_machine.travel(now + timedelta(minutes=5), tick=False):
            if live.app.extensions["engine"].dialect.name == "sqlite":
                assert is_in(somebody)
                assert not seen(live.app, now)
        other.rollback()
    assert seen(live.app, now)


def seen(app: Flask, at):
    return write_in_passing(app, SignInSession.__table__.update().values(last_seen_at=at))


def test_own_sessions_are_listed_and_ended(app, client, make):
    user = with_password(make.user(Role.BROKER))
    far = visitor(app)
    far.environ_base["HTTP_USER_AGENT"] = CHROME
    enter(far, user)
    enter(client, user)
    page = client.get("/me").text
    assert "Chrome（Windows）" in page
    assert page.count("就是这里") == 1
    number = re.search(r"/me/session/(\d+)/end", page)[1]
    stranger = visitor(app, make.user())
    stranger.post(f"/me/session/{number}/end")
    assert is_in(far)
    client.post(f"/me/session/{number}/end")
    assert not is_in(far)
    assert "你在别处结束了" in far.get("/sign-in").text
    assert is_in(client)


def test_all_others_are_ended_at_once(app, client, make):
    user = with_password(make.user(Role.BROKER))
    others = [visitor(app, user), visitor(app, user)]
    enter(client, user)
    client.post("/me/session/end-others")
    assert [is_in(one) for one in (client, *others)] == [True, False, False]


def test_a_disabled_account_does_not_come_back_with_its_sessions(sign_in, make):
    admin, user = sign_in(make.user(Role.ADMIN)), make.user()
    somebody = sign_in(user)
    admin.post(f"/users/{user.id}/disable")
    assert not is_in(somebody)
    admin.post(f"/users/{user.id}/enable")
    assert not is_in(somebody)


def test_one_question_finds_session_and_person(sign_in, make, count_queries):
    somebody = sign_in(make.user())
    with count_queries() as queries:
        somebody.get("/me/session")
    asked = [query for query in queries if query.startswith("SELECT")]
    assert sum("sign_in_sessions" in query for query in asked) == 1
    assert len(asked) == 2, "session with person and region; the person's roles"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (CHROME, "Chrome（Windows）"),
        (CHROME.replace("Safari", "Edg/140.0 Safari"), "Edge（Windows）"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox（Linux）"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari（iPhone）"),
        ("curl/8.0", "其他程序"),
        ("", "其他程序"),
    ],
)
def test_a_browser_in_a_few_words(said, words):
    assert sessions.browser_of(said) == words


def test_the_password_that_let_one_in_is_needed_no_more_than_once(client, make):
    """Signing in with a session already there leads on and asks nothing."""
    user = with_password(make.user(Role.BROKER))
    enter(client, user)
    assert enter(client, user, PASSWORD).location == "/"
