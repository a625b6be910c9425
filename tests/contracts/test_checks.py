"""What must be right before a contract may be submitted: one line for each rule, on a contract right in all else."""

from datetime import timedelta
from decimal import Decimal

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.codes.models import ContractType, Goal, IpKind, PaymentModel
from contracts_app.contracts.checking import checks
from contracts_app.contracts.checking.checks import Level, Section
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db

DAY = timedelta(days=1)
MODELS = {"type_code": ("type", ContractType), "ip_code": ("ip", IpKind), "goal_code": ("goal", Goal)} | {
    "payment_model_code": ("payment_model", PaymentModel)
}


@pytest.fixture
def contract(make):
    return make.contract()


def changed(contract, **facts):
    """The contract with other facts, never written."""
    db.session.autoflush = False
    for name, value in facts.items():
        setattr(contract, name, value)
        if name in MODELS:
            relation, model = MODELS[name]
            setattr(contract, relation, db.session.get(model, value) if value else None)
    return contract


def found(contract, level=Level.ERROR, on=None):
    return {(one.section, one.field) for one in checks.findings(contract, on or today()) if one.level is level}


@pytest.fixture(autouse=True)
def _nothing_is_kept(app):
    yield
    db.session.rollback()
    db.session.autoflush = True


def test_a_whole_contract_is_found_right(contract):
    assert checks.findings(contract, today()) == []


ERRORS = [
    ({"seller_id": None}, Section.PARTIES, "seller_id"),
    ({"buyer_id": None}, Section.PARTIES, "buyer_id"),
    ({"unit_code": None}, Section.PARTIES, "seller_id"),
    ({"is_related": None}, Section.PARTIES, "is_related"),
    ({"title": ""}, Section.SUBJECT, "title"),
    ({"type_code": None}, Section.SUBJECT, "type_code"),
    ({"type_code": "KF"}, Section.SUBJECT, "type_code"),
    ({"content": ""}, Section.SUBJECT, "content"),
    ({"signed_on": None}, Section.SUBJECT, "signed_on"),
    ({"signed_on": today() + DAY}, Section.SUBJECT, "signed_on"),
    ({"begins_on": None}, Section.SUBJECT, "begins_on"),
    ({"ends_on": None}, Section.SUBJECT, "ends_on"),
    ({"ends_on": today() - DAY}, Section.SUBJECT, "ends_on"),
    ({"begins_on": today() + 3 * DAY, "ends_on": today() + 2 * DAY}, Section.SUBJECT, "ends_on"),
    ({"total_amount": Decimal(0)}, Section.MONEY, "total_amount"),
    ({"technology_amount": Decimal(0)}, Section.MONEY, "deductions"),
    ({"technology_amount": Decimal("1000000.01")}, Section.MONEY, "deductions"),
    ({"technology_amount": Decimal(999_999)}, Section.MONEY, "deductions"),
    ({"payment_model_code": None}, Section.MONEY, "payment_model_code"),
    ({"payment_model_code": "instalments", "payments": []}, Section.MONEY, "payments"),
    ({"payment_model_code": "royalty"}, Section.MONEY, "royalty_base"),
    ({"field_code": None}, Section.TECHNOLOGY, "field_code"),
    ({"ip_code": None}, Section.TECHNOLOGY, "ip_code"),
    ({"ip_code": "08", "type_code": "ZR1"}, Section.TECHNOLOGY, "ip_code"),
    ({"plan_source_code": None}, Section.TECHNOLOGY, "plan_source_code"),
    ({"goal_code": None}, Section.TECHNOLOGY, "goal_code"),
    ({"goal_code": "13"}, Section.TECHNOLOGY, "goal_code"),
    ({"industry_code": None}, Section.TECHNOLOGY, "industry_code"),
]


@pytest.mark.parametrize(("facts", "section", "field"), ERRORS)
def test_what_is_missing_or_wrong_is_found(contract, facts, section, field):
    assert (section, field) in found(changed(contract, **facts))


def test_the_plan_adds_up_to_the_fen(contract):
    contract.payments[0].amount = Decimal("999999.99")
    (finding,) = checks.errors(contract, today())
    assert finding.sentence == "各期合计 999,999.99 元，比成交额少 0.01 元"
    db.session.expire(contract)


def test_a_price_not_fixed_yet_may_be_nothing(contract):
    changed(
        contract,
        payment_model_code="zero_entry",
        total_amount=Decimal(0),
        technology_amount=Decimal(0),
        payments=[],
        royalty_base="sales",
        royalty_rate=Decimal(3),
        royalty_begins_on=today(),
        royalty_ends_on=today() + 1825 * DAY,
        may_inspect_books=True,
    )
    assert [one.sentence for one in checks.errors(contract, today())] == ["填写大于 0 的成交额"]
    changed(contract, is_price_open=True)
    assert checks.errors(contract, today()) == []


def test_the_day_counts_on_which_it_is_looked_at(contract):
    late = contract.ends_on + DAY
    assert (Section.SUBJECT, "ends_on") in found(contract, on=late)
    assert (Section.SUBJECT, "ends_on") not in found(contract, on=contract.ends_on)


WARNINGS = [
    ({"begins_on": today() - 100 * DAY}, "begins_on"),
    ({"total_amount": Decimal(99), "technology_amount": Decimal(99)}, "total_amount"),
    ({"total_amount": Decimal("1000000000.01")}, "total_amount"),
    ({"title": "检测设备采购及软件开发"}, "deductions"),
    ({"type_code": "ZR1"}, "ip_certificate"),
]


@pytest.mark.parametrize(("facts", "field"), WARNINGS)
def test_what_is_odd_is_only_asked_about(contract, facts, field):
    changed(contract, **facts)
    assert field in {name for _, name in found(contract, Level.WARNING)}


def test_an_import_is_asked_for_its_certificate(contract, make):
    changed(contract, seller=make.enterprise(region="990000"))
    assert "import_certificate" in {name for _, name in found(contract, Level.WARNING)}


@pytest.mark.parametrize("kind", ["contract", "authorization"])
def test_the_papers_are_there(contract, kind):
    for file in contract.attachments:
        if file.kind_code == kind:
            file.removed_at = contract.created_at
    assert found(contract) == {(Section.FILES, kind)}
    db.session.expire_all()


CHOSEN = ["type", "payment_model", "field", "ip", "plan_source", "goal", "industry"]


@pytest.mark.parametrize("relation", CHOSEN)
def test_a_code_that_may_no_longer_be_chosen_is_chosen_anew(contract, relation):
    chosen = getattr(contract, relation)
    changed(chosen, valid_to=today())
    assert checks.errors(contract, today()) == []
    changed(chosen, valid_to=today() - DAY)
    (finding,) = checks.errors(contract, today())
    assert finding.field == f"{relation}_code"
    assert finding.sentence.endswith(f"“{chosen.name}”已停用，重新选择")


def test_what_was_handed_in_keeps_the_codes_of_its_day(make):
    contract = make.contract(state=State.SUBMITTED, submitted_on=today() - 3 * DAY)
    changed(contract.type, valid_to=today() - 3 * DAY)
    assert checks.errors(contract, today()) == []


def test_who_files_at_the_counter_needs_no_authority(make):
    contract = make.contract(filed_by=make.user(Role.REGISTRAR))
    contract.attachments = [file for file in contract.attachments if file.kind_code == "contract"]
    assert checks.errors(contract, today()) == []


def test_every_sentence_says_what_to_do_in_words_of_the_house(make):
    empty = make.save(type(make.contract())(filed_by_id=make.user(Role.BROKER).id))
    sentences = [one.sentence.replace("申请", "") for one in checks.findings(empty, today())]
    assert len(sentences) >= 17
    assert not any(word in sentence for sentence in sentences for word in ("请", "非法", "无效", "不能为空"))
