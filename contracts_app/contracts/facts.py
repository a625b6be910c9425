"""A contract in words: what history compares, what a submission fixes, what pages and papers print."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from contracts_app.core import money

from . import amounts
from .models import Attachment, Contract, ContractRight
from .questions import not_asked, topics_of

# Field -> what people call it, in the order of the form.
LABELS = {
    "seller_id": "卖方",
    "buyer_id": "买方",
    "is_related": "关联交易",
    "broker_id": "技术经纪人",
    "title": "合同名称",
    "type_code": "合同类型",
    "content": "标的内容",
    "signed_on": "签订日期",
    "begins_on": "有效期开始",
    "ends_on": "有效期结束",
    "contract_number": "合同编号",
    "is_foreign_language": "合同文本为外文",
    "is_signed_by_department": "由内设机构签订",
    "needs_approval": "依法须经批准",
    "is_sealed": "签字盖章齐全",
    "rights": "权利清单",
    "licence_mode_code": "许可方式",
    "licence_territory": "许可地域",
    "licence_begins_on": "许可期限开始",
    "licence_ends_on": "许可期限结束",
    "expected_input": "预计新增投入（元）",
    "expected_output": "预计新增产值（元）",
    "base_number": "关联合同的登记编号",
    "base_note": "关联合同的说明",
    "base_amount": "关联合同的金额（元）",
    "trainee_count": "培训人数",
    "trainee_note": "培训对象和项目",
    "equity_valuation": "作价金额（元）",
    "equity_share": "占股比例（%）",
    "equity_registered_on": "股权登记日期",
    "import_certificate_number": "技术进口登记证书编号",
    "import_registered_on": "技术进口登记日期",
    "currency_code": "币种",
    "foreign_amount": "外币金额",
    "exchange_rate": "汇率",
    "exchange_rate_on": "汇率日期",
    "exchange_rate_source": "汇率来源",
    "total_amount": "成交额（元）",
    "deductions": "扣除明细",
    "technology_amount": "技术交易额（元）",
    "payment_model_code": "付款方式",
    "is_price_open": "金额待定",
    "payments": "付款计划",
    "royalty_base": "提成基数",
    "royalty_rate": "提成比例（%）",
    "royalty_rate_note": "提成比例的变化",
    "royalty_begins_on": "提成开始",
    "royalty_ends_on": "提成结束",
    "royalty_floor": "保底金额（元）",
    "royalty_cap": "封顶金额（元）",
    "may_inspect_books": "约定查账",
    "royalty_estimate": "提成预计（元，不计入成交额）",
    "free_until": "免费使用到",
    "free_trigger": "什么情况下开始付款",
    "payment_note": "付款说明",
    "field_code": "技术领域",
    "ip_code": "知识产权",
    "plan_source_code": "计划来源",
    "goal_code": "社会经济目标",
    "industry_code": "服务的国民经济行业",
    "platform_id": "创新平台",
    "activity": "促成活动",
    "demand_number": "需求编号",
    "result_number": "成果编号",
    "broker_share": "经纪人促成比例（%）",
    "attachments": "附件",
}


def facts_of(contract: Contract) -> dict[str, str]:
    """Every answer of the contract in words, by field; an empty text where there is none."""
    return {
        "seller_id": _name(contract.seller),
        "buyer_id": _name(contract.buyer),
        "is_related": _yes_no(contract.is_related),
        "broker_id": _name(contract.broker),
        "title": contract.title,
        "type_code": type_in_words(contract),
        "content": contract.content,
        "signed_on": _day(contract.signed_on),
        "begins_on": _day(contract.begins_on),
        "ends_on": _day(contract.ends_on),
        "contract_number": contract.contract_number,
        "is_foreign_language": _yes_no(contract.is_foreign_language),
        "is_signed_by_department": _yes_no(contract.is_signed_by_department),
        "needs_approval": _yes_no(contract.needs_approval),
        "is_sealed": _yes_no(contract.is_sealed),
        **_details_of(contract),
        **_money_of(contract),
        "field_code": _name(contract.field),
        "ip_code": _name(contract.ip),
        "plan_source_code": _name(contract.plan_source),
        "goal_code": _name(contract.goal),
        "industry_code": _name(contract.industry),
        "platform_id": _name(contract.platform),
        "activity": contract.activity,
        "demand_number": contract.demand_number,
        "result_number": contract.result_number,
        "broker_share": _plain(contract.broker_share),
        "attachments": "；".join(
            f"{file.kind.name}：{file.file_name}（{_version(file)}{file.sha256[:12]}）"
            for file in contract.current_attachments
        ),
    }


def _money_of(contract: Contract) -> dict[str, str]:
    """The price and how it is paid."""
    return {
        "currency_code": _name(contract.currency),
        "foreign_amount": _told_amount(contract.foreign_amount),
        "exchange_rate": _plain(contract.exchange_rate),
        "exchange_rate_on": _day(contract.exchange_rate_on),
        "exchange_rate_source": contract.exchange_rate_source,
        "total_amount": _amount(contract.total_amount),
        "deductions": "；".join(amounts.line_in_words(line) for line in contract.deductions),
        "technology_amount": _amount(contract.technology_amount),
        "payment_model_code": _name(contract.payment_model),
        "is_price_open": "是" if contract.is_price_open else "",
        "payments": "；".join(
            f"第 {line.position} 期 {_day(line.due_on)} {line.condition} {money.yuan(line.amount)} 元".replace(
                "  ", " "
            )
            for line in contract.payments
        ),
        "royalty_base": contract.royalty_base.label if contract.royalty_base else "",
        "royalty_rate": _plain(contract.royalty_rate),
        "royalty_rate_note": contract.royalty_rate_note,
        "royalty_begins_on": _day(contract.royalty_begins_on),
        "royalty_ends_on": _day(contract.royalty_ends_on),
        "royalty_floor": _told_amount(contract.royalty_floor),
        "royalty_cap": _told_amount(contract.royalty_cap),
        "may_inspect_books": _yes_no(contract.may_inspect_books),
        "royalty_estimate": _told_amount(contract.royalty_estimate),
        "free_until": _day(contract.free_until),
        "free_trigger": contract.free_trigger,
        "payment_note": contract.payment_note,
    }


def _details_of(contract: Contract) -> dict[str, str]:
    """What only some types are asked."""
    return {
        "rights": "；".join(f"第 {right.position} 项 {right_in_words(right)}" for right in contract.rights),
        "licence_mode_code": _name(contract.licence_mode),
        "licence_territory": contract.licence_territory,
        "licence_begins_on": _day(contract.licence_begins_on),
        "licence_ends_on": _day(contract.licence_ends_on),
        "expected_input": _told_amount(contract.expected_input),
        "expected_output": _told_amount(contract.expected_output),
        "base_number": contract.base_number,
        "base_note": contract.base_note,
        "base_amount": _told_amount(contract.base_amount),
        "trainee_count": _plain(contract.trainee_count),
        "trainee_note": contract.trainee_note,
        "equity_valuation": _told_amount(contract.equity_valuation),
        "equity_share": _plain(contract.equity_share),
        "equity_registered_on": _day(contract.equity_registered_on),
        "import_certificate_number": contract.import_certificate_number,
        "import_registered_on": _day(contract.import_registered_on),
    }


@dataclass(frozen=True)
class Told:
    """A group of answers in words."""

    label: str
    lines: Sequence[tuple[str, str]]
    has_base: bool = False  # it names another contract


def details_in_words(contract: Contract) -> list[Told]:
    """What the type asked, group by group, without the list of rights; last what an earlier type was told."""
    words = _details_of(contract)

    def told(label: str, names: Iterable[str]) -> Told:
        lines = [(LABELS[name], words[name]) for name in names if name != "rights"]
        return Told(label, lines, "base_number" in names)

    groups = [told(topic.label, topic.fields) for topic in topics_of(contract)]
    groups += [told("改类型以前填写的", left)] if (left := not_asked(contract)) else []
    return [group for group in groups if group.lines]


def right_in_words(right: ContractRight) -> str:
    """发明专利 ZL202410123456.0 一种装置（某公司），2024-01-05 至 2044-01-04."""
    owner = f"（{right.owner}）" if right.owner else ""
    words = " ".join(word for word in (right.ip.name, right.number, f"{right.name}{owner}") if word)
    span = " 至 ".join(_day(day) or "未填" for day in (right.applied_on, right.valid_until))
    return f"{words}，{span}" if right.applied_on or right.valid_until else words


def changes_of(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str]]:
    """What differs between two states of a contract: field -> [old, new]."""
    return {field: [before.get(field, ""), new] for field, new in after.items() if before.get(field, "") != new}


def changed_since_submission(contract: Contract) -> dict[str, list[str]] | None:
    """What differs from what was submitted last: field -> [old, new]; None before the first submission."""
    before = next((line.facts for line in reversed(contract.history) if line.facts), None)
    return None if before is None else changes_of(before, facts_of(contract))


def type_in_words(contract: Contract) -> str:
    """技术开发 / 委托开发."""
    kind = contract.type
    if not kind:
        return ""
    return f"{kind.parent.name} / {kind.name}" if kind.parent and kind.parent.name != kind.name else kind.name


def _version(file: Attachment) -> str:
    return f"第 {file.version} 版，" if file.version > 1 else ""


def _name(thing: Any) -> str:
    return thing.name if thing else ""


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _yes_no(answer: bool | None) -> str:
    return {True: "是", False: "否", None: ""}[answer]


def _plain(number: int | Decimal | None) -> str:
    if number is None:
        return ""
    return f"{number.normalize():f}" if isinstance(number, Decimal) else str(number)


def _told_amount(amount: Decimal | None) -> str:
    """0 is an answer here."""
    return "" if amount is None else money.yuan(amount)


def _amount(amount: Decimal) -> str:
    return money.yuan(amount) if amount else ""
