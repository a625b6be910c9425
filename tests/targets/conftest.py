import io
import re

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook, SheetVisibleEnum

from contracts_app.core.sheets.workbooks import MOST_COLUMNS, place


def cells_of(content, sheet=0):
    """What stands in a sheet, by cell."""
    rows = (
        CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(sheet).to_python(skip_empty_area=False)
    )
    return {place(row, column): cell for row, cells in enumerate(rows) for column, cell in enumerate(cells)}


def rewritten(content, changes, *, with_versions=True):
    """The same workbook as somebody would save it after changing some cells."""
    kept = io.BytesIO()
    book = xlsxwriter.Workbook(kept, {"in_memory": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(content)).sheets_metadata
    for number, sheet in enumerate(sheets if with_versions else sheets[:1]):
        page = book.add_worksheet(sheet.name)
        is_visible = sheet.visible is SheetVisibleEnum.Visible
        for at, cell in (cells_of(content, number) | (changes if is_visible else {})).items():
            if hasattr(cell, "isoformat"):
                page.write_datetime(at, cell, day)
            elif cell != "":
                page.write(at, cell)
        if not is_visible:
            page.hide()
    book.close()
    return kept.getvalue()


def cell_of(content, place_name, measure):
    """Where a place's task of a measure stands."""
    cells = cells_of(content)
    row = next(at[1:] for at, cell in cells.items() if cell == place_name and at.startswith("B"))
    columns = (place(0, column)[:-1] for column in range(MOST_COLUMNS))
    return next(f"{one}{row}" for one in columns if str(cells.get(f"{one}8", "")).startswith(f"{measure}（"))


@pytest.fixture
def posted():
    """The fields of the confirming form of a preview."""

    def fields(page):
        return {
            name: re.search(rf'name="{name}" value="([^"]*)"', page.text)[1]
            for name in ("content", "filename", "digest")
        }

    return fields
