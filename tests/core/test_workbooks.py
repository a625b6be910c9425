import io
import zipfile
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


def archived(name, content):
    """A zip file with one thing in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return made.getvalue()


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
        (b"%PDF-1.7\n1 0 obj\n", "表.pdf", "只收 XLSX 文件，用办公软件打开原件，另存为 .xlsx，或下载模板填好"),
        (b"%PDF-1.7\n1 0 obj\n", "表.xlsx", "不是 Excel 表格（xlsx），而是 PDF，用办公软件打开原件"),
        (b"nothing", "表.xlsx", "另存为 .xlsx，或下载模板填好"),
        (b"\xd0\xcf\x11\xe0", "表.xlsx", "去掉密码，另存为 .xlsx 后"),
        (b"\xd0\xcf\x11\xe0", "表.xls", "不收 .xls 文件，打开后另存为 xlsx 后"),
        (b"\xd0\xcf\x11\xe0", "表.doc", "只收 XLSX 文件"),
        (archived("[Content_Types].xml", b"macroEnabled"), "表.xlsx", "另存为不带宏的 .xlsx 后"),
        (archived("x", bytes(2**20)), "表.xlsx", "大得不正常，只留要导入的表，另存为 .xlsx 后"),
        (book(A1=1)[:-200], "表.xlsx", "文件打不开"),
        (b"", "表.xlsx", "文件是空的"),
    ],
)
def test_what_cannot_be_read_is_refused_and_ends_nothing_else(content, name, sentence):
    with pytest.raises(FileRefused) as refused:
        read(io.BytesIO(content), name)
    assert sentence in str(refused.value)
    assert name.endswith("doc") or "PDF 后" not in str(refused.value), "which is not taken here"
