"""Change, cancellation, revocation and objection: who may, what it does to the contract and to the figures."""

import io
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage

from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import Figures, LedgerEntry
from contracts_app.contracts.case_models import Outcome
from contracts_app.contracts.cases import asks, guards, impact, moves
from contracts_app.contracts.counting.totals import sums
from contracts_app.contracts.course import steps
from contracts_app.contracts.desk.inbox import inbox
from contracts_app.contracts.desk.lists import next_step
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.filing.rights import rights_of
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.states import State
from contracts_app.contracts.validity import Standing, standing
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import now_utc, today
from contracts_app.core.errors import Refused
from contracts_app.statistics.overview.queries import year_overview
from contracts_app.targets.models import Target
from tests.factories import JINJIANG, PDF, QUANZHOU, SHISHI

LAST_YEAR = today().year - 1
OF_CASES = {move.name for move in moves.MOVES}
WITH_A_CASE = {State.CHANGING, State.CANCELLING, State.REVOKING, State.OBJECTION}
ROLES = [
    *([(Role.REGISTRAR,)] * 2 + [(Role.REVIEWER,)] * 3 + [(Role.MANAGER,)] * 3),
    *([(Role.REGISTRAR, Role.REVIEWER)] * 2),
]


def paper():
    return FileStorage(io.BytesIO(PDF + b"agreement"), "变更协议.pdf")


def move(name, contract, person, **answers):
    CONTRACT.offer(name, contract, person).make(answers)


def asked(contract, **answers):
    """What the filer asks: the contract's own answers but for these."""
    whole = {"ground_code": "C01", "event_on": today(), "grounds": "", "paper": paper()}
    return whole | {"has_benefits": False, "benefits_note": ""} | answers


def of_last_year(make, **facts):
    return make.contract(state=State.REGISTERED, registered_on=today().replace(year=LAST_YEAR, day=5), **facts)


HEARD = {"experts": 3, "expert_on": today(), "expert_conclusion": "register", "opinion": ""}


def next_for(person):
    """What waits for somebody, by contract: the step that the inbox offers."""
    return {line.id: next_step(line, person).name for line in inbox(person)}


def plan_of(total):
    return [{"due_on": None, "condition": "验收后", "amount": Decimal(total)}]


# --- a change --------------------------------------------------------------------------------------------------------


def test_a_change_counts_its_difference_in_the_year_of_the_decision(make, session):
    contract = of_last_year(make, amount=1_000_000)
    title, manager = contract.title, make.user(Role.MANAGER)
    move(
        "ask_change",
        contract,
        contract.filed_by,
        **asked(contract, title="改过的名称", total_amount=Decimal(1_200_000), payments=plan_of(1_200_000)),
    )
    case = contract.open_case
    assert (contract.state, contract.title, contract.total_amount) == (State.CHANGING, title, Decimal(1_000_000))
    assert set(case.proposal) == {"title", "total_amount", "payments", "deductions"} - {"deductions"}
    assert case.changes["technology_amount"] == ["1,000,000.00", "1,200,000.00"]
    assert contract.due_on > today()
    assert [file.kind_code for file in contract.attachments if file.case_id == case.id] == ["amendment"]
    assert sums(ContractQuery(year=LAST_YEAR), manager).contracts == 1, "it counts while the change is open"

    move("review_case", contract, make.user(), opinion="属实。")
    move("grant_change", contract, make.user(Role.REVIEWER), counts_on=today(), opinion="")
    session.commit()
    assert (contract.state, contract.title, contract.revision) == (State.REGISTERED, "改过的名称", 1)
    assert (contract.total_amount, contract.technology_amount) == (Decimal(1_200_000), Decimal(1_200_000))
    assert [line.amount for line in contract.payments] == [Decimal(1_200_000)]
    assert contract.history[-1].changes["title"] == [title, "改过的名称"]
    original = next(line for line in contract.history if line.move == "register")
    assert original.facts["title"] == title
    assert sums(ContractQuery(year=LAST_YEAR), manager).total_amount == Decimal(1_000_000)
    assert sums(ContractQuery(year=today().year), manager).total_amount == Decimal(200_000)
    assert sums(ContractQuery(year=today().year), manager).contracts == 0
    assert (contract.open_case, case.outcome, contract.due_on) == (None, Outcome.GRANTED, None)
    assert standing(contract) is Standing.CHANGED
    assert ledger.verify() == []


def test_a_change_beyond_the_threshold_is_granted_by_a_third_person(make, session):
    contract = of_last_year(make, amount=1_000_000)
    second, manager = contract.decided_by, make.user(Role.MANAGER)
    small = make.contract(state=State.CHANGING)
    move("review_case", small, make.user(), opinion="属实。")
    with pytest.raises(Refused, match="由审核员核准"):
        move("grant_change", small, manager, counts_on=today(), opinion="")
    more = {"total_amount": Decimal(6_000_000), "payments": plan_of(6_000_000)}
    move("ask_change", contract, contract.filed_by, **asked(contract, **more))
    move("review_case", contract, make.user(), opinion="属实。")
    assert contract.open_case.needs_third
    with pytest.raises(Refused, match="第三人核准"):
        move("grant_change", contract, second, counts_on=today(), opinion="")
    assert not contract.open_case.needs_expert, "filed under rules that know no large contracts"
    assert contract.id in {line.id for line in inbox(manager)}
    assert contract.id not in {line.id for line in inbox(second)}
    move("grant_change", contract, manager, counts_on=today(), opinion="")
    session.commit()
    assert (contract.needs_third, contract.checked_by, contract.decided_by) == (True, second, manager)
    assert "大额审批登记" not in {step.label for step in steps(contract)}, "it was registered as any other"
    assert contract.total_amount == Decimal(6_000_000)

    more = {"total_amount": Decimal(7_000_000), "payments": plan_of(7_000_000)}
    move("ask_change", contract, contract.filed_by, **asked(contract, **more))
    move("review_case", contract, make.user(), opinion="属实。")
    with pytest.raises(Refused, match="第三人核准"):
        move("grant_change", contract, second, counts_on=today(), opinion="")
    move("grant_change", contract, manager, counts_on=today(), opinion="")
    session.commit()
    assert (contract.total_amount, contract.decided_by) == (Decimal(7_000_000), manager)


def test_a_change_to_the_experts_threshold_waits_for_them(make, session):
    contract = make.contract(state=State.REGISTERED, amount=1_000_000)
    second, manager = contract.decided_by, make.user(Role.MANAGER)
    more = {"total_amount": Decimal(6_000_000), "payments": plan_of(6_000_000)}
    move("ask_change", contract, contract.filed_by, **asked(contract, **more))
    move("review_case", contract, make.user(), opinion="属实。")
    with pytest.raises(Refused, match="先“记录变更的专家意见”"):
        move("grant_change", contract, manager, counts_on=today(), opinion="")
    session.commit()
    assert contract.id not in {line.id for line in inbox(manager)}, "experts are heard first"
    assert next_for(second)[contract.id] == "record_change_expert"
    move("record_change_expert", contract, second, **HEARD)
    with pytest.raises(Refused, match="已经记录"):
        move("record_change_expert", contract, make.user(Role.REVIEWER), **HEARD)
    session.commit()
    assert next_for(manager)[contract.id] == "grant_change"
    move("grant_change", contract, manager, counts_on=today(), opinion="")
    session.commit()
    assert (contract.needs_expert, contract.expert_on) == (True, today())
    more = {"total_amount": Decimal(7_000_000), "payments": plan_of(7_000_000)}
    move("ask_change", contract, contract.filed_by, **asked(contract, **more))
    assert not contract.open_case.needs_expert, "they were heard on a large amount already"


def test_what_a_change_asks_is_held_against_the_rules(app, make):
    contract = of_last_year(make)
    data = {"ground_code": "C01", "event_on": str(today()), "has_benefits": "no", "title": contract.title}
    data |= {"content": contract.content, "field_code": "01", "total_amount": "130", "total_amount_unit": "wan"}
    data |= {"buyer_id": contract.buyer_id, "begins_on": str(contract.begins_on), "ends_on": str(contract.ends_on)}
    plan = {"payments-0-condition": "验收后", "payments-0-amount": "100"}

    def errors(**more):
        given = {**data, **plan, **more, "paper": (io.BytesIO(PDF), "协议.pdf")}
        with app.test_request_context("/", method="POST", data=given):
            form = CONTRACT.offer("ask_change", contract, contract.filed_by).form()
            form.validate()
            return {name: said for name, said in form.errors.items() if name != "csrf_token"}

    assert list(errors()) == ["payments"], "the plan does not add up to the new total"
    nothing_asked = {"foreign_amount": "123", "exchange_rate": "7", "is_price_open": "yes"}
    assert list(errors(**nothing_asked)) == ["payments"], "what the page does not ask is no answer"
    assert errors(**{"payments-0-amount": "130"}) == {}
    assert "ends_on" in errors(**{"payments-0-amount": "130", "ends_on": "2001-01-01"})
    assert "没有一项和登记的不同" in str(errors(total_amount="100", **{"payments-0-condition": "合同生效后 10 日内"}))
    assert "benefits_note" in errors(**{"payments-0-amount": "130", "has_benefits": "yes"})
    assert "grounds" in errors(**{"payments-0-amount": "130", "ground_code": "C09"})
    assert "event_on" in errors(**{"payments-0-amount": "130", "event_on": str(today() + timedelta(days=1))})


def test_a_change_that_changes_nothing_is_refused(make, session):
    contract = of_last_year(make)
    with pytest.raises(Refused, match="没有一项和登记的不同"):
        move("ask_change", contract, contract.filed_by, **asked(contract, title=contract.title))


PATENT = {
    "ip_code": "0201",
    "name": "一种装置",
    "number": "ZL202410123456.0",
    "owner": "",
    "applied_on": today() - timedelta(days=700),
    "valid_until": today() + timedelta(days=6000),
}


def test_what_the_type_and_the_way_of_paying_ask_can_be_changed(make):
    owner = make.enterprise()
    right = PATENT | {"owner": owner.name}
    contract = of_last_year(
        make,
        seller=owner,
        type_code="XK1",
        ip_code="0201",
        rights=rights_of([right]),
        licence_mode_code="1",
        licence_territory="福建省",
        licence_begins_on=today(),
        licence_ends_on=today() + timedelta(days=300),
        payment_model_code="entry_and_royalty",
        royalty_base=RoyaltyBase.SALES,
        royalty_rate=Decimal("3.5"),
        royalty_begins_on=today(),
        royalty_ends_on=today() + timedelta(days=300),
        royalty_cap=Decimal(500_000),
        may_inspect_books=True,
    )
    new = {
        "rights": [right, right | {"name": "另一种装置", "number": "ZL202410123457.9"}],
        "licence_mode_code": "3",
        "licence_territory": "中国境内",
        "royalty_base": RoyaltyBase.PROFIT,
        "royalty_rate": Decimal("4.25"),
        "royalty_cap": None,
        "royalty_floor": Decimal(100_000),
    }
    move("ask_change", contract, contract.filed_by, **asked(contract, **new))
    words = contract.open_case.changes
    assert words["royalty_cap"] == ["500,000.00", ""], "a blank answer takes the old one away"
    assert words["royalty_rate"] == ["3.5", "4.25"]
    assert "另一种装置" in words["rights"][1]
    assert set(contract.open_case.proposal) == set(new)
    move("review_case", contract, make.user(), opinion="属实。")
    move("grant_change", contract, make.user(Role.REVIEWER), counts_on=today(), opinion="")
    assert [one.name for one in contract.rights] == ["一种装置", "另一种装置"]
    assert contract.rights[1].applied_on == right["applied_on"]
    kept = (contract.licence_mode_code, contract.royalty_base, contract.royalty_rate, contract.royalty_cap)
    assert kept == ("3", RoyaltyBase.PROFIT, Decimal("4.25"), None)
    assert ledger.verify() == []


def test_another_broker_and_platform_are_counted_anew_and_nobody_grants_himself(make, session):
    clerk = make.user(Role.REGISTRAR, Role.REVIEWER)
    first, second = make.broker("甲"), make.broker("乙", user=clerk)
    contract = of_last_year(make, broker=first, broker_id=first.id)
    move("ask_change", contract, contract.filed_by, **asked(contract, broker_id=second.id))
    assert contract.open_case.changes == {"broker_id": ["甲", "乙"]}
    session.commit()
    with pytest.raises(Refused, match="变更后你是这份合同的技术经纪人"):
        move("review_case", contract, clerk, opinion="属实。")
    assert contract.id not in {line.id for line in inbox(clerk)}
    move("review_case", contract, make.user(), opinion="属实。")
    move("grant_change", contract, make.user(Role.REVIEWER), counts_on=today(), opinion="")
    entries = session.scalars(select(LedgerEntry).order_by(LedgerEntry.id)).all()
    assert [(one.broker_id, one.contracts) for one in entries] == [(first.id, 1), (first.id, -1), (second.id, 1)]
    assert ledger.verify() == []


# --- two people, and the opener is neither ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["change", "cancellation"])
def test_who_asks_looks_and_decides_are_three(make, kind):
    counter, both = make.user(Role.REGISTRAR, Role.REVIEWER), make.user(Role.REGISTRAR, Role.REVIEWER)
    contract = of_last_year(make)
    answers = asked(contract, title="新名称") if kind == "change" else asked(contract, ground_code="Z01")
    move(f"ask_{kind}", contract, counter, **answers)
    with pytest.raises(Refused, match="是你提出的"):
        move("review_case", contract, counter, opinion="属实。")
    with pytest.raises(Refused, match="还没有初核"):
        move(f"grant_{kind}", contract, both, counts_on=today(), opinion="")
    move("review_case", contract, both, opinion="属实。")
    with pytest.raises(Refused, match="已经初核"):
        move("review_case", contract, make.user(), opinion="也属实。")
    with pytest.raises(Refused, match="初核是你做的"):
        move(f"grant_{kind}", contract, both, counts_on=today(), opinion="")
    with pytest.raises(Refused, match="是你提出的"):
        move("deny_case", contract, counter, decision="不符。")
    move("deny_case", contract, make.user(Role.REVIEWER), decision="材料不符。")
    assert (contract.state, contract.cases[-1].outcome) == (State.REGISTERED, Outcome.DENIED)
    assert ledger.verify() == []


def test_a_stranger_does_not_ask_and_the_opener_takes_back(make):
    contract = of_last_year(make)
    for stranger in (make.user(Role.BROKER), make.user(region=SHISHI)):
        with pytest.raises(Refused, match="由申报人本人申请"):
            move("ask_change", contract, stranger, **asked(contract, title="新名称"))
    move("ask_change", contract, contract.filed_by, **asked(contract, title="新名称"))
    with pytest.raises(Refused, match="只有提出申请的人"):
        move("withdraw_case", contract, make.user(), reason="不要了。")
    move("withdraw_case", contract, contract.filed_by, reason="不要了。")
    assert (contract.state, contract.cases[-1].outcome) == (State.REGISTERED, Outcome.WITHDRAWN)


def test_one_case_is_open_at_a_time(make, session):
    contract = make.contract(state=State.CHANGING)
    with pytest.raises(IntegrityError):
        session.execute(
            contract.cases[0]
            .__table__.insert()
            .values(
                contract_id=contract.id,
                kind="cancellation",
                opened_by_id=contract.filed_by_id,
                opened_at=contract.submitted_at,
                opened_from="registered",
                grounds="",
                authority="",
                benefits_note="",
                proposal={},
                changes={},
                review_opinion="",
                statement="",
                decision="",
            )
        )


def test_a_new_rate_comes_with_its_day_and_free_use_can_be_prolonged(make):
    foreign = {"currency_code": "USD", "foreign_amount": Decimal(100_000), "exchange_rate": Decimal(10)}
    contract = of_last_year(make, **foreign, exchange_rate_source="去年的", free_until=today())
    until = today() + timedelta(days=90)
    new = {"exchange_rate": Decimal("7.1"), "exchange_rate_on": today(), "exchange_rate_source": "中间价"}
    move(
        "ask_change", contract, contract.filed_by, **asked(contract, **new, free_until=until, payments=plan_of(710_000))
    )
    move("review_case", contract, make.user(), opinion="属实。")
    move("grant_change", contract, make.user(Role.REVIEWER), counts_on=today(), opinion="")
    assert contract.total_amount == contract.technology_amount == Decimal(710_000)
    assert (contract.exchange_rate_on, contract.exchange_rate_source) == (today(), "中间价")
    assert contract.free_until == until
    assert ledger.verify() == []


# --- the end of a registration ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [today() + timedelta(days=1), today().replace(year=LAST_YEAR, day=4)])
def test_a_decision_counts_between_the_registration_and_today(make, day):
    contract = of_last_year(make)
    move("ask_cancellation", contract, contract.filed_by, **asked(contract, ground_code="Z01"))
    move("review_case", contract, make.user(), opinion="属实。")
    with pytest.raises(Refused, match="计入日期不能"):
        move("grant_cancellation", contract, make.user(Role.REVIEWER), counts_on=day, opinion="")


def test_a_decision_leaves_the_years_before_as_they_are(make):
    contract = of_last_year(make)
    assert "以前年度" in asks.why_not_counted_on(contract, today().replace(year=LAST_YEAR, month=12, day=31))
    assert asks.why_not_counted_on(contract, today()) is None


def test_a_revocation_needs_the_party_heard_and_another_person(make):
    contract, reviewer = of_last_year(make), make.user(Role.REVIEWER)
    found = {"ground_code": "V03", "event_on": today(), "grounds": "重复。", "paper": paper()}
    move("open_revocation", contract, reviewer, **found)
    manager = make.user(Role.MANAGER)
    with pytest.raises(Refused, match="先“记录告知和陈述”"):
        move("revoke", contract, manager, counts_on=today(), decision="重复登记。")
    move("record_hearing", contract, make.user(), notified_on=today(), statement="")
    with pytest.raises(Refused, match="先“记录告知和陈述”"):
        move("revoke", contract, manager, counts_on=today(), decision="重复登记。")
    move("record_hearing", contract, make.user(), notified_on=today(), statement="未提出陈述、申辩")
    with pytest.raises(Refused, match="都已经记录"):
        move("record_hearing", contract, make.user(), notified_on=today(), statement="改口")
    with pytest.raises(Refused, match="是你提出的"):
        move("revoke", contract, reviewer, counts_on=today(), decision="重复登记。")
    move("revoke", contract, manager, counts_on=today(), decision="重复登记。")
    assert (contract.state, standing(contract)) == (State.REVOKED, Standing.REVOKED)
    assert ledger.standing_of(contract) == {}
    assert ledger.verify() == []


# --- objection -------------------------------------------------------------------------------------------------------


def test_an_objection_is_decided_by_somebody_who_took_no_part(make):
    contract = make.contract(state=State.REFUSED)
    move("object", contract, contract.filed_by, ground_code="Y01", grounds="标的明确。", paper=None)
    assert [step.label for step in steps(contract)][-2:] == ["不予登记", "异议中"]
    for involved in (contract.reviewed_by, contract.decided_by):
        if involved.has(Role.REVIEWER):
            with pytest.raises(Refused, match="没有参与过"):
                move("decide_objection", contract, involved, outcome="maintain", decision="维持。")
    move("decide_objection", contract, make.user(Role.MANAGER), outcome="redo", decision="重新审查。")
    assert contract.state is State.ACCEPTED
    assert (contract.reviewed_by_id, contract.decided_by_id, contract.refusal_code) == (None, None, None)
    assert contract.due_on > today()
    assert contract.cases[-1].outcome is Outcome.GRANTED


def test_an_objection_to_a_registration_leads_back_or_to_an_investigation(make):
    contract, one, other = of_last_year(make), make.user(Role.MANAGER), make.user(Role.REVIEWER)
    clerk = make.user()
    letter = {"authority": "国家税务总局晋江市税务局", "ground_code": "Y03", "grounds": "核定过高。", "paper": None}
    move("object_by_authority", contract, clerk, **letter)
    move("decide_objection", contract, one, outcome="maintain", decision="核定无误。")
    assert (contract.state, contract.due_on) == (State.REGISTERED, None)
    move("object_by_authority", contract, clerk, **letter)
    with pytest.raises(Refused, match="没有参与过"):
        move("decide_objection", contract, one, outcome="redo", decision="再查。")
    move("decide_objection", contract, other, outcome="redo", decision="核定依据不足。")
    assert contract.state is State.REVOKING
    assert (contract.open_case.kind.value, contract.open_case.ground_code) == ("revocation", "V04")
    assert ledger.verify() == []


def test_an_objection_is_made_in_time_and_once(make):
    late = make.contract(state=State.REFUSED, submitted_on=today() - timedelta(days=200))
    with pytest.raises(Refused, match="60 日内可以提出异议"):
        move("object", late, late.filed_by, ground_code="Y01", grounds="标的明确。", paper=None)
    contract = make.contract(state=State.REFUSED)
    move("object", contract, contract.filed_by, ground_code="Y01", grounds="标的明确。", paper=None)
    move("withdraw_objection", contract, contract.filed_by, reason="再想想。")
    move("object", contract, contract.filed_by, ground_code="Y01", grounds="标的明确。", paper=None)
    move("decide_objection", contract, make.user(Role.MANAGER), outcome="maintain", decision="维持。")
    with pytest.raises(Refused, match="已经有了决定"):
        move("object", contract, contract.filed_by, ground_code="Y01", grounds="还是明确。", paper=None)
    assert guards.decided_on(contract) == today() - timedelta(days=3)


def test_an_application_taken_back_opens_no_new_limit_for_an_objection(make):
    contract = of_last_year(make)
    move("ask_change", contract, contract.filed_by, **asked(contract, title="改过的名称"))
    move("withdraw_case", contract, contract.filed_by, reason="不改了。")
    with pytest.raises(Refused, match="60 日内可以提出异议"):
        move("object", contract, contract.filed_by, ground_code="Y03", grounds="核定过高。", paper=None)


# --- what it would do ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["change", "cancellation", "revocation"])
def test_what_is_shown_before_the_decision_is_what_happens(make, session, kind):
    make.save(
        Target(
            region_code=JINJIANG,
            year=today().year,
            measure_code="total_amount",
            version=1,
            value=Decimal(4_000_000),
            document="泉科〔2026〕1号",
            issued_on=today(),
            source="测试",
        )
    )
    make.contract(state=State.REGISTERED, amount=3_000_000)
    contract, reviewer = of_last_year(make, amount=1_000_000), make.user(Role.REVIEWER)
    if kind == "revocation":
        found = {"ground_code": "V03", "event_on": today(), "grounds": "重复。", "paper": paper()}
        move("open_revocation", contract, make.user(Role.REVIEWER), **found)
        move("record_hearing", contract, make.user(), notified_on=today(), statement="没有意见。")
    else:
        answers = {"total_amount": Decimal(1_500_000), "payments": plan_of(1_500_000), "field_code": "02"}
        answers = asked(contract, **answers) if kind == "change" else asked(contract, ground_code="Z01")
        answers |= {"has_benefits": True, "benefits_note": "免增值税"}
        move(f"ask_{kind}", contract, contract.filed_by, **answers)
        move("review_case", contract, make.user(), opinion="属实。")
    ledger.count_verification(contract, contract.total_amount * 2, today(), now_utc())
    shown = impact.impact_of(contract, contract.open_case, today())
    manager = make.user(Role.MANAGER, region=QUANZHOU)
    before = year_overview(today().year, manager)
    decide = {"change": "grant_change", "cancellation": "grant_cancellation", "revocation": "revoke"}[kind]
    move(decide, contract, reviewer, counts_on=today(), opinion="", decision="属实。")
    session.flush()
    after = year_overview(today().year, manager)
    unit, city = shown.effects
    for effect, find in ((unit, _unit), (city, lambda year: year.total)):
        for told, completion, year in (
            (effect.before, effect.completion_before, before),
            (effect.after, effect.completion_after, after),
        ):
            counted = find(year).counted
            assert told == Figures(counted.contracts, counted.total_amount, counted.technology_amount)
            assert completion == find(year).completion
    entries = session.scalars(select(LedgerEntry).where(LedgerEntry.contract_id == contract.id)).all()
    added = sum((Figures(one.contracts, one.total_amount, one.technology_amount) for one in entries[1:]), Figures())
    assert unit.step == added
    assert (shown.has_benefits, shown.is_below_verified) == (None if kind == "revocation" else True, kind == "change")
    assert {one.query.field for one in shown.lists} == ({"01", "02"} if kind == "change" else {"01", None})


def _unit(year):
    return next(line for line in year.units if line.code == JINJIANG)


# --- the pages -------------------------------------------------------------------------------------------------------


def test_the_pages_lead_through_a_change(make, sign_in, session):
    contract = of_last_year(make, amount=1_000_000)
    number = contract.id
    client = sign_in(contract.filed_by)
    page = client.get(f"/contracts/{number}/ask_change").get_data(as_text=True)
    assert 'enctype="multipart/form-data"' in page
    data = {"version": contract.version, "ground_code": "C02", "event_on": str(today()), "has_benefits": "no"}
    data |= {"title": "改过的名称", "buyer_id": contract.buyer_id, "content": contract.content, "field_code": "01"}
    data |= {"begins_on": str(contract.begins_on), "ends_on": str(contract.ends_on), "total_amount": "100"}
    data |= {"total_amount_unit": "wan", "payments-0-condition": "合同生效后 10 日内", "payments-0-amount": "100"}
    more = client.post(f"/contracts/{number}/ask_change", data=data | {"go": "plan-add"})
    assert more.status_code == 200
    assert 'name="payments-1-amount"' in more.get_data(as_text=True)
    answer = client.post(f"/contracts/{number}/ask_change", data=data | {"paper": (io.BytesIO(PDF), "协议.pdf")})
    assert answer.status_code == 302, answer.get_data(as_text=True)

    registrar = sign_in(make.user())
    assert "初核" in registrar.get("/contracts/inbox").get_data(as_text=True)
    registrar.post(f"/contracts/{number}/review_case", data={"version": contract.version, "opinion": "属实。"})
    reviewer = sign_in(make.user(Role.REVIEWER))
    page = reviewer.get(f"/contracts/{number}/grant_change").get_data(as_text=True)
    assert "改过的名称" in page
    assert "各项统计数都不变" in page
    session.expire_all()
    data = {"version": contract.version, "counts_on": str(today()), "opinion": "同意变更。"}
    assert reviewer.post(f"/contracts/{number}/grant_change", data=data).status_code == 302
    page = client.get(f"/contracts/{number}").get_data(as_text=True)
    assert "第 1 次变更" in page
    assert "协议.pdf" in page


@pytest.mark.parametrize(
    ("state", "name", "role"),
    [
        (State.CANCELLING, "grant_cancellation", Role.REVIEWER),
        (State.REVOKING, "revoke", Role.MANAGER),
        (State.OBJECTION, "decide_objection", Role.MANAGER),
    ],
)
def test_the_pages_of_decisions_say_what_they_would_do(make, sign_in, state, name, role):
    contract = make.contract(state=state, amount=1_000_000)
    ready = {"notified_on": today(), "statement": "未提出。", "reviewed_by_id": make.user().id}
    make.save(contract.open_case, **ready)
    page = sign_in(make.user(role)).get(f"/contracts/{contract.id}/{name}")
    assert page.status_code == 200
    assert ("-100.00" in page.get_data(as_text=True)) == (state is not State.OBJECTION)


def test_cases_ask_no_more_questions(make, sign_in, count_queries, session):
    contract = of_last_year(make)
    client, counts = sign_in(make.user()), []
    for rounds in (1, 3):
        for _ in range(rounds):
            move("ask_change", contract, contract.filed_by, **asked(contract, title=f"新名称{len(contract.cases)}"))
            move("withdraw_case", contract, contract.filed_by, reason="不要了。")
        session.commit()
        client.get(f"/contracts/{contract.id}")
        with count_queries() as queries:
            client.get(f"/contracts/{contract.id}")
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- anybody does anything -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_people_do_to_what_is_registered_what_must_hold_holds(make, session, seed):
    rng = Random(seed)
    contracts = [of_last_year(make, amount=1_000_000) for _ in range(2)] + [make.contract(state=State.REFUSED)]
    people = [make.user(*roles) for roles in ROLES] + [contract.filed_by for contract in contracts[:1]]
    made = set()
    for _ in range(60):
        contract, person = rng.choice(contracts), rng.choice(people)
        offers = [one for one in CONTRACT.offers(contract, person) if one.move.name in OF_CASES and not one.reasons]
        if not offers:
            continue
        offer, source = rng.choice(offers), contract.state
        offer.make(any_answers(offer.move.name, contract, rng), contract.version)
        session.commit()
        made.add(offer.move.name)
        assert contract.state in offer.move.ends(source)
        assert len([case for case in contract.cases if case.outcome is None]) == (contract.state in WITH_A_CASE)
        for case in contract.cases:
            assert case.decided_by_id is None or case.decided_by_id not in (case.opened_by_id, case.reviewed_by_id)
            assert case.decided_by_id != contract.filed_by_id
        assert (ledger.standing_of(contract) == {}) == (not contract.is_in_force)
    assert ledger.verify() == []
    assert len(made) > 8


def any_answers(name, contract, rng):
    words = {"opinion": "同意。", "decision": "属实。", "reason": "不要了。", "grounds": "有误。", "counts_on": today()}
    grounds = {"ask_change": "C01", "ask_cancellation": "Z01", "open_revocation": "V03"}
    answers = asked(contract, **words, ground_code=grounds.get(name, "Y09"), authority="晋江市财政局")
    answers |= {"notified_on": today(), "statement": "未提出。", "outcome": rng.choice(["maintain", "redo"])}
    if name == "ask_change":
        total = rng.randint(1, 10**6)
        answers |= {"total_amount": Decimal(total), "payments": plan_of(total), "title": f"名称{total}"}
    return answers
