"""What changes the register of technology brokers."""

from typing import Any

from contracts_app.accounts.models import User
from contracts_app.accounts.offices.grants import when_changed
from contracts_app.accounts.permissions import Can, may
from contracts_app.accounts.roles import Role
from contracts_app.core.codes import mask_phone
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES, NotYours, Stale
from contracts_app.core.text import person_initials, person_pinyin
from contracts_app.core.trail import audit
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.models import Region

from . import queries
from .models import Broker

CERTIFICATE_TAKEN = "这个证书编号已经登记在另一位技术经纪人名下，核对后填写"

SENTENCES.update({"uq_brokers_certificate_number": CERTIFICATE_TAKEN, "brokers.certificate_number": CERTIFICATE_TAKEN})


def why_not_edit(person: User, region: Region) -> str | None:
    """Why this person may not keep the register of a region; None when they may."""
    if not may(person, Can.EDIT_BROKERS):
        return "技术经纪人名录由登记员维护。"
    if not person.region.covers(region):
        return f"{region.name}的技术经纪人由当地登记员维护。"
    return None


def create(answers: dict[str, Any], person: User) -> Broker:
    """Add a broker. ``answers`` are values by the model's field names; raises ``NotYours`` outside one's region."""
    _may_keep(person, answers["region_code"])
    broker = Broker()
    _set(broker, answers)
    db.session.add(broker)
    db.session.flush()
    facts = {key: ["", now] for key, now in _facts(broker).items() if now}
    audit.record("create_broker", person, subject="broker", subject_id=broker.id, **facts)
    return broker


def revise(broker: Broker, answers: dict[str, Any], person: User, version: int | None) -> None:
    """Change a broker; raises ``NotYours`` outside one's region, ``Stale`` when somebody else was quicker."""
    _may_keep(person, broker.region_code)
    _may_keep(person, answers["region_code"])
    if version != broker.version:
        raise Stale("你打开之后，别人已经改过这位技术经纪人。你填的内容都还在下面，核对后再保存一次。")
    before = _facts(broker)
    _set(broker, answers)
    db.session.flush()
    after = _facts(broker)
    changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changes:
        audit.record("revise_broker", person, subject="broker", subject_id=broker.id, **changes)


def reveal(broker: Broker, person: User) -> str:
    """The whole telephone number, for somebody who needs to call; that it was shown is written down.

    Raises ``NotYours`` without the right to.
    """
    if not may(person, Can.REVEAL_BROKERS) or not person.region.covers(broker.region):
        raise NotYours("完整电话由当地登记员、审核员查看。")
    audit.record("reveal_personal_data", person, subject="broker", subject_id=broker.id, field="联系电话")
    return broker.phone


@when_changed
def follow_account(user: User) -> None:
    """Tie a broker's account to the register: to the one entry of that name without an account, else to a new one."""
    if not user.has(Role.BROKER) or queries.of_user(user):
        return
    namesakes = queries.without_account(user.name, db.session.get_one(Region, user.region_code))
    if len(namesakes) == 1:
        namesakes[0].user_id = user.id
        return
    broker = Broker(region_code=user.region_code, user_id=user.id)
    _rename(broker, user.name)
    db.session.add(broker)


def _set(broker: Broker, answers: dict[str, Any]) -> None:
    _rename(broker, answers["name"])
    for name in ("grade", "certificate_number", "phone", "employer_id", "region_code", "user_id", "is_active"):
        setattr(broker, name, answers[name])


def _rename(broker: Broker, name: str) -> None:
    broker.name, broker.pinyin, broker.initials = name, person_pinyin(name), person_initials(name)


def _may_keep(person: User, region_code: str) -> None:
    if sentence := why_not_edit(person, db.session.get_one(Region, region_code)):
        raise NotYours(sentence)


def _facts(broker: Broker) -> dict[str, str]:
    employer = db.session.get(Enterprise, broker.employer_id) if broker.employer_id else None
    account = db.session.get(User, broker.user_id) if broker.user_id else None
    return {
        "name": broker.name,
        "grade": broker.grade.label if broker.grade else "",
        "certificate_number": broker.certificate_number or "",
        "phone": mask_phone(broker.phone),
        "employer": employer.name if employer else "",
        "region": db.session.get_one(Region, broker.region_code).name,
        "account": account.username if account else "",
        "condition": "在册" if broker.is_active else "已停用",
    }
