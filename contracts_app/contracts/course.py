"""What happened to a contract, in words: the steps it has passed, each move with what was written, what was changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from wtforms import BooleanField, Field, FieldList, Form, FormField

from contracts_app.accounts.roles import Role
from contracts_app.core import conflicts, money
from contracts_app.core.clock import local
from contracts_app.core.web.fields import MoneyField
from contracts_app.core.workflow import Move

from .facts import LABELS
from .filing import corrections
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


_ALWAYS = {
    State.SUBMITTED: "提交",
    State.ACCEPTED: "受理",
    State.REVIEWED: "初审",
    State.REGISTERED: "复核登记",
}
_ORDER = [
    *(State.SUBMITTED, State.ACCEPTED, State.REVIEWED, State.EXPERT, State.CHECKED, State.REGISTERED),
    *(State.CHANGING, State.CANCELLING, State.REVOKING, State.OBJECTION),
]
# What stands at the end instead of what was not reached.
_OTHER_ENDS = frozenset({State.REFUSED, State.NOT_ACCEPTED, State.WITHDRAWN, State.CANCELLED, State.REVOKED})
_CASES = frozenset({State.CHANGING, State.CANCELLING, State.REVOKING, State.OBJECTION})


def steps(contract: Contract) -> list[Step]:
    """提交, 受理, 初审, 复核登记, with the day each was reached since the newest submission.

    Experts and the third person have stations of their own where the contract takes that way; an end other than the
    register, and a case that is open, come last.
    """
    reached = _reached(contract)
    stations = _stations(contract, reached)
    left = [state for state in stations if state not in reached]
    now = contract.state if contract.state in _CASES else left[0] if left else None
    return [
        Step(
            label,
            f"{local(reached[state]):%m-%d}" if state in reached else "",
            "done" if state in reached else "now" if state is now else "",
        )
        for state, label in stations.items()
    ]


def _stations(contract: Contract, reached: dict[State, datetime]) -> dict[State, str]:
    """The stations of this contract's way, in order. A change that makes it large later adds none to it."""
    stations = dict(_ALWAYS)
    is_under_way = State.REGISTERED not in reached
    if (is_under_way and contract.needs_expert) or State.EXPERT in reached or contract.state is State.EXPERT:
        stations[State.EXPERT] = "专家审核"
    if (is_under_way and contract.needs_third) or State.CHECKED in reached:
        stations[State.CHECKED], stations[State.REGISTERED] = "复核", "大额审批登记"
    if contract.state is State.CORRECTION:
        stations[State.SUBMITTED] = "补正"
    stations = {state: stations[state] for state in _ORDER if state in stations}
    was_refused = contract.state is State.OBJECTION and State.REFUSED in reached
    if contract.state in _OTHER_ENDS or was_refused:
        stations = {state: label for state, label in stations.items() if state in reached}
    if was_refused:
        stations[State.REFUSED] = State.REFUSED.label
    if contract.state in _OTHER_ENDS or contract.state in _CASES:
        stations[contract.state] = contract.state.label
    return stations


def _reached(contract: Contract) -> dict[State, datetime]:
    """State -> when it was reached; a step back takes away what came after it.

    An expert's opinion brings the contract back to the review and is a station passed all the same, also when the
    second review is given back.
    """
    reached: dict[State, datetime] = {}
    for line in contract.history:
        if State.REGISTERED in reached:
            break  # what comes after is told by the cases
        if line.source is line.target:
            continue
        is_back = line.move == "undo" and line.target in reached
        was_heard = line.target is State.REVIEWED and (line.move == "record_expert" or line.source is State.CHECKED)
        if line.target is State.CORRECTION or (line.target is State.SUBMITTED and not is_back):
            reached.clear()
        elif line.target in _ORDER:
            place = _ORDER.index(line.target)
            reached = {
                state: at
                for state, at in reached.items()
                if state not in _ORDER or _ORDER.index(state) <= place or (was_heard and state is State.EXPERT)
            }
        if line.target is not State.CORRECTION and not is_back and not was_heard:
            reached[line.target] = line.at
    if contract.state is State.EXPERT:
        reached.pop(State.EXPERT, None)  # it is there now
    if contract.state in _OTHER_ENDS:  # the day a registration ended, which the loop does not come to
        ended = (line.at for line in reversed(contract.history) if line.target is contract.state is not line.source)
        reached.setdefault(contract.state, next(ended, contract.history[-1].at))
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
            _who(line),
            line.target.label if line.source is line.target else f"{line.source.label} → {line.target.label}",
            "warn" if line.target is State.CORRECTION or line.target in _OTHER_ENDS else "",
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


def _office(line: HistoryLine) -> str:
    """The role in which the person made a move, where the line does not say, as far as their present roles tell."""
    roles = CONTRACT.moves[line.move].roles
    return "、".join(role.label for role in Role if role in roles & line.by.own_roles) or "当时的经办人"


_ADDED: dict[str, tuple[str, Callable[[str], str]]] = {  # written by an effect, not asked for
    "acceptance_number": ("受理号", str),
    "batch": ("批量办理", lambda number: f"共 {number} 份"),
    "recognised_amount": ("核定的技术交易额", lambda amount: f"{money.yuan(Decimal(amount))} 元"),
}


def _answered(answers: dict[str, Any], fields: dict[str, Field]) -> Said:
    said = [
        (field.label.text, _in_words(field, answers[name]))
        for name, field in fields.items()
        if name in answers and not isinstance(field, BooleanField)
    ]
    return said + [(label, words(answers[name])) for name, (label, words) in _ADDED.items() if name in answers]


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
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(field, MoneyField):
        return f"{money.yuan(Decimal(value))} 元"
    return _label_of(field, value) or str(value)


def _label_of(field: Field, value: Any) -> str | None:
    choices = getattr(field, "choices", None) or []
    return next((choice.label for choice in choices if str(choice.value) == str(value)), None)


# ---- what somebody has just typed ----------------------------------------------------------------------------------


def typed(form: Form) -> Said:
    """What was typed into a form, as typed, so that it can be read and copied when the form itself cannot be kept."""
    return [said for field in form if field.name not in conflicts.OURS for said in _typed(field)]


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
