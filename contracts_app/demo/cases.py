"""The way of each contract through the office: which moves, when, and how much it is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from random import Random

from contracts_app.contracts.states import State
from contracts_app.core.clock import local

from .days import WorkDays, office_minute
from .plan import JINJIANG, Cell, amounts
from .stories import Story, of_unit
from .words import Trade, Words

# Share of all contracts and how dear they are against the average.
TYPES = {
    "KF1": (0.40, 1.35),
    "KF2": (0.06, 1.5),
    "FW1": (0.27, 0.6),
    "FW2": (0.03, 0.12),
    "FW3": (0.012, 0.06),
    "ZR1": (0.055, 0.8),
    "ZR2": (0.01, 0.6),
    "ZR3": (0.02, 1.4),
    "ZR4": (0.015, 0.7),
    "ZR9": (0.005, 3.0),
    "XK1": (0.045, 0.9),
    "XK2": (0.015, 1.2),
    "XK3": (0.01, 0.7),
    "ZX1": (0.065, 0.25),
}
# Working days since the newest submission, for what waits in an office: green, amber, and a few over the limit.
WAITING_JINJIANG = {
    State.SUBMITTED: (0, 0, 1, 3, 12),
    State.ACCEPTED: (2, 4, 6, 11, 18),
    State.REVIEWED: (5, 7, 8, 10, 13, 17, 21),
    State.CORRECTION: (3, 5, 6, 9, 14, 22),
}
WAITING = {State.SUBMITTED: (0, 2), State.ACCEPTED: (3, 11), State.REVIEWED: (6,), State.CORRECTION: (5,)}
DRAFTS_JINJIANG, DRAFTS = 7, 1
LARGE_FOR_LONG = 21  # the one that waits longest is a large contract, which has twice the time
PLAIN = ("KF1", "FW1", "ZX1")  # contracts that stories are told of
NEW_FOR = 25  # working days after which nobody objects any more
LARGE = 5_000_000_00  # 分, from which on a third person decides
ENDED_BADLY = 0.03  # refused or withdrawn, of all that were filed


@dataclass(slots=True)
class Case:
    """One contract as planned: type, trade, amount in 分, state, and its moves with their moments (UTC)."""

    state: State
    type_code: str
    trade: Trade
    fen: int
    moves: tuple[tuple[str, datetime], ...]
    shown: bool = False  # belongs to the broker who signs in
    story: Story | None = None  # what happens to it afterwards
    acceptance_number: str | None = None
    registration_number: str | None = None

    def at(self, move: str) -> datetime | None:
        """When the move was last made."""
        return next((at for name, at in reversed(self.moves) if name == move), None)

    @property
    def submitted_at(self) -> datetime | None:
        """The newest submission."""
        return self.at("resubmit") or self.at("submit")


class Lives:
    """Draws the cases of one unit after the other."""

    def __init__(self, seed: int, words: Words, days: WorkDays, as_of: date) -> None:
        self.seed, self.words, self.days, self.as_of = seed, words, days, as_of
        self.rng = Random(seed)  # noqa: S311  (made-up data are to be the same each time)
        self.today = days.upto(as_of)
        self.last = self.today if days.days[self.today] < as_of else self.today - 1  # the last whole working day

    def of_unit(self, unit_code: str, cells: list[Cell], bad: int) -> list[Case]:
        """Everything one unit has: registered, waiting, ended otherwise, and drafts."""
        cases = [case for cell in cells for case in self._registered(cell)]
        self._draw_for(unit_code, "otherwise")
        average = sum(case.fen for case in cases) // max(1, len(cases))
        cases += [self._ended_badly(unit_code, average) for _ in range(bad)]
        cases += self._waiting(unit_code, average)
        stories = of_unit(unit_code, JINJIANG)
        cases += [self._begun(one, unit_code, average) for one in stories if one.begins is not State.REGISTERED]
        self._choose(cases, [one for one in stories if one.begins is State.REGISTERED])
        return cases

    def _begun(self, story: Story, unit_code: str, average: int) -> Case:
        """A contract as a story finds it, which is not one of those registered."""
        if story.begins is State.REFUSED:
            case = self._case(State.REFUSED, unit_code, average, self.last - story.age)
        else:
            moves = tuple(self._waits_since(story.begins, story.age, quickly=True))
            case = self._of_any_kind(story.begins, unit_code, average, moves)
        case.shown, case.story = story.shown, story
        case.type_code, case.fen = story.type_code or case.type_code, story.fen or case.fen
        return case

    def _choose(self, cases: list[Case], stories: list[Story]) -> None:
        """Of this year's contracts the newest that are old enough for each story, and plain enough; none, no story."""
        for story in sorted(stories, key=lambda one: one.age):
            latest, year = self.days.moment(self.last - story.age, 24 * 60), self.days.days[self.last].year
            objects = any(step.move == "object" for step in story.steps)
            oldest = self.days.moment(self.last - story.age - NEW_FOR if objects else 0, 0)
            fit = [
                (at, place)
                for place, case in enumerate(cases)
                if case.state is State.REGISTERED
                and not case.story
                and case.type_code in PLAIN
                and case.fen * 11 // 10 < LARGE  # also once it has become a tenth dearer
                and oldest <= (at := case.moves[-1][1]) <= latest
                and local(at).year == year
            ]
            if fit:
                chosen = cases[max(fit)[1]]
                chosen.story, chosen.shown = story, story.shown

    def _draw_for(self, *what: object) -> None:
        """Begin to draw anew, so that what a day decides elsewhere does not change what is drawn here."""
        self.rng = Random(f"{self.seed} {what}")  # noqa: S311

    def _registered(self, cell: Cell) -> Iterator[Case]:
        self._draw_for(cell.unit_code, cell.year)
        kinds = self.rng.choices(list(TYPES), [share for share, _ in TYPES.values()], k=cell.contracts)
        trades = self._trades(cell.unit_code, cell.contracts)
        weights = [TYPES[kind][1] * trade.factor for kind, trade in zip(kinds, trades, strict=True)]
        places = self.days.pick(self.rng, cell.year, self.days.days[self.last], cell.contracts)
        for kind, trade, fen, place in zip(kinds, trades, amounts(self.rng, cell.amount, weights), places, strict=True):
            yield Case(State.REGISTERED, kind, trade, fen, self._to_the_register(place))

    def _trades(self, unit_code: str, count: int) -> list[Trade]:
        trades = self.words.trades
        return self.rng.choices(trades, [trade.weights.get(unit_code, 0) for trade in trades], k=count)

    def _to_the_register(self, place: int) -> tuple[tuple[str, datetime], ...]:
        draw = self.rng.random
        review = place - 1 - int(draw() * 4)
        accept = review - 1 - int(draw() * 4)
        return (*self._up_to_acceptance(accept), ("review", self._on(review)), ("register", self._on(place)))

    def _up_to_acceptance(self, accept: int) -> Iterator[tuple[str, datetime]]:
        """Submitted the same day or up to two days before; one in eight was sent back for correction first."""
        submit = accept - int(self.rng.random() * 3)
        minute = office_minute(self.rng) * 0.85 + 70
        if self.rng.random() < 0.125:
            asked = submit - 1 - int(self.rng.random() * 6)
            yield "submit", self._on(asked - 1 - int(self.rng.random() * 2))
            yield "ask_correction", self._on(asked)
            yield "resubmit", self.days.moment(submit, minute)
        else:
            yield "submit", self.days.moment(submit, minute)
        yield "accept", self.days.moment(accept, office_minute(self.rng, minute if accept == submit else 0))

    def _on(self, place: int) -> datetime:
        return self.days.moment(place, office_minute(self.rng))

    def _ended_badly(self, unit_code: str, average: int) -> Case:
        year = self.rng.choice((2024, 2025, 2025, 2026))
        place = min(self.days.pick(self.rng, year, self.days.days[self.last], 1)[0], self.last)
        return self._case(self.rng.choice((State.REFUSED, State.WITHDRAWN)), unit_code, average, place)

    def _case(self, state: State, unit_code: str, average: int, place: int) -> Case:
        if state is State.REFUSED:
            *moves, (_, decided) = self._to_the_register(place)
            return self._of_any_kind(state, unit_code, average, (*moves, ("refuse", decided)))
        submitted = place - 1 - int(self.rng.random() * 4)
        moves = [("submit", self._on(submitted))]
        if self.rng.random() < 0.4:
            moves = [("submit", self._on(submitted - 1)), ("ask_correction", self._on(submitted))]
        return self._of_any_kind(state, unit_code, average, (*moves, ("withdraw", self._on(place))))

    def _of_any_kind(self, state: State, unit_code: str, average: int, moves: tuple[tuple[str, datetime], ...]) -> Case:
        kind = self.rng.choices(list(TYPES), [share for share, _ in TYPES.values()])[0]
        fen = max(10_000_00, round(average * TYPES[kind][1] * self.rng.uniform(0.2, 1.2) / 10_000_00) * 10_000_00)
        return Case(state, kind, self._trades(unit_code, 1)[0], fen, moves)

    def _waiting(self, unit_code: str, average: int) -> Iterator[Case]:
        """What lies in the office on the day; at the strongest office the signed-in broker has one of each."""
        at_home = unit_code == JINJIANG
        for state, ages in (WAITING_JINJIANG if at_home else WAITING).items():
            for number, age in enumerate(ages):
                case = self._of_any_kind(state, unit_code, average, tuple(self._waits_since(state, age)))
                case.shown = at_home and number == 0
                if at_home and age == LARGE_FOR_LONG:
                    case.type_code, case.fen = "KF1", 8_600_000_00
                yield case
        for number in range(DRAFTS_JINJIANG if at_home else DRAFTS):
            case = self._of_any_kind(State.DRAFT, unit_code, average, ())
            case.shown = at_home and number < 3
            yield case
        if at_home:
            for state in (State.REFUSED, State.WITHDRAWN):
                case = self._case(state, unit_code, average, self.last - 6)
                case.shown = True
                yield case

    def _waits_since(self, state: State, age: int, *, quickly: bool = False) -> Iterator[tuple[str, datetime]]:
        submit = self.last - age
        minute = office_minute(self.rng) * 0.5 + 255  # morning
        yield "submit", self.days.moment(submit, minute)
        step = min(self.last, submit + (age > 1))
        later = minute if step == submit else 0
        if state is State.CORRECTION:
            yield "ask_correction", self.days.moment(step, office_minute(self.rng, later))
        if state in (State.ACCEPTED, State.REVIEWED):
            yield "accept", self.days.moment(step, office_minute(self.rng, later))
        if state is State.REVIEWED:
            took = 1 if quickly else 1 + int(self.rng.random() * max(1, age - 3))
            yield "review", self._on(min(self.last, step + took))


def number(cases: list[Case], prefix: str, office: int) -> dict[int, int]:
    """Give acceptance and registration numbers in the order of the moments; returns the last 受理号 of each year."""
    accepted = sorted(((at, place) for place, case in enumerate(cases) if (at := case.at("accept"))))
    last: dict[int, int] = {}
    for at, place in accepted:
        year = local(at).year
        last[year] = last.get(year, 0) + 1
        cases[place].acceptance_number = f"{prefix}-JSHT-{year}-{last[year]:05}"
    serials: dict[int, int] = {}
    for at, place in sorted(((at, place) for place, case in enumerate(cases) if (at := case.at("register")))):
        year = local(at).year
        serials[year] = serials.get(year, 0) + 1
        cases[place].registration_number = f"{year}3505{office:02}{serials[year]:06}"
    return last
