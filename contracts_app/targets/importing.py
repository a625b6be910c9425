"""Importing a table of tasks: first what it would do, cell by cell; then, once confirmed, all of it or nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import BinaryIO

from contracts_app.accounts.models import User
from contracts_app.codes.models import Measure
from contracts_app.core.errors import Refused
from contracts_app.core.words import Word
from contracts_app.regions.models import Region

from . import values
from .actions import Basis, Plan, Standing, plan_of, set_tasks, why_not_document, why_not_own
from .cascade import Places, places_under
from .queries import task_measures
from .workbook import CODE, DOCUMENT, ISSUED_ON, NAME, YEAR, Entry, Filled, read_tasks


class Outcome(Word):
    """What becomes of one cell."""

    FAULTY = "faulty", "有错"
    CHANGED = "changed", "修改"
    NEW = "new", "新增"
    SAME = "same", "不变"


@dataclass(frozen=True)
class Line:
    """One cell and what becomes of it. `before` and `after` are said with their unit."""

    cell: str
    place: str
    measure: str
    outcome: Outcome
    before: str = ""
    after: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Checked:
    """A workbook held against what stands. `lines`: the cells of tasks, what needs a look first."""

    filled: Filled
    plan: Plan | None  # None: the year cannot be told
    lines: Sequence[Line]
    untold: int  # tasks that are not in the table, and stay

    @property
    def is_fine(self) -> bool:
        """Whether it can be saved."""
        return not self.filled.faults

    @property
    def changes(self) -> int:
        return sum(line.outcome in (Outcome.NEW, Outcome.CHANGED) for line in self.lines)

    def count(self, outcome: Outcome) -> int:
        return sum(line.outcome is outcome for line in self.lines)

    @property
    def head_faults(self) -> list[tuple[str, str]]:
        """(cell, sentence) of what is wrong outside the cells of tasks."""
        of_tasks = {line.cell for line in self.lines}
        return [(cell, sentence) for cell, sentence in self.filled.faults.items() if cell not in of_tasks]

    @property
    def digest(self) -> str:
        """What tells this outcome from another: shown, confirmed and saved must be the same."""
        told = [(line.cell, line.place, line.measure, line.outcome, line.before, line.after) for line in self.lines]
        head = (self.filled.year, self.filled.document, self.filled.issued_on, self.filled.note)
        return hashlib.sha256(repr((head, told)).encode()).hexdigest()


def check(
    stream: BinaryIO, filename: str, region: Region, year: int | None = None, person: User | None = None
) -> Checked:
    """What importing a workbook would do for somebody of that region, in the year it is meant for if one is said.

    With a person, a changed task that is not theirs to set is a fault of its cell.

    Raises ``core.keeping.files.FileRefused`` where it cannot be read as a table of tasks.
    """
    measures, places = task_measures(), places_under(region)
    filled = read_tasks(stream, filename, measures)
    _check_year(filled, year)
    entries = [_placed(entry, places) for entry in filled.entries]
    filled.entries = _without_doubles(entries)
    good = {entry.key: entry.value for entry in filled.entries if entry.value is not None and not entry.fault}
    plan = plan_of(filled.year, good, measures, places, filled.seen) if filled.year else None
    not_theirs = {person.region_code: why_not_own(person) or ""} if person else {}
    lines = _once_a_cell([_line(entry, plan, not_theirs) for entry in filled.entries])
    filled.faults |= {line.cell: line.fault for line in lines if line.fault}
    if plan and plan.steps:
        _check_basis(filled)
    filled.faults = {cell: sentence.rstrip("。") for cell, sentence in filled.faults.items()}
    untold = set(plan.standing.keys) - {entry.key for entry in filled.entries} if plan else ()
    return Checked(filled, plan, sorted(lines, key=lambda line: list(Outcome).index(line.outcome)), len(untold))


def save(checked: Checked, person: User, *, accepts_less: bool) -> int:
    """Set all tasks of a checked workbook; returns how many. Raises what ``set_tasks`` raises."""
    filled, plan = checked.filled, checked.plan
    if filled.faults or plan is None:
        raise Refused(*(f"{cell}：{sentence}。" for cell, sentence in filled.faults.items()))
    if not plan.steps or filled.issued_on is None:
        return 0
    return set_tasks(plan, Basis(filled.document, filled.issued_on, filled.note), person, accepts_less=accepts_less)


def standing_of(year: int, places: Places, measures: Sequence[Measure]) -> Standing:
    """What a template for these places is filled with."""
    return Standing(year, places.by_code, [measure.code for measure in measures])


def _check_year(filled: Filled, year: int | None) -> None:
    at = filled.cells.get(YEAR, "A1")
    if filled.year is None:
        filled.faults[at] = "写明年度，例如 2026"
    elif year is not None and filled.year != year:
        filled.faults[at] = f"表里是 {filled.year} 年，这一页导入 {year} 年的任务：核对年度，或到 {filled.year} 年导入"


def _check_basis(filled: Filled) -> None:
    if sentence := why_not_document(filled.document):
        filled.faults.setdefault(filled.cells.get(DOCUMENT, "A1"), sentence)
    if filled.issued_on is None:
        filled.faults.setdefault(filled.cells.get(ISSUED_ON, "A1"), "填写文件的印发日期，例如 2026-03-06")


def _placed(entry: Entry, places: Places) -> Entry:
    """The entry with the code of its place, or with what is wrong about it."""
    row = entry.cell.lstrip(ascii_uppercase)
    code_at, name_at = f"A{row}", f"B{row}"  # where the fault is, not where the task stands
    by_name = [place for place in places.all if place.name == entry.place_name]
    if not entry.place_code and len(by_name) == 1:
        return _with(entry, place_code=by_name[0].code)
    place = places.by_code.get(entry.place_code)
    if not entry.place_code:
        return _with(entry, fault=f"填写{CODE}，写不清是哪个{NAME}", at=code_at)
    if place is None:
        return _with(entry, fault=f"{CODE}“{entry.place_code[:20]}”不在你可以下达任务的范围内：按模板填写", at=code_at)
    if entry.place_name and entry.place_name not in (place.name, place.short_name):
        fault = f"代码 {place.code} 是{place.name}，不是{entry.place_name[:20]}：核对这一行"
        return _with(entry, fault=fault, at=name_at)
    return _with(entry, place_name=place.name)


def _without_doubles(entries: Sequence[Entry]) -> list[Entry]:
    first: dict[tuple[str, str], str] = {}
    found = []
    for entry in entries:
        at = first.setdefault(entry.key, entry.cell)
        double = at != entry.cell and not entry.fault
        found.append(_with(entry, fault=f"和 {at} 是同一个地区的同一项任务，留下一个") if double else entry)
    return found


def _once_a_cell(lines: Sequence[Line]) -> list[Line]:
    """What is wrong with the place of a row is said once, for all the measures of the row."""
    found: dict[str, Line] = {}
    for line in lines:
        one = found.get(line.cell)
        found[line.cell] = replace(one, measure=f"{one.measure}、{line.measure}", after="") if one else line
    return list(found.values())


def _with(entry: Entry, *, place_code: str = "", place_name: str = "", fault: str = "", at: str = "") -> Entry:
    return Entry(
        entry.cell if entry.fault else at or entry.cell,
        place_code or entry.place_code,
        place_name or entry.place_name,
        entry.measure,
        entry.typed,
        entry.value,
        entry.fault or fault,
    )


def _line(entry: Entry, plan: Plan | None, not_theirs: Mapping[str, str]) -> Line:
    who = entry.place_name or entry.place_code
    step = next((one for one in plan.steps if one.key == entry.key), None) if plan and not entry.fault else None
    fault = entry.fault
    if step and step.is_stale:
        fault = f"{step.conflict.replace('你打开', '这张表下载')}：重新下载模板再改这一格"
    elif step and not_theirs.get(step.place.code):
        fault = f"{not_theirs[step.place.code]}这一格恢复成模板里的数"
    before = plan.standing.value(entry.key) if plan else None
    words = values.said(before, entry.measure) if before is not None else ""
    if fault or entry.value is None or plan is None:
        outcome = Outcome.FAULTY if fault else Outcome.SAME
        return Line(entry.cell, who, entry.measure.name, outcome, words, entry.typed, fault)
    if step is None:  # as it stands, also where somebody changed what this table left alone
        return Line(entry.cell, who, entry.measure.name, Outcome.SAME, words, words)
    outcome = Outcome.CHANGED if step.before else Outcome.NEW
    return Line(entry.cell, who, entry.measure.name, outcome, words, values.said(entry.value, entry.measure))
