"""不予受理: the office turns an application away; of a classified contract nothing stays (domain facts 1.7, 1.8)."""

import re
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session
from wtforms.validators import DataRequired, Length

from contracts_app.accounts.entrance.signing_in import when_parking
from contracts_app.accounts.models import ParkedForm, User
from contracts_app.accounts.roles import Role
from contracts_app.codes.models import NonAcceptanceReason
from contracts_app.codes.queries import choices
from contracts_app.contracts.finding.search import WORDS
from contracts_app.contracts.models import Attachment, Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import LARGEST_ID, db
from contracts_app.core.errors import SENTENCES
from contracts_app.core.keeping.stores import Store
from contracts_app.core.web.fields import ChoiceField, LongText, choice_list
from contracts_app.core.workflow import Move

from . import effects, guards

SENTENCES["not_accepted_has_reason"] = "不予受理要有理由，选择一项。"


def non_acceptance_code(contract: Contract) -> Any:
    return ChoiceField(
        "不予受理的理由",
        [DataRequired("选择不予受理的理由")],
        choices=choice_list(
            [(code, f"{code} {name}") for code, name in choices(NonAcceptanceReason, today())], "选择理由"
        ),
        description="选涉密的，这份申请的内容和附件立即全部清除，不能恢复。",
    )


def non_acceptance_text(contract: Contract) -> Any:
    return LongText(
        "具体说明",
        [Length(max=1000, message="说明不超过 1000 字")],
        description="会告诉申报人。涉密合同不写内容，这里写的也不保留。",
    )


def checks_reason(form: Any) -> None:
    """Some reasons say nothing by themselves."""
    code, text = form.non_acceptance_code, form.opinion
    reason = db.session.get(NonAcceptanceReason, code.data) if code.data and not code.errors else None
    if reason and reason.asks_text and not text.data:
        text.errors = [*text.errors, f"选“{reason.name}”的，写明具体理由"]


def keep_reason(contract: Contract, person: User, answers: dict[str, Any]) -> None:
    """Why it was turned away; a classified contract is emptied at once, with whatever was typed about it here."""
    contract.non_acceptance = db.session.get(NonAcceptanceReason, answers["non_acceptance_code"])
    contract.non_acceptance_code = answers["non_acceptance_code"]
    if contract.is_classified:
        answers["opinion"] = ""
        empty(contract)


# All that remains of a classified contract: that somebody filed it here, and that it was turned away.
KEPT = frozenset(
    {
        *("id", "state", "version", "filed_by_id", "unit_code", "created_at", "updated_at"),
        *("acceptance_number", "submitted_at", "due_on", "non_acceptance_code", "rule_set_code"),
        *("archive_number", "archived_on"),
    }
)


def empty(contract: Contract) -> None:
    """Take every answer, file, draft, word of the history and entry of the search index away."""
    hashes = {file.sha256 for file in contract.attachments}
    for column in Contract.__mapper__.column_attrs:
        if column.key not in KEPT:
            default = column.columns[0].default
            setattr(contract, column.key, default.arg if default is not None and default.is_scalar else None)
    for relation in Contract.__mapper__.relationships:
        if relation.uselist and relation.key != "history":
            getattr(contract, relation.key).clear()
        elif not relation.uselist and not {column.key for column in relation.local_columns} & KEPT:
            db.session.expire(contract, [relation.key])  # its code is gone
    for line in contract.history:
        line.answers, line.changes, line.facts, line.before = {}, {}, None, None
    own_pages = ParkedForm.path.startswith(f"/contracts/{contract.id}/")
    db.session.execute(delete(ParkedForm).where(own_pages))
    WORDS.remove(contract.id)
    _forget_files(contract, hashes)


@when_parking
def is_not_classified(path: str) -> bool:
    """A form under way when the session ended must not bring back what was taken away meanwhile."""
    named = re.match(r"/contracts/(\d{1,18})(?:/|$)", path)
    contract = db.session.get(Contract, int(named[1])) if named and int(named[1]) <= LARGEST_ID else None
    return contract is None or not contract.is_classified


def _forget_files(contract: Contract, hashes: set[str]) -> None:
    """Remove the contents that no other contract names, once it is certain that the decision is kept."""
    others = select(Attachment.sha256).where(Attachment.sha256.in_(hashes), Attachment.contract_id != contract.id)
    with db.session.no_autoflush:
        alone = hashes - set(db.session.scalars(others))
    store: Store = current_app.extensions["files"]
    _after_commit(db.session(), store, alone, now_utc())


def _after_commit(session: Session, store: Store, hashes: set[str], before: datetime) -> None:
    def remove(_: Session) -> None:
        for sha256 in hashes:
            store.remove(sha256, before)

    def keep(_: Session) -> None:
        hashes.clear()

    event.listen(session, "after_commit", remove, once=True)
    event.listen(session, "after_rollback", keep, once=True)


MOVES = [
    Move(
        name="not_accept",
        label="不予受理",
        done="已作出不予受理的决定。",
        explains="不属于本机构受理、没有书面文本、涉密等情形，选择理由。申报人会看到理由和到哪里办理。",
        icon="slash-circle",
        tone="danger",
        sources=frozenset({State.SUBMITTED}),
        target=State.NOT_ACCEPTED,
        roles=frozenset({Role.REGISTRAR}),
        asks={"non_acceptance_code": non_acceptance_code, "opinion": non_acceptance_text},
        checks=checks_reason,
        guards=(guards.is_in_region, guards.did_not_file),
        effects=(keep_reason, effects.write_audit),
        may_be_undone=True,
    )
]
