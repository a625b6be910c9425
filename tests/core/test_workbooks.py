import io
from datetime import date

import pytest
import xlsxwriter

from contracts_app.core.keeping.files import FileRefused
from contracts_app.core.sheets.workbooks import LARGEST, place, read


def book(**cells):
    """A workbook of one sheet with these cells."""
    content = io.BytesIO()
    made = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet, day = made.add_worksheet("表"), made.add_format({"num_format": "yyyy-mm-dd"})
    for at, value in cells.items():
        sheet.write(at, value, *([day] if isinstance(value, date) else []))
    made.close()
    return content.getvalue()


def test_cells_are_where_they_stand():
    """Also where the sheet begins further down; every number of a file is a float."""
    (sheet,) = read(io.BytesIO(book(B3="甲", C3=217, D4=date(2026, 3, 6), E5=True)), "表.xlsx")
    found = {place(row, column): cell for row, cells in enumerate(sheet.rows) for column, cell in enumerate(cells)}
    assert {at: cell for at, cell in found.items() if cell != ""} == {
        "B3": "甲",
        "C3": 217.0,
        "D4": date(2026, 3, 6),
        "E5": True,
    }
    assert (sheet.name, sheet.is_visible) == ("表", True)


@pytest.mark.parametrize(("row", "column", "name"), [(0, 0, "A1"), (8, 25, "Z9"), (0, 26, "AA1"), (9, 702, "AAA10")])
def test_cells_have_the_names_people_use(row, column, name):
    assert place(row, column) == name


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (book(A1=1, XFD1048576=1), "表.xlsx", "文件读不出来"),  # would ask for half a terabyte
        (bytes(LARGEST + 1), "表.xlsx", "超过 1 MB"),
        (b"%PDF-1.7\n1 0 obj\n", "表.pdf", "只收 Excel 表格"),
        (book(A1=1)[:-200], "表.xlsx", "文件打不开"),
        (b"", "表.xlsx", "文件是空的"),
    ],
    ids=["last corner", "large", "pdf", "torn", "empty"],
)
def test_what_cannot_be_read_is_refused_and_ends_nothing_else(content, name, sentence):
    with pytest.raises(FileRefused, match=sentence):
        read(io.BytesIO(content), name)
