"""The life of a contract, read aloud: what was agreed stands here a second time, apart from the code."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts.cases import guards as case_guards
from contracts_app.contracts.desk import inbox
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import IN_OFFICE, State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused, Stale
from tests.contracts.agreed import AGREED, BEFORE_CASES, OF_CASES
from tests.factories import JINJIANG, QUANZHOU, SHISHI

ENDS = {State.NOT_ACCEPTED, State.WITHDRAWN, State.CANCELLED, State.REVOKED}
BY_THE_FILER = {"submit", "resubmit", "withdraw"}
BY_A_SECOND_PERSON = {
    *("register", "refuse", "return_review", "ask_correction_second", "check"),
    *("send_to_expert", "record_expert", "register_large", "return_check"),
}

TAKEN_OFF = {"kind": "equipment", "name": "检测仪", "amount": Decimal(100_000), "is_subject": False, "note": ""}
ANSWERS = {
    "submit": {"undertaking": True},
    "resubmit": {"replies": ["已补。"]},
    "accept": {"complete_papers": True},
    "review": {
        "recognised_type": "KF1",
        "deductions": [TAKEN_OFF],
        "conclusion": "register",
        "opinion": "",
    },
    "register": {"registration_number": "2026350500000001", "registered_on": None, "opinion": ""},
    "refuse": {"refusal_code": "R04", "opinion": "标的不清楚。"},
    "return_review": {"reason": "类型重新核实。"},
    "ask_correction": {"items": [{"section": "money", "request": "写明付款计划"}]},
    "ask_correction_second": {"items": [{"section": "money", "request": "写明付款计划"}]},
    "withdraw": {"reason": "不再申请。"},
    "not_accept": {"non_acceptance_code": "N01", "opinion": ""},
    "check": {"looked_through": True, "opinion": ""},
    "return_check": {"reason": "金额再核实。"},
    "send_to_expert": {"reason": "技术交易额大。"},
    "record_expert": {"experts": 3, "expert_on": None, "expert_conclusion": "register", "opinion": ""},
    "extend": {"days": 2, "reason": "情况复杂。"},
    "archive": {"archive_number": "2026-盒01", "archived_on": None},
    "undo": {"reason": "点错了。"},
}
ANSWERS["register_large"] = ANSWERS["register"]
DAYS = {"register": "registered_on", "register_large": "registered_on", "record_expert": "expert_on"} | {
    "archive": "archived_on"
}
FACTS = {"check": {"needs_third": True}}  # of the contract, without which the move is refused
NUMBERS = count(1)
SENTENCE = re.compile(r"[\u4e00-\u9fff“].*。", re.S)


def answers(name):
    given = dict(ANSWERS[name])
    if name in DAYS:
        given[DAYS[name]] = today()
    if "registration_number" in given:
        given["registration_number"] = f"20263505{next(NUMBERS):08}"
    return given


# --- the declaration -------------------------------------------------------------------------------------------------


def test_the_workflow_is_what_was_agreed():
    assert CONTRACT.table() == AGREED


def test_the_states_are_those_of_the_office():
    assert [state.value for state in State] == [
        *("draft", "submitted", "correction", "not_accepted", "accepted", "reviewed", "expert", "checked"),
        *("registered", "refused", "withdrawn", "changing", "cancelling", "cancelled", "revoking", "revoked"),
        "objection",
    ]


def test_every_state_can_be_reached():
    reached, grows = {CONTRACT.initial}, True
    while grows:
        more = {end for move in CONTRACT for one in move.sources & reached for end in move.ends(one)} - reached
        reached, grows = reached | more, bool(more)
    assert reached == set(State)


def test_every_state_but_the_ends_leads_to_an_end():
    onwards = [move for move in CONTRACT if not move.stays and move.name != "undo"]
    assert {state for state in State if not any(state in move.sources for move in onwards)} == ENDS
    ending = set(ENDS)
    for _ in State:
        ending |= {source for move in onwards for source in move.sources if move.ends(source) & ending}
    assert ending == set(State)


def test_no_way_to_the_register_leaves_out_a_step():
    for left_out in ("submit", "accept", "review"):
        reached, grows = {CONTRACT.initial}, True
        while grows:
            others = [move for move in CONTRACT if move.name not in (left_out, "undo")]
            more = {end for move in others for one in move.sources & reached for end in move.ends(one)} - reached
            reached, grows = reached | more, bool(more)
        assert State.REGISTERED not in reached, left_out


def test_every_deciding_move_looks_for_region_and_four_eyes():
    for move in CONTRACT:
        guards = {guard.__name__ for guard in move.guards}
        if move.name in BY_THE_FILER | {"object"}:
            assert "is_filer" in guards, move.name
        elif move.name in OF_CASES and guards & {"may_apply", "is_opener"}:
            assert move.target is not State.CANCELLED, move.name
        else:
            assert {"is_in_region", "did_not_file"} <= guards, move.name
        assert ("did_not_review" in guards) == (move.name in BY_A_SECOND_PERSON), move.name


def test_every_move_says_what_it_does_in_chinese():
    for move in CONTRACT:
        assert SENTENCE.fullmatch(move.done), move.name
        assert SENTENCE.fullmatch(move.explains), move.name
        assert re.fullmatch(r"[\u4e00-\u9fff]{2,10}", move.label), move.name
        assert move.tone in {"primary", "plain", "danger"}
    assert len({move.label for move in CONTRACT}) == len(CONTRACT.moves)


# --- the command line ------------------------------------------------------------------------------------------------


def test_the_command_prints_the_declaration_as_json(app):
    result = app.test_cli_runner().invoke(args=["workflow", "--format", "json"])
    printed = json.loads(result.stdout)
    assert result.exit_code == 0
    assert printed["initial"] == "draft"
    assert printed["states"][0] == {"code": "draft", "label": "草稿"}
    assert [state["code"] for state in printed["states"]] == [state.value for state in State]
    for move in printed["moves"]:
        assert set(move) >= {"name", "label", "sources", "target", "roles", "guards", "asks"}
    rows = sorted(
        (move["name"], source, move["target"], role)
        for move in printed["moves"]
        for source in move["sources"]
        for role in move["roles"]
    )
    assert rows == AGREED
    register = next(move for move in printed["moves"] if move["name"] == "register")
    assert register["guards"][:3] == ["is_in_region", "did_not_file", "did_not_review"]
    assert register["asks"] == ["registration_number", "registered_on", "opinion"]


def test_the_command_draws_the_declaration(app):
    result = app.test_cli_runner().invoke(args=["workflow", "--format", "mermaid"])
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert lines[:2] == ["stateDiagram-v2", "[*] --> draft"]
    assert "reviewed --> registered: 复核并登记" in lines
    arrows = {(source, target) for _, source, target, _ in AGREED if source != target}
    drawn = {tuple(line.split(":")[0].split(" --> ")) for line in lines[2:] if "-->" in line}
    assert drawn == arrows


def test_the_command_prints_a_table_by_default(app):
    printed = app.test_cli_runner().invoke(args=["workflow"]).stdout
    assert "| `withdraw` | 撤回申请 | submitted | withdrawn | broker |" in printed
    assert printed.count("\n") == len(AGREED) + 2


def test_the_command_knows_no_other_format(app):
    assert app.test_cli_runner().invoke(args=["workflow", "--format", "xml"]).exit_code != 0


# --- who can make which move -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_only_the_agreed_moves_can_be_made(state, make, session):
    """A person of the contract's own region who has done nothing to it yet, and as the person who filed it."""
    for role in Role:
        person = make.user(role)
        for is_filer in {False, role in (Role.BROKER, Role.REGISTRAR)}:
            filed_by = person if is_filer else None
            contract = make.contract(state=state, filed_by=filed_by)
            for name in CONTRACT.moves.keys() - OF_CASES:
                agreed = any(row[0] == name and row[1] == state and row[3] == role for row in AGREED) and name != "undo"
                if agreed and is_filer == (name in BY_THE_FILER):
                    moved = make.contract(state=state, filed_by=filed_by, **FACTS.get(name, {}))
                    CONTRACT.offer(name, moved, person).make(answers(name))
                    session.commit()
                    assert moved.state in CONTRACT.moves[name].ends(state), (role, name)
                    assert moved.history[-1].by_id == person.id
                    assert (moved.history[-1].source, moved.history[-1].target) == (state, moved.state)
                    continue
                before, lines = contract.version, len(contract.history)
                with pytest.raises(Refused):
                    CONTRACT.offer(name, contract, person).make(answers(name))
                session.rollback()
                left = (contract.state, contract.version, len(contract.history))
                assert left == (state, before, lines), (role, name)


@pytest.mark.parametrize("region", [SHISHI, "350582001"])
def test_nobody_decides_outside_the_region(region, make):
    contracts = {state: make.contract(state=State(state)) for state in sorted({row[1] for row in AGREED})}
    for name, state, role in sorted({(name, state, role) for name, state, _, role in BEFORE_CASES}):
        if name not in BY_THE_FILER:
            with pytest.raises(Refused, match="不归你所在地区办理"):
                CONTRACT.offer(name, contracts[state], make.user(Role(role), region=region)).make(answers(name))


def test_the_city_decides_for_its_counties(make):
    contract = make.contract(state=State.SUBMITTED, unit=SHISHI)
    CONTRACT.offer("accept", contract, make.user(region=QUANZHOU)).make(answers("accept"))
    assert contract.state is State.ACCEPTED


def test_nobody_decides_what_they_filed(make):
    person = make.user(Role.REGISTRAR, Role.REVIEWER)
    for name, source, _, role in BEFORE_CASES:
        if name not in BY_THE_FILER and role in ("registrar", "reviewer"):
            contract = make.contract(state=State(source), filed_by=person)
            with pytest.raises(Refused, match="须由别人办理"):
                CONTRACT.offer(name, contract, person).make(answers(name))


@pytest.mark.parametrize("name", sorted(BY_A_SECOND_PERSON))
def test_the_second_review_is_another_person(name, make):
    person = make.user(Role.REGISTRAR, Role.REVIEWER)
    (state,) = CONTRACT.moves[name].sources
    contract = make.contract(state=state, reviewed_by=person)
    with pytest.raises(Refused, match="由另一人办理"):
        CONTRACT.offer(name, contract, person).make(answers(name))


def test_who_takes_part_again_after_a_return_is_still_one_of_two(make):
    """The second person sends the review back and then makes it: the first may decide, they themselves may not."""
    one, two = make.user(Role.REGISTRAR, Role.REVIEWER), make.user(Role.REGISTRAR, Role.REVIEWER)
    contract = make.contract(state=State.REVIEWED, reviewed_by=one)
    CONTRACT.offer("return_review", contract, two).make(answers("return_review"))
    CONTRACT.offer("review", contract, two).make(answers("review"))
    with pytest.raises(Refused, match="由另一人办理"):
        CONTRACT.offer("register", contract, two).make(answers("register"))
    CONTRACT.offer("register", contract, one).make(answers("register"))
    assert {contract.reviewed_by_id, contract.decided_by_id} == {one.id, two.id}


def test_an_offer_is_good_for_one_move(make):
    """Who holds on to an offer cannot make it a second time from the state it led to."""
    contract = make.contract(state=State.SUBMITTED)
    offer = CONTRACT.offer("accept", contract, make.user())
    offer.make(answers("accept"))
    with pytest.raises(Refused, match="已受理"):
        offer.make(answers("accept"))
    assert [line.move for line in contract.history] == ["submit", "accept"]


def test_a_page_seen_before_somebody_else_saved_is_turned_away(make):
    contract = make.contract(state=State.SUBMITTED)
    seen = contract.version
    CONTRACT.offer("ask_correction", contract, make.user()).make(answers("ask_correction"), version=seen)
    with pytest.raises(Stale):
        CONTRACT.offer("resubmit", contract, contract.filed_by).make(answers("resubmit"), version=seen)


def test_offers_and_moves_agree(make):
    """What is offered without a reason against it can be made; what is not offered cannot."""
    for state in State:
        for roles in ((Role.BROKER,), (Role.REGISTRAR,), (Role.REVIEWER,), (Role.REGISTRAR, Role.REVIEWER)):
            person = make.user(*roles)
            contract = make.contract(state=state)
            offered = {offer.move.name: offer.reasons for offer in CONTRACT.offers(contract, person)}
            for name in CONTRACT.moves:
                if name in offered:
                    assert CONTRACT.offer(name, contract, person).reasons == offered[name]
                else:
                    with pytest.raises(Refused):
                        CONTRACT.offer(name, contract, person).make({})


def test_the_inbox_is_what_the_person_can_decide(make, session):
    people = [
        make.user(Role.REGISTRAR),
        make.user(Role.REVIEWER),
        make.user(Role.REGISTRAR, Role.REVIEWER),
        make.user(Role.REGISTRAR, region=SHISHI),
        make.user(Role.REVIEWER, region=QUANZHOU),
        make.user(Role.BROKER),
        make.user(Role.MANAGER),
        make.user(Role.BROKER, Role.REGISTRAR),
    ]
    for state in State:
        make.contract(state=state)
        make.contract(state=state, unit=SHISHI)
        make.contract(state=state, filed_by=people[2])
        make.contract(state=state, filed_by=people[7])
    make.contract(state=State.REVIEWED, reviewed_by=people[2])
    for state, facts in (
        (State.CHANGING, {"reviewed_by_id": people[2].id}),
        (State.CANCELLING, {"reviewed_by_id": people[0].id}),
        (State.REVOKING, {"notified_on": today(), "statement": "未提出陈述。"}),
        (State.REVOKING, {"notified_on": today(), "statement": "未提出陈述。", "opened_by_id": people[1].id}),
        (State.OBJECTION, {"opened_by_id": people[2].id}),
    ):
        make.save(make.contract(state=state).open_case, **facts)
    make.contract(state=State.OBJECTION, reviewed_by=people[2])
    contracts = session.query(Contract).all()
    for person in people:
        decidable = {
            contract.id
            for contract in contracts
            if any(
                not offer.reasons and offer.move.is_task and offer.move.name not in BY_THE_FILER
                for offer in CONTRACT.offers(contract, person)
                if contract.state in IN_OFFICE
            )
        }
        assert {line.id for line in inbox.inbox(person)} == decidable, person.username
        assert inbox.inbox_count(person) == len(decidable)


# --- what people read ------------------------------------------------------------------------------------------------


def test_every_why_not_is_a_chinese_sentence(make):
    """Every guard is brought to speak, and so is every refusal of the engine."""
    spoke, said = set(), set()
    both = make.user(Role.REGISTRAR, Role.REVIEWER)
    accepted_and_touched = make.contract(state=State.SUBMITTED)
    CONTRACT.offer("accept", accepted_and_touched, both).make(answers("accept"))
    accepted_and_touched.content = "改过。"
    db.session.flush()
    people = [both, make.user(region=SHISHI), make.user(Role.REVIEWER, region=SHISHI), make.user(Role.MANAGER)]
    for state in State:
        for contract in (
            make.contract(state=state),
            make.contract(state=state, filed_by=both),
            make.contract(state=state, reviewed_by=both, title="", seller=make.enterprise("单位")),
            make.contract(state=state, checked_by=both, needs_expert=state is State.REVIEWED, extended_days=15),
            accepted_and_touched if state is State.ACCEPTED else make.contract(state=state),
            make.contract(state=state, filed_by=both, technology_amount=0, content="", is_related=None),
            make.contract(state=state, acceptance_number=f"SS-JSHT-2026-9{len(said):04}"),  # of another office
        ):
            for person in (*people, contract.filed_by):
                for name, move in CONTRACT.moves.items():
                    for guard in move.guards:
                        if sentence := guard(contract, person):
                            spoke.add(guard)
                            said.add(sentence)
                    try:
                        CONTRACT.offer(name, contract, person)
                    except Refused as refused:
                        said.update(refused.reasons)
    quiet = {guard for move in CONTRACT for guard in move.guards} - spoke
    assert {guard.__module__ for guard in quiet} <= {case_guards.__name__}, "those speak in test_cases"
    assert len(said) > 10
    assert [sentence for sentence in said if not SENTENCE.fullmatch(sentence)] == []
    assert [sentence for sentence in said if re.search("(?<!申)请|非法|无效", sentence)] == []


def test_a_wrong_role_and_a_wrong_state_are_told_apart(make):
    contract = make.contract(state=State.SUBMITTED)
    with pytest.raises(NotYours, match="由审核员办理") as wrong_role:
        CONTRACT.offer("register", contract, make.user())
    assert wrong_role.value.status == 403
    with pytest.raises(Refused, match="现在是“已提交”") as wrong_state:
        CONTRACT.offer("review", contract, make.user())
    assert wrong_state.value.status == 409


def test_an_incomplete_draft_names_what_is_not_ready(make):
    contract = make.contract(is_related=None, content="")
    reasons = CONTRACT.offer("submit", contract, contract.filed_by).reasons
    assert reasons == ["还没有填好：当事人、标的与期限。"]


# --- what moves leave behind -----------------------------------------------------------------------------------------


def test_what_was_submitted_is_kept_in_words_and_compared_with_the_resubmission(make):
    contract = make.contract()
    filer, registrar = contract.filed_by, make.user()
    CONTRACT.offer("submit", contract, filer).make(answers("submit"))
    first = contract.history[-1]
    CONTRACT.offer("ask_correction", contract, registrar).make(answers("ask_correction"))
    assert contract.due_on is None
    contract.title = "改过的名称"
    db.session.flush()
    CONTRACT.offer("resubmit", contract, filer).make(answers("resubmit"))
    assert contract.history[-1].changes == {"title": [first.facts["title"], "改过的名称"]}
    assert contract.due_on is not None
    assert contract.open_corrections == []
    assert contract.corrections[0].reply == "已补。"


def test_the_acceptance_number_is_given_once_and_kept_through_corrections(make):
    contract, registrar = make.contract(state=State.SUBMITTED), make.user()
    CONTRACT.offer("accept", contract, registrar).make(answers("accept"))
    number = contract.acceptance_number
    CONTRACT.offer("ask_correction", contract, registrar).make(answers("ask_correction"))
    CONTRACT.offer("resubmit", contract, contract.filed_by).make(answers("resubmit"))
    CONTRACT.offer("accept", contract, registrar).make(answers("accept"))
    assert contract.acceptance_number == number
    assert number.startswith("JJ-JSHT-")


def test_a_numbered_contract_cannot_move_to_another_office(make, session):
    """Its 受理号 is the office's own; a seller of another county means another application."""
    contract, registrar = make.contract(state=State.ACCEPTED), make.user()
    CONTRACT.offer("ask_correction", contract, registrar).make(answers("ask_correction"))
    contract.unit_code = SHISHI
    session.flush()
    session.refresh(contract)
    with pytest.raises(Refused, match="撤回"):
        CONTRACT.offer("resubmit", contract, contract.filed_by).make(answers("resubmit"))


def test_the_first_review_fixes_type_and_technology_amount(make):
    contract = make.contract(state=State.ACCEPTED, technology=Decimal(1_000_000))
    CONTRACT.offer("review", contract, make.user()).make(answers("review") | {"recognised_type": "FW1"})
    assert (contract.type_code, contract.technology_amount) == ("FW1", Decimal(900_000))
    assert contract.history[-1].changes == {
        "type_code": ["技术开发 / 委托开发", "技术服务 / 一般技术服务"],
        "deductions": ["", "设备 检测仪 100,000.00 元"],
        "technology_amount": ["1,000,000.00", "900,000.00"],
    }


def test_a_correction_opens_what_was_decided(make):
    contract = make.contract(state=State.REVIEWED)
    CONTRACT.offer("ask_correction_second", contract, make.user(Role.REVIEWER)).make(answers("ask_correction_second"))
    assert (contract.reviewed_by_id, contract.decided_by_id, contract.due_on) == (None, None, None)


def test_a_registered_contract_is_decided_by_nobody_again(make):
    contract = make.contract(state=State.REGISTERED)
    for role in Role:
        offers = CONTRACT.offers(contract, make.user(role, region=JINJIANG))
        assert not {offer.move.name for offer in offers} & {*BY_A_SECOND_PERSON, *BY_THE_FILER, "accept", "review"}


# --- the forms -------------------------------------------------------------------------------------------------------


def filled(app, name, contract, person, data):
    with app.test_request_context("/", method="POST", data=data):
        form = CONTRACT.offer(name, contract, person).form()
        form.validate()
        return {field: list(messages) for field, messages in form.errors.items() if field != "csrf_token"}


@pytest.mark.parametrize("name", CONTRACT.moves)
def test_every_move_asks_in_chinese_what_is_missing(app, make, name):
    source = next(row[1] for row in AGREED if row[0] == name)
    contract = make.contract(state=State(source))
    person = contract.filed_by if name in BY_THE_FILER else make.user(Role.REGISTRAR, Role.REVIEWER)
    errors = filled(app, name, contract, person, {})
    assert errors, "an empty form of every move lacks something"
    for messages in errors.values():
        for message in messages:
            assert re.search(r"[\u4e00-\u9fff]", str(message)), message


def test_an_amount_that_cannot_be_read_says_why_and_not_that_it_is_missing(app, make):
    contract = make.contract(state=State.ACCEPTED)
    data = {"recognised_type": "KF1", "deductions-0-amount": "十万", "conclusion": "register"}
    assert "只填写数字" in filled(app, "review", contract, make.user(), data)["deductions"][0]["amount"][0]


def test_the_technology_amount_stays_within_the_total(app, make):
    contract = make.contract(state=State.ACCEPTED, amount=Decimal(100))
    line = {"kind": "part", "name": "轴承", "amount": "100.01 元"}
    data = {f"deductions-0-{name}": typed for name, typed in line.items()} | {"recognised_type": "KF1"}
    assert filled(app, "review", contract, make.user(), data | {"conclusion": "register"})["deductions"] == [
        "扣除的合计 100.01 元，大于成交额 100.00 元"
    ]


def test_an_undetermined_total_can_be_reviewed(app, make):
    """A royalty contract may be registered with 金额待定: its technology amount is 0 then."""
    contract = make.contract(
        state=State.ACCEPTED, amount=0, payment_model_code="royalty", payment_note="按销售额 3% 提成，每季度查账。"
    )
    data = {"recognised_type": "KF1", "conclusion": "register"}
    assert filled(app, "review", contract, make.user(), data) == {}


def test_a_proposal_to_refuse_says_why(app, make):
    contract = make.contract(state=State.ACCEPTED)
    data = {"recognised_type": "KF1", "conclusion": "refuse"}
    assert filled(app, "review", contract, make.user(), data) == {"opinion": ["建议不予登记的，写明理由"]}


@pytest.mark.parametrize(
    ("number", "says"),
    [("", "填写"), ("123", "16"), ("2026350500000O01", ""), ("２０２６３５０５００００００１２", None)],
)
def test_the_registration_number_has_sixteen_digits(app, make, number, says):
    contract = make.contract(state=State.REVIEWED)
    data = {"registration_number": number, "registered_on": str(today())}
    errors = filled(app, "register", contract, make.user(Role.REVIEWER), data)
    if says is None:
        assert errors == {}
    else:
        assert says in errors["registration_number"][0]


def test_a_number_of_another_contract_names_it(app, make):
    other = make.contract(state=State.REGISTERED)
    contract = make.contract(state=State.REVIEWED)
    data = {"registration_number": other.registration_number, "registered_on": str(today())}
    errors = filled(app, "register", contract, make.user(Role.REVIEWER), data)
    assert other.acceptance_number in errors["registration_number"][0]


@pytest.mark.parametrize(("shift", "says"), [(1, "不能晚于今天"), (-4000, "不能早于受理日期")])
def test_the_registration_day_lies_between_acceptance_and_today(app, make, shift, says):
    contract = make.contract(state=State.REVIEWED)
    data = {"registration_number": "2026350500000078", "registered_on": str(today() + timedelta(days=shift))}
    errors = filled(app, "register", contract, make.user(Role.REVIEWER), data)
    assert says in errors["registered_on"][0]


def test_a_correction_list_is_never_empty(app, make):
    contract = make.contract(state=State.SUBMITTED)
    assert "items" in filled(app, "ask_correction", contract, make.user(), {"items-0-section": ""})
    half = {"items-0-section": "money", "items-0-request": ""}
    assert "items" in filled(app, "ask_correction", contract, make.user(), half)
    whole = {"items-0-section": "money", "items-0-request": "写明付款计划"}
    assert filled(app, "ask_correction", contract, make.user(), whole) == {}
