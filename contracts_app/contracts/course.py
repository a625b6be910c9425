"""What happened to a contract, in words: the steps it has passed, each move with what was written, what was changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from wtforms import BooleanField, Field, FieldList, Form, FormField

from contracts_app.accounts.roles import Role
from contracts_app.core import money
from contracts_app.core.clock import local
from contracts_app.core.fields import MoneyField
from contracts_app.core.workflow import Move

from . import corrections
from .facts import LABELS
from .models import Contract, HistoryLine
from .states import State
from .workflow import CONTRACT

Said = list[tuple[str, str]]


# ---- the steps -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A station of the procedure: ``state`` is done, now, or empty for what is still to come."""

    label: str
    when: str
    state: str


_STATIONS = {
    State.SUBMITTED: "提交",
    State.ACCEPTED: "受理",
    State.REVIEWED: "初审",
    State.REGISTERED: "复核登记",
}


def steps(contract: Contract) -> list[Step]:
    """提交, 受理, 初审, 复核登记, with the day each was reached since the newest submission."""
    reached = _reached(contract)
    stations = dict(_STATIONS)
    if contract.state is State.REFUSED:
        stations.pop(State.REGISTERED)
        stations[State.REFUSED] = "不予登记"
    if contract.state is State.CORRECTION:
        stations[State.SUBMITTED] = "补正"
    left = [state for state in stations if state not in reached]
    now = left[0] if left and contract.state is not State.WITHDRAWN else None
    return [
        Step(
            label,
            f"{local(reached[state]):%m-%d}" if state in reached else "",
            "done" if state in reached else "now" if state is now else "",
        )
        for state, label in stations.items()
    ]


def _reached(contract: Contract) -> dict[State, datetime]:
    """State -> when it was reached; a step back takes away what came after it."""
    reached: dict[State, datetime] = {}
    order = list(_STATIONS)
    for line in contract.history:
        if line.target in (State.CORRECTION, State.SUBMITTED):
            reached.clear()
        elif line.target in order:
            reached = {state: at for state, at in reached.items() if order.index(state) < order.index(line.target)}
        if line.target is not State.CORRECTION:
            reached[line.target] = line.at
    return reached


# ---- the history ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A line of the timeline, as ``components/timeline.html`` shows it."""

    title: str
    when: datetime
    who: str
    text: str = ""
    tone: str = ""
    answers: Said = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)


def timeline(contract: Contract) -> list[Entry]:
    """Every move of the contract, the newest first."""
    told = cache(lambda name: _fields(CONTRACT.moves[name], contract))
    return [
        Entry(
            CONTRACT.moves[line.move].label,
            line.at,
            f"{line.by.name}（{_office(line)}）",
            f"{line.source.label} → {line.target.label}",
            "warn" if line.target in (State.CORRECTION, State.REFUSED, State.WITHDRAWN) else "",
            _answered(line.answers, told(line.move) if line.answers else {}),
            changed(line),
        )
        for line in reversed(contract.history)
    ]


def newest_submission(contract: Contract) -> HistoryLine | None:
    """The line of the last submission; None before the first."""
    return next((line for line in reversed(contract.history) if line.target is State.SUBMITTED), None)


def changed(line: HistoryLine) -> list[tuple[str, str, str]]:
    """What a move changed: (what, before, after), in words and in the order of the form."""
    return [(label, *line.changes[name]) for name, label in LABELS.items() if name in line.changes]  # type: ignore[misc]


def is_unrevised(submission: HistoryLine | None) -> bool:
    """Whether an answer to a correction changed nothing of what was submitted before."""
    return submission is not None and submission.source is State.CORRECTION and not submission.changes


def _who(line: HistoryLine) -> str:
    """林若溪（登记员，代王海办理）: who made the move, in which office of then, and whose it was."""
    in_place = f"，代{line.for_whom.name}办理" if line.for_whom else ""
    return f"{line.by.name}（{line.role or _office(line)}{in_place}）"


_ADDED = {"acceptance_number": "受理号"}  # written by an effect, not asked for


def _answered(answers: dict[str, Any], fields: dict[str, Field]) -> Said:
    said = [
        (field.label.text, _in_words(field, answers[name]))
        for name, field in fields.items()
        if name in answers and not isinstance(field, BooleanField)
    ]
    return said + [(label, answers[name]) for name, label in _ADDED.items() if name in answers]


def _fields(move: Move, contract: Contract) -> dict[str, Field]:
    """The fields a move asks for, for their labels and choices."""
    form = type("Asked", (Form,), {name: ask(contract) for name, ask in move.asks.items()})()
    return {name: form[name] for name in move.asks}


def _in_words(field: Field, value: Any) -> str:
    if isinstance(value, list) and all(isinstance(line, dict) and "request" in line for line in value):
        return "；".join(
            f"{corrections.in_words(line['section'], line.get('field', ''))}：{line.get('reply') or line['request']}"
            for line in value
        )
    if isinstance(field, FieldList):
        inner = field[0].form
        return "；".join(
            "：".join(_in_words(inner[name], line[name]) for name in inner._fields if line.get(name)) for line in value
        )
    if isinstance(field, MoneyField):
        return f"{money.yuan(Decimal(value))} 元"
    return _label_of(field, value) or str(value)


def _label_of(field: Field, value: Any) -> str | None:
    choices = getattr(field, "choices", None) or []
    return next((choice.label for choice in choices if str(choice.value) == str(value)), None)


# ---- what somebody has just typed ----------------------------------------------------------------------------------


def typed(form: Form) -> Said:
    """What was typed into a form, as typed, so that it can be read and copied when the form itself cannot be kept."""
    return [said for field in form if field.name not in ("version", "csrf_token") for said in _typed(field)]


def _typed(field: Field) -> Iterator[tuple[str, str]]:
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from _typed(entry)
    elif isinstance(field, FormField):
        said = [text for inner in field.form for _, text in _typed(inner)]
        if said:
            yield field.label.text, "：".join(said)
    elif isinstance(field, BooleanField):
        if field.data:
            yield field.label.text, "已勾选"
    elif raw := "".join(part for part in field.raw_data or [] if isinstance(part, str)).strip():
        unit = {"yuan": " 元", "wan": " 万元"}[field.unit] if isinstance(field, MoneyField) else ""
        yield field.label.text, (_label_of(field, raw) or raw) + unit
