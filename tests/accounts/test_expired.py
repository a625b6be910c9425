"""A form that is sent after the session has ended."""

from datetime import timedelta

import pytest
import time_machine

from contracts_app.accounts.models import ParkedForm
from contracts_app.accounts.roles import Role
from contracts_app.core.clock import now_utc

from .pages import enter, hidden, with_password

FORM = {"name": "苏怀远", "phone": "0595-85600001", "region_code": "350582", "csrf_token": "of an ended session"}


@pytest.fixture
def registrar(make):
    return with_password(make.user(Role.REGISTRAR))


def test_what_was_typed_comes_back_after_signing_in(client, registrar, session):
    page = client.post("/brokers/new?from=menu", data=FORM)
    assert page.status_code == 401
    assert "登录已过期，你填的内容都还在，登录后继续" in page.text
    assert session.query(ParkedForm).count() == 0

    failed = enter(client, registrar, "wrong", carried=hidden(page.text, "carried"))
    assert "你填的内容都还在" in failed.text
    answer = enter(client, registrar, carried=hidden(failed.text, "carried"))
    parked = session.query(ParkedForm).one()
    assert (parked.user_id, parked.path) == (registrar.id, "/brokers/new")
    assert "csrf" not in parked.fields
    assert answer.location == f"/brokers/new?from=menu&parked={parked.id}"

    form = client.get(answer.location).text
    assert 'value="苏怀远"' in form
    assert 'value="0595-85600001"' in form
    assert "还没有保存" in form


def test_a_page_opened_before_anybody_signed_in_is_the_same_case(client):
    fresh = {name: value for name, value in FORM.items() if name != "csrf_token"}
    assert "你填的内容都还在" in client.post("/brokers/new", data=fresh).text


def test_nobody_else_gets_it(client, sign_in, make, registrar, session):
    carried = hidden(client.post("/brokers/new", data=FORM).text, "carried")
    place = enter(client, registrar, carried=carried).location
    other = sign_in(make.user(Role.REGISTRAR))
    assert "苏怀远" not in other.get(place).text


def test_it_comes_back_on_its_own_page_only(client, registrar):
    carried = hidden(client.post("/brokers/new", data=FORM).text, "carried")
    place = enter(client, registrar, carried=carried).location
    assert "苏怀远" not in client.get(place.replace("/brokers/new", "/users/new")).text


def test_it_is_kept_half_a_day(client, registrar):
    now = now_utc()
    with time_machine.travel(now, tick=False):
        carried = hidden(client.post("/brokers/new", data=FORM).text, "carried")
    with time_machine.travel(now + timedelta(hours=13), tick=False):
        client.forget_token()
        token = hidden(client.get("/sign-in").text, "csrf_token")
        assert enter(client, registrar, carried=carried, csrf_token=token).location == "/"


def test_a_form_made_up_by_somebody_else_is_not_taken(client, registrar, session):
    assert enter(client, registrar, carried="eyJ0YXJnZXQiOiIvIn0.x.y").location == "/"
    assert session.query(ParkedForm).count() == 0


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_nothing_is_carried_for_another_site(client, headers):
    page = client.post("/brokers/new", data=FORM, headers=headers)
    assert page.status_code == 401
    assert "苏怀远" not in page.text
    assert not hidden(page.text, "carried")


def test_another_site_cannot_park_anything_for_somebody_signed_in(sign_in, registrar, session):
    visitor = sign_in(registrar)
    visitor.forget_token()
    answer = visitor.post("/brokers/new", data=FORM, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 400
    assert session.query(ParkedForm).count() == 0


def test_passwords_are_never_carried(client, registrar, session):
    form = {"old_password": "Geheim-12345", "new_password": "Neues-12345", "note": "x"}
    page = client.post("/me/password", data=form)
    enter(client, registrar, carried=hidden(page.text, "carried"))
    assert session.query(ParkedForm).one().fields == "note=x"


def test_what_is_only_a_button_is_said_not_to_have_happened(client, make, session):
    admin = with_password(make.user(Role.ADMIN))
    user = make.user()
    page = client.post(
        f"/users/{user.id}/disable", data={"csrf_token": "x"}, headers={"Referer": f"http://localhost/users/{user.id}"}
    )
    assert page.status_code == 401
    answer = enter(client, admin, carried=hidden(page.text, "carried"))
    assert answer.location == f"/users/{user.id}"
    assert "刚才的操作没有执行" in client.get(answer.location).text
    assert session.get(type(user), user.id).is_active


def test_a_script_that_saves_a_draft_is_told_in_few_words(client):
    assert client.post("/brokers/new", data=FORM, headers={"Accept": "application/json"}).status_code == 401


def test_somebody_who_signed_in_again_elsewhere_keeps_the_form_too(sign_in, registrar, session):
    visitor = sign_in(registrar)
    visitor.forget_token()
    answer = visitor.post("/brokers/new", data=FORM)
    assert answer.status_code == 302
    assert 'value="苏怀远"' in visitor.get(answer.location).text


def test_without_any_token_it_is_not_ours(sign_in, registrar):
    visitor = sign_in(registrar)
    visitor.forget_token()
    answer = visitor.post("/brokers/new", data={"name": "苏怀远"})
    assert answer.status_code == 400
    assert "没有生效" in answer.text


def test_a_sign_in_page_that_was_open_for_hours_still_carries(client, registrar):
    carried = hidden(client.post("/brokers/new", data=FORM).text, "carried")
    client.forget_token()
    page = enter(client, registrar, carried=carried)
    assert page.status_code == 422
    assert "登录页打开太久了" in page.text
    assert hidden(page.text, "carried") == carried
    assert f'value="{registrar.username}"' in page.text


def test_signing_out_twice_is_no_mistake(client):
    client.forget_token()
    assert client.post("/sign-out").location == "/sign-in"


def test_the_form_may_be_large(client, registrar, session):
    page = client.post("/brokers/new", data={**FORM, "phone": "长" * 20_000})
    enter(client, registrar, carried=hidden(page.text, "carried"))
    assert len(session.query(ParkedForm).one().fields) > 60_000
