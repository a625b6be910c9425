"""Attachments: what a file really is, and whether we take it. Where they are kept: ``core/keeping/stores.py``."""

import os
import re
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1024 * 1024
_MEGABYTE = 1024 * 1024


class FileRefused(ValueError):
    """A file we do not take; the sentence says what to do with it."""


class FileKind(StrEnum):
    """A kind of file we take; the value is its usual extension, `label` its name, `mime` the type to serve it with."""

    label: str
    mime: str

    def __new__(cls, extension: str, label: str, mime: str) -> "FileKind":
        kind = str.__new__(cls, extension)
        kind._value_ = extension
        kind.label = label
        kind.mime = mime
        return kind

    PDF = "pdf", "PDF", "application/pdf"
    JPG = "jpg", "JPG 图片", "image/jpeg"
    PNG = "png", "PNG 图片", "image/png"
    DOCX = "docx", "Word 文档（docx）", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "xlsx", "Excel 表格（xlsx）", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    OFD = "ofd", "OFD", "application/ofd"


@dataclass(frozen=True)
class Intake:
    """What one place takes, and what to do there with a file that it does not take: no other place's remedy helps."""

    kinds: frozenset[FileKind]
    original: str  # what to do with the original, of which this is no copy we take
    plain: str  # what to do with one that is locked or of an old format
    smaller: str  # … that swells beyond reason when it is unpacked
    without_macros: str  # as what to save one that is a program besides

    @property
    def names(self) -> str:
        """The kinds as people call them: PDF、JPG、PNG."""
        return "、".join(kind.value.upper() for kind in FileKind if kind in self.kinds)


PAPERS = Intake(
    frozenset(FileKind),
    original="把原件另存为 PDF 后重新选择",
    plain="另存为 PDF",
    smaller="另存为 PDF",
    without_macros=" PDF 或不带宏的 docx、xlsx",
)

_KINDS = {kind.value: kind for kind in FileKind} | {"jpeg": FileKind.JPG}
_OLD_OFFICE = {"doc": FileKind.DOCX, "wps": FileKind.DOCX, "xls": FileKind.XLSX, "et": FileKind.XLSX}

# For the `accept` attribute of a file field.
ACCEPT = ",".join(f".{extension}" for extension in _KINDS)


def size_label(size: int) -> str:
    """A size in bytes for people, rounded up: 25.0 MB, 20 KB."""
    if size < _MEGABYTE:
        return f"{-(-size // 1024)} KB"
    tenths = -(-size * 10 // _MEGABYTE)
    return f"{tenths // 10}.{tenths % 10} MB"


def safe_name(filename: str) -> str:
    """A name to show and to download by: no folders, nothing invisible, at most 120 characters, extension kept."""
    last_part = re.split(r"[/\\]", filename)[-1]
    visible = "".join(sign for sign in last_part if unicodedata.category(sign)[0] != "C")
    one_line = " ".join(unicodedata.normalize("NFC", visible).split())
    shown = re.sub(r'[<>:"|?*]', "_", one_line).rstrip(" .")
    stem, ending = _FILE_NAME.fullmatch(shown).groups("")  # type: ignore[union-attr]  # any line matches
    return (stem.strip(" .")[: _LONGEST_NAME - len(ending)].rstrip(" .") or "未命名") + ending


_LONGEST_NAME = 120
_FILE_NAME = re.compile(r"(.*?)(\.[^. ]{1,10})?")


# --- what a file is ---


def sniff(stream: BinaryIO, filename: str, intake: Intake = PAPERS) -> FileKind:
    """The kind of a file whose content agrees with its name, where a place takes it; else FileRefused.

    Leaves the stream at its beginning.
    """
    stream.seek(0)
    try:
        return _kind_of(stream, Path(safe_name(filename)).suffix[1:].lower(), intake)
    finally:
        stream.seek(0)


def _kind_of(stream: BinaryIO, extension: str, intake: Intake) -> FileKind:
    head = stream.read(1024)
    if not head:
        raise FileRefused("文件是空的，打开原件确认有内容后重新选择。")
    named = _kind_by_name(extension, intake)
    actual = _kind_by_content(stream, head, intake)
    if actual is None and head.startswith(b"\xd0\xcf\x11\xe0") and named in (FileKind.DOCX, FileKind.XLSX):
        raise FileRefused(f"文件加了密码或是旧版格式，去掉密码，{intake.plain} 后重新选择。")
    if actual is None:
        raise FileRefused(f"内容不是 {named.label}，{intake.original}。")
    if actual not in intake.kinds:
        raise FileRefused(f"内容不是 {named.label}，而是 {actual.label}，{intake.original}。")
    if actual is not named:
        raise FileRefused(f"内容不是 {named.label}，而是 {actual.label}，把扩展名改成 .{actual} 后重新选择。")
    return actual


def _kind_by_name(extension: str, intake: Intake) -> FileKind:
    newer = _OLD_OFFICE.get(extension)
    if newer in intake.kinds:
        other = "PDF 或 " if FileKind.PDF in intake.kinds else ""
        raise FileRefused(f"不收 .{extension} 文件，打开后另存为 {other}{newer} 后重新选择。")
    if _KINDS.get(extension) not in intake.kinds:
        raise FileRefused(f"只收 {intake.names} 文件，{intake.original}。")
    return _KINDS[extension]


def _kind_by_content(stream: BinaryIO, head: bytes, intake: Intake) -> FileKind | None:
    if head.startswith(b"\xff\xd8\xff"):
        return FileKind.JPG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileKind.PNG
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_archive(stream, intake)
    # ISO 32000-1 Annex H lets anything stand before the header; a program or a web page there is no accident.
    if b"%PDF-" in head and not head.startswith((b"MZ", b"\x7fELF", b"GIF8")) and not head.lstrip().startswith(b"<"):
        return FileKind.PDF
    return None


# --- archives: docx, xlsx and ofd are zip files ---

_MOST_ENTRIES = 10_000
_MOST_UNPACKED = 200 * _MEGABYTE
_MOST_SWELLING = 100
_WORD = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_EXCEL = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_DAMAGED = "文件打不开，可能没有传完整或已损坏，用办公软件打开另存一份后重新选择。"
# What `zipfile` is seen to raise, or may by its source, on archives with flipped bytes; ValueError is a negative seek.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
)


def _kind_of_archive(stream: BinaryIO, intake: Intake) -> FileKind | None:
    oversized = f"文件解开后大得不正常，{intake.smaller} 后重新选择。"
    if _directory_marks(stream) > _MOST_ENTRIES:
        raise FileRefused(oversized)
    try:
        with zipfile.ZipFile(stream) as archive:
            _refuse_bomb(archive.infolist(), oversized, packed=stream.seek(0, os.SEEK_END))
            for entry in archive.infolist():
                _read_through(archive, entry)
            return _kind_by_entries(archive, intake)
    except FileRefused:
        raise
    except _DAMAGE as wrong:
        raise FileRefused(_DAMAGED) from wrong


def _directory_marks(stream: BinaryIO) -> int:
    """At least as many as there are entries, known before `zipfile` makes an object of each."""
    stream.seek(0)
    marks, tail = 0, b""
    while chunk := stream.read(_CHUNK):
        marks += (tail + chunk).count(b"PK\x01\x02")
        tail = chunk[-3:]
    return marks


def _refuse_bomb(entries: list[zipfile.ZipInfo], oversized: str, *, packed: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > _MOST_UNPACKED or unpacked > packed * _MOST_SWELLING:
        raise FileRefused(oversized)
    if sum(entry.compress_size for entry in entries) > packed:
        raise FileRefused(_DAMAGED)
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise FileRefused("文件加了密码，去掉密码后重新选择。")
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise FileRefused(_DAMAGED)


def _read_through(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Unpacks one entry to nowhere: its checksum must hold and it may not be longer than it says."""
    declared = entry.file_size
    entry.file_size = declared + 1  # the reader stops there, so a lying entry shows itself by one byte
    with archive.open(entry) as content:
        actual = sum(len(chunk) for chunk in iter(lambda: content.read(_CHUNK), b""))
    entry.file_size = declared
    if actual != declared:
        raise FileRefused(_DAMAGED)


def _kind_by_entries(archive: zipfile.ZipFile, intake: Intake) -> FileKind | None:
    names = set(archive.namelist())
    if names & {"OFD.xml", "/OFD.xml"}:
        return FileKind.OFD
    types = archive.read("[Content_Types].xml") if "[Content_Types].xml" in names else b""
    if b"macroEnabled" in types:
        raise FileRefused(f"文件带有宏，另存为{intake.without_macros} 后重新选择。")
    if _WORD in types:
        return FileKind.DOCX
    return FileKind.XLSX if _EXCEL in types else None
