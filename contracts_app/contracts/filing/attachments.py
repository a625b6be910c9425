"""Which files a contract needs and why, and the form that takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from wtforms import Form, MultipleFileField

from contracts_app.accounts.models import User
from contracts_app.codes.models import AttachmentKind, Needed
from contracts_app.codes.queries import choosable
from contracts_app.contracts.checking import checks, paper_rules
from contracts_app.contracts.models import Attachment, Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.keeping.files import FileRefused, safe_name
from contracts_app.core.web.fields import ChoiceField, choice_list
from contracts_app.core.words import Word
from contracts_app.rules.queries import RuleFacts, rules_of

from . import actions


class Need(Word):
    """How much a contract needs a kind of file."""

    MUST = "must", "必须"  # without it the contract cannot be handed in
    EXPECTED = "expected", "一般要附"
    MAY = "may", "可以附"
    NOT_ASKED = "not_asked", "本合同不用"


@dataclass(frozen=True)
class Paper:
    """One kind of file as it concerns one contract; `why`: what asks for it, or when it would be asked for."""

    kind: AttachmentKind
    need: Need
    why: str
    files: Sequence[Attachment]

    @property
    def is_required(self) -> bool:
        """Without it the contract cannot be handed in."""
        return self.need is Need.MUST

    @property
    def is_asked(self) -> bool:
        return self.need in (Need.MUST, Need.EXPECTED)

    @property
    def is_missing(self) -> bool:
        return self.is_asked and not self.files


def papers_of(contract: Contract) -> list[Paper]:
    """Every kind of file in the order of the list, with what is there; what this contract asks for first."""
    rules = [rule for rule in rules_of(checks.context_of(contract, today()).rule_set.code) if _asks_for_paper(rule)]
    papers = [_paper(contract, kind, rules) for kind in _kinds_to_file()]
    return sorted(papers, key=lambda paper: (list(Need).index(paper.need), paper.kind.position))


def _kinds_to_file() -> list[AttachmentKind]:
    """The kinds of file that go with a filing; those of a later case are asked for by its moves."""
    return [kind for kind in choosable(AttachmentKind, today()) if kind.required_when is not Needed.CASE]


def _asks_for_paper(rule: RuleFacts) -> bool:
    return rule.predicate == paper_rules.PREDICATE


def _paper(contract: Contract, kind: AttachmentKind, rules: Sequence[RuleFacts]) -> Paper:
    about = [rule for rule in rules if rule.parameters["kind"] == kind.code]
    asking = [rule for rule in about if _is_asked_by(rule, contract)]
    files = [file for file in contract.current_attachments if file.kind_code == kind.code]
    if asking:
        first = min(asking, key=lambda rule: list(checks.Level).index(rule.severity))
        need = Need.MUST if first.severity is checks.Level.ERROR else Need.EXPECTED
        return Paper(kind, need, f"{kind.required_when.label}（{cite(first)}）", files)
    need = _need_by_list(contract, kind)
    if about and need is Need.EXPECTED:
        need = Need.MAY  # the rules know the kind and do not ask here
    return Paper(kind, need, f"{kind.required_when.label}（{kind.source}）", files)


def _is_asked_by(rule: RuleFacts, contract: Contract) -> bool:
    asked = {name: value for name, value in rule.parameters.items() if name != "kind"}
    return paper_rules.is_asked(contract, **asked)


def cite(rule: RuleFacts) -> str:
    """The rule as pages print it: F-02 《…》第10条，条文待核."""
    return f"{rule.code} {rule.citation}" + ("，条文待核" if rule.is_to_verify else "")


# What the list of kinds asks for by the same occasions as the rules.
_OCCASION = {
    Needed.IMPORT: "import",
    Needed.FOREIGN_LANGUAGE: "foreign_language",
    Needed.GOVERNMENT_PROJECT: "government_project",
}


def _need_by_list(contract: Contract, kind: AttachmentKind) -> Need:
    """How much it is needed as far as the list of kinds and the answers tell: where no rule speaks of it."""
    when = kind.required_when
    match when:
        case Needed.ALWAYS:
            return Need.MUST
        case Needed.AGENT:
            return Need.MUST if paper_rules.is_asked(contract, "agent") else Need.NOT_ASKED
        case Needed.OPTIONAL | Needed.APPROVAL:
            return Need.MAY  # whether an approval is needed the filer knows
        case Needed.AFTER_PERFORMANCE:
            is_there = contract.is_in_force
        case Needed.BY_TYPE:
            is_there = paper_rules.is_asked(contract, "always", types=kind.type_codes.split())
        case Needed.FIRST_FILING:
            is_there = contract.seller_id is not None and not _has_filed_before(contract)
        case _:
            is_there = paper_rules.is_asked(contract, _OCCASION[when])
    return Need.EXPECTED if is_there else Need.NOT_ASKED


def _has_filed_before(contract: Contract) -> bool:
    earlier = select(Contract.id).where(
        Contract.seller_id == contract.seller_id, Contract.id != contract.id, Contract.state != State.DRAFT
    )
    return db.session.scalar(earlier.limit(1)) is not None


# ---- versions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A version of a document as the person may read it; `seen`: with which submissions it was handed in, 1, 2, …"""

    file: Attachment
    is_current: bool
    is_replaced: bool
    seen: Sequence[int]
    twins: Sequence[str]  # what else the same bytes are handed in as

    @property
    def words(self) -> str:
        """第 2 版 · 随第 1、2 次提交."""
        told = [f"第 {self.file.version} 版"] if self.file.version > 1 or not self.is_current else []
        if self.seen:
            told.append(f"随第 {'、'.join(map(str, self.seen))} 次提交")
        return " · ".join(told)

    @property
    def fate(self) -> str:
        """What became of a version that counts no longer."""
        return "已替换" if self.is_replaced else "" if self.is_current else "已删除"


def versions(contract: Contract, person: User) -> list[Shown]:
    """The files of a contract, the newest version of each first. What was replaced before anybody else could see it
    is the filer's alone."""
    current = contract.current_attachments
    shown = [_shown(contract, file, current) for file in contract.attachments]
    known = [one for one in shown if one.is_current or one.seen or contract.filed_by_id == person.id]
    return sorted(known, key=lambda one: (_first(one.file).id, -one.file.version))


def _shown(contract: Contract, file: Attachment, current: Sequence[Attachment]) -> Shown:
    is_current = file.removed_at is None
    seen = [number for number, line in enumerate(contract.submissions, 1) if file.was_there(line.at)]
    twins = [one.kind.name for one in current if is_current and one is not file and one.sha256 == file.sha256]
    is_replaced = any(later.replaces_id == file.id for later in contract.attachments)
    return Shown(file, is_current, is_replaced, seen, twins)


def _first(file: Attachment) -> Attachment:
    return file.earlier[-1] if file.version > 1 else file


# ---- the form ------------------------------------------------------------------------------------------------------


def limit_bytes() -> int:
    """How large one file may be."""
    return int(current_app.config["UPLOAD_LIMIT"])


class UploadForm(Form):
    """Files of one kind, or the next version of one file. A form of its own, so that a file that is refused takes
    nothing else with it."""

    kind_code = ChoiceField("附件种类")
    files = MultipleFileField("文件")

    def __init__(self, posted: Any = None, *, replaces: Attachment | None = None) -> None:
        super().__init__(posted)
        self.replaces = replaces
        kinds = _kinds_to_file()
        self.kind_code.choices = choice_list([(kind.code, kind.name) for kind in kinds], "选择附件种类")

    def suggest(self, papers: Sequence[Paper], asked: str | None) -> None:
        """Choose the kind that was asked for, else the first that must be there and is not."""
        missing = [paper.kind.code for paper in papers if paper.is_required and paper.is_missing]
        known = {paper.kind.code for paper in papers}
        self.kind_code.data = asked if asked in known else next(iter(missing), None)

    def take(self, contract: Contract, uploads: Sequence[FileStorage], person: User) -> list[Attachment]:
        """Attach what can be taken; what cannot gets its sentence beside the field."""
        chosen = [upload for upload in uploads if upload.filename]
        kind_code = self.replaces.kind_code if self.replaces else self.kind_code.data
        if not self.replaces and (not self.validate() or not kind_code):
            self.kind_code.errors = [*self.kind_code.errors] or ["选择附件种类"]
        if not chosen:
            self.files.errors = ["选择要上传的文件"]
        elif self.replaces and len(chosen) > 1:
            self.files.errors = ["换新版一次选一个文件"]
        if self.errors:
            return []
        taken, refusals = [], []
        for upload in chosen:
            name = upload.filename or ""
            try:
                taken.append(actions.attach(contract, kind_code, upload.stream, name, person, replaces=self.replaces))
            except FileRefused as refused:
                refusals.append(f"{safe_name(name)}：{refused}")
        self.files.errors = refusals
        return taken


def told(contract: Contract, file: Attachment) -> str:
    """What was taken, its version, and where the same bytes are already."""
    same = [one for one in contract.attachments if one is not file and one.sha256 == file.sha256]
    told = [f"第 {file.version} 版"] if file.version > 1 else []
    if same:
        one = next((one for one in file.earlier if one in same), same[-1])
        which = f"第 {one.version} 版" if one in file.earlier else f"“{one.kind.name}”里的 {one.file_name} "
        told.append(f"内容和{which}完全相同")
    return f"{file.file_name}（{'，'.join(told)}）" if told else file.file_name
