"""How many contracts each unit registers in each year, and for how much."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

JINJIANG = "350582"
YEARS = (2024, 2025, 2026)
FIRST_AS_OF_YEAR = YEARS[-1]

# What the documents say of 晋江市 and the demonstration has to reproduce to the 分 (domain facts 8.1, 9). The number
# of contracts of 2024 is torn out of the source; 180 is ours.
FIXED = {(JINJIANG, 2024): (180, Decimal("500367000.00")), (JINJIANG, 2025): (217, Decimal("601000000.00"))}
FEWEST = 800  # below, the other units would have next to nothing

# Invented: 成交额 of 2024 and 2025 and of a whole 2026 in 万元, and how many contracts of every hundred.
_OTHERS = {
    "350502": (7_220, 8_360, 7_640, 9),
    "350503": (9_180, 11_890, 12_700, 12),
    "350504": (4_310, 5_640, 6_580, 7),
    "350505": (5_730, 6_250, 5_860, 7),
    "350521": (6_240, 6_780, 8_070, 9),
    "350524": (3_460, 3_710, 4_180, 7),
    "350525": (2_050, 1_890, 2_110, 4),
    "350526": (2_560, 2_850, 3_140, 6),
    "350581": (4_790, 5_330, 5_010, 8),
    "350583": (8_930, 10_560, 13_650, 13),
    "3505K1": (4_620, 5_010, 5_700, 8),
    "3505T1": (3_520, 4_460, 4_240, 6),
}
_JINJIANG_WHOLE_2026 = 67_400
_JINJIANG_SHARE_2026 = 0.23  # of the contracts that are not fixed; 217 of about 1,500 in a year
# How much of 2026 the number of its contracts stands for on whatever day: years that are over keep theirs.
USUALLY_PASSED = 0.85


@dataclass(frozen=True)
class Cell:
    """What one unit registers in one year. The amount is 元."""

    unit_code: str
    year: int
    contracts: int
    amount: Decimal


def cells(rng: Random, contracts: int, elapsed: float) -> list[Cell]:
    """The plan for so many registered contracts; ``elapsed`` is how much of the last year's amount has been registered.

    Years that are over come out the same whatever ``elapsed`` is.
    """
    open_cells: list[tuple[str, int, float, Decimal]] = []
    for unit_code, (*amounts, share) in _OTHERS.items():
        for year, amount in zip(YEARS, amounts, strict=True):
            passed, registered = (USUALLY_PASSED, elapsed) if year == YEARS[-1] else (1.0, 1.0)
            growth = 1 + 0.09 * (year - YEARS[0])
            open_cells.append(
                (unit_code, year, share * passed * growth * rng.uniform(0.9, 1.1), _yuan(rng, amount * registered))
            )
    whole = sum(weight for *_, weight, _ in open_cells)
    jinjiang = whole * _JINJIANG_SHARE_2026 / (1 - _JINJIANG_SHARE_2026) * USUALLY_PASSED
    open_cells.append((JINJIANG, YEARS[-1], jinjiang, _yuan(rng, _JINJIANG_WHOLE_2026 * elapsed)))
    free = contracts - sum(count for count, _ in FIXED.values())
    counts = shared_out(free, [weight for *_, weight, _ in open_cells])
    planned = [
        Cell(unit, year, count, amount) for (unit, year, _, amount), count in zip(open_cells, counts, strict=True)
    ]
    planned += [Cell(unit, year, count, amount) for (unit, year), (count, amount) in FIXED.items()]
    return sorted(planned, key=lambda cell: (cell.unit_code, cell.year))


def _yuan(rng: Random, wan: float) -> Decimal:
    return Decimal(round(wan * rng.uniform(0.985, 1.015) * 100)) * 100


def shared_out(total: int, weights: Sequence[float]) -> list[int]:
    """A number in whole parts by weight, by largest remainder, at least one each."""
    whole = sum(weights)
    exact = [max(1.0, total * weight / whole) for weight in weights]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_remainder[: max(0, total - sum(parts))]:
        parts[place] += 1
    parts[max(range(len(parts)), key=parts.__getitem__)] += total - sum(parts)
    return parts


def amounts(rng: Random, total: Decimal, weights: Sequence[float]) -> list[int]:
    """Amounts in 分 that add up to the total: log-normal, most of them round, a few large."""
    drawn = [weight * math.exp(rng.gauss(0, 1.05)) for weight in weights]
    ceiling = max(sum(drawn) * 0.09, 3 * sum(drawn) / len(drawn))  # one contract does not make a year
    drawn = [min(amount, ceiling) for amount in drawn]
    scale = float(total) / sum(drawn)
    rounded = [_natural(rng, amount * scale) for amount in drawn]
    rest = int(total * 100) - sum(rounded)
    # The rest goes to the largest ones, which it hardly changes.
    for place in sorted(range(len(rounded)), key=rounded.__getitem__, reverse=True):
        change = max(rest, -rounded[place] // 3) if rest < 0 else min(rest, rounded[place] // 3)
        rounded[place] += change
        rest -= change
        if not rest:
            return rounded
    rounded[0] += rest
    return rounded


def _natural(rng: Random, yuan: float) -> int:
    """An amount as people agree it, in 分: two or three figures and noughts, now and then to the 元."""
    yuan = max(yuan, 100.0)
    chance = rng.random()
    if chance > 0.93:
        return round(yuan) * 100
    step = 10 ** (int(math.log10(yuan)) - (1 if chance < 0.62 else 2))
    if chance < 0.3:
        step *= 5
    return max(step, round(yuan / step) * step) * 100
