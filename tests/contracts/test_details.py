"""类型专项 through HTTP: what each type is asked, how it is kept, and what goes when the type changes."""

import re
from html import unescape

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts import facts, questions
from contracts_app.contracts.checking.checks import Section
from contracts_app.contracts.filing import summary
from contracts_app.contracts.finding import search
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from tests.contracts.answers import DAY, kept, post, subject
from tests.contracts.answers import summary as said

RIGHT = {
    "ip_code": "0201",
    "name": "一种示范装置",
    "number": "ZL202410000001.X",
    "owner": "示范单位",
    "applied_on": "2024-01-05",
    "valid_until": "2044-01-04",
}
LICENCE = {
    "licence_mode_code": "3",
    "licence_territory": "福建省",
    "licence_begins_on": today().isoformat(),
    "licence_ends_on": (today() + 300 * DAY).isoformat(),
}
FOREIGN = "990000"


def lines(*rights):
    return {f"rights-{place}-{name}": value for place, one in enumerate(rights) for name, value in one.items()}


@pytest.fixture
def broker(make):
    return make.user(Role.BROKER)


@pytest.fixture
def visit(sign_in, broker):
    return sign_in(broker)


@pytest.fixture
def draft(make, broker):
    """A draft right in all else, of the type the test names."""
    return lambda type_code, **facts: make.contract(filed_by=broker, type_code=type_code, **facts)


ASKED = {
    "KF1": set(),
    "ZX1": {"base_number", "base_note", "base_amount"},
    "FW2": {"trainee_count", "trainee_note"},
    "FW3": {"base_number", "base_note", "base_amount"},
    "ZR3": {"rights", "expected_input", "expected_output"},
    "ZR9": {"rights", "expected_input", "expected_output"}
    | {"equity_valuation", "equity_share", "equity_registered_on"},
    "XK1": {"rights", *LICENCE},
}


@pytest.mark.parametrize("type_code", ASKED)
def test_each_type_is_asked_its_own(visit, draft, type_code):
    contract = draft(type_code)
    page = visit.get(f"/contracts/{contract.id}/fill/details").text
    named = {re.split("-|_unit", name)[0] for name in re.findall(r'name="([a-z_0-9-]+)"', page)}
    assert named & set(questions.ALL_FIELDS) == ASKED[type_code]
    assert ("本类型没有专项要填" in page) == (not ASKED[type_code])


def test_a_seller_abroad_is_asked_for_the_import_and_no_type_for_nothing(visit, draft, make):
    abroad = draft("KF1", seller=make.enterprise(region=FOREIGN))
    assert 'name="import_certificate_number"' in visit.get(f"/contracts/{abroad.id}/fill/details").text
    unknown = draft(None)
    assert "先在“标的与期限”里选合同类型" in visit.get(f"/contracts/{unknown.id}/fill/details").text
    assert "先选合同类型" in visit.get(f"/contracts/{unknown.id}/fill").text


def test_a_licence_is_kept_with_its_rights_and_read_on_every_page(visit, draft, sign_in, make):
    contract = draft("XK1", ip_code="0201")
    secret = dict.fromkeys(RIGHT, "") | {"ip_code": "01", "name": "配方"}
    typed = LICENCE | lines(RIGHT, dict.fromkeys(RIGHT, ""), secret)
    assert post(visit, contract, "details", typed).location.endswith("/fill/money")
    db.session.expire_all()
    contract = db.session.get(Contract, contract.id)
    assert [(one.position, one.ip_code, one.name) for one in contract.rights] == [
        (1, "0201", "一种示范装置"),
        (2, "01", "配方"),
    ]
    # The second line goes and the first is put right, in the rows there are.
    assert post(visit, contract, "details", LICENCE | lines(RIGHT | {"name": "另一种示范装置"})).status_code == 302
    page = visit.get(f"/contracts/{contract.id}/fill/check").text
    assert "第 1 项的权利人是“示范单位”，不是卖方" in page
    assert "发明专利 ZL202410000001.X 另一种示范装置（示范单位），2024-01-05 至 2044-01-04" in page
    contract.state = State.SUBMITTED
    db.session.commit()
    shown = sign_in(make.user()).get(f"/contracts/{contract.id}").text
    for words in ("另一种示范装置", "ZL202410000001.X", "普通实施许可", "福建省"):
        assert words in shown


def test_lines_come_and_go_by_buttons_and_nothing_typed_is_lost(visit, draft):
    contract = draft("ZR3")
    typed = {"expected_input": "写不清", "expected_input_unit": "wan"} | lines(RIGHT)
    page = post(visit, contract, "details", typed, go="rights-add").text
    assert 'name="rights-1-name"' in page
    assert "选择种类" in page.split('id="rights-1"')[1]
    assert "写不清" in page
    page = post(visit, contract, "details", lines(RIGHT, RIGHT | {"name": "第二"}), go="rights-remove:0").text
    assert 'value="第二"' in page
    assert "一种示范装置" not in page


WRONG = [
    ("ZR3", {}, "写明转让、许可的权利，每项一行，至少一项", "rights"),
    ("ZR3", lines(RIGHT | {"ip_code": ""}), "第 1 项：选择权利的种类", "rights-0-ip_code"),
    (
        "ZR3",
        lines(RIGHT | {"valid_until": "2024-01-04"}),
        "第 1 项：有效期不能早于申请日，对照证书核对",
        "rights-0-valid_until",
    ),
    (
        "ZR3",
        lines(RIGHT | {"number": "ZL2024"}),
        "第 1 项的专利号“ZL2024”写法不对，应为 8 位或 12 位数字、一个点和一位校验码",
        "rights",
    ),
    ("XK1", lines(RIGHT), "选择许可方式", "licence_mode_code"),
    ("FW2", {"trainee_count": "二十", "trainee_note": "操作人员"}, "填写 1 至 99999 的整数", "trainee_count"),
    (
        "FW3",
        {"base_number": "123"},
        "全国技术合同登记编号是 16 位数字，现在填了 3 位，对照登记证明核对。",
        "base_number",
    ),
]


@pytest.mark.parametrize(("type_code", "typed", "sentence", "target"), WRONG)
def test_a_wrong_answer_gets_its_sentence_and_stays(visit, draft, type_code, typed, sentence, target):
    contract = draft(type_code)
    answer = post(visit, contract, "details", typed)
    assert answer.status_code == 422
    assert said(answer).get(sentence) == target
    again = unescape(visit.get(f"/contracts/{contract.id}/fill/details").text)
    assert all(value in again for value in typed.values())
    assert kept(contract, "details")


def test_what_a_new_type_does_not_ask_is_emptied_and_told(visit, draft):
    contract = draft("XK1")
    post(visit, contract, "details", LICENCE | lines(RIGHT))
    post(visit, contract, "details", LICENCE | {"licence_ends_on": "明年"} | lines(RIGHT), go="draft")
    post(visit, contract, "subject", subject(type_code="ZR1"))
    page = visit.get(f"/contracts/{contract.id}/fill/details").text
    assert "已经清空：许可方式、许可地域、许可期限开始、许可期限结束。" in page
    assert "一种示范装置" in page
    assert "明年" not in kept(contract, "details").fields
    post(visit, contract, "subject", subject(type_code="KF1"))
    db.session.expire_all()
    contract = db.session.get(Contract, contract.id)
    assert (contract.rights, contract.licence_mode_code, contract.licence_territory) == ([], None, "")
    assert kept(contract, "details") is None
    assert "没有专项要填" in visit.get(f"/contracts/{contract.id}/fill").text


def test_a_commission_is_held_against_the_contract_it_brought_about(visit, draft, make):
    base = make.contract("被促成的合同", state=State.REGISTERED, filed_by=db.session.merge(draft("KF1").filed_by))
    contract = draft("FW3", amount=6_000_000)
    answer = post(visit, contract, "details", {"base_number": base.registration_number})
    assert "中介报酬远多于所促成合同登记的成交额" in str(said(answer))
    assert "1,000,000" not in said(answer), "it may be somebody else's contract"
    close = draft("FW3", amount=1_000_001)
    answer = post(visit, close, "details", {"base_number": base.registration_number})
    assert "中介报酬远多于" not in str(said(answer)), "nor can it be found out by trying"
    small = draft("FW3", amount=10_000)
    assert post(visit, small, "details", {"base_number": base.registration_number}).status_code == 302
    assert "被促成的合同" in visit.get(f"/contracts/{small.id}/fill/details").text


def test_a_copy_takes_the_rights_along(visit, draft):
    contract = draft("XK1")
    post(visit, contract, "details", LICENCE | lines(RIGHT))
    copied = int(re.search(r"/contracts/(\d+)", visit.post(f"/contracts/{contract.id}/copy").location)[1])
    copy = db.session.get(Contract, copied)
    assert [one.number for one in copy.rights] == [RIGHT["number"]]
    assert (copy.licence_mode_code, copy.licence_ends_on) == ("3", None)


def test_every_question_has_its_words_and_its_place():
    asked = [name for section in Section for name in summary.FIELDS[section]]
    assert set(asked) | {"broker_id"} <= facts.LABELS.keys()
    assert len(asked) == len(set(asked))


def test_it_is_found_by_its_own_number_and_by_the_numbers_of_its_rights(visit, draft):
    contract = draft("XK1")
    post(visit, contract, "details", LICENCE | lines(RIGHT))
    contract = db.session.get(Contract, contract.id)
    contract.contract_number = "HR-2026-017"
    db.session.flush()
    assert db.session.scalars(search.WORDS.ids(RIGHT["number"])).all() == [contract.id]
    assert db.session.scalars(search.WORDS.ids("HR-2026-017")).all() == []
    assert search.rebuild() >= 1
    assert db.session.scalars(search.WORDS.ids("HR-2026-017")).all() == [contract.id]
