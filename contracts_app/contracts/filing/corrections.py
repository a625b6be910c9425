"""What the office asks to be put right, item by item: where it belongs, and what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wtforms import SelectChoice

from contracts_app.codes.models import AttachmentKind, Needed
from contracts_app.codes.queries import choosable
from contracts_app.contracts.checking.checks import Finding, Section
from contracts_app.contracts.facts import LABELS, changed_since_submission
from contracts_app.contracts.models import Contract, CorrectionItem, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db

from .summary import asked_in

Change = tuple[str, str, str]  # what, before, after, in words

MOST_IN_REPLY = 1000  # signs in the answer to one item

SECTIONS = {section.value: section for section in Section}


# ---- where an item belongs -----------------------------------------------------------------------------------------


def places(contract: Contract) -> list[SelectChoice]:
    """Each part of the filing as a whole, and under it the answers of that part; of the files, their kinds."""
    found = [SelectChoice("", "选择在哪一部分、哪一项")]
    for section in Section:
        fields = _fields(contract, section)
        if not fields:
            continue  # 类型专项 of a type that asks nothing
        found.append(SelectChoice(section.value, f"{section.label}（整个部分）", optgroup=section.label))
        found += [SelectChoice(f"{section.value}.{name}", label, optgroup=section.label) for name, label in fields]
    return found


def _fields(contract: Contract, section: Section) -> list[tuple[str, str]]:
    if section is Section.FILES:
        kinds = choosable(AttachmentKind, today())
        return [(kind.code, kind.name) for kind in kinds if kind.required_when is not Needed.CASE]
    return [(name, LABELS[name]) for name in asked_in(contract, section)]


def place_of(finding: Finding, known: Iterable[str]) -> str:
    """Where a finding belongs among these places: its very field, else the part."""
    place = f"{finding.section.value}.{finding.field}"
    return place if place in known else finding.section.value


def field_label(section: str, field: str) -> str:
    """What people call the answer an item is about; empty where it is about the whole part."""
    if not field:
        return ""
    if section == Section.FILES.value:
        kind = db.session.get(AttachmentKind, field)
        return kind.name if kind else field
    return LABELS.get(field, field)


def in_words(section: str, field: str) -> str:
    """金额与付款 · 付款计划."""
    part = SECTIONS[section].label if section in SECTIONS else section
    return " · ".join(filter(None, (part, field_label(section, field))))


def words_of(item: CorrectionItem) -> str:
    """Where an item belongs, in words."""
    return in_words(item.section, item.field)


# ---- what became of it ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """One item with what was changed where it points, since the submission before.

    `is_unchanged`: the applicant answered it and changed nothing there; while unanswered, changed nothing yet.
    """

    item: CorrectionItem
    place: str
    changes: Sequence[Change]

    @property
    def is_unchanged(self) -> bool:
        return not self.changes


def outcomes(contract: Contract) -> list[Outcome]:
    """Every item of the contract, the newest first, with what its answer changed."""
    waiting = changed_since_submission(contract) or {} if contract.open_corrections else {}
    return [_outcome(contract, item, waiting) for item in reversed(contract.corrections)]


def _outcome(contract: Contract, item: CorrectionItem, waiting: dict[str, list[str]]) -> Outcome:
    answer = _answer_to(contract, item)
    differences = answer.changes if answer else waiting if item.answered_at is None else {}
    if item.section == Section.FILES.value and item.field:
        changes = _changes_of_kind(contract, item, answer) if "attachments" in differences else []
    else:
        section = SECTIONS.get(item.section)
        names = [item.field] if item.field else asked_in(contract, section) if section else []
        changes = [(LABELS[name], *differences[name]) for name in names if name in differences]  # type: ignore[misc]
    return Outcome(item, words_of(item), changes)


def _answer_to(contract: Contract, item: CorrectionItem) -> HistoryLine | None:
    """The submission that answered the item."""
    if item.answered_at is None:
        return None
    return next((line for line in contract.submissions if line.at >= item.asked_at), None)


def _changes_of_kind(contract: Contract, item: CorrectionItem, answer: HistoryLine | None) -> list[Change]:
    """The files of one kind as they were at the submission before and as they are, or were when it was answered."""
    earlier = [line for line in contract.submissions if line.at < item.asked_at]
    of_kind = [file for file in contract.attachments if file.kind_code == item.field]
    before = [file for file in of_kind if earlier and file.was_there(earlier[-1].at)]
    after = [file for file in of_kind if (file.was_there(answer.at) if answer else file.removed_at is None)]
    if before == after:
        return []
    was, became = (
        "；".join(f"{file.file_name}（第 {file.version} 版）" for file in files) for files in (before, after)
    )
    return [(field_label(item.section, item.field), was, became)]


def beside_the_items(contract: Contract, submission: HistoryLine | None) -> list[Change]:
    """What a submission changed that no item of the correction before it had asked for, in the order of the form."""
    if submission is None:
        return []
    answered = (
        [item for item in contract.corrections if _answer_to(contract, item) is submission]
        if submission.source is State.CORRECTION
        else []
    )
    claimed = {name for item in answered for name in _claims(contract, item)}
    kinds = {item.field for item in answered if item.section == Section.FILES.value and item.field}
    beside = {name: pair for name, pair in submission.changes.items() if name not in claimed}
    if kinds and "attachments" in beside:
        beside["attachments"] = _files_beside(contract, submission, kinds)
    return [(label, *beside[name]) for name, label in LABELS.items() if beside.get(name)]  # type: ignore[misc]


def _files_beside(contract: Contract, submission: HistoryLine, kinds: set[str]) -> list[str]:
    """The files of the other kinds before and after; nothing where only what was asked for has changed."""
    earlier = [line for line in contract.submissions if line.at < submission.at]
    others = [file for file in contract.attachments if file.kind_code not in kinds]
    before = [file for file in others if earlier and file.was_there(earlier[-1].at)]
    after = [file for file in others if file.was_there(submission.at)]
    if before == after:
        return []
    return ["；".join(f"{file.kind.name}：{file.file_name}" for file in files) for files in (before, after)]


def _claims(contract: Contract, item: CorrectionItem) -> set[str]:
    """The answers an item is about; of files of one kind nothing, the others may have changed as well."""
    if item.section == Section.FILES.value:
        return set() if item.field else {"attachments"}
    section = SECTIONS.get(item.section)
    return {item.field} if item.field else set(asked_in(contract, section)) if section else set()
