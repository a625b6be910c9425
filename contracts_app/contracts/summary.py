"""What was filled in, part by part, as the page lists it on which everything is checked before it is handed in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from contracts_app.accounts.roles import Role
from contracts_app.core import money

from .checks import Finding, Level, Section
from .facts import LABELS, facts_of
from .models import Contract
from .questions import ALL_FIELDS, fields_asked

FIELDS = {
    Section.PARTIES: ("seller_id", "buyer_id", "is_related"),
    Section.SUBJECT: ("title", "type_code", "content", "signed_on", "begins_on", "ends_on"),
    Section.MONEY: ("total_amount", "technology_amount", "payment_model_code", "payments", "payment_note"),
    Section.TECHNOLOGY: ("field_code", "ip_code", "plan_source_code", "goal_code", "industry_code", "platform_id"),
    Section.FILES: ("attachments",),
}
GROUPS = frozenset({"is_related", "payment_model_code"})  # radios: the first can take the focus


@dataclass(frozen=True)
class Line:
    """One answer in words, with the way to change it."""

    label: str
    value: str
    url: str
    small: str = ""
    items: Sequence[str] = ()
    needed: bool = False


@dataclass(frozen=True)
class Part:
    label: str
    lines: Sequence[Line]


def control(field: str, section: Section) -> str:
    """The id of the control that takes an answer."""
    if section is Section.FILES:
        return "kind_code"
    return f"{field}-0" if field in GROUPS else field


def parts_of(contract: Contract, found: Iterable[Finding], url_of: Callable[[Section], str]) -> list[Part]:
    """Every answer of the contract; ``needed`` where a check asks for one that is not there."""
    facts = facts_of(contract)
    wrong = {finding.field for finding in found if finding.level is Level.ERROR}
    return [
        Part(
            section.label,
            [
                Line(
                    LABELS[name],
                    facts[name],
                    f"{url_of(section)}#{control(name, section)}",
                    small=_small(contract, name),
                    items=_items(contract, name),
                    needed=name in wrong or section is Section.FILES,
                )
                for name in asked_in(contract, section)
            ],
        )
        for section in Section
    ]


def _asked(contract: Contract, section: Section) -> Sequence[str]:
    """The answers the filer gave in a part: who brought the deal about is asked of a registrar, not of a broker."""
    if section is Section.PARTIES and contract.filed_by.has(Role.REGISTRAR):
        return (*FIELDS[section], "broker_id")
    return FIELDS[section]


def _small(contract: Contract, name: str) -> str:
    match name:
        case "seller_id":
            return contract.seller.note if contract.seller else ""
        case "buyer_id":
            return contract.buyer.note if contract.buyer else ""
        case "total_amount" | "technology_amount":
            amount = getattr(contract, name)
            return money.capitals(amount) if amount else ""
        case _:
            return ""


def _items(contract: Contract, name: str) -> list[str]:
    match name:
        case "payments":
            return [
                " · ".join(
                    part
                    for part in (
                        f"第 {line.position} 期",
                        line.due_on.isoformat() if line.due_on else "",
                        line.condition,
                        f"{money.yuan(line.amount)} 元",
                    )
                    if part
                )
                for line in contract.payments
            ]
        case "attachments":
            return [f"{file.kind.name}：{file.file_name}" for file in contract.current_attachments]
        case _:
            return []
