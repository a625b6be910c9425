"""Once a year every account is looked at by somebody else: kept or closed."""

import io
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from contracts_app.accounts.models import Recertification
from contracts_app.accounts.offices import recertification
from contracts_app.accounts.offices.recertification import Stage
from contracts_app.accounts.roles import Role
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused
from contracts_app.core.trail.audit import AuditEntry
from tests.factories import SHISHI

from .pages import with_password


@pytest.fixture
def keeper(make):
    return with_password(make.user(Role.SECURITY))


@pytest.fixture
def old(make):
    """An account that nobody has looked at for two years."""
    return make.user(name="林若溪", created_at=now_utc() - timedelta(days=731))


def line_of(user):
    return next(line for line in recertification.lines(user.region) if line.user.id == user.id)


def test_the_list_says_what_is_overdue_and_each_line_is_decided_once(sign_in, make, keeper, old):
    desk = sign_in(keeper)
    page = desk.get("/users/recertification").text
    assert "林若溪" in page
    assert "超过一年没有复核" in page
    due = recertification.recertification_due()
    assert due >= 1
    assert line_of(old).stage is Stage.OVERDUE
    assert desk.post(f"/users/{old.id}/recertification", data={"decision": "keep"}).status_code == 302
    assert line_of(old).stage is Stage.KEPT
    assert recertification.recertification_due() == due - 1
    assert line_of(old).due_on > today()
    again = sign_in(make.user(Role.ADMIN)).post(f"/users/{old.id}/recertification", data={"decision": "close"})
    assert again.status_code == 409
    told = db.session.query(AuditEntry).filter_by(action="recertify").one()
    assert told.details == {"year": today().year, "roles": "登记员", "region": "晋江市", "decision": "保留"}


def test_what_is_not_needed_any_more_is_closed_at_once(sign_in, keeper, old):
    sign_in(keeper).post(f"/users/{old.id}/recertification", data={"decision": "close"})
    assert not old.is_active
    assert line_of(old).stage is Stage.CLOSED


def test_a_new_grant_is_a_look_too(make, old):
    grant = make.grant(old, Role.REVIEWER)
    keeper = make.user(Role.SECURITY)
    recertification.grants.confirm(keeper, grant)
    line = line_of(old)
    assert (line.stage, line.granted.decided_by_id) == (Stage.LATER, keeper.id)


def test_nobody_looks_at_themselves_and_of_another_region_there_is_none(sign_in, make, keeper, old, session):
    with pytest.raises(NotYours, match="另一位管理员"):
        recertification.decide(keeper, keeper, is_kept=True)
    with pytest.raises(Refused, match="最后一个能登录的"):
        recertification.decide(make.user(Role.ADMIN), keeper, is_kept=False)
    far = make.user(region=SHISHI)
    assert sign_in(keeper).post(f"/users/{far.id}/recertification", data={"decision": "keep"}).status_code == 404
    assert far.username not in sign_in(keeper).get("/users/recertification").text
    own = {"user": old, "by": old, "year": 2026, "is_kept": True, "roles": old.own_roles}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.add(Recertification(region_code=old.region_code, **own))


def test_the_workbook_has_every_line_and_taking_it_is_written_down(sign_in, keeper, old):
    answer = sign_in(keeper).post("/users/recertification.xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert all(words in sheet for words in ("林若溪", "登记员", "已逾期", "签字"))
    assert db.session.query(AuditEntry).filter_by(action="export_recertification").count() == 1


def test_an_office_with_few_people_is_pointed_at_and_nothing_more(sign_in, make, keeper):
    assert "晋江市还没有在用的登记员、审核员。" in sign_in(keeper).get("/users").text
    city = make.user(Role.SECURITY, region="350500")
    assert "13 个登记机构还没有在用的登记员、审核员。" in sign_in(city).get("/users").text
    for _ in range(2):
        with_password(make.user(Role.REVIEWER))
    assert "晋江市 2 人。" in sign_in(keeper).get("/users").text
    assert "晋江市 2 人；另有 12 个还没有。" in sign_in(city).get("/users").text
    with_password(make.user())
    assert "不足 3 人" not in sign_in(keeper).get("/users").text
