"""What people do to a contract besides moving it: start it, fill it in part by part, add files, throw a draft away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, cast

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.exc import StaleDataError

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import (
    ContractType,
    Currency,
    Goal,
    Industry,
    IpKind,
    LicenceMode,
    PaymentModel,
    PlanSource,
    TechnologyField,
)
from contracts_app.contracts import amounts
from contracts_app.contracts.checking import checks
from contracts_app.contracts.finding.search import WORDS, reindex
from contracts_app.contracts.models import Attachment, Contract, PlannedPayment
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.drawing.previews import MOST_PAGES, NotShown, TooBusy, Unreadable, count_pages
from contracts_app.core.errors import SENTENCES, NotYours, Refused, Stale
from contracts_app.core.keeping.files import FileKind, FileRefused, safe_name, sniff
from contracts_app.core.keeping.scanner import refuse_infected
from contracts_app.core.keeping.stores import Store
from contracts_app.core.trail import audit
from contracts_app.core.web.fields import tidy_lines
from contracts_app.enterprises.actions import when_in_use, when_revised
from contracts_app.enterprises.models import Enterprise
from contracts_app.platforms.models import Platform
from contracts_app.regions.queries import ABROAD, unit_of

from . import rights, typed
from .corrections import MOST_IN_REPLY
from .typed import SAVED_ELSEWHERE

SENTENCES["uq_attachments_replaces_id"] = "这个文件刚在别的窗口换过新版，重新打开附件页看最新的清单。"
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


def begin(person: User) -> Contract:
    """A draft to fill in: the person's untouched empty one if there is one, so that pressing twice makes one draft."""
    # Whoever presses twice waits here for the first press; on SQLite every writer waits anyway.
    db.session.execute(select(User.id).where(User.id == person.id).with_for_update(key_share=True))
    untouched = select(Contract).where(
        Contract.filed_by_id == person.id,
        Contract.state == State.DRAFT,
        Contract.version == 1,
        Contract.seller_id.is_(None),
        Contract.type_code.is_(None),
        ~Contract.inputs.any(),
    )
    return db.session.scalars(untouched.order_by(Contract.id).limit(1)).first() or start(person)


# What a like contract with the same parties has in common; amounts, days and files are each contract's own.
COPIED = (
    "seller_id",
    "buyer_id",
    "is_related",
    "broker_id",
    "type_code",
    "payment_model_code",
    "field_code",
    "ip_code",
    "plan_source_code",
    "goal_code",
    "industry_code",
    "platform_id",
    "licence_mode_code",
    "licence_territory",
)


def copy(earlier: Contract, person: User) -> Contract:
    """A new draft with the parties, type, technology and way of payment of an earlier contract of the same person."""
    if earlier.filed_by_id != person.id:
        raise NotYours("只能复制自己申报的合同。")
    draft = start(person)
    known = with_related(draft, {name: getattr(earlier, name) for name in COPIED})
    for name, value in known.items():
        setattr(draft, name, value)
    draft.rights = rights.rights_of([one.answers() for one in earlier.rights])
    db.session.flush()
    reindex([draft])
    return draft


def look_at(contract: Contract, section: checks.Section, answers: dict[str, Any]) -> list[checks.Finding]:
    """What the checks of one part would find if these were the answers. Changes nothing."""
    return checks.findings(proposal(contract, with_related(contract, answers)), today(), section)


def fill_in(
    contract: Contract, section: checks.Section, answers: dict[str, Any], person: User, version: int | None = None
) -> list[checks.Finding]:
    """Keep the answers of one part when no check of that part finds an error; the findings are returned either way.

    ``answers`` are values by the contract's field names; ``payments`` is a list of (due_on, condition, amount),
    ``deductions`` and ``rights`` of mappings (see ``amounts.deductions_of``, ``rights.rights_of``). What follows from
    other answers is worked out here, and what a new type or seller does not ask any more is emptied.
    Raises ``Refused`` when the person may not change the contract, ``Stale`` when it changed since ``version``.
    """
    refuse_edit(contract, person)
    if version is not None and version != contract.version:
        raise Stale(SAVED_ELSEWHERE)
    known = with_related(contract, answers)
    found = checks.findings(proposal(contract, known), today(), section)
    if any(finding.level is checks.Level.ERROR for finding in found):
        return found
    if "payments" in known:
        keep_plan(contract, known.pop("payments"))
    if "deductions" in known:
        amounts.keep_deductions(contract, known.pop("deductions"))
    if "rights" in known:
        rights.keep_rights(contract, known.pop("rights"))
    for name, value in known.items():
        setattr(contract, name, value)
    if known.keys() & {"type_code", "seller_id"}:
        rights.drop_what_is_not_asked(contract)
    contract.updated_at = now_utc()
    try:
        db.session.flush()
    except StaleDataError as error:
        raise Stale(SAVED_ELSEWHERE) from error
    typed.forget(contract, section)
    reindex([contract])
    return found


def keep_plan(contract: Contract, lines: list[PlannedPayment]) -> None:
    """Write the plan into the rows there are: a row added at a place still taken would break the unique place."""
    for kept, line in zip(contract.payments, lines, strict=False):
        kept.due_on, kept.condition, kept.amount = line.due_on, line.condition, line.amount
    del contract.payments[len(lines) :]
    contract.payments.extend(lines[len(contract.payments) :])


def keep_replies(contract: Contract, written: Mapping[str, str]) -> None:
    """Keep what was written so far in answer to the items of a correction (``replies-0``, …), to be handed in later.

    It is not the contract's, so its version stays: another window that fills in a part is not in the way.
    """
    for place, item in enumerate(contract.open_corrections):
        item.reply = tidy_lines(written.get(f"replies-{place}", item.reply))[:MOST_IN_REPLY]
    db.session.flush()


def attach(
    contract: Contract,
    kind_code: str,
    stream: IO[bytes],
    filename: str,
    person: User,
    *,
    replaces: Attachment | None = None,
) -> Attachment:
    """Add a file, or the next version of one: the one it replaces stays beside it and counts no longer.

    Raises ``FileRefused`` with a sentence when it is too large, empty, not what its name says, or there already.
    """
    refuse_edit(contract, person)
    return keep_file(contract, kind_code, stream, filename, person, replaces=replaces)


def keep_file(
    contract: Contract,
    kind_code: str,
    stream: IO[bytes],
    filename: str,
    person: User,
    *,
    replaces: Attachment | None = None,
    case_id: int | None = None,
) -> Attachment:
    """`attach` for whoever may: the filer while the contract can be filled in, and who opens a case about it.

    The same paper may come again with another case.
    """
    content = cast(BinaryIO, stream)
    kind = sniff(content, filename)
    refuse_infected(content)
    store: Store = current_app.extensions["files"]
    kept = store.keep(content, current_app.config["UPLOAD_LIMIT"])
    if replaces and replaces.sha256 == kept.sha256:
        raise FileRefused(f"和现在的第 {replaces.version} 版是同一个文件，选择改过的文件。")
    twin = (kept.sha256, kind_code, case_id)
    if any((file.sha256, file.kind_code, file.case_id) == twin for file in contract.current_attachments):
        raise FileRefused("这个文件已经传过了，不用再传。")
    pages, unreadable = _pages(content) if kind is FileKind.PDF else (None, None)
    file = Attachment(
        contract_id=contract.id,
        case_id=case_id,
        kind_code=kind_code,
        file_name=safe_name(filename),
        mime=kind.mime,
        size=kept.size,
        sha256=kept.sha256,
        uploaded_by_id=person.id,
        uploaded_at=now_utc(),
        version=replaces.version + 1 if replaces else 1,
        replaces=replaces,
        page_count=pages,
        unreadable=unreadable,
    )
    if replaces:
        replaces.removed_at = file.uploaded_at
    contract.attachments.append(file)
    contract.updated_at = now_utc()
    db.session.flush()
    return file


def _pages(content: BinaryIO) -> tuple[int | None, Unreadable | None]:
    """How many pages it has, or why they cannot be shown, so that pages that show the file need not open it."""
    content.seek(0)
    try:
        pages = count_pages(content)
    except NotShown as not_shown:
        return None, not_shown.reason
    except TooBusy:
        return None, None  # counted when it is read
    if pages > MOST_PAGES:
        raise FileRefused(f"共 {pages} 页，一个文件不超过 {MOST_PAGES} 页，拆成几个文件后重新选择。")
    return pages, None


def remove(contract: Contract, file: Attachment, person: User) -> None:
    """Take a file off with the versions before it. What was handed in once stays in the record, marked as removed."""
    refuse_edit(contract, person)
    now = now_utc()
    for version in (file, *file.earlier):
        if contract.was_submitted(version):
            version.removed_at = version.removed_at or now
        else:
            contract.attachments.remove(version)
    contract.updated_at = now
    db.session.flush()


def discard(contract: Contract, person: User) -> None:
    """Throw a draft away for good. Only what was never submitted can go: it has no number and no history."""
    refuse_edit(contract, person)
    if contract.state is not State.DRAFT or contract.history:
        raise Refused("提交过的合同不能删除，只能撤回。")
    audit.record("discard_draft", person, subject="contract", subject_id=contract.id)  # nothing of what it said
    WORDS.remove(contract.id)
    db.session.delete(contract)
    db.session.flush()


def refuse_edit(contract: Contract, person: User) -> None:
    """Raises ``NotYours`` or ``Refused`` with the reason unless the person may change the answers now."""
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


def proposal(contract: Contract, answers: dict[str, Any]) -> Contract:
    """The contract as it would be with these answers, to be looked at and never saved."""
    return cast(Contract, _Proposed(contract, answers))


_RELATED: dict[str, tuple[str, type]] = {
    "seller_id": ("seller", Enterprise),
    "buyer_id": ("buyer", Enterprise),
    "type_code": ("type", ContractType),
    "payment_model_code": ("payment_model", PaymentModel),
    "currency_code": ("currency", Currency),
    "field_code": ("field", TechnologyField),
    "ip_code": ("ip", IpKind),
    "plan_source_code": ("plan_source", PlanSource),
    "goal_code": ("goal", Goal),
    "industry_code": ("industry", Industry),
    "licence_mode_code": ("licence_mode", LicenceMode),
    "platform_id": ("platform", Platform),
    "broker_id": ("broker", Broker),
}


def with_related(contract: Contract, answers: dict[str, Any]) -> dict[str, Any]:
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
    if answers.get("currency_code"):
        known["total_amount"] = amounts.in_cny(answers["foreign_amount"], answers["exchange_rate"])
    if "deductions" in answers:
        known["deductions"] = amounts.deductions_of(answers["deductions"])
        total = known.get("total_amount", contract.total_amount)
        known["technology_amount"] = amounts.technology_part(total, known["deductions"])
    if "rights" in answers:
        known["rights"] = rights.rights_of(answers["rights"])
    if "seller" in known or "buyer" in known:
        seller, buyer = known.get("seller", contract.seller), known.get("buyer", contract.buyer)
        known |= _place_of(seller, buyer)
    return known


def office_of(seller: Enterprise | None, buyer: Enterprise | None) -> str | None:
    """The name of the office that would accept a contract between these two; None when there is none."""
    unit = _place_of(seller, buyer)["unit"]
    return unit.office_name if unit else None


@when_revised
def follow_the_party(party: Enterprise) -> None:
    """Drafts move to the office of the party's new place; all of its contracts are found by its new name."""
    concerned = db.session.scalars(
        select(Contract)
        .where(or_(Contract.seller_id == party.id, Contract.buyer_id == party.id))
        .options(joinedload(Contract.seller), joinedload(Contract.buyer), selectinload(Contract.rights))
        .order_by(Contract.id)
    ).all()
    for contract in concerned:
        if contract.state is State.DRAFT:
            for name, value in _place_of(contract.seller, contract.buyer).items():
                setattr(contract, name, value)
    db.session.flush()
    reindex(concerned)


@when_in_use
def is_named(party: Enterprise) -> bool:
    """Whether a contract that was handed in names the enterprise as its seller or buyer."""
    naming = select(Contract.id).where(
        or_(Contract.seller_id == party.id, Contract.buyer_id == party.id), Contract.state != State.DRAFT
    )
    return db.session.scalar(naming.limit(1)) is not None


def _place_of(seller: Enterprise | None, buyer: Enterprise | None) -> dict[str, Any]:
    """The office in charge - the seller's, or for an import the domestic buyer's (domain facts 1.1) - and the town."""
    applicant = buyer if seller and seller.region_code == ABROAD else seller
    unit = unit_of(applicant.region) if applicant else None
    if unit is None:
        return {"unit": None, "unit_code": None, "town_code": None}
    towns = [party.town_code for party in (applicant, seller, buyer) if party and party.region_code == unit.region_code]
    return {"unit": unit, "unit_code": unit.code, "town_code": next((town for town in towns if town), None)}
