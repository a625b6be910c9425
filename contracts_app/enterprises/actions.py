"""What people do to the register of enterprises. Spelling keys, pinyin and the search index are kept here alone."""

from collections.abc import Callable, Iterable
from typing import Any

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import Can, may
from contracts_app.accounts.roles import Role
from contracts_app.core import audit
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES, NotYours, Refused, Stale
from contracts_app.core.text import initials, name_key, pinyin
from contracts_app.regions.queries import region, unit_of

from . import queries
from .models import Enterprise

FOUND_BY = ("name", "code", "pinyin", "initials")
# What stands above enterprises and shows their names is told here when one was revised.
REVISED: list[Callable[[Enterprise], None]] = []

SENTENCES["uq_enterprises_code"] = "这个统一社会信用代码刚被别人登记，按代码查找后选用已有的单位。"


def when_revised(follow: Callable[[Enterprise], None]) -> Callable[[Enterprise], None]:
    """Have a function called with each enterprise whose facts were changed, in the same unit of work."""
    REVISED.append(follow)
    return follow


def why_not_edit(enterprise: Enterprise, person: User) -> str | None:
    """Why this person may not change the enterprise; None when they may.

    Brokers change what they added themselves; registrars what lies in their region, and what no office is in charge of.
    """
    if not may(person, Can.EDIT_PARTIES):
        return "单位资料由登记员维护。资料有误的，联系所在地登记员修改。"
    if enterprise.created_by_id == person.id:
        return None
    if not person.has(Role.REGISTRAR):
        return "只能修改自己新增的单位。资料有误的，联系所在地登记员修改。"
    if person.region.covers(enterprise.region) or unit_of(enterprise.region) is None:
        return None
    return f"{enterprise.region.name}的单位由当地登记员维护，联系他们修改。"


def create(answers: dict[str, Any], person: User, *, although_namesake: bool = False) -> Enterprise:
    """Add an enterprise. ``answers`` are values by the model's field names.

    Raises ``NotYours`` without the right to, ``Refused`` when its code is known already, or its name is and the person
    has not said that this is another one.
    """
    if not may(person, Can.EDIT_PARTIES):
        raise NotYours("新增单位由技术经纪人或登记员办理。")
    _refuse_twins(None, answers, although_namesake=although_namesake)
    enterprise = Enterprise(created_by_id=person.id)
    _write(enterprise, answers)
    db.session.add(enterprise)
    db.session.flush()
    reindex([enterprise])
    audit.record("create_enterprise", person, subject="enterprise", subject_id=enterprise.id, name=enterprise.name)
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

    Raises ``NotYours``, ``Refused`` for a twin as in `create`, ``Stale`` when it has changed since ``version``.
    """
    if sentence := why_not_edit(enterprise, person):
        raise NotYours(sentence)
    if version is not None and version != enterprise.version:
        raise Stale("这个单位刚被别人修改过。你填的内容都还在下面，和最新资料对照后再保存一次。")
    _refuse_twins(enterprise, answers, although_namesake=although_namesake)
    changed = [name for name, value in answers.items() if getattr(enterprise, name) != value]
    if not changed:
        return
    _write(enterprise, answers)
    db.session.flush()
    reindex([enterprise])
    audit.record("revise_enterprise", person, subject="enterprise", subject_id=enterprise.id, fields=changed)
    for follow in REVISED:
        follow(enterprise)


def reindex(enterprises: Iterable[Enterprise]) -> None:
    """Index these enterprises anew: found by parts of the name and code, by pinyin and by initials."""
    queries.WORDS.put((one.id, [getattr(one, name) or "" for name in FOUND_BY]) for one in enterprises)


def _refuse_twins(enterprise: Enterprise | None, answers: dict[str, Any], *, although_namesake: bool) -> None:
    own_id = enterprise.id if enterprise else None
    same = queries.of_code(answers.get("code"))
    if same and same.id != own_id:
        raise Refused(f"这个统一社会信用代码已经有单位在用：{same.name}。")
    renamed = enterprise is None or name_key(answers["name"]) != enterprise.name_key
    if renamed and not although_namesake and queries.of_name(answers["name"], besides=own_id):
        raise Refused("已有同名的单位，核对是不是同一个；确实不是的，选“仍然新增”。")


def _write(enterprise: Enterprise, answers: dict[str, Any]) -> None:
    for name, value in answers.items():
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
