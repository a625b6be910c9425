import io
import os
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.core.keeping.files import ACCEPT, FileKind, FileRefused, safe_name, size_label, sniff

MEGABYTE = 1024 * 1024
PDF = b"%PDF-1.7\n1 0 obj\n"
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
EXE = b"MZ\x90\x00" + bytes(60)
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def archive(entries, method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, data in entries.items():
            file.writestr(zipfile.ZipInfo(name), data, method)  # always of 1980, so that a test sees the same bytes
    return content.getvalue()


def office(main_type, **more):
    return archive({"[Content_Types].xml": f'<Types><Override ContentType="{main_type}"/></Types>'} | more)


def kind(content, filename):
    return sniff(io.BytesIO(content), filename)


def refusal(content, filename):
    with pytest.raises(FileRefused) as refused:
        kind(content, filename)
    return str(refused.value)


# --- what a file is ---


@pytest.mark.parametrize(
    ("content", "filename", "expected"),
    [
        (PDF, "合同.pdf", FileKind.PDF),
        (b"\xef\xbb\xbf\r\n" + PDF, "合同.PDF", FileKind.PDF),
        (JPG, "盖章页.jpg", FileKind.JPG),
        (JPG, "盖章页.JPEG", FileKind.JPG),
        (PNG, "照片.png", FileKind.PNG),
        (office(WORD), "合同.docx", FileKind.DOCX),
        (office(EXCEL), "台账.xlsx", FileKind.XLSX),
        (archive({"OFD.xml": "<OFD/>"}), "发票.ofd", FileKind.OFD),
    ],
)
def test_the_kinds_we_take(content, filename, expected):
    assert kind(content, filename) is expected


def test_a_kind_knows_how_to_be_served_and_called():
    assert FileKind.PDF.mime == "application/pdf"
    assert FileKind.JPG.label == "JPG 图片"
    assert FileKind("xlsx") is FileKind.XLSX
    assert ACCEPT == ".pdf,.jpg,.png,.docx,.xlsx,.ofd,.jpeg"


def test_looking_leaves_the_file_at_its_beginning():
    stream = io.BytesIO(office(WORD))
    sniff(stream, "合同.docx")
    assert stream.tell() == 0


@pytest.mark.parametrize(
    ("content", "filename", "says"),
    [
        (b"", "合同.pdf", "文件是空的"),
        (EXE, "合同.pdf", "内容不是 PDF，把原件另存为 PDF"),
        (EXE + PDF, "合同.pdf", "内容不是 PDF"),
        (b"<html><!-- %PDF-1.7 -->", "合同.pdf", "内容不是 PDF"),
        (bytes(1024) + PDF, "合同.pdf", "内容不是 PDF"),
        (JPG, "合同.pdf", "内容不是 PDF，而是 JPG 图片，把扩展名改成 .jpg"),
        (office(WORD), "台账.xlsx", "内容不是 Excel 表格.*而是 Word 文档"),
        (archive({"a.txt": "a"}), "合同.docx", "内容不是 Word 文档"),
        (EXE, "setup.exe", "只收 PDF"),
        (PDF, "合同", "只收 PDF"),
        (PDF, "pdf", "只收 PDF"),
        (b"\xd0\xcf\x11\xe0", "合同.doc", "不收 .doc 文件.*另存为 PDF 或 docx"),
        (b"\xd0\xcf\x11\xe0", "合同.wps", "不收 .wps 文件.*另存为 PDF 或 docx"),
        (b"\xd0\xcf\x11\xe0", "台账.xls", "不收 .xls 文件.*另存为 PDF 或 xlsx"),
        (b"\xd0\xcf\x11\xe0", "合同.docx", "加了密码或是旧版格式"),
        (office("application/vnd.ms-word.document.macroEnabled.main+xml"), "合同.docx", "带有宏"),
    ],
)
def test_what_we_do_not_take_is_refused_with_what_to_do(content, filename, says):
    with pytest.raises(FileRefused, match=says):
        kind(content, filename)


def test_a_file_cut_off_on_the_way_is_noticed():
    whole = office(WORD, **{"word/document.xml": os.urandom(5000)})
    assert "没有传完整或已损坏" in refusal(whole[: len(whole) // 2], "合同.docx")


def test_a_file_with_a_flipped_byte_is_noticed():
    whole = bytearray(archive({"[Content_Types].xml": WORD, "word/document.xml": "甲方" * 100}, zipfile.ZIP_STORED))
    whole[whole.index("甲方".encode())] ^= 1
    assert "没有传完整或已损坏" in refusal(bytes(whole), "合同.docx")


def test_a_zip_bomb_is_refused_by_its_swelling():
    assert "大得不正常" in refusal(office(WORD, bomb=bytes(20 * MEGABYTE)), "合同.docx")


def test_more_than_two_hundred_megabytes_unpacked_are_refused():
    claim = lie(office(WORD, big=os.urandom(3 * MEGABYTE)), "big", 201 * MEGABYTE)
    assert "大得不正常" in refusal(claim, "合同.docx")


def test_an_entry_longer_than_it_says_is_refused():
    assert "已损坏" in refusal(lie(office(WORD, bomb=bytes(20 * MEGABYTE)), "bomb", 10), "合同.docx")


def test_too_many_entries_are_refused():
    many = archive({f"word/{number}.xml": "" for number in range(10_001)}, zipfile.ZIP_STORED)
    assert "大得不正常" in refusal(many, "合同.docx")


def test_an_archive_with_a_password_is_refused():
    content = bytearray(office(WORD))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    assert "去掉密码" in refusal(bytes(content), "合同.docx")


def test_an_archive_packed_another_way_is_refused():
    assert "已损坏" in refusal(archive({"OFD.xml": "<OFD/>"}, zipfile.ZIP_LZMA), "发票.ofd")


@given(st.binary(max_size=200), st.sampled_from([b"", PDF, JPG, b"PK\x03\x04", b"PK\x05\x06"]))
def test_no_content_breaks_the_look(content, front):
    answer(front + content)


@pytest.mark.parametrize("byte", [0, 1, 0x7F, 0x80, 0xFF])
def test_no_damage_to_an_archive_breaks_the_look(byte):
    whole = office(WORD, **{"word/document.xml": "<w:document/>"})
    for place in range(len(whole)):
        answer(whole[:place] + bytes([byte]) + whole[place + 1 :])


def answer(content):
    """A kind or a refusal; anything else raised is a fault of ours."""
    try:
        return kind(content, "合同.docx")
    except FileRefused as refused:
        return refused


def lie(content, name, size):
    """The archive with another unpacked size written into the directory entry of `name`."""
    content = bytearray(content)
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(name.encode()))
    content[entry + 24 : entry + 28] = struct.pack("<I", size)
    return bytes(content)


# --- names and sizes ---


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("技术开发合同（盖章）.pdf", "技术开发合同（盖章）.pdf"),
        ("C:\\桌面\\合同.pdf", "合同.pdf"),
        ("../../etc/passwd", "passwd"),
        ("合同\u202efdp.exe", "合同fdp.exe"),
        ("合\x00同\r\n.pdf", "合同.pdf"),
        ('a<b>:"c|?*.pdf', "a_b___c___.pdf"),
        (" 合同 .pdf ", "合同.pdf"),
        (".pdf", "未命名.pdf"),
        ("..", "未命名"),
        ("", "未命名"),
        ("合同", "合同"),
        ("2026.3.1签订的合同", "2026.3.1签订的合同"),
        ("长" * 200 + ".docx", "长" * 115 + ".docx"),
    ],
)
def test_a_name_is_made_safe_and_keeps_its_characters(filename, shown):
    assert safe_name(filename) == shown


@given(st.text())
def test_every_name_becomes_a_short_plain_one(filename):
    name = safe_name(filename)
    assert 0 < len(name) <= 120
    assert not set(name) & set('/\\<>:"|?*\n\x00')
    assert safe_name(name) == name
    name.encode()


def test_sizes_are_rounded_up():
    assert size_label(1) == "1 KB"
    assert size_label(20 * 1024) == "20 KB"
    assert size_label(MEGABYTE) == "1.0 MB"
    assert size_label(20 * MEGABYTE + 1) == "20.1 MB"
