"""What is under way and what may become of it: chances by state, and which contracts would close a gap. Pure functions.

A contract that has come to a state is taken to be registered with the chance that contracts had which came there
before. The manager may set another one; nothing is kept but the address of the page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor

from contracts_app.contracts.books.ledger import Figures
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.states import State
from contracts_app.statistics.sums import add_up

# On the way to a registration, in the order of the way. Drafts are nobody's but their filer's.
PENDING = (State.SUBMITTED, State.CORRECTION, State.ACCEPTED, State.REVIEWED, State.EXPERT, State.CHECKED)
LEAST_CASES = 10  # fewer tell nothing of a state
WITHOUT_HISTORY = Fraction(4, 5)  # ours, said to be so on the page
_FEN = Decimal("0.01")


@dataclass(frozen=True)
class Past:
    """How many settled contracts had come to a state, and how many of them were registered in the end."""

    reached: int = 0
    registered: int = 0

    @property
    def share(self) -> Fraction | None:
        return Fraction(self.registered, self.reached) if self.reached >= LEAST_CASES else None


@dataclass(frozen=True)
class Chance:
    """With which chance contracts of one state are registered."""

    state: State
    past: Past
    usual: Fraction  # from the past, to a tenth of a percent as the page shows it
    given: Fraction | None = None  # what the manager set

    @property
    def value(self) -> Fraction:
        return self.usual if self.given is None else self.given


def chances(past: Mapping[State, Past], given: Mapping[State, Fraction]) -> dict[State, Chance]:
    """For each state; where few contracts came there, what holds for all that were submitted stands in."""
    of = {state: past.get(state, Past()) for state in PENDING}

    def usual(state: State) -> Fraction:
        known = (share for share in (of[state].share, of[State.SUBMITTED].share) if share is not None)
        return next(known, WITHOUT_HISTORY)  # none of many registered is a chance of nought, and not unknown

    return {state: Chance(state, of[state], _to_tenths(usual(state)), given.get(state)) for state in PENDING}


def _to_tenths(share: Fraction) -> Fraction:
    """To a tenth of a percent, half up."""
    return Fraction(floor(share * 1000 + Fraction(1, 2)), 1000)


@dataclass(frozen=True)
class Stage:
    """What waits in one state; amounts are 元."""

    chance: Chance
    counted: Figures
    held: Figures  # the part of it that counts towards the task
    query: ContractQuery  # the list of it

    @property
    def state(self) -> State:
        return self.chance.state

    @property
    def expected(self) -> Decimal:
        """The amount times the chance."""
        return _times(self.counted.total_amount, self.chance.value)

    @property
    def expected_towards_task(self) -> Decimal:
        """The same of what counts towards the task."""
        return _times(self.held.total_amount, self.chance.value)

    @property
    def is_possible(self) -> bool:
        return self.chance.value > 0


@dataclass(frozen=True)
class Waiting:
    """A contract under way."""

    id: int
    title: str
    number: str  # 受理号, empty before
    seller: str
    unit: str
    state: State
    amount: Decimal
    due_on: date | None


@dataclass(frozen=True)
class Closing:
    """Contracts whose amounts close a gap, none of them to spare; all that can be where they do not suffice.

    ``expected`` is what may be registered of them, each with the chance of its state.
    """

    gap: Decimal
    chosen: tuple[Waiting, ...]
    expected: Decimal

    @property
    def amount(self) -> Decimal:
        return sum((one.amount for one in self.chosen), Decimal(0))

    @property
    def closes(self) -> bool:
        return self.amount >= self.gap


def close(gap: Decimal, waiting: Iterable[Waiting], chance_of: Mapping[State, Fraction]) -> Closing:
    """The likeliest first and of those the largest, never one without a chance; then, the least likely and smallest
    first, each is taken out again without which the others suffice."""
    possible = [one for one in waiting if chance_of[one.state] > 0]
    chosen: list[Waiting] = []
    amount = Decimal(0)
    for one in sorted(possible, key=lambda one: (-chance_of[one.state], -one.amount, one.id)):
        if amount >= gap:
            break
        chosen.append(one)
        amount += one.amount
    for one in chosen[::-1]:
        if amount - one.amount >= gap:
            chosen.remove(one)
            amount -= one.amount
    return Closing(gap, tuple(chosen), sum((_times(one.amount, chance_of[one.state]) for one in chosen), Decimal(0)))


@dataclass(frozen=True)
class Pipeline:
    """Everything under way in a region, and what it would do for the task. ``closing`` is None without a gap."""

    stages: tuple[Stage, ...]
    query: ContractQuery  # the list of all of them
    gap: Decimal | None  # to the task; None without one
    closing: Closing | None
    is_cut: bool  # there are more contracts than were looked at

    @property
    def counted(self) -> Figures:
        return add_up(stage.counted for stage in self.stages)

    @property
    def expected(self) -> Decimal:
        """What may be registered of all that is under way."""
        return sum((stage.expected for stage in self.stages), Decimal(0))

    @property
    def expected_towards_task(self) -> Decimal:
        return sum((stage.expected_towards_task for stage in self.stages), Decimal(0))

    @property
    def possible(self) -> Figures:
        """What counts towards the task and has a chance at all."""
        return add_up(stage.held for stage in self.stages if stage.is_possible)

    @property
    def impossible(self) -> Figures:
        """What would count towards the task but has no chance."""
        return add_up(stage.held for stage in self.stages if not stage.is_possible)

    @property
    def gap_after_all(self) -> Decimal | None:
        """What is missing to the task even if all that has a chance is registered; not above nought where that would
        do."""
        return None if self.gap is None else self.gap - self.possible.total_amount

    @property
    def others(self) -> int:
        """How many more have a chance beside those that would close the gap."""
        return self.possible.contracts - len(self.closing.chosen) if self.closing else 0

    @property
    def expected_of_others(self) -> Decimal:
        """What may be registered of these."""
        return self.expected_towards_task - self.closing.expected if self.closing else Decimal(0)

    @property
    def gap_left(self) -> Decimal | None:
        """What is then still missing to the task; negative when it is exceeded."""
        return None if self.gap is None else self.gap - self.expected_towards_task

    @property
    def is_set(self) -> bool:
        """Whether the manager set a chance."""
        return any(stage.chance.given is not None for stage in self.stages)


def read_chances(args: Mapping[str, str]) -> tuple[dict[State, Fraction], tuple[str, ...]]:
    """Chances from an address, ``p_submitted=85`` in percent; what cannot be read is left out and told of."""
    given, faults = {}, []
    for state in PENDING:
        text = args.get(f"p_{state.value}", "").strip().removesuffix("%").strip()
        if not text:
            continue
        whole, _, tenths = text.partition(".")
        if text.isascii() and whole.isdigit() and len(whole) < 4 and (tenths.isdigit() or "." not in text):
            percent = Fraction(text)
            if percent <= 100 and len(tenths) < 3:
                given[state] = percent / 100
                continue
        faults.append(f"{state.label}的可能性填 0 到 100 的数，例如 85。")
    return given, tuple(faults)


def _times(amount: Decimal, chance: Fraction) -> Decimal:
    return (amount * chance.numerator / chance.denominator).quantize(_FEN, ROUND_HALF_UP)
