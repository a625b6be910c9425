"""Papers as Word files, for an office that words or seals its notices itself.

The library is imported where it is used: it takes longer to load than a start has, and few papers are of Word.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, assert_never

from .blocks import Block, Boxes, Facts, Heading, Line, Long, Note, Sheet, Signature, Table, Words

if TYPE_CHECKING:
    from docx.document import Document as WordFile

BODY, HEADING = "宋体", "黑体"
WIDTH = 15.8  # cm between the margins
LABEL = 3.0  # cm


def word_file(sheet: Sheet) -> bytes:
    """The paper as a .docx, block by block."""
    from docx import Document
    from docx.shared import Cm

    file = Document()
    section = file.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm((21 - WIDTH) / 2)
    file.core_properties.title = sheet.title
    file.core_properties.author = _writable(sheet.office)[:255]  # python-docx takes no more
    _line(file, sheet.office, size=14, font=HEADING, middle=True)
    _line(file, sheet.title, size=20, font=HEADING, middle=True)
    if sheet.is_demonstration:
        _line(file, "（演示数据，不作依据）", size=10.5, middle=True)
    for number in sheet.numbers:
        _line(file, number, size=10.5)
    for block in sheet.blocks:
        _write(file, block)
    _page_numbers(file)
    out = BytesIO()
    file.save(out)
    return out.getvalue()


def _write(file: WordFile, block: Block) -> None:
    from docx.shared import Pt

    match block:
        case Line(text):
            _line(file, text)
        case Words(text) | Long(text):
            _line(file, text).paragraph_format.first_line_indent = Pt(24)
        case Note(text):
            _line(file, text, size=9)
        case Heading(text):
            _line(file, text, font=HEADING).paragraph_format.keep_with_next = True
        case Facts(rows):
            _facts(file, rows)
        case Table(head, rows, widths):
            share = WIDTH / sum(widths)
            _table(file, [head, *rows], [width * share for width in widths], has_head=True)
        case Signature(who, day):
            _line(file, "").paragraph_format.keep_with_next = True
            _line(file, who, right=True).paragraph_format.keep_with_next = True
            _line(file, day, right=True)
        case Boxes(labels):
            _table(
                file, [[f"{label}（签字）\n\n　年　月　日" for label in labels]], [WIDTH / len(labels)] * len(labels)
            )
        case _:
            assert_never(block)


def _facts(file: WordFile, rows: Sequence[Sequence[str]]) -> None:
    widths = [LABEL, WIDTH / 2 - LABEL] * 2
    table = _table(file, [[*row, "", ""][:4] for row in rows], widths)
    for line, row in zip(table.rows, rows, strict=True):
        if len(row) == 2:
            line.cells[1].merge(line.cells[3])


def _table(file: WordFile, rows: Sequence[Sequence[str]], widths: Sequence[float], *, has_head: bool = False) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm

    table = file.add_table(rows=0, cols=len(widths), style="Table Grid")
    table.autofit = False
    for row in rows:
        for cell, text, width in zip(table.add_row().cells, row, widths, strict=True):
            cell.width = Cm(width)
            _run(cell.paragraphs[0], text, 10.5, BODY)
    if has_head:
        again = OxmlElement("w:tblHeader")  # python-docx has no door to it: the head again on every page
        again.set(qn("w:val"), "true")
        table.rows[0]._tr.get_or_add_trPr().append(again)
    _line(file, "", size=6)
    return table


def _line(
    file: WordFile, words: str, *, size: float = 12, font: str = BODY, middle: bool = False, right: bool = False
) -> Any:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph = file.add_paragraph()
    paragraph.paragraph_format.line_spacing = 1.5
    paragraph.paragraph_format.space_after = Pt(0)
    paragraph.alignment = (
        WD_ALIGN_PARAGRAPH.CENTER if middle else WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT
    )
    _run(paragraph, words, size, font)
    return paragraph


def _run(paragraph: Any, words: str, size: float, font: str) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    run = paragraph.add_run(_writable(words))
    run.font.size = Pt(size)
    run.font.name = "Times New Roman"
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)  # python-docx sets the Latin font only


def _writable(words: str) -> str:
    """Without the control signs that XML cannot hold; Word has or finds fonts for everything else."""
    return "".join(sign for sign in words if sign in "\n\t" or (sign >= " " and sign not in "\ufffe\uffff"))


def _page_numbers(file: WordFile) -> None:
    """第 n 页，共 m 页, counted by Word."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    paragraph = file.sections[0].footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for before, field, after in (("第 ", "PAGE", " 页，"), ("共 ", "NUMPAGES", " 页")):
        _run(paragraph, before, 9, BODY)
        counted = OxmlElement("w:fldSimple")
        counted.set(qn("w:instr"), field)
        paragraph._p.append(counted)
        _run(paragraph, after, 9, BODY)
