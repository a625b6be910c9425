"""Workbooks (.xlsx) that people fill in: read with care, because the file may come from anybody.

What it is and that it does not swell is checked first (``files.sniff``); its cells are read by a process of its own
(``reader.py``), limited in memory and time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, BinaryIO

from contracts_app.core.keeping.files import FileKind, FileRefused, Intake, sniff

Cell = str | float | int | bool | date  # every number of a file is a float; an empty cell is ""

LARGEST = 1024 * 1024  # bytes of a file
MOST_ROWS, MOST_COLUMNS = 2_000, 60  # what lies beyond is not looked at
MIME = FileKind.XLSX.mime
TABLES = Intake(
    frozenset({FileKind.XLSX}),
    original="用办公软件打开原件，另存为 .xlsx，或下载模板填好后重新选择",
    plain="另存为 .xlsx",
    smaller="只留要导入的表，另存为 .xlsx",
    without_macros="不带宏的 .xlsx",
)
_PATIENCE = 8  # seconds for one's turn, and again for one file
_PROGRAM = Path(__file__).with_name("reader.py")
_turns = BoundedSemaphore(2)


@dataclass(frozen=True)
class Sheet:
    """One sheet: its rows from the first on, each with its cells from column A on."""

    name: str
    is_visible: bool
    rows: Sequence[Sequence[Cell]]


def read(stream: BinaryIO, filename: str) -> list[Sheet]:
    """The sheets of an uploaded workbook. Raises ``FileRefused`` with what to do instead."""
    content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise FileRefused(f"文件超过 {LARGEST // 1024 // 1024} MB，{TABLES.smaller} 后重新选择。")
    stream.seek(0)
    sniff(stream, filename, TABLES)
    return [
        Sheet(name, visible, [[_cell(cell) for cell in row] for row in rows]) for name, visible, rows in _cells(content)
    ]


def place(row: int, column: int) -> str:
    """A cell as people call it, both counted from 0: (8, 3) is D9."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def _cells(content: bytes) -> list[Any]:
    if not _turns.acquire(timeout=_PATIENCE):
        raise FileRefused("正在读别人的表格，过一会儿再上传。")
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_PROGRAM), str(MOST_ROWS), str(MOST_COLUMNS)],
            input=content,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
            env={**os.environ, "RUST_BACKTRACE": "0"},  # nobody reads it, and it takes longer than the file
        )
    except subprocess.TimeoutExpired as late:
        raise FileRefused("文件太复杂，只留要导入的表，另存一份后重新选择。") from late
    finally:
        _turns.release()
    if done.returncode:
        raise FileRefused("文件读不出来，用办公软件打开另存一份 .xlsx 后重新选择。")
    return list(json.loads(done.stdout))


def _cell(plain: Any) -> Cell:
    return date.fromisoformat(plain["day"]) if isinstance(plain, dict) else plain
