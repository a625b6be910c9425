"""The task list of the filing: how far each part is."""

from dataclasses import dataclass

from contracts_app.contracts.checking.checks import Finding, Level, Section
from contracts_app.contracts.models import Contract, CorrectionItem
from contracts_app.contracts.questions import topics_of

from .summary import FIELDS
from .typed import typed_into


@dataclass(frozen=True)
class Step:
    """One line of the task list."""

    label: str
    url: str
    state: str  # done, doing, problem, open or locked: see components/tasks.html
    words: str
    now: bool
    is_ready: bool  # nothing in it stops the submission


def step_of(contract: Contract, section: Section, found: list[Finding], url: str, *, is_now: bool, faults: int) -> Step:
    """The line of one part; ``faults`` are those of that part where it was just sent."""
    waiting = typed_into(contract, section)
    wrong = [one for one in found if one.section is section and one.level is Level.ERROR]
    if section is Section.DETAILS and not topics_of(contract):
        words = "没有专项要填" if contract.type_code else "先选合同类型"
        state = "done" if contract.type_code else "open"
        return Step(section.label, url, state, words, is_now, state == "done")
    problems = faults if faults else waiting.faults if waiting else len(wrong)
    state, words = "done", ""
    if faults or (waiting and waiting.faults):
        state, words = "problem", f"有 {problems} 处要改"
    elif waiting:
        state = "doing"
    elif wrong and not _is_begun(contract, section):
        state = "open"
    elif wrong:
        only_blank = all(not getattr(contract, one.field, None) for one in wrong)
        state, words = ("doing", "") if only_blank else ("problem", f"有 {problems} 处要改")
    is_ready = state == "done"
    if is_ready and (asked := asked_of(contract, section)):
        state, words = "doing", f"要求补正 {len(asked)} 处"
    return Step(section.label, url, state, words, is_now, is_ready)


def asked_of(contract: Contract, section: Section | None) -> list[CorrectionItem]:
    """What the office asks to be put right: of one part, or all of it."""
    return [item for item in contract.open_corrections if section is None or item.section == section.value]


def _is_begun(contract: Contract, section: Section) -> bool:
    """Whether there is any answer in the part; 关联交易 alone is none, a draft after another has it too."""
    names = ("current_attachments",) if section is Section.FILES else FIELDS[section]
    return any(getattr(contract, name) for name in names)
