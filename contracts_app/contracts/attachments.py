"""Which files a contract needs, and the form that takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from wtforms import Form, MultipleFileField

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.codes.models import AttachmentKind, Needed
from contracts_app.codes.queries import choosable
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.fields import ChoiceField, choice_list
from contracts_app.core.files import FileRefused, safe_name
from contracts_app.regions.queries import ABROAD

from . import actions
from .models import Attachment, Contract
from .states import State

OUTSIDE_PLANS = "5"  # 计划外
MUST_HAVE = frozenset({Needed.ALWAYS, Needed.AGENT})


@dataclass(frozen=True)
class Paper:
    """One kind of file as it concerns one contract."""

    kind: AttachmentKind
    is_asked: bool  # of this contract
    files: Sequence[Attachment]

    @property
    def is_required(self) -> bool:
        """Without it the contract cannot be handed in."""
        return self.is_asked and self.kind.required_when in MUST_HAVE

    @property
    def is_missing(self) -> bool:
        return self.is_asked and not self.files


def papers_of(contract: Contract) -> list[Paper]:
    """Every kind of file in the order of the list, with what is there; what this contract asks for first."""
    papers = [
        Paper(
            kind,
            _is_asked(contract, kind),
            [file for file in contract.current_attachments if file.kind_code == kind.code],
        )
        for kind in choosable(AttachmentKind, today())
    ]
    return sorted(papers, key=lambda paper: (not paper.is_required, not paper.is_asked, paper.kind.position))


def _is_asked(contract: Contract, kind: AttachmentKind) -> bool:
    """Whether the occasion for this kind of file is there, as far as the answers tell."""
    match kind.required_when:
        case Needed.ALWAYS:
            return True
        case Needed.AGENT:
            return Role.BROKER in contract.filed_by.roles
        case Needed.BY_TYPE:
            root = contract.type.parent_code or contract.type.code if contract.type else None
            return root in kind.type_codes.split()
        case Needed.FIRST_FILING:
            return contract.seller_id is not None and not _has_filed_before(contract)
        case Needed.IMPORT:
            return contract.seller is not None and contract.seller.region_code == ABROAD
        case Needed.GOVERNMENT_PROJECT:
            return contract.plan_source_code not in (None, OUTSIDE_PLANS)
        case _:
            return False


def _has_filed_before(contract: Contract) -> bool:
    earlier = select(Contract.id).where(
        Contract.seller_id == contract.seller_id, Contract.id != contract.id, Contract.state != State.DRAFT
    )
    return db.session.scalar(earlier.limit(1)) is not None


def limit_bytes() -> int:
    """How large one file may be."""
    return int(current_app.config["UPLOAD_LIMIT"])


class UploadForm(Form):
    """Files of one kind. A form of its own, so that a file that is refused takes nothing else with it."""

    kind_code = ChoiceField("附件种类")
    files = MultipleFileField("文件")

    def __init__(self, posted: Any = None) -> None:
        super().__init__(posted)
        kinds = choosable(AttachmentKind, today())
        self.kind_code.choices = choice_list([(kind.code, kind.name) for kind in kinds], "选择附件种类")

    def suggest(self, papers: Sequence[Paper], asked: str | None) -> None:
        """Choose the kind that was asked for, else the first that must be there and is not."""
        missing = [paper.kind.code for paper in papers if paper.is_required and paper.is_missing]
        known = {paper.kind.code for paper in papers}
        self.kind_code.data = asked if asked in known else next(iter(missing), None)

    def take(self, contract: Contract, uploads: Sequence[FileStorage], person: User) -> list[str]:
        """Attach what can be taken and name it; what cannot gets its sentence beside the field."""
        chosen = [upload for upload in uploads if upload.filename]
        if not self.validate() or not self.kind_code.data:
            self.kind_code.errors = [*self.kind_code.errors] or ["选择附件种类"]
        if not chosen:
            self.files.errors = ["选择要上传的文件"]
        if self.errors:
            return []
        taken, refusals = [], []
        for upload in chosen:
            name = safe_name(upload.filename or "")
            try:
                taken.append(
                    actions.attach(
                        contract, self.kind_code.data, upload.stream, upload.filename or "", person
                    ).file_name
                )
            except FileRefused as refused:
                refusals.append(f"{name}：{refused}")
        self.files.errors = refusals
        return taken
