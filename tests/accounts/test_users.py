import re
from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from contracts_app.accounts.entrance import signing_in
from contracts_app.accounts.models import GrantStage, User, UserRole
from contracts_app.accounts.offices import grants
from contracts_app.accounts.roles import DUTY_OF, Duty, Role, duty_of
from contracts_app.accounts.sign_in_models import NameLock
from contracts_app.accounts.users import actions
from contracts_app.brokers.models import Broker
from contracts_app.core.clock import as_if, now_utc
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused, Stale
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.regions import queries as regions
from contracts_app.regions.models import Region
from tests.factories import JINJIANG, QUANZHOU, SHISHI

from .pages import enter, link_in, with_password

CALLED = {"reason": "本人打电话提出，已核对"}
EXCLUDED = "业务岗位、系统管理、安全管理、安全审计不能兼任"


@pytest.fixture
def admin(make):
    return make.user(Role.ADMIN)


@pytest.fixture
def office(sign_in, admin):
    return sign_in(admin)


def fill(username="lin.ruoxi", name="林若溪", roles=("registrar",), region=JINJIANG, **more):
    form = {"username": username, "name": name, "roles": list(roles), "region_code": region, "reason": "新到岗"}
    return form | more


def edit(office, user, version=None, **more):
    form = {
        "name": user.name,
        "roles": sorted(user.roles),
        "region_code": user.region_code,
        "reason": "岗位调整",
        **more,
    }
    return office.post(f"/users/{user.id}/edit", data={**form, "version": version or user.version})


def confirmed(sign_in, make, user):
    """A second person agrees to what was asked for."""
    keeper = sign_in(make.somebody(Role.SECURITY, user.region_code))
    answer = keeper.post(f"/users/grants/{grants.standing(user).id}/answer", data={"decision": "confirm"})
    assert answer.status_code == 302


def last_entry():
    return db.session.query(AuditEntry).order_by(AuditEntry.id.desc()).first()


def told_of(user):
    """What the log says last about an account."""
    told = db.session.query(AuditEntry).filter_by(subject="user", subject_id=user.id)
    entry = told.order_by(AuditEntry.id.desc()).first()
    return entry.action, entry.details


def test_a_new_account_has_nothing_until_a_second_person_agrees_then_gets_a_link_shown_once(
    office, client, session, sign_in, make
):
    assert office.post("/users/new", data=fill()).status_code == 302
    user = session.query(User).filter_by(username="lin.ruoxi").one()
    assert user.roles == set()
    page = office.get(f"/users/{user.id}").text
    assert "还没有授权" in page
    asked = office.get(re.search(r"/users/grants/\d+", page)[0]).text
    assert "申请的地区" in asked
    assert "原来的" not in asked, "there was nothing before"
    assert office.post(f"/users/{user.id}/invitation").status_code == 409
    confirmed(sign_in, make, user)
    assert user.roles == {Role.REGISTRAR}
    page = office.post(f"/users/{user.id}/invitation")
    assert page.status_code == 200
    assert "只显示这一次" in page.text
    new = {"new_password": "Qixi-Festival-7", "password_again": "Qixi-Festival-7"}
    assert client.post(link_in(page.text), data=new).status_code == 302
    assert link_in(page.text) not in office.get(f"/users/{user.id}").text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"username": ""}, "填写用户名"),
        ({"username": "林若溪"}, "用户名用小写字母开头"),
        ({"username": "1lin"}, "用户名用小写字母开头"),
        ({"username": "a b c"}, "用户名用小写字母开头"),
        ({"name": ""}, "填写姓名"),
        ({"roles": []}, "至少选一个角色"),
        ({"roles": ["emperor"]}, "选择列表里有的角色"),
        ({"region": ""}, "选择地区"),
        ({"reason": ""}, "写明事由"),
        ({"region": SHISHI}, "选择列表里有的一项"),
        ({"roles": ["registrar", "admin"]}, EXCLUDED),
        ({"roles": ["manager", "auditor"]}, EXCLUDED),
        ({"roles": ["admin", "auditor"]}, EXCLUDED),
        ({"roles": ["admin", "security"]}, EXCLUDED),
        ({"roles": ["security", "auditor"]}, EXCLUDED),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(office, session, wrong, sentence):
    form = {"username": "lin.ruoxi", "name": "林若溪", "roles": ["registrar"], "region": JINJIANG} | wrong
    page = office.post("/users/new", data=fill(**form))
    assert page.status_code == 422
    assert page.text.count(sentence) >= 2
    assert not form["name"] or form["name"] in page.text
    assert session.query(User).filter_by(name="林若溪").count() == 0


def test_a_username_is_given_once(office, make):
    user = make.user()
    assert "这个用户名已经有人用" in office.post("/users/new", data=fill(username=user.username.upper())).text


def test_duties_exclude_each_other_in_the_service_and_in_the_database(make, session):
    with pytest.raises(ValueError, match=EXCLUDED):
        actions.drafted(username="x", name="x", roles=frozenset({Role.ADMIN, Role.AUDITOR}), region_code=JINJIANG)
    user = make.user(Role.REGISTRAR)
    for duty in (Duty.BUSINESS, Duty.ADMIN, Duty.SECURITY):
        with pytest.raises(IntegrityError):
            write_past_the_service(session, user_id=user.id, role=Role.ADMIN, duty=duty)


def write_past_the_service(session, **grant):
    with session.begin_nested():
        session.execute(insert(UserRole).values(**grant))


def test_every_role_has_its_duty():
    assert {role: duty_of([role]) for role in Role} == DUTY_OF


def test_a_change_is_written_down_old_and_new(office, make, sign_in):
    user = make.user(Role.REGISTRAR, name="林若溪")
    assert edit(office, user, roles=["manager"], region_code="350582001").status_code == 302
    assert user.roles == {Role.REGISTRAR}
    asked = {"roles": ["登记员", "局领导"], "region": ["晋江市", regions.region("350582001").name]}
    assert (last_entry().action, last_entry().details) == ("propose_roles", asked | {"reason": "岗位调整"})
    confirmed(sign_in, make, user)
    assert (user.roles, user.region_code) == ({Role.MANAGER}, "350582001")
    assert (last_entry().action, last_entry().details) == ("confirm_roles", asked | {"answer": ""})
    edit(office, user, name="林若晞")
    assert (last_entry().action, last_entry().details) == ("revise_user", {"name": ["林若溪", "林若晞"]})


@pytest.mark.parametrize("role", ["registrar", "reviewer"])
def test_nobody_acts_for_an_office_in_a_town(office, make, admin, role):
    user = make.user(Role.MANAGER)
    page = edit(office, user, roles=[role], region_code="350582001")
    assert page.status_code == 422
    assert "镇（街道）没有登记机构" in page.text
    town = regions.region("350582001")
    with pytest.raises(ValueError, match="没有登记机构"):
        actions.revise(admin, user, name="林", roles=frozenset({Role(role)}), region=town, version=user.version)


def test_nothing_changed_is_nothing_written(office, make):
    before = last_entry()
    edit(office, make.user())
    assert last_entry() is before


def test_somebody_may_change_to_another_duty(office, make, sign_in):
    user = make.user(Role.REGISTRAR)
    with_password(make.user(Role.AUDITOR))  # so that this one is not the last
    assert edit(office, user, roles=["auditor"]).status_code == 302
    confirmed(sign_in, make, user)
    assert (user.roles, user.duty) == ({Role.AUDITOR}, Duty.AUDIT)
    assert edit(office, user, roles=["registrar", "manager"]).status_code == 302
    confirmed(sign_in, make, user)
    assert (user.roles, user.duty) == ({Role.REGISTRAR, Role.MANAGER}, Duty.BUSINESS)


def test_two_administrators_do_not_overwrite_each_other(office, make, admin):
    user = make.user(name="林若溪")
    seen = user.version
    edit(office, user, name="林若晞")
    page = edit(office, user, version=seen, name="林若希")
    assert page.status_code == 409
    assert "别人已经改过这个账号" in page.text
    assert "林若希" in page.text
    assert user.name == "林若晞"
    with pytest.raises(Stale):
        actions.revise(admin, user, name="x", roles=user.roles, region=user.region, version=seen)


def test_a_disabled_account_comes_back(office, client, make):
    user = with_password(make.user())
    office.post(f"/users/{user.id}/disable")
    assert last_entry().details == {"condition": ["在用", "停用"]}
    assert enter(client, user).status_code == 422
    assert office.post(f"/users/{user.id}/invitation").status_code == 409
    office.post(f"/users/{user.id}/enable")
    assert enter(client, user).status_code == 302


def test_a_lost_password_is_replaced_by_a_link(office, client, make):
    user = with_password(make.user(Role.BROKER))
    page = office.post(f"/users/{user.id}/invitation")
    assert "no-store" in page.headers["Cache-Control"]
    client.post(link_in(page.text), data={"new_password": "Qixi-Festival-7", "password_again": "Qixi-Festival-7"})
    assert client.get("/me").status_code == 200
    assert db.session.query(AuditEntry).filter_by(action="set_password", user_id=user.id).count() == 1


def test_administrators_cannot_shut_themselves_out(office, admin):
    assert office.post(f"/users/{admin.id}/disable").status_code == 409
    page = edit(office, admin, roles=["auditor"])
    assert page.status_code == 422
    assert "不能取消自己的系统管理员角色" in page.text
    with pytest.raises(Refused):
        actions.revise(
            admin, admin, name="x", roles=frozenset({Role.AUDITOR}), region=admin.region, version=admin.version
        )
    assert admin.is_active


def test_an_administrator_rules_one_region(office, make, admin):
    far = make.user(region=SHISHI)
    for path in (f"/users/{far.id}/edit", f"/users/{far.id}/disable", f"/users/{far.id}/invitation"):
        assert office.post(path).status_code == 404
    assert far.username not in office.get("/users").text
    with pytest.raises(NotYours):
        actions.set_active(admin, far, is_active=False)
    with pytest.raises(NotYours):
        actions.invite(admin, far)
    region = db.session.get(Region, QUANZHOU)
    with pytest.raises(NotYours):
        actions.open_account(admin, username="x", name="x", roles=frozenset({Role.MANAGER}), region=region, reason="x")


def test_the_list_is_searched(office, make):
    make.user(Role.REVIEWER, name="陈思源", region="350582001")
    make.user(Role.REGISTRAR, name="林若溪", is_active=False)

    def found(**asked):
        page = office.get("/users", query_string=asked).text
        return [name for name in ("陈思源", "林若溪") if name in page]

    assert found(q="思源") == ["陈思源"]
    assert found(q="REVIEWER") == ["陈思源"]
    assert found(role="registrar") == ["林若溪"]
    assert found(region="350582001") == ["陈思源"]
    assert found(**{"is": "disabled"}) == ["林若溪"]
    assert found(q="%") == []
    assert found(role="emperor", region=SHISHI) == ["陈思源", "林若溪"]


def test_the_list_asks_the_same_number_of_questions_for_many(office, make, count_queries):
    make.user()
    with count_queries() as few:
        office.get("/users")
    for _ in range(12):
        make.user(Role.REGISTRAR, Role.REVIEWER)
    with count_queries() as many:
        office.get("/users")
    assert len(many) == len(few)


def test_a_broker_account_stands_in_the_register(office, make, session, sign_in):
    known = make.broker("苏怀远")
    for username, name in (("su.huaiyuan", "苏怀远"), ("dan.ming", "单明")):
        office.post("/users/new", data=fill(username, name, ["broker"]))
        confirmed(sign_in, make, session.query(User).filter_by(username=username).one())
    accounts = {user.username: user.id for user in session.query(User)}
    assert known.user_id == accounts["su.huaiyuan"]
    new = session.query(Broker).filter_by(user_id=accounts["dan.ming"]).one()
    assert (new.name, new.initials) == ("单明", "sm")


def test_somebody_who_becomes_a_broker_stands_there_too_and_only_once(office, make, session, sign_in):
    user = make.user(Role.REGISTRAR)
    edit(office, user, roles=["registrar", "broker"])
    confirmed(sign_in, make, user)
    edit(office, user, roles=["broker"])
    assert session.query(Broker).filter_by(user_id=user.id).count() == 1


def test_accounts_from_the_command_line(app, make, client):
    user = make.user(name="林若溪")
    runner = app.test_cli_runner()
    listed = runner.invoke(args=["users", "list"])
    assert f"{user.username}\t林若溪\t登记员\t晋江市\t待设置密码" in listed.stdout
    invited = runner.invoke(args=["users", "invite", user.username])
    assert invited.exit_code == 0
    assert invited.stdout.strip().count("\n") == 0
    assert "林若溪" in client.get(link_in(invited.stdout)).text
    unknown = runner.invoke(args=["users", "invite", "nobody"])
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "nobody" in unknown.stderr


def test_a_security_administrator_opens_locks_and_ends_sessions(sign_in, make, session):
    keeper, user = make.user(Role.SECURITY), make.user()
    make.save(NameLock(username=user.username, device=""))
    desk, somebody = sign_in(keeper), sign_in(user)
    assert "已锁定" in desk.get("/users").text
    assert "由安全管理员解锁" in desk.get(f"/users/{user.id}").text
    desk.post(f"/users/{user.id}/unlock")
    assert session.query(NameLock).count() == 0
    assert last_entry().action == "unlock_user"
    assert somebody.get("/me").status_code == 200
    desk.post(f"/users/{user.id}/sessions/end")
    assert somebody.get("/me").status_code == 302
    for deed in ("second-factor/reset", "sessions/end"):
        assert desk.post(f"/users/{keeper.id}/{deed}").status_code == 409, "one's own is for another, or for 我的账号"


@pytest.mark.parametrize("role", [Role.SECURITY, Role.AUDITOR])
def test_an_administrator_makes_no_link_into_the_account_of_who_watches_him(app, make, sign_in, role):
    admin, keeper = make.user(Role.ADMIN), make.user(Role.SECURITY)
    watcher, clerk = make.user(role), make.user()
    path = f"/users/{watcher.id}/invitation"
    assert "由安全管理员生成" in sign_in(admin).get(f"/users/{watcher.id}").text
    assert sign_in(admin).post(path).status_code == 409
    assert "生成设置密码的链接" in sign_in(keeper).get(f"/users/{watcher.id}").text
    assert link_in(sign_in(keeper).post(path).text)
    assert sign_in(keeper).post(f"/users/{clerk.id}/invitation").status_code == 409
    assert "生成设置密码的链接" not in sign_in(keeper).get(f"/users/{clerk.id}").text
    with_password(watcher)
    assert sign_in(admin).post(path).status_code == 409
    assert sign_in(keeper).post(path).status_code == 409
    done = app.test_cli_runner().invoke(args=["users", "invite", watcher.username])
    assert link_in(done.stdout)


def test_nobody_gets_into_another_administrators_account_alone(make, sign_in, client):
    admin, other, keeper = make.user(Role.ADMIN), make.user(Role.ADMIN), make.user(Role.SECURITY)
    office, desk = sign_in(admin), sign_in(keeper)
    link = f"/users/{other.id}/invitation"
    assert office.post(link).status_code == 409, "the first one is made by who confirmed the roles"
    assert link_in(desk.post(link).text)
    with_password(other)
    assert (office.post(link).status_code, desk.post(link).status_code) == (409, 409)
    assert "要两个人才能重置" in office.get(f"/users/{other.id}").text
    ask = f"/users/{other.id}/password-reset"
    assert "申请重置密码" in office.get(f"/users/{other.id}").text
    empty = office.post(ask)
    assert (empty.status_code, "写明事由" in empty.text) == (422, True)
    assert office.post(ask, data=CALLED).status_code == 302
    assert told_of(other) == ("propose_reset", CALLED)
    tries = (office.post(ask, data=CALLED), office.post(link), desk.post(link))
    assert [one.status_code for one in tries] == [409, 409, 409]
    asked = grants.standing(other)
    answers = f"/users/grants/{asked.id}"
    assert CALLED["reason"] in desk.get(answers).text
    desk.post(f"{answers}/answer", data={"decision": "refuse", "answer": "电话打不通"})
    assert told_of(other) == ("refuse_reset", {"answer": "电话打不通"})
    assert desk.post(link).status_code == 409
    office.post(ask, data=CALLED)
    done = desk.post(f"/users/grants/{grants.standing(other).id}/answer", data={"decision": "confirm"})
    assert done.location == f"/users/{other.id}"
    assert told_of(other) == ("confirm_reset", {"answer": ""})
    assert (office.post(link).status_code, office.post(ask, data=CALLED).status_code) == (409, 409)
    page = office.get(f"/users/{other.id}").text
    assert ("安全管理员已同意重置密码" in page, "申请重置密码" in page) == (True, False)
    fresh = link_in(desk.post(link).text)
    client.post(fresh, data={"new_password": "Qixi-Festival-7", "password_again": "Qixi-Festival-7"})
    assert desk.post(link).status_code == 409, "agreed to once, used once"
    for user, path in ((admin, f"/users/{admin.id}/password-reset"), (make.user(), None)):
        assert office.post(path or f"/users/{user.id}/password-reset", data=CALLED).status_code == 409
    assert grants.latest_confirmed([other.id]) == {}, "which is no look at the account"


def test_what_changes_nothing_is_no_reset_unless_it_was_asked_for(app, make, sign_in):
    keeper, other = make.user(Role.SECURITY), with_password(make.user(Role.ADMIN))
    given = ["users", "grant", other.username, "--roles", "admin", "--reason", "核对"]
    again = app.test_cli_runner().invoke(args=given)
    assert (again.exit_code, "已经是系统管理员（晋江市）" in again.stderr) == (1, True)
    with pytest.raises(Refused, match="不用再授权"):
        grants.propose(make.user(Role.ADMIN), other, roles=other.own_roles, region=other.region, reason="再来一次")
    make.grant(other, proposed_by=None, stage=GrantStage.CONFIRMED, decided_at=now_utc())  # as older versions kept one
    assert actions.agreed_reset(other) is None
    assert sign_in(keeper).post(f"/users/{other.id}/invitation").status_code == 409
    assert "系统管理员，晋江市（不变）" in sign_in(keeper).get(f"/users/{other.id}").text


def test_a_reset_wakes_nobody(make):
    admin, keeper = with_password(make.user(Role.ADMIN)), make.user(Role.SECURITY)
    other = with_password(make.user(Role.ADMIN, last_seen_at=now_utc() - timedelta(days=89)))
    grants.confirm(keeper, actions.ask_reset(admin, other, "忘记密码"))
    assert other.wanted_at is None
    with as_if(now_utc() + timedelta(days=2)):
        assert "先启用再重置密码" in actions.why_no_link(other, keeper)
        with pytest.raises(Refused, match="先启用再重置密码"):
            actions.ask_reset(admin, other, "忘记密码")


def test_a_link_made_for_the_old_duty_does_not_open_the_new_one(make):
    admin, keeper, clerk = make.user(Role.ADMIN), make.user(Role.SECURITY), make.user()
    token = actions.invite(admin, clerk)
    grants.confirm(
        keeper, grants.propose(admin, clerk, roles=frozenset({Role.AUDITOR}), region=clerk.region, reason="转岗")
    )
    with pytest.raises(signing_in.SpentLink):
        signing_in.invited(token)
