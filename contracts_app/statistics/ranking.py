"""Places in a row: ties share one, the next is left out; who has nothing has none. Pure functions."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction


def rank(values: Mapping[str, Decimal | Fraction]) -> dict[str, int]:
    """The place of each above nothing, the largest first: of 50, 30, 30, 10, 0 they are 1, 2, 2, 4 and none."""
    falling = sorted(values.values(), reverse=True)
    first: dict[Decimal | Fraction, int] = {}
    for place, value in enumerate(falling, 1):
        first.setdefault(value, place)
    return {key: first[value] for key, value in values.items() if value > 0}
