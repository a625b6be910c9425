"""What must be right before a contract may be submitted, written once for form, import, API and command line.

A check looks at the contract as it stands and answers with a sentence when something is to be put right. It names the
part of the filing and the field it belongs to, so that every page can lead there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts_app.accounts.roles import Role
from contracts_app.core import money
from contracts_app.core.clock import local
from contracts_app.core.words import Word
from contracts_app.regions.queries import ABROAD
from contracts_app.rules.queries import setting

from .facts import LABELS
from .models import Contract

GOODS = ("设备", "仪器", "原材料", "零部件", "采购")


class Section(Word):
    """The parts of the filing, in the order of the task list."""

    PARTIES = "parties", "当事人"
    SUBJECT = "subject", "标的与期限"
    MONEY = "money", "金额与付款"
    TECHNOLOGY = "technology", "技术信息"
    FILES = "files", "附件"


class Level(Word):
    """An error stops the submission; a warning only asks for a second look."""

    ERROR = "error", "须改正"
    WARNING = "warning", "请核对"


@dataclass(frozen=True)
class Finding:
    """One thing a check found: where, how grave, and the sentence that says what to do."""

    section: Section
    field: str
    level: Level
    sentence: str


@dataclass(frozen=True)
class Check:
    """One rule about a contract. ``test`` gets the contract and today's date in Asia/Shanghai."""

    section: Section
    field: str
    test: Callable[[Contract, date], str | None]
    level: Level = Level.ERROR


CHECKS: list[Check] = []


def check(
    section: Section, field: str, level: Level = Level.ERROR
) -> Callable[[Callable[[Contract, date], str | None]], Callable[[Contract, date], str | None]]:
    """Declare a function as a check, in the order of the form."""

    def declare(test: Callable[[Contract, date], str | None]) -> Callable[[Contract, date], str | None]:
        CHECKS.append(Check(section, field, test, level))
        return test

    return declare


def findings(contract: Contract, on: date, section: Section | None = None) -> list[Finding]:
    """Everything the checks find on this day, in the order of the form; only one part's when ``section`` is given."""
    return list(_findings(contract, on, section))


def _findings(contract: Contract, on: date, section: Section | None) -> Iterator[Finding]:
    for one in CHECKS:
        if section in (None, one.section) and (sentence := one.test(contract, on)):
            yield Finding(one.section, one.field, one.level, sentence)


def errors(contract: Contract, on: date) -> list[Finding]:
    """What stops the submission."""
    return [finding for finding in findings(contract, on) if finding.level is Level.ERROR]


def _may_still_be_chosen(section: Section, field: str, relation: str) -> None:
    """A draft after an earlier contract may bring a code along whose last day has passed.

    What was handed in keeps the codes of its day.
    """

    @check(section, field)
    def code_may_still_be_chosen(contract: Contract, on: date) -> str | None:
        day = local(contract.submitted_at).date() if contract.submitted_at else on
        chosen = getattr(contract, relation)
        gone = chosen and chosen.valid_to and chosen.valid_to < day
        return f"{LABELS[field]}“{chosen.name}”已停用，重新选择" if gone else None


# ---- 1 parties ------------------------------------------------------------------------------------------------------


@check(Section.PARTIES, "seller_id")
def seller_is_named(contract: Contract, on: date) -> str | None:
    return None if contract.seller_id else "选择卖方：输入名称、代码或拼音查找，没有的先新增单位"


@check(Section.PARTIES, "buyer_id")
def buyer_is_named(contract: Contract, on: date) -> str | None:
    return None if contract.buyer_id else "选择买方：输入名称、代码或拼音查找，没有的先新增单位"


@check(Section.PARTIES, "buyer_id")
def parties_differ(contract: Contract, on: date) -> str | None:
    """Seller and buyer are two legal entities (domain facts 3.4)."""
    same = contract.seller_id is not None and contract.seller_id == contract.buyer_id
    return "买方和卖方是同一个单位，改选其中一方" if same else None


@check(Section.PARTIES, "seller_id")
def an_office_is_in_charge(contract: Contract, on: date) -> str | None:
    """Registered at the applicant's place, once in the country; an import by the domestic buyer (1.1)."""
    if not contract.seller_id or not contract.buyer_id or contract.unit_code:
        return None
    return "卖方不在泉州市的任何一个考核单元，应当到卖方所在地登记；技术进口合同由境内买方所在地登记"


@check(Section.PARTIES, "is_related")
def related_deal_is_answered(contract: Contract, on: date) -> str | None:
    return "选择双方是不是关联交易" if contract.is_related is None else None


# ---- 2 subject ------------------------------------------------------------------------------------------------------


@check(Section.SUBJECT, "title")
def title_is_given(contract: Contract, on: date) -> str | None:
    return None if contract.title else "填写合同名称，与合同封面一致"


@check(Section.SUBJECT, "type_code")
def type_is_a_leaf(contract: Contract, on: date) -> str | None:
    if not contract.type_code:
        return "选择合同类型"
    return None if contract.type and contract.type.parent_code else "选择到具体的子类型"


@check(Section.SUBJECT, "content")
def content_is_described(contract: Contract, on: date) -> str | None:
    """An unclear subject is a ground for refusal (R04), so it is asked for before."""
    return None if contract.content else "写明标的内容：要解决什么技术问题、交付什么成果、怎样验收"


@check(Section.SUBJECT, "signed_on")
def signing_day_is_given(contract: Contract, on: date) -> str | None:
    return None if contract.signed_on else "填写合同签订日期"


@check(Section.SUBJECT, "signed_on")
def signed_by_today(contract: Contract, on: date) -> str | None:
    """Filed after the contract is formed (1.1)."""
    later = contract.signed_on and contract.signed_on > on
    return f"签订日期不能晚于今天（{on}），核对合同落款日期" if later else None


@check(Section.SUBJECT, "begins_on")
def first_day_is_given(contract: Contract, on: date) -> str | None:
    return None if contract.begins_on else "填写有效期的开始日期"


@check(Section.SUBJECT, "begins_on", Level.WARNING)
def begins_after_signing(contract: Contract, on: date) -> str | None:
    early = contract.signed_on and contract.begins_on and contract.begins_on < contract.signed_on
    return "有效期早于签订日期开始，核对合同条款" if early else None


@check(Section.SUBJECT, "ends_on")
def last_day_is_given(contract: Contract, on: date) -> str | None:
    return None if contract.ends_on else "填写有效期的结束日期"


@check(Section.SUBJECT, "ends_on")
def ends_after_it_begins(contract: Contract, on: date) -> str | None:
    wrong = contract.begins_on and contract.ends_on and contract.ends_on < contract.begins_on
    return f"结束日期不能早于开始日期（{contract.begins_on}）" if wrong else None


@check(Section.SUBJECT, "ends_on")
def ends_after_signing(contract: Contract, on: date) -> str | None:
    wrong = contract.signed_on and contract.ends_on and contract.ends_on < contract.signed_on
    return f"结束日期不能早于签订日期（{contract.signed_on}）" if wrong else None


@check(Section.SUBJECT, "ends_on")
def is_still_valid(contract: Contract, on: date) -> str | None:
    """Filed within the validity of the contract (1.1); an expired one is turned away at the counter."""
    expired = contract.ends_on and contract.ends_on < on
    return f"合同已在 {contract.ends_on} 到期，只有有效期内的合同才能申请登记" if expired else None


_may_still_be_chosen(Section.SUBJECT, "type_code", "type")


# ---- 3 money --------------------------------------------------------------------------------------------------------


@check(Section.MONEY, "total_amount")
def total_is_positive(contract: Contract, on: date) -> str | None:
    undetermined = contract.payment_model and contract.payment_model.may_be_undetermined
    return "填写大于 0 的成交额" if contract.total_amount <= 0 and not undetermined else None


@check(Section.MONEY, "total_amount", Level.WARNING)
def total_is_plausible(contract: Contract, on: date) -> str | None:
    """A slip between 元 and 万元 (3.4, unit guard); the limits are settings of the office."""
    if 0 < contract.total_amount < setting("small_amount_check"):
        return f"成交额只有 {money.yuan(contract.total_amount)} 元，核对单位是不是万元"
    if contract.total_amount > setting("huge_amount_check"):
        return f"成交额有 {money.yi(contract.total_amount)} 亿元，核对单位是不是元"
    return None


@check(Section.MONEY, "technology_amount")
def technology_is_positive(contract: Contract, on: date) -> str | None:
    return "填写大于 0 的技术交易额" if contract.total_amount > 0 and contract.technology_amount <= 0 else None


@check(Section.MONEY, "technology_amount")
def technology_within_total(contract: Contract, on: date) -> str | None:
    """技术交易额 is the total less equipment, parts and material (4.1), so it never exceeds it."""
    if contract.technology_amount <= contract.total_amount:
        return None
    return f"技术交易额不能大于成交额（{money.yuan(contract.total_amount)} 元）"


@check(Section.MONEY, "technology_amount", Level.WARNING)
def goods_are_deducted(contract: Contract, on: date) -> str | None:
    """A price that holds goods is not all technology (3.4): the subject names some, and nothing was deducted."""
    if not contract.total_amount or contract.technology_amount != contract.total_amount:
        return None
    named = next((word for word in GOODS if word in contract.title), None)
    return f"合同名称里有“{named}”，技术交易额和成交额相同，核对是否要扣除{named}费用" if named else None


@check(Section.MONEY, "payment_model_code")
def payment_model_is_chosen(contract: Contract, on: date) -> str | None:
    return None if contract.payment_model_code else "选择付款方式"


@check(Section.MONEY, "payments")
def plan_is_given(contract: Contract, on: date) -> str | None:
    by_stages = contract.payment_model_code in {"instalments", "zero_entry"} and contract.total_amount > 0
    return "填写付款计划，每期一行" if by_stages and not contract.payments else None


@check(Section.MONEY, "payments")
def plan_adds_up(contract: Contract, on: date) -> str | None:
    """Σ of the lines = total for every model whose price is fixed (3.4, 4.2)."""
    model = contract.payment_model
    if not contract.payments or not model or not model.must_sum_to_total:
        return None
    planned = sum((line.amount for line in contract.payments), Decimal(0))
    gap = contract.total_amount - planned
    if gap == 0:
        return None
    return f"各期合计 {money.yuan(planned)} 元，比成交额{'少' if gap > 0 else '多'} {money.yuan(abs(gap))} 元"


@check(Section.MONEY, "payment_note")
def royalty_is_explained(contract: Contract, on: date) -> str | None:
    """A clear formula is a clear price; an unclear one is a ground for refusal (R05, 4.2)."""
    royalty = contract.payment_model and contract.payment_model.has_royalty
    return "写明提成的基数、比例、期间，以及查账的约定" if royalty and not contract.payment_note else None


_may_still_be_chosen(Section.MONEY, "payment_model_code", "payment_model")


# ---- 4 technology ---------------------------------------------------------------------------------------------------


@check(Section.TECHNOLOGY, "field_code")
def field_is_chosen(contract: Contract, on: date) -> str | None:
    return None if contract.field_code else "选择技术领域"


@check(Section.TECHNOLOGY, "ip_code")
def ip_is_chosen(contract: Contract, on: date) -> str | None:
    return None if contract.ip_code else "选择知识产权类别；没有的选“未涉及知识产权”"


@check(Section.TECHNOLOGY, "ip_code")
def transfer_needs_a_right(contract: Contract, on: date) -> str | None:
    """A transfer or licence moves a right, so there must be one (2.2, 3.4)."""
    if not contract.type or not contract.ip or not contract.type.asks_ip or not contract.ip.is_none:
        return None
    return f"“{contract.type.name}”必须有知识产权，改选具体类别，或回到第 2 步改合同类型"


@check(Section.TECHNOLOGY, "plan_source_code")
def plan_source_is_chosen(contract: Contract, on: date) -> str | None:
    return None if contract.plan_source_code else "选择计划来源；不是计划项目的选“计划外”"


@check(Section.TECHNOLOGY, "goal_code")
def goal_is_chosen(contract: Contract, on: date) -> str | None:
    return None if contract.goal_code else "选择社会经济目标"


@check(Section.TECHNOLOGY, "goal_code")
def is_not_classified(contract: Contract, on: date) -> str | None:
    """Classified contracts are filed on paper only (1.7); goal 13 asks for the check (3.3)."""
    if not contract.goal or not contract.goal.asks_classified_check:
        return None
    return "国防目标的合同先核对是否涉密；涉密合同不得录入本系统，用纸质材料到登记机构办理"


@check(Section.TECHNOLOGY, "industry_code")
def industry_is_chosen(contract: Contract, on: date) -> str | None:
    return None if contract.industry_code else "选择技术服务的国民经济行业"


_may_still_be_chosen(Section.TECHNOLOGY, "field_code", "field")
_may_still_be_chosen(Section.TECHNOLOGY, "ip_code", "ip")
_may_still_be_chosen(Section.TECHNOLOGY, "plan_source_code", "plan_source")
_may_still_be_chosen(Section.TECHNOLOGY, "goal_code", "goal")
_may_still_be_chosen(Section.TECHNOLOGY, "industry_code", "industry")


# ---- 5 files --------------------------------------------------------------------------------------------------------


@check(Section.FILES, "contract")
def contract_text_is_attached(contract: Contract, on: date) -> str | None:
    """The complete text with annexes, always (1.3)."""
    return None if _has_file(contract, "contract") else "上传合同文本及附件（PDF 扫描件或电子合同）"


@check(Section.FILES, "authorization")
def agent_is_authorised(contract: Contract, on: date) -> str | None:
    """A broker is not the applicant: he files as agent of the seller (1.1, 1.8)."""
    agent = Role.BROKER in contract.filed_by.roles
    return (
        "上传卖方的授权委托书：技术经纪人是代理卖方申请" if agent and not _has_file(contract, "authorization") else None
    )


@check(Section.FILES, "ip_certificate", Level.WARNING)
def right_is_shown(contract: Contract, on: date) -> str | None:
    """Asked of transfers and licences (1.3); the rule that asks it is known from a draft only, so it is no error."""
    if not contract.type or not contract.type.asks_ip or _has_file(contract, "ip_certificate"):
        return None
    return f"“{contract.type.name}”合同一般要附知识产权证书，有的上传"


@check(Section.FILES, "import_certificate", Level.WARNING)
def import_is_recorded(contract: Contract, on: date) -> str | None:
    """Imports are recorded with the commerce office first (1.3)."""
    imported = contract.seller and contract.seller.region_code == ABROAD
    if not imported or _has_file(contract, "import_certificate"):
        return None
    return "卖方在境外，属于技术进口，一般要附技术进口合同登记证书及数据表"


def _has_file(contract: Contract, kind_code: str) -> bool:
    return any(file.kind_code == kind_code for file in contract.current_attachments)
