"""An enterprise in words, as its page, the contract's page and papers print it (national form, domain facts 3.1)."""

from collections.abc import Mapping, Sequence

from contracts_app.core.text import name_key
from contracts_app.regions.queries import ABROAD

from .models import NATURAL_PERSON, Enterprise

Facts = list[tuple[str, str]]  # what is asked, and the answer in words; empty where there is none
FOREIGN = "700"  # beside natural persons the kind of party that has no 统一社会信用代码
# What the national form asks of each party (domain facts 3.1 row 18), and of enterprises alone (rows 22-24).
CODE = {"code": "统一社会信用代码"}
CONTACTS = {"address": "地址", "postcode": "邮编", "representative": "法定代表人", "contact": "联系人", "phone": "电话"}
OF_FIRMS = {"scale": "企业规模", "is_in_high_tech_zone": "国家高新区内企业", "is_listed": "上市公司"}
ASKED_FOR = CODE | CONTACTS | OF_FIRMS
NOT_ASKED_ABROAD = {"postcode"}  # six digits are the postcodes of this country
NOT_ASKED_OF_PEOPLE = {"representative", "contact"}  # a natural person stands for herself


# What pages hide until somebody who may asks for it, by label; the address of natural persons only.
HIDDEN = {"phone": "联系电话", "address": "地址"}


def blanks(enterprise: Enterprise) -> list[str]:
    """The names of the answers that every contract needs of this party and that nobody has given yet."""
    return [name for name in ASKED_FOR if getattr(enterprise, name) in (None, "") and _is_asked(name, enterprise)]


def blanks_in_words(enterprise: Enterprise) -> str:
    """企业规模、上市公司; empty where nothing is missing."""
    return "、".join(ASKED_FOR[name] for name in blanks(enterprise))


def common_group(one: Enterprise | None, other: Enterprise | None) -> str | None:
    """The name of the group that both belong to, however it is spaced and punctuated; its members are related."""
    if one is None or other is None or one.id == other.id or not name_key(one.group_name):
        return None
    return one.group_name if name_key(one.group_name) == name_key(other.group_name) else None


def _is_domestic_firm(enterprise: Enterprise) -> bool:
    return enterprise.party_type.is_enterprise and enterprise.region_code != ABROAD


def _is_asked(name: str, party: Enterprise) -> bool:
    if name in NOT_ASKED_ABROAD:
        return party.region_code != ABROAD
    if name in NOT_ASKED_OF_PEOPLE:
        return party.party_type_code != NATURAL_PERSON
    if name in CODE:
        return _is_domestic_firm(party) and party.party_type_code != FOREIGN
    return _is_domestic_firm(party) if name in OF_FIRMS else True


def groups(enterprise: Enterprise, shown: Mapping[str, str] | None = None) -> list[tuple[str, Facts]]:
    """Every answer in the order of the form, under the headings of the form, personal data masked.

    ``shown`` are the whole values of what somebody asked for. What is asked of enterprises is left out for anybody
    else.
    """
    parts = [
        ("基本信息", [*_basics(enterprise), ("所属集团", enterprise.group_name)]),
        ("联系方式", _contacts(enterprise, shown or {})),
    ]
    return [*parts, ("企业情况", _of_firms(enterprise))] if enterprise.party_type.is_enterprise else parts


def hidden(enterprise: Enterprise) -> dict[str, str]:
    """What of this enterprise is hidden, label -> name of the answer."""
    there = {"phone": bool(enterprise.phone_sealed)}
    there["address"] = enterprise.is_natural_person and bool(enterprise.address_sealed)
    return {label: name for name, label in HIDDEN.items() if there[name]}


def national_fields(enterprise: Enterprise, *, is_whole: bool) -> Facts:
    """What the national form asks about a party, in words; personal data masked unless ``is_whole``."""
    of_firms = _of_firms(enterprise) if enterprise.party_type.is_enterprise else []
    whole = {name: getattr(enterprise, name) for name in HIDDEN} if is_whole else {}
    return [*_basics(enterprise), *_contacts(enterprise, whole), *of_firms]


def _basics(enterprise: Enterprise) -> Facts:
    is_abroad = enterprise.region_code == ABROAD
    return [
        ("单位名称", enterprise.name),
        ("统一社会信用代码", enterprise.code or ""),
        ("单位性质", enterprise.party_type.name),
        ("所在地", enterprise.region.name + (enterprise.town.name if enterprise.town else "")),
        ("国别（地区）", enterprise.country) if is_abroad else ("行政区划代码", _area(enterprise)),
        ("是否技术转移机构", _yes_no(enterprise.is_transfer_institution)),
        ("是否研发机构", _yes_no(enterprise.is_research_institution)),
        ("是否转制科研院所", _yes_no(enterprise.is_converted_institute)),
    ]


def _contacts(enterprise: Enterprise, shown: Mapping[str, str]) -> Facts:
    return [
        ("地址", shown.get("address", enterprise.masked_address)),
        ("邮编", enterprise.postcode),
        ("法定代表人", enterprise.representative),
        ("联系人", enterprise.contact),
        ("联系电话", shown.get("phone", enterprise.masked_phone)),
    ]


def _of_firms(enterprise: Enterprise) -> Facts:
    return [
        ("企业规模", enterprise.scale.label if enterprise.scale else ""),
        ("是否国家高新区内企业", _yes_no(enterprise.is_in_high_tech_zone)),
        ("是否上市公司", _yes_no(enterprise.is_listed)),
        ("企业属性", "、".join(attribute.name for attribute in enterprise.attributes)),
    ]


def _area(enterprise: Enterprise) -> str:
    """The code of GB/T 2260; a zone, which has none, lies in the place above it."""
    codes: Sequence[str | None] = (enterprise.region_code, enterprise.region.parent_code)
    return next((code for code in codes if code and code.isdecimal()), "")


def _yes_no(answer: bool | None) -> str:
    return {True: "是", False: "否", None: ""}[answer]
