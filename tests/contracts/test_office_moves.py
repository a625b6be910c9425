"""What the office can do besides the plain way: turn away, hear experts, decide by three, extend, undo, archive."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import current_app

from contracts_app.accounts.entrance.signing_in import may_be_parked
from contracts_app.accounts.roles import Role
from contracts_app.contracts import course
from contracts_app.contracts.deciding import later_moves
from contracts_app.contracts.desk.inbox import inbox
from contracts_app.contracts.finding.search import WORDS
from contracts_app.contracts.models import Deduction, DeductionKind, DraftInput
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import Refused
from contracts_app.rules.models import Setting
from contracts_app.rules.queries import work_calendar

LARGE = Decimal(6_000_000)
REGISTER = {"registration_number": "2026350582000001", "registered_on": None, "opinion": ""}
EXPERT = {"experts": 3, "expert_on": None, "expert_conclusion": "register", "opinion": ""}


def do(name, contract, person, **answers):
    CONTRACT.offer(name, contract, person).make(answers)


def why_not(name, contract, person):
    return " ".join(CONTRACT.offer(name, contract, person).reasons)


def offered(contract, person):
    return {offer.move.name for offer in CONTRACT.offers(contract, person) if not offer.reasons}


def submitted(make, amount=LARGE, **facts):
    contract = make.contract(amount=amount, **facts)
    do("submit", contract, contract.filed_by, undertaking=True)
    return contract


# ---- experts and the third person ----------------------------------------------------------------------------------


def test_a_large_contract_is_heard_by_experts_and_decided_by_three(make):
    contract = submitted(make)
    assert (contract.needs_expert, contract.needs_third) == (True, True)
    contract.state, contract.reviewed_by = State.REVIEWED, make.user()
    contract.accepted_on, contract.acceptance_number = today(), "JJ-JSHT-2026-99999"
    db.session.flush()
    one, other, manager = make.user(Role.REVIEWER), make.user(Role.REVIEWER), make.user(Role.MANAGER)

    assert "专家" in why_not("register", contract, one)
    assert "第三人" in why_not("register", contract, one)
    assert "专家" in why_not("check", contract, one)
    assert "refuse" in offered(contract, one)
    due_on = contract.due_on
    do("send_to_expert", contract, one, reason="金额大。")
    assert contract.due_on >= due_on
    do("record_expert", contract, one, **EXPERT | {"expert_on": today()})
    do("check", contract, one, opinion="")

    assert "复核是你做的" in why_not("register_large", contract, one)
    assert [line.id for line in inbox(one)] == []
    assert [line.id for line in inbox(other)] == [line.id for line in inbox(manager)] == [contract.id]
    do("return_check", contract, manager, reason="再核实。")
    assert contract.checked_by is None
    do("check", contract, other, opinion="")
    do("register_large", contract, manager, **REGISTER | {"registered_on": today()})
    deciders = {contract.reviewed_by_id, contract.checked_by_id, contract.decided_by_id}
    assert (contract.state, len(deciders)) == (State.REGISTERED, 3)
    assert [step.label for step in course.steps(contract)] == [
        *("提交", "受理", "初审", "专家审核", "复核", "大额审批登记")
    ]
    assert contract.history[-1].role == "局领导"


def test_the_way_is_found_anew_with_each_submission_and_at_the_first_review(make):
    contract = submitted(make)
    contract.payments[0].amount = contract.total_amount = contract.technology_amount = Decimal(100)
    contract.expert_on, contract.extended_days = today(), 3
    do("ask_correction", contract, make.user(), items=[{"section": "money", "request": "核对"}])
    assert (contract.expert_on, contract.extended_days) == (None, 0)
    do("resubmit", contract, contract.filed_by, replies=["改了。"])
    assert (contract.needs_expert, contract.needs_third) == (False, False)


def test_under_the_old_rules_no_expert_is_asked_for(make):
    contract = make.contract(state=State.CORRECTION, amount=LARGE, submitted_on=today().replace(year=2025))
    do("resubmit", contract, contract.filed_by, replies=["补了。"])
    assert contract.rule_set_code == "2001"
    assert (contract.needs_expert, contract.needs_third) == (False, True)


# ---- more time -----------------------------------------------------------------------------------------------------


def test_an_extension_moves_the_last_day_by_working_days_up_to_a_cap(make):
    contract, manager = make.contract(state=State.ACCEPTED), make.user(Role.MANAGER)
    first = contract.due_on
    do("extend", contract, manager, days=10, reason="情况复杂。")
    assert contract.due_on == work_calendar().add_workdays(first, 10)
    with pytest.raises(Refused, match="最多还能延长 5 个工作日"):
        do("extend", contract, manager, days=6, reason="再延。")
    do("extend", contract, manager, days=5, reason="再延。")
    assert "达到上限" in why_not("extend", contract, manager)
    assert inbox(manager) == []


# ---- taking a decision back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "role", "name", "answers"),
    [
        (State.SUBMITTED, Role.REGISTRAR, "accept", {"complete_papers": True}),
        (State.SUBMITTED, Role.REGISTRAR, "not_accept", {"non_acceptance_code": "N01", "opinion": ""}),
        (State.SUBMITTED, Role.REGISTRAR, "ask_correction", {"items": [{"section": "money", "request": "核对"}]}),
        (State.REVIEWED, Role.REVIEWER, "ask_correction_second", {"items": [{"section": "money", "request": "核"}]}),
        (State.REVIEWED, Role.REVIEWER, "refuse", {"refusal_code": "R04", "opinion": "不清楚。"}),
        (State.REVIEWED, Role.REVIEWER, "return_review", {"reason": "核实。"}),
        (State.REVIEWED, Role.REVIEWER, "send_to_expert", {"reason": "有争议。"}),
        (State.EXPERT, Role.REVIEWER, "record_expert", EXPERT | {"expert_on": today()}),
        (State.CHECKED, Role.MANAGER, "return_check", {"reason": "核实。"}),
        (State.ACCEPTED, Role.REVIEWER, "extend", {"days": 3, "reason": "复杂。"}),
    ],
)
def test_undoing_puts_everything_back(make, state, role, name, answers):
    contract, person = make.contract(state=state), make.user(role)
    before = contract.image() | {"version": 0, "open": len(contract.open_corrections)}
    do(name, contract, person, **answers)
    assert "undo" not in offered(contract, make.user(Role.REGISTRAR, Role.REVIEWER, Role.MANAGER))
    assert "undo" in offered(contract, person)
    do("undo", contract, person, reason="点错了。")
    after = contract.image() | {"version": 0, "open": len(contract.open_corrections)}
    assert (contract.state, after) == (state, before)
    assert [line.move for line in contract.history[-2:]] == [name, "undo"]
    assert "undo" not in offered(contract, person)


def test_undoing_a_review_puts_the_deduction_sheet_back(make):
    contract = make.contract(state=State.REVIEWED)
    contract.deductions.append(Deduction(position=1, kind=DeductionKind.EQUIPMENT, name="泵", amount=Decimal(10)))
    db.session.flush()
    db.session.refresh(contract)
    image = contract.image()
    contract.deductions[0].amount = Decimal(99)
    contract.deductions.append(Deduction(position=2, kind=DeductionKind.PART, name="阀", amount=Decimal(1)))
    contract.technology_amount, contract.type_code = Decimal(1), "FW1"
    db.session.flush()
    contract.restore(image)
    db.session.flush()
    db.session.refresh(contract)
    assert contract.image() | {"version": 0} == image | {"version": 0}


def test_nothing_is_undone_that_somebody_acted_on_nor_too_late(make):
    person = make.user()
    too_late, typed_on = make.contract(state=State.SUBMITTED), make.contract(state=State.SUBMITTED)
    do("accept", too_late, person, complete_papers=True)
    too_late.history[-1].at = now_utc() - timedelta(minutes=31)
    do("ask_correction", typed_on, person, items=[{"section": "money", "request": "核对"}])
    typed_on.inputs.append(DraftInput(section="money", fields="a=b", faults=1))
    db.session.flush()
    assert "超过 30 分钟" in why_not("undo", too_late, person)
    assert "已经有人接着办理" in why_not("undo", typed_on, person)
    assert not CONTRACT.moves["register"].may_be_undone


def test_the_button_says_how_long(make, sign_in):
    contract, person = make.contract(state=State.SUBMITTED), make.user()
    do("accept", contract, person, complete_papers=True)
    db.session.commit()
    page = sign_in(person).get(f"/contracts/{contract.id}").get_data(as_text=True)
    assert "撤回本人决定（还剩 30 分钟）" in page
    assert later_moves.minutes_left(contract) == 30
    db.session.get(Setting, "undo_minutes").value = "0"
    assert "超过 0 分钟" in why_not("undo", contract, person)


# ---- turned away ---------------------------------------------------------------------------------------------------


def test_of_a_classified_contract_nothing_stays(make, sign_in):
    contract, registrar = make.contract("某型舰艇涂层", state=State.SUBMITTED), make.user()
    shared = make.contract(state=State.SUBMITTED)
    store = current_app.extensions["files"]
    alone = [file.sha256 for file in contract.attachments]
    contract.inputs.append(DraftInput(section="money", fields="secret=1", faults=1))
    same = shared.attachments[0].sha256
    contract.attachments[0].sha256 = same
    db.session.commit()

    answer = sign_in(registrar).post(
        f"/contracts/{contract.id}/not_accept",
        data={"non_acceptance_code": "N03", "opinion": "舰艇", "version": contract.version},
    )

    assert answer.status_code == 302
    db.session.expire_all()
    assert contract.state is State.NOT_ACCEPTED
    assert (contract.title, contract.content, contract.total_amount) == ("", "", 0)
    assert (contract.seller, contract.buyer, contract.type_code, contract.signed_on) == (None, None, None, None)
    assert [contract.attachments, contract.payments, contract.inputs, contract.corrections] == [[], [], [], []]
    for line in contract.history:
        assert (line.facts, line.changes, line.before) == (None, {}, None)
        assert "舰艇" not in str(line.answers)
    assert db.session.scalars(WORDS.ids("舰艇")).all() == []
    assert store.exists(same), "another contract names it too"
    assert not store.exists(alone[1])
    assert "涉密合同" in sign_in(registrar).get(f"/contracts/{contract.id}").get_data(as_text=True)
    assert "undo" not in offered(contract, registrar)
    assert not may_be_parked(f"/contracts/{contract.id}/fill/subject"), "a form under way brings nothing back"
    assert may_be_parked(f"/contracts/{shared.id}/fill/subject")


def test_a_reason_that_says_nothing_needs_a_text(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    url = f"/contracts/{contract.id}/not_accept"
    answer = sign_in(make.user()).post(url, data={"non_acceptance_code": "N06", "version": contract.version})
    assert answer.status_code == 422
    assert "写明具体理由" in answer.get_data(as_text=True)


def test_an_archive_number_can_be_corrected(make):
    contract, registrar = make.contract(state=State.REFUSED), make.user()
    do("archive", contract, registrar, archive_number="盒1", archived_on=today())
    do("archive", contract, registrar, archive_number="盒2", archived_on=today())
    assert (contract.archive_number, contract.state) == ("盒2", State.REFUSED)
    assert inbox(registrar) == []
