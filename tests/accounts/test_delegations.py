"""委托代办（AB角）: a colleague holds an office for some days, and never gets further with it than its owner."""

import re
from datetime import timedelta

import pytest

from contracts_app.accounts.models import forget_delegations
from contracts_app.accounts.offices import delegations
from contracts_app.accounts.roles import Role
from contracts_app.contracts.desk.inbox import inbox
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused
from contracts_app.core.trail.audit import ACTIONS, AuditEntry
from tests.factories import QUANZHOU, SHISHI

DAY = timedelta(days=1)


def lend(delegator, delegate, *, by=None, first=None, last=None):
    first = first or today()
    return delegations.lend(
        by or delegator,
        delegator=delegator,
        delegate=delegate,
        starts_on=first,
        ends_on=last or first + 5 * DAY,
        reason="出差",
    )


def count_in_menu(page):
    """The number beside 待复核授权."""
    entry = re.search(r'<a[^>]*href="/users/grants"[^>]*>.*?</a>', page, re.S)[0]
    found = re.search(r">(\d+)<", entry)
    return found[1] if found else None


def reasons(name, contract, person):
    return " ".join(CONTRACT.offer(name, contract, person).reasons)


def test_the_delegate_acts_in_the_lent_office_and_the_history_says_for_whom(make, sign_in):
    owner, colleague = make.user(Role.REVIEWER, name="王海"), make.user(Role.REGISTRAR)
    contract = make.contract(state=State.REVIEWED)
    assert Role.REVIEWER not in colleague.roles
    lend(owner, colleague)
    db.session.commit()
    assert colleague.roles == {Role.REGISTRAR, Role.REVIEWER}
    assert colleague.own_roles == {Role.REGISTRAR}
    assert [line.id for line in inbox(colleague)] == [contract.id]
    CONTRACT.offer("refuse", contract, colleague).make({"refusal_code": "R04", "opinion": "不清楚。"})
    line = contract.history[-1]
    assert (line.by_id, line.for_id, line.role) == (colleague.id, owner.id, "审核员")
    db.session.commit()
    assert "（审核员，代王海办理）" in sign_in(make.user()).get(f"/contracts/{contract.id}").get_data(as_text=True)
    assert "代王海" in sign_in(colleague).get("/me").get_data(as_text=True)


@pytest.mark.parametrize("did", ["filed", "brokered", "reviewed", "checked"])
def test_what_the_owner_did_binds_the_delegate_too(make, did):
    owner, colleague = make.user(Role.REGISTRAR, Role.REVIEWER, Role.MANAGER), make.user()
    facts = {f"{did}_by": owner} if did != "brokered" else {"broker": make.broker(user=owner)}
    contract = make.contract(state=State.CHECKED if did == "checked" else State.REVIEWED, **facts)
    lend(owner, colleague)
    assert "委托人" in reasons("register_large" if did == "checked" else "refuse", contract, colleague)
    assert inbox(colleague) == []


def test_the_delegates_own_acts_bind_them_as_always(make):
    owner, colleague = make.user(Role.REVIEWER), make.user(Role.REGISTRAR)
    lend(owner, colleague)
    reviewed = make.contract(state=State.REVIEWED, reviewed_by=colleague)
    filed = make.contract(state=State.REVIEWED, filed_by=colleague)
    assert "初审是你做的" in reasons("refuse", reviewed, colleague)
    assert "是你申报的" in reasons("refuse", filed, colleague)
    assert inbox(colleague) == []


def test_a_lent_office_reaches_no_further_than_its_owners_region(make):
    owner, colleague = make.user(Role.REVIEWER), make.user(Role.REGISTRAR, region=QUANZHOU)
    lend(owner, colleague)
    here, there = make.contract(state=State.REVIEWED), make.contract(state=State.REVIEWED, unit=SHISHI)
    assert reasons("refuse", here, colleague) == ""
    assert "不归你所在地区" in reasons("refuse", there, colleague)
    assert [line.id for line in inbox(colleague)] == [here.id]


def test_it_holds_from_the_first_day_to_the_last_and_never_in_a_chain(make):
    one, two, three = make.user(Role.REVIEWER), make.user(Role.REGISTRAR), make.user(Role.REGISTRAR)
    later = lend(one, two, first=today() + DAY)
    assert Role.REVIEWER not in two.roles
    delegations.end(one, later)
    now = lend(one, two, last=today())
    lend(two, three)
    assert Role.REVIEWER in two.roles
    assert Role.REVIEWER not in three.roles
    delegations.end(one, now)
    assert Role.REVIEWER not in two.roles
    assert {"lend_office", "end_lending"} <= {entry.action for entry in db.session.query(AuditEntry)} & ACTIONS.keys()


def test_whom_nobody_can_stand_in_for_and_who_cannot_stand_in(make):
    reviewer, broker = make.user(Role.REVIEWER), make.user(Role.BROKER, Role.REGISTRAR)
    admin, auditor, other = make.user(Role.ADMIN), make.user(Role.AUDITOR), make.user(Role.REGISTRAR, region=SHISHI)
    for delegate in (broker, admin, auditor, other, reviewer):
        assert delegate not in delegations.colleagues(reviewer)
        with pytest.raises(Refused, match="代办人须是"):
            lend(reviewer, delegate)
    with pytest.raises(Refused, match="不用委托"):
        lend(make.user(Role.BROKER), reviewer)
    with pytest.raises(NotYours):
        lend(make.user(), reviewer, by=make.user(Role.MANAGER))
    lend(make.user(Role.BROKER, Role.REVIEWER), make.user())  # lends the office, not the brokerage
    # Who becomes a broker, or leaves, holds nothing from then on.
    colleague = make.user()
    lend(reviewer, colleague)
    reviewer.is_active = False
    db.session.flush()
    forget_delegations(db.session())
    assert colleague.roles == {Role.REGISTRAR}


def test_the_pages_lend_and_end(make, sign_in):
    owner, colleague = make.user(Role.REVIEWER), make.user(name="李同事")
    data = {"delegate_id": colleague.id, "starts_on": str(today()), "ends_on": str(today()), "reason": "休假"}
    client = sign_in(owner)
    assert client.post("/me/delegations", data=data | {"ends_on": str(today() - DAY)}).status_code == 422
    assert client.post("/me/delegations", data=data).status_code == 302
    again = client.post("/me/delegations", data=data)
    assert again.status_code == 422
    assert "已委托李同事代办" in again.get_data(as_text=True)
    made = delegations.of(owner)[0]
    assert sign_in(make.user(Role.MANAGER)).post(f"/delegations/{made.id}/end").status_code == 404
    assert sign_in(make.user(Role.ADMIN)).post(f"/delegations/{made.id}/end").status_code == 302
    admin = sign_in(make.user(Role.ADMIN))
    assert admin.post("/users/delegations", data=data | {"delegator_id": owner.id}).status_code == 302
    assert "休假" in admin.get("/users/delegations").get_data(as_text=True)


def test_what_an_administrator_lends_waits_for_a_second_person(make, sign_in):
    owner, colleague, admin = make.user(Role.MANAGER), make.user(), make.user(Role.ADMIN)
    with pytest.raises(Refused, match="最多委托 60 天"):
        lend(owner, colleague, by=admin, last=today() + 60 * DAY)
    made = lend(owner, colleague, by=admin, last=today() + 59 * DAY)
    db.session.commit()
    assert colleague.roles == {Role.REGISTRAR}
    path = f"/delegations/{made.id}/confirm"
    assert sign_in(admin).post(path).status_code == 403
    assert sign_in(make.user(Role.SECURITY, region=SHISHI)).post(path).status_code == 404
    keeper = sign_in(make.user(Role.SECURITY))
    assert "待复核" in keeper.get("/users/delegations").text
    page = keeper.get("/users/grants").text
    assert "另有 1 项委托代办等你复核" in page
    assert count_in_menu(page) == "1"
    assert keeper.post(path).status_code == 302
    assert count_in_menu(keeper.get("/users/grants").text) is None
    assert keeper.post(path).status_code == 409
    db.session.expire_all()
    forget_delegations(db.session())
    assert colleague.roles == {Role.REGISTRAR, Role.MANAGER}
    # Nor does a security administrator arrange one: that is the other person's part.
    form = {"delegator_id": owner.id, "delegate_id": colleague.id, "reason": "x"}
    later = {"starts_on": str(today() + 90 * DAY), "ends_on": str(today() + 200 * DAY)}
    assert "一次最多委托 60 天" in sign_in(admin).post("/users/delegations", data=form | later).text
    later["ends_on"] = later["starts_on"]
    assert "别人的由系统管理员办理" in keeper.post("/users/delegations", data=form | later).text
    assert delegations.of(owner) == [made]


def test_asking_for_roles_costs_one_query_however_often(make, count_queries):
    owner, colleague = make.user(Role.REVIEWER), make.user()
    lend(owner, colleague)
    forget_delegations(db.session())
    with count_queries() as queries:
        for _ in range(5):
            assert Role.REVIEWER in colleague.roles
    assert len([one for one in queries if "FROM delegations" in one]) == 1
