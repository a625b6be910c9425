"""Tables written as files: workbooks (.xlsx) and .csv. Row by row, so that a long table needs no more memory."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, BinaryIO

import xlsxwriter

from contracts_app.core.clock import local
from contracts_app.core.keeping.files import FileKind

Cell = str | int | Decimal | Fraction | date | datetime | None
CSV_MIME = "text/csv"  # the answer says utf-8 of any text itself
JSON_MIME = "application/json"
XLSX_MIME = FileKind.XLSX.mime
MOST_ROWS = 1_048_000  # of a sheet, with room for head and foot
# With which a cell would begin a formula; Chinese Excel takes the wide signs for one too.
_FORMULA = (*"=+-@＝＋－＠", "\t", "\r", "\n")


class As(Enum):
    """How a column's cells are written; the number is the format of a workbook."""

    TEXT = "@"
    COUNT = "#,##0"
    WAN = "#,##0.00"  # 元, shown in 万元
    PERCENT = "0.0%"  # a fraction of one
    DAY = "yyyy-mm-dd"
    MOMENT = "yyyy-mm-dd hh:mm"


@dataclass(frozen=True)
class Column:
    """The head of a column; the width is in signs."""

    label: str
    kind: As = As.TEXT
    width: int = 14


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook: a title and notes, a table with its sums, which may know them only at its end."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    title: str = ""
    notes: Sequence[str] = ()
    foot: Sequence[Sequence[Cell]] = field(default=())
    frozen: int = 1  # columns that stay where they are


def write_workbook(stream: BinaryIO, sheets: Sequence[Sheet]) -> None:
    """Write the sheets. Numbers are numbers with a format; a text is never a formula, whatever it begins with."""
    book = xlsxwriter.Workbook(stream, {"constant_memory": True, "default_date_format": As.DAY.value})
    looks = Looks(book)
    for sheet in sheets:
        _write(book.add_worksheet(sheet.name), sheet, looks)
    book.close()


def csv_lines(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The lines of a .csv: amounts in 元, shares as fractions, for programs and for Excel (it begins with a BOM)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    yield "\ufeff".encode()
    for row in [[_heading(column) for column in columns]]:
        yield _line(writer, text, row)
    for cells in rows:
        yield _line(writer, text, [_plain(cell, column.kind) for cell, column in zip(cells, columns, strict=True)])


def _line(writer: Any, text: io.StringIO, row: Sequence[str]) -> bytes:
    writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) and not _is_number(cell) else cell for cell in row])
    line = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return line


def _heading(column: Column) -> str:
    return column.label.replace("（万元）", "（元）") if column.kind is As.WAN else column.label


def _is_number(text: str) -> bool:
    return text[1:].replace(".", "", 1).isdigit()


def _plain(cell: Cell, kind: As) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{local(cell):%Y-%m-%d %H:%M}"
    if isinstance(cell, Decimal | Fraction):
        places = Decimal("0.0001") if kind is As.PERCENT else Decimal("0.01")
        return f"{_decimal(cell).quantize(places, ROUND_HALF_UP):f}"
    return str(cell)


def _decimal(value: Decimal | Fraction | int) -> Decimal:
    return Decimal(value.numerator) / value.denominator if isinstance(value, Fraction) else Decimal(value)


BASE: Mapping[str, Any] = {"font_name": "等线", "font_size": 10, "valign": "vcenter"}
BOXED: Mapping[str, Any] = {**BASE, "border": 1, "border_color": "#c9d3dc"}
# How the cells of every workbook look, by what they are.
LOOKS: Mapping[str, Mapping[str, Any]] = {
    "title": {**BASE, "bold": True, "font_size": 16},
    "heading": {**BASE, "bold": True, "font_size": 12},
    "note": {**BASE, "font_color": "#5b6472"},
    "plain": {**BASE, "text_wrap": True, "valign": "top"},
    "label": {**BASE, "bold": True, "font_color": "#33414f", "valign": "top"},
    "link": {**BASE, "font_color": "#1b5e91", "underline": 1},
    "head": {**BOXED, "bold": True, "bg_color": "#eaf0f4", "text_wrap": True, "align": "center"},
    "cell": BOXED,
    "wrap": {**BOXED, "text_wrap": True, "valign": "top"},
    "foot": {**BOXED, "bold": True, "bg_color": "#f4f7f9", "top": 2},
    "check": {**BOXED, "italic": True, "font_color": "#5b6472"},
}


class Looks:
    """The formats of a workbook, each made once. ``number`` is how a number is written."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[str, Any] = {}

    def __call__(self, kind: str = "cell", number: str = As.TEXT.value, **more: Any) -> Any:
        look = {"num_format": number, **LOOKS[kind], **more}
        key = repr(sorted(look.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(look)
        return self._made[key]


def _write(page: Any, sheet: Sheet, looks: Looks) -> None:
    for number, column in enumerate(sheet.columns):
        page.set_column(number, number, column.width)
    line = 0
    above = [(sheet.title, looks("title"))] if sheet.title else []
    for text, look in [*above, *((note, looks("note")) for note in sheet.notes)]:
        page.write_string(line, 0, text, look)
        line += 1
    header = line + 1 if line else 0
    for number, column in enumerate(sheet.columns):
        page.write_string(header, number, column.label, looks("head"))
    page.freeze_panes(header + 1, sheet.frozen)
    page.repeat_rows(header)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    line = header + 1
    for rows, kind in ((sheet.rows, "cell"), (sheet.foot, "foot")):
        look_of = {one: looks(kind, one.value) for one in As}
        for cells in rows:
            for number, (cell, column) in enumerate(zip(cells, sheet.columns, strict=True)):
                _put(page, line, number, cell, column.kind, look_of)
            line += 1


def _put(page: Any, line: int, number: int, cell: Cell, kind: As, look_of: dict[As, Any]) -> None:
    if cell is None or cell == "":
        page.write_blank(line, number, None, look_of[As.TEXT])
    elif isinstance(cell, str):
        page.write_string(line, number, cell, look_of[As.TEXT])
    elif isinstance(cell, datetime):
        page.write_datetime(line, number, local(cell).replace(tzinfo=None), look_of[As.MOMENT])
    elif isinstance(cell, date):
        page.write_datetime(line, number, cell, look_of[As.DAY])
    else:
        value = _decimal(cell)
        page.write_number(line, number, float(value.scaleb(-4) if kind is As.WAN else value), look_of[kind])
