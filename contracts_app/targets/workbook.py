"""The table of tasks as a workbook: a template with what stands, read back, and given back with the bad cells marked.

One row a place, one column a measure, above them year, 文号, 印发日期 and 说明. A hidden sheet says which versions were
in force when the template was made, so that a cell left alone never takes back what somebody changed meanwhile.
"""

import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from contracts_app.codes.models import Measure
from contracts_app.core.clock import parse_day
from contracts_app.core.keeping.files import FileRefused
from contracts_app.core.sheets.workbooks import Cell, Sheet, place, read
from contracts_app.core.sheets.writer import As, Looks

from . import values
from .actions import LONGEST_NOTE, Key, Standing, read_seen, why_not_document, why_not_issued_on
from .cascade import Places
from .models import YUAN

SHEET, SEEN = "年度任务", "版本"
YEAR, DOCUMENT, ISSUED_ON, NOTE = "年度", "文号", "印发日期", "说明"
CODE, NAME = "地区代码", "地区"
_HINT = (
    "只改任务各栏：金额是万元，其余是整数；没有任务就留空，留空不取消已下达的任务。改了任务，就填下面的文号和印发日期。"
)
_MONEY = "元）"  # ends the heading of a column of amounts
_FIRST_MEASURE = 3  # after code, name and level
_LONGEST_SEEN = 30_000  # signs a cell can hold, with room to spare


@dataclass(frozen=True)
class Entry:
    """One filled-in cell of a task. `value` is None where the text is no task; `fault` then says why."""

    cell: str
    place_code: str
    place_name: str
    measure: Measure
    typed: str
    value: Decimal | None = None
    fault: str = ""

    @property
    def key(self) -> Key:
        return self.place_code, self.measure.code


@dataclass
class Filled:
    """What somebody filled in, as far as it can be read without the database; `faults` by cell."""

    rows: Sequence[Sequence[Cell]]
    header: int
    year: int | None = None
    document: str = ""
    issued_on: date | None = None
    note: str = ""
    entries: list[Entry] = field(default_factory=list)
    seen: Mapping[Key, int] | None = None
    faults: dict[str, str] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)  # where year, document and day stand


# --- writing ---------------------------------------------------------------------------------------------------------


def template(year: int, places: Places, measures: Sequence[Measure], standing: Standing) -> bytes:
    """A workbook with every place and the tasks in force, to be filled in."""
    rows: list[Sequence[Cell]] = [[f"{year} 年任务表"], [_HINT]]
    rows += [[YEAR, year], [DOCUMENT, ""], [ISSUED_ON, ""], [NOTE, ""], []]
    header = len(rows)
    rows.append([CODE, NAME, "级别", *(heading(measure) for measure in measures)])
    for one in places.all:
        tasks = (_number(standing.value((one.code, measure.code)), measure) for measure in measures)
        rows.append([one.code, one.name, one.level.label, *tasks])
    return _written(rows, header, standing.seen, {})


def marked(filled: Filled) -> bytes:
    """The same workbook with the bad cells marked and the reason beside each."""
    seen = ",".join(f"{code}/{measure}:{version}" for (code, measure), version in (filled.seen or {}).items())
    return _written(filled.rows, filled.header, seen, filled.faults)


def heading(measure: Measure) -> str:
    """What stands above a column: 技术合同成交额（万元）."""
    return f"{measure.name}（{values.unit_of(measure)}）"


def _number(value: Decimal | None, measure: Measure) -> Cell:
    if value is None:
        return ""
    return float(value.scaleb(-4)) if values.is_money(measure) else int(value)  # below 10^15, so exact to the 分


def _written(rows: Sequence[Sequence[Cell]], header: int, seen: str, marks: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet = book.add_worksheet(SHEET)
    looks = _Looks(book, header, [_MONEY in str(cell) for cell in rows[header]])
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            at = place(number, column)
            _put(sheet, number, column, cell, looks.of(number, column, cell, is_bad=at in marks))
    for at, sentence in marks.items():
        sheet.write_comment(at, sentence, {"x_scale": 2.2, "visible": False, "author": ""})
    sheet.set_column(0, 0, 13)
    sheet.set_column(1, 1, 20)
    sheet.set_column(2, 2, 13)
    sheet.set_column(_FIRST_MEASURE, max(_FIRST_MEASURE, max(map(len, rows), default=0) - 1), 24)
    sheet.freeze_panes(header + 1, _FIRST_MEASURE)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(header)
    hidden = book.add_worksheet(SEEN)
    for number, start in enumerate(range(0, len(seen), _LONGEST_SEEN)):
        hidden.write_string(number, 0, seen[start : start + _LONGEST_SEEN])
    hidden.hide()
    book.close()
    return content.getvalue()


class _Looks:
    """How each cell of the table looks: the head with what it is about, the header, and what is filled in."""

    def __init__(self, book: xlsxwriter.Workbook, header: int, is_money: Sequence[bool]) -> None:
        self._looks, self._header, self._is_money = Looks(book), header, is_money

    def of(self, row: int, column: int, cell: Cell, *, is_bad: bool) -> Any:
        bad = {"bg_color": "#fbd9d3", "font_color": "#9b1c1c"} if is_bad else {}
        if row == 0:
            return self._looks("title", **bad)
        if row < self._header:
            number = As.DAY.value if isinstance(cell, date) else "General"
            if row == 1:
                return self._looks("note", number, bold=column == 0, **bad)
            under = {"bottom": 1, "align": "left"} if column == 1 else {}
            return self._looks("label" if column == 0 else "plain", number, **under, **bad)
        if row == self._header:
            return self._looks("head", **bad)
        is_money = column < len(self._is_money) and self._is_money[column]
        number = "#,##0.00####" if is_money else As.COUNT.value
        return self._looks("cell", number if column >= _FIRST_MEASURE else As.TEXT.value, **bad)


def _put(sheet: Any, row: int, column: int, cell: Cell, look: Any) -> None:
    if cell == "":
        sheet.write_blank(row, column, None, look)
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell, look)
    elif isinstance(cell, int | float):
        sheet.write_number(row, column, cell, look)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, look)
    else:
        sheet.write_string(row, column, str(cell), look)  # never a formula, whatever it begins with


# --- reading ---------------------------------------------------------------------------------------------------------


def read_tasks(stream: BinaryIO, filename: str, measures: Sequence[Measure]) -> Filled:
    """What was filled in. Raises ``FileRefused`` where this is no table of tasks at all."""
    sheets = read(stream, filename)
    sheet = _sheet_of_tasks(sheets)
    header = _header(sheet)
    if header is None:
        raise FileRefused(f"表里找不到“{CODE}”一列，下载模板填好后选择。")
    filled = Filled(sheet.rows, header, seen=_seen(sheets))
    _read_head(filled)
    _read_body(filled, _columns(filled, measures))
    return filled


def _sheet_of_tasks(sheets: Sequence[Sheet]) -> Sheet:
    visible = [sheet for sheet in sheets if sheet.is_visible and sheet.rows]
    named = [sheet for sheet in visible if sheet.name == SHEET]
    if not visible:
        raise FileRefused("表里没有内容，下载模板填好后选择。")
    return (named or visible)[0]


def _header(sheet: Sheet) -> int | None:
    return next((number for number, row in enumerate(sheet.rows) if row and _text(row[0]) == CODE), None)


def _seen(sheets: Sequence[Sheet]) -> Mapping[Key, int] | None:
    told = next((sheet for sheet in sheets if sheet.name == SEEN and not sheet.is_visible), None)
    return None if told is None else read_seen("".join(str(row[0]) for row in told.rows if row))


def _read_head(filled: Filled) -> None:
    for number, row in enumerate(filled.rows[: filled.header]):
        label = _text(row[0]) if row else ""
        if label in (YEAR, DOCUMENT, ISSUED_ON, NOTE):
            filled.cells[label] = place(number, 1)
            _read_fact(filled, label, row[1] if len(row) > 1 else "")


def _read_fact(filled: Filled, label: str, cell: Cell) -> None:
    written = _text(cell)
    if label == YEAR and re.fullmatch(r"(20[0-9]{2}|2100)年?", written):
        filled.year = int(written[:4])
    elif label == DOCUMENT:
        filled.document = written
        if written and (sentence := why_not_document(written)):
            filled.faults[filled.cells[label]] = sentence
    elif label == NOTE:
        filled.note = written
        if len(written) > LONGEST_NOTE:
            filled.faults[filled.cells[label]] = f"说明不超过 {LONGEST_NOTE} 字"
    elif label == ISSUED_ON and written:
        try:
            filled.issued_on = cell if isinstance(cell, date) else parse_day(written)
            sentence = why_not_issued_on(filled.issued_on)
        except ValueError as wrong:
            sentence = str(wrong)
        if sentence:
            filled.faults[filled.cells[label]] = sentence


def _columns(filled: Filled, measures: Sequence[Measure]) -> dict[int, tuple[Measure, str]]:
    """The measure and the unit of each column; one that nobody knows is a fault where something stands in it."""
    columns: dict[int, tuple[Measure, str]] = {}
    for number, cell in enumerate(filled.rows[filled.header]):
        name, _, unit = _text(cell).replace("(", "（").rstrip("）)").partition("（")
        measure = next((one for one in measures if one.name == name), None)
        if number < _FIRST_MEASURE and measure is None:
            continue
        at = place(filled.header, number)
        if measure is None:
            if any(len(row) > number and _text(row[number]) for row in filled.rows[filled.header :]):
                filled.faults[at] = "这一列不是任务指标：按模板的表头填写，或把它删掉"
        elif any(measure is known for known, _ in columns.values()):
            filled.faults[at] = f"“{name}”有两列，留下一列"
        elif values.is_money(measure) and (unit or "万元") not in YUAN:
            filled.faults[at] = f"单位“{unit}”看不明白，写成 元、万元 或 亿元"
        else:
            columns[number] = measure, unit
    return columns


def _read_body(filled: Filled, columns: Mapping[int, tuple[Measure, str]]) -> None:
    for number, row in enumerate(filled.rows[filled.header + 1 :], filled.header + 1):
        for column, (measure, unit) in columns.items():
            cell = row[column] if len(row) > column else ""
            if typed := _text(cell):
                code, name = _text(row[0]), _text(row[1])
                value, fault = _value(cell, typed, measure, unit)
                filled.entries.append(Entry(place(number, column), code, name, measure, typed, value, fault))


def _value(cell: Cell, typed: str, measure: Measure, unit: str) -> tuple[Decimal | None, str]:
    if isinstance(cell, bool | date):
        return None, "这里要填数字"
    if values.is_money(measure) and unit in YUAN and isinstance(cell, int | float):
        typed = f"{_as_shown(cell):f}{unit}"
    elif values.is_money(measure) and re.fullmatch(r"[0-9.,，]+", typed):
        typed += unit or "万元"
    try:
        return values.parse_task(typed, measure), ""
    except ValueError as wrong:
        return None, str(wrong)


def _as_shown(cell: float) -> Decimal:
    """As spreadsheets show it, by fifteen digits: what a formula makes of 60000.14 × 1.1 ends in a stray 1e-11."""
    return Decimal(f"{cell:.15g}")


def _text(cell: Cell) -> str:
    """A cell as a person reads it: a whole number without its .0."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, int | float):
        number = _as_shown(cell)
        return f"{number.to_integral_value() if number == number.to_integral_value() else number:f}"
    if isinstance(cell, date):
        return cell.isoformat()
    return " ".join(unicodedata.normalize("NFC", cell).split())
