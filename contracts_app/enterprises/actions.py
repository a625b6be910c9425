"""What people do to the register of enterprises. Spelling keys, pinyin and the search index are kept here alone."""

from collections.abc import Callable, Iterable
from typing import Any

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import Can, may
from contracts_app.accounts.roles import Role
from contracts_app.codes.models import EnterpriseAttribute, PartyType
from contracts_app.codes.queries import listed
from contracts_app.core.codes import mask_address, mask_name, mask_phone
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES, NotYours, Refused, Stale
from contracts_app.core.text import initials, name_key, pinyin
from contracts_app.core.trail import audit
from contracts_app.core.words import Word
from contracts_app.regions.queries import ABROAD, region, unit_of

from . import facts, queries
from .models import NATURAL_PERSON, ONLY_OF_FIRMS, Enterprise

FOUND_BY = ("name", "code", "pinyin", "initials")
# What stands above enterprises and shows their names is told here when one was revised.
REVISED: list[Callable[[Enterprise], None]] = []
# What stands above enterprises and names them is asked here whether others rely on one.
IN_USE: list[Callable[[Enterprise], bool]] = []

NO_ENTERPRISE = "这一性质的单位不是企业，企业规模、国家高新区内企业、上市公司和企业属性都不填。"
NOT_ABROAD = "国别（地区）只在所在地区是境外时填写。"
CHANGED_MEANWHILE = "这个单位刚被别人修改过。你填的内容都还在下面，和最新资料对照后再保存一次。"

SENTENCES["uq_enterprises_code"] = "这个统一社会信用代码刚被别人登记，按代码查找后选用已有的单位。"
SENTENCES["only_enterprises_answer_for_enterprises"] = NO_ENTERPRISE
SENTENCES["country_only_abroad"] = NOT_ABROAD
SENTENCES["postcode_has_6_digits"] = "邮编是 6 位数字。"


def when_revised(follow: Callable[[Enterprise], None]) -> Callable[[Enterprise], None]:
    """Have a function called with each enterprise whose facts were changed, in the same unit of work."""
    REVISED.append(follow)
    return follow


def when_in_use(asked: Callable[[Enterprise], bool]) -> Callable[[Enterprise], bool]:
    """Have a function asked whether an enterprise is in use, before who added it may change it."""
    IN_USE.append(asked)
    return asked


def why_not_edit(enterprise: Enterprise, person: User) -> str | None:
    """Why this person may not change the enterprise; None when they may.

    Brokers change what they added themselves until others rely on it; registrars what lies in their region, and what
    no office is in charge of.
    """
    if not may(person, Can.EDIT_PARTIES):
        return "单位资料由登记员维护。资料有误的，联系所在地登记员修改。"
    is_own = enterprise.created_by_id == person.id
    if is_own and not any(relies(enterprise) for relies in IN_USE):
        return None
    if not person.has(Role.REGISTRAR):
        if is_own:
            return "这个单位已用在提交过的合同里，资料由登记员维护。资料有误的，告诉登记员更正。"
        return "只能修改自己新增的单位。资料有误的，联系所在地登记员修改。"
    if person.region.covers(enterprise.region) or unit_of(enterprise.region) is None:
        return None
    return f"{enterprise.region.name}的单位由当地登记员维护，联系他们修改。"


def why_not_fill(enterprise: Enterprise, person: User) -> str | None:
    """Why this person may not answer what the enterprise leaves blank; None when they may.

    Whoever may edit parties at all: a contract cannot be handed in while a party's answers are missing, and a party in
    use may be somebody else's.
    """
    if not may(person, Can.EDIT_PARTIES):
        return "单位资料由登记员维护。资料有误的，联系所在地登记员修改。"
    return None if facts.blanks(enterprise) else "这个单位的资料已经填全。"


def why_not_reveal(enterprise: Enterprise, person: User) -> str | None:
    """Why this person may not read the whole telephone number or private address; None when they may.

    The office calls both parties of a contract, wherever they are; a broker knows those he added himself.
    """
    if not may(person, Can.REVEAL_PARTIES):
        return "完整联系方式由登记员、审核员查看。"
    if person.has(Role.REGISTRAR, Role.REVIEWER) or enterprise.created_by_id == person.id:
        return None
    return "只能查看自己新增的单位的完整联系方式。"


def reveal(enterprise: Enterprise, name: str, person: User) -> str:
    """The whole value of one of `facts.HIDDEN`, for somebody who needs it; that it was shown is written down.

    Raises ``NotYours`` without the right to.
    """
    if sentence := why_not_reveal(enterprise, person):
        raise NotYours(sentence)
    shown = facts.HIDDEN[name]
    audit.record("reveal_personal_data", person, subject="enterprise", subject_id=enterprise.id, field=shown)
    return str(getattr(enterprise, name))


def create(answers: dict[str, Any], person: User, *, although_namesake: bool = False) -> Enterprise:
    """Add an enterprise. ``answers`` are values by the model's field names.

    Raises ``NotYours`` without the right to, ``Refused`` when its code is known already, or its name is and the person
    has not said that this is another one, and when it answers what is not asked of its kind.
    """
    if not may(person, Can.EDIT_PARTIES):
        raise NotYours("新增单位由技术经纪人或登记员办理。")
    _refuse_twins(None, answers, although_namesake=although_namesake)
    _refuse_what_is_not_asked(None, answers)
    enterprise = Enterprise(created_by_id=person.id)
    _write(enterprise, answers)
    db.session.add(enterprise)
    db.session.flush()
    reindex([enterprise])
    name = _said("name", enterprise.name, enterprise.is_natural_person)
    audit.record("create_enterprise", person, subject="enterprise", subject_id=enterprise.id, name=name)
    return enterprise


def revise(
    enterprise: Enterprise,
    answers: dict[str, Any],
    person: User,
    version: int | None = None,
    *,
    although_namesake: bool = False,
) -> None:
    """Change an enterprise, and have everything that shows its name or place follow.

    Raises ``NotYours``, ``Refused`` as in `create`, ``Stale`` when it has changed since ``version``.
    """
    if sentence := why_not_edit(enterprise, person):
        raise NotYours(sentence)
    if version is not None and version != enterprise.version:
        raise Stale(CHANGED_MEANWHILE)
    _refuse_twins(enterprise, answers, although_namesake=although_namesake)
    _refuse_what_is_not_asked(enterprise, answers)
    _keep(enterprise, answers, person, "revise_enterprise")


def fill_in(enterprise: Enterprise, answers: dict[str, Any], person: User, version: int | None = None) -> None:
    """Answer what an enterprise leaves blank. What is there stays, whatever is asked for.

    Raises ``NotYours`` without the right to, ``Stale`` when it has changed since ``version``, ``Refused`` when an
    answer is there already or not asked of its kind, or its code is somebody else's.
    """
    if sentence := why_not_fill(enterprise, person):
        raise NotYours(sentence)
    if version is not None and version != enterprise.version:
        raise Stale(CHANGED_MEANWHILE)
    if not answers.keys() <= set(facts.blanks(enterprise)):
        raise Refused("只能补填空着的内容；已填的内容有误的，告诉登记员更正。")
    _refuse_same_code(enterprise, answers)
    _keep(enterprise, answers, person, "fill_enterprise")


def reindex(enterprises: Iterable[Enterprise]) -> None:
    """Index these enterprises anew: found by parts of the name and code, by pinyin and by initials."""
    queries.WORDS.put((one.id, [getattr(one, name) or "" for name in FOUND_BY]) for one in enterprises)


def _keep(enterprise: Enterprise, answers: dict[str, Any], person: User, action: str) -> None:
    """Write what differs, and have the index, the log and everything that shows the enterprise follow."""
    changed = [name for name, value in answers.items() if getattr(enterprise, name) != value]
    if not changed:
        return
    is_private = enterprise.is_natural_person or answers.get("party_type_code") == NATURAL_PERSON
    before = _in_words(enterprise, changed, is_private)
    _write(enterprise, answers)
    db.session.flush()
    reindex([enterprise])
    after = _in_words(enterprise, changed, is_private)
    changes = {name: [before[name], after[name]] for name in changed}
    audit.record(action, person, subject="enterprise", subject_id=enterprise.id, **changes)
    for follow in REVISED:
        follow(enterprise)


def _refuse_same_code(enterprise: Enterprise | None, answers: dict[str, Any]) -> None:
    same = queries.of_code(answers.get("code"))
    if same and same is not enterprise:
        raise Refused(f"这个统一社会信用代码已经有单位在用：{same.name}。")


def _refuse_twins(enterprise: Enterprise | None, answers: dict[str, Any], *, although_namesake: bool) -> None:
    own_id = enterprise.id if enterprise else None
    _refuse_same_code(enterprise, answers)
    renamed = enterprise is None or name_key(answers["name"]) != enterprise.name_key
    if renamed and not although_namesake and queries.of_name(answers["name"], besides=own_id):
        raise Refused("已有同名的单位，核对是不是同一个；确实不是的，选“仍然新增”。")


def _refuse_what_is_not_asked(enterprise: Enterprise | None, answers: dict[str, Any]) -> None:
    """Answers that only enterprises give, or only parties abroad, stand with nobody else (domain facts 3.4)."""
    said = {name: getattr(enterprise, name) for name in _TOGETHER} | answers if enterprise else answers
    kind = db.session.get(PartyType, said["party_type_code"])
    if not (kind and kind.is_enterprise) and any(said.get(name) not in (None, []) for name in ONLY_OF_FIRMS):
        raise Refused(NO_ENTERPRISE)
    if said.get("country") and said["region_code"] != ABROAD:
        raise Refused(NOT_ABROAD)


_TOGETHER = ("party_type_code", "region_code", "country", *ONLY_OF_FIRMS)


def _write(enterprise: Enterprise, answers: dict[str, Any]) -> None:
    for name, value in answers.items():
        if name == "attribute_codes":
            enterprise.attributes = [one for one in listed(EnterpriseAttribute) if one.code in value]
        else:
            setattr(enterprise, name, value)
    enterprise.name_key = name_key(enterprise.name)[:200]
    enterprise.pinyin = pinyin(enterprise.name)[:800]
    enterprise.initials = initials(enterprise.name)[:200]
    if "region_code" in answers:
        place = region(answers["region_code"])
        assert place is not None, "the form offers known places only"
        enterprise.region = place
    if "town_code" in answers:
        enterprise.town = region(answers["town_code"]) if answers["town_code"] else None


def _in_words(enterprise: Enterprise, names: Iterable[str], is_private: bool) -> dict[str, str]:
    """These answers as the log shows them: names instead of codes, personal data masked.

    ``is_private``: of a natural person, before or after what is told; nothing of the log can be taken away again.
    """
    return {name: _said(name, getattr(enterprise, name), is_private) for name in names}


def _said(name: str, value: Any, is_private: bool) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if not value:
        return ""
    if isinstance(value, Word):
        return value.label
    match name:
        case "phone":
            return mask_phone(value)
        case "address" if is_private:
            return mask_address(value)
        case "name" if is_private:
            return mask_name(value)
        case "representative" | "contact":
            return mask_name(value)
        case "party_type_code":
            return db.session.get_one(PartyType, value).name
        case "attribute_codes":
            return "、".join(one.name for one in listed(EnterpriseAttribute) if one.code in value)
        case "region_code" | "town_code":
            place = region(value)
            return place.name if place else value
        case _:
            return str(value)
