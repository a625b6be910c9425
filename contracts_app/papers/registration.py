"""登记信息单: what stands on the register about a contract, and what that proves."""

from contracts_app.contracts.amounts import deduction_sentence, foreign_in_words, total_in_words
from contracts_app.contracts.facts import type_in_words
from contracts_app.contracts.models import Contract
from contracts_app.core import money

from . import words
from .blocks import Block, Facts, Heading, Note, Row, Sheet, Signature
from .standing import standing

_PROVES = (
    "本单证明上列合同在本机构的登记内容和打印时的登记状态，由本系统按登记内容生成，供核对使用。"
    "技术合同登记证明由全国技术合同管理与服务系统出具。"
)
_DOES_NOT_PROVE = (
    "本单不证明合同已经履行、款项已经支付，也不说明是否享受税收优惠或者奖励；能否享受，由主管部门依法认定。"
)


def registration(contract: Contract) -> Sheet:
    """The sheet with both amounts, number and verification code; struck-off registrations say so across the page."""
    assert contract.registered_on is not None
    carried = words.frame(contract)
    today = standing(contract)
    title, code = "技术合同登记信息单", contract.verification_code or ""
    since = "" if today.is_valid and not today.revision else f"（{words.day(today.on)}）"
    rows: list[Row] = [
        ("登记状态", f"{today.words}{since}", "登记日期", words.day(contract.registered_on)),
        ("合同名称", contract.title),
        ("卖方", words.name(contract.seller), "卖方代码", (contract.seller and contract.seller.code) or ""),
        ("买方", words.name(contract.buyer), "买方代码", (contract.buyer and contract.buyer.code) or ""),
        ("合同类型", type_in_words(contract), "技术领域", words.name(contract.field)),
        ("知识产权", words.name(contract.ip), "计划来源", words.name(contract.plan_source)),
        ("社会经济目标", words.name(contract.goal), "关联交易", words.yes_no(contract.is_related)),
        ("签订日期", words.day(contract.signed_on), "有效期限", _span(contract)),
        ("成交额", _amount(total_in_words(contract), contract)),
        ("技术交易额", f"{money.yuan(contract.technology_amount)} 元　{money.capitals(contract.technology_amount)}"),
        ("扣除说明", _why(contract)),
        ("付款方式", words.name(contract.payment_model), "技术经纪人", words.name(contract.broker)),
        ("考核单元", words.name(contract.unit), "适用规则", words.limits_of(contract).rule_set.name),
    ]
    if abroad := foreign_in_words(contract):
        rows.insert(9, ("外币折算", abroad))
    blocks: list[Block] = [
        Facts(rows),
        Heading("本单证明什么"),
        Note(_PROVES),
        Note(_DOES_NOT_PROVE),
        Signature(carried["office"], words.long_day(today.on)),
    ]
    return Sheet(
        title=title,
        numbers=[carried["number"]],
        blocks=blocks,
        across="" if today.is_valid else today.words,
        extra={"number": words.spaced(contract.registration_number or ""), "code": code},
        **carried,
    )


def _span(contract: Contract) -> str:
    return f"{words.day(contract.begins_on)} 至 {words.day(contract.ends_on)}"


def _amount(said: str, contract: Contract) -> str:
    return f"{said}　{money.capitals(contract.total_amount)}" if contract.total_amount else said


def _why(contract: Contract) -> str:
    """The reckoning in one sentence; that nothing was taken off where it was so."""
    if not contract.deductions and contract.total_amount == contract.technology_amount:
        return "没有扣除，技术交易额等于成交额。"
    return deduction_sentence(contract)
