"""The notices as Word files, for an office that words or seals them itself."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from docx import Document
from docx.document import Document as WordFile
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

BODY, HEADING = "宋体", "黑体"


def notice(code: str, data: dict[str, Any]) -> bytes:
    """The notice with that code (acceptance, correction, refusal), filled with the words of ``data.in_words``."""
    file = Document()
    section = file.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.6)
    title, write = _NOTICES[code]
    file.core_properties.title = title
    file.core_properties.author = data["office"]
    _line(file, data["office"], size=14, font=HEADING, middle=True)
    _line(file, title, size=20, font=HEADING, middle=True)
    if data["is_demonstration"]:
        _line(file, "（演示数据，不作依据）", size=10.5, middle=True)
    _line(file, f"受理号：{data['acceptance_number']}", size=10.5)
    _line(file, f"{data['applicant']}：")
    write(file, data)
    _line(file, "")
    for words in (data["office"], data["dated"]):
        _line(file, words, right=True)
    out = BytesIO()
    file.save(out)
    return out.getvalue()


def _acceptance(file: WordFile, data: dict[str, Any]) -> None:
    _body(
        file,
        f"你单位提交的技术合同《{data['title']}》认定登记申请，材料齐全，本机构于 {data['accepted_on']} 受理。",
        f"办理期限为{data['limit']}，自提交齐全材料之日（{data['submitted_on']}）起计算，至 {data['due_on']} 止。"
        "需要补正的，期限自重新提交之日起重新计算。",
    )
    _table(
        file,
        ["卖方", "买方", "合同类型", "成交额（元）", "技术交易额（元）"],
        [[data["seller"], data["buyer"], data["type"], data["total_amount"], data["technology_amount"]]],
    )


def _correction(file: WordFile, data: dict[str, Any]) -> None:
    _body(
        file,
        f"你单位提交的技术合同《{data['title']}》认定登记申请，经审查，下列各项需要补正。请逐项修改或补充后重新提交。",
    )
    rows = [[str(item["number"]), item["section"], item["request"]] for item in data["items"]]
    _table(file, ["序号", "所在部分", "补正要求"], rows)
    _body(file, "补正期间不计算办理期限，期限自重新提交之日起重新计算。")


def _refusal(file: WordFile, data: dict[str, Any]) -> None:
    _body(
        file,
        f"你单位申请认定登记的技术合同《{data['title']}》（卖方：{data['seller']}，买方：{data['buyer']}），"
        "经初审和复核，不符合技术合同认定登记的条件，决定不予登记。",
        f"理由：{data['refusal_code']} {data['refusal_name']}。",
        f"具体情况：{data['refusal_text']}",
        "对本决定有异议的，可以向本机构书面提出，由未参与本次审核的人员复查；也可以依法申请行政复议。",
    )


_NOTICES: dict[str, tuple[str, Callable[[WordFile, dict[str, Any]], None]]] = {
    "acceptance": ("技术合同认定登记受理通知书", _acceptance),
    "correction": ("技术合同认定登记补正通知书", _correction),
    "refusal": ("技术合同不予登记通知书", _refusal),
}


def _body(file: WordFile, *paragraphs: str) -> None:
    for words in paragraphs:
        _line(file, words).paragraph_format.first_line_indent = Pt(24)


def _line(
    file: WordFile, words: str, *, size: float = 12, font: str = BODY, middle: bool = False, right: bool = False
) -> Any:
    paragraph = file.add_paragraph()
    paragraph.paragraph_format.line_spacing = 1.5
    paragraph.alignment = (
        WD_ALIGN_PARAGRAPH.CENTER if middle else WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT
    )
    _run(paragraph, words, size, font)
    return paragraph


def _run(paragraph: Any, words: str, size: float, font: str) -> None:
    run = paragraph.add_run(words)
    run.font.size = Pt(size)
    run.font.name = "Times New Roman"
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)  # python-docx sets the Latin font only


def _table(file: WordFile, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = file.add_table(rows=1, cols=len(head), style="Table Grid")
    for cells, words in ((table.rows[0].cells, head), *((table.add_row().cells, row) for row in rows)):
        for cell, text in zip(cells, words, strict=True):
            _run(cell.paragraphs[0], text, 10.5, BODY)
