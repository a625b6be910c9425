"""A contract in words: what history compares, what a submission fixes, what pages and papers print."""

from datetime import date
from decimal import Decimal
from typing import Any

from contracts_app.core import money

from .models import Attachment, Contract

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
    "total_amount": "成交额（元）",
    "technology_amount": "技术交易额（元）",
    "payment_model_code": "付款方式",
    "payments": "付款计划",
    "payment_note": "付款说明",
    "field_code": "技术领域",
    "ip_code": "知识产权",
    "plan_source_code": "计划来源",
    "goal_code": "社会经济目标",
    "industry_code": "服务的国民经济行业",
    "platform_id": "创新平台",
    "attachments": "附件",
}


def facts_of(contract: Contract) -> dict[str, str]:
    """Every answer of the contract in words, by field; an empty text where there is none."""
    return {
        "seller_id": _name(contract.seller),
        "buyer_id": _name(contract.buyer),
        "is_related": {True: "是", False: "否", None: ""}[contract.is_related],
        "broker_id": _name(contract.broker),
        "title": contract.title,
        "type_code": type_in_words(contract),
        "content": contract.content,
        "signed_on": _day(contract.signed_on),
        "begins_on": _day(contract.begins_on),
        "ends_on": _day(contract.ends_on),
        "total_amount": _amount(contract.total_amount),
        "technology_amount": _amount(contract.technology_amount),
        "payment_model_code": _name(contract.payment_model),
        "payments": "；".join(
            f"第 {line.position} 期 {_day(line.due_on)} {line.condition} {money.yuan(line.amount)} 元".replace(
                "  ", " "
            )
            for line in contract.payments
        ),
        "payment_note": contract.payment_note,
        "field_code": _name(contract.field),
        "ip_code": _name(contract.ip),
        "plan_source_code": _name(contract.plan_source),
        "goal_code": _name(contract.goal),
        "industry_code": _name(contract.industry),
        "platform_id": _name(contract.platform),
        "attachments": "；".join(
            f"{file.kind.name}：{file.file_name}（{_version(file)}{file.sha256[:12]}）"
            for file in contract.current_attachments
        ),
    }


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


def _amount(amount: Decimal) -> str:
    return money.yuan(amount) if amount else ""
