"""A program of its own that reads the sheets of one workbook and writes their cells as JSON.

    python -I reader.py ROWS COLUMNS   < file.xlsx  > sheets.json

It is started by ``workbooks.py`` for every workbook anew and imports nothing of the application: a file of a few
kilobytes with one cell in the last corner of a sheet asks for more memory than there is, and the reader then ends the
whole process. The answer is a list of [name, is visible, rows]; a day is {"day": "2026-03-06"}, an empty cell "".
"""

import json
import resource
import sys
from datetime import date, datetime
from io import BytesIO
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

DAMAGED = 3
MOST_MEMORY = 512 * 1024 * 1024  # bytes of address space
MOST_SECONDS = 5  # of processor time
MOST_SHEETS = 20
LONGEST_TEXT = 500


def main(arguments: list[str]) -> int:
    """Does what the arguments ask; answers the exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    rows, columns = map(int, arguments)
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(sys.stdin.buffer.read()))
        known = [one for one in workbook.sheets_metadata if one.typ is SheetTypeEnum.WorkSheet][:MOST_SHEETS]
        found = [
            [one.name, one.visible is SheetVisibleEnum.Visible, _rows(workbook, one.name, rows, columns)]
            for one in known
        ]
    except CalamineError:
        return DAMAGED
    sys.stdout.write(json.dumps(found))
    return 0


def _rows(workbook: CalamineWorkbook, name: str, rows: int, columns: int) -> list[list[Any]]:
    """The cells from A1 on: the library gives the empty rows above them, but not the empty columns before them."""
    sheet = workbook.get_sheet_by_name(name)
    before = [""] * min(sheet.start[1], columns) if sheet.start else []
    return [(before + [_plain(cell) for cell in row[:columns]])[:columns] for row in islice(sheet.iter_rows(), rows)]


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime | date):
        return {"day": (cell.date() if isinstance(cell, datetime) else cell).isoformat()}
    if isinstance(cell, bool | int | float):
        return cell
    return str(cell)[:LONGEST_TEXT]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
