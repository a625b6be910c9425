"""Every move through its page: by the right people, refused to everybody else, and never made twice."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from contracts_app.accounts.roles import Role
from contracts_app.codes.models import IpKind
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.desk.inbox import inbox
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.errors import Refused
from tests.factories import JINJIANG, QUANZHOU, SHISHI

NUMBER = "2026350582000001"
ANSWERS = {
    "submit": {"undertaking": "y"},
    "resubmit": {"replies-0": "已按清单改好"},
    "accept": {"complete_papers": "y"},
    "review": {
        "recognised_type": "KF1",
        "deductions-0-kind": "equipment",
        "deductions-0-name": "检测仪 1 台",
        "deductions-0-amount": "10",
        "conclusion": "register",
        "opinion": "建议登记",
    },
    "register": {"registration_number": NUMBER, "registered_on": today().isoformat()},
    "refuse": {"refusal_code": "R04", "opinion": "看不出技术内容"},
    "return_review": {"reason": "金额待核实"},
    "ask_correction": {"items-0-section": "money", "items-0-request": "写明付款计划"},
    "ask_correction_second": {"items-0-section": "files", "items-0-request": "补扫描件"},
    "withdraw": {"reason": "合同解除"},
    "not_accept": {"non_acceptance_code": "N01"},
    "check": {"looked_through": "y"},
    "register_large": {"registration_number": NUMBER, "registered_on": today().isoformat()},
    "return_check": {"reason": "金额待核实"},
    "send_to_expert": {"reason": "金额大"},
    "record_expert": {"experts": "3", "expert_on": today().isoformat(), "expert_conclusion": "register"},
    "extend": {"days": "2", "reason": "情况复杂"},
    "archive": {"archive_number": "盒 1", "archived_on": today().isoformat()},
}
FACTS = {"check": {"needs_third": True}}  # of the contract, without which the move is refused
# (move, from, to, role): those whose answers stand here, and of one that stays in its state one line for each role.
ROWS = sorted(
    {
        (name, role if CONTRACT.moves[name].stays else source, role): (name, source, target, role)
        for name, source, target, role in CONTRACT.table()
        if name in ANSWERS
    }.values()
)


def post(client, contract, move, **data):
    data = {"version": contract.version, **ANSWERS[move], **data}
    return client.post(f"/contracts/{contract.id}/{move}", data=data)


@pytest.mark.parametrize(("move", "source", "target", "role"), ROWS)
def test_the_right_person_makes_the_move_on_its_page(make, sign_in, move, source, target, role):
    if Role.BROKER in CONTRACT.moves[move].roles:
        person = make.user(Role(role))
        contract = make.contract(state=State(source), filed_by=person)
    else:
        person, contract = make.user(Role(role)), make.contract(state=State(source), **FACTS.get(move, {}))
    client = sign_in(person)

    page = client.get(f"/contracts/{contract.id}/{move}")
    answer = post(client, contract, move, version=contract.version)

    assert page.status_code == 200
    assert CONTRACT.moves[move].explains in page.get_data(as_text=True)
    assert answer.status_code == 302
    assert contract.state is State(target)
    assert contract.history[-1].move == move
    assert contract.history[-1].by_id == person.id
    assert ledger.verify() == []


@pytest.mark.parametrize("source", sorted({source for _, source, _, _ in ROWS}))
def test_nobody_else_makes_it_by_a_hand_made_request(make, sign_in, source):
    contract = make.contract(state=State(source))
    lines, strangers = len(contract.history), {role: sign_in(make.user(role)) for role in Role}
    for move in CONTRACT:
        for role in Role:
            if move.name in ANSWERS and contract.state in move.sources and role not in move.roles:
                answer = post(strangers[role], contract, move.name)
                assert answer.status_code in (403, 404), (move.name, role)
                assert (contract.state, len(contract.history)) == (State(source), lines), (move.name, role)


@pytest.mark.parametrize("state", State)
def test_no_step_is_skipped(make, sign_in, state):
    contract = make.contract(state=state)
    people = {role: make.user(role) for role in (Role.BROKER, Role.REGISTRAR, Role.REVIEWER, Role.MANAGER)}
    filed = {role: make.contract(state=state, filed_by=people[role]) for role in (Role.BROKER, Role.REGISTRAR)}
    clients = {role: sign_in(person) for role, person in people.items()}
    lines = len(contract.history)
    for number, move in enumerate(sorted(ANSWERS)):
        if state in CONTRACT.moves[move].sources:
            continue
        # Whose move it is take turns from state to state; test_workflow has all of them, without their pages.
        its = sorted(CONTRACT.moves[move].roles)
        role = its[(number + list(State).index(state)) % len(its)]
        of_applicant = Role.BROKER in its
        asked = filed[role] if of_applicant else contract

        answer = post(clients[role], asked, move, version=asked.version)

        # Another person's draft does not even exist for the office.
        unseen = state is State.DRAFT and not of_applicant
        assert answer.status_code == (404 if unseen else 409), (move, role)
        assert (asked.state, len(asked.history)) == (state, lines), (move, role)
        assert unseen or f"现在是“{state.label}”" in answer.get_data(as_text=True), (move, role)


OFFICE_ROWS = [row for row in ROWS if Role.BROKER not in CONTRACT.moves[row[0]].roles]


@pytest.mark.parametrize(("move", "source", "target", "role"), OFFICE_ROWS)
def test_nobody_decides_what_they_filed(make, sign_in, move, source, target, role):
    person = make.user(Role(role))
    contract = make.contract(state=State(source), filed_by=person)

    answer = post(sign_in(person), contract, move, version=contract.version)

    assert answer.status_code == 409
    assert "这份合同是你申报的，须由别人办理。" in answer.get_data(as_text=True)
    assert contract.state is State(source)


@pytest.mark.parametrize("move", ["register", "refuse", "return_review", "ask_correction_second"])
def test_the_second_review_is_another_persons(make, sign_in, move):
    both = make.user(Role.REGISTRAR, Role.REVIEWER)
    contract = make.contract(state=State.REVIEWED, reviewed_by=both)

    answer = post(sign_in(both), contract, move)

    assert answer.status_code == 409
    assert "初审是你做的，复核须由另一人办理。" in answer.get_data(as_text=True)
    assert contract.state is State.REVIEWED


@pytest.mark.parametrize(("move", "source", "target", "role"), ROWS)
def test_another_county_has_no_say(make, sign_in, move, source, target, role):
    contract = make.contract(state=State(source), unit=SHISHI)

    assert post(sign_in(make.user(Role(role), region=JINJIANG)), contract, move).status_code == 404
    assert contract.state is State(source)


@pytest.mark.parametrize("move", ["submit", "resubmit", "withdraw"])
def test_only_the_filer_answers_for_the_application(make, sign_in, move):
    (source, *_) = CONTRACT.moves[move].sources
    contract = make.contract(state=State.CORRECTION if move != "submit" else source)

    answer = post(sign_in(make.user(Role.REGISTRAR)), contract, move)

    assert answer.status_code in (404, 409)
    assert contract.history == [] or contract.history[-1].move != move


def test_from_draft_to_the_register_and_into_the_figures(make, sign_in):
    contract = make.contract("从头到尾", state=State.DRAFT)
    registrar, reviewer = make.user(Role.REGISTRAR), make.user(Role.REVIEWER, region=QUANZHOU)

    for person, move in (
        (contract.filed_by, "submit"),
        (registrar, "ask_correction"),
        (contract.filed_by, "resubmit"),
        (registrar, "accept"),
        (registrar, "review"),
        (reviewer, "return_review"),
        (registrar, "review"),
        (reviewer, "register"),
    ):
        assert post(sign_in(person), contract, move, version=contract.version).status_code == 302, move

    assert contract.state is State.REGISTERED
    assert contract.registration_number == NUMBER
    assert contract.technology_amount == 900_000
    assert (contract.reviewed_by_id, contract.decided_by_id) == (registrar.id, reviewer.id)
    assert db.session.scalar(select(func.count()).select_from(LedgerEntry)) == 1
    assert ledger.verify() == []
    page = sign_in(registrar).get(f"/contracts/{contract.id}").get_data(as_text=True)
    assert NUMBER in page
    assert "补正清单：金额与付款：写明付款计划" in page


# ---- what is wrong is said, what was typed is kept ------------------------------------------------------------------


def test_no_number_no_registration(make, sign_in):
    contract = make.contract(state=State.REVIEWED)

    answer = post(sign_in(make.user(Role.REVIEWER)), contract, "register", registration_number="", opinion="我的意见")
    page = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert 'href="#registration_number">填写国家系统给出的 16 位合同登记编号</a>' in page
    assert "我的意见" in page
    assert contract.state is State.REVIEWED


def test_a_number_that_is_taken_is_told_of_beside_its_field(make, sign_in):
    other = make.contract(state=State.REGISTERED, registration_number=NUMBER)
    contract = make.contract(state=State.REVIEWED)

    answer = post(sign_in(make.user(Role.REVIEWER)), contract, "register")

    assert answer.status_code == 422
    assert f"这个编号已经登记在另一份合同上（受理号 {other.acceptance_number}）" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("move", "state", "wrong", "sentence"),
    [
        ("register", State.REVIEWED, {"registered_on": "2026-02-31"}, "2026 年 2 月没有 31 日"),
        (
            "register",
            State.REVIEWED,
            {"registered_on": (today() + timedelta(days=1)).isoformat()},
            "登记日期不能晚于今天",
        ),
        ("register", State.REVIEWED, {"registration_number": "123"}, "16 位"),
        (
            "review",
            State.ACCEPTED,
            {"deductions-0-amount": "101"},
            "扣除的合计 1,010,000.00 元，大于成交额 1,000,000.00 元",
        ),
        ("review", State.ACCEPTED, {"deductions-0-amount": "-5"}, "扣除明细第 1 行：金额不能是负数"),
        ("review", State.ACCEPTED, {"deductions-0-amount": "100"}, "核定的技术交易额要大于 0"),
        ("review", State.ACCEPTED, {"conclusion": "refuse", "opinion": ""}, "建议不予登记的，写明理由"),
        ("review", State.ACCEPTED, {"recognised_type": "XX"}, "选择列表里有的一项"),
        ("accept", State.SUBMITTED, {"complete_papers": ""}, "核对后勾选"),
        ("ask_correction", State.ACCEPTED, {"items-0-section": "", "items-0-request": ""}, "至少写一项"),
        ("ask_correction", State.ACCEPTED, {"items-0-request": ""}, "写明这一项缺什么"),
        ("refuse", State.REVIEWED, {"refusal_code": ""}, "选择不予登记的理由"),
    ],
)
def test_a_wrong_answer_is_told_of_and_changes_nothing(make, sign_in, move, state, wrong, sentence):
    contract = make.contract(state=state)
    role = next(iter(CONTRACT.moves[move].roles))

    answer = post(sign_in(make.user(role)), contract, move, **wrong)
    page = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert sentence in page
    assert 'class="error-summary"' in page
    assert contract.state is state


def test_a_transfer_without_a_right_is_not_recognised_but_may_be_refused(make, sign_in):
    nothing = db.session.scalar(select(IpKind.code).where(IpKind.is_none))
    contract = make.contract(state=State.ACCEPTED, ip_code=nothing)
    registrar = sign_in(make.user())

    answer = post(registrar, contract, "review", recognised_type="ZR3")
    assert answer.status_code == 422
    assert "必须有知识产权" in answer.get_data(as_text=True)

    post(registrar, contract, "review", recognised_type="ZR3", conclusion="refuse")
    assert contract.state is State.REVIEWED


def test_nothing_is_registered_after_the_contract_has_ended(make, sign_in):
    ended = today() - timedelta(days=1)
    contract = make.contract(state=State.REVIEWED, ends_on=ended)
    reviewer = sign_in(make.user(Role.REVIEWER))

    answer = post(reviewer, contract, "register")
    assert answer.status_code == 422
    assert f"合同有效期到 {ended} 为止" in answer.get_data(as_text=True)

    post(reviewer, contract, "register", registered_on=ended.isoformat())
    assert contract.state is State.REGISTERED


def test_a_line_is_added_without_script_and_nothing_is_lost(make, sign_in):
    contract = make.contract(state=State.ACCEPTED)

    answer = post(sign_in(make.user()), contract, "ask_correction", add_row="1", **{"items-2-request": "第三项"})
    page = answer.get_data(as_text=True)

    assert answer.status_code == 200
    assert len(re.findall(r'name="items-\d+-section"', page)) == 4
    assert "写明付款计划" in page
    assert "第三项" in page
    assert contract.state is State.ACCEPTED


def test_hostile_words_are_kept_as_words(make, sign_in):
    contract = make.contract("<i>标题</i>", state=State.ACCEPTED)
    client = sign_in(make.user())

    post(client, contract, "ask_correction", **{"items-0-request": "<script>alert('1')</script>'; DROP TABLE users"})
    page = client.get(f"/contracts/{contract.id}").get_data(as_text=True)

    assert "<script>alert" not in page
    assert "<i>标题" not in page
    assert "DROP TABLE users" in page


# ---- twice, and two at once ----------------------------------------------------------------------------------------


def test_a_double_submit_is_made_once_and_said_so(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    client = sign_in(make.user())
    version = contract.version

    first = post(client, contract, "accept", version=version)
    second = post(client, contract, "accept", version=version)
    back = client.get(f"/contracts/{contract.id}/accept")

    assert first.status_code == 302
    assert (second.status_code, back.status_code) == (409, 409)
    for answer in (second, back):
        assert "已经办过“受理”，这次提交没有重复办理" in answer.get_data(as_text=True)
    assert [line.move for line in contract.history] == ["submit", "accept"]


def test_who_comes_late_learns_who_was_first_and_keeps_what_he_wrote(make, sign_in):
    contract = make.contract(state=State.REVIEWED)
    first, second = make.user(Role.REVIEWER, name="陈砚秋"), make.user(Role.REVIEWER)
    version = contract.version
    post(sign_in(first), contract, "refuse", version=version)

    answer = post(sign_in(second), contract, "register", version=version, opinion="写了很久的意见")
    page = answer.get_data(as_text=True)

    assert answer.status_code == 409
    for words in ("现在是“不予登记”", "陈砚秋", "你刚才填写的内容", "写了很久的意见", NUMBER):
        assert words in page


def test_a_contract_that_changed_meanwhile_is_stale(make, sign_in):
    contract = make.contract(state=State.ACCEPTED)

    answer = post(sign_in(make.user()), contract, "review", version=contract.version - 1)
    page = answer.get_data(as_text=True)

    assert answer.status_code == 409
    assert "这份记录刚被别人改过" in page
    assert "检测仪 1 台 100,000.00 元" in page
    assert contract.state is State.ACCEPTED


@pytest.mark.parametrize("version", ["", "abc", "999"])
def test_a_version_nobody_gave_out_is_stale(make, sign_in, version):
    contract = make.contract(state=State.SUBMITTED)

    assert post(sign_in(make.user()), contract, "accept", version=version).status_code == 409
    assert contract.state is State.SUBMITTED


def test_two_people_at_once_and_one_is_first(live):
    contract = live.make.contract(state=State.REVIEWED)
    contract_id, version = contract.id, contract.version
    people = [live.visitor(live.make.user(Role.REVIEWER)) for _ in range(2)]
    db.session.remove()
    start = Barrier(2)

    def decide(place):
        start.wait()
        data = {**ANSWERS["register"], "registration_number": f"202635058200000{place}", "version": version}
        return people[place].post(f"/contracts/{contract_id}/register", data=data).status_code

    with ThreadPoolExecutor(2) as both:
        codes = sorted(both.map(decide, range(2)))

    assert codes == [302, 409]
    assert db.session.scalar(select(func.count()).select_from(LedgerEntry)) == 1
    lines = select(func.count()).where(HistoryLine.contract_id == contract_id, HistoryLine.move == "register")
    assert db.session.scalar(lines) == 1
    assert ledger.verify() == []


def test_one_number_for_two_contracts_at_once_is_given_once(live):
    contracts = [live.make.contract(state=State.REVIEWED) for _ in range(2)]
    posted = [(one.id, {**ANSWERS["register"], "version": one.version}) for one in contracts]
    people = [live.visitor(live.make.user(Role.REVIEWER)) for _ in range(2)]
    db.session.remove()
    start = Barrier(2)

    def decide(place):
        start.wait()
        number, data = posted[place]
        return people[place].post(f"/contracts/{number}/register", data=data)

    with ThreadPoolExecutor(2) as both:
        answers = sorted(both.map(decide, range(2)), key=lambda answer: answer.status_code)

    assert answers[0].status_code == 302
    assert answers[1].status_code in (409, 422)
    assert "编号" in answers[1].get_data(as_text=True)
    registered = select(func.count()).select_from(Contract).where(Contract.state == State.REGISTERED)
    assert db.session.scalar(registered) == 1


# ---- what comes after ----------------------------------------------------------------------------------------------


def test_after_a_decision_comes_the_next_in_the_queue(make, sign_in):
    first, second = (make.contract(state=State.SUBMITTED) for _ in range(2))
    client = sign_in(make.user())

    answer = post(client, first, "accept")
    assert answer.location.endswith(f"/contracts/{second.id}/next")
    page = client.get(answer.location, follow_redirects=True).get_data(as_text=True)
    assert f"{first.acceptance_number}：已受理。下面是下一件。" in page
    assert "受理：" in page


def test_after_the_last_one_comes_the_contract_itself(make, sign_in):
    contract = make.contract(state=State.REVIEWED)

    answer = post(sign_in(make.user(Role.REVIEWER)), contract, "register")

    assert answer.location.endswith(f"/contracts/{contract.id}")


def test_other_addresses_below_a_contract_are_not_moves(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)

    assert sign_in(make.user()).get(f"/contracts/{contract.id}/nothing").status_code == 404


# ---- what the review of the whole found ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "state", "role"),
    [("accept", State.SUBMITTED, Role.REGISTRAR), ("register", State.REVIEWED, Role.REVIEWER)],
)
def test_the_broker_of_a_deal_does_not_decide_on_it_although_another_filed_it(make, sign_in, move, state, role):
    both = make.user(Role.BROKER, role)
    contract = make.contract(state=state, broker_id=make.broker(user=both).id)

    answer = post(sign_in(both), contract, move)

    assert answer.status_code == 409
    assert "你是这份合同的技术经纪人" in answer.get_data(as_text=True)
    assert contract.id not in [line.id for line in inbox(both)]


def test_the_day_of_registration_is_held_below_the_form_too(make):
    contract = make.contract(state=State.REVIEWED)
    offer = CONTRACT.offer("register", contract, make.user(Role.REVIEWER))
    with pytest.raises(Refused, match="登记日期不能晚于今天"):
        offer.make({"registration_number": "2026350500000001", "registered_on": today() + timedelta(days=1)})


def test_moves_of_the_filer_are_not_shown_to_the_office(make):
    contract = make.contract(state=State.SUBMITTED)
    names = {offer.move.name for offer in CONTRACT.offers(contract, make.user(Role.REGISTRAR))}
    assert names == {"accept", "ask_correction", "not_accept"}
