"""What people do to a contract besides moving it: start it, fill it in part by part, add files, throw a draft away."""

from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from flask import current_app
from sqlalchemy import delete, select

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import ContractType, Goal, IpKind, PaymentModel
from contracts_app.core import audit
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused, Stale
from contracts_app.core.files import FileStore, safe_name, sniff
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.queries import ABROAD, unit_of

from . import checks
from .models import Attachment, Contract, DraftInput, PlannedPayment
from .search import WORDS, reindex
from .states import State

EDITABLE = frozenset({State.DRAFT, State.CORRECTION})


def why_not_edit(contract: Contract, person: User) -> str | None:
    """Why this person may not change the answers now; None when they may."""
    if contract.filed_by_id != person.id:
        return "只有申报人本人可以修改。"
    if contract.state not in EDITABLE:
        return f"这份合同现在是“{contract.state.label}”，不能再改。需要改动的，由登记员退回补正。"
    return None


def start(person: User) -> Contract:
    """A new draft of this person's; a broker's own broker record stands on it."""
    contract = Contract(filed_by=person, filed_by_id=person.id)
    if person.has(Role.BROKER):
        contract.broker_id = db.session.scalar(select(Broker.id).where(Broker.user_id == person.id))
    db.session.add(contract)
    db.session.flush()
    return contract


def fill_in(
    contract: Contract, section: checks.Section, answers: dict[str, Any], person: User, version: int | None = None
) -> list[checks.Finding]:
    """Keep the answers of one part when no check of that part finds an error; the findings are returned either way.

    ``answers`` are values by the contract's field names; ``payments`` is a list of (due_on, condition, amount).
    Raises ``Refused`` when the person may not change the contract, ``Stale`` when it changed since ``version``.
    """
    _may_edit(contract, person)
    if version is not None and version != contract.version:
        raise Stale("这份合同刚在别的窗口保存过。你填的内容都还在下面，和最新内容对照后再保存一次。")
    known = _with_related(contract, answers)
    proposed = cast(Contract, _Proposed(contract, known))
    found = checks.findings(proposed, today(), section)
    if any(finding.level is checks.Level.ERROR for finding in found):
        return found
    for name, value in known.items():
        setattr(contract, name, value)
    forget_input(contract, section)
    contract.updated_at = now_utc()
    db.session.flush()
    reindex([contract])
    return found


def keep_input(contract: Contract, section: checks.Section, fields: str, faults: int, person: User) -> None:
    """Keep what was typed into one part although it is not valid yet. ``fields`` is the urlencoded form."""
    _may_edit(contract, person)
    forget_input(contract, section)
    db.session.add(DraftInput(contract_id=contract.id, section=section.value, fields=fields, faults=faults))
    db.session.flush()
    db.session.expire(contract, ["inputs"])


def forget_input(contract: Contract, section: checks.Section) -> None:
    """What was typed is valid now and stands on the contract."""
    db.session.execute(
        delete(DraftInput).where(DraftInput.contract_id == contract.id, DraftInput.section == section.value)
    )
    db.session.expire(contract, ["inputs"])


def attach(contract: Contract, kind_code: str, stream: BinaryIO, filename: str, person: User) -> Attachment:
    """Add a file. Raises ``FileRefused`` with a sentence when it is too large, empty, or not what its name says."""
    _may_edit(contract, person)
    kind = sniff(stream, filename)
    stream.seek(0)
    store: FileStore = current_app.extensions["files"]
    kept = store.keep(stream, current_app.config["UPLOAD_LIMIT"])
    file = Attachment(
        contract_id=contract.id,
        kind_code=kind_code,
        file_name=safe_name(filename),
        mime=kind.mime,
        size=kept.size,
        sha256=kept.sha256,
        uploaded_by_id=person.id,
    )
    contract.attachments.append(file)
    contract.updated_at = now_utc()
    db.session.flush()
    return file


def remove(contract: Contract, file: Attachment, person: User) -> None:
    """Take a file off. What the office has seen once stays in the record, marked as replaced."""
    _may_edit(contract, person)
    if contract.state is State.DRAFT:
        contract.attachments.remove(file)
    else:
        file.removed_at = now_utc()
    contract.updated_at = now_utc()
    db.session.flush()


def discard(contract: Contract, person: User) -> None:
    """Throw a draft away for good. Only what was never submitted can go: it has no number and no history."""
    _may_edit(contract, person)
    if contract.state is not State.DRAFT or contract.history:
        raise Refused("提交过的合同不能删除，只能撤回。")
    audit.record("discard_draft", person, subject="contract", subject_id=contract.id, title=contract.title)
    WORDS.remove(contract.id)
    db.session.delete(contract)
    db.session.flush()


def _may_edit(contract: Contract, person: User) -> None:
    if sentence := why_not_edit(contract, person):
        raise (NotYours if contract.filed_by_id != person.id else Refused)(sentence)


@dataclass(frozen=True)
class _Proposed:
    """The contract as it would be with these answers: what the checks look at before anything is changed."""

    contract: Contract
    answers: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        answers = object.__getattribute__(self, "answers")
        return answers[name] if name in answers else getattr(object.__getattribute__(self, "contract"), name)


_RELATED: dict[str, tuple[str, type]] = {
    "seller_id": ("seller", Enterprise),
    "buyer_id": ("buyer", Enterprise),
    "type_code": ("type", ContractType),
    "payment_model_code": ("payment_model", PaymentModel),
    "ip_code": ("ip", IpKind),
    "goal_code": ("goal", Goal),
}


def _with_related(contract: Contract, answers: dict[str, Any]) -> dict[str, Any]:
    """The answers with the records they name, and with what follows from them: office in charge and town."""
    known = dict(answers)
    for name, (relation, model) in _RELATED.items():
        if name in answers:
            known[relation] = db.session.get(model, answers[name]) if answers[name] else None
    if "payments" in answers:
        known["payments"] = [
            PlannedPayment(position=place, due_on=due_on, condition=condition, amount=amount)
            for place, (due_on, condition, amount) in enumerate(answers["payments"], 1)
        ]
    if "seller" in known or "buyer" in known:
        seller, buyer = known.get("seller", contract.seller), known.get("buyer", contract.buyer)
        known |= _place_of(seller, buyer)
    return known


def _place_of(seller: Enterprise | None, buyer: Enterprise | None) -> dict[str, Any]:
    """The office in charge - the seller's, or for an import the domestic buyer's (domain facts 1.1) - and the town."""
    applicant = buyer if seller and seller.region_code == ABROAD else seller
    unit = unit_of(applicant.region) if applicant else None
    if unit is None:
        return {"unit": None, "unit_code": None, "town_code": None}
    towns = [party.town_code for party in (applicant, seller, buyer) if party and party.region_code == unit.region_code]
    return {"unit": unit, "unit_code": unit.code, "town_code": next((town for town in towns if town), None)}
