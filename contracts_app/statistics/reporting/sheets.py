"""The sheets of a report's workbook: tables on A4 whose cells are values or live formulas with their values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell as at

from contracts_app.core.sheets.writer import Looks

Value = str | int | Decimal | Fraction | date | None
TEXT, COUNT, WAN, SHARE, DAY, RANK, PLAIN = "@", "#,##0", "#,##0.00", "0.0%", "yyyy-mm-dd", "0", "#,##0.######"


@dataclass(frozen=True)
class Formula:
    """A live cell: how Excel reckons it, and what comes out. None comes out as an empty text."""

    text: str
    value: Decimal | Fraction | int | None


@dataclass(frozen=True)
class Column:
    label: str
    look: str = TEXT
    width: float = 14


Cells = Sequence[Value | Formula]


class Book:
    """The workbook while it is written: its formats, each made once, and its sheets with what they hold."""

    def __init__(self, book: Any, place: str) -> None:
        self.book, self.place = book, place  # region and period, as every sheet names them
        self._looks = Looks(book)
        self.contents: list[tuple[str, str]] = []  # sheet and what it holds

    def look(self, number: str = TEXT, kind: str = "cell") -> Any:
        return self._looks(kind, number)

    def sheet(
        self, name: str, holds: str, columns: Sequence[Column], *notes: str, frozen: int = 1, place: str = ""
    ) -> "Sheet":
        """A new sheet; ``place`` where it is of another region than the book."""
        self.contents.append((name, holds if not place else f"{place} {holds}"))
        return Sheet(self, name, f"{place or self.place} {holds}", columns, notes, frozen)


class Sheet:
    """A sheet with a title, notes and one table, set for A4 with its header on every page."""

    def __init__(
        self, owner: Book, name: str, title: str, columns: Sequence[Column], notes: Sequence[str], frozen: int
    ) -> None:
        self.owner, self.name, self.columns = owner, name, columns
        self.page = owner.book.add_worksheet(name)
        self.page.write_string(0, 0, title, owner.look(kind="title"))
        for number, note in enumerate(notes, 1):
            self.page.write_string(number, 0, note, owner.look(kind="note"))
        self.header = len(notes) + 2
        self.line = self.first = self.header + 1
        for number, column in enumerate(columns):
            self.page.set_column(number, number, column.width)
            self.page.write_string(self.header, number, column.label, owner.look(kind="head"))
        self.page.set_row(self.header, 30)
        self.page.freeze_panes(self.first, frozen)
        self.page.repeat_rows(self.header)
        for_print(self.page, is_wide=sum(column.width for column in columns) > 100)

    @property
    def last(self) -> int:
        """The last row of the table so far."""
        return self.line - 1

    def add(self, cells: Cells, kind: str = "cell") -> None:
        for number, (cell, column) in enumerate(zip(cells, self.columns, strict=True)):
            put(self.page, self.line, number, cell, self.owner.look(column.look, kind))
        self.line += 1

    def column(self, number: int) -> str:
        """The cells of a column of the table, as formulas name them: M5:M17."""
        return f"{at(self.first, number)}:{at(max(self.last, self.first), number)}"

    def sum(self, number: int, value: Decimal | int) -> Formula:
        return Formula(f"=SUM({self.column(number)})", value)


def put(page: Any, line: int, number: int, cell: Value | Formula, look: Any) -> None:
    """One cell. Amounts are given in the unit in which they are shown."""
    if isinstance(cell, Formula):
        page.write_formula(line, number, cell.text, look, "" if cell.value is None else _float(cell.value))
    elif cell is None or cell == "":
        page.write_blank(line, number, None, look)
    elif isinstance(cell, str):
        page.write_string(line, number, cell, look)
    elif isinstance(cell, datetime | date):
        page.write_datetime(line, number, cell, look)
    else:
        page.write_number(line, number, _float(cell), look)


def _float(value: Decimal | Fraction | int) -> float | int:
    return value if isinstance(value, int) else float(value)


def for_print(page: Any, *, is_wide: bool) -> None:
    page.set_paper(9)  # A4
    if is_wide:
        page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page.set_footer("&L&A&C第 &P 页，共 &N 页&R&D")


def wan(amount: Decimal) -> Decimal:
    """元 in 万元, exact."""
    return amount.scaleb(-4)


def growth(now: str, before: str, value: Fraction | None) -> Formula:
    return Formula(f'=IF({before}>0,({now}-{before})/{before},"")', value)


def share(part: str, whole: str, value: Fraction | None) -> Formula:
    return Formula(f'=IF({whole}>0,{part}/{whole},"")', value)


def ratio(part: Decimal | int, whole: Decimal | int) -> Fraction | None:
    return Fraction(part) / Fraction(whole) if whole > 0 else None
