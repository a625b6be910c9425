"""What the amounts of a contract come to: deductions, ways of paying, foreign currency, free use."""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.accounts.roles import Role
from contracts_app.contracts import amounts
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from tests.contracts.answers import DAY, deduction, kept, money, post, royalty, summary

LAST = today() + timedelta(days=30)


@dataclass
class Taken:
    amount: Decimal
    is_subject: bool


fen = st.integers(0, 10**12).map(lambda number: Decimal(number).scaleb(-2))
lines = st.lists(st.builds(Taken, fen, st.booleans()), max_size=12)


@given(fen, lines)
def test_the_technology_amount_is_the_total_less_what_is_taken_off(total, sheet):
    left = amounts.technology_part(total, sheet)
    taken = sum((one.amount for one in sheet if not one.is_subject), Decimal(0))
    assert 0 <= left <= total
    assert left == total - taken or (taken > total and left == 0)
    assert left == amounts.technology_part(total, [one for one in sheet if not one.is_subject])


@given(fen, st.integers(1, 10**13).map(lambda number: Decimal(number).scaleb(-8)))
def test_foreign_currency_is_rounded_once_and_by_half_a_fen_at_most(amount, rate):
    cny = amounts.in_cny(amount, rate)
    assert cny == cny.quantize(Decimal("0.01"))
    assert -Decimal("0.005") < cny - amount * rate <= Decimal("0.005")


@pytest.fixture
def broker(make):
    return make.user(Role.BROKER)


@pytest.fixture
def visit(sign_in, broker):
    return sign_in(broker)


@pytest.fixture
def draft(make, broker):
    return make.contract(filed_by=broker)


def fresh(contract):
    db.session.expire_all()
    return db.session.get(Contract, contract.id)


def test_the_technology_amount_is_worked_out_from_the_sheet_whatever_is_posted(visit, draft):
    prototype = deduction(1, name="样机 1 台", amount="3", is_subject="y", note="供验收")
    posted = money(
        technology_amount="1", **deduction(amount="25"), **prototype, **deduction(2, kind="", name="", amount="")
    )
    assert post(visit, draft, "money", posted).status_code == 302
    contract = fresh(draft)
    assert (contract.total_amount, contract.technology_amount, len(contract.deductions)) == (1_200_000, 950_000, 2)
    said = (
        "成交额 1,200,000.00 元 − 设备 250,000.00 元（检测仪 2 台） = 技术交易额 950,000.00 元"
        "；样机 1 台 30,000.00 元属合理数量，不扣除（供验收）"
    )
    for page in ("money", "check"):
        assert said in visit.get(f"/contracts/{draft.id}/fill/{page}").text
    assert [(one.label, one.amount) for one in amounts.deduction_reasoning(contract)] == [
        ("成交额", 1_200_000),
        ("设备", 250_000),
        ("技术交易额", 950_000),
        ("不扣除", 30_000),
    ]
    post(visit, draft, "money", money())
    assert (fresh(draft).technology_amount, fresh(draft).deductions) == (1_200_000, [])


def test_what_an_older_contract_took_off_without_lines_has_to_be_named(visit, draft):
    draft.technology_amount = Decimal(900_000)
    db.session.commit()
    assert "未列明细 100,000.00 元" in amounts.deduction_sentence(draft)
    page = visit.get(f"/contracts/{draft.id}/fill/money").text
    assert re.search('name="deductions-0-amount"[^>]*value="10"|value="10"[^>]*name="deductions-0-amount"', page)
    assert "扣除明细合计比成交额与技术交易额的差少 100,000.00 元" in visit.get(f"/contracts/{draft.id}/fill/check").text


def test_only_what_goes_with_the_way_of_paying_is_checked_and_kept(visit, draft):
    assert post(visit, draft, "money", royalty(free_until="改天", **{"payments-0-amount": "乱写"})).status_code == 302
    contract = fresh(draft)
    assert (contract.total_amount, contract.is_price_open, contract.payments) == (0, True, [])
    assert (contract.royalty_rate, contract.free_until) == (Decimal("3.5"), None)
    assert amounts.royalty_in_words(contract).startswith("按销售额的 3.5% 提成，")
    assert "金额待定" in visit.get("/contracts/mine").text
    post(visit, draft, "money", royalty() | money())
    contract = fresh(draft)
    assert (contract.is_price_open, contract.royalty_base, contract.may_inspect_books) == (False, None, None)


@pytest.mark.parametrize(
    ("posted", "sentence"),
    [
        (royalty(royalty_rate="3.14159"), "最多 4 位小数，去掉多余的小数位后填写"),
        (royalty(is_price_open=""), "填写大于 0 的成交额"),
        (royalty(royalty_floor="2", royalty_cap="1"), "保底金额 20,000.00 元大于封顶金额 10,000.00 元"),
        (
            {"total_amount": "0", "payment_model_code": "use_first", "is_price_open": "y"}
            | {"free_until": str(LAST), "free_trigger": "期满"},
            "免费使用以后付多少还没有填：填写成交额，或者填写提成",
        ),
        (money(payment_model_code="lump_sum") | {"payments-0-amount": "", "payments-0-due_on": ""}, None),
        (money(currency_code="USD", foreign_amount="100"), "填写汇率：1 单位外币折合人民币多少元"),
    ],
)
def test_a_way_of_paying_asks_for_what_belongs_to_it_and_loses_nothing(visit, draft, posted, sentence):
    answer = post(visit, draft, "money", posted)
    assert answer.status_code == 422
    assert sentence is None or sentence in summary(answer)
    assert kept(draft, "money").fields
    for typed in posted.values():
        assert typed in unescape(answer.text)


def test_nothing_down_stages_and_a_royalty(visit, draft):
    """零门槛费+阶段性支付+收入提成: the stages come to the total, the royalty is beside it."""
    stages = money(("", "小试验收", "40"), ("", "中试验收", "80"), payment_model_code="zero_entry")
    terms = {name: typed for name, typed in royalty().items() if name.startswith(("royalty", "may_"))}
    assert post(visit, draft, "money", stages | terms).status_code == 302
    assert (fresh(draft).total_amount, len(fresh(draft).payments)) == (1_200_000, 2)


def test_a_price_in_foreign_currency_is_kept_with_its_rate_and_registered_in_cny(visit, draft):
    abroad = {
        "currency_code": "USD",
        "foreign_amount": "100,000.55",
        "exchange_rate": "7.10241234",
        "exchange_rate_on": (today() - 10 * DAY).isoformat(),
        "exchange_rate_source": "人民币汇率中间价",
    }
    posted = money(("2026-12-31", "", "710245.14 元"), total_amount="1", **abroad)
    assert post(visit, draft, "money", posted).status_code == 302
    contract = fresh(draft)
    assert (contract.total_amount, contract.technology_amount) == (Decimal("710245.14"), Decimal("710245.14"))
    assert "100,000.55 USD × 7.10241234 = 710,245.14 元" in amounts.foreign_in_words(contract)
    post(visit, draft, "money", money(currency_code=""))
    assert (fresh(draft).currency_code, fresh(draft).exchange_rate, fresh(draft).total_amount) == (
        None,
        None,
        1_200_000,
    )


def test_the_registrar_corrects_the_sheet_and_both_stand_in_the_history(make, sign_in):
    contract = make.contract(state=State.ACCEPTED, technology=900_000)
    registrar = sign_in(make.user())
    page = registrar.get(f"/contracts/{contract.id}/review").text
    assert "成交额 1,000,000.00 元 − 设备 100,000.00 元（检测仪 1 台） = 技术交易额 900,000.00 元" in page
    answers = {"recognised_type": "KF1", "conclusion": "register", "version": contract.version}
    answers["recognised_amount"] = "999999"  # nobody asks for it
    made = registrar.post(
        f"/contracts/{contract.id}/review",
        data=answers | deduction(amount="20") | deduction(1, kind="part", amount="5"),
    )
    assert made.status_code == 302, summary(made)
    contract = fresh(contract)
    assert contract.technology_amount == 750_000
    changes = contract.history[-1].changes
    assert changes["technology_amount"] == ["900,000.00", "750,000.00"]
    assert changes["deductions"][0] == "设备 检测仪 1 台 100,000.00 元"
    assert "核定的技术交易额：750,000.00 元" in registrar.get(f"/contracts/{contract.id}").text


def test_the_end_of_free_use_is_told_to_filer_and_office_while_the_price_is_open(make, sign_in):
    known = {
        "state": State.REGISTERED,
        "payment_model_code": "use_first",
        "free_trigger": "期满",
        "is_price_open": True,
    }
    filer = make.user(Role.BROKER)
    make.contract("将满的合同", filed_by=filer, free_until=LAST, **known)
    make.contract("已满的合同", filed_by=filer, free_until=today() - DAY, **known)
    make.contract("还早的合同", filed_by=filer, free_until=LAST + DAY, **known)
    make.contract("已定的合同", filed_by=filer, free_until=today(), **known | {"is_price_open": False})
    for person, page in ((filer, "/contracts/mine"), (make.user(), "/contracts/inbox")):
        text = sign_in(person).get(page).text
        assert "免费使用期将满或已满 2 份" in text
        assert "还有 30 天到期" in text
        assert "已到期 1 天" in text
