"""Pictures of the pages of a PDF, so that a contract is read beside the form and not downloaded first.

Each page is drawn by a process of its own (``page_renderer.py``) and not under a lock in ours: PDFium is not thread
safe, and it reads what strangers wrote. A file that makes it crash, loop or swell ends that process - limited in memory
and time - and nobody else notices. Starting it costs less than drawing a page. Nothing is kept: browsers keep pictures
by their hash, so a page is drawn once for each reader and no folder grows.
"""

import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore
from typing import BinaryIO

from contracts_app.core.words import Word

PAGE_WIDTH, THUMB_WIDTH = 900, 120  # pixels
MOST_PAGES = 500  # of a document that is shown page by page
AT_ONCE = 2  # processes, however many people read
_PATIENCE = 5  # seconds for one's turn, and again for one page: together less than a database waits for a writer
_PROGRAM = Path(__file__).with_name("page_renderer.py")
_turns = BoundedSemaphore(AT_ONCE)


class Unreadable(Word):
    """Why the pages of a file cannot be shown."""

    DAMAGED = "damaged", "文件已损坏或没有传完整，不能在页面上显示，下载后用阅读软件打开"
    LOCKED = "locked", "文件加了密码，不能在页面上显示，下载后用密码打开"
    EXHAUSTING = "exhausting", "文件太复杂，不能在页面上显示，下载后用阅读软件打开"


# What the exit status of the program says; a signal, or memory that ran out, is any other.
_ENDS = {3: Unreadable.DAMAGED, 4: Unreadable.LOCKED}
_NO_SUCH_PAGE = 5


class NotShown(Exception):
    """No picture can be had; the reason tells why."""

    def __init__(self, reason: Unreadable) -> None:
        super().__init__(reason.label)
        self.reason = reason


class TooBusy(Exception):
    """Others are waiting for their pages already; the same question may be asked again."""


def count_pages(content: BinaryIO) -> int:
    """How many pages a PDF has. Raises ``NotShown``, ``TooBusy``."""
    return int(_run(content, "count"))


def draw_page(content: BinaryIO, number: int, width: int) -> bytes:
    """A page, counted from 1, as a PNG. Raises ``IndexError`` if there is none, ``NotShown``, ``TooBusy``."""
    return _run(content, "draw", str(number), str(width))


def _run(content: BinaryIO, *arguments: str) -> bytes:
    if not _turns.acquire(timeout=_PATIENCE):
        raise TooBusy
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_PROGRAM), *arguments],
            input=content.read(),
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise NotShown(Unreadable.EXHAUSTING) from late
    finally:
        _turns.release()
    if done.returncode == _NO_SUCH_PAGE:
        raise IndexError
    if done.returncode:
        raise NotShown(_ENDS.get(done.returncode, Unreadable.EXHAUSTING))
    return done.stdout
