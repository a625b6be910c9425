"""What is counted, added up and compared: the plain values below the overview, and the list behind them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from contracts_app.contracts.query import ContractQuery, DateKind


@dataclass(frozen=True)
class Counted:
    """A number of contracts and their amounts in 元."""

    contracts: int = 0
    total_amount: Decimal = Decimal(0)
    technology_amount: Decimal = Decimal(0)

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.contracts + other.contracts,
            self.total_amount + other.total_amount,
            self.technology_amount + other.technology_amount,
        )

    def __sub__(self, other: "Counted") -> "Counted":
        return Counted(
            self.contracts - other.contracts,
            self.total_amount - other.total_amount,
            self.technology_amount - other.technology_amount,
        )


def add_up(parts: Iterable[Counted]) -> Counted:
    """All parts together; nothing at all is zero."""
    return sum(parts, Counted())


def growth_of(now: Decimal | int, before: Decimal | int) -> Fraction | None:
    """(now − before) / before; None where there was nothing to grow from."""
    return Fraction(now - before) / Fraction(before) if before > 0 else None


def registered(
    year: int, unit: str | None, type: str | None = None, first: date | None = None, last: date | None = None
) -> ContractQuery:
    """The contracts registered in a year: those that make its numbers."""
    return ContractQuery(year=year, unit=unit, type=type, date_kind=DateKind.REGISTERED, date_from=first, date_to=last)
