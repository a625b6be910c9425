"""An enterprise in words, as its page, the contract's page and papers print it (national form, domain facts 3.1)."""

from collections.abc import Sequence

from contracts_app.regions.queries import ABROAD

from .models import Enterprise

Facts = list[tuple[str, str]]  # what is asked, and the answer in words; empty where there is none


def groups(enterprise: Enterprise, *, phone: str | None = None) -> list[tuple[str, Facts]]:
    """Every answer in the order of the form, under the headings of the form.

    ``phone`` stands in for the number where it may not be read whole. What is asked of enterprises is left out for
    anybody else.
    """
    parts = [
        ("基本信息", [*_basics(enterprise), ("所属集团", enterprise.group_name)]),
        ("联系方式", _contacts(enterprise, enterprise.phone if phone is None else phone)),
    ]
    return [*parts, ("企业情况", _of_firms(enterprise))] if enterprise.party_type.is_enterprise else parts


def national_fields(enterprise: Enterprise) -> Facts:
    """What the national form asks about a party, with the answers in words and the telephone number unmasked."""
    of_firms = _of_firms(enterprise) if enterprise.party_type.is_enterprise else []
    return [*_basics(enterprise), *_contacts(enterprise, enterprise.phone), *of_firms]


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


def _contacts(enterprise: Enterprise, phone: str) -> Facts:
    return [
        ("地址", enterprise.address),
        ("邮编", enterprise.postcode),
        ("法定代表人", enterprise.representative),
        ("联系人", enterprise.contact),
        ("联系电话", phone),
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
