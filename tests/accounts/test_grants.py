"""Roles are granted by two people, what is taken away is gone at once, and somebody of each of the three is left."""

import threading

import pytest
from sqlalchemy.exc import IntegrityError

from contracts_app import commands
from contracts_app.accounts.models import GrantStage, RoleGrant, User, UserRole
from contracts_app.accounts.offices import grants
from contracts_app.accounts.roles import Role
from contracts_app.accounts.users import actions
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.regions import queries as regions
from tests.factories import JINJIANG, QUANZHOU, SHISHI

from .pages import link_in, with_password


@pytest.fixture
def keeper(make):
    return with_password(make.user(Role.SECURITY, name="郑守安"))


@pytest.fixture
def asked(make):
    """A registrar who is to be a reviewer too."""
    return make.grant(make.user(name="林若溪"), Role.REVIEWER)


def answer(visitor, grant, decision="confirm", text=""):
    return visitor.post(f"/users/grants/{grant.id}/answer", data={"decision": decision, "answer": text})


def actions_told():
    return [entry.action for entry in db.session.query(AuditEntry).order_by(AuditEntry.id)]


def test_a_security_administrator_sees_what_waits_and_lets_it_take_effect(sign_in, keeper, asked):
    desk = sign_in(keeper)
    assert desk.get("/").location == "/users/grants"
    page = desk.get("/users/grants").text
    assert "林若溪" in page
    assert "登记员、审核员" in page
    assert 'class="count">1<' in page or ">1<" in page
    assert answer(desk, asked).status_code == 302
    assert asked.user.own_roles == {Role.REGISTRAR, Role.REVIEWER}
    assert (asked.stage, asked.decided_by_id) == (GrantStage.CONFIRMED, keeper.id)
    waits = f"/users/grants/{asked.id}"
    assert waits not in desk.get("/users/grants").text
    assert waits in desk.get("/users/grants?is=decided").text
    assert "confirm_roles" in actions_told()


def test_a_refusal_says_why_and_changes_nothing(sign_in, keeper, asked):
    desk = sign_in(keeper)
    assert "写明不同意的理由" in answer(desk, asked, "refuse").text
    assert "选择同意或不同意" in desk.post(f"/users/grants/{asked.id}/answer").text
    assert answer(desk, asked, "refuse", "没有任职文件").status_code == 302
    assert (asked.stage, asked.answer, asked.user.own_roles) == (GrantStage.REFUSED, "没有任职文件", {Role.REGISTRAR})
    assert "没有任职文件" in sign_in(asked.proposed_by).get(f"/users/{asked.user_id}").text


def test_whoever_comes_second_is_told_what_was_decided(sign_in, make, keeper, asked):
    answer(sign_in(keeper), asked)
    late = answer(sign_in(make.user(Role.SECURITY)), asked, "refuse", "不同意")
    assert late.status_code == 409
    assert "已由郑守安办理" in late.text
    assert asked.stage is GrantStage.CONFIRMED


def test_nobody_confirms_for_themselves(make, keeper, asked, session):
    was_administrator = make.grant(make.user(), Role.REVIEWER, by=keeper)
    for_oneself = make.grant(keeper, region_after_code="350582001")
    for grant in (was_administrator, for_oneself):
        with pytest.raises(NotYours, match="另一位安全管理员"):
            grants.confirm(keeper, grant)
    with pytest.raises(NotYours, match="由安全管理员复核"):
        grants.confirm(asked.proposed_by, asked)
    for person_id in (asked.proposed_by_id, asked.user_id):
        values = {"stage": GrantStage.CONFIRMED, "decided_at": now_utc(), "decided_by_id": person_id}
        with pytest.raises(IntegrityError):
            write_past_the_service(session, asked, values)


def write_past_the_service(session, grant, values):
    with session.begin_nested():
        session.query(RoleGrant).filter_by(id=grant.id).update(values)


def test_of_another_region_there_is_none(sign_in, make, asked):
    far = sign_in(make.user(Role.SECURITY, region=SHISHI))
    assert "林若溪" not in far.get("/users/grants").text
    assert far.get(f"/users/grants/{asked.id}").status_code == 404
    assert answer(far, asked).status_code == 404
    upwards = make.grant(make.user(), Role.REVIEWER, region_after_code=QUANZHOU)
    near = sign_in(make.user(Role.SECURITY))
    assert answer(near, upwards).status_code == 404, "nobody gives away what lies beyond their own region"


def test_fewer_roles_are_fewer_at_once_and_a_new_request_takes_the_place_of_the_old(make, asked):
    admin, user = asked.proposed_by, asked.user
    region = user.region
    more = frozenset({Role.REGISTRAR, Role.MANAGER})
    newer = actions.revise(admin, user, name=user.name, roles=more, region=region, version=user.version, reason="文")
    assert (asked.stage, newer.stage) == (GrantStage.WITHDRAWN, GrantStage.WAITING)
    user.grants[:] = []
    grants.give(user, more)
    fewer = frozenset({Role.MANAGER})
    with pytest.raises(ValueError, match="写明事由"):
        actions.revise(admin, user, name=user.name, roles=fewer, region=region, version=user.version)
    actions.revise(admin, user, name=user.name, roles=fewer, region=region, version=user.version, reason="离开窗口")
    assert (user.own_roles, newer.stage) == (fewer, GrantStage.WITHDRAWN)
    entry = db.session.query(AuditEntry).filter_by(action="take_roles").one()
    assert entry.details == {"roles": ["登记员、局领导", "局领导"], "reason": "离开窗口"}


def test_what_has_changed_since_is_asked_for_anew(make, keeper, asked):
    asked.user.region_code = "350582001"
    with pytest.raises(Refused, match="又有变动"):
        grants.confirm(keeper, asked)
    with_password(asked.proposed_by)
    actions.set_active(asked.proposed_by, asked.user, is_active=False)
    assert asked.stage is GrantStage.WITHDRAWN


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SECURITY, Role.AUDITOR])
def test_the_last_of_the_three_stays(make, role):
    boss = with_password(make.user(Role.ADMIN, region=QUANZHOU))
    last = boss if role is Role.ADMIN else with_password(make.user(role, region=QUANZHOU))
    make.user(role, name="从没来过")
    other = make.user(Role.ADMIN, region=QUANZHOU)  # has no password: cannot stand in for anybody
    with pytest.raises(Refused, match="最后一个能登录的"):
        actions.set_active(other, last, is_active=False)
    more = frozenset({Role.MANAGER})
    with pytest.raises(Refused, match="最后一个能登录的"):
        actions.revise(other, last, name="x", roles=more, region=last.region, version=last.version, reason="转岗")
    with_password(make.user(role))
    with pytest.raises(Refused, match="管泉州市的"):  # one of a county is not enough to follow
        actions.set_active(other, last, is_active=False)
    county = regions.region(JINJIANG)
    with pytest.raises(Refused, match="不能停用、调到别的地区"):
        actions.revise(
            other, last, name=last.name, roles=last.own_roles, region=county, version=last.version, reason="调"
        )
    with pytest.raises(Refused, match="管泉州市的"):
        actions.disable_dormant([last], "命令行")
    with_password(make.user(role, region=QUANZHOU))
    actions.set_active(other, last, is_active=False)
    assert not last.is_active


def test_when_too_few_are_left_the_owner_of_the_machine_mends_it(app, make, asked):
    user, runner = asked.user, app.test_cli_runner()
    assert "林若溪\t登记员、审核员（晋江市）" in runner.invoke(args=["users", "pending"]).stdout
    assert runner.invoke(args=["users", "confirm", user.username]).exit_code == 2, "a reason is asked for"
    done = runner.invoke(args=["users", "confirm", user.username, "--reason", "安全管理员离职"])
    assert done.stdout == "林若溪：登记员、审核员（晋江市）\n"
    assert runner.invoke(args=["users", "confirm", user.username, "--reason", "x"]).exit_code == 1
    given = ["users", "grant", user.username, "--roles", "security", "--region", QUANZHOU, "--reason", "没有人了"]
    assert runner.invoke(args=given).stdout == "林若溪：安全管理员（泉州市）\n"
    entry = db.session.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
    assert (entry.action, entry.username, entry.details["reason"]) == ("confirm_roles", "命令行", "没有人了")
    for wrong in ("admin,auditor", "emperor", ""):
        assert runner.invoke(args=["users", "grant", user.username, "--roles", wrong, "--reason", "x"]).exit_code == 1


def test_two_people_decide_at_the_same_moment_and_one_of_them_is_told(live):
    asked = live.make.grant(live.make.user(), Role.REVIEWER)
    desks = [live.visitor(live.make.user(Role.SECURITY)) for _ in range(2)]
    data = [{"decision": "confirm"}, {"decision": "refuse", "answer": "不同意"}]
    path, statuses = f"/users/grants/{asked.id}/answer", []
    threads = [
        threading.Thread(target=lambda d=desk, f=form: statuses.append(d.post(path, data=f).status_code))
        for desk, form in zip(desks, data, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 409]
    db.session.expire_all()
    kept = db.session.get(RoleGrant, asked.id)
    has = db.session.get(User, asked.user_id).own_roles
    assert (Role.REVIEWER in has) == (kept.stage is GrantStage.CONFIRMED)


def test_the_pages_ask_the_same_number_of_questions_for_many(sign_in, make, keeper, asked, count_queries):
    desk, paths = sign_in(keeper), ("/users/grants", "/users/recertification", "/users")

    def asked_for(path):
        with count_queries() as queries:
            assert desk.get(path).status_code == 200
        return len(queries)

    few = [asked_for(path) for path in paths]
    for _ in range(6):
        make.grant(make.user(Role.MANAGER), Role.REVIEWER)
    assert [asked_for(path) for path in paths] == few


def test_a_real_office_gets_a_link_for_each_of_the_three(app, client, make, monkeypatch):
    """System, security and audit management lie in three hands; of a role that somebody has there is no link."""
    monkeypatch.setattr(commands, "make_ready", lambda: None)  # the database is
    printed = app.test_cli_runner().invoke(args=["init"])
    lines = printed.stdout.splitlines()
    assert [line.split("（")[0] for line in lines] == ["系统管理员", "安全管理员", "审计员"]
    for line, username in zip(lines, ("admin", "security", "auditor"), strict=True):
        assert f"用户名 {username}）" in line
        assert username in client.get(link_in(line)).text
    again = app.test_cli_runner().invoke(args=["init"]).stdout
    assert again.count("/invitations/") == 3
    assert client.get(link_in(lines[1])).status_code == 410, "a new link takes the place of the old"
    assert how_many(Role.SECURITY) == 1
    for role in (Role.ADMIN, Role.AUDITOR):
        with_password(make.user(role))
    upgraded = app.test_cli_runner().invoke(args=["init"]).stdout
    assert [line.split("（")[0] for line in upgraded.splitlines()] == ["安全管理员"]
    with_password(make.user(Role.SECURITY))
    assert app.test_cli_runner().invoke(args=["init"]).stdout == ""


def how_many(role):
    return db.session.query(UserRole).filter_by(role=role).count()
