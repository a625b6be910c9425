"""A workflow is a list of moves. Buttons, forms, permission, history and docs are all read from it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from werkzeug.datastructures import MultiDict
from wtforms import Field, Form

from .conflicts import RecordForm, base_of
from .db import db
from .errors import NotYours, Refused, Stale
from .words import Word


class Person(Protocol):
    """Whoever makes a move: a signed-in user, or a user acting through a command.

    One who may also act in somebody else's place has a method ``capacities(roles)``: the persons, as the guards are to
    look at them, as whom a move of these roles could be made.
    """

    id: int
    roles: frozenset[Word]


Guard = Callable[[Any, Any], str | None]
Effect = Callable[[Any, Any, dict[str, Any]], None]
Ask = Callable[[Any], Field]
Lead = Callable[[Any, dict[str, Any]], Word]


class MoveForm(RecordForm):
    """What a move asks for. The record is at hand as ``form.record`` for checks that compare with it."""

    move: "Move"
    record: Any = None

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """Each answer by itself, then the answers together."""
        fine = super().validate(extra_validators)
        if self.move.checks:
            self.move.checks(self)
        return fine and not self.errors

    def answers(self) -> dict[str, Any]:
        """The answers by name, without what belongs to the form itself."""
        return {name: self[name].data for name in self.move.asks}


@dataclass(frozen=True, kw_only=True)
class Move:
    """One arrow of the diagram, with everything the application needs to know about it.

    Most moves have one ``target``. One whose end depends on the record or the answers names all its ``targets`` and
    says by ``leads_to`` which it is; one with neither leaves the record in its state and only adds to it. ``targets``
    may also say from which state which ends can be reached.
    """

    name: str
    label: str  # on the button
    done: str  # in the message afterwards
    sources: frozenset[Word]
    roles: frozenset[Word]
    target: Word | None = None
    targets: frozenset[Word] | Mapping[Word, frozenset[Word]] = frozenset()
    leads_to: Lead | None = None
    explains: str = ""  # shown above the form: what happens next
    icon: str = "arrow-right"
    tone: str = "plain"  # primary, plain or danger
    asks: Mapping[str, Ask] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    checks: Callable[[Form], None] | None = None  # answers that only make sense together
    concerns: Callable[[Any, Any], bool] = lambda record, person: True  # whether to show it to this person at all
    may_be_undone: bool = False  # by the same person, soon, while nobody acted on it
    is_task: bool = True  # records wait in the inbox for it; not for what may be done and need not
    label_adds: Callable[[Any], str] = lambda record: ""  # what the button says beside the label, of this record

    def __post_init__(self) -> None:
        if (self.leads_to is None) == bool(self.targets) or (self.target and self.targets):
            raise TypeError(f"move {self.name}: give a target, or targets with leads_to, or neither")

    @property
    def stays(self) -> bool:
        """Whether the record keeps its state."""
        return self.target is None and not self.targets

    def ends(self, source: Word) -> frozenset[Word]:
        """The states in which the record may be after this move from ``source``."""
        if isinstance(self.targets, Mapping):
            return self.targets.get(source, frozenset())
        return frozenset({source}) if self.stays else self.targets or frozenset({self.target})  # type: ignore[arg-type]

    def end(self, record: Any, answers: dict[str, Any]) -> Word:
        """The state in which the record will be after this move with these answers."""
        if self.leads_to is None:
            return self.target or record.state
        state = self.leads_to(record, answers)
        if state not in self.ends(record.state):
            raise ValueError(f"{self.name} is not declared to lead to {state}")
        return state


@dataclass(frozen=True)
class Offer:
    """A move one person could make on one record now: first a button, then the act."""

    move: Move
    record: Any
    person: Any

    @property
    def label(self) -> str:
        """What stands on the button."""
        return self.move.label + self.move.label_adds(self.record)

    @property
    def reasons(self) -> list[str]:
        """Why not, in sentences; empty when the move may be made."""
        return self._way[1]

    @property
    def capacity(self) -> Any:
        """As whom the person makes the move: as themselves, or in somebody's place."""
        return self._way[0]

    @property
    def _way(self) -> tuple[Any, list[str]]:
        """The first capacity against which no guard speaks, else the person's first with what is said against it."""
        ways = getattr(self.person, "capacities", None)
        tried = ((one, self._against(one)) for one in (ways(self.move.roles) if ways else [self.person]))
        first = next(tried, (self.person, []))
        return first if not first[1] else next((way for way in tried if not way[1]), first)

    def _against(self, person: Any) -> list[str]:
        return [why_not for guard in self.move.guards if (why_not := guard(self.record, person))]

    def form(self) -> MoveForm:
        """A form with the fields this move asks for, filled from the request."""
        form = self._form()
        if not form.is_submitted():
            form.base.data = base_of(form)
        return form

    def form_of(self, typed: MultiDict[str, str] | None) -> MoveForm:
        """The same form filled from these answers instead; with none, as the record stands."""
        return self._form(formdata=typed)

    def _form(self, **source: Any) -> MoveForm:
        fields = {name: ask(self.record) for name, ask in self.move.asks.items()}
        kind = type(f"{self.move.name.title()}Form", (MoveForm,), fields)
        form = kind(**source, data={"version": self.record.version})
        form.move, form.record = self.move, self.record
        return form

    def make(self, answers: dict[str, Any], version: int | None = None) -> None:
        """Change the state, run the effects, write the history line. Never commits.

        ``version`` is the record's as the person saw it. Raises ``Stale`` when the record has changed since, and
        ``Refused`` with every guard's sentence when the move may not be made.
        """
        record, move = self.record, self.move
        if version is not None and version != record.version:
            raise Stale()
        if record.state not in move.sources:
            raise _not_from_here(move, record)
        capacity, reasons = self._way
        if reasons:
            raise Refused(*reasons)
        # One UPDATE for the whole move, so that constraints which tie a state to its facts see both.
        with db.session.no_autoflush:
            before = record.image() if move.may_be_undone else None
            source, record.state = record.state, move.end(record, answers)
            for effect in move.effects:
                effect(record, self.person, answers)
            record.remember(move=move, source=source, by=capacity, answers=answers, before=before)
        db.session.flush()


class Workflow:
    """All moves of one kind of record. Made once, at import."""

    def __init__(self, name: str, initial: Word, moves: Iterable[Move]) -> None:
        self.name = name
        self.initial = initial
        self.moves = {move.name: move for move in moves}
        self.states: type[Word] = type(initial)

    def __iter__(self) -> Iterator[Move]:
        return iter(self.moves.values())

    def offers(self, record: Any, person: Person) -> list[Offer]:
        """What this person could do with this record now; some greyed by their guards."""
        return [
            Offer(move, record, person)
            for move in self
            if record.state in move.sources and move.roles & person.roles and move.concerns(record, person)
        ]

    def offer(self, name: str, record: Any, person: Person) -> Offer:
        """This one move; raises ``NotYours`` or ``Refused`` with the reason when it is not on offer."""
        move = self.moves[name]
        if not move.roles & person.roles:
            who = "、".join(role.label for role in sorted(move.roles))
            raise NotYours(f"“{move.label}”由{who}办理，你的岗位不能办理。")
        if record.state not in move.sources:
            raise _not_from_here(move, record)
        return Offer(move, record, person)

    def waiting_for(self, roles: Iterable[Word]) -> frozenset[Word]:
        """The states in which people of these roles have something to do: their inbox."""
        roles = frozenset(roles)
        return frozenset(state for move in self if move.is_task and move.roles & roles for state in move.sources)

    def table(self) -> list[tuple[str, str, str, str]]:
        """(move, from, to, who), a line for each arrow: for the docs and the tests."""
        return sorted(
            (move.name, source.value, target.value, role.value)
            for move in self
            for source in move.sources
            for target in move.ends(source)
            for role in move.roles
        )

    def describe(self) -> dict[str, Any]:
        """The whole declaration as plain data: initial, states, moves; a move with several ends comes once for each."""
        return {
            "name": self.name,
            "initial": self.initial.value,
            "states": [{"code": state.value, "label": state.label} for state in self.states],
            "moves": [
                {
                    "name": move.name,
                    "label": move.label,
                    "sources": [state.value for state in self.states if state in move.sources & starts],
                    "target": end.value,
                    "roles": sorted(role.value for role in move.roles),
                    "guards": [guard.__name__ for guard in move.guards],
                    "asks": list(move.asks),
                }
                for move in self
                for end, starts in self._arrows(move)
            ],
        }

    def _arrows(self, move: Move) -> list[tuple[Word, frozenset[Word]]]:
        """(end, the states it is reached from) of a move: one for each state in which it can end."""
        arrows = [(end, frozenset(one for one in move.sources if end in move.ends(one))) for end in self.states]
        return [(end, starts) for end, starts in arrows if starts]

    def mermaid(self) -> str:
        """A state diagram for the documentation."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.value}"]
        lines += [f"    {state.value}: {state.label}" for state in self.states]
        lines += [
            f"    {state.value} --> {end.value}: {move.label}"
            for move in self
            for state in self.states
            if state in move.sources and not move.stays
            for end in self.states
            if end in move.ends(state) - {state}
        ]
        return "\n".join(lines)


def _not_from_here(move: Move, record: Any) -> Refused:
    called = getattr(record, "called", "这份合同")
    return Refused(f"{called}现在是“{record.state.label}”，不能“{move.label}”。重新打开看最新状态。")
