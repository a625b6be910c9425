"""What was filled in, part by part, as the page lists it on which everything is checked before it is handed in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from contracts_app.accounts.roles import Role
from contracts_app.contracts import amounts
from contracts_app.contracts.checking.checks import Finding, Level, Section
from contracts_app.contracts.facts import LABELS, facts_of, right_in_words
from contracts_app.contracts.models import Contract
from contracts_app.contracts.questions import ALL_FIELDS, fields_asked
from contracts_app.core import money

FIELDS = {
    Section.PARTIES: ("seller_id", "buyer_id", "is_related"),
    Section.SUBJECT: (
        *("title", "type_code", "content", "signed_on", "begins_on", "ends_on"),
        *("contract_number", "is_foreign_language", "is_signed_by_department", "needs_approval", "is_sealed"),
    ),
    Section.DETAILS: ALL_FIELDS,
    Section.MONEY: (
        *("currency_code", *amounts.FOREIGN, "total_amount", "deductions", "technology_amount"),
        *("payment_model_code", "is_price_open", "payments", *amounts.ROYALTY, *amounts.FREE_USE, "payment_note"),
    ),
    Section.TECHNOLOGY: (
        *("field_code", "ip_code", "plan_source_code", "goal_code", "industry_code", "platform_id"),
        *("activity", "demand_number", "result_number", "broker_share"),
    ),
    Section.FILES: ("attachments",),
}
YES_OR_NO = frozenset({"is_foreign_language", "is_signed_by_department", "needs_approval", "is_sealed"})
# Radios: the first can take the focus.
GROUPS = frozenset({"is_related", "payment_model_code", "may_inspect_books"}) | YES_OR_NO


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


def asked_in(contract: Contract, section: Section) -> Sequence[str]:
    """The answers the filer gave in a part: who brought the deal about is asked of a registrar, not of a broker.

    Of what only some types are asked, what this one is.
    """
    if section is Section.DETAILS:
        asked = fields_asked(contract)
        return [name for name in FIELDS[section] if name in asked]
    if section is Section.PARTIES and contract.filed_by.has(Role.REGISTRAR):
        return (*FIELDS[section], "broker_id")
    if section is Section.MONEY:
        model, is_foreign = contract.payment_model, bool(contract.currency_code)
        unasked = amounts.left_out(model, is_foreign=is_foreign)
        return [name for name in FIELDS[section] if name not in unasked]
    return FIELDS[section]


def _small(contract: Contract, name: str) -> str:
    match name:
        case "seller_id":
            return contract.seller.note if contract.seller else ""
        case "buyer_id":
            return contract.buyer.note if contract.buyer else ""
        case "technology_amount":
            return amounts.deduction_sentence(contract) if contract.deductions else _capitals(contract, name)
        case "total_amount" | "equity_valuation":
            return _capitals(contract, name)
        case _:
            return ""


def _capitals(contract: Contract, name: str) -> str:
    amount = getattr(contract, name)
    return money.capitals(amount) if amount else ""


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
        case "deductions":
            return [amounts.line_in_words(line) for line in contract.deductions]
        case "rights":
            return [right_in_words(right) for right in contract.rights]
        case "attachments":
            return [f"{file.kind.name}：{file.file_name}" for file in contract.current_attachments]
        case _:
            return []
