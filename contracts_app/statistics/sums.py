"""What is counted, added up and compared, and the list behind it."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts_app.contracts.books.ledger import Figures
from contracts_app.contracts.finding.query import ContractQuery, DateKind


def add_up(parts: Iterable[Figures]) -> Figures:
    """All parts together; nothing at all is zero."""
    columns: Iterable[Iterable[Any]] = zip(*parts, strict=True)  # each added up at once: a page has hundreds of sums
    return Figures(*(sum(column) for column in columns))


def growth_of(now: Decimal | int, before: Decimal | int) -> Fraction | None:
    """(now − before) / before; None where there was nothing to grow from."""
    return Fraction(now - before) / Fraction(before) if before > 0 else None


def registered(
    year: int, unit: str | None, type: str | None = None, first: date | None = None, last: date | None = None
) -> ContractQuery:
    """The contracts registered in a year: those that make its numbers."""
    return ContractQuery(year=year, unit=unit, type=type, date_kind=DateKind.REGISTERED, date_from=first, date_to=last)
