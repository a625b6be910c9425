"""Which questions are asked of a contract besides those asked of all: by its type, and by where the seller sits.

The flags of the contract type decide (``seeds/reference/contract_types.csv``); who asks what stands here and only here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contracts_app.regions.queries import ABROAD

from .models import Contract

# 咨询 and 服务 may name the 转让 or 开发 they belong to; whoever claims the VAT relief needs it (domain facts 4.3).
MAY_HAVE_PARENT = frozenset({"ZX1", "FW1"})


@dataclass(frozen=True)
class Topic:
    """Questions that are asked together. ``hint`` says for what; ``is_optional``: none of them has to be answered."""

    name: str
    label: str
    fields: tuple[str, ...]
    is_asked: Callable[[Contract], bool]
    hint: str = ""
    is_optional: bool = False


def _by_flag(flag: str) -> Callable[[Contract], bool]:
    return lambda contract: bool(contract.type and getattr(contract.type, flag))


def _may_have_parent(contract: Contract) -> bool:
    return contract.type_code in MAY_HAVE_PARENT


def _is_import(contract: Contract) -> bool:
    return contract.seller is not None and contract.seller.region_code == ABROAD


_BASE = ("base_number", "base_note", "base_amount")
TOPICS = (
    Topic("rights", "权利清单", ("rights",), _by_flag("asks_ip")),
    Topic(
        "licence",
        "许可的约定",
        ("licence_mode_code", "licence_territory", "licence_begins_on", "licence_ends_on"),
        _by_flag("asks_licence"),
    ),
    Topic(
        "output",
        "转让后的预计",
        ("expected_input", "expected_output"),
        _by_flag("asks_expected_output"),
        "受让方实施这项技术预计新增的投入和产值，没有的填 0。",
    ),
    Topic(
        "base",
        "促成的技术合同",
        _BASE,
        _by_flag("asks_base_contract"),
        "已登记的写登记编号；还没有登记的写明双方、名称和签订日期。两样至少写一样。",
    ),
    Topic(
        "parent",
        "所属的开发或转让合同",
        _BASE,
        _may_have_parent,
        "为某项技术开发、技术转让配套的咨询或服务才填。",
        is_optional=True,
    ),
    Topic("trainees", "培训", ("trainee_count", "trainee_note"), _by_flag("asks_trainees")),
    Topic(
        "equity",
        "技术入股",
        ("equity_valuation", "equity_share", "equity_registered_on"),
        _by_flag("asks_equity"),
    ),
    Topic(
        "import",
        "技术进口",
        ("import_certificate_number", "import_registered_on"),
        _is_import,
        "卖方在境外：合同生效后 60 日内到商务主管部门办理技术进口合同登记。",
        is_optional=True,
    ),
)
ALL_FIELDS = tuple(dict.fromkeys(field for topic in TOPICS for field in topic.fields))


def topics_of(contract: Contract) -> list[Topic]:
    """What this contract is asked, in the order of the form."""
    return [topic for topic in TOPICS if topic.is_asked(contract)]


def fields_asked(contract: Contract) -> set[str]:
    """The names of the answers this contract is asked for."""
    return {field for topic in topics_of(contract) for field in topic.fields}


def is_blank(answer: Any) -> bool:
    """Whether nothing was answered; 0 is an answer."""
    return answer is None or answer == "" or answer == []


def not_asked(contract: Contract) -> list[str]:
    """Answers the contract has although its type does not ask for them, or not any more."""
    asked = fields_asked(contract)
    return [name for name in ALL_FIELDS if name not in asked and not is_blank(getattr(contract, name))]
